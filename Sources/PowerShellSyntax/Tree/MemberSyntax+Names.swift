extension MemberExpressionSyntax {
    /// The member's name if it is constant; `nil` when it is computed.
    public var constantName: String? {
        if case .string(let name) = member { name.value } else { nil }
    }
}

extension InvokeMemberExpressionSyntax {
    /// The method's name if it is constant; `nil` when it is computed.
    public var constantName: String? {
        if case .string(let name) = member { name.value } else { nil }
    }
}

extension ParenExpressionSyntax {
    /// The expression inside the parentheses, if they contain nothing else.
    public var pureExpression: ExpressionSyntax? { pipeline.pureExpression }
}

extension StatementSyntax {
    /// The expression, if the statement consists of nothing else: no command, redirection or background operator.
    public var pureExpression: ExpressionSyntax? {
        guard case .pipeline(let pipeline) = self, pipeline.elements.count == 1, !pipeline.isBackground,
            case .expression(let element)? = pipeline.elements.first, element.redirections.isEmpty
        else { return nil }
        return element.expression
    }
}
