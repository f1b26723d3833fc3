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
