/// A unary operator with its operand.
package final class UnaryExpressionSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The operator.
    package let op: UnaryOperator
    /// The operand.
    package let operand: ExpressionSyntax

    init(extent: SourceExtent, op: UnaryOperator, operand: ExpressionSyntax) {
        self.extent = extent
        self.op = op
        self.operand = operand
    }
}

/// A binary operator with its operands. Operators of equal precedence associate to the left.
package final class BinaryExpressionSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The left operand.
    package let left: ExpressionSyntax
    /// The operator.
    package let op: BinaryOperator
    /// The right operand.
    package let right: ExpressionSyntax
    /// The extent of the operator itself.
    package let operatorExtent: SourceExtent

    init(
        extent: SourceExtent,
        left: ExpressionSyntax,
        op: BinaryOperator,
        right: ExpressionSyntax,
        operatorExtent: SourceExtent
    ) {
        self.extent = extent
        self.left = left
        self.op = op
        self.right = right
        self.operatorExtent = operatorExtent
    }
}

/// `condition ? ifTrue : ifFalse`.
package final class TernaryExpressionSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The condition.
    package let condition: ExpressionSyntax
    /// The value when the condition is true.
    package let ifTrue: ExpressionSyntax
    /// The value otherwise.
    package let ifFalse: ExpressionSyntax

    init(extent: SourceExtent, condition: ExpressionSyntax, ifTrue: ExpressionSyntax, ifFalse: ExpressionSyntax) {
        self.extent = extent
        self.condition = condition
        self.ifTrue = ifTrue
        self.ifFalse = ifFalse
    }
}

/// A cast `[type] operand`; on the left-hand side of an assignment, a type constraint of the variable.
package final class ConvertExpressionSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The target type.
    package let type: TypeConstraintSyntax
    /// The converted operand.
    package let operand: ExpressionSyntax

    init(extent: SourceExtent, type: TypeConstraintSyntax, operand: ExpressionSyntax) {
        self.extent = extent
        self.type = type
        self.operand = operand
    }
}

/// `[attribute(…)] operand`, which is allowed only before a variable.
package final class AttributedExpressionSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The attribute.
    package let attribute: AttributeSyntax
    /// The variable, possibly below further attributes and casts.
    package let operand: ExpressionSyntax

    init(extent: SourceExtent, attribute: AttributeSyntax, operand: ExpressionSyntax) {
        self.extent = extent
        self.attribute = attribute
        self.operand = operand
    }
}
