package import MMCore
package import MMHTTP
internal import MMIdentity

/// What an answer's headers say about waiting: `Retry-After` (RFC 9110, section 10.2.3), and how much of a quota is left
/// (draft-ietf-httpapi-ratelimit-headers, in each of the forms that services have kept).
package struct WaitAdvice: Sendable, Hashable {
    /// The wait that the service asks for by name.
    package let retryAfter: Duration?
    /// How long a quota that is used up stays so; `nil` while something of it is left.
    package let untilReset: Duration?

    /// The wait asked for: by name, or by what is left.
    package var asked: Duration? { retryAfter ?? untilReset }

    /// The advice of an answer.
    /// - Parameters:
    ///   - headers: the answer's.
    ///   - now: the time, for dates.
    package init(_ headers: HTTPHeaders, now: Timestamp) {
        retryAfter = headers["Retry-After"].flatMap { RetryAfter.wait($0, now: now) }
        var resets: [Duration] = []
        for prefix in ["RateLimit", "Rate-Limit", "X-RateLimit"] {
            guard let left = headers[prefix + "-Remaining"].flatMap(Self.number), left <= 0 else { continue }
            if let reset = headers[prefix + "-Reset"].flatMap({ Self.wait($0, now: now) }) { resets.append(reset) }
        }
        // One field: `limit=100, remaining=0, reset=5`, later `"name";r=0;t=5, "other";r=9;t=60`.
        var left: Double?
        var reset: Duration?
        func close() {
            if let left, left <= 0, let reset { resets.append(reset) }
        }
        for part in headers["RateLimit"]?.split(whereSeparator: { $0 == "," || $0 == ";" }) ?? [] {
            let pair = part.split(separator: "=", maxSplits: 1).map { $0.trimmed.lowercased() }
            guard pair.count == 2 else {
                close()
                (left, reset) = (nil, nil)
                continue
            }
            switch pair[0] {
            case "r", "remaining": left = Self.number(pair[1])
            case "t", "reset": reset = Self.wait(pair[1], now: now)
            default: break
            }
        }
        close()
        untilReset = resets.max()
    }

    private static func number(_ text: String) -> Double? {
        // A policy may follow: `0, 100;w=60`.
        text.split { $0 == "," || $0 == ";" }.first.flatMap { Double($0.trimmed) }
    }

    /// Seconds from now, seconds since 1970 (which no wait is as long as), or a date.
    private static func wait(_ text: String, now: Timestamp) -> Duration? {
        if let seconds = number(text), seconds > 1_000_000_000, seconds < 100_000_000_000 {
            return min(max(Timestamp(seconds: Int64(seconds)) - now, .zero), RetryAfter.ceiling)
        }
        if let date = Timestamp(iso8601: text) { return min(max(date - now, .zero), RetryAfter.ceiling) }
        return RetryAfter.wait(text, now: now)
    }
}
