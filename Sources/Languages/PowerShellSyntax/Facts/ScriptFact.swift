/// A fact about a script: one thing that it contains.
package struct ScriptFact: Sendable, Equatable {
    /// The fact's extent in the source.
    package let extent: SourceExtent
    /// The number of enclosing script blocks, including function and method bodies; 0 at the top level.
    package let depth: Int
    /// The kind of fact, with its details.
    package let detail: Detail

    /// The kinds of facts.
    package enum Detail: Sendable, Equatable {
        /// A command.
        case command(CommandFact)
        /// An expression statement with redirections.
        case expression(redirections: [RedirectionFact])
        /// A reference to a type.
        case type(name: String, use: TypeUse)
        /// A read of a member; the name is `nil` when it is computed.
        case member(name: String?, isStatic: Bool, isNullConditional: Bool)
        /// A method call; the name is `nil` when it is computed.
        case call(CallFact)
        /// An index access.
        case index(value: FactValue, isNullConditional: Bool)
        /// A write to a variable by an assignment operator, `foreach`, `++` or `--`.
        case set(path: VariablePath, by: String)
        /// A write to a member; the name is `nil` when it is computed.
        case setMember(name: String?, isStatic: Bool)
        /// A write to an element.
        case setIndex
        /// Any other target of an assignment.
        case setOther
        /// A reference to a variable, except `$true`, `$false` and `$null`.
        case variable(path: VariablePath, isSplatted: Bool)
        /// A script block literal.
        case scriptBlock
        /// A hashtable literal with the number of its entries.
        case hashtable(count: Int)
        /// An expandable string with the number of its evaluated parts.
        case expandableString(parts: Int)
        /// A constant string other than a command element or a member name.
        case string(String)
        /// A number other than a command element.
        case number(FactNumber)
        /// An operator, by the name of the engine's token kind, with the number of its operands.
        case `operator`(name: String, arity: Int)
        /// `&&` or `||`.
        case chain(ChainOperator, isBackground: Bool)
        /// A pipeline that runs as a background job.
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
        /// An alias that a command defines; `nil` for whatever isn't a constant in the text.
        case alias(name: String?, value: String?)
        /// A named block.
        case block(NamedBlockSyntax.Kind)
        /// A `using` statement; the name is `nil` when it has a module specification instead.
        case using(UsingStatementSyntax.Kind, name: String?, specification: FactValue?)
        /// A `data` statement.
        case data(variable: String?, supportedCommands: [FactValue])
        /// A keyword statement; `flags` only for `switch`.
        case statement(name: String, flags: SwitchFlags?)
    }
}

/// The purpose of a reference to a type.
package enum TypeUse: String, Sendable {
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
    /// Any other use: return types.
    case other
}

/// A command as written.
package struct CommandFact: Sendable, Equatable {
    /// The constant name, decoded; `nil` when it is known only at run time.
    package let name: String?
    /// `&` or `.` before the name.
    package let invocation: InvocationOperator?
    /// The value in the place of the name when ``name`` is `nil`.
    package let head: FactValue?
    /// The parameters and arguments in order, without the name.
    package let arguments: [ArgumentFact]
    /// The redirections in order.
    package let redirections: [RedirectionFact]
    /// The command's index in the pipeline, counted from 0.
    package let index: Int
    /// The number of elements in the pipeline.
    package let count: Int

    /// Returns the value behind the first parameter that is meant; `nil` if there is none.
    /// - Parameter isMeant: whether a parameter, by its name in lower case, is meant.
    package func value(of isMeant: (String) -> Bool) -> FactValue? {
        for (place, argument) in arguments.enumerated() {
            guard case .parameter(let name, let value) = argument, isMeant(name.lowercased()) else { continue }
            if let value { return value }
            guard place + 1 < arguments.count, case .value(let next) = arguments[place + 1] else { continue }
            return next
        }
        return nil
    }
}

/// A parameter or an argument of a command.
package enum ArgumentFact: Sendable, Equatable {
    /// `-Name` or `-Name:value`; the name without its dash and colon, `-` for `--`.
    case parameter(String, value: FactValue?)
    /// A positional argument or the value of the preceding parameter, which only the command's declaration can tell.
    case value(FactValue)
}

/// A redirection.
package enum RedirectionFact: Sendable, Equatable {
    /// To a file.
    case file(RedirectionStream, target: FactValue, isAppending: Bool)
    /// To the output stream.
    case merge(RedirectionStream)
}

/// A method call as written.
package struct CallFact: Sendable, Equatable {
    /// The constant name; `nil` when it is computed.
    package let name: String?
    /// Whether the method is called on a type.
    package let isStatic: Bool
    /// Whether the method is called with `?.`.
    package let isNullConditional: Bool
    /// The number of arguments.
    package let argumentCount: Int
    /// The generic arguments, by full name.
    package let genericArguments: [String]
}
