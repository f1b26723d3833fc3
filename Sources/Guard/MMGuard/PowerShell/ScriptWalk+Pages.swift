internal import MMCore
internal import PowerShellSyntax

/// The addresses of further pages, which the service's own answers tell: `$uri = $page.'@odata.nextLink'`.
extension ScriptWalk {
    /// Returns whether a statement is one request to Graph, so that its result is an answer of the service.
    func asksGraph(_ statement: StatementSyntax) -> Bool {
        guard case .pipeline(let pipeline) = statement, pipeline.elements.count == 1,
            case .command(let command) = pipeline.elements[0], command.invocation == nil,
            let name = command.constantName?.asciiLowercased
        else { return false }
        return RequestCarrier.of(tables.cmdlets.alias(name) ?? name)?.service == .graph && functions[name] == nil
    }

    /// Returns the addresses with which the pages begin that an expression goes on with, or that it is itself; `nil` if
    /// it may be any other.
    func pages(_ expression: ExpressionSyntax) -> Set<String>? {
        switch expression {
        case .string(let node): return [node.value]
        case .variable(let node):
            return node.path.isVariable ? variables[node.path.name.asciiLowercased].pages : nil
        case .member(let node):
            return node.isStatic ? nil : next(node.target, ConstantValue(node.member).text)
        case .index(let node): return next(node.target, ConstantValue(node.index).text)
        default: return nil
        }
    }

    private func next(_ target: ExpressionSyntax, _ name: String?) -> Set<String>? {
        guard ["@odata.nextlink", "@odata.deltalink"].contains(name?.asciiLowercased ?? ""),
            case .variable(let answer) = target, answer.path.isVariable,
            variables[answer.path.name.asciiLowercased].isAnswer
        else { return nil }
        return []
    }
}
