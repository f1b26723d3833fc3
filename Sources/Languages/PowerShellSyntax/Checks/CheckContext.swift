/// The surroundings of a node that rules depend on, shared by all nodes with the same surroundings.
final class SharedContext {
    let value: CheckContext

    init(_ value: CheckContext) { self.value = value }
}

/// The contents of ``SharedContext``.
struct CheckContext {
    /// The enclosing `finally` blocks and loops, innermost first, up to the next script block.
    var flow: FlowFrame?
    /// The enclosing loops, innermost first, up to the next function.
    var labels: LabelFrame?
    /// The types that the text defines here.
    var types: TypeScope?
    /// The member being defined, for the rules on `return` and `$this`.
    var member: MemberFrame?
    /// The commands that the enclosing `data` section allows; an empty list together with ``allowsAnyCommand`` for all.
    var dataCommands: [String]?
    /// Whether the enclosing `data` section allows every command.
    var allowsAnyCommand = false
    /// Whether the parameters being checked are those of a method.
    var isMethodParameter = false
    /// Whether the node is part of an assignment's target.
    var isInAssignmentTarget = false
    /// Whether the node is inside a method, which ends the search for loop labels.
    var isInMethod = false

    /// Whether any rule may forbid a plain variable.
    var asksForVariables: Bool { dataCommands != nil || member != nil }
}

/// An enclosing construct that a jump may have to leave.
final class FlowFrame {
    enum Kind {
        case finally
        case loop(label: String)
    }

    let kind: Kind
    let parent: FlowFrame?

    init(_ kind: Kind, parent: FlowFrame?) {
        self.kind = kind
        self.parent = parent
    }
}

/// An enclosing labelled loop.
final class LabelFrame {
    let label: String
    let parent: LabelFrame?

    init(_ label: String, parent: LabelFrame?) {
        self.label = label
        self.parent = parent
    }
}

/// The method or property being defined.
final class MemberFrame {
    let isStatic: Bool
    /// For methods, whether they return nothing; `nil` for properties.
    let returnsVoid: Bool?
    /// The properties of the class by name, and whether they are static.
    let properties: [String: Bool]

    init(isStatic: Bool, returnsVoid: Bool?, properties: [String: Bool]) {
        self.isStatic = isStatic
        self.returnsVoid = returnsVoid
        self.properties = properties
    }
}

/// The types defined in a script block and in those around it.
final class TypeScope {
    private var names: Set<String> = []
    private let parent: TypeScope?
    /// Whether the scope is inside a class or enumeration.
    let isInDefinition: Bool

    init(parent: TypeScope?, isInDefinition: Bool? = nil) {
        self.parent = parent
        self.isInDefinition = isInDefinition ?? parent?.isInDefinition ?? false
    }

    /// Adds a type; returns `false` when the block already has one with that name.
    func define(_ name: String) -> Bool { names.insert(CaseFold.key(name)).inserted }

    /// Returns whether a type with that name is defined in this block or one around it.
    func defines(_ name: String) -> Bool {
        let key = CaseFold.key(name)
        var scope: TypeScope? = self
        while let current = scope {
            if current.names.contains(key) { return true }
            scope = current.parent
        }
        return false
    }
}

/// Case-insensitive names, beyond ASCII as the engine compares them.
enum CaseFold {
    /// Returns a key that is equal for names that differ only in case.
    static func key(_ name: String) -> String {
        if name.utf8.allSatisfy({ $0 < 0x80 }) { return ASCIIFold.lowercased(name) }
        var key = String.UnicodeScalarView()
        for scalar in name.unicodeScalars {
            let upper = scalar.properties.uppercaseMapping.unicodeScalars
            if upper.count == 1, let only = upper.first, scalar.isASCII == only.isASCII {
                key.append(only)
            } else {
                key.append(scalar)
            }
        }
        return ASCIIFold.lowercased(String(key))
    }
}
