package import MMCore
import MMDesk
import MMGuard
import MMIdentity

/// A service to which requests can be sent, by the name that callers use.
package enum RequestResource: String, Sendable, CaseIterable, ArgumentValue {
    case graph, flow, azure, powerplatform, sharepoint

    /// The module of its session.
    var module: String { "\(rawValue)-api" }

    /// The services behind it, the usual one first. The Power Platform consists of several, each with an access token
    /// of its own.
    var services: [RequestService] {
        switch self {
        case .graph: [.graph]
        case .flow: [.flow]
        case .azure: [.arm]
        case .powerplatform: [.powerPlatform, .bap, .powerApps]
        case .sharepoint: [.sharePoint]
        }
    }

    /// Creates the resource of a service; `nil` for a service to which callers can't send requests.
    init?(_ service: RequestService) {
        guard let resource = Self.allCases.first(where: { $0.services.contains(service) }) else { return nil }
        self = resource
    }

    /// Returns the service behind this resource to which a path belongs.
    package func service(of path: String) -> RequestService {
        let service = RequestService(ofPath: "/" + path)
        return services.contains(service) ? service : services[0]
    }

    /// The destination of a request.
    struct Place: Sendable {
        let resource: RequestResource
        let service: RequestService
        /// The first label of the SharePoint host.
        let sharePointLabel: String?
    }

    /// Finds the service to which an endpoint belongs: by the host of a full URL, or else by the resource that the
    /// caller named.
    /// - Parameters:
    ///   - resource: the resource that the caller named; `nil` means Graph.
    ///   - endpoint: the endpoint as written.
    ///   - connection: the connection, whose cloud the address must belong to.
    /// - Throws: `.invalidInput` for an address outside the connection's cloud.
    static func place(_ resource: RequestResource?, of endpoint: String, connection: Connection, cloud: Cloud)
        throws(MMError) -> Place
    {
        guard let address = WebAddress(endpoint) else {
            let resource = resource ?? .graph
            return Place(
                resource: resource, service: resource.service(of: endpoint), sharePointLabel: connection.sharepointHost)
        }
        if let place = place(of: address, among: resource.map { [$0] } ?? allCases, connection, cloud) { return place }
        // If a service is named, its own check of hosts gives the error.
        if let resource {
            return Place(
                resource: resource, service: resource.services[0], sharePointLabel: connection.sharepointHost)
        }
        throw MMError(
            .invalidInput,
            "\(address.origin) is not a service of \(connection.name)'s cloud (\(cloud.name)): nothing was sent there.",
            hint: "Give only the path, such as /me, and the service with --resource "
                + "\(allCases.map(\.rawValue).joined(separator: ", ")).", details: ["field": "endpoint"])
    }

    /// Finds the service to which a full URL belongs.
    static func place(
        of address: WebAddress, among candidates: [RequestResource], _ connection: Connection, _ cloud: Cloud
    ) -> Place? {
        for candidate in candidates {
            for service in candidate.services {
                let label = service == .sharePoint ? label(of: address, connection, cloud) : nil
                guard let token = ServiceResource(service, sharePointLabel: label),
                    cloud.writtenBases(of: token).contains(where: { WebAddress($0)?.origin == address.origin })
                else { continue }
                return Place(resource: candidate, service: service, sharePointLabel: label)
            }
        }
        return nil
    }

    /// Returns the first label of a SharePoint host of the connection's tenant.
    private static func label(of address: WebAddress, _ connection: Connection, _ cloud: Cloud) -> String? {
        guard !cloud.sharePointDomain.isEmpty, address.host.hasSuffix("." + cloud.sharePointDomain) else { return nil }
        let label = String(address.host.dropLast(cloud.sharePointDomain.utf8.count + 1))
        guard let own = connection.sharepointHost?.lowercased() else { return label }
        return [own, own + "-admin", own + "-my"].contains(label) ? label : nil
    }
}
