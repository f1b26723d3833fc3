/// The width of text in terminal cells, as PowerShell counts them.
enum DisplayCells {
    /// Returns the width of a text: two cells for each wide East Asian unit, one for any other.
    static func count(_ text: String) -> Int {
        text.utf16.reduce(0) { $0 + (isWide($1) ? 2 : 1) }
    }

    /// The beginning of a text, or its end, that takes so many cells at most.
    static func cut(_ text: String, to cells: Int, fromEnd: Bool) -> String {
        var kept: [Character] = []
        var used = 0
        for character in fromEnd ? Array(text.reversed()) : Array(text) {
            used += count(String(character))
            if used > cells { break }
            kept.append(character)
        }
        return String(fromEnd ? kept.reversed() : kept)
    }

    /// Whether a text stays on one line: it contains no line breaks and no escape sequences.
    static func isOneLine(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 != 0x0A && $0 != 0x0D && $0 != 0x1B }
    }

    /// Whether each character is one unit and one cell wide, so that the text can be cut anywhere.
    static func isSimple(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy {
            ($0.value >= 0x20 && $0.value < 0x7F) || (0xA1...0x17F).contains($0.value) && $0.value != 0xAD
        }
    }

    /// Returns the lines of a text; `nil` where it contains escape sequences.
    static func lines(_ text: String) -> [String]? {
        guard !text.utf8.contains(0x1B) else { return nil }
        let units = text.utf8.filter { $0 != 0x0D }
        let lines = units.split(separator: 0x0A, omittingEmptySubsequences: false)
        return lines.map { String(decoding: $0, as: UTF8.self) }
    }

    private static func isWide(_ unit: UInt16) -> Bool {
        guard unit >= 0x1100 else { return false }
        switch unit {
        case ...0x115F, 0x2329, 0x232A, 0x2E80...0x303E, 0x3040...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF,
            0xFE10...0xFE19, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6:
            return true
        default: return false
        }
    }
}
