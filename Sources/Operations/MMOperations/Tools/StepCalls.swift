import MMCore
import MMGuard

/// The calls of a tool's steps.
struct StepCalls: Sendable {
    private static let mostAtOnce = 6

    let runner: ToolRunner

    /// Returns the context of a step's call: part of the tool's call, with its time limit, and never a job of its own.
    /// Its changes belong to the tool's call.
    private func call(of step: String?) -> CallContext {
        var call = runner.context.part(of: runner.definition.name, step: step)
        call.namesEngine = false
        if runner.definition.isReadOnly { call.readsOnly = true }
        call.progress = { _ in }
        return call
    }

    /// Returns the result of a step, or the results for each row.
    /// - Throws: the errors of its operation.
    func result(of step: ToolStep, changes: Bool, _ outcome: inout ToolRunner.Outcome) async throws(MMError)
        -> JSONValue
    {
        guard let source = step.each else {
            return try await once(step, changes: changes, outcome.scope, &outcome)
        }
        let rows: [JSONValue]
        switch try outcome.scope.value(of: source) {
        case nil: rows = []
        case .array(let items)?: rows = items
        case let one?: rows = [one]
        }
        if rows.isEmpty { outcome.idle.append((step.id, source.text)) }
        guard rows.count <= step.limit else {
            throw MMError(
                .limitExceeded, "The step \(step.id) would run \(rows.count) times; its limit is \(step.limit).",
                hint: "Reduce the items in each, or set limit: \(min(rows.count, ToolStep.greatestLimit)) in the step."
            )
        }
        let scopes = rows.map { row in
            var scope = outcome.scope
            scope.item = row
            return scope
        }
        if changes {
            if case .request(let request) = step.action, !runner.isDryRun, request.resource == .graph, rows.count > 1 {
                return try await batch(request, scopes, step, &outcome)
            }
            try await settle(step, for: scopes)
            var results: [JSONValue] = []
            for scope in scopes {
                let result = try await once(step, changes: true, scope, &outcome)
                results.append(["item": scope.item ?? .null, "result": result])
            }
            return .array(results)
        }
        return try await concurrently(step, scopes, &outcome)
    }

    /// Asks a person once before a step changes many objects by a call for each.
    private func settle(_ step: ToolStep, for scopes: [ToolScope]) async throws(MMError) {
        let (guarding, context) = (runner.services.guarding, runner.context)
        guard scopes.count > TargetCount.few, !runner.isDryRun, !runner.definition.isReadOnly,
            context.call.planning == nil
        else { return }
        let connection = try guarding.registry.connection(named: runner.connection, in: context)
        let policy = guarding.policy(of: connection, in: context)
        let act = "The step \(step.id), which runs for \(scopes.count) objects,"
        // What the guard denies is refused by the first call, with its reason.
        guard
            let verdict = runner.effects.verdict(of: step, runner.definition.parameters, policy: policy)?.changing(
                scopes.count, by: act, instead: "To see them first, add --dry-run."), verdict.decision == .ask
        else { return }
        var lines: [String] = []
        for scope in scopes { lines.append(JSONWriter.string(try planned(step, scope))) }
        let module =
            switch step.action {
            case .request(let request): request.resource.module
            case .command(let command): command.module
            }
        let question = ConfirmationRequest(
            on: connection, module: module, title: "\(step.id) of \(runner.definition.name)",
            text: lines.joined(separator: "\n"), verdict: verdict)
        try await Clearance(question).settle(in: context, with: guarding)
    }

    // MARK: Once

    private func once(_ step: ToolStep, changes: Bool, _ scope: ToolScope, _ outcome: inout ToolRunner.Outcome)
        async throws(MMError) -> JSONValue
    {
        if runner.isDryRun, changes {
            outcome.plan.append(try planned(step, scope))
            return .null
        }
        switch step.action {
        case .request(let request):
            return try await send(request, scope, as: step.id, &outcome)
        case .command(let command):
            let bound = try bindings(of: command, scope)
            let text = command.text(for: runner.definition.parameters)
            let answer = try await runs(text, in: command.module, with: bound, isDryRun: false, as: step.id)
            let value = try await value(of: answer, of: step.id, &outcome)
            return value.array == nil ? (value.isNull ? [] : [value]) : value
        }
    }

    /// Runs a script in a module with values for its parameters.
    func runs(
        _ script: String, in module: String, with values: JSONObject, isDryRun: Bool, as step: String? = nil
    ) async throws(MMError) -> OperationAnswer {
        var arguments = ToolCommand.arguments(on: runner.connection, module, script)
        arguments["output"] = "json"
        if !values.isEmpty { arguments["param"] = .object(values) }
        if isDryRun { arguments["dryRun"] = true }
        return try await runner.services.perform(OperationDeclaration.run.name, arguments, call(of: step))
    }

    private func bindings(of command: ToolCommand, _ scope: ToolScope) throws(MMError) -> JSONObject {
        var bound = JSONObject()
        for (variable, value) in command.bindings { bound[variable] = try value.json(in: scope) }
        return bound
    }

    // MARK: Requests

    private func send(
        _ request: ToolRequest, _ scope: ToolScope, as step: String, _ outcome: inout ToolRunner.Outcome
    ) async throws(MMError) -> JSONValue {
        try await value(
            of: try await runner.services.perform(
                OperationDeclaration.graphRequest.name, try arguments(request, scope), call(of: step)), of: step,
            &outcome)
    }

    private func arguments(_ request: ToolRequest, _ scope: ToolScope) throws(MMError) -> JSONObject {
        var query = try self.query(request, scope)
        // A tool's answer must not depend on the caller: the usual `$select` for models doesn't apply.
        if runner.context.call.caller.surface == .mcp, request.method == "GET", request.resource == .graph,
            query["$select"] == nil
        {
            query["$select"] = "*"
        }
        var arguments = request.arguments(
            on: runner.connection, path: try request.path.path(in: scope), query: query,
            body: try request.body?.json(in: scope))
        let headers = request.headers.map { "\($0.key): \($0.value)" }.sorted()
        if !headers.isEmpty { arguments["header"] = .array(headers.map { .string($0) }) }
        return arguments
    }

    private func query(_ request: ToolRequest, _ scope: ToolScope) throws(MMError) -> JSONObject {
        var query = JSONObject()
        for (name, value) in request.query { query[name] = .string(try value.queryValue(in: scope)) }
        return query
    }

    /// Returns the address of a request with its query, as it is shown and sent in a batch.
    private func address(_ request: ToolRequest, _ scope: ToolScope) throws(MMError) -> String {
        let query = try query(request, scope).map { name, value in
            PercentCoding.encode(name, isPlain: PercentCoding.isQueryByte) + "="
                + PercentCoding.encode(
                    value.string ?? "",
                    isPlain: { PercentCoding.isQueryByte($0) && $0 != UInt8(ascii: "&") && $0 != UInt8(ascii: "+") })
        }
        return try request.path.path(in: scope) + (query.isEmpty ? "" : "?" + query.joined(separator: "&"))
    }

    /// Returns what a step would do, as it is shown.
    private func planned(_ step: ToolStep, _ scope: ToolScope) throws(MMError) -> JSONValue {
        var row: JSONObject = ["step": .string(step.id)]
        switch step.action {
        case .request(let request):
            row["request"] = .string("\(request.method) \(try address(request, scope))")
            row["body"] = try request.body?.json(in: scope)
        case .command(let command):
            row["request"] = .string("run in \(command.module): \(command.script)")
            row["body"] = .object(try bindings(of: command, scope))
        }
        return .object(row)
    }

    /// Sends many changes as one call, so that a person sees all of them and is asked once.
    private func batch(
        _ request: ToolRequest, _ scopes: [ToolScope], _ step: ToolStep, _ outcome: inout ToolRunner.Outcome
    ) async throws(MMError) -> JSONValue {
        var lines: [String] = []
        for (index, scope) in scopes.enumerated() {
            var line: JSONObject = [
                "id": .string(String(index + 1)), "method": .string(request.method),
                "url": .string(try address(request, scope)),
            ]
            line["body"] = try request.body?.json(in: scope)
            if !request.headers.isEmpty {
                line["headers"] = .object(JSONObject(request.headers.map { ($0.key, .string($0.value)) }))
            }
            lines.append(JSONWriter.string(.object(line)))
        }
        let answer = try await runner.services.perform(
            OperationDeclaration.graphRequest.name,
            ["connection": .string(runner.connection), "batch": .string(lines.joined(separator: "\n"))],
            call(of: step.id))
        let answers = try await value(of: answer, of: step.id, &outcome).array ?? []
        return .array(
            scopes.enumerated().map { index, scope in
                let found = answers.first { $0["id"]?.string == String(index + 1) }
                return ["item": scope.item ?? .null, "result": found ?? .null]
            })
    }

    /// Sends reads, several at a time.
    private func concurrently(_ step: ToolStep, _ scopes: [ToolScope], _ outcome: inout ToolRunner.Outcome)
        async throws(MMError) -> JSONValue
    {
        var found: [Int: JSONValue] = [:]
        var passed: [String] = []
        var lacks: [Int: ToolRunner.Outcome] = [:]
        var failure: MMError?
        let atOnce = if case .command = step.action { 1 } else { Self.mostAtOnce }
        await withTaskGroup(of: (Int, Result<(JSONValue, ToolRunner.Outcome), MMError>).self) { group in
            var next = 0
            func begin() {
                guard next < scopes.count, failure == nil else { return }
                let (index, scope) = (next, scopes[next])
                next += 1
                group.addTask {
                    let result: Result<(JSONValue, ToolRunner.Outcome), MMError>
                    do throws(MMError) {
                        var own = ToolRunner.Outcome(scope: scope)
                        let value = try await once(step, changes: false, scope, &own)
                        result = .success((value, own))
                    } catch {
                        result = .failure(error)
                    }
                    return (index, result)
                }
            }
            for _ in 0..<atOnce { begin() }
            while let (index, result) = await group.next() {
                switch result {
                case .success((let value, let own)):
                    found[index] = ["item": scopes[index].item ?? .null, "result": value]
                    if own.lacksSomething { lacks[index] = own }
                    if own.isForeign { outcome.isForeign = true }
                case .failure(let error) where step.isOptional && ToolRunner.isPassedOver(error):
                    passed.append(error.message)
                case .failure(let error):
                    failure = failure ?? error
                    group.cancelAll()
                }
                begin()
            }
        }
        if let failure { throw failure }
        for index in lacks.keys.sorted() {
            outcome.missing += lacks[index]?.missing ?? []
            outcome.errors += lacks[index]?.errors ?? []
        }
        if let first = passed.first {
            outcome.missing.append("\(step.id): \(passed.count) of \(scopes.count) are left out; the first: \(first)")
        }
        return .array(scopes.indices.compactMap { found[$0] })
    }

    // MARK: Answers

    /// Returns the value of a step's answer: the rows of a page of a list. Parts that it lacks are reported as missing
    /// in the tool's answer.
    private func value(
        of answer: OperationAnswer, of step: String, _ outcome: inout ToolRunner.Outcome
    ) async throws(MMError) -> JSONValue {
        let whole = try await answer.wholeValue()
        let end = answer.body.stream?.end() ?? AnswerEnd()
        if answer.isForeign || end.isForeign || ForeignContent.isWithin(whole, from: runner.connection) {
            outcome.isForeign = true
        }
        if let missing = answer.missing { outcome.missing.append("\(step): \(missing)") }
        for error in answer.errors + end.errors {
            var named = error
            named.message = "\(step): \(error.message)"
            outcome.errors.append(named)
        }
        return whole.rowsOfPage.map { .array($0) } ?? whole
    }
}
