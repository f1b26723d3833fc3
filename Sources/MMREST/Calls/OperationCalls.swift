import MMCore
import MMHTTP
import MMOperations

/// The routes that carry operations out.
struct OperationCalls: Sendable {
    let service: any OperationService
    let serverName: String
    private let shared: RESTShared
    private let requirePerson: @Sendable (Int32) throws(MMError) -> Void
    /// Of the clients that call from this machine.
    let watch: ClientWatch

    init(
        service: any OperationService, serverName: String, shared: RESTShared,
        requirePerson: @escaping @Sendable (Int32) throws(MMError) -> Void
    ) {
        self.requirePerson = requirePerson
        self.service = service
        self.serverName = serverName
        self.shared = shared
        watch = ClientWatch { await service.forget($0) }
    }

    /// The operations there are.
    func list() -> HTTPServerResponse {
        let rows = service.catalogue.operations.map { operation -> JSONValue in
            let declaration = operation.declaration
            return [
                "name": .string(declaration.name), "title": .string(declaration.title),
                "summary": .string(declaration.summary), "readOnly": .bool(declaration.effects.readOnly),
                "inputSchema": .object(operation.inputSchema),
            ]
        }
        return .json(JSONWriter.bytes(["operations": .array(rows)]))
    }

    /// Carries an operation out.
    @Sendable func call(_ request: RESTRequest) async throws(MMError) -> HTTPServerResponse {
        let operation = try service.catalogue.require(request.name("operation"))
        let arguments = try RequestBody.object(of: request.http)
        var (context, claims) = try context(of: request, for: operation.declaration)
        if case .process(let pid) = request.peer { watch.note(context, from: pid) }
        let name = operation.declaration.name
        if MediaTypes.names("text/event-stream", in: request.http.headers) {
            return CallStream(
                service: service, shared: shared, operation: name, arguments: arguments, context: context,
                hasPerson: claims.hasPerson, isAtTerminal: claims.isAtTerminal && isFrontEnd(request.peer),
                hasInput: claims.hasInput
            ).response()
        }
        let preference = AsyncPreference(request.http.headers)
        if let preference { context.patience = preference.wait }
        let answer = try await service.call(name, arguments, in: context)
        if let members = JobAnswer.members(of: answer) {
            return JobCalls.accepted(members, isPreferred: preference != nil)
        }
        return try await PlainAnswer.response(answer, for: request.http.headers)
    }

    /// Ends what a client has left.
    @Sendable func forget(_ request: RESTRequest) async throws(MMError) -> HTTPServerResponse {
        let client = try reader(request)
        guard client.sessionID != nil, client.caller.surface != .terminal else {
            throw MMError(
                .invalidInput, "Only the jobs of one client's own session can be called off together.",
                hint: "Name it in the header MM-Session, or call off one job: DELETE /v1/jobs/JOB.")
        }
        watch.dismiss(client)
        await service.forget(client)
        return HTTPServerResponse(status: 204)
    }

    /// Takes a person's answer to a question of a call under way.
    @Sendable func answerQuestion(_ request: RESTRequest) throws(MMError) -> HTTPServerResponse {
        try answersForPerson(request.peer)
        let body = try RequestBody.object(of: request.http)
        let answer: Result<Bool, MMError>
        if let error = body["error"]?.object.flatMap(ErrorWire.error) {
            answer = .failure(error)
        } else if let confirmed = body["confirmed"]?.bool {
            answer = .success(confirmed)
        } else {
            throw MMError(
                .invalidInput, "An answer to a question needs `confirmed`.",
                hint:
                    "Send {\"confirmed\": true} or {\"confirmed\": false}; or {\"error\": {\"code\": …, \"message\": …}} "
                    + "where nobody could be asked.")
        }
        guard shared.questions.answer(request.name("call"), request.name("question"), answer) else {
            throw MMError(
                .notFound, "This question is not open any more.", hint: "Its call has ended, or it was answered.")
        }
        return HTTPServerResponse(status: 204)
    }

    /// Takes the bytes of standard input that a running call has asked for. No bytes mean its end.
    @Sendable func takeInput(_ request: RESTRequest) throws(MMError) -> HTTPServerResponse {
        guard shared.inputs.answer(request.name("call"), request.name("input"), request.http.body) else {
            throw MMError(
                .notFound, "No call waits for this input any more.", hint: "Its command has ended, or was called off.")
        }
        return HTTPServerResponse(status: 204)
    }

    /// Who asks about something other than an operation.
    func reader(_ request: RESTRequest) throws(MMError) -> CallContext {
        try context(
            of: request,
            for: OperationDeclaration("-", command: [], title: "", summary: "", effects: .init(readOnly: true))
        ).0
    }

    /// Who calls and how. What the sender of the request says counts only as far as the sender may say it.
    private func context(of request: RESTRequest, for declaration: OperationDeclaration) throws(MMError)
        -> (CallContext, OperationHeaders.Claims)
    {
        let claims = try OperationHeaders.read(request.http.headers)
        let surface = claims.surface ?? .rest
        if surface == .terminal { try speaksForPerson(request.peer) }
        if claims.hasPerson { try answersForPerson(request.peer) }
        if surface == .rest, declaration.audience == .person, !declaration.effects.readOnly || !request.peer.isOwn {
            throw MMError(
                .forbidden, "`\(declaration.name)` is for people at a terminal.",
                hint: "Run `mm \(declaration.command.joined(separator: " "))`.")
        }
        // A program of the owner's may do what the owner may: it reads the same files anyway. A caller from the network is no
        // front-end: what it says of itself counts as a name alone.
        let isFrontEnd = request.peer.isOwn && surface != .rest
        let server = isFrontEnd ? claims.server : (request.peer.isOwn ? claims.server : nil) ?? serverName
        var context = CallContext(
            caller: Caller(
                surface: request.peer.isOwn ? surface : .rest, name: claims.client ?? userAgent(request.http),
                server: server), waitsForSignIn: claims.waitsForSignIn)
        if let limit = claims.timeLimit { context.timeLimit = limit }
        context.patience = claims.patience
        context.sessionID = claims.session
        context.principal = claims.principal
        context.readsOnly = claims.readsOnly
        if isFrontEnd { context.directory = claims.directory }
        return (context, claims)
    }

    private func userAgent(_ request: HTTPServerRequest) -> String {
        request.headers["User-Agent"].map { String($0.prefix(100)) } ?? "unnamed"
    }

    /// A PIN is checked where it is typed; only our own programs are trusted to have done so.
    private func isFrontEnd(_ peer: RESTPeer) -> Bool {
        if case .process(let pid) = peer { PersonProof.isFrontEnd(pid) } else { peer == .bearer }
    }

    /// Only a place where a person can be may answer for one.
    private func answersForPerson(_ peer: RESTPeer) throws(MMError) {
        try speaksForPerson(peer)
        if case .process(let pid) = peer { try requirePerson(pid) }
    }

    /// Only the owner's front-ends speak for a person, and never from within a session.
    func speaksForPerson(_ peer: RESTPeer) throws(MMError) {
        if case .process(let pid) = peer { return try PersonProof.require(process: pid) }
        guard peer.speaksForOwner else {
            throw MMError(
                .forbidden, "A program that did not prove itself can't speak for a person.",
                hint: "Use the pool's Unix socket, or give its secret (Authorization: Bearer …).")
        }
    }
}
