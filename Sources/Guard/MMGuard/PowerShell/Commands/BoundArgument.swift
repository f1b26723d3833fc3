internal import PowerShellSyntax

/// A parameter or positional argument of a command, with the parameters that it may refer to.
final class BoundArgument: Sendable {
    /// The name as written; nil for a positional argument.
    let written: String?
    /// The name in lower case.
    let folded: String?
    /// The parameters that it may refer to: one if it is clear, several if an abbreviation or position is ambiguous,
    /// none if no table has it.
    let candidates: [CmdletParameter]
    /// The value; nil for a switch, or when none follows.
    let value: ExpressionSyntax?
    /// Whether the command has parameters that no table lists, so that an abbreviation may refer to one of those.
    let isOpen: Bool
    /// The facts about a splatted value, which was walked where its hashtable is written.
    let facts: ValueFacts?
    /// The position of parameter and value.
    let extent: SourceExtent
    /// The documented name, in lower case, of the only parameter that it can refer to.
    let name: String?

    init(
        written: String?, candidates: [CmdletParameter], value: ExpressionSyntax?, facts: ValueFacts?,
        extent: SourceExtent, hasTable: Bool
    ) {
        let folded = written?.asciiLowercased
        self.written = written
        self.folded = folded
        self.candidates = candidates
        self.value = value
        self.facts = facts
        self.extent = extent
        name = candidates.count == 1 ? candidates[0].name.asciiLowercased : nil
        isOpen = !hasTable && !candidates.contains { [.name, .alias].contains($0.fit(folded ?? "")) }
    }

    /// The name to judge by: the documented one, or else the written one.
    var likelyName: String? { name ?? folded }

    /// Returns whether it may be the parameter with this name (in lower case): resolved, or an abbreviation of it.
    func mayBe(_ name: String) -> Bool {
        if let own = self.name, own == name || !isOpen { return own == name }
        if candidates.contains(where: { $0.isNamed(name) }) { return true }
        guard candidates.isEmpty || isOpen, let short = folded else { return false }
        return !short.isEmpty && name.hasPrefix(short)
    }

    /// Returns whether it may be one of these parameters.
    func mayBe(oneOf names: [String]) -> Bool { names.contains(where: mayBe) }
}
