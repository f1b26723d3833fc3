import PowerShellSyntax

/// A list or table that a script goes through. .NET ends that with an error once its elements have changed.
struct Enumeration {
    private let version: () -> Int
    private let begun: Int

    init?(_ value: PSValue) {
        switch value {
        // A bag is gone through as it was at the beginning.
        case .list(let list) where list.kind.shape != .bag: version = { list.version }
        case .table(let table): version = { table.version }
        default: return nil
        }
        begun = version()
    }

    /// Hands over a script that goes on after it has changed the collection.
    func check() throws(Interrupt) {
        guard version() == begun else { throw .handOver("a collection that changes while a script goes through it") }
    }
}

extension Evaluator {
    /// Returns the collection behind an expression that a script goes through: a list, the table whose keys, values or
    /// entries they are, or the children of an XML node; `nil` for other values, and for those that only the expression
    /// holds.
    func enumeration(of expression: ExpressionSyntax) throws(Interrupt) -> Enumeration? {
        switch expression {
        case .paren(let node):
            return try node.pureExpression.flatMap { (inner) throws(Interrupt) in try enumeration(of: inner) }
        case .member(let node) where node.isPart(of: ["keys", "values"]) && node.target.isPlace:
            if case .table(let table) = try worth(of: node.target) { return Enumeration(.table(table)) }
        case .member(let node) where node.isPart(of: ["childnodes"]) && node.target.isPlace:
            if case .object(let parent) = try worth(of: node.target), XMLNode.isNode(parent) {
                return Enumeration(.list(XMLNode.children(parent)))
            }
        case .invokeMember(let node):
            guard node.constantName?.lowercased() == "getenumerator", node.target.isPlace else { return nil }
            return Enumeration(try worth(of: node.target))
        default: break
        }
        guard expression.isPlace, case .list(let list) = try worth(of: expression) else { return nil }
        return Enumeration(.list(list))
    }
}

extension MemberExpressionSyntax {
    /// Whether it is a member with one of these names, in lower case.
    fileprivate func isPart(of names: Set<String>) -> Bool {
        !isStatic && names.contains(constantName?.lowercased() ?? "")
    }
}

extension ExpressionSyntax {
    /// Whether it is a variable, or a member or element of one, which can be looked at again without doing anything.
    fileprivate var isPlace: Bool {
        switch self {
        case .variable(let node): !node.isSplatted && node.path.name.lowercased() != "input"
        case .member(let node): !node.isStatic && node.constantName != nil && node.target.isPlace
        case .index(let node):
            switch node.index {
            case .string, .number: node.target.isPlace
            default: node.index.isPlace && node.target.isPlace
            }
        default: false
        }
    }
}
