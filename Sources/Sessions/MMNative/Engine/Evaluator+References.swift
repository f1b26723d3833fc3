import PowerShellSyntax

/// `[ref]$name` as the argument of a function or method of the script (about_Ref): its `Value` is the caller's
/// variable.
extension Evaluator {
    /// The type name of references.
    static let referenceType = "System.Management.Automation.PSReference"

    /// The variable that a reference stands for.
    struct Referent {
        /// The reference, which keeps its identity from being used again.
        let object: PSObject
        /// The variable's lower-case name.
        let name: String
        /// The scope whose variable it is.
        let scope: Scope
        /// The variable's type.
        let type: NamedType?
    }

    /// Evaluates `[ref]$name`.
    func reference(to node: VariableExpressionSyntax) throws(Interrupt) -> PSValue {
        let name = node.path.name.lowercased()
        // What is assigned to it is dropped.
        if name == "null", let object = PSObject([("Value", .null)], typeName: Self.referenceType, isCustom: false) {
            return .object(object)
        }
        guard node.path.qualifier == .none, !AutomaticNames.contains(name), !foreignVariables.contains(name),
            let object = PSObject([("Value", .null)], typeName: Self.referenceType, isCustom: false)
        else { throw .handOver("a reference to $\(node.path.path)") }
        guard let owner = variables.owner(of: name) else {
            throw .statement(
                NativeError(
                    "NonExistingVariableReference", "[ref] cannot be applied to a variable that does not exist.",
                    category: "InvalidOperation", isReadable: true))
        }
        referents[object.identity] = Referent(object: object, name: name, scope: owner, type: typed.types[name])
        return .object(object)
    }

    /// Returns the value of the variable that a reference stands for.
    func value(ofReference object: PSObject) throws(Interrupt) -> PSValue {
        let referent = try referent(of: object)
        return referent.scope.own[referent.name] ?? .null
    }

    /// Sets the variable that a reference stands for.
    func set(reference object: PSObject, to value: PSValue) throws(Interrupt) {
        let referent = try referent(of: object)
        var kept = value.withoutNothing
        if let type = referent.type { kept = try cast(kept, to: type) }
        referent.scope[referent.name] = kept
    }

    private func referent(of object: PSObject) throws(Interrupt) -> Referent {
        guard let referent = referents[object.identity] else { throw .handOver("a reference to no variable") }
        return referent
    }
}

extension ExpressionSyntax {
    /// The variable in `[ref]$name`, also in parentheses; `nil` for any other expression.
    var referenced: VariableExpressionSyntax? {
        switch self {
        case .paren(let node): return node.pureExpression?.referenced
        case .convert(let node):
            guard node.type.typeName.fullName.lowercased() == "ref", case .variable(let variable) = node.operand else {
                return nil
            }
            return variable
        default: return nil
        }
    }
}
