package import MMHTTP

/// Whether and when a request is sent again.
///
/// A write is repeated only when it surely did not run: a second mail is worse than an error.
package struct RetryPolicy: Sendable, Hashable {
    /// How an attempt ended.
    package enum Ending: Sendable {
        /// With this status, and the wait that the service asks for.
        case status(Int, retryAfter: Duration?)
        /// Without an answer.
        case failure(HTTPError)
    }

    /// Most repetitions.
    package var mostRepetitions = 5
    /// Most repetitions when the service can't be reached at all.
    package var mostReconnections = 2
    /// The longest wait that is taken from a service.
    package var longestWait = Duration.seconds(300)

    /// The usual policy.
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
        guard repetition <= mostRepetitions else { return nil }
        let reads = ["GET", "HEAD", "OPTIONS"].contains(method)
        let isRepeatable = reads || isGuarded || (mayRepeat && (method == "PUT" || method == "DELETE"))
        let backoff = Duration.milliseconds(Int64(Double(1000 << (repetition - 1)) * min(max(jitter, 0), 1)))
        switch ending {
        case .status(429, let asked): return bounded(asked, backoff)
        case .status(503, let asked):
            // With Retry-After it is the service itself that hasn't taken the request; without, a gateway may have lost
            // the answer.
            return asked != nil || isRepeatable ? bounded(asked, backoff) : nil
        case .status(500, let asked), .status(502, let asked), .status(504, let asked):
            return isRepeatable ? bounded(asked, backoff) : nil
        case .status: return nil
        case .failure(let error):
            switch error.kind {
            case .connect, .resolve: return repetition <= mostReconnections ? backoff : nil
            case .connectionLost, .timeout, .protocolViolation:
                return !error.mayHaveBeenSent || isRepeatable ? backoff : nil
            case .invalidRequest, .tls, .cancelled, .tooLarge, .unavailable: return nil
            }
        }
    }

    private func bounded(_ asked: Duration?, _ backoff: Duration) -> Duration? {
        guard let asked else { return backoff }
        return asked <= longestWait ? asked : nil
    }
}
