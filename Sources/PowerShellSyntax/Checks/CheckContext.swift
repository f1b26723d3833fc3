/// What is around a node, as far as a rule asks for it. Shared by all nodes for which it is the same.
final class SharedContext {
    let value: CheckContext

    init(_ value: CheckContext) { self.value = value }
}

/// The parts of ``SharedContext``.
struct CheckContext {
    /// `finally` blocks and loops from the inside out, up to the next script block.
    var flow: FlowFrame?
    /// Loops from the inside out, up to the next function.
    var labels: LabelFrame?
    /// The types that the text defines here.
    var types: TypeScope?
    /// The member that is defined: rules for `return` and `$this`.
    var member: MemberFrame?
    /// The commands that the `data` section around allows; an empty list beside ``allowsAnyCommand`` for all.
    var dataCommands: [String]?
    /// A `data` section around allows every command.
    var allowsAnyCommand = false
    /// The parameters at work are those of a method.
    var isMethodParameter = false
    /// The node stands in the target of an assignment.
    var isInAssignmentTarget = false
    /// Loop labels end at a method.
    var isInMethod = false

    /// A rule may forbid a plain variable.
    var asksForVariables: Bool { dataCommands != nil || member != nil }
}

/// Something that a jump may have to leave.
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

/// A labelled loop around.
final class LabelFrame {
    let label: String
    let parent: LabelFrame?

    init(_ label: String, parent: LabelFrame?) {
        self.label = label
        self.parent = parent
    }
}

/// The method or property that is defined.
final class MemberFrame {
    let isStatic: Bool
    /// For methods: whether they return nothing; nil for properties.
    let returnsVoid: Bool?
    /// The properties of the class, and whether they are static.
    let properties: [String: Bool]

    init(isStatic: Bool, returnsVoid: Bool?, properties: [String: Bool]) {
        self.isStatic = isStatic
        self.returnsVoid = returnsVoid
        self.properties = properties
    }
}

/// The types that a script block defines, with those of the blocks around it.
final class TypeScope {
    private var names: Set<String> = []
    private let parent: TypeScope?
    /// A class or enumeration is around.
    let isInDefinition: Bool

    init(parent: TypeScope?, isInDefinition: Bool? = nil) {
        self.parent = parent
        self.isInDefinition = isInDefinition ?? parent?.isInDefinition ?? false
    }

    /// Adds a type; false when the block has one of that name.
    func define(_ name: String) -> Bool { names.insert(CaseFold.key(name)).inserted }

    /// Whether a type of that name is defined here or around.
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

/// Names that the engine compares without case beyond ASCII.
enum CaseFold {
    /// Equal for names that differ in case only.
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
