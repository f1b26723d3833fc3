/// The conversion of text for terminals to plain text.
package enum TerminalText {
    /// Returns the text without escape sequences (ECMA-48: control sequences, operating system commands, two-character
    /// escapes) and without control characters other than tab, line feed and carriage return.
    package static func plain(_ text: String) -> String {
        guard mayNeedChange(text) else { return text }
        var plain = String.UnicodeScalarView()
        var scalars = text.unicodeScalars[...]
        while let scalar = scalars.popFirst() {
            switch scalar.value {
            case 0x1B: skipEscape(&scalars)
            case 0x9B: skipControlSequence(&scalars)
            case 0x09, 0x0A, 0x0D: plain.append(scalar)
            case 0x00..<0x20, 0x7F..<0xA0: continue
            default: plain.append(scalar)
            }
        }
        return String(plain)
    }

    /// Returns whether a text contains a control character, or the first byte of one beyond ASCII.
    private static func mayNeedChange(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { bytes in
            for byte in bytes {
                switch byte {
                case 0x09, 0x0A, 0x0D: continue
                case 0x00..<0x20, 0xC2: return true
                default: continue
                }
            }
            return false
        }
    }

    private static func skipEscape(_ scalars: inout Substring.UnicodeScalarView) {
        guard let kind = scalars.first else { return }
        switch kind {
        case "[":
            scalars.removeFirst()
            skipControlSequence(&scalars)
        case "]", "P", "_", "^", "X":
            scalars.removeFirst()
            // It ends with BEL or ESC backslash; an unfinished one extends to the end of its line only.
            while let next = scalars.first, next != "\n" {
                scalars.removeFirst()
                if next.value == 0x07 { return }
                if next.value == 0x1B {
                    if scalars.first == "\\" { scalars.removeFirst() }
                    return
                }
            }
        case "(", ")", "#", " ":
            scalars.removeFirst()
            if scalars.first != "\n" { scalars = scalars.dropFirst() }
        case "\n": return
        default: scalars.removeFirst()
        }
    }

    private static func skipControlSequence(_ scalars: inout Substring.UnicodeScalarView) {
        while let next = scalars.first {
            guard (0x20...0x7E).contains(next.value) else { return }
            scalars.removeFirst()
            if next.value >= 0x40 { return }
        }
    }
}
