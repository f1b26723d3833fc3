internal import MMCore

/// The name and value pairs of a query or of a form body, decoded, in the order in which they were sent.
struct PostedForm: Sendable {
    /// The pairs.
    private(set) var pairs: [(name: String, value: String)] = []
    /// Whether a pair could not be decoded.
    private(set) var isMalformed = false

    init(parsing text: String) {
        for piece in text.split(separator: "&", omittingEmptySubsequences: true) {
            let mark = piece.firstIndex(of: "=")
            let name = Self.decoded(piece[..<(mark ?? piece.endIndex)])
            let value = mark.map { Self.decoded(piece[piece.index(after: $0)...]) } ?? ""
            if let name, let value { pairs.append((name, value)) } else { isMalformed = true }
        }
    }

    /// Returns the value of the first pair with this name.
    subscript(name: String) -> String? { pairs.first { $0.name == name }?.value }

    private static func decoded(_ text: Substring) -> String? {
        PercentCoding.decode(text.utf8.map { $0 == UInt8(ascii: "+") ? 0x20 : $0 })
    }
}
