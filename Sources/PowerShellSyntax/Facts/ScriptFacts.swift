/// Everything in a script that can run, change or hide something, in source order.
///
/// Facts stand in order of their start; an outer one stands before the ones inside it.
public struct ScriptFacts: Sendable {
    /// The faults of the text; with any, there are no items.
    public let errors: [ParseError]
    /// An interactive reader would wait for more text.
    public let isIncomplete: Bool
    /// What `#requires` lines ask for; nil without any.
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
