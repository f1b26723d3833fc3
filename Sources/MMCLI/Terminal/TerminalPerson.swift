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

    /// Shows what would be done, page by page as far as the person wants to see it, and takes `yes` from the controlling
    /// terminal. A slip of the finger is asked about again; it neither confirms nor refuses.
    package func confirms(_ question: ConfirmationQuestion) async throws(MMError) -> Bool {
        terminal.progress(nil)
        terminal.note("")
        terminal.note(terminal.styled(question.title, .emphasis))
        var rest = question.pages[...]
        if let first = rest.popFirst() { terminal.note(first) }
        terminal.note(terminal.styled(question.reason, .warning))
        for _ in 0..<(question.pages.count + 3) {
            let ways =
                rest.isEmpty
                ? "Type yes to go on, no to refuse: " : "Type yes to go on, no to refuse, more to see the rest: "
            switch try await Terminal.controlling.ask(ways)?.lowercased() {
            case "yes": return true
            case "more", "m":
                if let page = rest.popFirst() { terminal.note(page) }
            case "y": terminal.note("The whole word, please.")
            default: return false
            }
        }
        return false
    }
}
