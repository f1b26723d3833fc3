import CQRCode
import Glibc
package import MMCore
package import MMOperations
import MMSystem

/// The person at this terminal, who sees sign-ins and answers questions.
///
/// Answers are read from the controlling terminal, never from standard input, so that a pipe can't give them.
package final class TerminalPerson: ConfirmingPerson {
    private let terminal: CommandStreams
    private let proof: OwnerProof
    private let signIn = Mutex(ShownSignIn())

    /// Creates the person at a terminal.
    /// - Parameters:
    ///   - terminal: the terminal's streams.
    ///   - proof: checks what the person has to present besides a `yes`.
    package init(terminal: CommandStreams, proof: OwnerProof) {
        self.terminal = terminal
        self.proof = proof
    }

    /// Always true: input typed here can be hidden.
    package var isAtTerminal: Bool { true }

    /// Shows a pending sign-in, or what is new about the one that is shown, and counts down the remaining time.
    package func showSignIn(_ details: JSONObject) async {
        let news = signIn.withLock { $0.news(of: details) }
        if news != .nothing { terminal.progress(nil) }
        switch news {
        case .nothing: return
        case .signIn: await showNew(details)
        case .trouble(let trouble): terminal.note(trouble, .warning)
        case .troubleIsOver: terminal.note("The sign-in service answers again.")
        }
        if let expiry = details["expiresAt"]?.string.flatMap({ Timestamp(iso8601: $0) }) {
            terminal.countDown(to: expiry, "Waiting for the sign-in")
        }
    }

    /// Shows the code, address and account. The code is copied to the clipboard, and the page is opened if there is a
    /// desktop.
    private func showNew(_ details: JSONObject) async {
        terminal.note(SignInText.waiting(details, emphasised: { terminal.styled($0, .emphasis) }))
        if let code = details["userCode"]?.string, let address = details["verificationUri"]?.string {
            showQRCode(details["verificationUriComplete"]?.string ?? address)
            var done: [String] = []
            if terminal.copy(code) { done.append("The code was copied to the clipboard, if your terminal allows it.") }
            if await SignInPage.open(address, environment: ProcessEnvironment.read()) {
                done.append("The page opens in your browser.")
            }
            if !done.isEmpty { terminal.note(done.joined(separator: " "), .quiet) }
        }
    }

    /// Shows an address as a QR code for the camera of a phone.
    private func showQRCode(_ address: String) {
        guard let code = QRCode(address),
            code.isWanted(on: terminal.screen, environment: ProcessEnvironment.read())
        else { return }
        for line in code.lines { terminal.note(line) }
    }

    /// Shows what would be done, page by page as far as the person wants to see it, and reads `yes` or `no` from the
    /// controlling terminal. Any other input is asked about again: it neither confirms nor refuses. The end of input is
    /// not an answer.
    package func confirm(_ question: ConfirmationQuestion) async throws(MMError) -> Bool {
        try await decide(question) != .no
    }

    /// Confirms like `confirm`, and also accepts `all`, for this and further questions of its kind, if the question
    /// offers that.
    package func decide(_ question: ConfirmationQuestion) async throws(MMError) -> ConfirmationAnswer {
        terminal.progress(nil)
        terminal.note("")
        let columns = Terminal.size(of: STDERR_FILENO)?.columns
        terminal.note(question.title, .emphasis)
        var rest = FittedLines.pages(of: question, to: columns)[...]
        if let first = rest.popFirst() { terminal.note(first) }
        if !question.reason.isEmpty { terminal.note(question.reason, .warning) }
        let all =
            question.moreOfKind > 0
            ? ", all to continue with this and up to \(question.moreOfKind) more of the same kind" : ""
        while let line = try await Terminal.controlling.ask(
            "Type yes to continue\(all), no to refuse\(rest.isEmpty ? "" : ", more to see the rest"): ")
        {
            switch Reply(line) {
            case .yes:
                try await prove(question)
                return .yes
            case .all where question.moreOfKind > 0:
                try await prove(question)
                return .yesToAlike
            case .no: return .no
            case .more: if let page = rest.popFirst() { terminal.note(page) }
            case .all, nil: terminal.note("Please type the full word: yes or no.")
            }
        }
        throw MMError(
            .confirmationNeeded, "The question was not answered: nothing was sent or run.",
            hint: "Repeat the call to be asked again.")
    }

    /// Asks in the controlling terminal. All lines of the question but the last are shown above the prompt.
    package func answer(to question: String) async throws(MMError) -> String? {
        terminal.progress(nil)
        var lines = question.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let prompt = lines.popLast() ?? ""
        for line in lines { terminal.note(line) }
        guard let typed = try await Terminal.controlling.ask(prompt) else {
            throw MMError(
                .cancelled, "The question was closed without an answer.", hint: "Repeat the command to be asked again.")
        }
        var answer = typed.drop(while: \.isWhitespace)
        while answer.last?.isWhitespace == true { answer.removeLast() }
        return String(answer)
    }

    /// The meaning of a typed line.
    enum Reply {
        case yes, all, no, more

        init?(_ line: String) {
            switch line.filter({ !$0.isWhitespace }).lowercased() {
            case "yes": self = .yes
            case "all": self = .all
            case "no", "n": self = .no
            case "more", "m": self = .more
            default: return nil
            }
        }
    }

    /// Asks for the proof that only the owner can give, such as a PIN.
    /// - Throws: `forbidden` when it is wrong or can't be checked.
    private func prove(_ question: ConfirmationQuestion) async throws(MMError) {
        switch question.check {
        case .form, .terminal: return
        case .pin, .login:
            let prompt = question.check == .pin ? "PIN: " : "Your login password: "
            let typed = try await Terminal.controlling.ask(prompt, hidden: true)
            terminal.note("")
            try await proof.check(question.check, Secret(typed ?? ""))
        case .key:
            terminal.note("Touch your security key within 30 seconds.")
            try await proof.keys.prove(question.digest)
        }
    }
}

/// A text as a QR code in the terminal, for the camera of a phone.
struct QRCode: Sendable {
    /// The lines of the code, each with two rows of modules, including the quiet zone.
    let lines: [String]

    private static let margin = 2

    /// Creates the code of a text.
    /// - Returns: `nil` without libqrencode, or for a text that is too long.
    init?(_ text: String) {
        var modules = [UInt8](repeating: 0, count: 177 * 177)
        let width = Int(mm_qr_encode(text, &modules, modules.count))
        guard width > 0 else { return nil }
        let side = width + 2 * Self.margin
        func isDark(_ row: Int, _ column: Int) -> Bool {
            let (row, column) = (row - Self.margin, column - Self.margin)
            guard (0..<width).contains(row), (0..<width).contains(column) else { return false }
            return modules[row * width + column] == 1
        }
        // Light modules are drawn, since most terminals are dark; the margin is light, so that it works on both.
        lines = stride(from: 0, to: side, by: 2).map { row in
            String(
                (0..<side).map { column -> Character in
                    switch (isDark(row, column), row + 1 < side && isDark(row + 1, column)) {
                    case (false, false): "█"
                    case (false, true): "▀"
                    case (true, false): "▄"
                    case (true, true): " "
                    }
                })
        }
    }

    /// Returns whether to show the code: `MM_QR` is `always` or `never`; by default it is shown on a UTF-8 terminal
    /// with enough room.
    func isWanted(on screen: Terminal.Size?, environment: [String: String]) -> Bool {
        switch environment["MM_QR"] {
        case "always": return true
        case "never": return false
        default: break
        }
        let language = environment["LC_ALL"] ?? environment["LC_CTYPE"] ?? environment["LANG"] ?? ""
        guard let screen, language.lowercased().contains("utf") else { return false }
        return screen.rows >= lines.count + 12 && screen.columns >= (lines.first?.count ?? 0) + 2
    }
}

/// The sign-in that a person was shown last, so that the same code isn't shown anew each time something is said about
/// it.
struct ShownSignIn: Sendable {
    /// What a person hasn't seen yet.
    enum News: Sendable, Hashable {
        case nothing
        /// Another sign-in.
        case signIn
        /// The service can't be asked about the code, with the sentence that says so.
        case trouble(String)
        /// The service can be asked again.
        case troubleIsOver
    }

    private var code: String?
    private var trouble: String?

    /// Returns what is new in the details of a sign-in.
    mutating func news(of details: JSONObject) -> News {
        let (before, last) = (code, trouble)
        (code, trouble) = (details["userCode"]?.string, details["trouble"]?.string)
        guard let code, code == before else { return .signIn }
        guard trouble != last else { return .nothing }
        return trouble.map { .trouble($0) } ?? .troubleIsOver
    }
}
