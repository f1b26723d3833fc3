import MMCore
import MMDesk
import MMGuard
import MMIdentity
import MMNative

/// A recorder of a script's requests that change something. They are recorded instead of sent, so that a person sees
/// what would be changed, and how many objects. Requests that only read are sent, so that the objects that a pipeline
/// reaches are known.
final class GraphRehearsal: Sendable {
    /// A function that returns the answer to a request that was carried out before; `nil` for any other.
    typealias CarriedOut = @Sendable (_ request: GraphRequest) async -> JSONValue?

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
    /// In a plan, the function that returns the answers to requests that were carried out before.
    private let carriedOut: CarriedOut?
    private let noted = Mutex<[Step]>([])
    /// The objects that the script would create, by the paths, in lower case, at which it would find them.
    private let made = Mutex<[String: JSONObject]>([:])
    /// The id of objects that would be created.
    private static let newID = "NEW"

    /// Creates a rehearsal of one script.
    /// - Parameters:
    ///   - reads: whether requests that only read are sent.
    ///   - order: the order of the script's steps.
    ///   - carriedOut: for a plan, returns the answers to requests that were carried out before. A plan ends where the
    ///     script reads what it would create, so such reads are sent.
    init(
        _ watch: WriteWatch, reads: Bool, in order: RehearsalOrder,
        planning carriedOut: CarriedOut?
    ) {
        (self.watch, self.reads, self.order, self.carriedOut) = (watch, reads, order, carriedOut)
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
    /// - Returns: for a creation, the object with the requested properties and a placeholder id; for a request that was
    ///   carried out before, its answer.
    func note(_ request: GraphRequest, of cmdlet: String) async -> JSONObject? {
        if let answer = await carriedOut?(request) { return answer.object }
        append(request, of: cmdlet, wasSent: false)
        guard request.method == "POST", let body = request.body,
            case .object(var object)? = try? JSONParser.parse(body)
        else { return nil }
        object["id"] = .string(Self.newID)
        let collection = request.target.path.lowercased()
        made.withLock { made in
            for name in [Self.newID] + ["userPrincipalName", "appId"].compactMap({ object[$0]?.string }) {
                made["\(collection)/\(name.lowercased())"] = object
            }
        }
        return object
    }

    /// Returns what a read of an object that the script would create finds: the object itself, and nothing below it.
    /// - Returns: `nil` for a read of anything else.
    func found(by request: GraphRequest) -> [JSONObject]? {
        guard request.method == "GET", carriedOut == nil else { return nil }
        let path = request.target.path.lowercased()
        return made.withLock { made in
            if let object = made[path] { return [object] }
            return made.keys.contains { path.hasPrefix($0 + "/") } ? [] : nil
        }
    }

    private func append(_ request: GraphRequest, of cmdlet: String, wasSent: Bool) {
        let step = Step(cmdlet: cmdlet, request: request, wasSent: wasSent, place: order.next(wasSent: wasSent))
        noted.withLock { $0.append(step) }
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

    /// Returns the changes that the requests would make, by the places of their steps, and the lines about them that a
    /// person is shown. The states before them are read for the first requests of each cmdlet.
    func forecast() async -> (changes: [UInt64: Change], lines: [String]) {
        var groups: [(cmdlet: String, steps: [Step])] = []
        for step in steps where !step.wasSent {
            if let place = groups.firstIndex(where: { $0.cmdlet == step.cmdlet }) {
                groups[place].steps.append(step)
            } else {
                groups.append((step.cmdlet, [step]))
            }
        }
        var changes: [UInt64: Change] = [:]
        var lines: [String] = []
        for (cmdlet, steps) in groups {
            if steps.count > 1 { lines.append("\(cmdlet) affects \(steps.count) objects") }
            let first = steps.prefix(CmdletRehearsal.most)
            for (step, write) in zip(first, await watch.writes(first.map(\.request))) {
                changes[step.place] = write.change
                let shown = WriteWatch.lines(of: [write])
                lines += shown.isEmpty ? ["\(write.request.method) \(write.request.target.path)"] : shown
            }
            let rest = steps.dropFirst(CmdletRehearsal.most)
            if !rest.isEmpty { lines.append(CmdletRehearsal.further(rest.map(\.request.target.path))) }
        }
        return (changes, lines)
    }
}
