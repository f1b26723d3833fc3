internal import MMCore

/// How fast a service may be asked after it has asked to slow down: nothing before a moment, then one request after the
/// other, with a gap that doubles when it is still too much and shrinks with each request that goes well. Those who waited
/// must not all come at once.
///
/// Times are milliseconds since 1970, as the file has them.
struct Pace: Sendable, Hashable {
    /// Nothing is sent before this.
    private(set) var notBefore: Int64
    /// The time between two requests once it is over.
    private(set) var gap: Int64
    /// When the service last asked to slow down: answers to what was sent earlier say nothing new.
    private(set) var told: Int64

    private static let firstGap: Int64 = 200
    private static let leastGap: Int64 = 20
    private static let largestGap: Int64 = 4_000
    /// The longest that any header is believed; an entry further ahead is of a clock that was set back.
    private static let furthest = RetryAfter.ceiling.milliseconds
    /// After this long without a word the service has forgotten it, and so do we.
    private static let lifetime: Int64 = 60_000

    /// The pace after a service's first request to slow down.
    init(waiting wait: Duration, now: Int64) {
        notBefore = Self.moment(now, wait)
        gap = Self.firstGap
        told = now
    }

    /// The pace of a file's entry; `nil` for what is none.
    init?(_ entry: JSONValue) {
        guard let notBefore = entry["notBefore"]?.int, let gap = entry["gap"]?.int, let told = entry["told"]?.int else {
            return nil
        }
        self.notBefore = Int64(notBefore)
        self.gap = min(max(Int64(gap), Self.leastGap), Self.largestGap)
        self.told = Int64(told)
    }

    /// The entry of a file.
    var entry: JSONValue { ["notBefore": .int(notBefore), "gap": .int(gap), "told": .int(told)] }

    /// Whether it is over and can be forgotten.
    func isOver(at now: Int64) -> Bool {
        now - notBefore > Self.lifetime || notBefore - now > Self.furthest + Self.largestGap
    }

    /// The service asks to slow down.
    /// - Parameters:
    ///   - wait: for how long.
    ///   - sent: when the request went out that it says so to.
    mutating func slowDown(for wait: Duration, sent: Int64, now: Int64) {
        // Requests that were under way together are all refused; that counts as one refusal.
        if sent > told { gap = min(gap * 2, Self.largestGap) }
        told = max(told, now)
        notBefore = max(notBefore, Self.moment(now, wait))
    }

    /// A request went well.
    /// - Returns: whether there is nothing left to heed.
    mutating func goOn(sent: Int64) -> Bool {
        guard sent > told else { return false }
        gap = gap * 3 / 4
        return gap < Self.leastGap
    }

    /// Takes the next place in the row.
    /// - Returns: how long to wait and ask again; `nil` when the request may go now.
    mutating func take(_ now: Int64) -> Duration? {
        guard now >= notBefore else { return .milliseconds(notBefore - now) }
        notBefore = now + gap
        return nil
    }

    /// Rounded up: never a part of a millisecond too early.
    private static func moment(_ now: Int64, _ wait: Duration) -> Int64 { now + 1 + min(wait.milliseconds, furthest) }
}
