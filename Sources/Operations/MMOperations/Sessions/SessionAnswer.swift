import MMCore
import MMGuard
import MMNative
import MMPowerShell
import PowerShellSyntax

/// The result of a script in a session: the output of the engine that ran it, and notes for the caller.
package struct SessionAnswer: Sendable {
    /// The output of an engine.
    enum Output: Sendable {
        /// The output of the native engine, whose requests are judged one by one.
        case native(NativeAnswer)
        /// The output of PowerShell.
        case powerShell(PowerShellAnswer)
    }

    /// The output of the engine that ran the script.
    let output: Output
    /// Whether the sandbox's stand-in ran it.
    var isStandIn = false
    /// The files that the script wrote in PowerShell; the native engine's host has its own.
    var files = ProgramFolder.Written()
    /// The reason why PowerShell ran it, if the native engine was an option.
    var reason: String?
    /// The outcomes of PowerShell's requests, if they were judged.
    var traffic: CallTraffic?
    /// The jobs that it left running and that have ended since.
    var jobs: StartedJobs?
    /// Further notes.
    var notices: [String] = []

    /// The note for an answer from the stand-in.
    package static let standInNote = "This ran on the sandbox's stand-in, not on a real PowerShell."

    /// The engine that ran it.
    var engine: Engine {
        if case .native = output { .native } else { .pwsh }
    }

    /// Returns the answer for the caller.
    /// - Throws: `remote_failed` with the engine's message if the script failed; its output until then is in the
    ///   details.
    func operationAnswer(of input: RunInput, connection: String) throws(MMError) -> OperationAnswer {
        var result =
            switch output {
            case .native(let answer): try answer.operationAnswer(of: input, connection: connection)
            case .powerShell(let answer): try operationAnswer(answer, of: input, connection: connection)
            }
        let values: [JSONValue] =
            switch result.body {
            case .text(let text): [.string(text)]
            case .value(let value): value.array ?? [value]
            case .json, .bytes, .items, .output: []
            }
        result.isForeign = ForeignContent.isWithin(output: values, of: input.command ?? "")
        return result
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
            throw MMError(.cancelled, "The command was stopped; the session is kept.")
                .withOutput(answer.output(isText: isText))
        default:
            // A client's error for a refused tunnel names the proxy, but not the host.
            let refused = traffic?.foreignHosts.prefix(3).joined(separator: ", ") ?? ""
            let unreached = refused.isEmpty ? "" : " (The session is not allowed to reach \(refused).)"
            throw MMError(
                .remoteFailed, answer.problem(in: script) + unreached,
                hint: notes.isEmpty ? nil : notes.joined(separator: "\n")
            ).withOutput(answer.output(isText: isText))
        }
        var result = OperationAnswer(
            isText ? .text(answer.consoleText) : .value(.array(answer.values)),
            notes: (reason.map { [EngineRemark.pwsh(because: $0)] } ?? []) + notes, connection: connection)
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

    /// Returns the error for a command with no other output, so that, for example, a misspelled cmdlet isn't mistaken
    /// for an empty answer.
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

    /// Returns PowerShell's messages in addition to its output, with suggestions for unknown commands.
    func said(beside answer: PowerShellAnswer, isText: Bool, of input: RunInput) -> [String] {
        let script = input.command ?? ""
        var notes = answer.notes(isText: isText, script, isStandIn ? [Self.standInNote] : [])
        if let note = ProcessJobs.note(on: script) { notes.append(note) }
        guard let module = input.module else { return notes }
        return notes + answer.nearCommands(in: module, script) + answer.advice(in: module)
    }
}

/// The `exit` statement with which a script sets its exit code. PowerShell doesn't report the code of a script in a
/// session, so it is read from the text: an `exit` with a plain number as the last statement.
struct ExitStatement {
    /// The code.
    let code: Int32

    /// Reads the last statement of a script; `nil` if it isn't such an `exit`. The script is parsed only if it may
    /// contain one.
    init?(of script: String) {
        guard script.utf8.contains(where: { $0 | 0x20 == UInt8(ascii: "x") }), script.lowercased().contains("exit")
        else { return nil }
        self.init(PowerShellParser.parse(script))
    }

    /// Reads the last statement of a script; `nil` if it isn't such an `exit`.
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

/// Jobs that run in a PowerShell process of their own.
enum ProcessJobs {
    /// Returns the note for a script that starts one; `nil` for any other script.
    static func note(on script: String) -> String? {
        // A script is parsed only if it may start one.
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
            "A job of Start-Job or & runs in a separate PowerShell that is not signed in, so the module's cmdlets fail there. "
            + "Use Start-ThreadJob, ForEach-Object -Parallel or -AsJob, which stay in the session's process."
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
    /// Returns the answer of a dry run: the requests, and the outcome of a script that had some of them refused.
    /// - Parameters:
    ///   - answer: PowerShell's answer.
    ///   - verdict: the guard's verdict on a real run.
    ///   - forecast: the changes that the refused requests would make.
    /// - Throws: as in a run, if the script failed although none of its requests were refused, or was stopped.
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
            "The script ran in PowerShell\(reason.map { " (\($0))" } ?? ""), and its changes were held back, not sent. "
                + "\(DryRun.guardSays(verdict))"
        ]
        if held > 0 {
            notes.append(
                "The script sees each request that is held back as refused (403), so after the first one it may behave "
                    + "differently than in a real run.")
        }
        if !hasEnded { notes.append("The script ended early: \(answer.problem(in: input.command ?? ""))") }
        notes.append("Variables that it set and files that it wrote remain, as after a real run.")
        if !answer.values.isEmpty { notes.append("Its output is not shown: \(answer.values.count.counted("object")).") }
        notes += notices + (traffic?.notes(connection: connection) ?? [])
        notes += said(beside: answer, isText: false, of: input)
        return DryRun.answer(report, notes: notes, connection: connection, changes: await forecast(report))
    }
}
