internal import MMHTTP

/// The step that notes what comes in.
struct JournalStep: HTTPMiddleware {
    let services: TenantServices

    func respond(
        to request: HTTPServerRequest, from peer: Void, next: HTTPResponder<Void>
    ) async -> HTTPServerResponse {
        await services.use { $0.journal.note(request) }
        return await next(request, peer)
    }
}
