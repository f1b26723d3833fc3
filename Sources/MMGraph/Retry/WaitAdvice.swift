package import MMCore
package import MMHTTP
internal import MMIdentity

/// The waiting advice in a response's headers: `Retry-After` (RFC 9110, section 10.2.3), and the remaining quota
/// (draft-ietf-httpapi-ratelimit-headers, in all the forms that services still use).
package struct WaitAdvice: Sendable, Hashable {
    /// The wait in `Retry-After`.
    package let retryAfter: Duration?
    /// The time until an exhausted quota is reset; `nil` while some of it is left.
    package let untilReset: Duration?

    /// The wait asked for: `Retry-After`, otherwise the time until the quota is reset.
    package var asked: Duration? { retryAfter ?? untilReset }

    /// Reads a response's headers.
    /// - Parameters:
    ///   - headers: the headers.
    ///   - now: the current time, for dates.
    package init(_ headers: HTTPHeaders, now: Timestamp) {
        retryAfter = headers["Retry-After"].flatMap { RetryAfter.wait($0, now: now) }
        var resets: [Duration] = []
        for prefix in ["RateLimit", "Rate-Limit", "X-RateLimit"] {
            guard let left = headers[prefix + "-Remaining"].flatMap(Self.number), left <= 0 else { continue }
            if let reset = headers[prefix + "-Reset"].flatMap({ Self.wait($0, now: now) }) { resets.append(reset) }
        }
        // A single field: `limit=100, remaining=0, reset=5`, or the newer `"name";r=0;t=5, "other";r=9;t=60`.
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
        // A policy may follow the number: `0, 100;w=60`.
        text.split { $0 == "," || $0 == ";" }.first.flatMap { Double($0.trimmed) }
    }

    /// Returns a wait from seconds, seconds since 1970 (recognisable by their size), or a date.
    private static func wait(_ text: String, now: Timestamp) -> Duration? {
        if let seconds = number(text), seconds > 1_000_000_000, seconds < 100_000_000_000 {
            return min(max(Timestamp(seconds: Int64(seconds)) - now, .zero), RetryAfter.ceiling)
        }
        if let date = Timestamp(iso8601: text) { return min(max(date - now, .zero), RetryAfter.ceiling) }
        return RetryAfter.wait(text, now: now)
    }
}
