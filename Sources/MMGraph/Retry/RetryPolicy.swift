package import MMHTTP

/// Whether and when a request is sent again.
///
/// A write is repeated only when it surely did not run: a second mail is worse than an error.
package struct RetryPolicy: Sendable, Hashable {
    /// How an attempt ended.
    package enum Ending: Sendable {
        /// With this status, and the wait that the service asks for.
        case status(Int, asked: Duration?)
        /// Without an answer.
        case failure(HTTPError)

        /// How an answer ended an attempt.
        package init(_ status: Int, _ advice: WaitAdvice) {
            // A quota that is used up explains a 429; any other status has reasons of its own.
            self = .status(status, asked: status == 429 ? advice.asked : advice.retryAfter)
        }

        /// Whether the service itself asks to slow down, and has not done what was asked. A 503 without a wait may be of a
        /// gateway that lost the answer.
        package var isThrottling: Bool {
            switch self {
            case .status(429, _): true
            case .status(503, let asked): asked != nil
            default: false
            }
        }
    }

    /// Most repetitions.
    package var mostRepetitions = 5
    /// Most repetitions while the service says itself how long to wait; the caller's deadline usually comes first.
    package var mostTold = 20
    /// Most repetitions when the service can't be reached at all.
    package var mostReconnections = 2
    /// The longest wait that is taken from a service.
    package var longestWait = Duration.seconds(300)

    package init() {}

    /// How long to wait before the next attempt; `nil` to give up.
    /// - Parameters:
    ///   - ending: how the attempt ended.
    ///   - method: the request's.
    ///   - repetition: 1 for the first.
    ///   - isGuarded: whether the request carries `If-Match`, so that running twice shows.
    ///   - mayRepeat: whether the caller agrees to a second `PUT` or `DELETE`.
    ///   - jitter: a random share, 0 to 1.
    package func wait(
        after ending: Ending, method: String, repetition: Int, isGuarded: Bool, mayRepeat: Bool, jitter: Double
    ) -> Duration? {
        let reads = ["GET", "HEAD", "OPTIONS"].contains(method)
        let isRepeatable = reads || isGuarded || (mayRepeat && (method == "PUT" || method == "DELETE"))
        let backoff = Self.backoff(repetition, jitter)
        switch ending {
        case .status(let status, let asked):
            guard ending.isThrottling || (isRepeatable && [500, 502, 503, 504].contains(status)) else { return nil }
            guard let asked else { return repetition <= mostRepetitions ? backoff : nil }
            guard asked <= longestWait else { return nil }
            // “At once” is no answer to “too many”: then our own pauses count.
            guard asked >= .seconds(1) else { return repetition <= mostRepetitions ? max(asked, backoff) : nil }
            return repetition <= (ending.isThrottling ? mostTold : mostRepetitions) ? asked : nil
        case .failure(let error):
            let most =
                switch error.secondTry(isRepeatable: isRepeatable) {
                case .never: 0
                case .seldom: mostReconnections
                case .worthwhile: mostRepetitions
                }
            return repetition <= most ? backoff : nil
        }
    }

    /// 1, 2, 4, 8, 16 s, of which the second half is left to chance.
    private static func backoff(_ repetition: Int, _ jitter: Double) -> Duration {
        let full = Double(1000 << min(max(repetition - 1, 0), 4))
        return .milliseconds(Int64(full / 2 + full / 2 * min(max(jitter, 0), 1)))
    }
}
