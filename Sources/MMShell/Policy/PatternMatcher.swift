import CPCRE2
import MMCore

/// A regular expression (PCRE2) with a limit of steps.
final class PatternMatcher: Sendable {
    /// What a search found.
    enum Finding: Sendable, Hashable {
        case match
        case none
        /// The limit of steps was reached: nobody knows.
        case undecided
    }

    /// The expression.
    let pattern: String
    // Compiled code is never changed after it was made (pcre2api(3), “Multithreading”).
    private nonisolated(unsafe) let code: UnsafeMutableRawPointer

    /// Compiles an expression.
    /// - Throws: `.invalidInput` with the place of the fault, `.unavailable` without PCRE2.
    init(_ pattern: String) throws(MMError) {
        if let problem = mm_pcre_problem() {
            throw MMError(
                .unavailable, "Regular expressions can't be matched here.",
                hint: "Install the Debian package libpcre2-8-0.", cause: String(cString: problem))
        }
        var message = [CChar](repeating: 0, count: 256)
        var place = 0
        let bytes = Array(pattern.utf8)
        guard let code = mm_pcre_compile(bytes, bytes.count, &message, message.count, &place) else {
            let words = String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            throw MMError(
                .invalidInput, "The pattern “\(pattern)” is no regular expression: \(words), at character \(place).",
                hint: "Correct blocked_patterns in the security file.")
        }
        self.code = code
        self.pattern = pattern
    }

    deinit { mm_pcre_free(code) }

    /// Whether a text holds a match.
    func search(_ text: String, limit: UInt32 = 200_000) -> Finding {
        let bytes = Array(text.utf8)
        switch mm_pcre_search(code, bytes, bytes.count, limit) {
        case 1: return .match
        case 0: return .none
        default: return .undecided
        }
    }
}
