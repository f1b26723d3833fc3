import CPCRE2
package import MMCore

/// A PCRE2 regular expression. Searches have a work limit, so no text and no pattern can make one run forever.
package final class RegularExpression: Sendable {
    /// Dialect options. Without any, a pattern has Perl's meaning and matches bytes.
    package struct Options: OptionSet, Sendable {
        package let rawValue: UInt32

        package init(rawValue: UInt32) { self.rawValue = rawValue }

        /// Treats pattern and texts as UTF-8.
        package static let unicode = Options(rawValue: UInt32(MM_PCRE_UTF))
        /// Ignores case.
        package static let ignoringCase = Options(rawValue: UInt32(MM_PCRE_CASELESS))
    }

    /// The work that a series of searches may do in total.
    package struct Budget {
        /// The number of steps left.
        package private(set) var steps: Int
        private let isStopped: (() -> Bool)?

        /// Creates a budget.
        /// - Parameters:
        ///   - steps: how many items of a pattern may be tried.
        ///   - isStopped: called every few thousand steps; returning true ends the search.
        package init(steps: Int, isStopped: (() -> Bool)? = nil) {
            self.steps = steps
            self.isStopped = isStopped
        }

        /// Returns the usual budget for a search in a text.
        package static func standard(for text: [UInt8]) -> Budget { Budget(steps: 200_000 + 16 * text.count) }

        fileprivate mutating func spend<Result>(_ body: (inout mm_pcre_work) -> Result) -> Result {
            var work = mm_pcre_work()
            work.limit = UInt64(max(0, steps))
            defer { steps -= Int(min(work.steps, work.limit)) }
            guard var isStopped else { return body(&work) }
            return withUnsafeMutablePointer(to: &isStopped) { closure in
                work.context = UnsafeMutableRawPointer(closure)
                work.is_stopped = { context in
                    context?.assumingMemoryBound(to: (() -> Bool).self).pointee() == true ? 1 : 0
                }
                return body(&work)
            }
        }
    }

    /// A match, in byte ranges.
    package struct Match: Sendable, Hashable {
        /// The range of the whole match.
        package let range: Range<Int>
        /// The ranges of the groups from left to right; nil for a group that didn't participate.
        package let groups: [Range<Int>?]
    }

    /// The result of a search.
    package enum Finding: Sendable, Hashable {
        case match(Match)
        case none
        /// Unknown: the budget was used up or the search was stopped.
        case undecided
    }

    /// The expression as written.
    package let pattern: String
    /// The number of capture groups.
    package let groupCount: Int
    // Compiled code is immutable (pcre2api(3), “Multithreading”).
    private nonisolated(unsafe) let code: UnsafeMutableRawPointer

    /// Compiles an expression.
    /// - Throws: `.invalidInput` with the position of the fault; `.unavailable` if PCRE2 isn't installed.
    package init(_ pattern: String, options: Options = .unicode) throws(MMError) {
        if let problem = mm_pcre_problem() {
            throw MMError(
                .unavailable, "Regular expressions are not available.",
                hint: "Install the Debian package libpcre2-8-0.", cause: String(cString: problem))
        }
        var message = [CChar](repeating: 0, count: 256)
        var place = 0
        let bytes = Array(pattern.utf8)
        guard let code = mm_pcre_compile(bytes, bytes.count, options.rawValue, &message, message.count, &place) else {
            let words = String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            throw MMError(
                .invalidInput,
                "The pattern “\(pattern)” isn't a valid regular expression: \(words), at character \(place).",
                hint: "Correct the pattern.")
        }
        self.code = code
        self.pattern = pattern
        groupCount = Int(mm_pcre_groups(code))
    }

    deinit { mm_pcre_free(code) }

    /// Finds the first match at or after a position.
    /// - Parameters:
    ///   - text: the text to search.
    ///   - place: the byte offset at which to start.
    ///   - isKnownText: whether an earlier search found that this text is UTF-8; checking it again for each of many
    ///     matches would take a time that grows with the square of its length.
    ///   - budget: the work limit, reduced by what the search used.
    package func search(_ text: [UInt8], from place: Int = 0, isKnownText: Bool = false, budget: inout Budget)
        -> Finding
    {
        guard place <= text.count else { return .none }
        var ends = [Int](repeating: -1, count: 2 * (groupCount + 1))
        let found = ends.withUnsafeMutableBytes { room in
            budget.spend { work in
                mm_pcre_search(
                    code, text, text.count, place, isKnownText ? 1 : 0,
                    room.baseAddress?.assumingMemoryBound(to: Int.self), UInt32(groupCount), &work)
            }
        }
        guard found == 1 else { return found == 0 ? .none : .undecided }
        let ranges = (0...groupCount).map { index -> Range<Int>? in
            let (start, end) = (ends[2 * index], ends[2 * index + 1])
            // With \K or look-behind, a match may start after its end.
            return start >= 0 && end >= start ? start..<end : nil
        }
        return .match(Match(range: ranges[0] ?? place..<place, groups: Array(ranges.dropFirst())))
    }

    /// Returns whether a text contains a match; nil when the usual budget doesn't suffice to tell.
    package func matches(in text: String) -> Bool? {
        let bytes = Array(text.utf8)
        var budget = Budget.standard(for: bytes)
        return switch search(bytes, budget: &budget) {
        case .match: true
        case .none: false
        case .undecided: nil
        }
    }
}
