import MMCore
import MMDesk
import MMGuard
import MMNative

/// A recorder of a script's requests that change something. They are recorded instead of sent, so that a person sees what would be changed,
/// and how many objects. Requests that only read are sent, so that the objects that a pipeline reaches are known.
final class GraphRehearsal: Sendable {
    private struct Step {
        let cmdlet: String
        let request: GraphRequest
    }

    private let watch: WriteWatch
    private let steps = Mutex<[Step]>([])

    /// Creates a rehearsal of one script.
    init(_ watch: WriteWatch) { self.watch = watch }

    /// Returns whether a request may be sent: it only reads, and the guard allows it without asking.
    func lets(_ request: GraphRequest) -> Bool {
        guard let engine = try? watch.requests.guarding.guards.engine() else { return false }
        let policy = watch.requests.guarding.policy(of: watch.connection, in: watch.context)
        let verdict = engine.judge(request.guarded, policy: policy)
        return verdict.guardClass == .read && verdict.decision == .allow
    }

    /// Records a request that is not sent.
    func note(_ request: GraphRequest, of cmdlet: String) {
        steps.withLock { $0.append(Step(cmdlet: cmdlet, request: request)) }
    }

    /// Returns the lines about the changes that a person is shown.
    func lines() async -> [String] {
        var groups: [(cmdlet: String, requests: [GraphRequest])] = []
        for step in steps.withLock({ $0 }) {
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
