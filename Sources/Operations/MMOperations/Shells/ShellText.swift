import MMCore

/// Bytes of a command as text for an answer: exact where they are UTF-8. Others are shown with escapes to who reads them, and in
/// base64 to who keeps them.
struct ShellText {
    /// The text.
    let text: String
    /// How the bytes stand in the text; `nil` for the text that they are.
    let encoding: Encoding?
    /// How many bytes at the end are left out because their character goes on behind them: the next page begins there.
    let left: Int

    /// How bytes that are no text stand in one.
    enum Encoding: String {
        /// All of them.
        case base64
        /// Each byte that belongs to no character as `\xFF`, in a text that is readable otherwise.
        case escaped
    }

    /// The text of bytes.
    /// - Parameters:
    ///   - bytes: what was written.
    ///   - isCut: whether characters at its ends may be torn.
    ///   - isRead: whether a model reads the text, so that one odd byte must not make all of it unreadable.
    init(_ bytes: [UInt8], isCut: Bool = false, isRead: Bool = false) {
        let whole = isCut ? Self.whole(bytes[...]) : bytes[...]
        if let text = String(validating: whole, as: UTF8.self) {
            self.text = text
            encoding = nil
            left = bytes.endIndex - whole.endIndex
        } else if isRead, let text = Self.escaped(whole) {
            self.text = text
            encoding = .escaped
            left = bytes.endIndex - whole.endIndex
        } else {
            text = Base64.text(bytes)
            encoding = .base64
            left = 0
        }
    }

    /// A text with an escape for each byte that belongs to no character; `nil` where so many don't that it is none.
    private static func escaped(_ bytes: ArraySlice<UInt8>) -> String? {
        guard !bytes.contains(0) else { return nil }
        var text = ""
        var odd = 0
        var rest = bytes
        while !rest.isEmpty {
            // A character has four bytes at most.
            if let length = (1...min(4, rest.count)).first(where: {
                String(validating: rest.prefix($0), as: UTF8.self) != nil
            }) {
                text += String(decoding: rest.prefix(length), as: UTF8.self)
                rest = rest.dropFirst(length)
            } else {
                let byte = rest.removeFirst()
                text += "\\x" + (byte < 0x10 ? "0" : "") + String(byte, radix: 16)
                odd += 1
            }
        }
        // Latin-1 has a few such letters in a line; what has more is another kind of data.
        return odd * 4 <= bytes.count ? text : nil
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
