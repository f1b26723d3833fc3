/// A unary operator with its operand.
public final class UnaryExpressionSyntax: Sendable {
    /// The node's extent in the source.
    public let extent: SourceExtent
    /// The operator.
    public let op: UnaryOperator
    /// The operand.
    public let operand: ExpressionSyntax

    init(extent: SourceExtent, op: UnaryOperator, operand: ExpressionSyntax) {
        self.extent = extent
        self.op = op
        self.operand = operand
    }
}

/// A binary operator with its operands. Operators of equal precedence associate to the left.
public final class BinaryExpressionSyntax: Sendable {
    /// The node's extent in the source.
    public let extent: SourceExtent
    /// The left operand.
    public let left: ExpressionSyntax
    /// The operator.
    public let op: BinaryOperator
    /// The right operand.
    public let right: ExpressionSyntax
    /// The extent of the operator itself.
    public let operatorExtent: SourceExtent

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
public final class TernaryExpressionSyntax: Sendable {
    /// The node's extent in the source.
    public let extent: SourceExtent
    /// The condition.
    public let condition: ExpressionSyntax
    /// The value when the condition is true.
    public let ifTrue: ExpressionSyntax
    /// The value otherwise.
    public let ifFalse: ExpressionSyntax

    init(extent: SourceExtent, condition: ExpressionSyntax, ifTrue: ExpressionSyntax, ifFalse: ExpressionSyntax) {
        self.extent = extent
        self.condition = condition
        self.ifTrue = ifTrue
        self.ifFalse = ifFalse
    }
}

/// A cast `[type] operand`; on the left-hand side of an assignment, a type constraint of the variable.
public final class ConvertExpressionSyntax: Sendable {
    /// The node's extent in the source.
    public let extent: SourceExtent
    /// The target type.
    public let type: TypeConstraintSyntax
    /// The converted operand.
    public let operand: ExpressionSyntax

    init(extent: SourceExtent, type: TypeConstraintSyntax, operand: ExpressionSyntax) {
        self.extent = extent
        self.type = type
        self.operand = operand
    }
}

/// `[attribute(…)] operand`, which is allowed only before a variable.
public final class AttributedExpressionSyntax: Sendable {
    /// The node's extent in the source.
    public let extent: SourceExtent
    /// The attribute.
    public let attribute: AttributeSyntax
    /// The variable, possibly below further attributes and casts.
    public let operand: ExpressionSyntax

    init(extent: SourceExtent, attribute: AttributeSyntax, operand: ExpressionSyntax) {
        self.extent = extent
        self.attribute = attribute
        self.operand = operand
    }
}
