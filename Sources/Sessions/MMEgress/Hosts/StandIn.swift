import MMCore
package import MMIdentity

/// A cloud that answers at the addresses of another one: programs have those of the public cloud built in, and a sandbox
/// stands in for it on this machine.
package struct StandIn: Sendable {
    private let cloud: Cloud
    private let hosts: [CloudHost]

    /// A cloud in the place of another one.
    /// - Parameters:
    ///   - cloud: the one that answers.
    ///   - other: the one whose addresses are asked for.
    ///   - sharePoint: the tenant's name in SharePoint, where it is known.
    package init(_ cloud: Cloud, for other: Cloud, sharePoint: String?) {
        self.cloud = cloud
        hosts = other.hosts(sharePoint: sharePoint)
    }

    /// The place that answers for a host; nil for a host of no service that it has.
    func place(_ name: PlainHostName, _ port: UInt16, isSecure: Bool) -> EgressPlace? {
        let rows = hosts.filter { $0.covers(host: name.host, port: port, isSecure: isSecure) }
        guard let row = rows.first(where: { $0.service != .signIn }) ?? rows.first, let base = base(of: row.service)
        else { return nil }
        return EgressPlace(
            service: row.service, services: rows.map(\.service), issuesTokens: row.service == .signIn, host: name.host,
            port: port, isSecure: isSecure, audiences: rows.reduce(into: []) { $0.formUnion($1.audiences) },
            isOpenToStrangers: false, owner: .service, standIn: base)
    }

    private func base(of service: CloudHost.Service) -> String? {
        switch service {
        case .signIn: cloud.login
        case .resource(let resource): cloud.base(of: resource)
        case .storage: cloud.login
        case .dataverse, .contents, .gallery: nil
        }
    }
}
