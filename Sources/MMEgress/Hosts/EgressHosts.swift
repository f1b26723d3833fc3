package import MMCore
package import MMIdentity

/// The hosts that a session may reach: those of its connection's cloud and tenant, and what the owner added. Nothing else.
package struct EgressHosts: Sendable {
    private let cloud: [CloudHost]
    private let added: [PlainHostName]

    /// The hosts of a connection.
    /// - Parameters:
    ///   - cloud: its cloud.
    ///   - sharePoint: the tenant's name in SharePoint, where it is known.
    ///   - allow: what the owner added (`egress.allow`): names, with a port where it is not 443.
    package init(cloud: Cloud, sharePoint: String? = nil, allow: [PlainHostName] = []) {
        self.cloud = cloud.hosts(sharePoint: sharePoint)
        added = allow
    }

    /// The place that a name stands for, or nil where the session has no business.
    /// - Parameters:
    ///   - name: the name that was asked for.
    ///   - isSecure: whether it was asked for over TLS.
    package func place(_ name: PlainHostName, isSecure: Bool) -> EgressPlace? {
        let port = name.port ?? (isSecure ? 443 : 80)
        let rows = cloud.filter { $0.covers(host: name.host, port: port, isSecure: isSecure) }
        if let first = rows.first {
            // Services may share a host; the sandbox's all do.
            let row = rows.first { $0.service != .signIn } ?? first
            return EgressPlace(
                service: row.service, services: rows.map(\.service),
                givesTokens: rows.contains { $0.service == .signIn }, host: name.host, port: port,
                isSecure: isSecure,
                audiences: rows.reduce(into: []) { $0.formUnion($1.audiences) },
                isOpenToStrangers: rows.allSatisfy(\.isOpenToStrangers))
        }
        guard isSecure, added.contains(where: { $0.host == name.host && ($0.port ?? 443) == port }) else { return nil }
        return EgressPlace(
            service: nil, services: [], givesTokens: false, host: name.host, port: port, isSecure: true, audiences: [],
            isOpenToStrangers: true)
    }
}
