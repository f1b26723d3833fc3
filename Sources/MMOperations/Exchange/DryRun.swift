import MMCore
import MMGraph
import MMGuard
import MMHTTP
import MMIdentity
import MMNative
import MMPowerShell

/// `run --dry-run`: the requests of a script, for people who want to see them first. A pipeline that the native engine takes is
/// only walked through; any other script runs in PowerShell, and its session's wire lets reads through and nothing else.
enum DryRun {
    /// What a native pipeline would send, up to the point where answers would decide what comes next.
    /// - Returns: nil for what PowerShell has to run.
    /// - Throws: `.unsupported` where the native engine alone was asked for, or is all there is, and doesn't take the script.
    static func native(
        _ script: String, in module: String, of connection: Connection, wanted: ConnectionEngine,
        _ context: OperationContext, with services: RequestServices
    ) async throws(MMError) -> OperationAnswer? {
        guard let service = ExchangeTable.Service(module: module), wanted != .pwsh else { return nil }
        let source = RequestRecorder(service: service)
        var session = NativeSession()
        let plan = EnginePlan(script, wanted: .native)
        let isAlone = wanted == .native || !RunModule.hasPowerShell(module)
        let reason = plan.misfit([source], in: session) ?? (plan.waitsForAnswers ? "a loop that answers end" : nil)
        if let reason {
            guard isAlone else { return nil }
            throw EngineRefusal.beyond(reason, plan.strangers(to: source), service, hasPowerShell: false)
        }
        let outcome = await NativeEngine(sources: [source]).run(
            script, parsed: plan.parsed, in: &session, deadline: context.deadline)
        let commands = source.commands
        if commands.isEmpty {
            switch outcome {
            case .handedOver(let reason, _):
                guard isAlone else { return nil }
                throw EngineRefusal.beyond(reason, [], service, hasPowerShell: false)
            case .stopped: throw StopErrors.deadline(restarted: false)
            case .completed(let result):
                if let error = result.failure ?? result.errors.first { throw refusal(error) }
            }
        }
        let guarding = services.guarding
        let (engine, policy) = (try guarding.guards.engine(), guarding.policy(of: connection, in: context))
        let verdict = try ScriptJudging(
            script: script, parsed: plan.parsed, module: module, engine: wanted, of: connection, in: context,
            with: guarding
        ).judge(with: .fresh).verdict
        var grant = RequestGrant(CallAuthority(verdict: verdict, text: script), policy: policy, isDryRun: true)
        for (number, request) in try requests(commands, service, of: connection, services.identity).enumerated() {
            _ = grant.judge(engine.intent(of: request), number: UInt64(number))
        }
        return answer(
            grant.traffic, notes: ["Nothing was sent. \(guardSays(verdict))"], connection: connection.name)
    }

    /// The requests of cmdlets as they would be sent, without a token.
    private static func requests(
        _ commands: [ExchangeCommand], _ service: ExchangeTable.Service, of connection: Connection,
        _ identity: IdentityService
    ) throws(MMError) -> [WireRequest] {
        let client = try ExchangeClient(identity: identity, connection: connection, service: service.endpoint)
        let account = SignedInAccount(
            username: connection.expectedEmail ?? "account@tenant", objectID: "",
            tenantID: connection.tenantId ?? connection.tenant ?? "TENANT", homeAccountID: "")
        var requests: [WireRequest] = []
        for command in commands {
            let sent = try client.preview(command, by: account)
            let host = sent.url.firstRange(of: "://").map { sent.url[$0.upperBound...].prefix { $0 != "/" } } ?? ""
            requests.append(
                WireRequest(
                    service: .exchange, origin: String(sent.url[..<host.endIndex]), method: sent.method,
                    target: String(sent.url[host.endIndex...]),
                    headers: sent.headers.map { WireRequest.Field($0.name, $0.value) },
                    body: .whole(sent.body ?? JSONWriter.bytes(command.body))))
        }
        return requests
    }

    /// The refusal of a dry run whose session no wire holds back.
    static func withoutWire(_ connection: Connection) -> MMError {
        MMError(
            .unsupported,
            "A dry run in PowerShell needs the session's wire to hold back what changes something, and \(connection.name) has "
                + "\"egress\": \"off\". Nothing was run.",
            hint: "Leave --dry-run out; mm guard check says how a script is judged.", details: ["field": "dryRun"])
    }

    /// The answer of every engine: what was read and what was held back, in the script's order.
    static func answer(_ report: CallReport, notes: [String], connection: String) -> OperationAnswer {
        let requests = report.rehearsed.map(\.json)
        var notes = notes
        if requests.isEmpty { notes.append("The script sends nothing.") }
        if report.unlisted > 0 { notes.append("\(report.unlisted) more requests are not listed.") }
        return OperationAnswer(
            .value(requests.count == 1 ? requests[0] : .array(requests)), notes: notes, connection: connection)
    }

    static func guardSays(_ verdict: Verdict) -> String {
        "The guard says: \(verdict.decision.rawValue) (\(verdict.guardClass.rawValue))."
    }

    /// What is wrong with the parameters of a script's cmdlets, before the guard or anybody else is asked.
    /// - Parameter known: scripts that were found right before.
    /// - Throws: `.invalidInput` with the nearest names.
    static func checkNames(
        _ plan: EnginePlan, _ service: ExchangeTable.Service, knowing known: CheckedScripts
    ) async throws(MMError) {
        // Values may decide what a script does.
        let key = plan.values.isEmpty ? CheckedScripts.Key(plan.script, service) : nil
        if let key, known.contains(key) { return }
        try await checkNames(plan, RequestRecorder(service: service))
        if let key { known.insert(key) }
    }

    /// What a script may take for its names to be looked at: one that computes more shows its faults when it runs.
    private static let limits = {
        var limits = NativeLimits()
        limits.textBytes = 64 << 10
        limits.listItems = 20_000
        limits.memoryBytes = 8 << 20
        limits.steps = 50_000
        limits.rounds = 1000
        return limits
    }()

    private static func checkNames(_ plan: EnginePlan, _ source: RequestRecorder) async throws(MMError) {
        var session = NativeSession()
        guard !plan.waitsForAnswers, plan.misfit([source], in: session) == nil,
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
            hint: "Get-Help \(error.command ?? "NAME") tells its parameters.", details: ["id": .string(error.id)])
    }
}
