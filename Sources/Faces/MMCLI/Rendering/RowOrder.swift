package import MMCore
import MMOperations

/// The order of rows by one of their columns.
package struct RowOrder: Sendable {
    /// The column.
    package let column: String
    /// Whether the largest comes first.
    package let isDescending: Bool

    /// Creates an order by a column.
    init(column: String, isDescending: Bool) {
        self.column = column
        self.isDescending = isDescending
    }

    /// Reads the value of `--sort`: a column, preceded by a minus for descending order.
    /// - Throws: `MMError.invalidInput` when no column is named.
    package init(_ text: String) throws(MMError) {
        isDescending = text.hasPrefix("-")
        column = isDescending ? String(text.dropFirst()) : text
        guard !column.isEmpty else {
            throw MMError(
                .invalidInput, "--sort is empty.",
                hint: "For example `--sort displayName`, or `--sort -size` for the largest first.")
        }
    }

    /// Returns the rows in this order. Those without a value come last; those with equal values keep their order.
    package func sorted(_ rows: [JSONValue]) -> [JSONValue] {
        let keyed = rows.enumerated().map { index, row in
            (index: index, row: row, key: Key(row.object?.value(of: column)))
        }
        return keyed.sorted { left, right in
            if left.key.isMissing || right.key.isMissing {
                return left.key.isMissing == right.key.isMissing ? left.index < right.index : right.key.isMissing
            }
            let comparison = left.key.compared(to: right.key)
            if comparison == 0 { return left.index < right.index }
            return isDescending ? comparison > 0 : comparison < 0
        }.map(\.row)
    }

    /// A value in a form to compare: numbers by size, then texts by their letters without accents and case, then as
    /// they are.
    private struct Key {
        let number: Double?
        let letters: String
        let text: String
        let isMissing: Bool

        init(_ value: JSONValue?) {
            let shown = value?.cellText ?? ""
            number = value?.double ?? Self.bytes(in: shown)
            text = number == nil ? shown.lowercased() : ""
            letters = BaseLetters.of(text)
            isMissing = value?.isNull ?? true
        }

        /// Reads a size as Exchange writes it, such as `2.91 GB (3,124,567,890 bytes)`.
        private static func bytes(in text: String) -> Double? {
            guard text.hasSuffix(" bytes)"), let open = text.lastIndex(of: "(") else { return nil }
            return Double(text[text.index(after: open)...].dropLast(" bytes)".count).filter { $0 != "," })
        }

        func compared(to other: Key) -> Int {
            switch (number, other.number) {
            case (let left?, let right?): left < right ? -1 : left > right ? 1 : 0
            case (_?, nil): -1
            case (nil, _?): 1
            case (nil, nil):
                (letters, text) < (other.letters, other.text)
                    ? -1 : (letters, text) > (other.letters, other.text) ? 1 : 0
            }
        }
    }
}

/// The letters of texts without their accents, by which people look names up.
enum BaseLetters {
    /// The letters from U+00C0 to U+017F.
    private static let letters = Array(
        ("aaaaaaaceeeeiiiidnooooo×ouuuuytsaaaaaaaceeeeiiiidnooooo÷ouuuuyty"
            + "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkkllllllllll"
            + "nnnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs").unicodeScalars)
    /// The accents that follow their letters.
    private static let accents: ClosedRange<UInt32> = 0x300...0x36F

    /// Returns a text with the letters that its accented Latin letters are sorted with.
    static func of(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 >= 0x80 }) else { return text }
        var base = ""
        for scalar in text.unicodeScalars where !accents.contains(scalar.value) {
            let place = Int(scalar.value) - 0xC0
            base.unicodeScalars.append(letters.indices.contains(place) ? letters[place] : scalar)
        }
        return base
    }
}
