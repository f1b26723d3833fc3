package import MMCore
import MMGuard
import MMIdentity

/// An address as people write it, with its service: a full URL is recognised by its host, a path by its beginning.
package struct ServiceAddress {
    /// Returns the service at a host of any of Microsoft's clouds; `nil` for an unknown host.
    package static func service(at host: String) -> RequestService? { Cloud.service(at: host) }

    /// The target of the request.
    let target: RequestTarget

    /// - Throws: `invalidInput` for a host of no known service, and for an invalid address.
    init(_ text: String) throws(MMError) {
        guard let scheme = text.firstRange(of: "://") else {
            target = try RequestTarget(parsing: text, service: RequestService(ofPath: text))
            return
        }
        let authority = text[scheme.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }.lowercased()
        let host = String(authority.prefix { $0 != ":" })
        guard let service = Self.service(at: host) else {
            throw MMError(
                .invalidInput, "\(host.prefix(80)) is not a service that the guard knows.",
                hint:
                    "Use an address of Graph, Azure, SharePoint, Exchange, Power Platform, Dataverse, a key vault or storage."
            )
        }
        target = try RequestTarget(parsing: text, service: service, allowedHosts: [host])
    }
}
