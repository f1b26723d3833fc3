/// Comparison of texts without regard to case, as the directory does it.
enum CaselessText {
    /// The form in which texts are compared.
    static func folded(_ text: String) -> String { text.lowercased() }

    static func equal(_ left: String, _ right: String) -> Bool {
        var left = left
        var right = right
        let quick: Bool? = left.withUTF8 { first in
            right.withUTF8 { second in
                for (one, two) in zip(first, second) {
                    if one >= 0x80 || two >= 0x80 { return nil }
                    if small(one) != small(two) { return false }
                }
                if first.count == second.count { return true }
                return first.count > second.count
                    ? combines(first[second.count]) : combines(second[first.count])
            }
        }
        return quick ?? (folded(left) == folded(right))
    }

    static func precedes(_ left: String, _ right: String) -> Bool { folded(left) < folded(right) }

    static func hasPrefix(_ text: String, _ prefix: String) -> Bool { folded(text).hasPrefix(folded(prefix)) }

    static func hasSuffix(_ text: String, _ suffix: String) -> Bool { folded(text).hasSuffix(folded(suffix)) }

    static func contains(_ text: String, _ part: String) -> Bool { position(of: part, in: text) != nil }

    /// The character position of the first occurrence.
    static func position(of part: String, in text: String) -> Int? {
        let haystack = Array(folded(text))
        let needle = Array(folded(part))
        guard !needle.isEmpty else { return 0 }
        guard haystack.count >= needle.count else { return nil }
        return (0...(haystack.count - needle.count)).first { haystack[$0..<($0 + needle.count)].elementsEqual(needle) }
    }

    private static func small(_ byte: UInt8) -> UInt8 { byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte }

    /// A plain letter may be followed by a combining mark, which makes another character of it: not decidable by bytes.
    private static func combines(_ next: UInt8) -> Bool? { next >= 0x80 ? nil : false }
}
