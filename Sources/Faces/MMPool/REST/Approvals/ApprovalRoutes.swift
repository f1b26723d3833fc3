import MMCore
import MMHTTP
import MMOperations

/// The routes of the page's approvals. Who is let in sees what waits; what counts is the passkey's signature alone.
struct ApprovalRoutes: Sendable {
    private let calls: CallRoutes
    private let desk: ApprovalDesk

    init(calls: CallRoutes, services: OperationServices, shared: RESTShared) {
        self.calls = calls
        desk = ApprovalDesk(services, shared.ceremonies)
    }

    /// Adds the routes.
    func add(to router: inout Router<AdmittedPeer>) {
        router.get("/v1/approvals") { (request) throws(MMError) in
            try Self.admit(request)
            return Self.answer(await desk.overview())
        }
        router.get("/v1/approvals/{id}") { (request) throws(MMError) in
            try Self.admit(request)
            return Self.answer(try await desk.request(request.name("id")))
        }
        router.post("/v1/approvals/{id}/challenge") { (request) throws(MMError) in
            try Self.admit(request)
            return Self.answer(
                try await desk.challenge(request.name("id"), try request.http.jsonObject(), at: Self.page(request)))
        }
        router.post("/v1/approvals/{id}/decision") { (request) throws(MMError) in
            try Self.admit(request)
            return Self.answer(
                try await desk.decide(request.name("id"), try request.http.jsonObject(), at: Self.page(request)))
        }
        router.post("/v1/approvals/standing/{id}/revoke") { (request) throws(MMError) in
            try Self.admit(request)
            _ = try Self.page(request)
            try await desk.revoke(request.name("id"))
            return HTTPServerResponse(status: 204)
        }
        router.post("/v1/passkeys/invitation", invite)
        router.post("/v1/passkeys/options") { (request) throws(MMError) in
            try Self.admit(request)
            return Self.answer(try await desk.registration(try request.http.jsonObject(), at: Self.page(request)))
        }
        router.post("/v1/passkeys") { (request) throws(MMError) in
            try Self.admit(request)
            return Self.answer(try await desk.register(try request.http.jsonObject(), at: Self.page(request)))
        }
    }

    /// Makes the code of a link, for a terminal: who only holds the pool's secret could else register a passkey of their own,
    /// and approve with it.
    @Sendable private func invite(_ request: AdmittedRequest) throws(MMError) -> HTTPServerResponse {
        guard case .process = request.peer else {
            throw MMError(
                .forbidden, "A passkey is registered from a terminal of the owner's.",
                hint: "Run mm key add NAME --page there.")
        }
        try calls.answersForPerson(request.peer)
        let body = try request.http.jsonObject()
        let code = try desk.invite(body["name"]?.string ?? "", owner: body["owner"]?.string ?? "")
        return Self.answer([
            "code": .string(code.reveal()), "seconds": .int(PasskeyCeremonies.invitationAge.components.seconds),
        ])
    }

    /// Only the owner's own clients see what others do.
    private static func admit(_ request: AdmittedRequest) throws(MMError) {
        guard request.peer.isOwn else {
            throw MMError(.forbidden, "What waits for a person is shown to its owner.")
        }
    }

    private static func page(_ request: AdmittedRequest) throws(MMError) -> PageOrigin {
        try PageOrigin(origin: request.http.headers["Origin"], host: request.http.headers["Host"])
    }

    private static func answer(_ object: JSONObject) -> HTTPServerResponse {
        var response = HTTPServerResponse.json(JSONWriter.bytes(.object(object)))
        response.headers.set("Cache-Control", "no-store")
        return response
    }
}
