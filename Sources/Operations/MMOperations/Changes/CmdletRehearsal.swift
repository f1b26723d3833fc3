import MMCore
import MMDesk
import MMGuard
import MMIdentity
import MMNative

/// The places of a script's steps among all of its steps, which several recorders note.
final class RehearsalOrder: Sendable {
    private let state = Mutex<(last: UInt64, holds: Bool)>((0, false))

    /// Returns the place of the next step.
    func next(wasSent: Bool) -> UInt64 {
        state.withLock { state in
            state.last += 1
            state.holds = state.holds || !wasSent
            return state.last
        }
    }

    /// Whether a step was held back.
    var holds: Bool { state.withLock { $0.holds } }

    /// The limits of a rehearsal of these steps.
    var limits: NativeLimits {
        var limits = NativeLimits()
        limits.holds = { self.holds }
        return limits
    }
}

/// A recorder of a script's cmdlets that change something. They are recorded instead of sent. Cmdlets that only read
/// are sent, so that the objects that a pipeline reaches are known.
final class CmdletRehearsal: Sendable {
    /// A function that returns the output rows of a cmdlet that was carried out before; `nil` for any other.
    typealias CarriedOut = @Sendable (_ command: ExchangeCommand, _ change: Change?) -> [JSONValue]?

    /// One cmdlet of the script, in the order of execution.
    struct Step: Sendable {
        let command: ExchangeCommand
        /// The change that the cmdlet would make; `nil` if it only reads.
        let change: Change?
        /// The change with the state that was read, before earlier cmdlets are taken into account.
        var found: Change?
        /// Whether it was sent.
        let wasSent: Bool
        /// Its place among the steps of the script.
        let place: UInt64
    }

    private struct State {
        var steps: [Step] = []
        var states: [String: Int] = [:]
        var left: [String: [Change]] = [:]
    }

    /// The maximum number of objects whose state before a cmdlet is read.
    static let most = 20

    private let watch: CmdletWatch
    /// Whether states are read. Without a sign-in, only the script's own text is known.
    private let reads: Bool
    /// The maximum number of objects whose state before a cmdlet is read.
    private let most: Int
    /// The function that returns the output rows of cmdlets that were carried out before.
    private let carriedOut: CarriedOut
    private let order: RehearsalOrder
    private let state: Mutex<State>

    /// - Parameters:
    ///   - most: the maximum number of objects whose state before a cmdlet is read.
    ///   - order: the order of the script's steps.
    ///   - earlier: the changes that are made before the script, by the places that they change.
    ///   - carriedOut: returns the output rows of cmdlets that were carried out before.
    init(
        _ watch: CmdletWatch, reads: Bool, statesOf most: Int = CmdletRehearsal.most,
        in order: RehearsalOrder,
        after earlier: [String: [Change]] = [:], carriedOut: @escaping CarriedOut = { _, _ in nil }
    ) {
        self.carriedOut = carriedOut
        self.watch = watch
        self.reads = reads
        self.most = most
        self.order = order
        state = Mutex(State(left: earlier))
    }

    /// The cmdlets, in the order of execution.
    var steps: [Step] { state.withLock { $0.steps } }

    /// Returns whether a cmdlet may be sent: it only reads, and the guard allows it without asking.
    func lets(_ command: ExchangeCommand) -> Bool {
        let isLet = reads && watch.mayRead(command)
        if isLet { append(command, nil, wasSent: true) }
        return isLet
    }

    /// Records a cmdlet that is not sent, with the change that it would make.
    /// - Returns: the rows that the pipeline continues with: none, unless the cmdlet was carried out before.
    func note(_ command: ExchangeCommand) async -> [JSONValue] {
        guard let written = Change(command, at: watch.client.service) else {
            if let rows = carriedOut(command, nil) { return rows }
            append(command, nil)
            return []
        }
        var change = written
        var found: Change?
        let isRead = state.withLock { state in
            state.states[command.cmdlet, default: 0] += 1
            return reads && state.states[command.cmdlet, default: 0] <= most
        }
        if isRead {
            change = await watch.read(written)
            found = change
            let earlier = state.withLock { $0.left[change.place] ?? [] }
            change = change.following(earlier, written: written)
            if change.isKnown(after: earlier) { watch.known.keep(change, of: command) }
        }
        if let rows = carriedOut(command, change) { return rows }
        state.withLock { $0.left[change.place, default: []].append(change) }
        append(command, change, found: found)
        return []
    }

    private func append(
        _ command: ExchangeCommand, _ change: Change?, found: Change? = nil, wasSent: Bool = false
    ) {
        let step = Step(
            command: command, change: change, found: found, wasSent: wasSent, place: order.next(wasSent: wasSent))
        state.withLock { $0.steps.append(step) }
    }

    /// The lines about the changes that a person is shown.
    var lines: [String] {
        let changes = steps.compactMap { step in step.change.map { (step.command.cmdlet, $0) } }
        var lines = steps.filter { $0.command.isWhatIf }.map { "\($0.command.cmdlet) -WhatIf changes nothing" }
        for (cmdlet, objects) in Self.grouped(changes) {
            if objects.count > 1 { lines.append("\(cmdlet) affects \(objects.count) objects") }
            for change in objects.prefix(Self.most) { lines += change.shownLines }
            let rest = objects.dropFirst(Self.most)
            if !rest.isEmpty { lines.append(Self.further(rest.map(\.subject.text))) }
        }
        return lines
    }

    /// The line about objects whose changes aren't shown one by one: their number, and the names of the first.
    static func further(_ names: [String]) -> String {
        let first = names.prefix(10).joined(separator: ", ")
        return "and \(names.count) more" + (names.count > 10 ? ", such as " : ": ") + first
    }

    /// Groups changes by cmdlet, in the order of each cmdlet's first change.
    private static func grouped(_ changes: [(String, Change)]) -> [(String, [Change])] {
        var groups: [(String, [Change])] = []
        for (cmdlet, change) in changes {
            if let place = groups.firstIndex(where: { $0.0 == cmdlet }) {
                groups[place].1.append(change)
            } else {
                groups.append((cmdlet, [change]))
            }
        }
        return groups
    }
}

/// The output rows of a cmdlet that is not sent: none, unless it was carried out before.
struct RehearsedRows: CmdletRows {
    let rehearsal: CmdletRehearsal
    let command: ExchangeCommand
    private var reader: ExchangeRowReader
    private var isOver = false

    init(rehearsal: CmdletRehearsal, command: ExchangeCommand, cmdlet: String) {
        self.rehearsal = rehearsal
        self.command = command
        reader = ExchangeRowReader(of: cmdlet)
    }

    mutating func next() async throws(CmdletFault) -> CmdletBatch? {
        guard !isOver else { return nil }
        isOver = true
        return CmdletBatch(await rehearsal.note(command).compactMap { reader.object(JSONWriter.bytes($0)[...]) })
    }
}

extension Change {
    /// The lines about a change that a person is shown before it is made.
    var shownLines: [String] {
        var lines = [title]
        for line in self.lines { lines.append("  " + line) }
        for consequence in consequences { lines.append("  ! " + consequence) }
        if let reason = expectedObstacle { lines.append("  ! It can't be undone: \(reason).") }
        return lines
    }
}

/// The changes of the requests that a dry run in PowerShell held back, derived in the same way as for other requests.
/// The prior states are read for the first ones only. Requests from which no change can be derived are left out.
struct HeldBackChanges {
    let connection: Connection
    let requests: RequestServices
    let context: OperationContext

    /// Returns the changes by the numbers of the requests.
    func changes(of rehearsed: [DryRunRequest]) async -> [UInt64: Change] {
        var changes: [UInt64: Change] = [:]
        var left: [String: [Change]] = [:]
        var readings = 0
        var graph: [(number: UInt64, request: GraphRequest)] = []
        for held in rehearsed where !held.isRead {
            let facts = held.json
            guard let address = facts["url"]?.string.flatMap({ WebAddress($0) }) else { continue }
            if let cmdlet = WireCmdlet(at: address, facts["body"] ?? .null, of: connection, requests, in: context) {
                guard let written = cmdlet.written else { continue }
                var change = written
                readings += 1
                if readings <= CmdletRehearsal.most, await cmdlet.watch.isSignedIn {
                    change = await cmdlet.watch.read(change)
                }
                change = change.following(left[change.place] ?? [], written: written)
                left[change.place, default: []].append(change)
                changes[held.number] = change
            } else if let request = request(at: address, facts) {
                graph.append((held.number, request))
            }
        }
        let seen = Array(graph.prefix(CmdletRehearsal.most))
        if let watch = try? graphWatch(), !seen.isEmpty {
            for (held, write) in zip(seen, await watch.writes(seen.map(\.request))) {
                changes[held.number] = write.change
            }
        }
        return changes
    }

    private func graphWatch() throws(MMError) -> WriteWatch {
        WriteWatch(
            client: try GuardedClient(identity: requests.identity, connection: connection), connection: connection,
            requests: requests, context: context)
    }

    private func request(at address: WebAddress, _ facts: JSONValue) -> GraphRequest? {
        guard let watch = try? graphWatch(), let method = facts["method"]?.string,
            let base = try? requests.identity.cloud(of: connection).base(of: watch.client.resource),
            WebAddress(base)?.origin == address.origin, let target = try? watch.client.target(address.pathAndQuery)
        else { return nil }
        // Only the beginning of a large body is kept, from which no change can be derived.
        guard let body = facts["body"], !body.isNull else { return try? GraphRequest(method: method, target: target) }
        guard body["bytes"] == nil || body["begins"] == nil else { return nil }
        return try? GraphRequest(method: method, target: target, json: body)
    }
}
