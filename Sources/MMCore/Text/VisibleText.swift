/// Text from outside made safe to look at: what would move the cursor, repaint the screen, hide or reorder what a person
/// reads is written as an escape such as `\u{1b}`.
package enum VisibleText {
    /// A line in which every character that is not seen becomes an escape, line breaks too: for what a person confirms.
    package static func exact(_ line: String) -> String {
        escaped(line) { scalar in
            switch scalar.properties.generalCategory {
            case .control: scalar != "\t"
            case .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse: true
            default: false
            }
        }
    }

    /// Text for a screen: line breaks and tabs stay, and so do the joiners within words and emoji. Controls and the marks that
    /// turn the direction of writing (Unicode Standard Annex 9, section 2) become escapes.
    package static func readable(_ text: String) -> String {
        // A carriage return before a line's end is how some files end their lines.
        escaped(text.utf8.contains(0x0D) ? text.replacing("\r\n", with: "\n") : text) { scalar in
            switch scalar.value {
            case 0x09, 0x0A: false
            case ..<0x20, 0x7F...0x9F, 0x061C, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069: true
            default: false
            }
        }
    }

    /// The same for bytes on their way to a screen. Text that ends within a character, as pieces of a stream do, loses its
    /// ASCII controls alone.
    package static func readable(_ bytes: [UInt8]) -> [UInt8] {
        if bytes.allSatisfy({ (0x20..<0x7F).contains($0) || $0 == 0x0A || $0 == 0x09 }) { return bytes }
        if let text = String(validating: bytes, as: UTF8.self) { return Array(readable(text).utf8) }
        return bytes.flatMap { byte in
            byte >= 0x20 && byte != 0x7F || byte == 0x0A || byte == 0x09
                ? [byte] : Array("\\u{\(String(byte, radix: 16))}".utf8)
        }
    }

    private static func escaped(_ text: String, where isEscaped: (Unicode.Scalar) -> Bool) -> String {
        // Nearly all text is plain.
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
