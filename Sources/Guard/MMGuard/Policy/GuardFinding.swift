/// One thing that the guard found in a script or request.
public struct GuardFinding: Sendable, Hashable {
    /// Why a finding matters beyond its class.
    public enum Kind: Sendable, Hashable {
        /// Only its class matters.
        case classified
        /// The text doesn't show what will run: the decision is at least `ask`.
        case dynamic
        /// A name or path that no table contains: the decision is at least `ask`.
        case unknown
        /// Always denied: the blocked list, or something that no policy may permit.
        case blocked
        /// On the blocked list of the earlier servers only: always denied to callers of their tools. For all other
        /// callers its class decides, so that an action has the same verdict on every other way in.
        case earlierBlocked
        /// On the warned list: a person is asked, unless the caller's protocol only gives a warning.
        case warned
        /// Sends a message: previewed and confirmed, unless the connection or the server has switched that off.
        case sendGuard
        /// A name that doesn't exist, with a hint at what to use: denied, because it could only fail.
        case missing
        /// A text that can't run at all: an error for its author, not a question for a person.
        case broken
    }

    /// The rule that produced it, as `mm guard rules` lists it.
    public var rule: String
    /// The classes.
    public var classes: GuardClassSet
    /// Why it matters beyond its class.
    public var kind: Kind
    /// The reason in words, for people and models.
    public var reason: String
    /// What to do instead.
    public var instead: String?
    /// Its position in the script.
    public var place: SourcePlace?
    /// What was found: a cmdlet name or a request line.
    public var subject: String?
    /// The weakest decision that a user's own rule permits.
    public var minimumDecision: GuardDecision?

    public init(
        rule: String, classes: GuardClassSet, kind: Kind = .classified, reason: String, instead: String? = nil,
        place: SourcePlace? = nil, subject: String? = nil, minimumDecision: GuardDecision? = nil
    ) {
        self.rule = rule
        self.classes = classes
        self.kind = kind
        self.reason = reason
        self.instead = instead
        self.place = place
        self.subject = subject
        self.minimumDecision = minimumDecision
    }
}

extension GuardFinding {
    /// Returns the finding for a change to many objects.
    /// - Parameter name: the name of the command or block that would change them.
    static func bulk(_ name: String, instead: String) -> GuardFinding {
        GuardFinding(
            rule: "bulk", classes: .write, reason: "\(name) would change many objects at once.", instead: instead,
            subject: name, minimumDecision: .ask)
    }
}

/// A position in a script, which is shown to a person as an underlined line.
public struct SourcePlace: Sendable, Hashable {
    /// The line, from 1.
    public var line: Int
    /// The column in the line, from 1, counted in UTF-16 code units as PowerShell counts.
    public var column: Int
    /// The offset from the start of the script in UTF-16 code units.
    package var offset: Int
    /// The length in UTF-16 code units.
    public var length: Int
    /// The text there, at most 200 characters.
    public var text: String
    /// The whole line in which it starts, at most 400 characters.
    package var lineText: String

    public init(line: Int, column: Int, offset: Int, length: Int, text: String, lineText: String) {
        self.line = line
        self.column = column
        self.offset = offset
        self.length = length
        self.text = text
        self.lineText = lineText
    }
}
