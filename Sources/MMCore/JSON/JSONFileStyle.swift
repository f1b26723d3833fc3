/// How the text of a JSON file is written, so that a rewrite changes only what was edited.
struct JSONFileStyle: Equatable {
    /// Whether every character beyond ASCII is escaped, as Python's `json` writes it.
    var isEscaped = false
    /// Whether the text starts with a byte order mark, as some editors on Windows write it.
    var hasByteOrderMark = false
    /// Whether lines end with a carriage return and a line feed.
    var hasCarriageReturns = false
    /// The number of spaces per level of indentation.
    var indentation = 2

    private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

    /// The style of a new file.
    init() {}

    /// Determines the style of a file from its bytes.
    init(of bytes: [UInt8]) {
        hasByteOrderMark = bytes.starts(with: Self.byteOrderMark)
        isEscaped = ASCIIEscapes.areUsed(in: hasByteOrderMark ? Array(bytes.dropFirst(3)) : bytes)
        guard let lineEnd = bytes.firstIndex(of: 0x0A) else { return }
        hasCarriageReturns = lineEnd > 0 && bytes[lineEnd - 1] == 0x0D
        let blanks = bytes[(lineEnd + 1)...].prefix { $0 == 0x20 }.count
        if (1...8).contains(blanks) { indentation = blanks }
    }

    /// Returns the text of a document, followed by a line ending.
    func text(of document: JSONObject) -> [UInt8] {
        var text = JSONWriter.bytes(.object(document), layout: .indented(indentation)) + [0x0A]
        if isEscaped { text = ASCIIEscapes.applied(to: text) }
        if hasCarriageReturns {
            // Line feeds within strings are escaped, so every one found here ends a line.
            text = text.flatMap { $0 == 0x0A ? [0x0D, 0x0A] : [$0] }
        }
        return hasByteOrderMark ? Self.byteOrderMark + text : text
    }
}
