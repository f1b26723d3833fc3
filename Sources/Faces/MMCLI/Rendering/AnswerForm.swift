/// How an answer is written.
package struct AnswerForm: Sendable {
    /// The format; `nil` for the one that suits the answer.
    package var format: GlobalOptions.Format?
    /// The columns or members that somebody asked for; empty: those that suit the answer.
    package var columns: [String]
    /// The column by which rows are sorted.
    package var order: RowOrder?
    /// The cells in a line of the screen; `nil` where the answer goes to a file or a program.
    package var width: Int?

    /// A form.
    /// - Parameters:
    ///   - format: the format; `nil` for the one that suits the answer.
    ///   - columns: the columns that somebody asked for.
    ///   - order: the column by which rows are sorted.
    ///   - width: the cells in a line of the screen.
    package init(
        format: GlobalOptions.Format?, columns: [String] = [], order: RowOrder? = nil, width: Int? = nil
    ) {
        self.format = format
        self.columns = columns
        self.order = order
        self.width = width
    }
}
