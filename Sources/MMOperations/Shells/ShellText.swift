import MMCore

/// Bytes of a command as text for an answer: exact where they are UTF-8, else in base64.
struct ShellText {
    /// The text.
    let text: String
    /// Whether it is base64.
    let isBase64: Bool
    /// How many bytes at the end were left out, because they begin a character that is not complete.
    private(set) var leftOver = 0

    /// The text of bytes.
    /// - Parameters:
    ///   - bytes: what was written.
    ///   - isCut: whether characters at its ends may be torn.
    init(_ bytes: [UInt8], isCut: Bool = false) {
        if let text = String(validating: bytes, as: UTF8.self) {
            self.text = text
            isBase64 = false
            return
        }
        if isCut {
            let start = bytes.prefix(3).firstIndex { $0 & 0xC0 != 0x80 } ?? 0
            for end in 0..<min(4, bytes.count - start) {
                if let text = String(validating: bytes[start..<(bytes.count - end)], as: UTF8.self) {
                    self.text = text
                    isBase64 = false
                    leftOver = end
                    return
                }
            }
        }
        text = Base64.text(bytes)
        isBase64 = true
    }
}
