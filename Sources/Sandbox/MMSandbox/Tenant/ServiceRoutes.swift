internal import MMCore
internal import MMHTTP

/// A request as a service gets it: nothing is known of who sent it but what it carries.
typealias ServiceRequest = RoutedRequest<Void>

/// The requests that a service of a tenant answers: paths, in any case as those of the real services, and their methods.
struct ServiceRoutes<Service> {
    /// A method of the service.
    typealias Answer = @Sendable (Service) -> (ServiceRequest) -> HTTPServerResponse

    /// The step of a chain.
    private(set) var router: Router<Void>
    private let answering: @Sendable (@escaping Answer, ServiceRequest) async -> HTTPServerResponse

    /// No routes yet.
    /// - Parameters:
    ///   - services: the tenant's.
    ///   - service: the one that answers.
    ///   - wrongMethod: what it says where a path has other methods.
    init(
        _ services: TenantServices, _ service: @escaping @Sendable (isolated TenantServices) -> Service,
        wrongMethod: @escaping @Sendable (HTTPServerRequest) -> HTTPServerResponse = Self.wrongMethod
    ) {
        let refusals = Router<Void>.ErrorResponses(
            wrongMethod: { request, _ in wrongMethod(request) }, failure: { Problem.response($0) })
        router = Router(refusals, ignoresCase: true)
        answering = { answer, request in await services.use { answer(service($0))(request) } }
    }

    /// Adds what answers methods of a path.
    mutating func on(_ methods: String..., path: String, _ answer: @escaping Answer) {
        for method in methods { router.on(method, path) { [answering] request in await answering(answer, request) } }
    }

    /// Adds what answers every method of a path: the service has words of its own for those that it doesn't take.
    mutating func all(_ path: String, _ answer: @escaping Answer) {
        on("GET", "POST", "PUT", "PATCH", "DELETE", path: path, answer)
    }

    /// Returns the error that most services have.
    static func wrongMethod(_ request: HTTPServerRequest) -> HTTPServerResponse {
        .failure(405, "MethodNotAllowed", "The method '\(request.method.prefix(20))' is not allowed for this address.")
    }
}
