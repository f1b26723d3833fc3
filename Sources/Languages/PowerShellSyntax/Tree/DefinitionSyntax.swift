/// `function name { }` or `filter name { }`; also the function inside a method.
package final class FunctionDefinitionSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The decoded name, which may include a scope or drive.
    package let name: String
    /// Whether it is a `filter`.
    package let isFilter: Bool
    /// The parameters in parentheses after the name; those of `param` belong to the body.
    package let parameters: [ParameterSyntax]
    /// The body.
    package let body: ScriptBlockSyntax

    init(
        extent: SourceExtent,
        name: String,
        isFilter: Bool,
        parameters: [ParameterSyntax],
        body: ScriptBlockSyntax
    ) {
        self.extent = extent
        self.name = name
        self.isFilter = isFilter
        self.parameters = parameters
        self.body = body
    }
}

/// `class name : bases { }` or `enum name : type { }`.
package final class TypeDefinitionSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The type name.
    package let name: String
    /// The kind of definition.
    package let kind: Kind
    /// The type's attributes.
    package let attributes: [AttributeSyntax]
    /// Base class and interfaces, or the underlying type of an enum.
    package let baseTypes: [TypeConstraintSyntax]
    /// The members in order.
    package let members: [MemberSyntax]

    init(
        extent: SourceExtent,
        name: String,
        kind: Kind,
        attributes: [AttributeSyntax],
        baseTypes: [TypeConstraintSyntax],
        members: [MemberSyntax]
    ) {
        self.extent = extent
        self.name = name
        self.kind = kind
        self.attributes = attributes
        self.baseTypes = baseTypes
        self.members = members
    }

    /// The kinds of type definitions.
    package enum Kind: String, Sendable {
        /// A class.
        case `class`
        /// An enumeration.
        case `enum`
    }
}

/// A member of a type definition.
package enum MemberSyntax: Sendable {
    /// A property or an enum value.
    case property(PropertyMemberSyntax)
    /// A method or constructor.
    case method(MethodMemberSyntax)
}

/// `[type] $name = value`, or a value of an enum.
package final class PropertyMemberSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The property or value name.
    package let name: String
    /// The property's attributes.
    package let attributes: [AttributeSyntax]
    /// The property's type.
    package let type: TypeConstraintSyntax?
    /// Whether it is declared `static`, or is an enum value.
    package let isStatic: Bool
    /// Whether it is declared `hidden`.
    package let isHidden: Bool
    /// The initial value.
    package let initialValue: ExpressionSyntax?

    init(
        extent: SourceExtent,
        name: String,
        attributes: [AttributeSyntax],
        type: TypeConstraintSyntax?,
        isStatic: Bool,
        isHidden: Bool,
        initialValue: ExpressionSyntax?
    ) {
        self.extent = extent
        self.name = name
        self.attributes = attributes
        self.type = type
        self.isStatic = isStatic
        self.isHidden = isHidden
        self.initialValue = initialValue
    }
}

/// `[type] name(parameters) { }`.
package final class MethodMemberSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The method name; equal to the class name for a constructor.
    package let name: String
    /// The method's attributes.
    package let attributes: [AttributeSyntax]
    /// The method's return type.
    package let returnType: TypeConstraintSyntax?
    /// Whether it is declared `static`.
    package let isStatic: Bool
    /// Whether it is declared `hidden`.
    package let isHidden: Bool
    /// Whether it has the name of its class.
    package let isConstructor: Bool
    /// Parameters and body.
    package let function: FunctionDefinitionSyntax

    init(
        extent: SourceExtent,
        name: String,
        attributes: [AttributeSyntax],
        returnType: TypeConstraintSyntax?,
        isStatic: Bool,
        isHidden: Bool,
        isConstructor: Bool,
        function: FunctionDefinitionSyntax
    ) {
        self.extent = extent
        self.name = name
        self.attributes = attributes
        self.returnType = returnType
        self.isStatic = isStatic
        self.isHidden = isHidden
        self.isConstructor = isConstructor
        self.function = function
    }
}

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
