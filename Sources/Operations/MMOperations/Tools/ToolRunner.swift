import MMCore

/// Carries out a tool: each step is a call of `graph_request` or `run`, judged, confirmed and audited as any other.
struct ToolRunner: Sendable {
    let definition: ToolDefinition
    let connection: String
    let values: ToolValues
    let context: OperationContext
    let effects: ToolEffects
    let isDryRun: Bool
    let services: ToolServices

    /// What the steps have left so far.
    struct Outcome: Sendable {
        /// What placeholders stand for.
        var scope: ToolScope
        /// What a dry run shows: each step that would change something.
        var plan: [JSONValue] = []
        /// What the reader is told.
        var notes: [String] = []
        /// What the answer lacks.
        var missing: [String] = []
        /// What scripts of steps reported and went on after.
        var errors: [ReportedError] = []
        /// Steps that were not carried out because what they go through had no rows, with the step whose rows these are.
        var idle: [(step: String, source: String)] = []
        /// Steps of which only a plan is made: nobody knows what they will answer.
        var unanswered: Set<String> = []

        /// Whether the answer is not all that was asked for.
        var lacksSomething: Bool { !missing.isEmpty || !errors.isEmpty }
    }

    /// The answer of the whole tool.
    /// - Throws: as the operations of its steps.
    func answer() async throws(MMError) -> OperationAnswer {
        switch definition.work {
        case .script(let text, let module):
            var bound = JSONObject()
            for (parameter, value) in values.given { bound[parameter.variable ?? parameter.name] = value }
            return try await calls.runs(text, in: module, with: bound, isDryRun: isDryRun)
        case .cmdlet(let name, let module):
            let script = CmdletTools.script(name, values.given)
            return try await calls.runs(script.text, in: module, with: script.values, isDryRun: isDryRun)
        case .cmdlets:
            throw MMError(.internalError, "\(definition.name) is a pattern of cmdlets and no tool.")
        case .steps(let steps, let program):
            // The rest of an open plan is walked through as its beginning was.
            var outcome = Outcome(scope: ToolScope(parameters: values.all, now: planning?.started ?? .now))
            try await carryOut(steps, &outcome)
            return try await answer(of: outcome, program, last: steps.last?.id)
        }
    }

    private var calls: StepCalls { StepCalls(runner: self) }

    /// Takes what the steps would change, where only a plan is made.
    private var planning: PlanRecorder? { isDryRun ? nil : context.call.planning }

    private func carryOut(_ steps: [ToolStep], _ outcome: inout Outcome) async throws(MMError) {
        var progress = ToolProgress(of: definition, on: connection, with: values.all, in: services.paths)
        if !isDryRun, planning == nil {
            try progress.read()
            if let call = progress.call { context.record.goesOn(with: call) }
        }
        for (index, step) in steps.enumerated() {
            let place = "step \(index + 1) of \(steps.count): \(step.id)"
            context.call.progress(ProgressReport(done: Double(index), total: Double(steps.count), message: place))
            if let planning, let source = step.roots.first(where: outcome.unanswered.contains) {
                planning.end(because: "\(step.id) of \(definition.name) depends on what \(source) will answer")
                throw PlanRecorder.beyond
            }
            if let condition = step.condition, try !outcome.scope.holds(condition) {
                outcome.scope.results[step.id] = .null
                continue
            }
            if let done = progress.result(of: step.id), !isDryRun {
                outcome.scope.results[step.id] = done
                outcome.notes.append("\(step.id): done by the call before, and not repeated")
                continue
            }
            let changes = !effects.reads(step, parameters: definition.parameters)
            let before = planning?.count(on: connection)
            do throws(MMError) {
                var result = try await calls.result(of: step, changes: changes, &outcome)
                if let planning, let before, changes, !planning.count(on: connection).answersAll(since: before) {
                    outcome.unanswered.insert(step.id)
                    outcome.scope.results[step.id] = .null
                    continue
                }
                if let program = step.projection, !(isDryRun && changes) {
                    result = try await Self.filtered(.object(["result": result]), through: ".result | (\(program))")
                }
                if result.isEmptyList, let sentence = step.nothing, !(isDryRun && changes) {
                    let words = try sentence.json(in: outcome.scope)?.string ?? "The step \(step.id) found nothing."
                    throw MMError(.notFound, words, details: ["step": .string(step.id)])
                }
                outcome.scope.results[step.id] = result
                if changes, !isDryRun { try progress.keep(result, of: step.id, by: context.record.call) }
            } catch {
                guard step.isOptional, Self.isPassedOver(error) else {
                    throw progress.isEmpty ? error : Self.goingOn(error)
                }
                outcome.scope.results[step.id] = .null
                outcome.missing.append("\(step.id): \(error.message)")
            }
        }
        if !isDryRun, planning == nil {
            try progress.forget()
            let wrote = steps.contains {
                !effects.reads($0, parameters: definition.parameters) && !(outcome.scope.results[$0.id] ?? .null).isNull
            }
            if wrote, context.call.caller.surface == .mcp {
                outcome.notes.append("undo: `mm undo --call \(context.record.call)`")
            }
        }
    }

    private func answer(of outcome: Outcome, _ program: String?, last: String?) async throws(MMError) -> OperationAnswer
    {
        var answer: OperationAnswer
        if isDryRun, !outcome.plan.isEmpty {
            answer = OperationAnswer(
                .value(.array(outcome.plan)), columns: ["step", "request", "body"], connection: connection)
            answer.notes = [
                definition.isPlan
                    ? "a plan: nothing was changed; `apply` (in a terminal --apply) carries it out"
                    : "a dry run: nothing was changed"
            ]
        } else if !outcome.unanswered.isEmpty {
            answer = OperationAnswer(.value(.null), connection: connection)
        } else {
            var value = outcome.scope.results[last ?? ""] ?? .null
            if let program {
                var input = outcome.scope.results
                input["params"] = .object(values.all)
                input["now"] = .string(outcome.scope.now.iso8601)
                value = try await Self.filtered(.object(input), through: program)
            }
            answer = OperationAnswer(.value(value), columns: definition.columns, connection: connection)
            if value.isEmptyList { answer.text = Self.nothing(outcome) }
        }
        answer.notes += outcome.notes
        if !outcome.missing.isEmpty {
            let text =
                outcome.missing.count > 3
                ? outcome.missing.prefix(3).joined(separator: "\n") + "\nand \(outcome.missing.count - 3) more"
                : outcome.missing.joined(separator: "\n")
            answer.notes.append(text)
            answer.missing = text
        }
        answer.notes += ReportedError.lines(outcome.errors)
        answer.errors = outcome.errors
        return answer
    }

    /// What a person is told of an answer without rows: who was not asked has not said that there is nothing.
    private static func nothing(_ outcome: Outcome) -> String {
        guard let idle = outcome.idle.first else {
            return outcome.lacksSomething ? "Nothing found in what could be read." : "Nothing found."
        }
        return "Nothing found: the step \(idle.source) found nothing, so \(idle.step) was not asked."
    }

    /// A jq program over a value; several results are a list.
    static func filtered(_ value: JSONValue, through program: String) async throws(MMError) -> JSONValue {
        let output = try await JQProgram(program).run(on: JSONWriter.bytes(value))
        var values: [JSONValue] = []
        for line in output.split(separator: UInt8(ascii: "\n")) {
            do throws(JSONError) { values.append(try JSONParser.parse(Array(line))) } catch {
                throw MMError(.internalError, "jq wrote something that is no JSON: \(error)")
            }
        }
        return values.count == 1 ? values[0] : .array(values)
    }

    /// Whether a step that may fail is passed over: the service knows nothing of it or doesn't give it.
    static func isPassedOver(_ error: MMError) -> Bool {
        [.notFound, .forbidden, .remoteFailed, .unsupported].contains(error.code)
    }

    private static func goingOn(_ error: MMError) -> MMError {
        var error = error
        let words = "The steps before it are done; the same call goes on here within 15 minutes."
        error.hint = error.hint.map { "\($0)\n\(words)" } ?? words
        return error
    }
}

extension ToolStep {
    /// The names that it speaks of: parameters, and steps before it.
    fileprivate var roots: [String] {
        (references + [each, condition].compactMap(\.self)).map(\.root)
    }
}

extension JSONValue {
    /// Whether this is a list without a single element.
    fileprivate var isEmptyList: Bool { array?.isEmpty == true }
}

/// How far a call of a tool has come that stopped, for the same call a little later: what was changed is not changed twice.
///
/// A call stops where a person has to confirm a step. What stands before that step has been done by then.
struct ToolProgress {
    private static let lifetime = Duration.seconds(900)

    private let path: String
    private var results = JSONObject()
    /// The call that began it: the calls that go on are the same one.
    private(set) var call: String?

    /// The progress of one call: the same tool as written, the same connection, the same values.
    init(of definition: ToolDefinition, on connection: String, with values: JSONObject, in paths: StatePaths) {
        let sorted = JSONObject(values.map { ($0.key, $0.value) }.sorted { $0.0 < $1.0 })
        let key: JSONValue = [
            .string(definition.place), .string(definition.source), .string(connection), .object(sorted),
        ]
        path = "\(paths.toolProgressDirectory)/\(Hex.text(SHA256.digest(JSONWriter.bytes(key)))).json"
    }

    /// Whether nothing was changed yet.
    var isEmpty: Bool { results.isEmpty }

    /// The result of a step that is done.
    func result(of step: String) -> JSONValue? { results[step] }

    /// Reads what the call before left; nothing where it is too long ago.
    mutating func read() throws(MMError) {
        guard let bytes = try ProtectedFile.read(path, limit: 16 << 20), let value = try? JSONParser.parse(bytes),
            let since = value["since"]?.string.flatMap({ Timestamp(iso8601: $0) }),
            let results = value["results"]?.object
        else { return }
        guard Timestamp.now - since < Self.lifetime else { return try ProtectedFile.remove(path) }
        self.results = results
        call = value["call"]?.string
    }

    /// Keeps the result of a step that has changed something.
    /// - Parameter call: the call that it is a step of.
    mutating func keep(_ result: JSONValue, of step: String, by call: String) throws(MMError) {
        results[step] = result
        let value: JSONValue = [
            "since": .string(Timestamp.now.iso8601), "call": .string(call), "results": .object(results),
        ]
        try ProtectedFile.replace(path, with: JSONWriter.bytes(value))
    }

    /// Forgets it: the call has come to its end.
    func forget() throws(MMError) { if !isEmpty { try ProtectedFile.remove(path) } }
}
