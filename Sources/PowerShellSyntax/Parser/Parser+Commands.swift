/// Commands and their arguments.
extension Parser {
    /// The purpose for which an argument is parsed.
    enum ArgumentContext {
        case commandName, commandNameBehindOperator, fileName, commandArgument, switchCondition
    }

    /// Parses a command; `nil` when nothing that can start one follows.
    mutating func parseCommand() throws(Stop) -> CommandSyntax? {
        let oldMode = lexer.mode
        setMode(.command)
        let first = try nextToken()
        var token = first
        var invocation: InvocationOperator?
        var context = ArgumentContext.commandName
        if first.kind == .dot || first.kind == .ampersand {
            invocation = first.kind == .dot ? .dot : .call
            token = try nextToken()
            context = .commandNameBehindOperator
        }
        var elements: [CommandElementSyntax] = []
        elements.reserveCapacity(4)
        var redirections: [RedirectionSyntax] = []
        var end = extent(first)
        var sawDashDash = false
        scanning: while true {
            switch token.kind {
            case .pipe, .rCurly, .rParen, .endOfInput, .newLine, .semi, .andAnd, .orOr, .ampersand:
                unget(token)
                break scanning
            case .minusMinus:
                end = extent(token)
                // The first `--` is a parameter to the binder, every further one an argument.
                elements.append(
                    sawDashDash
                        ? .argument(bareWord(token))
                        : .parameter(
                            keep(CommandParameterSyntax(extent: end, name: "-", argument: nil, nameExtent: end))))
                sawDashDash = true
            case .comma: throw fail("MissingArgument", at: extent(token))
            case .parameter where context == .commandArgument && !sawDashDash:
                let parameter = try parseCommandParameter(token)
                end = parameter.extent
                elements.append(.parameter(parameter))
            case .parameter:
                end = extent(token)
                elements.append(.argument(bareWord(token)))
            case .redirection, .mergingRedirection, .redirectInput:
                if context == .commandArgument {
                    end = try parseRedirection(token, into: &redirections)
                } else {
                    // In first place, an arrow is the name of the command.
                    end = extent(token)
                    elements.append(.argument(bareWord(token)))
                }
            default:
                guard let argument = try parseArgument(context, token) else { throw unexpected(token) }
                end = argument.extent
                elements.append(.argument(argument))
                if isVerbatimMark(token), !hasHeld || held.kind == .parameter {
                    // Like the engine, this drops a parameter that was peeked at.
                    hasHeld = false
                    let rest = try lexer.scanVerbatim()
                    end = extent(rest)
                    elements.append(.argument(.string(constant(rest))))
                    break scanning
                }
            }
            context = .commandArgument
            token = try nextToken()
        }
        setMode(oldMode)
        guard !elements.isEmpty else {
            if invocation != nil { throw fail("MissingExpression", at: extent(first)) }
            return nil
        }
        return keep(
            CommandSyntax(
                extent: extent(first).through(end), invocation: invocation, elements: elements,
                redirections: redirections))
    }

    private mutating func isVerbatimMark(_ token: Token) -> Bool {
        guard case .string(let value) = token.value else { return false }
        return value.text == "--%"
    }

    private mutating func parseCommandParameter(_ token: Token) throws(Stop) -> CommandParameterSyntax {
        guard case .parameter(let value) = token.value else { throw unexpected(token) }
        var argument: ExpressionSyntax?
        var whole = extent(token)
        if value.usedColon, try peekKind() != .comma {
            argument = try parseArgument(.commandArgument, try nextToken())
            guard let argument else { throw fail("ParameterRequiresArgument", at: whole.after) }
            whole = whole.through(argument.extent)
        }
        return keep(
            CommandParameterSyntax(extent: whole, name: value.name, argument: argument, nameExtent: extent(token)))
    }

    /// Returns the text of a token as a constant.
    private mutating func bareWord(_ token: Token) -> ExpressionSyntax {
        .string(keep(StringConstantSyntax(extent: extent(token), value: lexer.string(token), style: .bareWord)))
    }

    /// Returns the value of a generic word as a constant.
    private mutating func constant(_ token: Token) -> StringConstantSyntax {
        var value = ""
        if case .string(let string) = token.value { value = string.text }
        return keep(StringConstantSyntax(extent: extent(token), value: value, style: .bareWord))
    }

    /// Parses one argument outside a command; `nil` when none follows.
    mutating func parseSingleArgument(_ context: ArgumentContext) throws(Stop) -> ExpressionSyntax? {
        let kind = try peekKind()
        if kind == .comma || kind == .endOfInput { return nil }
        let oldMode = lexer.mode
        setMode(.command)
        let argument = try parseArgument(context, try nextToken())
        setMode(oldMode)
        return argument
    }

    /// Parses an argument after its first token; for command arguments, several joined by commas.
    mutating func parseArgument(_ context: ArgumentContext, _ first: Token) throws(Stop) -> ExpressionSyntax? {
        var isVerbatim = false
        guard let argument = try parseArgumentElement(context, first, &isVerbatim) else { return nil }
        guard context == .commandArgument, !isVerbatim, try peekKind() == .comma else { return argument }
        var elements = [argument]
        while !isVerbatim {
            let comma = try peekToken()
            guard comma.kind == .comma else { break }
            skipToken()
            try skipNewlines()
            guard let element = try parseArgumentElement(context, try nextToken(), &isVerbatim) else {
                throw failIncomplete("MissingExpression", at: extent(comma).after)
            }
            elements.append(element)
        }
        let whole = argument.extent.through(elements[elements.count - 1].extent)
        return .arrayLiteral(keep(ArrayLiteralSyntax(extent: whole, elements: elements)))
    }

    private mutating func parseArgumentElement(
        _ context: ArgumentContext, _ token: Token, _ isVerbatim: inout Bool
    ) throws(Stop) -> ExpressionSyntax? {
        switch token.kind {
        case .pipe, .rCurly, .rParen, .endOfInput, .newLine, .semi, .redirection, .mergingRedirection, .redirectInput,
            .andAnd, .orOr, .ampersand, .minusMinus, .comma:
            unget(token)
            return nil
        case .splattedVariable, .variable, .number, .hereStringExpandable, .stringExpandable, .hereStringLiteral,
            .stringLiteral, .lParen, .dollarParen, .atParen, .atCurly, .lCurly:
            unget(token)
            return try parseArgumentPrimary()
        case .generic:
            guard case .string(let value) = token.value else { return nil }
            if !value.parts.isEmpty, context != .commandName {
                return .expandableString(try parseExpandable(token, value, .bareWord))
            }
            isVerbatim = value.text == "--%"
            return .string(constant(token))
        default:
            return bareWord(token)
        }
    }

    private mutating func parseArgumentPrimary() throws(Stop) -> ExpressionSyntax? {
        try descend()
        let outer = height
        height = 0
        let expression = try parsePrimary(withMemberAccess: true)
        try grow()
        height = max(outer, height)
        ascend()
        return expression
    }
}
