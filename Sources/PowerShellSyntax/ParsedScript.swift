/// What the parser made of a text: a tree, or the reason why there is none.
///
/// A text with an error has no tree at all: it can never run, and no part of it should be judged.
/// Keep the value alive as long as you use nodes of its tree: it lets even deeply nested trees go without recursion.
public struct ParsedScript: Sendable {
    /// The length of the source in UTF-16 code units.
    public let length: Int
    /// How high the tree is at most: nested blocks, groups and operands, with every operator and access of a chain counted.
    /// Whoever walks the tree by recursion should refuse what is higher than its stack allows.
    public let height: Int
    /// The faults in order of discovery; empty when the text parses. The parser stops at the first.
    public let errors: [ParseError]
    /// What `#requires` lines at the top level ask for; nil without any.
    public let requirements: ScriptRequirements?
    private let tree: SyntaxTree?

    init(length: Int, height: Int, tree: SyntaxTree, requirements: ScriptRequirements?) {
        self.length = length
        self.height = height
        self.errors = []
        self.requirements = requirements
        self.tree = tree
    }

    init(length: Int, error: ParseError, requirements: ScriptRequirements?) {
        self.length = length
        self.height = 0
        self.errors = [error]
        self.requirements = requirements
        self.tree = nil
    }

    /// The tree; nil when there are errors.
    public var root: ScriptBlockSyntax? { tree?.root }

    /// How many nodes the tree has.
    var nodeCount: Int { tree?.nodes.count ?? 0 }

    /// An interactive reader would wait for more text.
    public var isIncomplete: Bool { errors.contains(where: \.isIncomplete) }
}

/// The owner of all nodes of a tree.
final class SyntaxTree: Sendable {
    // Fields are released in this order: the root first, while every other node is still held by the list, and then the
    // list from the outermost node inwards, so that no release ever runs down a whole branch on the stack.
    let root: ScriptBlockSyntax
    let nodes: [any AnyObject & Sendable]

    /// - Parameter nodes: all nodes, parents before their children.
    init(root: ScriptBlockSyntax, nodes: [any AnyObject & Sendable]) {
        self.root = root
        self.nodes = nodes
    }
}

/// What `#requires` lines ask for.
public struct ScriptRequirements: Sendable, Hashable {
    /// The module names.
    public internal(set) var modules: [String] = []
    /// The assembly names.
    public internal(set) var assemblies: [String] = []
    /// The PowerShell version.
    public internal(set) var version: String?
    /// Elevation is asked for.
    public internal(set) var isElevationRequired = false
}
