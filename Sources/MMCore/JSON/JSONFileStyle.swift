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

/// JSON texts in which every character beyond ASCII is escaped, as Python's `json` writes them.
enum ASCIIEscapes {
    /// Returns whether a text was written that way: no byte beyond ASCII, and at least one escape for such a character.
    static func areUsed(in text: [UInt8]) -> Bool {
        var found = false
        var index = 0
        while index < text.count {
            if text[index] >= 0x80 { return false }
            if text[index] == UInt8(ascii: "\\") {
                if index + 5 < text.count, text[index + 1] == UInt8(ascii: "u"),
                    !text[(index + 2)..<(index + 4)].elementsEqual([0x30, 0x30])
                        || text[index + 4] >= UInt8(ascii: "8")
                {
                    found = true
                }
                index += 1
            }
            index += 1
        }
        return found
    }

    /// Returns a JSON text with each character beyond ASCII escaped; such characters can only occur inside strings.
    static func applied(to text: [UInt8]) -> [UInt8] {
        var escaped: [UInt8] = []
        for unit in String(decoding: text, as: UTF8.self).utf16 {
            if unit < 0x80 {
                escaped.append(UInt8(unit))
            } else {
                escaped += "\\u".utf8
                escaped += Hex.text([UInt8(unit >> 8), UInt8(unit & 0xFF)]).utf8
            }
        }
        return escaped
    }
}
