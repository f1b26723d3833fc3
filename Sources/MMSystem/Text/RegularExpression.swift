import CPCRE2
package import MMCore

/// A regular expression (PCRE2), searched for with a limit on the work: no text and no pattern can make it go on for ever.
package final class RegularExpression: Sendable {
    /// What a pattern means where dialects differ. Without one it is Perl's, over bytes.
    package struct Options: OptionSet, Sendable {
        package let rawValue: UInt32

        package init(rawValue: UInt32) { self.rawValue = rawValue }

        /// Pattern and texts are UTF-8.
        package static let unicode = Options(rawValue: UInt32(MM_PCRE_UTF))
        /// Letters match in either case.
        package static let ignoringCase = Options(rawValue: UInt32(MM_PCRE_CASELESS))
        /// ECMA-262's meaning of `$`, `[]` and of groups that took no part.
        package static let ecmaScript = Options(rawValue: UInt32(MM_PCRE_ECMASCRIPT))
    }

    /// The work that searches may do together.
    package struct Budget {
        /// How many steps are left.
        package private(set) var steps: Int
        private let isStopped: (() -> Bool)?

        /// - Parameters:
        ///   - steps: how many items of a pattern may be tried.
        ///   - isStopped: asked every few thousand steps; true ends the search.
        package init(steps: Int, isStopped: (() -> Bool)? = nil) {
            self.steps = steps
            self.isStopped = isStopped
        }

        /// What a search in a text may usually cost.
        package static func usual(for text: [UInt8]) -> Budget { Budget(steps: 200_000 + 16 * text.count) }

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

    /// A found place, as ranges of bytes.
    package struct Match: Sendable, Hashable {
        /// The whole match.
        package let range: Range<Int>
        /// The groups from left to right; nil for one that took no part.
        package let groups: [Range<Int>?]
    }

    /// What a search found.
    package enum Finding: Sendable, Hashable {
        case match(Match)
        case none
        /// The budget was used up, or the search was stopped: nobody knows.
        case undecided
    }

    /// The expression as it was written.
    package let pattern: String
    /// How many groups it has.
    package let groupCount: Int
    // Compiled code is never changed after it was made (pcre2api(3), “Multithreading”).
    private nonisolated(unsafe) let code: UnsafeMutableRawPointer

    /// Compiles an expression.
    /// - Throws: `.invalidInput` with the place of the fault, `.unavailable` without PCRE2.
    package init(_ pattern: String, options: Options = .unicode) throws(MMError) {
        if let problem = mm_pcre_problem() {
            throw MMError(
                .unavailable, "Regular expressions can't be matched here.",
                hint: "Install the Debian package libpcre2-8-0.", cause: String(cString: problem))
        }
        var message = [CChar](repeating: 0, count: 256)
        var place = 0
        let bytes = Array(pattern.utf8)
        guard let code = mm_pcre_compile(bytes, bytes.count, options.rawValue, &message, message.count, &place) else {
            let words = String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            throw MMError(
                .invalidInput, "The pattern “\(pattern)” is no regular expression: \(words), at character \(place).",
                hint: "Correct the pattern.")
        }
        self.code = code
        self.pattern = pattern
        groupCount = Int(mm_pcre_groups(code))
    }

    deinit { mm_pcre_free(code) }

    /// The first match at or behind a place.
    /// - Parameters:
    ///   - text: where to look.
    ///   - place: the byte at which a match may begin first.
    ///   - budget: what the search may cost, and less of it afterwards.
    package func search(_ text: [UInt8], from place: Int = 0, budget: inout Budget) -> Finding {
        guard place <= text.count else { return .none }
        var ends = [Int](repeating: -1, count: 2 * (groupCount + 1))
        let found = ends.withUnsafeMutableBytes { room in
            budget.spend { work in
                mm_pcre_search(
                    code, text, text.count, place, room.baseAddress?.assumingMemoryBound(to: Int.self),
                    UInt32(groupCount), &work)
            }
        }
        guard found == 1 else { return found == 0 ? .none : .undecided }
        let ranges = (0...groupCount).map { index -> Range<Int>? in
            let (start, end) = (ends[2 * index], ends[2 * index + 1])
            // With \K or look-behind a match may begin behind its end.
            return start >= 0 && end >= start ? start..<end : nil
        }
        return .match(Match(range: ranges[0] ?? place..<place, groups: Array(ranges.dropFirst())))
    }

    /// Whether a text holds a match; nil when that would cost more than searches usually do.
    package func matches(in text: String) -> Bool? {
        let bytes = Array(text.utf8)
        var budget = Budget.usual(for: bytes)
        return switch search(bytes, budget: &budget) {
        case .match: true
        case .none: false
        case .undecided: nil
        }
    }
}
