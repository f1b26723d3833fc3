import MMGuard

/// Text wrapped for a screen by the same rule as the text of confirmations.
package enum FittedText {
    /// Returns a text with its long lines wrapped.
    /// - Parameters:
    ///   - text: the text.
    ///   - columns: the cells in a line of the screen.
    ///   - keepsWords: whether a word longer than a line stays whole.
    ///   - margin: returns the prefix for the continuation of a line, or `nil` to leave the line whole.
    package static func broken(
        _ text: String, columns: Int, keepsWords: Bool = false, behind margin: ((Substring) -> String?)? = nil
    ) -> String {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        return BrokenLines.rows(
            of: lines, columns: columns, width: TableText.width, keepsWords: keepsWords,
            behind: margin ?? BrokenLines.margin
        ).joined(separator: "\n")
    }

    /// Returns the prefix for the continuation of a confirmation's line: the bar of a quoted text, or blanks.
    package static func margin(of line: Substring) -> String { BrokenLines.margin(line) }
}

extension ConfirmationQuestion {
    /// Returns the pages for a screen.
    /// - Parameter columns: the cells in a line of the screen.
    package func pages(columns: Int) -> [String] {
        lines.isEmpty
            ? pages.map { FittedText.broken($0, columns: columns) }
            : Presentation.pages(of: lines, columns: columns, width: TableText.width)
    }
}
