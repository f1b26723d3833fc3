import MMCore
import MMDesk
import MMGuard

/// Takes what calls would change in the place of the services: each write with its verdict, its change and the state of its object.
/// Reads are sent, so that the objects are known that later writes speak of. It goes with a call, as `CallContext.planning`, to
/// whatever operation the call is made of; an operation that knows nothing of plans is not `plannable` and never gets one.
package final class PlanRecorder: Sendable {
    private struct State {
        var steps: [PlanStep] = []
        var left: [String: [Change]] = [:]
        var open: String?
        var call = 0
        var follows: [Plan.Call] = []
        var notes: [String] = []
        var earlier: PlanEarlier?
        /// How many writes of each connection were answered as the service has answered them before.
        var answered: [String: Int] = [:]
    }

    private let state: Mutex<State>
    /// What is called `now` in definitions.
    let started: Timestamp
    /// The plan that this one is the rest of.
    let after: String?

    /// - Parameter earlier: what is carried out of the same calls already.
    init(after earlier: PlanEarlier? = nil) {
        started = earlier?.started ?? Timestamp(seconds: Timestamp.now.seconds)
        after = earlier?.digest
        state = Mutex(State(earlier: earlier))
    }

    /// What is to be sent, in order.
    var steps: [PlanStep] { state.withLock { $0.steps } }
    /// From where on nobody knows what would be sent, and why.
    var open: String? { state.withLock { $0.open } }
    /// What a reader is told besides.
    var notes: [String] { state.withLock { $0.notes } }

    /// The next call begins.
    func begin(call number: Int) { state.withLock { $0.call = number } }

    /// Calls that are planned next, because one has named them instead of making them.
    func follow(with calls: [Plan.Call]) { state.withLock { $0.follows += calls } }

    /// These calls, once.
    func takeFollowing() -> [Plan.Call] {
        state.withLock { state in
            defer { state.follows = [] }
            return state.follows
        }
    }

    func note(_ text: String) { state.withLock { $0.notes.append(text) } }

    /// Says that nothing is known from here on.
    func end(because reason: String) {
        state.withLock { state in if state.open == nil { state.open = reason } }
    }

    /// What a call is told that would send something beyond the end of what is known.
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

    /// What earlier steps leave of the objects of a connection, by their places.
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

    /// What was carried out before, and isn't planned again: its answer.
    /// - Parameter change: what it would change, as its object stands now.
    /// - Returns: `nil` for what is to be planned, because it wasn't carried out, or its object is another one again.
    /// - Throws: `beyond` where nobody knows whether it was carried out.
    func carriedOut(
        _ act: PlanStep.Act, on connection: String, _ change: Change?
    ) throws(MMError) -> PlanEarlier.Done? {
        guard let done = state.withLock({ $0.earlier?.take(act, on: connection) }) else { return nil }
        if let change, change.isOfState, !change.isIdle { return nil }
        guard !done.isUnknown else {
            end(because: "nobody knows whether \(done.step.line) of \(done.plan) was carried out")
            throw Self.beyond
        }
        state.withLock { state in
            state.answered[connection.lowercased(), default: 0] += 1
            state.notes.append("\(done.step.title): done by \(done.plan), and not repeated")
        }
        return done
    }

    /// How much is planned and answered on a connection: what a call adds to it says whether its answer is one.
    struct Count {
        let planned: Int
        let answered: Int

        /// Whether all that was met since was carried out before, so that its answers are known.
        func answersAll(since before: Count) -> Bool { planned == before.planned && answered > before.answered }
    }

    /// What was carried out before, wasn't met again, and is much like what is planned now.
    var rival: PlanEarlier.Done? { state.withLock { $0.earlier?.rival(of: $0.steps) } }

    /// How much is planned and answered on a connection.
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
    /// Takes requests.
    /// - Parameter place: the service.
    /// - Returns: the answer of a call that has sent nothing.
    /// - Throws: the guard's no to one of them.
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
            let act = PlanStep.Act.request(
                .init(
                    resource: place.word, method: request.method, address: request.target.pathAndQuery,
                    headers: request.headers, body: request.body,
                    contentType: request.contentType))
            if let done = try carriedOut(act, on: connection.name, write.change) {
                answers[index] = done
                continue
            }
            if let change = write.change, change.isIdle {
                note("\(change.title): it is so already")
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

extension PlanRecorder {
    /// Takes a cmdlet.
    /// - Parameters:
    ///   - change: what it would change once what stands before it is sent.
    ///   - found: the same as its object was found.
    /// - Throws: the guard's no to it; `beyond` where the plan has ended.
    func record(
        _ command: ExchangeCommand, changing change: Change, found: Change?, in module: String, by watch: CmdletWatch
    ) async throws(MMError) {
        let connection = watch.connection
        let verdict = try PlannedScript.verdict(
            on: command, in: module, of: connection, watch.requests.guarding, watch.context)
        if verdict.decision == .deny, let error = verdict.error() { throw error }
        if change.isIdle {
            note("\(change.title): it is so already")
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
    /// What a caller was answered.
    fileprivate var value: JSONValue { answer ?? ["status": .int(Int64(status ?? 204))] }
}

extension Change {
    /// Whether it would leave everything as it is.
    var isIdle: Bool {
        changesNothing && secretKeys.isEmpty && [.properties, .licenses, .reference].contains(kind)
    }
}
