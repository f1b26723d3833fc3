import MMCore
import MMDesk
import MMGuard
import MMNative
import MMPowerShell

/// The rehearsal of a whole script in the native engine: of its cmdlets of Exchange, the compliance service and Graph's
/// modules. Dry runs, questions to a person and plans all build it here, so that they tell of the same changes.
struct ScriptRehearsal {
    /// The sources of the script's cmdlets.
    let sources: [any ScriptSource]
    /// Whether the session's own service may be read.
    let reads: Bool
    /// Whether somebody is signed in to each service.
    let isSignedIn: Bool
    /// The script's cmdlets of Exchange's services, with the watches that read the states before them.
    let cmdlets: [(rehearsal: CmdletRehearsal, watch: CmdletWatch)]
    /// The script's requests to Graph.
    let requests: GraphRehearsal
    private let order = RehearsalOrder()
    private let run: RunScript
    private let plan: EnginePlan
    private let host: NativeHost?
    private let deadline: Deadline

    /// Creates a rehearsal.
    /// - Parameters:
    ///   - isAllowed: whether what only reads may be sent to services where somebody is signed in.
    ///   - needsSignIn: whether services where nobody is signed in are left out, so that a script with their cmdlets
    ///     doesn't fit.
    ///   - act: the script's work; `nil` for a plan, each of whose steps is judged by itself.
    ///   - verdict: the guard's verdict on the work.
    ///   - recorder: the plan that the steps go into, which knows what the plan before it carried out.
    init(
        _ run: RunScript, _ plan: EnginePlan, of act: JudgedAgain? = nil, under verdict: Verdict? = nil,
        reads isAllowed: Bool = true, needsSignIn: Bool = true, until deadline: Deadline,
        in recorder: PlanRecorder? = nil
    ) async throws(MMError) {
        var work: RehearsedWork?
        if let act, let verdict { work = RehearsedWork(act: act, verdict: verdict) }
        (self.run, self.plan, self.deadline) = (run, plan, deadline)
        host = plan.host?.forRehearsal
        var sources: [any ScriptSource] = []
        var cmdlets: [(rehearsal: CmdletRehearsal, watch: CmdletWatch)] = []
        var readable: [Bool] = []
        for service in [ExchangeTable.Service(module: run.module), run.serviceBeside].compactMap(\.self) {
            let watch = try run.watch(of: service)
            let isSignedIn = await watch.isSignedIn
            let isRead = isAllowed && isSignedIn
            let rehearsal =
                recorder?.rehearsal(watch, reads: isRead, in: order) ?? CmdletRehearsal(watch, reads: isRead, in: order)
            readable.append(isRead)
            cmdlets.append((rehearsal, watch))
            guard isSignedIn || !needsSignIn else { continue }
            sources.append(
                ExchangeSource(
                    client: watch.client, service: service, deadline: deadline, rehearsal: rehearsal, of: work))
        }
        let graph = try run.writeWatch()
        let isSignedIn = await graph.isSignedIn
        requests = GraphRehearsal(
            graph, reads: isAllowed && isSignedIn, in: order, planning: recorder?.answers(to: graph))
        readable.append(isAllowed && isSignedIn)
        if isSignedIn || !needsSignIn {
            sources.append(GraphSource(graph, rehearsing: requests, of: work, deadline: deadline, host: host))
        }
        reads = readable[0]
        self.isSignedIn = sources.count == readable.count
        (self.sources, self.cmdlets) = (sources, cmdlets)
    }

    /// Whether a step was held back.
    var holds: Bool { order.holds }

    /// The reason why the native engine can't run the script; `nil` if it can.
    var misfit: String? { plan.misfit(sources) }

    /// Evaluates the script. Its changes are recorded instead of sent.
    func outcome(after session: NativeSession) async -> NativeOutcome {
        var session = session
        return await plan.engine(sources, host: host, limits: order.limits).run(
            plan.script, parsed: plan.parsed, values: plan.values, in: &session, deadline: deadline)
    }

    /// What a rehearsal before a run found.
    struct Findings {
        /// The construct for which the script needs PowerShell; `nil` if none was found.
        var misfit: String?
        /// What is unknown about the script, in words for a person.
        var lines: [String] = []
    }

    /// Rehearses a script before its run.
    /// - Throws: what would end the run before the script's end: a refused request, or a question that nobody can
    ///   answer.
    func findings(after session: NativeSession) async throws(MMError) -> Findings {
        guard misfit == nil else { return Findings() }
        let outcome = await outcome(after: session)
        if let failure = sources.compactMap(\.story.failure).first, failure.concernsTheCaller {
            guard failure.code == .deadlineExceeded, !run.context.deadline.hasPassed else { throw failure }
            return Self.endless
        }
        switch outcome {
        case .completed(let result):
            if result.isUnanswered, let error = result.failure {
                throw MMError(
                    .invalidInput, "\(error.message) Nothing was changed.", details: ["id": .string(error.id)])
            }
            if let error = result.failure {
                return Findings(lines: ["the rest of the script is unknown: \(error.message)"])
            }
            return Findings(lines: result.errors.prefix(1).map { DryRun.reported($0, holds: holds) })
        case .handedOver(let reason, _) where !NativeEngine.isOfHeld(reason):
            return Findings(misfit: reason, lines: ["what else it changes is unknown"])
        case .stopped where !run.context.deadline.hasPassed: return Self.endless
        case .stopped, .handedOver: return Findings(lines: ["what else it changes is unknown"])
        }
    }

    /// The findings of a rehearsal that takes too much of the run's time.
    private static let endless = Findings(
        lines: ["what else it changes is unknown: a rehearsal of all of it takes too long"])

    /// The lines about the changes that a person is shown.
    var lines: [String] {
        get async { cmdlets.flatMap(\.rehearsal.lines) + (await requests.forecast().lines) }
    }

    /// A step of the script.
    enum Step {
        /// A cmdlet of Exchange's services, with the watch on its service.
        case cmdlet(CmdletRehearsal.Step, CmdletWatch)
        /// A request to Graph.
        case request(GraphRehearsal.Step)

        /// Its place among the steps of the script.
        fileprivate var place: UInt64 {
            switch self {
            case .cmdlet(let step, _): step.place
            case .request(let step): step.place
            }
        }
    }

    /// The steps to all services, in the script's order.
    var steps: [Step] {
        let all =
            cmdlets.flatMap { cmdlet in cmdlet.rehearsal.steps.map { Step.cmdlet($0, cmdlet.watch) } }
            + requests.steps.map { Step.request($0) }
        return all.sorted { $0.place < $1.place }
    }

    /// Returns what would be sent, as the proxy would judge it.
    func answer(_ authority: CallAuthority, _ notes: [String]) async throws(MMError) -> OperationAnswer {
        let engine = try run.guarding.guards.engine()
        var grant = RequestGrant(
            authority, policy: run.guarding.policy(of: run.connection, in: run.context), isDryRun: true)
        var (changes, graphLines) = await requests.forecast()
        var idle: Set<UInt64> = []
        for step in steps {
            let (request, wasSent): (WireRequest, Bool)
            switch step {
            case .cmdlet(let step, let watch):
                (request, wasSent) = (try watch.client.wireRequest(of: step.command), step.wasSent)
                if let change = step.change { changes[step.place] = change }
                if step.command.isWhatIf { idle.insert(step.place) }
            case .request(let step): (request, wasSent) = (try requests.wireRequest(of: step), step.wasSent)
            }
            _ = grant.judge(engine.intent(of: request), number: step.place)
            if wasSent { grant.ended(step.place, status: 200, wasSent: true) }
        }
        return DryRun.answer(
            grant.traffic, notes: notes, connection: run.connection.name, changes: changes, idle: idle,
            lines: cmdlets.flatMap(\.rehearsal.lines) + graphLines)
    }
}
