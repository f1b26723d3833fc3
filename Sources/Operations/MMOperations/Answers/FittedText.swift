import MMGuard

/// Text for a screen, with its long lines broken by the one rule that confirmations are broken by.
package enum FittedText {
    /// A text with its long lines broken.
    /// - Parameters:
    ///   - text: the text.
    ///   - columns: the cells in a line of the screen.
    ///   - keepsWords: whether a word longer than a line stays whole.
    ///   - margin: what stands in front of the rest of a line; `nil` leaves the line whole.
    package static func broken(
        _ text: String, columns: Int, keepsWords: Bool = false, behind margin: ((Substring) -> String?)? = nil
    ) -> String {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        return BrokenLines.rows(
            of: lines, columns: columns, width: TableText.width, keepsWords: keepsWords,
            behind: margin ?? BrokenLines.margin
        ).joined(separator: "\n")
    }

    /// What stands in front of the rest of a line of a confirmation: the bar of a quoted text again, or blanks.
    package static func margin(of line: Substring) -> String { BrokenLines.margin(line) }
}

extension ConfirmationQuestion {
    /// The pages for a screen.
    /// - Parameter columns: the cells in a line of it.
    package func pages(columns: Int) -> [String] {
        lines.isEmpty
            ? pages.map { FittedText.broken($0, columns: columns) }
            : Presentation.pages(of: lines, columns: columns, width: TableText.width)
    }
}
