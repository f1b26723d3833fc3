package import MMHTTP

/// Decides whether and when a request is sent again.
///
/// A write is repeated only when it certainly didn't run: a second mail is worse than an error.
package enum RetryPolicy {
    /// The end of an attempt.
    package enum Ending: Sendable {
        /// With this status and the wait that the service asks for.
        case status(Int, asked: Duration?)
        /// Without a response.
        case failure(HTTPError)

        /// Creates the ending of an attempt that got a response.
        package init(_ status: Int, _ advice: WaitAdvice) {
            // An exhausted quota explains a 429; any other status has other reasons.
            self = .status(status, asked: status == 429 ? advice.asked : advice.retryAfter)
        }

        /// Whether the service itself asked to slow down and didn't carry out the request. A 503 without a wait may
        /// come from a gateway that lost the response.
        package var isThrottling: Bool {
            switch self {
            case .status(429, _): true
            case .status(503, let asked): asked != nil
            default: false
            }
        }
    }

    /// The maximum number of repetitions.
    static let maxRetries = 5
    /// The maximum number of repetitions while the service says how long to wait; the caller's deadline usually comes
    /// first.
    private static let maxRequestedRetries = 20
    /// The maximum number of repetitions when the service can't be reached.
    private static let maxReconnections = 2
    /// The longest wait that is accepted from a service.
    static let maxWait = Duration.seconds(300)

    /// Returns how long to wait before the next attempt; `nil` to give up.
    /// - Parameters:
    ///   - ending: how the attempt ended.
    ///   - method: the request's method.
    ///   - repetition: the number of the repetition, from 1.
    ///   - isGuarded: whether the request carries `If-Match`, so that running it twice is detected.
    ///   - mayRepeat: whether the caller agrees to a repeated `PUT` or `DELETE`.
    ///   - jitter: a random number from 0 to 1.
    static func wait(
        after ending: Ending, method: String, repetition: Int, isGuarded: Bool, mayRepeat: Bool, jitter: Double
    ) -> Duration? {
        let reads = ["GET", "HEAD", "OPTIONS"].contains(method)
        let isRepeatable = reads || isGuarded || (mayRepeat && (method == "PUT" || method == "DELETE"))
        let backoff = backoff(repetition, jitter)
        switch ending {
        case .status(let status, let asked):
            guard ending.isThrottling || (isRepeatable && [500, 502, 503, 504].contains(status)) else { return nil }
            guard let asked else { return repetition <= maxRetries ? backoff : nil }
            guard asked <= maxWait else { return nil }
            // A wait of less than a second is implausible for a throttled request, so the policy's own backoff applies.
            guard asked >= .seconds(1) else { return repetition <= maxRetries ? max(asked, backoff) : nil }
            return repetition <= (ending.isThrottling ? maxRequestedRetries : maxRetries) ? asked : nil
        case .failure(let error):
            let most =
                switch error.retryAdvice(isRepeatable: isRepeatable) {
                case .never: 0
                case .unlikely: maxReconnections
                case .worthwhile: maxRetries
                }
            return repetition <= most ? backoff : nil
        }
    }

    /// Returns 1, 2, 4, 8 or 16 s, of which the second half is random.
    static func backoff(_ repetition: Int, _ jitter: Double) -> Duration {
        let full = Double(1000 << min(max(repetition - 1, 0), 4))
        return .milliseconds(Int64(full / 2 + full / 2 * min(max(jitter, 0), 1)))
    }
}
