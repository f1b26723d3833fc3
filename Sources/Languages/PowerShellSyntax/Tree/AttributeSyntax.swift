/// A bracketed node before a parameter, a member or an expression.
public enum AttributeBaseSyntax: Sendable {
    /// `[Name(…)]`.
    case attribute(AttributeSyntax)
    /// `[Type]`.
    case typeConstraint(TypeConstraintSyntax)

    /// The node's extent in the source.
    @inline(never)
    public var extent: SourceExtent {
        switch self {
        case .attribute(let node): node.extent
        case .typeConstraint(let node): node.extent
        }
    }
}

/// `[Name(positional, name = value)]`.
public final class AttributeSyntax: Sendable {
    /// The node's extent in the source.
    public let extent: SourceExtent
    /// The attribute type as written, usually without its `Attribute` suffix.
    public let typeName: TypeNameSyntax
    /// The positional arguments.
    public let positionalArguments: [ExpressionSyntax]
    /// The named arguments.
    public let namedArguments: [NamedAttributeArgumentSyntax]

    init(
        extent: SourceExtent,
        typeName: TypeNameSyntax,
        positionalArguments: [ExpressionSyntax],
        namedArguments: [NamedAttributeArgumentSyntax]
    ) {
        self.extent = extent
        self.typeName = typeName
        self.positionalArguments = positionalArguments
        self.namedArguments = namedArguments
    }
}

/// A `name = value` of an attribute, or a name alone.
public final class NamedAttributeArgumentSyntax: Sendable {
    /// The node's extent in the source.
    public let extent: SourceExtent
    /// The property.
    public let name: String
    /// The value; for a name alone, a ``NumberConstantSyntax`` that is true.
    public let argument: ExpressionSyntax
    /// Whether no value was written.
    public let isOmitted: Bool

    init(extent: SourceExtent, name: String, argument: ExpressionSyntax, isOmitted: Bool) {
        self.extent = extent
        self.name = name
        self.argument = argument
        self.isOmitted = isOmitted
    }
}

/// `[Type]` before a parameter, a property, a variable or an operand, or in `catch`.
public final class TypeConstraintSyntax: Sendable {
    /// The node's extent in the source.
    public let extent: SourceExtent
    /// The type.
    public let typeName: TypeNameSyntax

    init(extent: SourceExtent, typeName: TypeNameSyntax) {
        self.extent = extent
        self.typeName = typeName
    }
}
