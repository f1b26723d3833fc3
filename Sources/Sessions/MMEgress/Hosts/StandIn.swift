import MMCore
package import MMIdentity

/// A cloud that answers at the addresses of another one: programs have the public cloud's addresses built in, and a
/// sandbox replaces it on this machine.
package struct StandIn: Sendable {
    private let cloud: Cloud
    private let hosts: [CloudHost]

    /// Creates a stand-in.
    /// - Parameters:
    ///   - cloud: the cloud that answers.
    ///   - other: the cloud whose addresses are requested.
    ///   - sharePoint: the tenant's name in SharePoint, if it is known.
    package init(_ cloud: Cloud, for other: Cloud, sharePoint: String?) {
        self.cloud = cloud
        hosts = other.hosts(sharePoint: sharePoint)
    }

    /// Returns the place that answers for a host; `nil` if the host belongs to none of its services.
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
