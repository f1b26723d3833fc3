package import MMSystem

extension GlobalOptions {
    /// How these options want answers to be written.
    /// - Parameter screen: the screen that they are written to; `nil` for a file or a program.
    package func form(on screen: Terminal.Size?) -> AnswerForm {
        AnswerForm(format: format, columns: columns, order: order, width: screen?.columns)
    }
}
