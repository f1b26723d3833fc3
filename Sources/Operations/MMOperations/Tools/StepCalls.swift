import MMCore
import MMGuard

/// The calls of a tool's steps.
struct StepCalls: Sendable {
    private static let mostAtOnce = 6

    let runner: ToolRunner

    /// Returns the context of a step's call: part of the tool's call, with its time limit, and never a job of its own.
    /// Its changes belong to the tool's call.
    private func call(of step: String? = nil, under clearance: JointClearance? = nil) -> CallContext {
        var call = runner.context.part(of: runner.definition.name, step: step)
        if let clearance { call.oneOfSeveral = clearance }
        call.namesEngine = false
        if runner.definition.isReadOnly { call.readsOnly = true }
        call.progress = { _ in }
        return call
    }

    /// Returns the result of a step, or the results for each row.
    /// - Throws: the errors of its operation.
    func result(
        of step: ToolStep, changes: Bool, _ outcome: inout ToolRunner.Outcome, _ progress: inout ToolProgress
    ) async throws(MMError) -> JSONValue {
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
                .limitExceeded,
                "The step \(step.id) would run \(rows.count.counted("time")); its limit is \(step.limit).",
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
            return try await oneByOne(step, scopes, &outcome, &progress)
        }
        return try await concurrently(step, scopes, &outcome)
    }

    /// Makes changes by a call for each row, except for rows that an earlier, interrupted call has done.
    private func oneByOne(
        _ step: ToolStep, _ scopes: [ToolScope], _ outcome: inout ToolRunner.Outcome, _ progress: inout ToolProgress
    ) async throws(MMError) -> JSONValue {
        var done = progress.rows(of: step.id)
        if !done.isEmpty { outcome.notes.append("\(step.id): \(done.count) already done by the previous call") }
        var rows: [JSONValue?] = scopes.map { scope in
            done.firstIndex { $0["item"] == scope.item ?? .null }.map { done.remove(at: $0) }
        }
        let left = rows.indices.filter { rows[$0] == nil }
        let clearance = try await settle(step, for: left.map { scopes[$0] })
        for index in left {
            let result = try await once(step, changes: true, scopes[index], &outcome, under: clearance)
            rows[index] = ["item": scopes[index].item ?? .null, "result": result]
            guard !runner.isDryRun, runner.context.call.planning == nil else { continue }
            try progress.keep(rows: rows.compactMap(\.self), of: step.id, by: runner.context.record.call)
        }
        return .array(rows.compactMap(\.self))
    }

    /// Asks a person once about all that a step changes by a call for each row, before the first of these calls.
    /// - Returns: the clearance of the calls; `nil` where the guard judges each when it is made.
    private func settle(_ step: ToolStep, for scopes: [ToolScope]) async throws(MMError) -> JointClearance? {
        let (guarding, context) = (runner.services.guarding, runner.context)
        guard scopes.count > 1, !runner.isDryRun, !runner.definition.isReadOnly, context.call.planning == nil else {
            return nil
        }
        let connection = try guarding.registry.connection(named: runner.connection, in: context)
        let policy = guarding.policy(of: connection, in: context)
        let foreseen = runner.effects.verdict(of: step, runner.definition.parameters, policy: policy)
        // What the guard denies, the first call refuses with the reason.
        if foreseen?.decision == .deny { return nil }
        let clearance = JointClearance(refusesOthers: false)
        var judged: [Int] = []
        // If no single call is asked about, only their number may be.
        if foreseen?.decision != .allow {
            for (row, scope) in zip(1..., scopes) {
                if Task.isCancelled { throw MMError(.cancelled, "Cancelled; nothing was sent.") }
                // A call that doesn't reach the guard, as if it needs what an earlier one creates, is judged later.
                try? await judge(step, scope, clearance)
                if clearance.requests.count > judged.count { judged.append(row) }
            }
        }
        let requests = clearance.requests
        if let denied = requests.first(where: { $0.verdict.decision == .deny })?.verdict.error() { throw denied }
        let verdict = Verdict.joined(requests.map(\.verdict)) ?? (scopes.count > TargetCount.few ? foreseen : nil)
        guard let verdict, var question = try question(about: step, scopes, verdict, on: connection) else {
            clearance.permit()
            return clearance
        }
        question.changes = zip(judged, requests).flatMap { row, request in request.changes.map { "\(row): \($0)" } }
        if !requests.isEmpty { question.parameters = ["allOfIt": .array(requests.map { .string($0.digest) })] }
        let cleared = try await Clearance(requests, question).settle(in: context, with: guarding)
        clearance.permit(cleared, with: question.digest, approvedBy: context.record.facts["approvedBy"])
        return clearance
    }

    /// Returns the question about a step's calls, one for each row; `nil` if nobody has to be asked.
    /// - Parameter verdict: the guard's verdict on all of them.
    private func question(
        about step: ToolStep, _ scopes: [ToolScope], _ verdict: Verdict, on connection: Connection
    ) throws(MMError) -> ConfirmationRequest? {
        var verdict = verdict
        if scopes.count > TargetCount.few {
            let act = "The step \(step.id), which runs for \(scopes.count.counted("object")),"
            verdict = verdict.changing(scopes.count, by: act, instead: "To see them first, add --dry-run.")
        }
        guard verdict.decision == .ask else { return nil }
        let module =
            switch step.action {
            case .request(let request): request.resource.module
            case .command(let command): command.module
            }
        var lines: [String] = []
        for (row, scope) in zip(1..., scopes) { lines.append("\(row): \(JSONWriter.string(try planned(step, scope)))") }
        return ConfirmationRequest(
            on: connection, module: module, title: "\(step.id) of \(runner.definition.name)",
            text: lines.joined(separator: "\n"), verdict: verdict)
    }

    private func judge(_ step: ToolStep, _ scope: ToolScope, _ clearance: JointClearance) async throws(MMError) {
        let (name, arguments) = try called(step, scope)
        try await runner.services.judge(name, arguments, call(of: step.id, under: clearance))
    }

    // MARK: Once

    private func once(
        _ step: ToolStep, changes: Bool, _ scope: ToolScope, _ outcome: inout ToolRunner.Outcome,
        under clearance: JointClearance? = nil
    ) async throws(MMError) -> JSONValue {
        if runner.isDryRun, changes {
            outcome.plan.append(try planned(step, scope))
            return .null
        }
        let (name, arguments) = try called(step, scope)
        let answer = try await runner.services.perform(name, arguments, call(of: step.id, under: clearance))
        let value = try await value(of: answer, of: step.id, &outcome)
        // A command's output is always a list.
        guard case .command = step.action, value.array == nil else { return value }
        return value.isNull ? [] : [value]
    }

    /// Returns the operation that a step calls, with its arguments.
    private func called(
        _ step: ToolStep, _ scope: ToolScope
    ) throws(MMError) -> (name: String, arguments: JSONObject) {
        switch step.action {
        case .request(let request): (OperationDeclaration.graphRequest.name, try arguments(request, scope))
        case .command(let command):
            (
                OperationDeclaration.run.name,
                arguments(
                    command.text(for: runner.definition.parameters), in: command.module,
                    with: try bindings(of: command, scope))
            )
        }
    }

    /// Runs a script in a module with values for its parameters.
    func runs(
        _ script: String, in module: String, with values: JSONObject, isDryRun: Bool
    ) async throws(MMError) -> OperationAnswer {
        var arguments = arguments(script, in: module, with: values)
        if isDryRun { arguments["dryRun"] = true }
        return try await runner.services.perform(OperationDeclaration.run.name, arguments, call())
    }

    private func arguments(_ script: String, in module: String, with values: JSONObject) -> JSONObject {
        var arguments = ToolCommand.arguments(on: runner.connection, module, script)
        arguments["output"] = "json"
        if !values.isEmpty { arguments["param"] = .object(values) }
        return arguments
    }

    private func bindings(of command: ToolCommand, _ scope: ToolScope) throws(MMError) -> JSONObject {
        var bound = JSONObject()
        for (variable, value) in command.bindings { bound[variable] = try value.json(in: scope) }
        return bound
    }

    // MARK: Requests

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

    private func headers(_ request: ToolRequest) -> JSONObject {
        JSONObject(request.headers.map { ($0.key, .string($0.value)) })
    }

    /// Returns what a step would do, as it is shown.
    private func planned(_ step: ToolStep, _ scope: ToolScope) throws(MMError) -> JSONValue {
        var row: JSONObject = ["step": .string(step.id)]
        switch step.action {
        case .request(let request):
            row["request"] = .string("\(request.method) \(try address(request, scope))")
            row["body"] = try request.body?.json(in: scope)
            if !request.headers.isEmpty { row["headers"] = .object(headers(request)) }
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
            if !request.headers.isEmpty { line["headers"] = .object(headers(request)) }
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
        var outcomes: [Int: ToolRunner.Outcome] = [:]
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
                    outcomes[index] = own
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
        for own in scopes.indices.compactMap({ outcomes[$0] }) {
            outcome.missing += own.missing
            outcome.errors += own.errors
            outcome.notes += own.notes
        }
        if let first = passed.first {
            outcome.missing.append("\(step.id): \(passed.count) of \(scopes.count) are left out; the first: \(first)")
        }
        return .array(scopes.indices.compactMap { found[$0] })
    }

    // MARK: Answers

    /// Returns the value of a step's answer: the rows of a page of a list. Parts that it lacks are reported as missing
    /// in the tool's answer, and its warnings, which may say the same, are among the notes.
    private func value(
        of answer: OperationAnswer, of step: String, _ outcome: inout ToolRunner.Outcome
    ) async throws(MMError) -> JSONValue {
        let whole = try await answer.wholeValue()
        let end = answer.body.stream?.end() ?? AnswerEnd()
        if answer.isForeign || end.isForeign || ForeignContent.isWithin(whole, from: runner.connection) {
            outcome.isForeign = true
        }
        if let missing = answer.missing { outcome.missing.append("\(step): \(missing)") }
        outcome.notes += (answer.notes + end.notes).compactMap(RepeatedLines.warning(in:)).map {
            RepeatedLines.warning("\(step): \($0)")
        }
        outcome.errors += (answer.errors + end.errors).map { $0.about(step) }
        return whole.rowsOfPage.map { .array($0) } ?? whole
    }
}
