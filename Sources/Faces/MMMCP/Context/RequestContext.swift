public import MMCore

/// What a handler knows about the request it serves, and its means of reaching the client meanwhile.
///
/// The request's task is cancelled when the client cancels the request; messages sent after that are dropped.
public struct RequestContext: Sendable {
    let profile: CallProfile
    let call: LiveCall
    let session: Session
    let replies: QuestionRounds?
    /// Whether the call may be answered with a task: then ``ToolResult/task(_:)`` may be its result.
    package internal(set) var taskWish = TaskWish.unwanted

    /// Whether the client negotiated a session (legacy) or describes itself in each request (modern).
    package var era: Era { profile.era }
    /// The protocol revision that the request follows.
    package var protocolVersion: ProtocolVersion { profile.version }
    /// The capabilities that the client declares.
    private var clientCapabilities: ClientCapabilities { profile.capabilities }
    /// The client program's name and version.
    package var clientInfo: ClientInfo { profile.clientInfo }
    /// The sender of the request.
    public var principal: Principal { profile.principal }
    /// The name of the client's session, where the transport names sessions. Treat it as a secret: it grants the
    /// session.
    package var sessionName: String? { session.name }
    /// The request's `_meta`.
    package var meta: JSONObject { profile.meta }

    /// Whether the client asked for progress notifications.
    package var wantsProgress: Bool { profile.progressToken != nil }

    /// Reports progress, if the client asked for it.
    ///
    /// Cheap enough for every step of a loop: only increases are sent, first in a small burst and then about four a
    /// second; reaching the total is always sent.
    /// - Parameters:
    ///   - progress: the amount of work done; must increase with every call.
    ///   - total: the amount of work in all, if known.
    ///   - message: what is being done.
    public func progress(_ progress: Double, of total: Double? = nil, _ message: String? = nil) {
        guard let token = profile.progressToken else { return }
        call.sendProgress(
            progress, of: total,
            {
                var params: JSONObject = ["progressToken": token, "progress": Self.number(progress)]
                params["total"] = total.map(Self.number)
                params["message"] = message.map(JSONValue.string)
                return Envelope.notification("notifications/progress", params)
            }()
        )
    }

    /// Sends a log message, if the client wants messages of this level. Never log secrets.
    /// - Parameters:
    ///   - level: how serious the message is.
    ///   - data: a text or any other JSON value.
    ///   - logger: the part of the program that logs.
    public func log(_ level: LogLevel, _ data: JSONValue, logger: String? = nil) {
        guard let wanted = wantedLogLevel, level >= wanted else { return }
        call.sendIfRoom(
            {
                var params: JSONObject = ["level": .string(level.word)]
                params["logger"] = logger.map(JSONValue.string)
                params["data"] = data
                return Envelope.notification("notifications/message", params)
            }()
        )
    }

    /// Closes the client's HTTP connection while the work continues; the client reconnects for the remaining messages.
    /// Does nothing where the revision has no way to reconnect.
    /// - Parameter wait: how long the client is asked to wait before it reconnects.
    package func releaseConnection(retryAfter wait: Duration = .seconds(1)) { call.release(retryAfter: wait) }

    /// A legacy client may change its level while the call runs; a modern one sets it in the request.
    private var wantedLogLevel: LogLevel? { era == .modern ? profile.logLevel : session.logLevel }

    private static func number(_ value: Double) -> JSONValue {
        Int64(exactly: value).map(JSONValue.int) ?? .double(value)
    }
}

/// The context of a tool call.
public typealias ToolContext = RequestContext

/// Thrown when a question has been asked whose answer arrives with a later request.
///
/// Let this error end the handler, as it is or replaced by one of your own: the engine asks the question whatever the
/// handler returns, and runs the handler again from its beginning once the answer is there.
public struct AnswerPending: Error, Sendable, Hashable {}

/// Questions to the client: to its user, its model or its list of folders.
///
/// A legacy client is asked while the handler waits. A modern client receives the question as the result of its request
/// and repeats the request with the answer, perhaps to another process. In that case the handler throws
/// ``AnswerPending`` and later *runs again from its beginning*; the same question then has its answer. So ask before
/// doing anything that must not be done twice, give each question a key of its own, and guard what can't be undone with
/// ``claimOnce()``.
extension RequestContext {
    /// Whether the client can show its user a form.
    public var canAskForms: Bool { clientCapabilities.supportsForms }
    /// Whether the client lets the server sample its model.
    package var canSample: Bool { clientCapabilities.supportsSampling }
    /// Whether the client lists its root folders.
    package var canListRoots: Bool { clientCapabilities.listsRoots }

    /// Asks the user to fill in a form.
    /// - Parameters:
    ///   - key: the question's name, unique within this call.
    ///   - message: the text that the user reads.
    ///   - form: the fields to fill in.
    /// - Returns: the user's answer; declining is an answer, too.
    /// - Throws: ``AnswerPending``; an error when the client can't ask, doesn't answer in time or answers something
    ///   unusable.
    public func elicit(_ key: String, _ message: String, form: Form) async throws -> ElicitationAnswer {
        ElicitationAnswer(try await ask(.form(key, message, form)))
    }

    /// Asks the user to open a URL.
    /// - Parameters:
    ///   - key: the question's name, unique within this call.
    ///   - message: the text that the user reads.
    ///   - url: the address to open; must contain no credentials and no personal data.
    /// - Returns: whether the user agreed to open the URL, not what happened there.
    /// - Throws: the same errors as for a form.
    public func elicit(_ key: String, _ message: String, url: String) async throws -> ElicitationAnswer {
        ElicitationAnswer(try await ask(.openURL(key, message, url: url)))
    }

    /// Asks the client's model for a completion.
    /// - Throws: the same errors as for a form.
    package func sample(_ key: String, _ request: SamplingRequest) async throws -> SamplingAnswer {
        SamplingAnswer(raw: try await ask(.sampling(key, request)))
    }

    /// Asks which folders the client works in.
    /// - Throws: the same errors as for a form.
    package func roots(_ key: String = "roots") async throws -> [Root] {
        let answer = try await ask(.roots(key))
        return (answer["roots"]?.array ?? []).compactMap { root in
            root["uri"]?.string.map { Root(uri: $0, name: root["name"]?.string) }
        }
    }

    /// Asks one question.
    private func ask(_ question: Question) async throws -> JSONObject {
        try await ask([question])[question.key] ?? [:]
    }

    /// Asks several questions, which a modern client receives together.
    /// - Parameter questions: the questions, each with a key of its own.
    /// - Returns: the answers in the protocol's form, by key.
    /// - Throws: the same errors as for a form.
    public func ask(_ questions: [Question]) async throws -> [String: JSONObject] {
        try await ask(questions, about: nil)
    }

    /// Asks several questions.
    /// - Parameter task: the task that they belong to, which legacy clients are told.
    func ask(_ questions: [Question], about task: String?) async throws -> [String: JSONObject] {
        for question in questions where !question.canBeAsked(clientCapabilities) {
            if era == .modern { throw MCPError.missingCapability(question.requirement) }
            throw MMError(
                .unsupported, "This client doesn't support questions (\(question.method)).",
                hint: "Use a client that declares \(question.requirement.keys.joined(separator: ", "))."
            )
        }
        if era == .modern { return try modernAnswers(to: questions) }
        var answers: [String: JSONObject] = [:]
        for question in questions { answers[question.key] = try await legacyAnswer(to: question, about: task) }
        return answers
    }

    private func modernAnswers(to questions: [Question]) throws -> [String: JSONObject] {
        guard let replies else {
            throw MMError(.unsupported, "This method can't ask; only tools, prompts and resources can.")
        }
        var answers: [String: JSONObject] = [:]
        var missing: [Question] = []
        for question in questions {
            if let answer = replies.answer(to: question) {
                answers[question.key] = answer
            } else {
                missing.append(question)
            }
        }
        guard missing.isEmpty else {
            replies.ask(missing)
            throw AnswerPending()
        }
        return answers
    }

    private func legacyAnswer(to question: Question, about task: String?) async throws -> JSONObject {
        var fault = ""
        for _ in 1...3 {
            let answer = try await legacyTurn(question, about: task)
            guard let found = question.fault(of: answer) else { return answer }
            fault = found
        }
        throw MMError(.invalidInput, "The client's answer to \"\(question.key)\" is not usable: \(fault).")
    }

    private func legacyTurn(_ question: Question, about task: String?) async throws -> JSONObject {
        let (call, session) = (call, session)
        let version = protocolVersion
        let isSent = Mutex(false)
        do throws(PendingQuestions.Failure) {
            return try await session.questions.ask(
                timeout: session.server.options.questionTimeout,
                send: { id in
                    var params = question.params(for: version, id: id.json.string ?? question.key)
                    if let task { params["_meta"] = [TaskProtocol.relatedTask: ["taskId": .string(task)]] }
                    let message = Envelope.request(id, question.method, params)
                    return isSent.withLock { isSent in
                        isSent = call.send(message)
                        return isSent
                    }
                },
                withdraw: { id in
                    if isSent.withLock({ $0 }) { session.withdraw(id, of: call) }
                }
            )
        } catch {
            switch error {
            case .refused(let reason):
                throw MMError(.remoteFailed, "The client could not ask: \(MCPError.quotable(reason.message))")
            case .expired: throw MMError(.deadlineExceeded, "Nobody answered the question in time.")
            case .abandoned: throw CancellationError()
            }
        }
    }

    /// Keeps a value until the handler runs again with the answer to a question. The client stores it, signed but
    /// readable, so it must hold no secrets.
    public func carry(_ key: String, _ value: JSONValue?) { replies?.carry(key, value) }

    /// The value that ``carry(_:_:)`` kept before the question.
    public func carried(_ key: String) -> JSONValue? { replies?.carried[key] }

    /// Claims the right to perform an action that this call may perform only once, after its questions were answered: a
    /// client may send the same answers any number of times.
    /// - Throws: `MMError` with the code `conflict` when it has been claimed before.
    public func claimOnce() throws(MMError) {
        guard let replies, !session.server.once.claim(replies.nonce) else { return }
        throw MMError(
            .conflict, "This answer was already used.", hint: "To be asked again, repeat the call without requestState."
        )
    }
}

/// The capabilities that a client declares.
package struct ClientCapabilities: Sendable, Hashable {
    /// The capabilities as the client wrote them; unknown members and shapes are kept and ignored.
    package let raw: JSONObject

    /// Reads the capabilities of `initialize` or of a request's `_meta`.
    package init(_ raw: JSONObject) {
        self.raw = raw
    }

    /// Whether the client can show a form; `"elicitation": {}` means that it can.
    package var supportsForms: Bool {
        guard let elicitation = raw["elicitation"]?.object else { return false }
        return elicitation["form"] != nil || elicitation["url"] == nil
    }

    /// Whether the client can send its user to a URL.
    package var supportsURLs: Bool { raw["elicitation"]?["url"] != nil }

    /// Whether the client lets the server sample its model.
    package var supportsSampling: Bool { raw["sampling"]?.object != nil }

    /// Whether the client takes tasks in place of results (modern era).
    package var acceptsTasks: Bool { raw["extensions"]?[TaskProtocol.extensionName]?.object != nil }

    /// Whether the client lists its root folders.
    package var listsRoots: Bool { raw["roots"]?.object != nil }
}

/// The client program's name and version.
package struct ClientInfo: Sendable, Hashable {
    /// The client's name; empty when it gave none.
    package let name: String
    /// The client's version; empty when it gave none.
    package let version: String

    init(_ object: JSONObject?) {
        name = object?["name"]?.string ?? ""
        version = object?["version"]?.string ?? ""
    }
}
