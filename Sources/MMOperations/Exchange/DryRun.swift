import MMCore
import MMGraph
import MMGuard
import MMHTTP
import MMIdentity
import MMNative
import MMPowerShell

/// `run --dry-run`: the requests that a native pipeline would send, for people who want to see them first.
enum DryRun {
    /// The requests of a script, up to the point where answers would decide what comes next.
    /// - Throws: `.unsupported` for modules and scripts without native requests.
    static func answer(
        _ script: String, in module: String, of connection: Connection, _ context: OperationContext
    ) async throws(MMError) -> OperationAnswer {
        guard let service = ExchangeTable.Service(module: module) else {
            throw MMError(
                .unsupported,
                "Only Exchange and compliance pipelines show their requests; \(module) runs in PowerShell.",
                hint: "Leave --dry-run out; mm guard check says how a script is judged.", details: ["field": "dryRun"])
        }
        let client = try ExchangeClient(
            identity: context.services.identity, connection: connection, service: service.endpoint)
        let source = RequestRecorder(service: service)
        var session = NativeSession()
        let plan = EnginePlan(script, wanted: .native)
        let reason = plan.misfit([source], in: session) ?? (plan.waitsForAnswers ? "a loop that answers end" : nil)
        if let reason {
            throw EngineRefusal.beyond(reason, plan.strangers(to: source), service, hasPowerShell: false)
        }
        let outcome = await NativeEngine(sources: [source]).run(
            script, parsed: plan.parsed, in: &session, deadline: context.deadline)
        let commands = source.commands
        if commands.isEmpty {
            switch outcome {
            case .handedOver(let reason, _): throw EngineRefusal.beyond(reason, [], service, hasPowerShell: false)
            case .stopped: throw StopErrors.deadline(restarted: false)
            case .completed(let result):
                if let error = result.failure ?? result.errors.first { throw refusal(error) }
            }
        }
        let verdict = try context.services.guards.engine().judge(
            script: script, in: ScriptContext(module: module), policy: context.policy(of: connection), confirmed: false)
        let account = SignedInAccount(
            username: connection.expectedEmail ?? "account@tenant", objectID: "",
            tenantID: connection.tenantId ?? connection.tenant ?? "TENANT", homeAccountID: "")
        var requests: [JSONValue] = []
        for command in commands {
            let wire = try client.preview(command, by: account)
            var headers = JSONObject()
            for field in wire.headers where !field.value.isEmpty { headers[field.name] = .string(field.value) }
            requests.append([
                "method": .string(wire.method), "url": .string(wire.url), "headers": .object(headers),
                "body": command.body,
            ])
        }
        var notes = ["Nothing was sent. The guard says: \(verdict.decision.rawValue) (\(verdict.guardClass.rawValue))."]
        if requests.isEmpty { notes.append("The script sends nothing.") }
        return OperationAnswer(
            .value(requests.count == 1 ? requests[0] : .array(requests)), notes: notes, connection: connection.name)
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
            hint: "mm cmdlets \(error.command ?? "NAME") shows its parameters.", details: ["id": .string(error.id)])
    }
}
