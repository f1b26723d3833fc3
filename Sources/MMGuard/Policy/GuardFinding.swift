/// One thing that the guard found in a script or request.
public struct GuardFinding: Sendable, Hashable {
    /// Why a finding counts beyond its class.
    public enum Kind: Sendable, Hashable {
        /// Only its class counts.
        case classified
        /// What will run can't be told from the text: at least ask.
        case dynamic
        /// A name or path in no table: at least ask.
        case unknown
        /// Always denied: the blocked list, or something that no policy may let through.
        case blocked
        /// On the warned list: a person is asked, unless the caller's protocol only warns.
        case warned
        /// Sends a message: previewed and asked for, unless the connection or the server switched that off.
        case sendGuard
        /// Something that is not there, with a hint for what to use: denied, since it could only fail.
        case missing
        /// A text that can't run at all: an error for its author, nothing for a person to confirm.
        case broken
    }

    /// The rule that made it, as `mm guard rules` lists it.
    public var rule: String
    /// The classes.
    public var classes: GuardClassSet
    /// What it counts as.
    public var kind: Kind
    /// The reason in words for a person and for a model.
    public var reason: String
    /// What to do instead.
    public var instead: String?
    /// Where it stands in the script.
    public var place: SourcePlace?
    /// What was found: a cmdlet name, a request line.
    public var subject: String?
    /// The weakest decision that a user's own rule leaves.
    public var atLeast: GuardDecision?

    public init(
        rule: String, classes: GuardClassSet, kind: Kind = .classified, reason: String, instead: String? = nil,
        place: SourcePlace? = nil, subject: String? = nil, atLeast: GuardDecision? = nil
    ) {
        self.rule = rule
        self.classes = classes
        self.kind = kind
        self.reason = reason
        self.instead = instead
        self.place = place
        self.subject = subject
        self.atLeast = atLeast
    }
}
