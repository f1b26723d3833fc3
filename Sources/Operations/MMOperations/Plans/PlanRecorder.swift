import MMCore
import MMDesk
import MMGuard
import MMIdentity

/// Records the changes of calls in place of the services: each write with the guard's verdict, its change and the state
/// of its object. Reads are sent, so that the objects of later writes are known. Passed to the operation of a call as
/// `CallContext.planning`; only operations declared `plannable` get one.
package final class PlanRecorder: Sendable {
    private struct State {
        var steps: [PlanStep] = []
        var left: [String: [Change]] = [:]
        var open: String?
        var call = 0
        var follows: [Plan.Call] = []
        var notes: [String] = []
        var earlier: PlanEarlier?
        /// The number of writes of each connection that got their answers from the earlier plan.
        var answered: [String: Int] = [:]
    }

    private let state: Mutex<State>
    /// The value of `now` in definitions.
    let started: Timestamp
    /// The digest of the plan that this one continues.
    let after: String?

    /// - Parameter earlier: the steps of the same calls that were carried out already.
    init(after earlier: PlanEarlier?) {
        started = earlier?.started ?? Timestamp(seconds: Timestamp.now.seconds)
        after = earlier?.digest
        state = Mutex(State(earlier: earlier))
    }

    /// The planned steps, in order.
    var steps: [PlanStep] { state.withLock { $0.steps } }
    /// The reason why the plan ends here, because further requests can't be known.
    var open: String? { state.withLock { $0.open } }
    /// Additional notes for the user.
    var notes: [String] { state.withLock { $0.notes } }

    /// Begins the next call.
    func begin(call number: Int) { state.withLock { $0.call = number } }

    /// Adds calls to plan next, which a call has returned instead of making them.
    func follow(with calls: [Plan.Call]) { state.withLock { $0.follows += calls } }

    /// Returns these calls and forgets them.
    func takeFollowing() -> [Plan.Call] {
        state.withLock { state in
            defer { state.follows = [] }
            return state.follows
        }
    }

    func note(_ text: String) { state.withLock { $0.notes.append(text) } }

    /// Ends the plan because further requests can't be known.
    func end(because reason: String) {
        state.withLock { state in if state.open == nil { state.open = reason } }
    }

    /// The error for a write after the end of the plan.
    static let beyond = MMError(.cancelled, "The plan ends before this.")

    /// Adds a step.
    /// - Throws: `beyond` where the plan has ended.
    func add(_ step: (_ call: Int) -> PlanStep, leaving change: Change?, on connection: String) throws(MMError) {
        let isOver = state.withLock { state in
            guard state.open == nil else { return true }
            let step = step(state.call)
            state.steps.append(step)
            if let change { state.left[Self.key(connection, change), default: []].append(change) }
            return false
        }
        if isOver { throw Self.beyond }
    }

    /// Returns the changes of earlier steps to the objects of a connection, by place.
    func left(on connection: String, _ service: Change.Service) -> [String: [Change]] {
        let prefix = "\(connection) \(service.rawValue) "
        return state.withLock { state in
            var found: [String: [Change]] = [:]
            for (key, changes) in state.left where key.hasPrefix(prefix) {
                found[String(key.dropFirst(prefix.count))] = changes
            }
            return found
        }
    }

    /// Returns the earlier result of a step that was carried out and isn't planned again.
    /// - Parameter change: the change that it would make to the object's present state.
    /// - Returns: `nil` for a step that has to be planned, because it wasn't carried out or its object was changed
    ///   back.
    /// - Throws: `beyond` where it may have been carried out or not.
    func carriedOut(
        _ act: PlanStep.Act, on connection: String, _ change: Change?
    ) throws(MMError) -> PlanEarlier.Done? {
        guard let done = state.withLock({ $0.earlier?.take(act, on: connection) }) else { return nil }
        if let change, change.isOfState, !change.isIdle { return nil }
        guard !done.isUnknown else {
            end(
                because: "it is unknown whether \(done.step.line) of \(done.plan) was applied; to find out, run "
                    + "mm apply \(done.plan)")
            throw Self.beyond
        }
        state.withLock { state in
            state.answered[connection.lowercased(), default: 0] += 1
            state.notes.append("\(done.step.title): already applied by \(done.plan)")
        }
        return done
    }

    /// The number of planned and of already answered writes of a connection; comparing two counts tells whether a
    /// call's answer is real.
    struct Count {
        let planned: Int
        let answered: Int

        /// Whether all writes since then were carried out before, so that their answers are known.
        func answersAll(since before: Count) -> Bool { planned == before.planned && answered > before.answered }
    }

    /// The step that was carried out before, wasn't met again, and resembles one that is planned now.
    var rival: PlanEarlier.Done? { state.withLock { $0.earlier?.rival(of: $0.steps) } }

    /// Counts the planned and the already answered writes of a connection.
    func count(on connection: String) -> Count {
        let name = connection.lowercased()
        return state.withLock { state in
            Count(
                planned: state.steps.count { $0.connection.lowercased() == name }, answered: state.answered[name] ?? 0)
        }
    }

    private static func key(_ connection: String, _ change: Change) -> String {
        "\(connection) \(change.service.rawValue) \(change.place)"
    }
}

extension PlanRecorder {
    /// Records requests.
    /// - Parameter place: the service of the requests.
    /// - Returns: the answer of a call that sent no write.
    /// - Throws: the guard's denial of one of them.
    func record(
        _ requests: [GraphRequest], of place: PlanService, at desk: Desk
    ) async throws(MMError) -> OperationAnswer {
        let watch = desk.watch
        watch.context.record.note("planned", true)
        let connection = watch.connection
        let writes = await watch.writes(requests, after: left(on: connection.name, place.changes))
        let states = PlanStates(connection: connection, services: watch.requests, context: watch.context)
        var answers: [Int: PlanEarlier.Done] = [:]
        for (index, write) in writes.enumerated() {
            guard let verdict = try desk.judge([write.request]), verdict.guardClass != .read else {
                continue
            }
            if verdict.decision == .deny, let error = verdict.error() { throw error }
            let request = write.request
            let act = try PlanStep.Act(request, of: place, by: watch)
            if let done = try carriedOut(act, on: connection.name, write.change) {
                answers[index] = done
                continue
            }
            if let change = write.change, change.isIdle {
                note("\(change.title): already so")
                continue
            }
            let found = await states.state(of: write)
            try add(
                { call in
                    PlanStep(
                        call: call, part: watch.context.call.partOf?.step, connection: connection.name,
                        module: place.module, act: act,
                        guardClass: verdict.guardClass, decision: verdict.decision, reason: verdict.reason,
                        change: write.change, state: found)
                }, leaving: write.change, on: connection.name)
        }
        let rows = answers.sorted { $0.key < $1.key }.map { number, done -> JSONValue in
            var row: JSONObject = ["id": .string(String(number + 1)), "status": .int(Int64(done.status ?? 200))]
            row["body"] = done.answer
            return .object(row)
        }
        return OperationAnswer(
            .value(requests.count == 1 ? answers[0]?.value ?? .null : .array(rows)),
            notes: ["Planned: nothing was sent."], connection: connection.name)
    }
}

extension PlanStep.Act {
    /// The sending of a request.
    init(_ request: GraphRequest, of place: PlanService, by watch: WriteWatch) throws(MMError) {
        var address = request.target.pathAndQuery
        // Its sites, people's own ones and its administration have hosts of their own, with the same paths.
        if case .sharePoint = watch.client.resource {
            let cloud = try watch.requests.identity.cloud(of: watch.connection)
            address = (cloud.base(of: watch.client.resource) ?? "") + address
        }
        self = .request(
            .init(
                resource: place.word, method: request.method, address: address,
                headers: request.headers, body: request.body, contentType: request.contentType))
    }
}

extension PlanRecorder {
    /// Records a cmdlet.
    /// - Parameters:
    ///   - change: the change that it would make after the steps before it.
    ///   - found: the change to the object as it is at present.
    /// - Throws: the guard's denial; `beyond` where the plan has ended.
    func record(
        _ command: ExchangeCommand, changing change: Change, found: Change?, in module: String, by watch: CmdletWatch
    ) async throws(MMError) {
        let connection = watch.connection
        let verdict = try PlannedScript.verdict(
            on: command, in: module, of: connection, watch.requests.guarding, watch.context)
        if verdict.decision == .deny, let error = verdict.error() { throw error }
        if change.isIdle {
            note("\(change.title): already so")
            return
        }
        let states = PlanStates(connection: connection, services: watch.requests, context: watch.context)
        let state = await states.state(of: found ?? change)
        try add(
            { call in
                PlanStep(
                    call: call, part: watch.context.call.partOf?.step, connection: connection.name, module: module,
                    act: .command(command, at: watch.client.service), guardClass: verdict.guardClass,
                    decision: verdict.decision, reason: verdict.reason, change: change, state: state)
            }, leaving: change, on: connection.name)
    }
}

extension PlanEarlier.Done {
    /// The answer that the caller gets.
    fileprivate var value: JSONValue { answer ?? ["status": .int(Int64(status ?? 204))] }
}

extension Change {
    /// Whether it would change nothing.
    var isIdle: Bool {
        changesNothing && secretKeys.isEmpty && [.properties, .licenses, .reference].contains(kind)
    }
}

extension PlanRecorder {
    /// Returns the rehearsal of a script's cmdlets after the plan before this one.
    func rehearsal(_ watch: CmdletWatch, reads: Bool, in order: RehearsalOrder) -> CmdletRehearsal {
        let place = watch.client.service
        let name = watch.connection.name
        return CmdletRehearsal(
            watch, reads: reads, statesOf: .max, in: order,
            after: left(on: name, place == .compliance ? .compliance : .exchange),
            carriedOut: { [self] command, change in
                // If a step may have been carried out or not, the plan has ended by now, and further steps are not
                // added.
                (try? carriedOut(.command(command, at: place), on: name, change)).map { $0.answer?.array ?? [] }
            })
    }

    /// Returns the function that returns the answers to requests that the plan before this one carried out.
    func answers(to watch: WriteWatch) -> GraphRehearsal.CarriedOut {
        { [self] request in
            guard after != nil else { return nil }
            let place = PlanService.named(.graph)
            let write = await watch.writes([request], after: left(on: watch.connection.name, place.changes))
            let done = try? carriedOut(
                try PlanStep.Act(request, of: place, by: watch), on: watch.connection.name, write.first?.change)
            return done.map { $0.answer ?? .null }
        }
    }
}
