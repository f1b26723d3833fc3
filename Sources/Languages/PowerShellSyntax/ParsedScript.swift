import Glibc

/// The result of parsing a text: a tree, or the error that prevents one.
///
/// A text with an error has no tree at all: it can never run, and no part of it should be judged. Keep this value alive
/// for as long as you use nodes of its tree: it releases even deeply nested trees without recursion.
package struct ParsedScript: Sendable {
    /// An upper bound for the height of the tree: nested blocks, groups and operands, counting every operator and
    /// access of a chain. Code that traverses the tree recursively should reject trees higher than its stack allows.
    package let height: Int
    /// The errors in order of discovery; empty when the text parses. The parser stops at the first.
    package let errors: [ParseError]
    /// The requirements of `#requires` lines at the top level; `nil` without any.
    package let requirements: ScriptRequirements?
    /// The comments outside of strings, with their marks, as offsets in UTF-16 code units; empty when there are errors.
    package let comments: [Range<Int>]
    private let tree: SyntaxTree?

    init(height: Int, tree: SyntaxTree, requirements: ScriptRequirements?, comments: [Range<Int>]) {
        self.height = height
        self.errors = []
        self.requirements = requirements
        self.comments = comments
        self.tree = tree
    }

    init(error: ParseError, requirements: ScriptRequirements?) {
        self.height = 0
        self.errors = [error]
        self.requirements = requirements
        self.comments = []
        self.tree = nil
    }

    /// The tree; `nil` when there are errors.
    package var root: ScriptBlockSyntax? { tree?.root }

    /// The facts of the tree in source order; empty when there are errors. They are collected once.
    var facts: [ScriptFact] { tree?.facts ?? [] }

    /// Whether an interactive shell would wait for more text.
    package var isIncomplete: Bool { errors.contains(where: \.isIncomplete) }
}

/// The owner of all nodes of a tree.
///
/// `@unchecked Sendable`: all fields are constant except the facts, which are only accessed while the lock is held.
final class SyntaxTree: @unchecked Sendable {
    // Fields are released in this order: the root first, while the list still retains every other node, and then the
    // list from the outermost node inwards, so that no release ever recurses down a whole branch.
    let root: ScriptBlockSyntax
    let nodes: [any AnyObject & Sendable]
    private let lock: UnsafeMutablePointer<pthread_mutex_t>
    private var collected: [ScriptFact]?

    /// Creates the owner of a tree.
    /// - Parameters:
    ///   - root: the root of the tree.
    ///   - nodes: all nodes, parents before their children.
    init(root: ScriptBlockSyntax, nodes: [any AnyObject & Sendable]) {
        self.root = root
        self.nodes = nodes
        lock = .allocate(capacity: 1)
        lock.initialize(to: pthread_mutex_t())
        // Initialising a mutex of the default kind can't fail.
        pthread_mutex_init(lock, nil)
    }

    deinit {
        pthread_mutex_destroy(lock)
        lock.deallocate()
    }

    /// The facts of the tree, collected at the first access, because the guard, the engine and the answer of one call
    /// all need them.
    var facts: [ScriptFact] {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        if let collected { return collected }
        let facts = FactCollector.collect(root, nodes: nodes.count)
        collected = facts
        return facts
    }
}

/// The requirements of `#requires` lines.
package struct ScriptRequirements: Sendable, Hashable {
    /// The extents of the lines, from their `#`.
    package internal(set) var extents: [SourceExtent] = []
    /// The module names.
    package internal(set) var modules: [String] = []
    /// The assembly names.
    package internal(set) var assemblies: [String] = []
    /// The PowerShell version.
    package internal(set) var version: String?
    /// Whether elevation is required.
    package internal(set) var isElevationRequired = false
}

/// An error that prevents a text from being parsed.
package struct ParseError: Error, Sendable, Hashable {
    /// The engine's own id for the error (`UnexpectedToken`, `MissingEndCurlyBrace`, …).
    package let id: String
    /// The error's extent in the source.
    package let extent: SourceExtent
    /// Whether an interactive shell would wait for more text instead of rejecting it.
    package let isIncomplete: Bool

    /// Creates an error.
    package init(id: String, extent: SourceExtent, isIncomplete: Bool = false) {
        self.id = id
        self.extent = extent
        self.isIncomplete = isIncomplete
    }

    /// Whether PowerShell rejects the text as well. Any other text is only too complicated for this parser.
    package var isOfPowerShell: Bool { id != "ScriptTooComplicated" }

    /// The id as words: `EmptyPipeElement` becomes "empty pipe element".
    package var words: String {
        var text = ""
        for letter in id {
            if letter.isUppercase, let last = text.last, last != " ", !last.isUppercase { text += " " }
            text += letter.lowercased()
        }
        return text
    }

    /// Returns the line and the column at which the error begins, both counted from 1.
    package func place(in source: String) -> (line: Int, column: Int) {
        let before = source.utf16.prefix(extent.start)
        let line = before.split(separator: 0x0A, omittingEmptySubsequences: false).last
        return (1 + before.count { $0 == 0x0A }, 1 + (line?.count ?? 0))
    }
}
