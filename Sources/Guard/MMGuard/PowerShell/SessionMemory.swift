/// The state that the scripts of a session left behind, as far as it matters for judging the next one: the names that
/// they defined, the possible values of their variables, and whether any of them ran code that the guard couldn't read.
package struct SessionMemory: Sendable, Hashable {
    /// A session in which nothing has run.
    package static let fresh = SessionMemory()

    /// The functions, aliases and types that were defined, in lower case.
    var names: Set<String> = []
    /// The variables, by names in lower case.
    var variables: [String: ValueFacts] = [:]
    /// The types and conditions that variables were declared with, by names in lower case.
    var types: [String: String] = [:]
    /// Whether code ran that may have given names another meaning, so that even reads can't be trusted.
    package internal(set) var isOpaque = false
    /// Whether a person confirmed such code. Otherwise it ran without a question, because the session's confinement
    /// holds its effects.
    var wasConfirmed = false

    /// The maximum number of variables that are kept; a session with more is judged as if it had none.
    private static let mostVariables = 2_000

    /// Creates the memory of a session.
    /// - Parameter isOpaque: whether unjudged code ran in it.
    package init(isOpaque: Bool = false) {
        self.isOpaque = isOpaque
        wasConfirmed = isOpaque
    }

    /// The memory for an engine in which scripts can't redefine names: only the variables matter.
    package var ofFixedNames: SessionMemory {
        var memory = self
        memory.names = []
        memory.isOpaque = false
        memory.wasConfirmed = false
        return memory
    }

    /// The memory for a script that can't see the session's variables.
    package var withoutVariables: SessionMemory {
        var memory = self
        memory.variables = [:]
        memory.types = [:]
        return memory
    }

    /// Returns the memory after a script whose variables and functions ended with it.
    /// - Parameters:
    ///   - judged: the memory that the same script would have left in the session.
    ///   - keepingNames: whether it left names behind nevertheless, such as those of types.
    package func afterFile(_ judged: SessionMemory, keepingNames: Bool) -> SessionMemory {
        var memory = self
        if keepingNames { memory.names.formUnion(judged.names) }
        // It may have set some of the session's own variables.
        for (name, facts) in judged.variables where facts == .unknown {
            memory.variables[name] = facts
            memory.types[name] = judged.types[name]
        }
        memory.isOpaque = memory.isOpaque || judged.isOpaque
        memory.wasConfirmed = memory.wasConfirmed || judged.wasConfirmed
        return memory
    }

    /// Returns the memory with the redefined names of another one added.
    package func keepingNames(of other: SessionMemory) -> SessionMemory {
        var memory = self
        memory.names.formUnion(other.names)
        memory.isOpaque = memory.isOpaque || other.isOpaque
        memory.wasConfirmed = memory.wasConfirmed || other.wasConfirmed
        return memory
    }

    /// Returns the memory after one more script.
    /// - Parameter isConfirmed: whether it only runs after a person's confirmation.
    func after(_ walk: ScriptWalk, isConfirmed: Bool) -> SessionMemory {
        var next = self
        next.names.formUnion(walk.defined)
        next.names.formUnion(walk.types.keys)
        // An error may end the script anywhere.
        for (name, entry) in walk.variables.leftAnywhere {
            next.variables[name] = entry.facts
            next.types[name] = entry.type
        }
        // Another text may set them where the session doesn't show it, such as a function.
        for name in walk.setElsewhere {
            next.variables[name] = .unknown
            next.types[name] = ScriptVariables.Entry.anyType
        }
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
