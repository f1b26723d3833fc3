/// One thing that a script contains.
public struct ScriptFact: Sendable, Equatable {
    /// Where it stands in the source.
    public let extent: SourceExtent
    /// How many script blocks (function and method bodies included) are around it; 0 at the top level.
    public let depth: Int
    /// What it is.
    public let detail: Detail

    /// The kinds of facts.
    public enum Detail: Sendable, Equatable {
        /// A command.
        case command(CommandFact)
        /// An expression statement with redirections.
        case expression(redirections: [RedirectionFact])
        /// A mention of a type.
        case type(name: String, use: TypeUse)
        /// A member read; the name is nil when it is computed.
        case member(name: String?, isStatic: Bool, isNullConditional: Bool)
        /// A method call; the name is nil when it is computed.
        case call(CallFact)
        /// An index access.
        case index(value: FactValue, isNullConditional: Bool)
        /// A variable written by an assignment operator, `foreach`, `++` or `--`.
        case set(path: VariablePath, by: String)
        /// A member written; the name is nil when it is computed.
        case setMember(name: String?, isStatic: Bool)
        /// An element written.
        case setIndex
        /// Any other target of an assignment.
        case setOther
        /// A mention of a variable; `$true`, `$false` and `$null` are left out.
        case variable(path: VariablePath, isSplatted: Bool)
        /// A script block literal.
        case scriptBlock
        /// A hashtable literal with its number of entries.
        case hashtable(count: Int)
        /// A string with evaluated parts and their number.
        case expandableString(parts: Int)
        /// A constant string outside command elements and member names.
        case string(String)
        /// A number outside command elements.
        case number(FactNumber)
        /// An operator by the engine's token kind, with the number of operands.
        case `operator`(name: String, arity: Int)
        /// `&&` or `||`.
        case chain(ChainOperator, isBackground: Bool)
        /// A pipeline that a job runs.
        case background
        /// A function or filter definition.
        case function(name: String, isFilter: Bool)
        /// A class or enum definition.
        case typeDefinition(TypeDefinitionSyntax.Kind, name: String)
        /// A method definition.
        case method(name: String, isStatic: Bool)
        /// A property or enum value definition.
        case property(name: String, isStatic: Bool, hasInitialValue: Bool)
        /// A parameter declaration.
        case parameter(name: String, hasDefault: Bool)
        /// An alias defined by a command; nil where the text does not tell a constant.
        case alias(name: String?, value: String?)
        /// A named block.
        case block(NamedBlockSyntax.Kind)
        /// A `using` statement; the name is nil when a module specification is given instead.
        case using(UsingStatementSyntax.Kind, name: String?, specification: FactValue?)
        /// A `data` statement.
        case data(variable: String?, supportedCommands: [FactValue])
        /// A keyword statement; `flags` for `switch` only.
        case statement(name: String, flags: SwitchFlags?)
    }
}

/// What a type is mentioned for.
public enum TypeUse: String, Sendable {
    /// A type literal in an expression.
    case expression = "expr"
    /// A cast or the type constraint of a variable.
    case cast
    /// The type of a parameter.
    case parameter = "param"
    /// An attribute.
    case attribute = "attr"
    /// The type of a `catch`.
    case `catch`
    /// The type of a `trap`.
    case trap
    /// A base type.
    case base
    /// The type of a property.
    case property = "prop"
    /// Any other place: return types.
    case other
}

/// A command as the text shows it.
public struct CommandFact: Sendable, Equatable {
    /// The constant name, decoded; nil when the name is known at run time only.
    public let name: String?
    /// `&` or `.` before the name.
    public let invocation: InvocationOperator?
    /// The value in first place when ``name`` is nil.
    public let head: FactValue?
    /// Parameters and arguments in order, the name excluded.
    public let arguments: [ArgumentFact]
    /// The redirections in order.
    public let redirections: [RedirectionFact]
    /// The place in the pipeline, from 0.
    public let index: Int
    /// The number of elements of the pipeline.
    public let count: Int
}

/// A parameter or an argument of a command.
public enum ArgumentFact: Sendable, Equatable {
    /// `-Name` or `-Name:value`; the name without dash and colon, `-` for `--`.
    case parameter(String, value: FactValue?)
    /// A positional argument, or the value of the parameter before it: only the command itself can tell.
    case value(FactValue)
}

/// A redirection.
public enum RedirectionFact: Sendable, Equatable {
    /// Into a file.
    case file(RedirectionStream, target: FactValue, isAppending: Bool)
    /// Into the output stream.
    case merge(RedirectionStream)
}

/// A method call as the text shows it.
public struct CallFact: Sendable, Equatable {
    /// The constant name; nil when it is computed.
    public let name: String?
    /// Called on a type.
    public let isStatic: Bool
    /// Called with `?.`.
    public let isNullConditional: Bool
    /// The number of arguments.
    public let argumentCount: Int
    /// The generic arguments, by full name.
    public let genericArguments: [String]
}
