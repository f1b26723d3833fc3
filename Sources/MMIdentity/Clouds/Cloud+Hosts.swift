internal import MMCore

extension Cloud {
    /// Returns all hosts that the services of this cloud and tenant use, with the tokens that they accept.
    ///
    /// The hosts in the cloud's table come first, followed by others that its modules use.
    /// - Parameter sharePoint: the tenant's name in SharePoint (`contoso` in `contoso.sharepoint.com`), if known.
    package func hosts(sharePoint: String?) -> [CloudHost] {
        var hosts: [CloudHost] = []
        func add(_ service: CloudHost.Service, _ address: String, _ audiences: [String] = []) {
            guard let address = WebAddress(address) else { return }
            hosts.append(
                CloudHost(
                    service, address.host, isSecure: address.scheme == "https", port: address.port, audiences: audiences
                ))
        }
        add(.signIn, login)
        for alias in loginAliases { add(.signIn, "https://" + alias) }
        for resource in ServiceResource.plain {
            guard let base = base(of: resource) else { continue }
            add(.resource(resource), base, audiences(of: resource))
            guard name != "sandbox", let host = WebAddress(base)?.host else { continue }
            switch resource {
            case .flow, .powerApps, .bap, .powerPlatform, .compliance:
                // Regional hosts are subdomains of the service's own.
                hosts.append(CloudHost(.resource(resource), host, .subdomains, audiences: audiences(of: resource)))
            case .keyVault:
                hosts.append(
                    CloudHost(.resource(resource), host, .directSubdomains, audiences: audiences(of: resource)))
            case .graph, .arm, .exchange, .teams, .sharePoint, .api: break
            }
        }
        for label in sharePoint.map({ [$0, $0 + "-admin", $0 + "-my"] }) ?? [] {
            let resource = ServiceResource.sharePoint(label)
            if let base = base(of: resource) { add(.resource(resource), base, audiences(of: resource)) }
        }
        let extra = Self.furtherHosts[name] ?? FurtherHosts()
        for host in extra.exchange { add(.resource(.exchange), "https://" + host, audiences(of: .exchange)) }
        for host in extra.teams {
            add(.resource(.teams), "https://" + host, audiences(of: .teams))
            hosts.append(CloudHost(.resource(.teams), host, .subdomains, audiences: audiences(of: .teams)))
        }
        for kind in extra.storage.isEmpty ? [] : ["blob", "file", "queue", "table", "dfs"] {
            hosts.append(
                CloudHost(
                    .storage, "\(kind).\(extra.storage)", .directSubdomains, audiences: ["https://storage.azure.com"]))
        }
        for name in extra.dataverse {
            hosts.append(CloudHost(.dataverse, name, .subdomains))
            // The list of a person's organizations, which everybody asks.
            let root = name == "dynamics.com" ? "crm.dynamics.com" : name
            hosts.append(CloudHost(.dataverse, "globaldisco." + root))
        }
        guard name != "sandbox" else { return hosts }
        hosts.append(CloudHost(.contents, "svc.ms", .subdomains))
        // Its pages and its package downloads.
        add(.gallery, "https://www.powershellgallery.com")
        add(.gallery, "https://cdn.powershellgallery.com")
        add(.gallery, "https://psg-prod-eastus.azureedge.net")
        return hosts
    }

    /// Returns the resource whose tokens carry an audience, as given by `audience(of:)`.
    package func resource(withAudience text: String) -> ServiceResource? {
        let wanted = CloudHost.audience(text)
        if let found = ServiceResource.plain.first(where: { audience(of: $0).map(CloudHost.audience) == wanted }) {
            return found
        }
        if name == "sandbox", wanted == CloudHost.audience(login) { return .sharePoint("sandbox") }
        guard !sharePointDomain.isEmpty, let host = WebAddress(wanted)?.host,
            host.hasSuffix("." + sharePointDomain)
        else { return nil }
        let resource = ServiceResource.sharePoint(String(host.dropLast(sharePointDomain.utf8.count + 1)))
        return audience(of: resource).map(CloudHost.audience) == wanted ? resource : nil
    }

    /// Returns whether a token with this audience is valid for a resource.
    func takes(audience text: String, for resource: ServiceResource) -> Bool {
        let wanted = CloudHost.audience(text)
        if audiences(of: resource).contains(where: { CloudHost.audience($0) == wanted }) { return true }
        // Tokens of version 2 carry the id of an API's app, whatever name the API has; never that of a known service.
        guard case .api(let api) = resource, api.audience.lowercased().hasPrefix("api://"), GUID.isValid(wanted) else {
            return false
        }
        return !ServiceResource.plain.contains { audiences(of: $0).contains(wanted) }
    }

    /// Returns another cloud whose services are at an API's host; `nil` if there is none.
    func otherCloud(of api: ConnectionAPI) -> String? {
        guard name != "sandbox", let host = api.address.flatMap({ WebAddress($0)?.host }) else { return nil }
        func holds(_ cloud: Cloud) -> Bool {
            cloud.hosts(sharePoint: nil).contains { $0.covers(host: host, port: 443, isSecure: true) }
        }
        return holds(self) ? nil : Self.names.first { Self.table[$0].map(holds) == true }
    }

    /// Returns the audiences of a service's tokens: URLs, and the ids of the service's app, which some tokens carry.
    private func audiences(of resource: ServiceResource) -> [String] {
        var found = [audience(of: resource)].compactMap(\.self)
        // In the sandbox one address serves all services.
        if name == "sandbox", let base = base(of: resource) { found.append(base) }
        switch resource {
        case .graph: found.append("00000003-0000-0000-c000-000000000000")
        case .flow: found.append("7df0a125-d3be-4c96-aa54-591f83ff541c")
        case .arm: found += ["797f4846-ba00-4fd7-ba43-dac1f8f63013"] + (Self.furtherHosts[name]?.armAudiences ?? [])
        case .exchange:
            found.append("00000002-0000-0ff1-ce00-000000000000")
            found += (Self.furtherHosts[name]?.exchange ?? []).map { "https://" + $0 }
        case .compliance: found.append("00000007-0000-0ff1-ce00-000000000000")
        case .powerApps, .bap: found.append("475226c6-020e-4fb2-8a90-7a972cbfc1d4")
        case .powerPlatform: found.append("8578e004-a5c6-46e7-913e-12f58912df43")
        case .teams: found.append(Self.teamsAudience)
        case .keyVault: found.append("cfa8b339-82a2-471a-a3c9-0fc0be7a4093")
        case .sharePoint: found.append("00000003-0000-0ff1-ce00-000000000000")
        case .api: break
        }
        return found
    }

    /// Host names and audiences that the services' modules use in addition to the service's own address.
    private struct FurtherHosts {
        var exchange: [String] = []
        var teams: [String] = []
        var storage = ""
        var dataverse: [String] = []
        var armAudiences: [String] = []
    }

    private static let furtherHosts: [String: FurtherHosts] = [
        "public": publicHosts, "gcc": publicHosts,
        "gcchigh": FurtherHosts(
            exchange: ["outlook.office365.us"], teams: ["gov.teams.microsoft.us"], storage: "core.usgovcloudapi.net",
            dataverse: ["crm.microsoftdynamics.us"],
            armAudiences: ["https://management.core.usgovcloudapi.net"]),
        "dod": FurtherHosts(
            teams: ["dod.teams.microsoft.us"], storage: "core.usgovcloudapi.net",
            dataverse: ["crm.appsplatform.us"],
            armAudiences: ["https://management.core.usgovcloudapi.net"]),
        "china": FurtherHosts(
            storage: "core.chinacloudapi.cn", dataverse: ["crm.dynamics.cn"],
            armAudiences: ["https://management.core.chinacloudapi.cn"]),
    ]
    private static let publicHosts = FurtherHosts(
        exchange: ["outlook.office.com"], teams: ["teams.microsoft.com"], storage: "core.windows.net",
        dataverse: ["dynamics.com"], armAudiences: ["https://management.core.windows.net"])
}
