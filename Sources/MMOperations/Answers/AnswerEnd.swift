/// What an answer that flows has to say when it has come to its end.
package struct AnswerEnd: Sendable, Hashable {
    /// Lines for the reader.
    package var notes: [String] = []
    /// The exit status of the command that was run, where one was.
    package var exitStatus: Int32?

    /// Nothing to say.
    package init() {}

    /// Lines for the reader alone.
    package init(notes: [String]) { self.notes = notes }
}
