package import MMCore
import MMOperations

/// The order of rows by one of their columns.
package struct RowOrder: Sendable {
    /// The column.
    package let column: String
    /// Whether the largest comes first.
    package let isDescending: Bool

    /// An order by a column.
    init(column: String, isDescending: Bool) {
        self.column = column
        self.isDescending = isDescending
    }

    /// Reads the value of `--sort`: a column, with a minus in front for the largest first.
    /// - Throws: `MMError.invalidInput` when no column is named.
    package init(_ text: String) throws(MMError) {
        isDescending = text.hasPrefix("-")
        column = isDescending ? String(text.dropFirst()) : text
        guard !column.isEmpty else {
            throw MMError(
                .invalidInput, "--sort names no column.",
                hint: "For example `--sort displayName`, or `--sort -size` for the largest first.")
        }
    }

    /// The rows in this order; those without a value come last, those with equal values stay in their order.
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

    /// A value to compare: numbers by size, before texts without regard to case.
    private struct Key {
        let number: Double?
        let text: String
        let isMissing: Bool

        init(_ value: JSONValue?) {
            number = value?.double
            text = number == nil ? (value?.cellText ?? "").lowercased() : ""
            isMissing = value?.isNull ?? true
        }

        func compared(to other: Key) -> Int {
            switch (number, other.number) {
            case (let left?, let right?): left < right ? -1 : left > right ? 1 : 0
            case (_?, nil): -1
            case (nil, _?): 1
            case (nil, nil): text < other.text ? -1 : text > other.text ? 1 : 0
            }
        }
    }
}
