/// Everything in a script that can run, change or hide something, in source order.
///
/// Facts are ordered by their start; an outer one precedes those inside it.
public struct ScriptFacts: Sendable {
    /// The errors in the text; if there are any, there are no facts.
    public let errors: [ParseError]
    /// Whether an interactive shell would wait for more text.
    public let isIncomplete: Bool
    /// The requirements of `#requires` lines; `nil` without any.
    public let requirements: ScriptRequirements?
    /// The facts.
    public let items: [ScriptFact]

    /// Collects the facts of a parsed text.
    public init(of script: ParsedScript) {
        errors = script.errors
        isIncomplete = script.isIncomplete
        requirements = script.requirements
        items = script.root.map { FactCollector.collect($0, nodes: script.nodeCount) } ?? []
    }
}
