import MMCore
import MMDesk
import MMGuard
import MMIdentity
import MMNative

/// A recorder of a script's requests that change something. They are recorded instead of sent, so that a person sees what would be changed,
/// and how many objects. Requests that only read are sent, so that the objects that a pipeline reaches are known.
final class GraphRehearsal: Sendable {
    /// One request of the script.
    struct Step: Sendable {
        let cmdlet: String
        let request: GraphRequest
        /// Whether it was sent.
        let wasSent: Bool
        /// Its place among the steps of the script.
        let place: UInt64
    }

    private let watch: WriteWatch
    private let reads: Bool
    private let order: RehearsalOrder
    private let noted = Mutex<[Step]>([])

    /// Creates a rehearsal of one script.
    /// - Parameters:
    ///   - reads: whether requests that only read are sent.
    ///   - order: the order of the script's steps.
    init(_ watch: WriteWatch, reads: Bool = true, in order: RehearsalOrder = RehearsalOrder()) {
        (self.watch, self.reads, self.order) = (watch, reads, order)
    }

    /// The requests, in order.
    var steps: [Step] { noted.withLock { $0 } }

    /// Returns whether a request may be sent: it only reads, and the guard allows it without asking.
    func lets(_ request: GraphRequest, of cmdlet: String) -> Bool {
        guard reads, let engine = try? watch.requests.guarding.guards.engine() else { return false }
        let policy = watch.requests.guarding.policy(of: watch.connection, in: watch.context)
        let verdict = engine.judge(request.guarded, policy: policy)
        let isLet = verdict.guardClass == .read && verdict.decision == .allow
        if isLet { append(request, of: cmdlet, wasSent: true) }
        return isLet
    }

    /// Records a request that is not sent.
    func note(_ request: GraphRequest, of cmdlet: String) { append(request, of: cmdlet, wasSent: false) }

    private func append(_ request: GraphRequest, of cmdlet: String, wasSent: Bool) {
        let step = Step(cmdlet: cmdlet, request: request, wasSent: wasSent, place: order.next())
        noted.withLock { $0.append(step) }
    }

    /// Returns the changes that the first requests would make, with the states before them, by the places of the steps.
    func changes() async -> [UInt64: Change] {
        let held = steps.filter { !$0.wasSent }.prefix(CmdletRehearsal.most)
        let writes = await watch.writes(held.map(\.request))
        return Dictionary(
            zip(held, writes).compactMap { step, write in write.change.map { (step.place, $0) } },
            uniquingKeysWith: { first, _ in first })
    }

    /// Returns a request as it would be sent, without an access token.
    func wireRequest(of step: Step) throws(MMError) -> WireRequest {
        let base = try watch.requests.identity.cloud(of: watch.connection).base(of: watch.client.resource)
        let origin = base.flatMap { WebAddress($0)?.origin } ?? ""
        let request = step.request
        return WireRequest(
            service: request.target.service, origin: origin, method: request.method,
            target: request.target.pathAndQuery,
            headers: request.headers.sorted { $0.key < $1.key }.map { WireRequest.Field($0.key, $0.value) }
                + (request.contentType.map { [WireRequest.Field("Content-Type", $0)] } ?? []),
            body: request.body.map { .whole($0) } ?? .none)
    }

    /// Returns the lines about the changes that a person is shown.
    func lines() async -> [String] {
        var groups: [(cmdlet: String, requests: [GraphRequest])] = []
        for step in steps where !step.wasSent {
            if let place = groups.firstIndex(where: { $0.cmdlet == step.cmdlet }) {
                groups[place].requests.append(step.request)
            } else {
                groups.append((step.cmdlet, [step.request]))
            }
        }
        var lines: [String] = []
        for (cmdlet, requests) in groups {
            if requests.count > 1 { lines.append("\(cmdlet) affects \(requests.count) objects") }
            for write in await watch.writes(Array(requests.prefix(CmdletRehearsal.most))) {
                let shown = WriteWatch.lines(of: [write])
                lines += shown.isEmpty ? ["\(write.request.method) \(write.request.target.path)"] : shown
            }
            let rest = requests.dropFirst(CmdletRehearsal.most)
            if !rest.isEmpty { lines.append("and \(rest.count) more: \(Change.counted(rest.map(\.target.path)))") }
        }
        return lines
    }
}
