/// Decides which progress messages of a call are sent: strictly increasing ones, first in a small burst, then about
/// four a second.
struct ProgressThrottle: Sendable {
    private static let burst = 8.0
    private static let perSecond = 4.0
    private var last: Double?
    private var allowance = ProgressThrottle.burst
    private var refilled: ContinuousClock.Instant?

    /// Returns whether to send this message.
    /// - Parameters:
    ///   - progress: the amount of work done.
    ///   - total: the amount of work in all, if known; reaching it is always admitted.
    ///   - now: the current time.
    mutating func admits(_ progress: Double, of total: Double?, at now: ContinuousClock.Instant) -> Bool {
        guard progress.isFinite else { return false }
        if let last, progress <= last { return false }
        if let refilled {
            let (seconds, attoseconds) = (now - refilled).components
            let elapsed = Double(seconds) + Double(attoseconds) / 1e18
            allowance = min(Self.burst, allowance + elapsed * Self.perSecond)
        }
        refilled = now
        let isEnd = total.map { progress >= $0 && (last ?? -.infinity) < $0 } ?? false
        guard allowance >= 1 || isEnd else { return false }
        allowance = max(0, allowance - 1)
        last = progress
        return true
    }
}
