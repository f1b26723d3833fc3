import MMCore

/// The line that is being typed into a program: what it reads once Enter is pressed.
struct TypedLine: Sendable, Hashable {
    private var bytes: [UInt8] = []
    /// Whether keys were pressed that put something else there than they write: history, completion, other places.
    private(set) var isEdited = false
    /// The lines before, which go on in this one.
    private var before = ""

    private static let most = 64 << 10

    /// The line so far.
    var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Takes what is typed.
    /// - Returns: the lines that are sent off by it, and whether what one of them holds can't be told.
    mutating func take(_ typed: [UInt8]) -> (lines: [String], isUnknown: Bool) {
        var lines: [String] = []
        var isUnknown = false
        for byte in typed {
            switch byte {
            case 0x0D, 0x0A, 0x04:
                isUnknown = isUnknown || isEdited
                let line = text
                lines.append(line)
                // A line that goes on is one with the next: both ways of reading it count.
                if !before.isEmpty { lines.append(before + "\n" + line) }
                before =
                    line.hasSuffix("\\") || Self.isOpen(before + line)
                    ? String((before + "\n" + line).suffix(Self.most)) : ""
                bytes = []
                isEdited = false
            case 0x03, 0x15, 0x07:
                bytes = []
                isEdited = false
                if byte == 0x03 { before = "" }
            case 0x7F, 0x08: _ = bytes.popLast()
            case 0..<0x20: isEdited = true
            default: if bytes.count < Self.most { bytes.append(byte) } else { isEdited = true }
            }
        }
        return (lines, isUnknown)
    }

    /// Whether a quote or a here-document is still open.
    private static func isOpen(_ text: String) -> Bool {
        var quote: UInt8?
        var wasBackslash = false
        for byte in text.utf8 {
            if wasBackslash {
                wasBackslash = false
            } else if byte == 0x5C, quote != 0x27 {
                wasBackslash = true
            } else if let open = quote {
                if byte == open { quote = nil }
            } else if byte == 0x22 || byte == 0x27 || byte == 0x60 {
                quote = byte
            }
        }
        return quote != nil || text.contains("<<")
    }
}
