import MMCore

/// Carries out a tool: each step is a call of `graph_request` or `run`, judged, confirmed and audited like any other.
struct ToolRunner: Sendable {
    let definition: ToolDefinition
    let connection: String
    let values: ToolValues
    let context: OperationContext
    let effects: ToolEffects
    let isDryRun: Bool
    let services: ToolServices

    /// The results of the steps so far.
    struct Outcome: Sendable {
        /// The values of placeholders.
        var scope: ToolScope
        /// The steps that would change something, for a dry run.
        var plan: [JSONValue] = []
        /// The notes of the answer.
        var notes: [String] = []
        /// The descriptions of missing parts of the answer.
        var missing: [String] = []
        /// The errors that scripts of steps reported without ending.
        var errors: [ReportedError] = []
        /// The steps that were not carried out because their rows were empty, with the step that returned these rows.
        var idle: [(step: String, source: String)] = []
        /// The steps that were only planned, so that their results are unknown.
        var unanswered: Set<String> = []
        /// Whether other people wrote what a step returned. The answer, which programs make of it, may not show that.
        var isForeign = false

        /// Whether the answer is incomplete.
        var lacksSomething: Bool { !missing.isEmpty || !errors.isEmpty }
    }

    /// Returns the answer of the whole tool.
    /// - Throws: the errors of its steps' operations.
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
            throw MMError(.internalError, "\(definition.name) is a pattern of cmdlets, not a tool.")
        case .steps(let steps, let program):
            // The rest of an open plan uses the same `now` as its beginning.
            var outcome = Outcome(scope: ToolScope(parameters: values.all, now: planning?.started ?? .now))
            try await carryOut(steps, &outcome)
            return try await answer(of: outcome, program, last: steps.last?.id)
        }
    }

    private var calls: StepCalls { StepCalls(runner: self) }

    /// The recorder of changes, if the call is only planned.
    private var planning: PlanRecorder? { isDryRun ? nil : context.call.planning }

    private func carryOut(_ steps: [ToolStep], _ outcome: inout Outcome) async throws(MMError) {
        var progress = ToolProgress(of: definition, on: connection, with: values.all, in: services.guarding.paths)
        if !isDryRun, planning == nil {
            try progress.read()
            if let call = progress.call { context.record.goesOn(with: call) }
        }
        for (index, step) in steps.enumerated() {
            let place = "step \(index + 1) of \(steps.count): \(step.id)"
            context.call.progress(ProgressReport(done: Double(index), total: Double(steps.count), message: place))
            if let planning, let source = step.roots.first(where: outcome.unanswered.contains) {
                planning.end(
                    because:
                        "\(step.id) of \(definition.name) depends on the answer of \(source), which is not known yet")
                throw PlanRecorder.beyond
            }
            if let condition = step.condition, try !outcome.scope.holds(condition) {
                outcome.scope.results[step.id] = .null
                continue
            }
            if let done = progress.result(of: step.id), !isDryRun {
                outcome.scope.results[step.id] = done
                outcome.notes.append("\(step.id): already done by the previous call")
                continue
            }
            let changes = !effects.reads(step, parameters: definition.parameters)
            let before = planning?.count(on: connection)
            do throws(MMError) {
                var result = try await calls.result(of: step, changes: changes, &outcome, &progress)
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
                    ? "plan: nothing was changed; `apply` (in a terminal --apply) makes the changes"
                    : "dry run: nothing was changed"
            ]
            answer.isForeign = outcome.isForeign
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
            if value.isEmptyList { answer.text = Self.nothing(outcome) } else { answer.isForeign = outcome.isForeign }
        }
        answer.notes += RepeatedLines.counted(outcome.notes)
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

    /// Returns the message for an answer without rows; it must not claim that nothing exists if a step was not carried
    /// out.
    private static func nothing(_ outcome: Outcome) -> String {
        guard let idle = outcome.idle.first else {
            return outcome.lacksSomething ? "Nothing found in the parts that could be read." : "Nothing found."
        }
        return "Nothing found: the step \(idle.source) found nothing, so \(idle.step) was skipped."
    }

    /// Applies a jq program to a value; several results form a list.
    static func filtered(_ value: JSONValue, through program: String) async throws(MMError) -> JSONValue {
        let output = try await JQProgram(program).run(on: JSONWriter.bytes(value))
        var values: [JSONValue] = []
        for line in output.split(separator: UInt8(ascii: "\n")) {
            do throws(JSONError) { values.append(try JSONParser.parse(Array(line))) } catch {
                throw MMError(.internalError, "the output of jq is not JSON: \(error)")
            }
        }
        return values.count == 1 ? values[0] : .array(values)
    }

    /// Whether an error of an optional step is ignored: the service doesn't have or doesn't allow what the step
    /// requests.
    static func isPassedOver(_ error: MMError) -> Bool {
        [.notFound, .forbidden, .remoteFailed, .unsupported].contains(error.code)
    }

    private static func goingOn(_ error: MMError) -> MMError {
        var error = error.ofLaterRequest
        let words = "What was done before stays done. To continue here, repeat the call within 15 minutes."
        error.hint = error.hint.map { "\($0)\n\(words)" } ?? words
        return error
    }
}

extension ToolStep {
    /// The names in its placeholders: parameters and earlier steps.
    fileprivate var roots: [String] {
        (references + [each, condition].compactMap(\.self)).map(\.root)
    }
}

extension JSONValue {
    /// Whether this is an empty list.
    fileprivate var isEmptyList: Bool { array?.isEmpty == true }
}

/// The progress of an interrupted call of a tool, so that the same call can continue a little later without repeating
/// changes.
///
/// A call stops where a person has to confirm a step, or where a row of a step fails; the steps and rows before have
/// been carried out by then.
struct ToolProgress {
    private static let lifetime = Duration.seconds(900)

    private let path: String
    private var results = JSONObject()
    /// The rows that are done of steps that aren't, each with its item and result.
    private var rows = JSONObject()
    /// The id of the call that began it, which later calls that continue it use as well.
    private(set) var call: String?

    /// Creates the progress of a call, identified by the tool's text, the connection and the values.
    init(of definition: ToolDefinition, on connection: String, with values: JSONObject, in paths: StatePaths) {
        let sorted = JSONObject(values.map { ($0.key, $0.value) }.sorted { $0.0 < $1.0 })
        let key: JSONValue = [
            .string(definition.place), .string(definition.source), .string(connection), .object(sorted),
        ]
        path = "\(paths.toolProgressDirectory)/\(Hex.text(SHA256.digest(JSONWriter.bytes(key)))).json"
    }

    /// Whether no change has been recorded yet.
    var isEmpty: Bool { results.isEmpty && rows.isEmpty }

    /// Returns the result of a step that was carried out.
    func result(of step: String) -> JSONValue? { results[step] }

    /// Returns the rows that are done of a step that was interrupted, each with its item and result.
    func rows(of step: String) -> [JSONValue] { rows[step]?.array ?? [] }

    /// Reads the progress of the earlier call, unless it is too old.
    mutating func read() throws(MMError) {
        guard let bytes = try ProtectedFile.read(path, limit: 16 << 20) else { return }
        guard let value = try? JSONParser.parse(bytes),
            let since = value["since"]?.string.flatMap({ Timestamp(iso8601: $0) }),
            let results = value["results"]?.object
        else {
            throw MMError(
                .conflict, "The record of what an earlier call of this tool changed, \(path), is broken.",
                hint: "Check what was changed (mm undo list), then remove the file to run all steps again.",
                details: ["path": .string(path)])
        }
        guard Timestamp.now - since < Self.lifetime else { return try ProtectedFile.remove(path) }
        self.results = results
        rows = value["rows"]?.object ?? [:]
        call = value["call"]?.string
    }

    /// Stores the result of a step that has changed something.
    /// - Parameter call: the id of the whole call.
    mutating func keep(_ result: JSONValue, of step: String, by call: String) throws(MMError) {
        results[step] = result
        rows[step] = nil
        try write(call)
    }

    /// Stores the rows of a step that are done, each with its item and result.
    /// - Parameter call: the id of the whole call.
    mutating func keep(rows done: [JSONValue], of step: String, by call: String) throws(MMError) {
        rows[step] = .array(done)
        try write(call)
    }

    private func write(_ call: String) throws(MMError) {
        let value: JSONValue = [
            "since": .string(Timestamp.now.iso8601), "call": .string(call), "results": .object(results),
            "rows": .object(rows),
        ]
        try ProtectedFile.replace(path, with: JSONWriter.bytes(value))
    }

    /// Removes the progress after the call has finished.
    func forget() throws(MMError) { if !isEmpty { try ProtectedFile.remove(path) } }
}
