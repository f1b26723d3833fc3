package import MMCore
internal import MMHTTP

/// A tenant as described by the public documents of the sign-in services.
package struct DiscoveredTenant: Sendable, Hashable {
    /// The cloud of the tenant.
    package let cloud: Cloud
    /// The tenant's id.
    package let id: String
    /// The domain by which the tenant was found; `nil` if it was found by its id.
    package let domain: String?
    /// The organisation's name on its sign-in page; `nil` where the page has none.
    package let brand: String?
}

extension IdentityService {
    /// Finds the cloud, the id and the name of a tenant, without signing in.
    ///
    /// It asks the sign-in services for the tenant's OpenID configuration, one cloud after the other, and for the realm
    /// of its domain. A sandbox that runs on this machine comes first: it knows no tenant but its own.
    /// - Parameters:
    ///   - tenant: a domain or a tenant id.
    ///   - name: the cloud, where it is known.
    ///   - deadline: when to give up.
    /// - Throws: `.invalidInput` for what is neither a domain nor an id; `.notFound` for a tenant that no cloud knows;
    ///   network errors.
    package nonisolated func discover(
        _ tenant: String, in name: String? = nil, deadline: Deadline = .after(.seconds(60))
    ) async throws(MMError) -> DiscoveredTenant {
        var clouds: [Cloud] = []
        if let name {
            clouds = [try Cloud.named(name, paths: paths, environment: environment)]
        } else {
            if let sandbox = try? Cloud.named("sandbox", paths: paths, environment: environment) {
                clouds.append(sandbox)
            }
            for name in ["public", "gcchigh", "china"] {
                clouds.append(try Cloud.named(name, paths: paths, environment: environment))
            }
        }
        for cloud in clouds {
            let authority = try Authority(cloud: cloud, tenant: tenant)
            guard let found = try await configuration(of: authority, deadline), let id = Self.tenantID(found) else {
                continue
            }
            let domain = GUID.isValid(tenant) ? nil : authority.tenant
            let place = name == nil ? try Self.place(found, foundIn: cloud, paths, environment) : cloud
            return DiscoveredTenant(
                cloud: place, id: id, domain: domain, brand: await brand(of: domain, in: place, deadline))
        }
        let asked = clouds.map(\.name).joined(separator: ", ")
        throw MMError(
            .notFound, "The tenant '\(tenant.prefix(120))' was not found (searched: \(asked)).",
            hint: "Check the spelling; use a domain of the organisation or its tenant ID"
                + (name == nil ? "." : ", or leave out --cloud to search every cloud."),
            details: ["field": "tenant"])
    }

    /// Whether a browser can be opened here for a person to sign in.
    package nonisolated var hasBrowser: Bool { BrowserOpener(environment: environment).isThere }

    /// Returns the tenant's OpenID configuration (OpenID Connect Discovery, section 4); `nil` where the service doesn't
    /// know the tenant.
    private nonisolated func configuration(
        of authority: Authority, _ deadline: Deadline
    ) async throws(MMError) -> JSONObject? {
        let url = authority.cloud.openIDConfiguration(of: authority.tenant)
        let response: HTTPResponse
        do throws(HTTPError) {
            response = try await get(url, authority.cloud, deadline)
        } catch {
            throw error.mmError(for: "Asking the sign-in service of the cloud \(authority.cloud.name)")
        }
        let body = (try? JSONParser.parse(response.body, limits: JSONLimits(bytes: 1 << 20, depth: 32)))?.object
        switch response.status {
        case 200:
            guard let body else { throw Self.unreadable(response, url) }
            return body
        case 400..<500 where body?["error"] != nil: return nil
        default: throw Self.unreadable(response, url)
        }
    }

    private nonisolated func get(_ url: String, _ cloud: Cloud, _ deadline: Deadline) async throws(HTTPError)
        -> HTTPResponse
    {
        var headers = ClientHeaders.all
        headers.set("Accept", "application/json")
        return try await transport.send(
            HTTPRequest(
                url: url, headers: headers, timeout: min(.seconds(20), max(deadline.remaining, .milliseconds(1))),
                maxResponseBytes: 1 << 20, allowsPlainHTTP: cloud.login.hasPrefix("http:")))
    }

    private static func unreadable(_ response: HTTPResponse, _ url: String) -> MMError {
        MMError(
            .remoteFailed,
            "The server at \(WebAddress(url)?.origin ?? url) is not a sign-in service: HTTP \(response.status).",
            hint: "A proxy or a captive portal may be in between: check HTTPS_PROXY and NO_PROXY.",
            retry: .after(.seconds(30)), details: ["status": .int(Int64(response.status))])
    }

    /// Returns the tenant's id, taken from its issuer or its token endpoint.
    private static func tenantID(_ configuration: JSONObject) -> String? {
        for name in ["issuer", "token_endpoint"] {
            guard let address = configuration[name]?.string.flatMap(WebAddress.init) else { continue }
            if let id = address.pathAndQuery.split(separator: "/").first.map(String.init), GUID.isValid(id) {
                return id.lowercased()
            }
        }
        return nil
    }

    /// Returns the cloud that a configuration names. The service of one cloud also knows tenants of others, and the
    /// tenants of GCC live in the public directory.
    private static func place(
        _ configuration: JSONObject, foundIn cloud: Cloud, _ paths: StatePaths, _ environment: [String: String]
    ) throws(MMError) -> Cloud {
        guard cloud.name != "sandbox" else { return cloud }
        let instance = configuration["cloud_instance_name"]?.string?.lowercased() ?? ""
        let name: String
        switch (instance, configuration["tenant_region_sub_scope"]?.string?.uppercased()) {
        case (_, "DOD"): name = "dod"
        case (_, "DODCON"), ("microsoftonline.us", _): name = "gcchigh"
        case (_, "GCC"): name = "gcc"
        case ("partner.microsoftonline.cn", _), ("microsoftonline.cn", _), ("chinacloudapi.cn", _): name = "china"
        default: return cloud
        }
        return try Cloud.named(name, paths: paths, environment: environment)
    }

    /// Returns the organisation's name on the sign-in page of a domain. A failure only costs the name, so it isn't
    /// reported.
    private nonisolated func brand(of domain: String?, in cloud: Cloud, _ deadline: Deadline) async -> String? {
        guard let domain else { return nil }
        let url = "\(cloud.login)/getuserrealm.srf?login=nobody%40\(domain)&json=1"
        guard let response = try? await get(url, cloud, deadline), response.status == 200,
            let body = try? JSONParser.parse(response.body, limits: JSONLimits(bytes: 1 << 20, depth: 32)),
            let brand = body["FederationBrandName"]?.string
        else { return nil }
        let name = String(VisibleText.exact(brand).prefix(100))
        return name.allSatisfy(\.isWhitespace) ? nil : name
    }
}
