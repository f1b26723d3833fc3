/// What an answer that flows has to say when it has come to its end.
package struct AnswerEnd: Sendable, Hashable {
    /// Lines for the reader.
    package var notes: [String] = []
    /// What was reported on the way and did not end it; the notes have lines for people of those that the head didn't tell.
    package var errors: [ReportedError] = []
    /// The exit status of the command that was run, where one was.
    package var exitStatus: Int32?

    /// Nothing to say.
    package init() {}

    /// Lines for the reader alone.
    package init(notes: [String]) { self.notes = notes }
}
