package import MMCore
package import MMIdentity

/// The tenant's host names at services where any customer can get one: the names found in the services' answers to the
/// tenant's own requests, and the names that a person has allowed.
package final class TenantHosts: Sendable {
    private static let most = 10_000
    /// The size limit of an answer that is read; pages of lists are smaller.
    static let maxAnswerBytes = 8 << 20
    private let names = Mutex<Set<String>>([])
    private let storage: [String]
    private let vault: String?

    /// Creates a set without names.
    init(cloud: [CloudHost] = []) {
        storage = cloud.filter { $0.service == .storage }.map(\.name)
        vault = cloud.first { $0.service == .resource(.keyVault) && $0.isRentable }?.name
    }

    /// Returns whether a name is known.
    func contains(_ host: String) -> Bool { names.withLock { $0.contains(host) } }

    /// Adds a host that a person has allowed.
    func admit(_ host: String) {
        names.withLock { names in
            if names.count < Self.most { names.insert(host.lowercased()) }
        }
    }

    /// Returns whether an answer of this service may name hosts of the tenant: a list of resources or environments.
    static func mayName(_ place: EgressPlace, method: String, target: String) -> Bool {
        guard method == "GET" else { return false }
        let path = target.prefix { $0 != "?" }.lowercased()
        return place.services.contains { service in
            switch service {
            case .resource(.arm):
                path.hasSuffix("/resources") || path.contains("/microsoft.storage/storageaccounts")
                    || path.contains("/microsoft.keyvault/vaults")
            case .resource(.bap), .resource(.powerApps), .resource(.powerPlatform): path.contains("/environments")
            case .dataverse: place.host.hasPrefix("globaldisco.") && path.contains("/instances")
            default: false
            }
        }
    }

    /// Adds the names in a service's answer to the tenant's own token. It reads only each resource's type and id, which
    /// only the service can write, never values that a user could set.
    func learn(from body: [UInt8]) {
        let limits = JSONLimits(bytes: Self.maxAnswerBytes, depth: 64)
        guard let object = (try? JSONParser.parse(body, limits: limits))?.object else { return }
        for item in object["value"]?.array ?? [.object(object)] {
            guard let item = item.object else { continue }
            for host in resource(item) + environment(item) { admit(host) }
        }
    }

    /// Returns the hosts of an Azure resource, `…/providers/TYPE/NAME`, by its type and name.
    private func resource(_ item: JSONObject) -> [String] {
        guard let id = item["id"]?.string?.lowercased(), let type = item["type"]?.string?.lowercased(),
            let name = item["name"]?.string?.lowercased(), id.hasPrefix("/subscriptions/"),
            id.hasSuffix("/providers/\(type)/\(name)"),
            name.utf8.allSatisfy({ (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D })
        else { return [] }
        return switch type {
        case "microsoft.storage/storageaccounts": storage.map { "\(name).\($0)" }
        case "microsoft.keyvault/vaults": vault.map { ["\(name).\($0)"] } ?? []
        default: []
        }
    }

    /// Returns the hosts of a Power Platform environment, or of an organization as Dataverse lists it.
    private func environment(_ item: JSONObject) -> [String] {
        let isEnvironment = item["type"]?.string?.lowercased().hasSuffix("/environments") == true
        let linked = item["properties"]?.object?["linkedEnvironmentMetadata"]?.object
        let isInstance = item["UniqueName"]?.string != nil && item["TenantId"]?.string != nil
        let addresses =
            isEnvironment
            ? [linked?["instanceUrl"], linked?["instanceApiUrl"]] : isInstance ? [item["Url"], item["ApiUrl"]] : []
        return addresses.compactMap { $0?.string.flatMap { WebAddress($0)?.host.lowercased() } }
    }
}

/// A host that a session may reach.
package struct EgressPlace: Sendable, Hashable {
    /// The service at this host; `nil` for a host that the owner listed.
    package let service: CloudHost.Service?
    /// All services at this host, since some share one.
    package let services: [CloudHost.Service]
    /// Whether one of them is the sign-in service, whose answers contain tokens.
    package let issuesTokens: Bool
    /// The host.
    package let host: String
    /// The port.
    package let port: UInt16
    /// Whether it is reached over TLS.
    package let isSecure: Bool
    /// The audiences of the tokens that the host accepts.
    package let audiences: Set<String>
    /// Whether any customer can get a host name of this kind, so that another tenant may read what is sent to it.
    package let isOpenToStrangers: Bool

    /// The party that reads what is sent to the host.
    package let owner: Owner

    /// The address that answers instead of this one; `nil` if requests go to the host itself.
    var standIn: String?

    /// Returns a target as it is judged and sent. Microsoft Graph's Python client writes two slashes after the version,
    /// which servers could otherwise read differently from the judge.
    func spelled(_ target: String) -> String {
        guard service == .resource(.graph), target.hasPrefix("/"),
            let end = target.dropFirst().firstIndex(where: { $0 == "/" || $0 == "?" }), target[end] == "/",
            end > target.index(after: target.startIndex)
        else { return target }
        let rest = target[end...].drop { $0 == "/" }
        return "\(target[..<end])/\(rest)"
    }

    /// The party that reads what is sent to a host.
    package enum Owner: Sendable, Hashable {
        /// A service of the cloud, for all its tenants.
        case service
        /// An owner known from the tenant's own answers, from a person's consent or from the connection's settings.
        case named
        /// An unknown customer: any customer can get such a name, and none of those sources has named this one.
        case unknown
    }

    /// Whether requests are sent over TLS.
    var isSentSecurely: Bool { standIn.map { $0.hasPrefix("https://") } ?? isSecure }

    /// The origin that requests are sent to: `https://host`, with the port unless it is the scheme's default.
    package var origin: String { standIn ?? ownOrigin }

    /// The origin that was requested, which is judged, confirmed and recorded. One stand-in address may serve hosts of
    /// many customers.
    package var ownOrigin: String {
        let scheme = isSecure ? "https" : "http"
        return port == (isSecure ? 443 : 80) ? "\(scheme)://\(host)" : "\(scheme)://\(host):\(port)"
    }

    /// Returns a text of the service for its client, with the stand-in's address replaced by the requested one.
    package func shown(_ text: String) -> String {
        standIn.map { AddressRewriter.whole(text, $0, to: ownOrigin) } ?? text
    }

    /// Returns whether a `Host` header names this place.
    func isNamed(by header: String) -> Bool {
        guard let name = PlainHostName(header), name.host == host else { return false }
        return (name.port ?? (isSecure ? 443 : 80)) == port
    }

    /// Returns whether a token of this audience may be sent here.
    package func accepts(audience: String) -> Bool {
        let audience = CloudHost.audience(audience)
        return audiences.contains(audience) || (service == .dataverse && audience == CloudHost.audience(ownOrigin))
    }
}

/// The hosts that a session may reach: only those of its connection's cloud and tenant, and those that the owner lists.
package struct EgressHosts: Sendable {
    private let cloud: [CloudHost]
    private let listed: [HostPattern]
    /// The audiences of the tokens that listed hosts accept, by the host's origin.
    private let apis: [String: Set<String>]
    /// Whether listed hosts are also reached by plain HTTP, at ports that the owner wrote.
    private let allowsPlainHTTP: Bool
    /// A sentence that says which hosts are allowed, and how the owner can add one.
    private let rule: String
    /// The cloud that answers at the addresses of another one.
    private let standIn: StandIn?
    /// The tenant's names at services where any customer can get one.
    let tenant: TenantHosts

    /// Creates the hosts of a connection.
    /// - Parameters:
    ///   - cloud: its cloud.
    ///   - sharePoint: the tenant's name in SharePoint, if it is known.
    ///   - allow: the names that the owner added (`egress.allow`), each with a port if it isn't 443.
    ///   - apis: the APIs whose tokens the owner lets their hosts have, once these are allowed.
    ///   - standIn: the cloud that answers at the addresses of another one.
    package init(
        cloud: Cloud, sharePoint: String? = nil, allow: [PlainHostName] = [], apis: [ConnectionAPI] = [],
        standIn: StandIn? = nil
    ) {
        self.standIn = standIn
        self.cloud = cloud.hosts(sharePoint: sharePoint)
        tenant = TenantHosts(cloud: self.cloud)
        listed = allow.map { HostPattern($0) }
        self.apis = apis.reduce(into: [:]) { found, api in
            guard let address = api.address else { return }
            found[address, default: []].insert(CloudHost.audience(api.audience))
        }
        allowsPlainHTTP = false
        rule =
            "Sessions can reach the services of their connection's cloud and tenant; "
            + "the owner can add hosts with egress.allow."
    }

    /// Creates hosts from a list only. None of them is a service that gets the connection's tokens.
    /// - Parameters:
    ///   - listed: the hosts that the owner lists.
    ///   - rule: a sentence that says which hosts are allowed, and how the owner can add one.
    package init(listed: [HostPattern], rule: String) {
        cloud = []
        standIn = nil
        tenant = TenantHosts()
        self.listed = listed
        apis = [:]
        allowsPlainHTTP = true
        self.rule = rule
    }

    /// Returns why a host can't be reached, and what to do.
    func refusal(of name: PlainHostName) -> String { "The session is not allowed to reach \(name). \(rule)" }

    /// Returns the place for a name; `nil` for a host that the session may not reach.
    /// - Parameters:
    ///   - name: the requested name.
    ///   - isSecure: whether it was requested over TLS.
    package func place(_ name: PlainHostName, isSecure: Bool) -> EgressPlace? {
        let port = name.port ?? (isSecure ? 443 : 80)
        let rows = cloud.filter { $0.covers(host: name.host, port: port, isSecure: isSecure) }
        if let first = rows.first {
            // Services may share a host, as all services of the sandbox do.
            let row = rows.first { $0.service != .signIn } ?? first
            let isRented = rows.allSatisfy(\.isRentable)
            let isNamed = !isRented || tenant.contains(name.host) || isListed(name.host, port, isSecure)
            return EgressPlace(
                service: row.service, services: rows.map(\.service),
                issuesTokens: rows.contains { $0.service == .signIn }, host: name.host, port: port,
                isSecure: isSecure,
                audiences: rows.reduce(into: []) { $0.formUnion($1.audiences) },
                isOpenToStrangers: rows.allSatisfy(\.isPubliclyRegistrable),
                owner: !isRented ? .service : isNamed ? .named : .unknown)
        }
        if let place = standIn?.place(name, port, isSecure: isSecure) { return place }
        guard isListed(name.host, port, isSecure) else { return nil }
        return EgressPlace(
            service: nil, services: [], issuesTokens: false, host: name.host, port: port, isSecure: isSecure,
            audiences: isSecure && port == 443 ? apis["https://" + name.host] ?? [] : [], isOpenToStrangers: true,
            owner: .named)
    }

    private func isListed(_ host: String, _ port: UInt16, _ isSecure: Bool) -> Bool {
        listed.contains { pattern in
            pattern.covers(host: host, port: port) && (isSecure || allowsPlainHTTP && pattern.hasPort)
        }
    }
}

/// A host that an owner lists: a name, or `*.name` for every name below it; with a port where it isn't 443.
package struct HostPattern: Sendable, Hashable, CustomStringConvertible {
    private let name: PlainHostName
    private let coversBelow: Bool

    /// Creates a pattern for one host.
    fileprivate init(_ name: PlainHostName) {
        self.name = name
        coversBelow = false
    }

    /// Reads a pattern: a plain name, or `*.` before a name of at least two parts. Returns `nil` for any other text.
    package init?(_ text: String) {
        coversBelow = text.hasPrefix("*.")
        guard let name = PlainHostName(coversBelow ? text.dropFirst(2) : text[...]) else { return nil }
        if coversBelow, name.isAddress || !name.host.utf8.contains(UInt8(ascii: ".")) { return nil }
        self.name = name
    }

    /// The pattern as it is written.
    package var description: String { (coversBelow ? "*." : "") + name.description }

    /// Whether its owner wrote a port.
    var hasPort: Bool { name.port != nil }

    /// Returns whether it covers a host and port.
    func covers(host: String, port: UInt16) -> Bool {
        guard (name.port ?? 443) == port else { return false }
        return coversBelow ? host.hasSuffix("." + name.host) : host == name.host
    }
}
