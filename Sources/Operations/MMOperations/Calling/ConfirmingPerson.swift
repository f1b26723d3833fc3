public import MMCore
import MMGuard

/// A person who can be asked while an operation waits: at a terminal, or behind a client that shows questions.
///
/// If no person can be asked, a call has no such value, and an operation that needs one is refused with a hint how to
/// ask.
public protocol ConfirmingPerson: Sendable {
    /// Whether a question would still reach the person. It doesn't once the call runs in the background.
    var canBeAsked: Bool { get }

    /// Whether the person is at a terminal, where typed text can be hidden.
    var isAtTerminal: Bool { get }

    /// Shows a sign-in that waits for the person. The operation goes on by itself once the sign-in is approved. Called
    /// again for the same code if the sign-in service can't be asked about it (`trouble`), and once it can.
    func showSignIn(_ details: JSONObject) async

    /// Asks whether the action shown in the question may be carried out.
    /// - Returns: whether the person said yes.
    /// - Throws: `MMError` if the question could not be asked or was not answered.
    func confirm(_ question: ConfirmationQuestion) async throws(MMError) -> Bool

    /// Asks for a line of text that only the person knows. The answer never counts as a confirmation.
    /// - Returns: the line without blanks at its ends, empty if only Enter was pressed; `nil` if the person can only be
    ///   asked for a yes or no.
    /// - Throws: `MMError` if the question could not be asked or was not answered.
    func answer(to question: String) async throws(MMError) -> String?

    /// Asks as `confirm` does; the person may also say yes to more actions of the same kind.
    /// - Returns: what the person said.
    /// - Throws: `MMError` if the question could not be asked.
    func decide(_ question: ConfirmationQuestion) async throws(MMError) -> ConfirmationAnswer
}

extension ConfirmingPerson {
    /// `true`: a person who exists can be asked.
    public var canBeAsked: Bool { true }
    /// `false`: a form shows what is typed.
    public var isAtTerminal: Bool { false }
    /// Returns `nil`: a form with a yes and a no takes no text.
    public func answer(to question: String) async throws(MMError) -> String? { nil }
    /// Asks with `confirm`, so that the answer is for this action only.
    public func decide(_ question: ConfirmationQuestion) async throws(MMError) -> ConfirmationAnswer {
        try await confirm(question) ? .yes : .no
    }
}

extension MMError {
    /// Returns the error of a question that nobody answered: it was closed, could not be shown, or its answer was
    /// unusable. That is neither a yes nor a no, so the request waits as it does where no person can be asked.
    package static func unanswered(_ message: String) -> MMError {
        MMError(.confirmationNeeded, message, details: ["reason": "unanswered"])
    }

    /// Whether a question had neither a yes nor a no for its answer.
    package var isUnanswered: Bool { code == .confirmationNeeded && details["reason"] == "unanswered" }
}

/// What a person is asked to confirm.
public struct ConfirmationQuestion: Sendable {
    /// One line that says what kind of action it is, and where.
    public let title: String
    /// The text of the request or script that will be sent or run, in pages, the risky parts first.
    public let pages: [String]
    /// The text of `pages` as unbroken lines, for front-ends that wrap it to their own width; empty if there are only
    /// pages.
    package let lines: [String]
    /// Why the guard asks; empty if the pages say it already.
    public let reason: String
    /// The proof that is required besides the yes.
    package let check: PersonCheck
    /// The digest of exactly what would be sent or run, which a security key signs.
    public let digest: String
    /// How many more actions of the same kind the person may say yes to; zero if that isn't offered.
    public let moreOfKind: Int
    /// Whether work has begun and waits for the answer. A person who can only answer with another call can't be asked
    /// then.
    package let isMidway: Bool

    /// Creates a question.
    /// - Parameters:
    ///   - title: what kind of action it is, and where.
    ///   - pages: exactly what will be sent or run.
    ///   - lines: the same text as unbroken lines.
    ///   - reason: why the guard asks.
    ///   - check: the proof that is required besides the yes.
    ///   - digest: the digest of exactly what will be sent or run.
    ///   - moreOfKind: how many more actions of the same kind the person may say yes to.
    ///   - isMidway: whether work has begun and waits for the answer.
    package init(
        title: String, pages: [String], lines: [String] = [], reason: String, check: PersonCheck = .form,
        digest: String = "", moreOfKind: Int = 0, isMidway: Bool = false
    ) {
        self.moreOfKind = moreOfKind
        self.isMidway = isMidway
        self.check = check
        self.digest = digest
        self.title = title
        self.pages = pages
        self.lines = lines
        self.reason = reason
    }

    /// Creates the question about the action that a presentation shows.
    init(
        _ presentation: Presentation, check: PersonCheck, digest: String, moreOfKind: Int = 0, isMidway: Bool = false
    ) {
        self.init(
            title: presentation.title, pages: presentation.pages, lines: presentation.lines,
            reason: presentation.furtherReason, check: check, digest: digest, moreOfKind: moreOfKind, isMidway: isMidway
        )
    }
}

/// A person's answer to a question.
public enum ConfirmationAnswer: String, Sendable {
    /// No.
    case no
    /// Yes, for exactly this action.
    case yes
    /// Yes, for this action and as many more of its kind as the question offered.
    case yesToAlike
}

extension OperationContext {
    /// Returns the person who decides about other calls, which only a person at a terminal can do.
    /// - Parameters:
    ///   - deed: what the person does, such as "approve a plan".
    ///   - environment: the environment of this process.
    ///   - hint: where the person can do it.
    /// - Throws: `forbidden` in a process that a session started, and without a terminal.
    func personAtTerminal(
        to deed: String, in environment: [String: String], hint: String
    ) throws(MMError) -> any ConfirmingPerson {
        try PersonProof.require(environment)
        guard call.caller.surface == .terminal, let person = call.person else {
            throw MMError(
                .forbidden, "Only a person at a terminal can \(deed), and this program has no terminal.", hint: hint)
        }
        return person
    }
}
