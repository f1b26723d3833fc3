import MMCore
import MMGuard
import MMNative
import MMPowerShell
import PowerShellSyntax

/// What a script left in a session: what came from the engine that ran it, and what is to be said of it.
package struct SessionAnswer: Sendable {
    /// What came from an engine.
    enum Output: Sendable {
        /// From the native engine, whose requests are judged one by one.
        case native(NativeAnswer)
        /// From PowerShell.
        case powerShell(PowerShellAnswer)
    }

    /// What came from the engine that ran it.
    let output: Output
    /// Whether the stand-in ran it.
    var isStandIn = false
    /// Why PowerShell ran it, where the native engine might have.
    var reason: String?
    /// What became of PowerShell's requests, where they were judged.
    var traffic: CallTraffic?
    /// The jobs that it left running, and that have ended since.
    var jobs: StartedJobs?
    /// What is said besides.
    var notices: [String] = []

    /// What is said of an answer that no PowerShell gave.
    package static let standInNote = "This ran on the sandbox's stand-in, not on a real PowerShell."

    /// The engine that ran it.
    var engine: Engine {
        if case .native = output { .native } else { .pwsh }
    }

    /// The answer for the caller.
    /// - Throws: `remote_failed` with the engine's words when it failed; what it had written by then is in the details.
    func operationAnswer(of input: RunInput, connection: String) throws(MMError) -> OperationAnswer {
        switch output {
        case .native(let answer): try answer.operationAnswer(of: input, connection: connection)
        case .powerShell(let answer): try operationAnswer(answer, of: input, connection: connection)
        }
    }

    private func operationAnswer(_ answer: PowerShellAnswer, of input: RunInput, connection: String)
        throws(MMError) -> OperationAnswer
    {
        let isText = input.output == "text"
        let script = input.command ?? ""
        var notes = notices
        notes += traffic?.notes(connection: connection) ?? []
        notes += jobs?.notes ?? []
        notes += said(beside: answer, isText: isText, of: input)
        if let error = traffic?.error { throw error.withOutput(answer.output(isText: isText)) }
        switch answer.end?.state {
        case .completed?: break
        case .stopped?:
            throw MMError(.cancelled, "The command was stopped; the session stays.")
                .withOutput(answer.output(isText: isText))
        default:
            // What a client says of a tunnel that was refused names the proxy, and never the host.
            let refused = traffic?.foreignHosts.prefix(3).joined(separator: ", ") ?? ""
            let unreached = refused.isEmpty ? "" : " (The session may not reach \(refused).)"
            throw MMError(
                .remoteFailed, answer.problem(in: script) + unreached,
                hint: notes.isEmpty ? nil : notes.joined(separator: "\n")
            ).withOutput(answer.output(isText: isText))
        }
        var result = OperationAnswer(
            isText ? .text(answer.consoleText) : .value(.array(answer.values)),
            notes: (reason.map { ["engine: pwsh (\($0))"] } ?? []) + notes, connection: connection)
        let code = ExitStatement(of: script)?.code
        let errors = answer.reportedErrors(in: script)
        if code == nil, answer.missing == nil, let first = errors.first, answer.output(isText: isText).isEmpty {
            throw Self.failure(first, errors, notes).withOutput([])
        }
        result.missing = answer.missing
        result.errors = errors
        if jobs?.hasFailed == true { result.exitStatus = 1 }
        if let code { result.exitStatus = code }
        return result
    }

    /// The error of a command that put out nothing else: a cmdlet's name that was misspelled, say, must not be taken for an
    /// empty answer.
    private static func failure(_ first: ReportedError, _ errors: [ReportedError], _ notes: [String]) -> MMError {
        let others = notes.filter { $0 != first.line }
        var details: JSONObject = [
            "engine": .string(Engine.pwsh.rawValue),
            "errors": .array(errors.prefix(ReportedError.most).map { .object($0.json) }),
            "notes": .array(notes.map { .string($0) }),
        ]
        if let category = first.category { details["category"] = .string(category) }
        return MMError(
            first.category == "ObjectNotFound" && first.id != "CommandNotFoundException" ? .notFound : .remoteFailed,
            String(first.line.dropFirst(ReportedError.mark.count)),
            hint: others.isEmpty ? nil : others.joined(separator: "\n"), details: details)
    }

    /// What PowerShell said beside what it put out, and what was meant where it did not know a command.
    func said(beside answer: PowerShellAnswer, isText: Bool, of input: RunInput) -> [String] {
        let script = input.command ?? ""
        var notes = answer.notes(isText: isText, script, isStandIn ? [Self.standInNote] : [])
        if let note = ProcessJobs.note(on: script) { notes.append(note) }
        guard let module = input.module else { return notes }
        return notes + answer.nearCommands(in: module, script) + answer.advice(in: module)
    }
}

/// The `exit` with which a script says how it ended. PowerShell doesn't tell its code of a script in a session, so it is read
/// from the text: an `exit` with a plain number as the last statement.
struct ExitStatement {
    /// The code.
    let code: Int32

    /// The end of a script as it is written; `nil` where it says nothing. Only what may say it is parsed.
    init?(of script: String) {
        guard script.utf8.contains(where: { $0 | 0x20 == UInt8(ascii: "x") }), script.lowercased().contains("exit")
        else { return nil }
        self.init(PowerShellParser.parse(script))
    }

    /// The end of a script; `nil` where it says nothing.
    init?(_ script: ParsedScript) {
        guard script.errors.isEmpty, case .flow(let flow)? = script.root?.body?.statements.last, flow.kind == .exit
        else {
            return nil
        }
        guard let value = flow.value else {
            code = 0
            return
        }
        guard case .number(let number)? = value.pureExpression, case .int32(let code) = number.value else { return nil }
        self.code = code
    }
}

/// Jobs that run in a PowerShell of their own.
enum ProcessJobs {
    /// What a script should know that starts one; `nil` for any other script.
    static func note(on script: String) -> String? {
        // Only what may start one is parsed.
        let text = script.lowercased()
        guard text.contains("start-job") || text.contains("sajb") || text.contains("&") else { return nil }
        let parsed = PowerShellParser.parse(script)
        let startsOne = ScriptFacts(of: parsed).items.contains { item in
            guard case .command(let fact) = item.detail, let name = fact.name?.lowercased() else { return false }
            let plain = name.split(separator: "\\").last.map(String.init) ?? name
            return plain == "start-job" || plain == "sajb"
        }
        guard startsOne || isBackground(parsed.root?.body?.statements ?? []) else { return nil }
        return
            "A job of Start-Job or & runs in a PowerShell of its own, which is not signed in: the module's cmdlets fail there. "
            + "Start-ThreadJob, ForEach-Object -Parallel and -AsJob stay in the session's own process."
    }

    private static func isBackground(_ statements: [StatementSyntax]) -> Bool {
        statements.contains { statement in
            switch statement {
            case .pipeline(let pipeline): pipeline.isBackground
            case .pipelineChain(let chain): chain.isBackground
            case .assignment(let assignment): isBackground([assignment.value])
            default: false
            }
        }
    }
}

extension SessionAnswer {
    /// The answer of a dry run: the requests, and what became of a script of which some were refused.
    /// - Parameters:
    ///   - answer: what PowerShell left.
    ///   - verdict: what the guard says of a run.
    ///   - forecast: what the requests that were held back would change.
    /// - Throws: as in a run, where the script failed though nothing of it was held back, or was stopped.
    func dryRunAnswer(
        _ answer: PowerShellAnswer, of input: RunInput, _ verdict: Verdict, connection: String,
        forecast: (CallReport) async -> [UInt64: Change]
    ) async throws(MMError) -> OperationAnswer {
        let report = traffic?.report ?? CallReport()
        let held = report.rehearsed.count { !$0.isRead }
        let hasEnded = answer.end?.state == .completed
        if !hasEnded, held == 0 || answer.end?.state == .stopped {
            _ = try operationAnswer(of: input, connection: connection)
        }
        var notes = [
            "It ran in PowerShell\(reason.map { " (\($0))" } ?? ""), and what changes something was held back: nothing of that "
                + "was sent. \(DryRun.guardSays(verdict))"
        ]
        if held > 0 {
            notes.append(
                "A request that is held back fails as the service itself would refuse it (403), so what the script does after "
                    + "the first of them may differ from a run.")
        }
        if !hasEnded { notes.append("The script ended early: \(answer.problem(in: input.command ?? ""))") }
        notes.append("Variables that it set, and files that it wrote, are there as after a run.")
        if !answer.values.isEmpty { notes.append("What it put out is left out here: \(answer.values.count) objects.") }
        notes += notices + (traffic?.notes(connection: connection) ?? [])
        notes += said(beside: answer, isText: false, of: input)
        return DryRun.answer(report, notes: notes, connection: connection, changes: await forecast(report))
    }
}
