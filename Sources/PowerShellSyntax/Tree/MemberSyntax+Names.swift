extension MemberExpressionSyntax {
    /// The member name when the text tells it; nil when it is computed.
    public var constantName: String? {
        if case .string(let name) = member { name.value } else { nil }
    }
}

extension InvokeMemberExpressionSyntax {
    /// The method name when the text tells it; nil when it is computed.
    public var constantName: String? {
        if case .string(let name) = member { name.value } else { nil }
    }
}

extension ParenExpressionSyntax {
    /// The expression inside, when the parentheses hold nothing but one.
    public var pureExpression: ExpressionSyntax? { pipeline.pureExpression }
}

extension StatementSyntax {
    /// The expression, when the statement is nothing but one: no command, redirection or background operator.
    public var pureExpression: ExpressionSyntax? {
        guard case .pipeline(let pipeline) = self, pipeline.elements.count == 1, !pipeline.isBackground,
            case .expression(let element)? = pipeline.elements.first, element.redirections.isEmpty
        else { return nil }
        return element.expression
    }
}
