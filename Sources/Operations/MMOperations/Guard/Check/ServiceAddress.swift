package import MMCore
import MMIdentity

/// An address as people write it, with the service that it belongs to: a whole one by its host, a path by what it begins with.
package struct ServiceAddress {
    /// The service that answers at a host of any of Microsoft's clouds; `nil` for a host that no table knows.
    package static func service(at host: String) -> RequestService? { Cloud.service(at: host) }

    /// Where the request goes.
    let target: RequestTarget

    /// - Throws: `invalidInput` for a host that no service answers at, and for what is no address.
    init(_ text: String) throws(MMError) {
        guard let scheme = text.firstRange(of: "://") else {
            target = try RequestTarget(parsing: text, service: Self.service(ofPath: text.lowercased()))
            return
        }
        let authority = text[scheme.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }.lowercased()
        let host = String(authority.prefix { $0 != ":" })
        guard let service = Self.service(at: host) else {
            throw MMError(
                .invalidInput, "No service that the guard knows answers at \(host.prefix(80)).",
                hint:
                    "Give an address of Graph, Azure, SharePoint, Exchange, Power Platform, Dataverse, a vault or storage."
            )
        }
        target = try RequestTarget(parsing: text, service: service, allowedHosts: [host])
    }

    private static func service(ofPath path: String) -> RequestService {
        let found = beginnings.first { path.contains($0.part) }?.service
        // Graph's own /subscriptions are another thing.
        let isResource = path.hasPrefix("/subscriptions/") && path.contains("/resourcegroups")
        return found ?? (isResource ? .arm : .graph)
    }

    private static let beginnings: [(part: String, service: RequestService)] = [
        ("/providers/microsoft.processsimple", .flow), ("/providers/microsoft.businessappplatform", .bap),
        ("/providers/microsoft.powerapps", .powerApps), ("/_api/", .sharePoint), ("/adminapi/", .exchange),
        ("/api/data/v", .dataverse), ("/providers/microsoft.", .arm),
    ]
}
