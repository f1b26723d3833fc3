public import MMCore
import MMGuard

/// A person who can be asked while an operation waits: at a terminal, or behind a client that passes questions on.
///
/// Where nobody can be asked there is no such value, and what needs a person is refused with the way to ask one.
public protocol ConfirmingPerson: Sendable {
    /// Whether a question would still reach them: the answer to a call that was let go can't put any.
    var canBeAsked: Bool { get }

    /// Whether they sit at a terminal of their own, where what is typed can be hidden.
    var isAtTerminal: Bool { get }

    /// Shows a sign-in that waits for the person. The operation goes on by itself once it is approved.
    func showSignIn(_ details: JSONObject) async

    /// Asks whether exactly this may be done.
    /// - Returns: whether the person said yes.
    /// - Throws: `MMError` when the question could not be put.
    func confirm(_ question: ConfirmationQuestion) async throws(MMError) -> Bool

    /// Asks for a line of text that only the person knows. It never confirms anything.
    /// - Returns: the line without blanks at its ends, empty where Enter alone was pressed; `nil` for a person who can only
    ///   be asked for a yes or no.
    /// - Throws: `MMError` when the question could not be put, or was left without an answer.
    func answer(to question: String) async throws(MMError) -> String?

    /// Asks as `confirm`, where a yes may hold for more of the same kind.
    /// - Returns: what the person said.
    /// - Throws: `MMError` when the question could not be put.
    func decide(_ question: ConfirmationQuestion) async throws(MMError) -> ConfirmationAnswer
}

extension ConfirmingPerson {
    /// Who is there can be asked.
    public var canBeAsked: Bool { true }
    /// A form shows what is typed.
    public var isAtTerminal: Bool { false }
    /// A form with a yes and a no takes no text.
    public func answer(to question: String) async throws(MMError) -> String? { nil }
    /// Who can only say yes or no says it for this one.
    public func decide(_ question: ConfirmationQuestion) async throws(MMError) -> ConfirmationAnswer {
        try await confirm(question) ? .yes : .no
    }
}

/// What a person is asked to confirm.
public struct ConfirmationQuestion: Sendable {
    /// One line: what kind of thing, where.
    public let title: String
    /// What will be sent or run, in pages: the risky parts first.
    public let pages: [String]
    /// The same line by line, for those who lay it out to their own width; empty where only the pages are there.
    package let lines: [String]
    /// Why the guard asks; empty where the pages say it already.
    public let reason: String
    /// What the person has to show besides saying yes.
    package let check: PersonCheck
    /// The digest of exactly what would be sent or run, which a security key signs.
    public let digest: String
    /// How many more of the same kind a yes may hold for, where that is offered.
    public let moreOfKind: Int
    /// Whether work that has begun stands still for the answer: who can only answer with another call can't be asked.
    public let isMidway: Bool

    /// A question.
    /// - Parameters:
    ///   - title: what kind of thing, where.
    ///   - pages: exactly what will be sent or run.
    ///   - lines: the same line by line, none of them broken.
    ///   - reason: why the guard asks.
    ///   - check: what the person has to show besides saying yes.
    ///   - digest: the digest of exactly what will be sent or run.
    ///   - moreOfKind: how many more of the same kind a yes may hold for.
    ///   - isMidway: whether work that has begun stands still for the answer.
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

    /// The question about what a presentation shows.
    init(
        _ presentation: Presentation, check: PersonCheck, digest: String, moreOfKind: Int = 0, isMidway: Bool = false
    ) {
        self.init(
            title: presentation.title, pages: presentation.pages, lines: presentation.lines,
            reason: presentation.furtherReason, check: check, digest: digest, moreOfKind: moreOfKind, isMidway: isMidway
        )
    }
}

/// What a person said to a question.
public enum ConfirmationAnswer: String, Sendable {
    /// Not this.
    case no
    /// Exactly this.
    case yes
    /// This, and as many more of its kind as the question offered.
    case yesToAlike
}
