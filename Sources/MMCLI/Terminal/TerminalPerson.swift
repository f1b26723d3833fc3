package import MMCore
package import MMOperations
import MMSystem

/// The person at this terminal: sees sign-ins, answers questions.
///
/// Questions are read from the controlling terminal, never from standard input, so that a pipe can't answer them.
package struct TerminalPerson: PersonAtHand {
    private let terminal: CommandStreams

    /// The person at a terminal.
    package init(terminal: CommandStreams) {
        self.terminal = terminal
    }

    /// Shows code, address and account of a sign-in that waits.
    package func showSignIn(_ details: JSONObject) async {
        terminal.progress(nil)
        terminal.note(SignInText.waiting(details, emphasised: { terminal.styled($0, .emphasis) }))
    }

    /// Shows exactly what would be done and takes `yes` from the controlling terminal.
    package func confirms(_ question: ConfirmationQuestion) async throws(MMError) -> Bool {
        terminal.progress(nil)
        terminal.note("")
        terminal.note(terminal.styled(question.title, .emphasis))
        terminal.note(question.request)
        terminal.note(terminal.styled(question.reason, .warning))
        return try await Terminal.controlling.ask("Type yes to go on: ") == "yes"
    }
}
