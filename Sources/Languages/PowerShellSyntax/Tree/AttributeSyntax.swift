/// A bracketed node before a parameter, a member or an expression.
package enum AttributeBaseSyntax: Sendable {
    /// `[Name(…)]`.
    case attribute(AttributeSyntax)
    /// `[Type]`.
    case typeConstraint(TypeConstraintSyntax)

    /// The node's extent in the source.
    @inline(never)
    package var extent: SourceExtent {
        switch self {
        case .attribute(let node): node.extent
        case .typeConstraint(let node): node.extent
        }
    }
}

/// `[Name(positional, name = value)]`.
package final class AttributeSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The attribute type as written, usually without its `Attribute` suffix.
    package let typeName: TypeNameSyntax
    /// The positional arguments.
    package let positionalArguments: [ExpressionSyntax]
    /// The named arguments.
    package let namedArguments: [NamedAttributeArgumentSyntax]

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
package final class NamedAttributeArgumentSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The property.
    package let name: String
    /// The value; for a name alone, a ``NumberConstantSyntax`` that is true.
    package let argument: ExpressionSyntax
    /// Whether no value was written.
    package let isOmitted: Bool

    init(extent: SourceExtent, name: String, argument: ExpressionSyntax, isOmitted: Bool) {
        self.extent = extent
        self.name = name
        self.argument = argument
        self.isOmitted = isOmitted
    }
}

/// `[Type]` before a parameter, a property, a variable or an operand, or in `catch`.
package final class TypeConstraintSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The type.
    package let typeName: TypeNameSyntax

    init(extent: SourceExtent, typeName: TypeNameSyntax) {
        self.extent = extent
        self.typeName = typeName
    }
}
