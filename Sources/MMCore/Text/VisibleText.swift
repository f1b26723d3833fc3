/// Makes untrusted text safe to display: characters that would move the cursor, repaint the screen, or hide or reorder
/// text become escapes such as `\u{1b}`.
package enum VisibleText {
    /// Returns a line in which every invisible character is escaped, including line breaks; for what a person confirms.
    package static func exact(_ line: String) -> String {
        escaped(line) { scalar in
            switch scalar.properties.generalCategory {
            case .control: scalar != "\t"
            case .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse: true
            default: false
            }
        }
    }

    /// Returns text for a screen: line breaks and tabs are kept, and so are the joiners within words and emoji. Control
    /// characters and the marks that change the writing direction (Unicode Standard Annex 9, section 2) are escaped.
    package static func readable(_ text: String) -> String {
        // Some files end their lines in CRLF.
        escaped(text.utf8.contains(0x0D) ? text.replacing("\r\n", with: "\n") : text) { scalar in
            switch scalar.value {
            case 0x09, 0x0A: false
            case ..<0x20, 0x7F...0x9F, 0x061C, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069: true
            default: false
            }
        }
    }

    /// Does the same for bytes on their way to a screen. If the bytes end within a character, as chunks of a stream
    /// may, only ASCII control characters are escaped.
    package static func readable(_ bytes: [UInt8]) -> [UInt8] {
        if bytes.allSatisfy({ (0x20..<0x7F).contains($0) || $0 == 0x0A || $0 == 0x09 }) { return bytes }
        if let text = String(validating: bytes, as: UTF8.self) { return Array(readable(text).utf8) }
        return bytes.flatMap { byte in
            byte >= 0x20 && byte != 0x7F || byte == 0x0A || byte == 0x09
                ? [byte] : Array("\\u{\(String(byte, radix: 16))}".utf8)
        }
    }

    private static func escaped(_ text: String, where isEscaped: (Unicode.Scalar) -> Bool) -> String {
        if text.utf8.allSatisfy({ (0x20..<0x7F).contains($0) }) { return text }
        guard text.unicodeScalars.contains(where: isEscaped) else { return text }
        var shown = ""
        for scalar in text.unicodeScalars {
            if isEscaped(scalar) {
                shown += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                shown.unicodeScalars.append(scalar)
            }
        }
        return shown
    }
}
