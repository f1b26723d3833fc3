/// A member read, or the target of a member write when it stands on the left of an assignment.
public final class MemberExpressionSyntax: Sendable {
    /// Where the node stands in the source.
    public let extent: SourceExtent
    /// The object, or the type for static access.
    public let target: ExpressionSyntax
    /// The name: a ``StringConstantSyntax`` when constant, any other expression when computed.
    public let member: ExpressionSyntax
    /// Written with `::`.
    public let isStatic: Bool
    /// Written with `?.`.
    public let isNullConditional: Bool

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
public final class InvokeMemberExpressionSyntax: Sendable {
    /// Where the node stands in the source.
    public let extent: SourceExtent
    /// The object, or the type for a static call.
    public let target: ExpressionSyntax
    /// The name: a ``StringConstantSyntax`` when constant, any other expression when computed.
    public let member: ExpressionSyntax
    /// The arguments; for `a.b{c}` the script block is the only one.
    public let arguments: [ExpressionSyntax]
    /// The types of `a.b[T](c)`; empty otherwise.
    public let genericArguments: [TypeNameSyntax]
    /// Written with `::`.
    public let isStatic: Bool
    /// Written with `?.`.
    public let isNullConditional: Bool

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

/// The base constructor call of a constructor: written as `: base(…)`, or implied with no arguments.
public final class BaseConstructorCallSyntax: Sendable {
    /// Where the node stands in the source.
    public let extent: SourceExtent
    /// Where `base` stands; nil when the call is implied.
    public let keywordExtent: SourceExtent?
    /// The arguments.
    public let arguments: [ExpressionSyntax]

    init(extent: SourceExtent, keywordExtent: SourceExtent?, arguments: [ExpressionSyntax]) {
        self.extent = extent
        self.keywordExtent = keywordExtent
        self.arguments = arguments
    }
}

/// An index access, or the target of an element write on the left of an assignment.
public final class IndexExpressionSyntax: Sendable {
    /// Where the node stands in the source.
    public let extent: SourceExtent
    /// The collection.
    public let target: ExpressionSyntax
    /// The index.
    public let index: ExpressionSyntax
    /// Written with `?[`.
    public let isNullConditional: Bool

    init(extent: SourceExtent, target: ExpressionSyntax, index: ExpressionSyntax, isNullConditional: Bool) {
        self.extent = extent
        self.target = target
        self.index = index
        self.isNullConditional = isNullConditional
    }
}
