/// `function name { }` or `filter name { }`; also the function inside a method.
public final class FunctionDefinitionSyntax: Sendable {
    /// Where the node stands in the source.
    public let extent: SourceExtent
    /// The name as it is decoded; it may hold a scope or drive.
    public let name: String
    /// Written with `filter`.
    public let isFilter: Bool
    /// The parameters in parentheses behind the name; those of `param` stand in the body.
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
    /// Where the node stands in the source.
    public let extent: SourceExtent
    /// The type name.
    public let name: String
    /// What is defined.
    public let kind: Kind
    /// Its attributes.
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

    /// Where the node stands in the source.
    public var extent: SourceExtent {
        switch self {
        case .property(let node): node.extent
        case .method(let node): node.extent
        }
    }
}

/// `[type] $name = value`, or one value of an enum.
public final class PropertyMemberSyntax: Sendable {
    /// Where the node stands in the source.
    public let extent: SourceExtent
    /// The property or value name.
    public let name: String
    /// Its attributes.
    public let attributes: [AttributeSyntax]
    /// Its type.
    public let type: TypeConstraintSyntax?
    /// Declared `static`, or an enum value.
    public let isStatic: Bool
    /// Declared `hidden`.
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
    /// Where the node stands in the source.
    public let extent: SourceExtent
    /// The method name; equal to the class name for a constructor.
    public let name: String
    /// Its attributes.
    public let attributes: [AttributeSyntax]
    /// Its type.
    public let returnType: TypeConstraintSyntax?
    /// Declared `static`.
    public let isStatic: Bool
    /// Declared `hidden`.
    public let isHidden: Bool
    /// Named as its class.
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
