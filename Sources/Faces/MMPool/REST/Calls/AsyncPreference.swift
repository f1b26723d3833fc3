import MMHTTP

/// A client's preference for an asynchronous response: `Prefer: respond-async, wait=10` (RFC 7240, sections 4.1 and
/// 4.3).
struct AsyncPreference: Sendable {
    /// How long the client is willing to wait for the result.
    let wait: Duration

    /// Reads the preference from headers; `nil` when there is none. Unknown preferences are ignored, as section 2
    /// requires.
    init?(_ headers: HTTPHeaders) {
        var isAsync = false
        var wait: Int64 = 0
        for preference in (headers["Prefer"] ?? "").split(separator: ",").prefix(32) {
            let words = preference.prefix { $0 != ";" }.lowercased().filter { $0 != " " && $0 != "\t" }
            if words == "respond-async" { isAsync = true }
            if words.hasPrefix("wait="), let seconds = Int64(words.dropFirst(5)), (0...86_400).contains(seconds) {
                wait = seconds
            }
        }
        guard isAsync else { return nil }
        self.wait = .seconds(wait)
    }
}
