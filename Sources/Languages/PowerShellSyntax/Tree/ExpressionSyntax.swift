/// An expression: anything that has a value without being a command. Operands, arguments, keys and conditions are
/// expressions; a command within one is wrapped in ``ParenExpressionSyntax``, ``SubExpressionSyntax`` or
/// ``ArrayExpressionSyntax``.
package enum ExpressionSyntax: Sendable {
    /// A constant string: bare word, quoted, here-string.
    case string(StringConstantSyntax)
    /// A double-quoted string, here-string or word with parts that are evaluated.
    case expandableString(ExpandableStringSyntax)
    /// A number literal.
    case number(NumberConstantSyntax)
    /// `$name`, `${name}` or a splatted `@name`.
    case variable(VariableExpressionSyntax)
    /// `$using:name`, with the member and index accesses that follow it.
    case using(UsingExpressionSyntax)
    /// `( pipeline )`.
    case paren(ParenExpressionSyntax)
    /// `$( statements )`.
    case sub(SubExpressionSyntax)
    /// `@( statements )`.
    case array(ArrayExpressionSyntax)
    /// `a, b` or `, a`.
    case arrayLiteral(ArrayLiteralSyntax)
    /// `@{ key = value }`.
    case hashtable(HashtableSyntax)
    /// `{ … }` as a value.
    case scriptBlock(ScriptBlockExpressionSyntax)
    /// `[type]` as a value.
    case type(TypeExpressionSyntax)
    /// `[type] operand`.
    case convert(ConvertExpressionSyntax)
    /// `[attribute()] operand`.
    case attributed(AttributedExpressionSyntax)
    /// A prefix or postfix operator and its operand.
    case unary(UnaryExpressionSyntax)
    /// A binary operator with its operands.
    case binary(BinaryExpressionSyntax)
    /// `condition ? a : b`.
    case ternary(TernaryExpressionSyntax)
    /// A read of a member: `a.b`, `[a]::b`, `a?.b`.
    case member(MemberExpressionSyntax)
    /// A method call: `a.b(c)`, `[a]::b(c)`, `a.b{c}`.
    case invokeMember(InvokeMemberExpressionSyntax)
    /// The call of the base constructor at the start of every constructor.
    case baseConstructorCall(BaseConstructorCallSyntax)
    /// `a[b]`, `a?[b]`.
    case index(IndexExpressionSyntax)

    /// The node's extent in the source.
    @inline(never)
    package var extent: SourceExtent {
        switch self {
        case .string(let node): node.extent
        case .expandableString(let node): node.extent
        case .number(let node): node.extent
        case .variable(let node): node.extent
        case .using(let node): node.extent
        case .paren(let node): node.extent
        case .sub(let node): node.extent
        case .array(let node): node.extent
        case .arrayLiteral(let node): node.extent
        case .hashtable(let node): node.extent
        case .scriptBlock(let node): node.extent
        case .type(let node): node.extent
        case .convert(let node): node.extent
        case .attributed(let node): node.extent
        case .unary(let node): node.extent
        case .binary(let node): node.extent
        case .ternary(let node): node.extent
        case .member(let node): node.extent
        case .invokeMember(let node): node.extent
        case .baseConstructorCall(let node): node.extent
        case .index(let node): node.extent
        }
    }
}

/// `( pipeline )`: one pipeline, pipeline chain or assignment as a value.
package final class ParenExpressionSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The content: `.pipeline`, `.pipelineChain` or `.assignment`.
    package let pipeline: StatementSyntax

    init(extent: SourceExtent, pipeline: StatementSyntax) {
        self.extent = extent
        self.pipeline = pipeline
    }
}

/// `$( statements )`.
package final class SubExpressionSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The statements.
    package let block: StatementBlockSyntax

    init(extent: SourceExtent, block: StatementBlockSyntax) {
        self.extent = extent
        self.block = block
    }
}

/// `@( statements )`, which is always an array.
package final class ArrayExpressionSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The statements.
    package let block: StatementBlockSyntax

    init(extent: SourceExtent, block: StatementBlockSyntax) {
        self.extent = extent
        self.block = block
    }
}

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

/// A prefix or postfix operator. Raw values are the names of the engine's token kinds.
package enum UnaryOperator: String, Sendable, CaseIterable {
    /// `!`.
    case exclaim = "Exclaim"
    /// `-not`.
    case not = "Not"
    /// `-bnot`.
    case bnot = "Bnot"
    /// `+`.
    case plus = "Plus"
    /// `-`.
    case minus = "Minus"
    /// `++` before its operand.
    case plusPlus = "PlusPlus"
    /// `--` before its operand.
    case minusMinus = "MinusMinus"
    /// `++` after its operand.
    case postfixPlusPlus = "PostfixPlusPlus"
    /// `--` after its operand.
    case postfixMinusMinus = "PostfixMinusMinus"
    /// `-join`.
    case join = "Join"
    /// `-split`, `-isplit`.
    case isplit = "Isplit"
    /// `-csplit`.
    case csplit = "Csplit"
}

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
