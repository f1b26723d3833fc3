/// A list of statements: between braces, in `$( )` and `@( )`, or the unnamed body of a script block.
public final class StatementBlockSyntax: Sendable {
    /// The node's extent in the source.
    public let extent: SourceExtent
    /// The statements in order, traps excluded.
    public let statements: [StatementSyntax]
    /// The traps of the list, which apply to all of it.
    public let traps: [TrapStatementSyntax]

    init(extent: SourceExtent, statements: [StatementSyntax], traps: [TrapStatementSyntax]) {
        self.extent = extent
        self.statements = statements
        self.traps = traps
    }
}

/// A script, a script block literal, or the body of a function or method.
public final class ScriptBlockSyntax: Sendable {
    /// The node's extent in the source.
    public let extent: SourceExtent
    /// The `using` statements; only scripts have any.
    public let usings: [UsingStatementSyntax]
    /// The `param( )` block.
    public let parameterBlock: ParameterBlockSyntax?
    /// The named blocks in source order; empty for a plain body.
    public let namedBlocks: [NamedBlockSyntax]
    /// The plain body; `nil` exactly when there are named blocks.
    public let body: StatementBlockSyntax?
    /// The classes and enumerations defined in the block, except those in nested blocks.
    public let definedTypes: [TypeDefinitionSyntax]

    init(
        extent: SourceExtent,
        usings: [UsingStatementSyntax],
        parameterBlock: ParameterBlockSyntax?,
        namedBlocks: [NamedBlockSyntax],
        body: StatementBlockSyntax?,
        definedTypes: [TypeDefinitionSyntax]
    ) {
        self.extent = extent
        self.usings = usings
        self.parameterBlock = parameterBlock
        self.namedBlocks = namedBlocks
        self.body = body
        self.definedTypes = definedTypes
    }
}

/// A named block such as `begin { }`.
public final class NamedBlockSyntax: Sendable {
    /// The node's extent in the source.
    public let extent: SourceExtent
    /// The kind of block.
    public let kind: Kind
    /// The block's statements.
    public let block: StatementBlockSyntax

    init(extent: SourceExtent, kind: Kind, block: StatementBlockSyntax) {
        self.extent = extent
        self.kind = kind
        self.block = block
    }

    /// The named blocks of a script block.
    public enum Kind: String, Sendable {
        /// Runs at binding time, before anything else.
        case dynamicparam
        /// Runs once before the first input object.
        case begin
        /// Runs for each input object.
        case process
        /// Runs once after the last input object.
        case end
        /// Runs last, in any case.
        case clean
    }
}

/// `[attributes] param( parameters )`.
public final class ParameterBlockSyntax: Sendable {
    /// The node's extent in the source.
    public let extent: SourceExtent
    /// The attributes before `param`.
    public let attributes: [AttributeSyntax]
    /// The parameters in order.
    public let parameters: [ParameterSyntax]

    init(extent: SourceExtent, attributes: [AttributeSyntax], parameters: [ParameterSyntax]) {
        self.extent = extent
        self.attributes = attributes
        self.parameters = parameters
    }
}

/// A parameter declaration.
public final class ParameterSyntax: Sendable {
    /// The node's extent in the source.
    public let extent: SourceExtent
    /// The parameter's name.
    public let variable: VariableExpressionSyntax
    /// The parameter's attributes and types in order.
    public let attributes: [AttributeBaseSyntax]
    /// The default value, which is evaluated when the parameter is not bound.
    public let defaultValue: ExpressionSyntax?

    init(
        extent: SourceExtent,
        variable: VariableExpressionSyntax,
        attributes: [AttributeBaseSyntax],
        defaultValue: ExpressionSyntax?
    ) {
        self.extent = extent
        self.variable = variable
        self.attributes = attributes
        self.defaultValue = defaultValue
    }
}

/// `using namespace|module|assembly name`.
public final class UsingStatementSyntax: Sendable {
    /// The node's extent in the source.
    public let extent: SourceExtent
    /// What the statement makes available.
    public let kind: Kind
    /// The name; `nil` when there is a module specification.
    public let name: StringConstantSyntax?
    /// The module specification.
    public let specification: HashtableSyntax?

    init(extent: SourceExtent, kind: Kind, name: StringConstantSyntax?, specification: HashtableSyntax?) {
        self.extent = extent
        self.kind = kind
        self.name = name
        self.specification = specification
    }

    /// What a `using` statement makes available.
    public enum Kind: String, Sendable {
        /// A namespace for type names.
        case namespace
        /// A module, which is imported before the script runs.
        case module
        /// An assembly, which is loaded before the script runs.
        case assembly
    }
}
