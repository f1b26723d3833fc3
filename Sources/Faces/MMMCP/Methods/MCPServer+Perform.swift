import MMCore

extension MCPServer {
    /// Carries out a call.
    /// - Returns: the answer (`nil` when the call was cancelled and nobody waits for one), and the long texts that
    ///   replace their placeholders in it.
    func perform(_ planned: PlannedCall, call: LiveCall, session: Session) async -> (
        answer: Answer?, texts: [TextStream]
    ) {
        let replies: QuestionRounds?
        do throws(MCPError) {
            replies =
                planned.profile.era == .modern && planned.method.mayAsk ? try QuestionRounds(planned, seal: seal) : nil
        } catch {
            return (.failure(error), [])
        }
        let texts = LongTexts()
        var context = RequestContext(profile: planned.profile, call: call, session: session, replies: replies)
        if case .callTool(_, _, let wish) = planned.work { context.taskWish = wish }
        let answer = await answer(to: planned, context, texts)
        // However the handler ended, an open question is the result.
        if let question = replies?.result(of: planned, seal: seal), !Task.isCancelled {
            return (.success(named(question)), [])
        }
        return (answer, texts.all)
    }

    private func answer(to planned: PlannedCall, _ context: RequestContext, _ texts: LongTexts) async -> Answer? {
        do {
            let result = try await result(of: planned, context, texts)
            return .success(finished(result, of: planned.method, for: planned.profile.era))
        } catch let error as MCPError {
            return .failure(error)
        } catch let error as MMError {
            return .failure(Self.protocolError(error))
        } catch is CancellationError where Task.isCancelled {
            return nil
        } catch {
            // The error's text may contain internals.
            return .failure(.internalError())
        }
    }

    private func result(
        of planned: PlannedCall, _ context: RequestContext, _ texts: LongTexts
    ) async throws -> JSONObject {
        switch planned.work {
        case .callTool(let registered, let arguments, _):
            try gate?.enter(context.principal)
            defer { gate?.leave(context.principal) }
            let result = try await callTool(registered, arguments, context)
            if let task = result.task { return try beginning(of: task, context) }
            texts.add(result.content.compactMap(\.stream))
            return result.json(for: context.protocolVersion)
        case .listResources(let lister):
            return try resourcePage(try await lister(context), planned.params)
        case .readResource(let uri):
            return try await read(uri, context)
        case .getPrompt(let prompt, let arguments):
            return try await prompt.handler(arguments, context).json(for: context.protocolVersion)
        case .complete(let completer, let value, let others):
            return try await completer(value, others, context).json
        case .task(let action, let store): return try await serve(action, store, planned.params, context)
        case .listen, .watch: throw MCPError.internalError()
        }
    }

    private func callTool(
        _ registered: RegisteredTool, _ given: JSONObject, _ context: RequestContext
    ) async throws -> ToolResult {
        do {
            let plain = registered.input.inForm(given)
            let arguments = try registered.tool.argumentReading?(plain) ?? plain
            let problems = registered.input.problems(of: .object(arguments))
            guard problems.isEmpty else {
                let list = problems.map { "- \($0)" }.joined(separator: "\n")
                throw MMError(.invalidInput, "The arguments of \(registered.tool.name) are not valid:\n\(list)")
            }
            return checked(try await registered.tool.handler(arguments, context), of: registered)
        } catch let error as MCPError {
            throw error
        } catch let error as MMError {
            return registered.tool.refusal?(error) ?? .failure(error)
        } catch is CancellationError where Task.isCancelled {
            throw CancellationError()
        } catch {
            return .failure("\(registered.tool.name) failed with an internal error.")
        }
    }

    /// Returns the result, unless it violates the tool's own output schema: clients reject results that don't fit it.
    private func checked(_ result: ToolResult, of registered: RegisteredTool) -> ToolResult {
        guard !result.isError, result.task == nil, let output = registered.output else { return result }
        guard let structured = result.structured else {
            return .failure(
                "\(registered.tool.name) returned no structured content although it declares some. This is a bug in the server."
            )
        }
        let problems = output.problems(of: structured, limit: 3)
        if problems.isEmpty { return result }
        let list = problems.map { "- \($0)" }.joined(separator: "\n")
        return .failure(
            "The result of \(registered.tool.name) does not match its schema. This is a bug in the server:\n\(list)")
    }

    private func read(_ uri: String, _ context: RequestContext) async throws -> JSONObject {
        do {
            let contents = try await contents(of: uri, context)
            guard !contents.isEmpty else { throw MCPError.resourceNotFound(uri, era: context.era) }
            return ["contents": .array(contents.map { .object($0.json) })]
        } catch let error as MMError where error.code == .notFound {
            throw MCPError.resourceNotFound(uri, era: context.era)
        }
    }

    /// Returns the contents of a resource as a caller sees it.
    func contents(of uri: String, _ context: RequestContext) async throws -> [ResourceContents] {
        if let resource = routes.resource(at: uri) { return try await resource.read(context) }
        for registered in routes.templates {
            guard let variables = registered.pattern.match(uri) else { continue }
            return try await registered.template.read(uri, variables, context)
        }
        if let resource = try await routes.moreResources?(context).first(where: { $0.uri == uri }) {
            return try await resource.read(context)
        }
        throw MCPError.resourceNotFound(uri, era: context.era)
    }

    private static func protocolError(_ error: MMError) -> MCPError {
        MCPError(code: error.jsonRPCCode, error.description)
    }
}

/// Collects the long texts that appear while a call is carried out.
private final class LongTexts: Sendable {
    private let texts = Mutex<[TextStream]>([])
    var all: [TextStream] { texts.withLock { $0 } }
    func add(_ more: [TextStream]) {
        if !more.isEmpty { texts.withLock { $0 += more } }
    }
}
