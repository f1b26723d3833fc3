package import MMCore
package import MMIdentity

/// The names of this tenant at services where anybody can rent one: those that the tenant's own answers have named to the
/// session, and those that a person has said yes to.
package final class TenantHosts: Sendable {
    private static let most = 10_000
    /// More than any page of a list.
    static let maxAnswerBytes = 8 << 20
    private let names = Mutex<Set<String>>([])
    private let storage: [String]
    private let vault: String?

    /// No names yet.
    init(cloud: [CloudHost] = []) {
        storage = cloud.filter { $0.service == .storage }.map(\.name)
        vault = cloud.first { $0.service == .resource(.keyVault) && $0.isRentable }?.name
    }

    /// Whether a name is known.
    func contains(_ host: String) -> Bool { names.withLock { $0.contains(host) } }

    /// A person has admitted a host.
    func admit(_ host: String) {
        names.withLock { names in
            if names.count < Self.most { names.insert(host.lowercased()) }
        }
    }

    /// Whether an answer of this service may name hosts of the tenant: a list of resources or environments.
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

    /// Takes the names from an answer of a service to the tenant's own token: by the type and id of each resource, which the
    /// service alone writes, never from what somebody could put into one.
    func learn(from body: [UInt8]) {
        let limits = JSONLimits(bytes: Self.maxAnswerBytes, depth: 64)
        guard let object = (try? JSONParser.parse(body, limits: limits))?.object else { return }
        for item in object["value"]?.array ?? [.object(object)] {
            guard let item = item.object else { continue }
            for host in resource(item) + environment(item) { admit(host) }
        }
    }

    /// The hosts of a resource of Azure: `…/providers/TYPE/NAME`, with that type and name.
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

    /// The hosts of an environment of the Power Platform, and of an organization as Dataverse lists it.
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
    /// What is served there; nil for a host that the owner listed.
    package let service: CloudHost.Service?
    /// Everything that is served there: some services share a host.
    package let services: [CloudHost.Service]
    /// Whether the sign-in service is among what is served there: its answers hold tokens.
    package let issuesTokens: Bool
    /// The host.
    package let host: String
    /// The port.
    package let port: UInt16
    /// Whether it is reached over TLS.
    package let isSecure: Bool
    /// The audiences of the tokens that it takes.
    package let audiences: Set<String>
    /// Whether everybody can get a name of this kind, so that what is sent there may be sent to a stranger.
    package let isOpenToStrangers: Bool

    /// Who has the host.
    package let owner: Owner

    /// The address that answers in the place of this one; nil where it answers itself.
    var standIn: String?

    /// A target as it is judged and sent. Graph's own client for Python writes two slashes behind the version, which would else be
    /// an address that servers read differently.
    func spelled(_ target: String) -> String {
        guard service == .resource(.graph), target.hasPrefix("/"),
            let end = target.dropFirst().firstIndex(where: { $0 == "/" || $0 == "?" }), target[end] == "/",
            end > target.index(after: target.startIndex)
        else { return target }
        let rest = target[end...].drop { $0 == "/" }
        return "\(target[..<end])/\(rest)"
    }

    /// Who reads what is sent to a host.
    package enum Owner: Sendable, Hashable {
        /// A service of the cloud, for all its tenants.
        case service
        /// Somebody whom the tenant's own answers, a person or the connection's owner has named.
        case named
        /// Anybody: such names are rented, and nothing has named this one.
        case unknown
    }

    /// Whether what is sent there goes over TLS.
    var isSentSecurely: Bool { standIn.map { $0.hasPrefix("https://") } ?? isSecure }

    /// Where requests go: `https://host`, with the port where it is not the scheme's own.
    package var origin: String { standIn ?? ownOrigin }

    /// The same, of what was asked for: what is judged, confirmed and recorded. Many hosts of which each is another
    /// customer's may share one address that stands in for them.
    package var ownOrigin: String {
        let scheme = isSecure ? "https" : "http"
        return port == (isSecure ? 443 : 80) ? "\(scheme)://\(host)" : "\(scheme)://\(host):\(port)"
    }

    /// A text of the service as its client reads it, with the address that was asked in the place of a stand-in's own.
    package func shown(_ text: String) -> String {
        standIn.map { AddressRewriter.whole(text, $0, to: ownOrigin) } ?? text
    }

    /// Whether a `Host` header names this place.
    func isNamed(by header: String) -> Bool {
        guard let name = PlainHostName(header), name.host == host else { return false }
        return (name.port ?? (isSecure ? 443 : 80)) == port
    }

    /// Whether a token of this audience may be sent here.
    package func accepts(audience: String) -> Bool {
        let audience = CloudHost.audience(audience)
        return audiences.contains(audience) || (service == .dataverse && audience == CloudHost.audience(ownOrigin))
    }
}

/// The hosts that a session may reach: those of its connection's cloud and tenant, and those that the owner lists. Nothing else.
package struct EgressHosts: Sendable {
    private let cloud: [CloudHost]
    private let listed: [HostPattern]
    /// Whether listed hosts are also reached by plain HTTP, at ports that the owner wrote.
    private let allowsPlainHTTP: Bool
    /// What a session may reach, and how its owner adds to it.
    private let rule: String
    /// What answers at the addresses of another cloud.
    private let standIn: StandIn?
    /// The names of this tenant where anybody can rent one.
    let tenant: TenantHosts

    /// The hosts of a connection.
    /// - Parameters:
    ///   - cloud: its cloud.
    ///   - sharePoint: the tenant's name in SharePoint, where it is known.
    ///   - allow: what the owner added (`egress.allow`): names, with a port where it is not 443.
    ///   - standIn: what answers at the addresses of another cloud.
    package init(cloud: Cloud, sharePoint: String? = nil, allow: [PlainHostName] = [], standIn: StandIn? = nil) {
        self.standIn = standIn
        self.cloud = cloud.hosts(sharePoint: sharePoint)
        tenant = TenantHosts(cloud: self.cloud)
        listed = allow.map { HostPattern($0) }
        allowsPlainHTTP = false
        rule =
            "It reaches the services of its connection's cloud and tenant; the owner adds others with egress.allow."
    }

    /// The hosts of a list, and no service with tokens of ours.
    /// - Parameters:
    ///   - listed: what the owner lists.
    ///   - rule: a sentence that says what may be reached, and how its owner adds to it.
    package init(listed: [HostPattern], rule: String) {
        cloud = []
        standIn = nil
        tenant = TenantHosts()
        self.listed = listed
        allowsPlainHTTP = true
        self.rule = rule
    }

    /// Why a host can't be reached, and what to do.
    func refusal(of name: PlainHostName) -> String { "The session may not reach \(name). \(rule)" }

    /// The place that a name stands for, or nil for a host that the session may not reach.
    /// - Parameters:
    ///   - name: the name that was asked for.
    ///   - isSecure: whether it was asked for over TLS.
    package func place(_ name: PlainHostName, isSecure: Bool) -> EgressPlace? {
        let port = name.port ?? (isSecure ? 443 : 80)
        let rows = cloud.filter { $0.covers(host: name.host, port: port, isSecure: isSecure) }
        if let first = rows.first {
            // Services may share a host; the sandbox's all do.
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
            audiences: [], isOpenToStrangers: true, owner: .named)
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

    /// One host.
    package init(_ name: PlainHostName) {
        self.name = name
        coversBelow = false
    }

    /// Reads a pattern; nil for anything else than a plain name, or the names below one of at least two parts.
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

    /// Whether it covers a host and port.
    func covers(host: String, port: UInt16) -> Bool {
        guard (name.port ?? 443) == port else { return false }
        return coversBelow ? host.hasSuffix("." + name.host) : host == name.host
    }
}
