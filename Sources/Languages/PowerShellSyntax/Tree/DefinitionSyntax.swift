/// `function name { }` or `filter name { }`; also the function inside a method.
public final class FunctionDefinitionSyntax: Sendable {
    /// The node's extent in the source.
    public let extent: SourceExtent
    /// The decoded name, which may include a scope or drive.
    public let name: String
    /// Whether it is a `filter`.
    public let isFilter: Bool
    /// The parameters in parentheses after the name; those of `param` belong to the body.
    public let parameters: [ParameterSyntax]
    /// The body.
    public let body: ScriptBlockSyntax

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
public final class TypeDefinitionSyntax: Sendable {
    /// The node's extent in the source.
    public let extent: SourceExtent
    /// The type name.
    public let name: String
    /// The kind of definition.
    public let kind: Kind
    /// The type's attributes.
    public let attributes: [AttributeSyntax]
    /// Base class and interfaces, or the underlying type of an enum.
    public let baseTypes: [TypeConstraintSyntax]
    /// The members in order.
    public let members: [MemberSyntax]

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

    /// What a type definition defines.
    public enum Kind: String, Sendable {
        /// A class.
        case `class`
        /// An enumeration.
        case `enum`
    }
}

/// A member of a type definition.
public enum MemberSyntax: Sendable {
    /// A property or an enum value.
    case property(PropertyMemberSyntax)
    /// A method or constructor.
    case method(MethodMemberSyntax)

    /// The node's extent in the source.
    public var extent: SourceExtent {
        switch self {
        case .property(let node): node.extent
        case .method(let node): node.extent
        }
    }
}

/// `[type] $name = value`, or a value of an enum.
public final class PropertyMemberSyntax: Sendable {
    /// The node's extent in the source.
    public let extent: SourceExtent
    /// The property or value name.
    public let name: String
    /// The property's attributes.
    public let attributes: [AttributeSyntax]
    /// The property's type.
    public let type: TypeConstraintSyntax?
    /// Whether it is declared `static`, or is an enum value.
    public let isStatic: Bool
    /// Whether it is declared `hidden`.
    public let isHidden: Bool
    /// The initial value.
    public let initialValue: ExpressionSyntax?

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
public final class MethodMemberSyntax: Sendable {
    /// The node's extent in the source.
    public let extent: SourceExtent
    /// The method name; equal to the class name for a constructor.
    public let name: String
    /// The method's attributes.
    public let attributes: [AttributeSyntax]
    /// The method's return type.
    public let returnType: TypeConstraintSyntax?
    /// Whether it is declared `static`.
    public let isStatic: Bool
    /// Whether it is declared `hidden`.
    public let isHidden: Bool
    /// Whether it has the name of its class.
    public let isConstructor: Bool
    /// Parameters and body.
    public let function: FunctionDefinitionSyntax

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
