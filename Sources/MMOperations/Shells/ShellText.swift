import MMCore

/// Bytes of a command as text for an answer: exact where they are UTF-8, else in base64.
struct ShellText {
    /// The text.
    let text: String
    /// Whether it is base64.
    let isBase64: Bool
    /// How many bytes at the end are left out because their character goes on behind them: the next page begins there.
    let left: Int

    /// The text of bytes.
    /// - Parameters:
    ///   - bytes: what was written.
    ///   - isCut: whether characters at its ends may be torn.
    init(_ bytes: [UInt8], isCut: Bool = false) {
        let whole = isCut ? Self.whole(bytes[...]) : bytes[...]
        if let text = String(validating: whole, as: UTF8.self) {
            self.text = text
            isBase64 = false
            left = bytes.endIndex - whole.endIndex
            return
        }
        text = Base64.text(bytes)
        isBase64 = true
        left = 0
    }

    /// The bytes without a character that is torn at their beginning or their end.
    static func whole(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let start = bytes.prefix(4).firstIndex { $0 & 0xC0 != 0x80 } ?? bytes.startIndex
        var end = bytes.endIndex
        // The last character begins at most four bytes before the end.
        if let lead = bytes[start...].suffix(4).lastIndex(where: { $0 & 0xC0 != 0x80 }) {
            let length = bytes[lead] < 0x80 ? 1 : bytes[lead] < 0xE0 ? 2 : bytes[lead] < 0xF0 ? 3 : 4
            if lead + length > end { end = lead }
        }
        return bytes[start..<end]
    }
}
