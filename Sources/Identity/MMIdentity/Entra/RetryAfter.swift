package import MMCore

/// Parses `Retry-After` (RFC 9110, section 10.2.3): seconds or a date.
package enum RetryAfter {
    /// The longest wait that is honoured.
    package static let ceiling = Duration.seconds(3600)

    /// Returns the wait that a header asks for, at most an hour.
    /// - Parameters:
    ///   - value: the header's value.
    ///   - now: the current time, for dates.
    /// - Returns: `nil` when the value is neither seconds nor a date.
    package static func wait(_ value: String, now: Timestamp) -> Duration? {
        let text = value.trimmed
        // A header that was sent twice arrives joined by a comma; a date contains a comma of its own.
        let first = (text.split(separator: ",", maxSplits: 1).first ?? "").trimmed
        if !first.isEmpty, first.utf8.allSatisfy({ ($0 >= 0x30 && $0 <= 0x39) || $0 == 0x2E }),
            let seconds = Double(first)
        {
            return min(.milliseconds(Int64(min(seconds, 1e6) * 1000)), ceiling)
        }
        guard let date = HTTPDate.timestamp(text) else { return nil }
        return min(max(date - now, .zero), ceiling)
    }
}
