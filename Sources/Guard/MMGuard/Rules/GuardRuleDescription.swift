/// A rule as `mm guard rules` lists and explains it.
package struct GuardRuleDescription: Sendable, Hashable {
    /// The name that verdicts give.
    package var id: String
    /// `construct`, `request`, `cmdlet`, `list` or `user`.
    package var kind: String
    /// The class it gives; `nil` where it depends on the command.
    package var guardClass: String?
    /// Why it is there, in words.
    package var explanation: String
    /// What to do instead.
    package var instead: String?
    /// What it looks at: methods and paths, names.
    package var patterns: [String]
}
