import MMCore
import MMDesk
import MMGuard
import MMIdentity
import MMNative
import MMPowerShell
import PowerShellSyntax

/// `run --dry-run`: shows the requests of a script before they are sent. A pipeline that the native engine supports is
/// only evaluated; any other script runs in PowerShell in a session whose proxy lets only reads through.
enum DryRun {
    /// Returns what a native script would send and change. If the connection is signed in, its reads are sent, so that
    /// the objects that it reaches are known; otherwise it is evaluated up to the point where the next step depends on
    /// an answer.
    /// - Parameters:
    ///   - plan: the script for the native engine.
    ///   - wanted: the engine that would run it.
    ///   - session: the state that earlier scripts of the session left.
    /// - Returns: `nil` for a script that PowerShell has to run.
    /// - Throws: `.unsupported` where the native engine doesn't support the script and is the only one asked for or
    ///   available.
    static func native(
        _ run: RunScript, _ plan: EnginePlan, wanted: ConnectionEngine, after session: NativeSession
    ) async throws(MMError) -> OperationAnswer? {
        func judge(_ engine: ConnectionEngine) throws(MMError) -> ScriptJudging.Judgement {
            try ScriptJudging(
                script: plan.script, parsed: plan.parsed, module: run.module, engine: engine, of: run.connection,
                in: run.context, with: run.guarding
            ).judge(with: .fresh)
        }
        let judged = try judge(wanted)
        let verdict = judged.verdict
        let isInPowerShell = wanted == .pwsh
        // In PowerShell, what is stricter than the text's verdict is held at the proxy and asked about there.
        let rehearsal = try await ScriptRehearsal(
            run, plan, of: isInPowerShell ? nil : run.act(plan.script, showsCmdlets: !judged.isJudgedWhenSent),
            under: verdict, reads: verdict.decision != .deny, needsSignIn: false, until: run.context.deadline)
        // Scripts that only confinement permits, or that use the session's own state, are left to PowerShell.
        if isInPowerShell {
            guard rehearsal.reads, try judge(.native).verdict.decision == verdict.decision,
                plan.variables.reads.allSatisfy({ known.contains($0) })
            else { return nil }
        }
        let hasPowerShell = RunModule.hasPowerShell(run.module)
        let isAlone = wanted == .native || !hasPowerShell
        let sources = rehearsal.sources
        let reason =
            rehearsal.misfit
            ?? (plan.waitsForAnswers && !rehearsal.reads ? "a loop whose end depends on answers" : nil)
        if let reason {
            guard isAlone else { return nil }
            throw EngineRefusal.beyond(reason, plan.strangers(to: sources), run.module, hasPowerShell: hasPowerShell)
        }
        let outcome = await rehearsal.outcome(after: session)
        let hasSteps = !rehearsal.steps.isEmpty
        let end = try unknown(
            from: outcome, sources, hasSteps: hasSteps, holds: rehearsal.holds)
        if case .elsewhere(let reason) = end, !hasSteps || isInPowerShell {
            guard isAlone else { return nil }
            throw EngineRefusal.beyond(reason, [], run.module, hasPowerShell: hasPowerShell)
        }
        var notes = [
            "\(rehearsal.reads ? "Only reads were sent: nothing was changed." : "Nothing was sent.") \(guardSays(verdict))"
        ]
        if isInPowerShell {
            notes.append("The native engine simulated the script; it would run in PowerShell.")
        }
        if let words = end.words { notes.append(words) }
        return try await rehearsal.answer(CallAuthority(verdict: verdict, text: plan.script), notes)
    }

    /// The end of a rehearsal.
    private enum End {
        case whole
        /// The rest of the script needs PowerShell.
        case elsewhere(String)
        /// It depends on a change that was held back, for this reason.
        case waiting(String)
        case refused(String)
        /// It went on to its end, with an error that it reported, in these words.
        case reported(String)

        /// What a person has to know about the end; `nil` if there is nothing.
        var words: String? {
            switch self {
            case .whole: nil
            case .elsewhere(let reason): "The rest of the script is unknown: \(reason) needs PowerShell."
            case .waiting(let reason): "The rest of the script is unknown: \(reason)."
            case .refused(let message): "The rest of the script is unknown: \(message)"
            case .reported(let words): words.prefix(1).uppercased() + words.dropFirst()
            }
        }
    }

    /// Returns the words about an error that a script reported without ending.
    /// - Parameter holds: whether a change was held back that later steps may need.
    static func reported(_ error: NativeError, holds: Bool) -> String {
        "the script reports an error\(holds ? ", perhaps because nothing was changed" : ""): \(error.message)"
    }

    /// - Throws: the error that broke it, or a refusal before any step.
    private static func unknown(
        from outcome: NativeOutcome, _ sources: [any ScriptSource], hasSteps: Bool, holds: Bool
    ) throws(MMError) -> End {
        let failure = sources.compactMap(\.story.failure).first
        switch outcome {
        case .handedOver(let reason, _) where NativeEngine.isOfHeld(reason): return .waiting(reason)
        case .handedOver(let reason, _): return .elsewhere(reason)
        case .stopped:
            if let failure { throw failure }
            throw StopErrors.deadline(restarted: false)
        case .completed(let result):
            if let failure, failure.code == .signInNeeded { throw failure }
            guard let error = result.failure ?? result.errors.first else { return .whole }
            guard hasSteps else { throw refusal(error) }
            return result.failure == nil ? .reported(reported(error, holds: holds)) : .refused(error.message)
        }
    }

    /// Variables that have the same meaning in every session.
    private static let known: Set<String> = ["_", "psitem", "true", "false", "null"]

    /// Returns the refusal of a dry run in a session without a proxy that could hold writes back.
    static func withoutWire(_ connection: Connection) -> MMError {
        MMError(
            .unsupported,
            "A dry run in PowerShell needs mm's proxy to hold back changes, and \(connection.name) has "
                + "\"egress\": \"off\". Nothing was run.",
            hint: "Leave --dry-run out; mm guard check shows how the guard judges a script.",
            details: ["field": "dryRun"])
    }

    /// Returns the answer, which has the same form for every engine: the reads and the writes held back, in the
    /// script's order.
    /// - Parameters:
    ///   - changes: the change of each request, by the request's number.
    ///   - idle: the numbers of the requests that would change nothing.
    ///   - lines: the same as text.
    static func answer(
        _ report: CallReport, notes: [String], connection: String, changes: [UInt64: Change],
        idle: Set<UInt64> = [], lines: [String] = []
    ) -> OperationAnswer {
        let requests = report.rehearsed.map { request -> JSONValue in
            var row = request.json.object ?? [:]
            if let change = changes[request.number] {
                for (key, value) in change.forecast { row[key] = value }
            } else if idle.contains(request.number) {
                row["change"] = "nothing: with -WhatIf it only reports what it would do"
            } else if !request.isRead {
                row["change"] = "unknown"
                row["undo"] = "unknown"
            }
            return .object(row)
        }
        var notes = notes
        if requests.isEmpty { notes.append("The script sends nothing.") }
        if report.unlisted > 0 { notes.append("Further requests that are not listed: \(report.unlisted).") }
        return OperationAnswer(
            .value(requests.count == 1 ? requests[0] : .array(requests)), notes: notes,
            text: lines.isEmpty ? nil : lines.joined(separator: "\n"), connection: connection)
    }

    static func guardSays(_ verdict: Verdict) -> String {
        "The guard says: \(verdict.decision.rawValue) (\(verdict.guardClass.rawValue))."
    }

    /// Checks the parameters of a script's cmdlets, before the guard judges the script.
    /// - Parameter known: scripts that passed the check before.
    /// - Throws: `.invalidInput` with the nearest names.
    static func checkNames(
        _ plan: EnginePlan, _ service: ExchangeTable.Service, knowing known: CheckedScripts
    ) async throws(MMError) {
        // The values of the parameters may decide what a script does, so only scripts without values are remembered.
        let key = plan.values.isEmpty ? CheckedScripts.Key(plan.script, service) : nil
        if let key, known.contains(key) { return }
        try await checkNames(plan, CmdletCheck(service: service))
        if let key { known.insert(key) }
    }

    /// The limits of the check; a script that computes more shows its faults when it runs.
    private static let limits = {
        var limits = NativeLimits()
        limits.textBytes = 64 << 10
        limits.listItems = 20_000
        limits.memoryBytes = 8 << 20
        limits.steps = 50_000
        limits.rounds = 1000
        return limits
    }()

    private static func checkNames(_ plan: EnginePlan, _ source: CmdletCheck) async throws(MMError) {
        var session = NativeSession()
        guard !plan.waitsForAnswers, plan.misfit([source]) == nil,
            case .completed(let result) = await NativeEngine(sources: [source], limits: limits).run(
                plan.script, parsed: plan.parsed, values: plan.values, in: &session,
                deadline: .after(.milliseconds(200)))
        else { return }
        let faults = [
            "NamedParameterNotFound,", "AmbiguousParameter,", "PositionalParameterNotFound,", "MissingArgument,",
        ]
        if let error = result.errors.first(where: { error in
            error.command != nil && faults.contains { error.id.hasPrefix($0) }
        }) {
            throw refusal(error)
        }
    }

    private static func refusal(_ error: NativeError) -> MMError {
        MMError(
            .invalidInput, "\(error.message) Nothing was sent.",
            hint: error.command.map { "Get-Help \($0) shows its parameters." }, details: ["id": .string(error.id)])
    }
}

/// Scripts that passed the check of their cmdlets' parameters recently, so that they aren't checked again.
///
/// The result depends only on the script and the service's own table. Only digests are kept, since scripts may contain
/// secrets.
final class CheckedScripts: Sendable {
    /// One script for one service.
    struct Key: Hashable, Sendable {
        private let digest: [UInt8]

        init(_ script: String, _ service: ExchangeTable.Service) {
            digest = SHA256.digest(Array("\(service.module)\n\(script)".utf8))
        }
    }

    private let right = RecentValues<Key, Void>(size: 512)

    /// Whether a script passed the check.
    func contains(_ key: Key) -> Bool { right.value(for: key) != nil }

    /// Remembers that a script passed the check.
    func insert(_ key: Key) { right.keep((), for: key) }
}

/// A source that checks the call of every cmdlet and answers it with no rows.
struct CmdletCheck: CmdletSource {
    private let service: ExchangeTable.Service
    private let binder: ExchangeBinder

    init(service: ExchangeTable.Service) {
        self.service = service
        binder = ExchangeBinder(service: service)
    }

    func knows(_ name: String) -> Bool { ExchangeTable.standard.knows(name, in: service) }

    func immediateOutput(_ call: CmdletCall) throws(CmdletFault) -> CmdletBatch? {
        try check(call)
        return CmdletBatch([])
    }

    func open(_ call: CmdletCall) async throws(CmdletFault) -> any CmdletRows {
        try check(call)
        return Nothing()
    }

    func check(_ call: CmdletCall) throws(CmdletFault) {
        let bound: ExchangeCall
        do throws(BindingFault) {
            bound = try binder.bind(call)
        } catch {
            throw .failed(NativeError("\(error.id),\(call.name)", error.told, command: call.name))
        }
        do throws(MMError) {
            _ = try ExchangeCommands.command(of: bound, at: service)
        } catch {
            throw .failed(ExchangeRecord.of(error, cmdlet: call.name))
        }
    }

    private struct Nothing: CmdletRows {
        mutating func next() async throws(CmdletFault) -> CmdletBatch? { nil }
    }
}
