/// A rule as `mm guard rules` lists and explains it.
public struct GuardRuleDescription: Sendable, Hashable {
    /// The name that verdicts give.
    public var id: String
    /// `construct`, `request`, `cmdlet`, `list` or `user`.
    public var kind: String
    /// The class it gives; `nil` where it depends on the command.
    public var guardClass: String?
    /// Why it is there, in words.
    public var explanation: String
    /// What to do instead.
    public var instead: String?
    /// What it looks at: methods and paths, names.
    public var patterns: [String]
}
