/// One operator with one operand.
public final class UnaryExpressionSyntax: Sendable {
    /// Where the node stands in the source.
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

/// Two operands and their operator. Chains of equal precedence lean to the left.
public final class BinaryExpressionSyntax: Sendable {
    /// Where the node stands in the source.
    public let extent: SourceExtent
    /// The left operand.
    public let left: ExpressionSyntax
    /// The operator.
    public let op: BinaryOperator
    /// The right operand.
    public let right: ExpressionSyntax
    /// Where the operator itself stands.
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
    /// Where the node stands in the source.
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

/// A cast `[type] operand`; on the left of an assignment a type constraint of the variable.
public final class ConvertExpressionSyntax: Sendable {
    /// Where the node stands in the source.
    public let extent: SourceExtent
    /// The target type.
    public let type: TypeConstraintSyntax
    /// What is converted.
    public let operand: ExpressionSyntax

    init(extent: SourceExtent, type: TypeConstraintSyntax, operand: ExpressionSyntax) {
        self.extent = extent
        self.type = type
        self.operand = operand
    }
}

/// `[attribute(…)] operand`, allowed before a variable only.
public final class AttributedExpressionSyntax: Sendable {
    /// Where the node stands in the source.
    public let extent: SourceExtent
    /// The attribute.
    public let attribute: AttributeSyntax
    /// The variable, possibly under more attributes and casts.
    public let operand: ExpressionSyntax

    init(extent: SourceExtent, attribute: AttributeSyntax, operand: ExpressionSyntax) {
        self.extent = extent
        self.attribute = attribute
        self.operand = operand
    }
}
