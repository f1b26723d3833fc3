/// A list of statements: between braces, in `$( )` and `@( )`, or the unnamed body of a script block.
package final class StatementBlockSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The statements in order, traps excluded.
    package let statements: [StatementSyntax]
    /// The traps of the list, which apply to all of it.
    package let traps: [TrapStatementSyntax]

    init(extent: SourceExtent, statements: [StatementSyntax], traps: [TrapStatementSyntax]) {
        self.extent = extent
        self.statements = statements
        self.traps = traps
    }

    /// The expression, if the block consists of nothing else.
    package var pureExpression: ExpressionSyntax? {
        traps.isEmpty && statements.count == 1 ? statements[0].pureExpression : nil
    }
}

/// A script, a script block literal, or the body of a function or method.
package final class ScriptBlockSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The `using` statements; only scripts have any.
    package let usings: [UsingStatementSyntax]
    /// The `param( )` block.
    package let parameterBlock: ParameterBlockSyntax?
    /// The named blocks in source order; empty for a plain body.
    package let namedBlocks: [NamedBlockSyntax]
    /// The plain body; `nil` exactly when there are named blocks.
    package let body: StatementBlockSyntax?
    /// The classes and enumerations defined in the block, except those in nested blocks.
    package let definedTypes: [TypeDefinitionSyntax]

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
package final class NamedBlockSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The kind of block.
    package let kind: Kind
    /// The block's statements.
    package let block: StatementBlockSyntax

    init(extent: SourceExtent, kind: Kind, block: StatementBlockSyntax) {
        self.extent = extent
        self.kind = kind
        self.block = block
    }

    /// The named blocks of a script block.
    package enum Kind: String, Sendable {
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
package final class ParameterBlockSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The attributes before `param`.
    package let attributes: [AttributeSyntax]
    /// The parameters in order.
    package let parameters: [ParameterSyntax]

    init(extent: SourceExtent, attributes: [AttributeSyntax], parameters: [ParameterSyntax]) {
        self.extent = extent
        self.attributes = attributes
        self.parameters = parameters
    }
}

/// A parameter declaration.
package final class ParameterSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The parameter's name.
    package let variable: VariableExpressionSyntax
    /// The parameter's attributes and types in order.
    package let attributes: [AttributeBaseSyntax]
    /// The default value, which is evaluated when the parameter is not bound.
    package let defaultValue: ExpressionSyntax?

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
package final class UsingStatementSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The kind of thing that the statement makes available.
    package let kind: Kind
    /// The name; `nil` when there is a module specification.
    package let name: StringConstantSyntax?
    /// The module specification.
    package let specification: HashtableSyntax?

    init(extent: SourceExtent, kind: Kind, name: StringConstantSyntax?, specification: HashtableSyntax?) {
        self.extent = extent
        self.kind = kind
        self.name = name
        self.specification = specification
    }

    /// The kinds of things that a `using` statement makes available.
    package enum Kind: String, Sendable {
        /// A namespace for type names.
        case namespace
        /// A module, which is imported before the script runs.
        case module
        /// An assembly, which is loaded before the script runs.
        case assembly
    }
}
