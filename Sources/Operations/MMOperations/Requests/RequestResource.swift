import MMCore
import MMDesk
import MMIdentity

/// A service that requests can be sent to, as callers name it.
package enum RequestResource: String, Sendable, CaseIterable, ArgumentValue {
    case graph, flow, azure, powerplatform, sharepoint

    /// Its session, as sessions are named.
    var module: String { "\(rawValue)-api" }

    /// The services behind it, the usual one first. The Power Platform is several, each with a token of its own.
    var services: [RequestService] {
        switch self {
        case .graph: [.graph]
        case .flow: [.flow]
        case .azure: [.arm]
        case .powerplatform: [.powerPlatform, .bap, .powerApps]
        case .sharepoint: [.sharePoint]
        }
    }

    /// The service as callers name it; `nil` for one that they don't send requests to.
    init?(_ service: RequestService) {
        guard let resource = Self.allCases.first(where: { $0.services.contains(service) }) else { return nil }
        self = resource
    }

    /// The service that a path belongs to, of those behind this one.
    func service(of path: String) -> RequestService {
        guard self == .powerplatform else { return services[0] }
        let path = path.lowercased()
        if path.contains("microsoft.businessappplatform") { return .bap }
        return path.contains("microsoft.powerapps") ? .powerApps : .powerPlatform
    }

    /// Where a request goes.
    struct Place: Sendable {
        let resource: RequestResource
        let service: RequestService
        /// The first label of the SharePoint host.
        let sharePointLabel: String?
    }

    /// Finds the service that an endpoint belongs to: by its host where it is a full address, else by the resource that the
    /// caller named.
    /// - Parameters:
    ///   - resource: what the caller named; `nil` for nothing, which is Graph.
    ///   - endpoint: the endpoint as written.
    ///   - connection: whose cloud it must be.
    /// - Throws: `.invalidInput` for an address outside the connection's own cloud.
    static func place(_ resource: RequestResource?, of endpoint: String, connection: Connection, cloud: Cloud)
        throws(MMError) -> Place
    {
        guard let address = WebAddress(endpoint) else {
            let resource = resource ?? .graph
            return Place(
                resource: resource, service: resource.service(of: endpoint), sharePointLabel: connection.sharepointHost)
        }
        if let place = place(of: address, among: resource.map { [$0] } ?? allCases, connection, cloud) { return place }
        // A named service says itself which hosts it has.
        if let resource {
            return Place(
                resource: resource, service: resource.services[0], sharePointLabel: connection.sharepointHost)
        }
        throw MMError(
            .invalidInput,
            "\(address.origin) is no service of \(connection.name)'s cloud (\(cloud.name)): nothing was sent there.",
            hint: "Write the path alone, such as /me, and name the service: --resource "
                + "\(allCases.map(\.rawValue).joined(separator: ", ")).", details: ["field": "endpoint"])
    }

    /// Finds the service that a full address belongs to.
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

    /// The first label of a SharePoint host of the connection's tenant.
    private static func label(of address: WebAddress, _ connection: Connection, _ cloud: Cloud) -> String? {
        guard !cloud.sharePointDomain.isEmpty, address.host.hasSuffix("." + cloud.sharePointDomain) else { return nil }
        let label = String(address.host.dropLast(cloud.sharePointDomain.utf8.count + 1))
        guard let own = connection.sharepointHost?.lowercased() else { return label }
        return [own, own + "-admin", own + "-my"].contains(label) ? label : nil
    }
}
