/// Statements.
extension Parser {
    /// Parses a statement; `nil` when nothing that can start one follows.
    mutating func parseStatement() throws(Stop) -> StatementSyntax? {
        try descend()
        let outer = height
        height = 0
        let statement = try parseStatementBody()
        try grow()
        height = max(outer, height)
        ascend()
        return statement
    }

    @inline(never)
    private mutating func parseStatementBody() throws(Stop) -> StatementSyntax? {
        let token = try nextToken()
        if token.kind == .generic || token.kind.isKeyword || token.kind == .label {
            return try parseKeywordStatement(token)
        }
        unget(token)
        return token.kind == .endOfInput ? nil : try parsePipelineChain()
    }

    @inline(never)
    private mutating func parseKeywordStatement(_ first: Token) throws(Stop) -> StatementSyntax? {
        var token = first
        var attributes: [AttributeBaseSyntax] = []
        let restore = Int(first.start)
        if token.kind == .generic, lexer.text.units[restore] == 0x5B {
            (attributes, token) = try parseLeadingAttributes(restore)
        }
        switch token.kind {
        case .if: return .if(try parseIf(token))
        case .switch: return .switch(try parseSwitch(token, label: nil))
        case .foreach: return .forEach(try parseForEach(token, label: nil))
        case .for: return .for(try parseFor(token, label: nil))
        case .while: return .while(try parseWhile(token, label: nil))
        case .do: return .do(try parseDo(token, label: nil))
        case .function, .filter, .workflow: return .function(try parseFunction(token))
        case .return: return .flow(try parseFlow(token, .return))
        case .throw: return .flow(try parseFlow(token, .throw))
        case .exit: return .flow(try parseFlow(token, .exit))
        case .break: return .jump(try parseJump(token, .break))
        case .continue: return .jump(try parseJump(token, .continue))
        case .trap: return .trap(try parseTrap(token))
        case .try: return .try(try parseTry(token))
        case .data: return .data(try parseData(token))
        case .class, .enum:
            let isClass = token.kind == .class
            let type = isClass ? try parseClass(token, attributes) : try parseEnum(token, attributes)
            definedTypes.append(type)
            return .type(type)
        case .label:
            try skipNewlines()
            return try parseLabeled(token)
        case .from, .define, .var: throw fail("ReservedKeywordNotAllowed", at: extent(token))
        case .parallel, .sequence:
            guard try parseStatementBlock() != nil else {
                throw failIncomplete("MissingStatementAfterKeyword", at: extent(token).after)
            }
            throw fail("UnexpectedKeyword", at: extent(token))
        case .configuration: throw try refuseConfiguration(token)
        case .using:
            try refuseUsing(token)
            throw fail("UsingMustBeAtStartOfScript", at: extent(token))
        default:
            if attributes.isEmpty { unget(token) } else { resync(restore) }
            return try parsePipelineChain()
        }
    }

    /// Parses the attributes and types at the start of a statement; returns them with the token after them. Unless they
    /// belong to a definition they start an expression and will be parsed again.
    private mutating func parseLeadingAttributes(
        _ restore: Int
    ) throws(Stop) -> ([AttributeBaseSyntax], Token) {
        resync(restore)
        let attributes = try parseAttributes(inExpression: false)
        let token = try nextToken()
        guard let first = attributes.first else { return ([], token) }
        let types = attributes.filter { if case .typeConstraint = $0 { true } else { false } }
        if token.kind.refusesAttributes {
            guard !types.isEmpty else { throw fail("UnexpectedAttribute", at: first.extent) }
        } else if token.kind.isKeyword {
            if let type = types.first { throw fail("TypeNotAllowedBeforeStatement", at: type.extent) }
            return (attributes, token)
        } else if token.kind == .endOfInput {
            return (attributes, Token(kind: .generic, start: Int32(restore), end: Int32(restore)))
        }
        resync(restore)
        return (attributes, try nextToken())
    }

    private mutating func parseLabeled(_ labelToken: Token) throws(Stop) -> StatementSyntax? {
        let token = try nextToken()
        guard case .string(let label) = labelToken.value else { return nil }
        switch token.kind {
        case .switch: return .switch(try parseSwitch(token, label: label.text, from: labelToken))
        case .foreach: return .forEach(try parseForEach(token, label: label.text, from: labelToken))
        case .for: return .for(try parseFor(token, label: label.text, from: labelToken))
        case .while: return .while(try parseWhile(token, label: label.text, from: labelToken))
        case .do: return .do(try parseDo(token, label: label.text, from: labelToken))
        default:
            // This is a command whose name starts with a colon.
            resync(Int(labelToken.start))
            return try parsePipelineChain()
        }
    }

    private mutating func parseFlow(_ token: Token, _ kind: FlowStatementSyntax.Kind) throws(Stop)
        -> FlowStatementSyntax
    {
        let value = try parsePipelineChain()
        let whole = extent(token).through(value?.extent ?? extent(token))
        return keep(FlowStatementSyntax(extent: whole, kind: kind, value: value))
    }

    private mutating func parseJump(_ token: Token, _ kind: JumpStatementSyntax.Kind) throws(Stop)
        -> JumpStatementSyntax
    {
        let label = try parseLabelOrKey()
        let whole = extent(token).through(label?.extent ?? extent(token))
        return keep(JumpStatementSyntax(extent: whole, kind: kind, label: label))
    }

    /// Parses the label of a jump or the key of a hashtable entry: an identifier or a unary expression.
    mutating func parseLabelOrKey() throws(Stop) -> ExpressionSyntax? {
        if let name = try parseSimpleName() { return .string(name) }
        let kind = try peekKind()
        if kind == .newLine || kind == .semi { return nil }
        let oldComma = commaSeparates
        commaSeparates = true
        let expression = try parseUnary(inTernary: false)
        commaSeparates = oldComma
        return expression
    }

    private mutating func parseTrap(_ token: Token) throws(Stop) -> TrapStatementSyntax {
        let restore = restorePoint
        try skipNewlines()
        var type: TypeConstraintSyntax?
        switch try parseAttribute() {
        case .typeConstraint(let constraint)?: type = constraint
        case .attribute?: resync(restore)
        case nil: break
        }
        guard let body = try parseStatementBlock() else {
            throw failIncomplete("MissingTrapStatement", at: (type?.extent ?? extent(token)).after)
        }
        return keep(TrapStatementSyntax(extent: extent(token).through(body.extent), type: type, body: body))
    }

    private mutating func parseTry(_ token: Token) throws(Stop) -> TryStatementSyntax {
        try skipNewlines()
        guard let body = try parseStatementBlock() else {
            throw failIncomplete("MissingTryStatementBlock", at: extent(token).after)
        }
        var clauses: [CatchClauseSyntax] = []
        while let clause = try parseCatch() { clauses.append(clause) }
        try skipNewlines()
        var finallyBody: StatementBlockSyntax?
        let keyword = try peekToken()
        if keyword.kind == .finally {
            skipToken()
            finallyBody = try parseStatementBlock()
            guard finallyBody != nil else {
                throw failIncomplete("MissingFinallyStatementBlock", at: extent(keyword).after)
            }
        }
        guard let end = finallyBody?.extent ?? clauses.last?.extent else {
            throw failIncomplete("MissingCatchOrFinally", at: body.extent.after)
        }
        return keep(
            TryStatementSyntax(
                extent: extent(token).through(end), body: body, catchClauses: clauses, finallyBody: finallyBody))
    }

    private mutating func parseCatch() throws(Stop) -> CatchClauseSyntax? {
        try skipNewlines()
        let token = try nextToken()
        guard token.kind == .catch else {
            unget(token)
            return nil
        }
        var types: [TypeConstraintSyntax] = []
        var comma: Token?
        while true {
            let restore = restorePoint
            try skipNewlines()
            guard let attribute = try parseAttribute() else {
                if let comma { throw failIncomplete("MissingTypeLiteralToken", at: extent(comma).after) }
                break
            }
            guard case .typeConstraint(let type) = attribute else {
                resync(restore)
                break
            }
            types.append(type)
            try skipNewlines()
            let separator = try peekToken()
            guard separator.kind == .comma else { break }
            comma = separator
            skipToken()
        }
        guard let body = try parseStatementBlock() else {
            throw failIncomplete("MissingCatchHandlerBlock", at: (types.last?.extent ?? extent(token)).after)
        }
        return keep(CatchClauseSyntax(extent: extent(token).through(body.extent), types: types, body: body))
    }

    private mutating func parseData(_ token: Token) throws(Stop) -> DataStatementSyntax {
        try skipNewlines()
        let name = try parseSimpleName()
        try skipNewlines()
        var commands: [ExpressionSyntax] = []
        let parameter = try peekToken()
        if parameter.kind == .parameter {
            skipToken()
            guard isParameter(parameter, "supportedcommand") else {
                throw fail("InvalidParameterForDataSectionStatement", at: extent(parameter))
            }
            var separator = parameter
            repeat {
                try skipNewlines()
                guard let command = try parseSingleArgument(.commandName) else {
                    let id = "MissingValueForSupportedCommandInDataSectionStatement"
                    throw failIncomplete(id, at: extent(separator).after)
                }
                commands.append(command)
                separator = try peekToken()
                if separator.kind == .comma { skipToken() }
            } while separator.kind == .comma
        }
        guard let body = try parseStatementBlock() else {
            let end = commands.last?.extent ?? name?.extent ?? extent(token)
            throw failIncomplete("MissingStatementBlockForDataSection", at: end.after)
        }
        return keep(
            DataStatementSyntax(
                extent: extent(token).through(body.extent), variable: name?.value, supportedCommands: commands,
                body: body))
    }

    /// Returns whether a parameter token abbreviates a name.
    mutating func isParameter(_ token: Token, _ name: String) -> Bool {
        guard case .parameter(let parameter) = token.value else { return false }
        return ASCIIFold.hasPrefix(name, parameter.name)
    }

    /// Rejects a configuration, which would make the engine load resource definitions and run code while parsing.
    private mutating func refuseConfiguration(_ token: Token) throws(Stop) -> Stop {
        try skipNewlines()
        let name = try nextToken()
        if [.lCurly, .endOfInput, .comma].contains(name.kind) {
            return failIncomplete("MissingConfigurationName", at: extent(name).after)
        }
        return fail("ConfigurationNotSupported", at: extent(token))
    }
}
