/// A read of a member or, on the left-hand side of an assignment, the target of a write.
package final class MemberExpressionSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The object, or the type for static access.
    package let target: ExpressionSyntax
    /// The name: a ``StringConstantSyntax`` when constant, any other expression when computed.
    package let member: ExpressionSyntax
    /// Whether the access uses `::`.
    package let isStatic: Bool
    /// Whether the access uses `?.`.
    package let isNullConditional: Bool

    init(
        extent: SourceExtent,
        target: ExpressionSyntax,
        member: ExpressionSyntax,
        isStatic: Bool,
        isNullConditional: Bool
    ) {
        self.extent = extent
        self.target = target
        self.member = member
        self.isStatic = isStatic
        self.isNullConditional = isNullConditional
    }
}

/// A method call.
package final class InvokeMemberExpressionSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The object, or the type for a static call.
    package let target: ExpressionSyntax
    /// The name: a ``StringConstantSyntax`` when constant, any other expression when computed.
    package let member: ExpressionSyntax
    /// The arguments; for `a.b{c}`, only the script block.
    package let arguments: [ExpressionSyntax]
    /// The generic arguments of `a.b[T](c)`; empty otherwise.
    package let genericArguments: [TypeNameSyntax]
    /// Whether the call uses `::`.
    package let isStatic: Bool
    /// Whether the call uses `?.`.
    package let isNullConditional: Bool

    init(
        extent: SourceExtent,
        target: ExpressionSyntax,
        member: ExpressionSyntax,
        arguments: [ExpressionSyntax],
        genericArguments: [TypeNameSyntax],
        isStatic: Bool,
        isNullConditional: Bool
    ) {
        self.extent = extent
        self.target = target
        self.member = member
        self.arguments = arguments
        self.genericArguments = genericArguments
        self.isStatic = isStatic
        self.isNullConditional = isNullConditional
    }
}

/// A constructor's call of its base constructor: written as `: base(…)`, or implied without arguments.
package final class BaseConstructorCallSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The extent of `base`; `nil` when the call is implied.
    package let keywordExtent: SourceExtent?
    /// The arguments.
    package let arguments: [ExpressionSyntax]

    init(extent: SourceExtent, keywordExtent: SourceExtent?, arguments: [ExpressionSyntax]) {
        self.extent = extent
        self.keywordExtent = keywordExtent
        self.arguments = arguments
    }
}

/// An index access or, on the left-hand side of an assignment, the target of a write.
package final class IndexExpressionSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The collection.
    package let target: ExpressionSyntax
    /// The index.
    package let index: ExpressionSyntax
    /// Whether the access uses `?[`.
    package let isNullConditional: Bool

    init(extent: SourceExtent, target: ExpressionSyntax, index: ExpressionSyntax, isNullConditional: Bool) {
        self.extent = extent
        self.target = target
        self.index = index
        self.isNullConditional = isNullConditional
    }
}

extension MemberExpressionSyntax {
    /// The member's name if it is constant; `nil` when it is computed.
    package var constantName: String? {
        if case .string(let name) = member { name.value } else { nil }
    }
}

extension InvokeMemberExpressionSyntax {
    /// The method's name if it is constant; `nil` when it is computed.
    package var constantName: String? {
        if case .string(let name) = member { name.value } else { nil }
    }
}

extension ParenExpressionSyntax {
    /// The expression inside the parentheses, if they contain nothing else.
    package var pureExpression: ExpressionSyntax? { pipeline.pureExpression }
}

extension StatementSyntax {
    /// The expression, if the statement consists of nothing else: no command, redirection or background operator.
    package var pureExpression: ExpressionSyntax? {
        guard case .pipeline(let pipeline) = self, pipeline.elements.count == 1, !pipeline.isBackground,
            case .expression(let element)? = pipeline.elements.first, element.redirections.isEmpty
        else { return nil }
        return element.expression
    }
}
