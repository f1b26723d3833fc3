internal import MMCore
internal import MMHTTP

/// A request as a service receives it, without an identified sender.
typealias ServiceRequest = RoutedRequest<Void>

/// The routes of a tenant's service: paths, which are case-insensitive as in the real services, and their methods.
struct ServiceRoutes<Service> {
    /// A method of the service.
    typealias Answer = @Sendable (Service) -> (ServiceRequest) -> HTTPServerResponse

    /// The step of a chain.
    private(set) var router: Router<Void>
    private let answering: @Sendable (@escaping Answer, ServiceRequest) async -> HTTPServerResponse

    /// Creates an empty set of routes.
    /// - Parameters:
    ///   - services: the tenant's services.
    ///   - service: returns the service that answers.
    ///   - wrongMethod: returns the answer for a method that a path doesn't support.
    init(
        _ services: TenantServices, _ service: @escaping @Sendable (isolated TenantServices) -> Service,
        wrongMethod: @escaping @Sendable (HTTPServerRequest) -> HTTPServerResponse = Self.wrongMethod
    ) {
        let refusals = Router<Void>.ErrorResponses(
            wrongMethod: { request, _ in wrongMethod(request) }, failure: { Problem.response($0) })
        router = Router(refusals, ignoresCase: true)
        answering = { answer, request in await services.use { answer(service($0))(request) } }
    }

    /// Adds the handler for methods of a path.
    mutating func on(_ methods: String..., path: String, _ answer: @escaping Answer) {
        for method in methods { router.on(method, path) { [answering] request in await answering(answer, request) } }
    }

    /// Adds the handler for every method of a path, for services with their own errors for unsupported methods.
    mutating func all(_ path: String, _ answer: @escaping Answer) {
        on("GET", "POST", "PUT", "PATCH", "DELETE", path: path, answer)
    }

    /// Returns the error of most services for an unsupported method.
    static func wrongMethod(_ request: HTTPServerRequest) -> HTTPServerResponse {
        .failure(405, "MethodNotAllowed", "The method '\(request.method.prefix(20))' is not allowed for this address.")
    }
}
