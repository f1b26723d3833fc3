/// What the scripts of a session left behind, as far as it matters for judging the next one: the names that they defined,
/// what their variables may hold, and whether any of them ran code that nobody understood.
package struct SessionMemory: Sendable, Hashable {
    /// A session in which nothing has run.
    package static let fresh = SessionMemory()

    /// Functions, aliases and types that were defined, in lower case.
    var names: Set<String> = []
    /// Variables, in lower case.
    var variables: [String: ValueFacts] = [:]
    /// Whether code ran that may have given any name another meaning, so that even reads can't be trusted.
    package internal(set) var isOpaque = false
    /// Whether a person confirmed such code. What the session's walls keep runs without.
    var wasConfirmed = false

    /// The variables that are kept: a session that makes more than this is judged as if it had made none.
    private static let mostVariables = 2_000

    /// A session.
    /// - Parameter isOpaque: whether code ran in it that nobody judged.
    package init(isOpaque: Bool = false) {
        self.isOpaque = isOpaque
        wasConfirmed = isOpaque
    }

    /// The same memory for an engine in which no script can give a name another meaning: there it only matters what
    /// variables hold.
    package var ofFixedNames: SessionMemory {
        var memory = self
        memory.names = []
        memory.isOpaque = false
        memory.wasConfirmed = false
        return memory
    }

    /// The memory for a script that sees none of the session's variables.
    package var withoutVariables: SessionMemory {
        var memory = self
        memory.variables = [:]
        return memory
    }

    /// The memory after a script whose variables and functions ended with it.
    /// - Parameters:
    ///   - judged: what the same script would have left in the session.
    ///   - keepingNames: whether it left names all the same, as those of types.
    package func afterFile(_ judged: SessionMemory, keepingNames: Bool) -> SessionMemory {
        var memory = self
        if keepingNames { memory.names.formUnion(judged.names) }
        memory.isOpaque = memory.isOpaque || judged.isOpaque
        memory.wasConfirmed = memory.wasConfirmed || judged.wasConfirmed
        return memory
    }

    /// The memory with the names that another one knows to have another meaning.
    package func keepingNames(of other: SessionMemory) -> SessionMemory {
        var memory = self
        memory.names.formUnion(other.names)
        memory.isOpaque = memory.isOpaque || other.isOpaque
        memory.wasConfirmed = memory.wasConfirmed || other.wasConfirmed
        return memory
    }

    /// The memory after one more script.
    /// - Parameter isConfirmed: whether it runs only when a person has confirmed it.
    func after(_ walk: ScriptWalk, isConfirmed: Bool) -> SessionMemory {
        var next = self
        next.names.formUnion(walk.functions.keys)
        next.names.formUnion(walk.types.keys)
        next.variables.merge(walk.variables.left) { _, new in new }
        if next.variables.count > Self.mostVariables { next.variables = [:] }
        if walk.givesNames
            || walk.found.contains(where: { ConstructRule(rawValue: $0.finding.rule)?.givesNames ?? false })
        {
            next.isOpaque = true
            next.wasConfirmed = next.wasConfirmed || isConfirmed
        }
        return next
    }
}
