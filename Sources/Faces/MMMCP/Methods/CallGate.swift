import MMCore

/// Counts the tool calls of each caller, over all connections of a server.
///
/// Calls begin as tokens are there: as many as a minute allows lie ready, and new ones come evenly. So a caller who has
/// used up a minute's calls at once goes on at the pace of the limit, and learns when to come back.
final class CallGate: Sendable {
    private struct Use: Sendable {
        var running = 0
        var left: Double
        var at: ContinuousClock.Instant
    }

    private let limits: CallLimits
    private let now: @Sendable () -> ContinuousClock.Instant
    private let uses = Mutex<[Principal: Use]>([:])
    /// At how many callers those who did nothing for a minute are forgotten.
    private static let many = 1000

    init(_ limits: CallLimits, now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) {
        self.limits = limits
        self.now = now
    }

    /// Begins a call.
    /// - Throws: an error that says when to come back.
    func enter(_ principal: Principal) throws(MCPError) {
        let moment = now()
        let most = Double(limits.perMinute ?? .max)
        let refusal: MCPError? = uses.withLock { uses in
            if uses.count >= Self.many {
                uses = uses.filter { $0.value.running > 0 || moment - $0.value.at < .seconds(60) }
            }
            var use = uses[principal] ?? Use(left: most, at: moment)
            use.left = min(most, use.left + (moment - use.at) / .seconds(60) * most)
            use.at = moment
            defer { uses[principal] = use }
            if let atOnce = limits.atOnce, use.running >= atOnce {
                return .tooManyCalls("\(use.running) of your calls are running, as many as may at once", seconds: 1)
            }
            if let perMinute = limits.perMinute, use.left < 1 {
                let seconds = Int(((1 - use.left) * 60 / most).rounded(.up))
                return .tooManyCalls(
                    "You have made \(perMinute) calls within a minute, as many as may", seconds: seconds)
            }
            use.left -= 1
            use.running += 1
            return nil
        }
        if let refusal { throw refusal }
    }

    /// Ends a call that began.
    func leave(_ principal: Principal) {
        uses.withLock { $0[principal]?.running -= 1 }
    }
}
