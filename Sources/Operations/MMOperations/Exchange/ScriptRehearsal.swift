import MMCore
import MMDesk
import MMGuard
import MMNative

/// The rehearsal of a whole script in the native engine: of its cmdlets of Exchange, the compliance service and Graph's modules.
struct ScriptRehearsal {
    /// The sources of the script's cmdlets.
    let sources: [any ScriptSource]
    /// Whether the session's own service may be read.
    let reads: Bool
    /// The limits of the run.
    let limits: NativeLimits
    private let run: RunScript
    private let cmdlets: [(rehearsal: CmdletRehearsal, client: GuardedExchange)]
    private let requests: GraphRehearsal

    /// Creates a rehearsal.
    /// - Parameter isAllowed: whether what only reads may be sent to services where somebody is signed in.
    init(_ run: RunScript, _ plan: EnginePlan, reads isAllowed: Bool) async throws(MMError) {
        let deadline = run.context.deadline
        let order = RehearsalOrder()
        limits = order.limits
        var sources: [any ScriptSource] = []
        var cmdlets: [(rehearsal: CmdletRehearsal, client: GuardedExchange)] = []
        var readable: [Bool] = []
        for service in [ExchangeTable.Service(module: run.module), run.serviceBeside].compactMap(\.self) {
            let watch = try run.watch(of: service)
            let isSignedIn = await watch.isSignedIn
            let rehearsal = CmdletRehearsal(watch, reads: isAllowed && isSignedIn, in: order)
            readable.append(isAllowed && isSignedIn)
            cmdlets.append((rehearsal, watch.client))
            sources.append(
                ExchangeSource(client: watch.client, service: service, deadline: deadline, rehearsal: rehearsal))
        }
        let graph = try run.writeWatch()
        let isSignedIn = await graph.isSignedIn
        requests = GraphRehearsal(graph, reads: isAllowed && isSignedIn, in: order)
        readable.append(isAllowed && isSignedIn)
        sources.append(GraphSource(graph, rehearsing: requests, deadline: deadline, host: plan.host))
        reads = readable[0]
        (self.sources, self.cmdlets, self.run) = (sources, cmdlets, run)
    }

    /// Whether the script has come to a cmdlet.
    var hasSteps: Bool { cmdlets.contains { !$0.rehearsal.steps.isEmpty } || !requests.steps.isEmpty }

    /// Returns what would be sent, as the proxy would judge it.
    func answer(_ authority: CallAuthority, _ notes: [String]) async throws(MMError) -> OperationAnswer {
        let engine = try run.guarding.guards.engine()
        var intents: [(place: UInt64, intent: RequestIntent, wasSent: Bool)] = []
        var (changes, graphLines) = await requests.forecast()
        var idle: Set<UInt64> = []
        for (rehearsal, client) in cmdlets {
            for step in rehearsal.steps {
                intents.append(
                    (step.place, engine.intent(of: try client.wireRequest(of: step.command)), step.wasSent))
                if let change = step.change { changes[step.place] = change }
                if step.command.isWhatIf { idle.insert(step.place) }
            }
        }
        for step in requests.steps {
            intents.append((step.place, engine.intent(of: try requests.wireRequest(of: step)), step.wasSent))
        }
        var grant = RequestGrant(
            authority, policy: run.guarding.policy(of: run.connection, in: run.context), isDryRun: true)
        for (place, intent, wasSent) in intents.sorted(by: { $0.place < $1.place }) {
            _ = grant.judge(intent, number: place)
            if wasSent { grant.ended(place, status: 200, wasSent: true) }
        }
        return DryRun.answer(
            grant.traffic, notes: notes, connection: run.connection.name, changes: changes, idle: idle,
            lines: cmdlets.flatMap(\.rehearsal.lines) + graphLines)
    }
}
