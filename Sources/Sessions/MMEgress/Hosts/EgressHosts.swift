package import MMCore
package import MMIdentity

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
