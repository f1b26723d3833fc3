internal import PowerShellSyntax

/// A parameter or positional argument of a command, with the parameters that it may mean.
struct BoundArgument {
    /// The name as written; nil for a positional argument.
    let written: String?
    /// The parameters that it may mean: one when it is clear, several when an abbreviation or a place is ambiguous, none
    /// when no table has it.
    var candidates: [CmdletParameter]
    /// The value; nil for a switch, or when none follows.
    let value: ExpressionSyntax?
    /// Whether the command has parameters that no table lists, so that an abbreviation may mean one of those.
    var isOpen = false
    /// What a splatted value may be, which was found where its table stands.
    var facts: ValueFacts?
    /// The place of parameter and value.
    let extent: SourceExtent

    /// The documented name, in lower case, of the only parameter it can mean; the binder finds it last.
    var name: String?

    /// The name to judge by: the documented one, else the written one.
    var likelyName: String? { name ?? written?.asciiLowercased }

    /// Whether it may be the parameter of this name (in lower case): resolved, or an abbreviation of it.
    func mayBe(_ name: String) -> Bool {
        if let own = self.name, own == name || !isOpen { return own == name }
        if candidates.contains(where: { $0.isNamed(name) }) { return true }
        guard candidates.isEmpty || isOpen, let short = written?.asciiLowercased else { return false }
        return !short.isEmpty && name.hasPrefix(short)
    }

    /// Whether it may be one of these parameters.
    func mayBe(oneOf names: [String]) -> Bool { names.contains(where: mayBe) }
}
