import MMCore
import MMEgress
import MMGuard
import MMHTTP
import MMIdentity

extension WireRequest {
    /// Creates the guard's form of a session's request.
    init(_ request: DescribedRequest) {
        let body: WireRequest.Body =
            switch request.body {
            case .none: .none
            case .whole(let bytes): .whole(bytes)
            case .beginning(let bytes, _): .beginning(bytes)
            }
        self.init(
            service: Self.service(of: request), origin: request.place.ownOrigin, owner: Self.owner(of: request.place),
            method: request.method,
            target: request.target, headers: request.headers.map { Field($0.name, $0.value) }, body: body)
    }

    private static func owner(of place: EgressPlace) -> Owner {
        switch place.owner {
        case .service: .service
        case .named: .named
        case .unknown: .unknown
        }
    }

    /// Returns the service of a request; `nil` for unknown hosts. If several services share a host, the path decides.
    private static func service(of request: DescribedRequest) -> RequestService? {
        let services = request.place.services.compactMap(\.requestService)
        guard services.count > 1 else { return services.first }
        let path = request.target.prefix { $0 != "?" }.lowercased()
        return paths.first { services.contains($0.service) && path.contains($0.part) }?.service
    }

    private static let paths: [(part: String, service: RequestService)] = [
        ("/oauth2/", .signIn), ("/.well-known/", .signIn), ("/discovery/", .signIn), ("/devicelogin", .signIn),
        ("/adminapi/", .exchange), ("/skype.policy/", .teams), ("/providers/microsoft.processsimple", .flow),
        ("/providers/microsoft.businessappplatform", .bap), ("/providers/microsoft.powerapps", .powerApps),
        ("/subscriptions", .arm), ("/tenants", .arm), ("/providers", .arm), ("/v1.0/", .graph), ("/beta/", .graph),
    ]
}
