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
