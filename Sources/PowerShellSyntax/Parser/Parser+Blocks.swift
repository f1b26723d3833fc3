/// Scripts, script blocks and statement lists.
extension Parser {
    /// Parses a whole script.
    mutating func parseScript() throws(Stop) -> ScriptBlockSyntax {
        lexer.mode = .command
        return try parseScriptBlock(opening: nil)
    }

    /// Parses the contents of a script block after its `{`, including the `}`; or a whole script.
    mutating func parseScriptBlock(opening: Token?) throws(Stop) -> ScriptBlockSyntax {
        let outerTypes = definedTypes
        definedTypes = []
        if opening != nil { openGroups += 1 }
        let block = try parseScriptBlockContent(opening: opening)
        if opening != nil { openGroups -= 1 }
        definedTypes = outerTypes
        return block
    }

    private mutating func parseScriptBlockContent(opening: Token?) throws(Stop) -> ScriptBlockSyntax {
        try skipNewlines()
        let usings = opening == nil ? try parseUsings() : []
        let restore = restorePoint
        let parameterBlock = try parseParameterBlock()
        if parameterBlock == nil { resync(restore) }
        try skipNewlinesAndSemicolons()
        if try peekKind().isBlockName {
            return try parseNamedBlocks(opening: opening, usings: usings, parameterBlock: parameterBlock)
        }
        let start = restorePoint
        let (statements, traps) = try parseStatements()
        let bodyEnd = restorePoint
        let extent = try finishScriptBlock(opening: opening)
        let body = keep(
            StatementBlockSyntax(extent: lexer.extent(start, bodyEnd), statements: statements, traps: traps))
        return keep(
            ScriptBlockSyntax(
                extent: extent, usings: usings, parameterBlock: parameterBlock, namedBlocks: [], body: body,
                definedTypes: definedTypes))
    }

    /// Parses the end of a script block.
    /// - Returns: the extent of the whole block.
    private mutating func finishScriptBlock(opening: Token?) throws(Stop) -> SourceExtent {
        let end = try nextToken()
        guard let opening else {
            guard end.kind == .endOfInput else { throw unexpected(end) }
            return SourceExtent(start: 0, end: lexer.text.end)
        }
        guard end.kind == .rCurly else {
            throw failIncomplete("MissingEndCurlyBrace", at: extent(opening), detected: end)
        }
        return extent(opening).through(extent(end))
    }

    private mutating func parseNamedBlocks(
        opening: Token?, usings: [UsingStatementSyntax], parameterBlock: ParameterBlockSyntax?
    ) throws(Stop) -> ScriptBlockSyntax {
        var blocks: [NamedBlockSyntax] = []
        while true {
            let token = try nextToken()
            let kind: NamedBlockSyntax.Kind
            switch token.kind {
            case .rCurly, .endOfInput:
                unget(token)
                let extent = try finishScriptBlock(opening: opening)
                return keep(
                    ScriptBlockSyntax(
                        extent: extent, usings: usings, parameterBlock: parameterBlock, namedBlocks: blocks, body: nil,
                        definedTypes: definedTypes))
            case .dynamicparam: kind = .dynamicparam
            case .begin: kind = .begin
            case .process: kind = .process
            case .end: kind = .end
            case .clean: kind = .clean
            default: throw fail("MissingNamedBlocks", at: extent(token))
            }
            guard let block = try parseStatementBlock() else {
                throw failIncomplete("MissingNamedStatementBlock", at: extent(token).after)
            }
            let extent = extent(token).through(block.extent)
            guard !blocks.contains(where: { $0.kind == kind }) else {
                throw fail("DuplicateScriptCommandClause", at: extent)
            }
            blocks.append(keep(NamedBlockSyntax(extent: extent, kind: kind, block: block)))
            try skipNewlinesAndSemicolons()
        }
    }

    /// Parses `{ statements }`; `nil` when no `{` follows.
    mutating func parseStatementBlock() throws(Stop) -> StatementBlockSyntax? {
        try skipNewlines()
        let opening = try nextToken()
        guard opening.kind == .lCurly else {
            unget(opening)
            return nil
        }
        openGroups += 1
        let (statements, traps) = try parseStatements()
        openGroups -= 1
        let end = try nextToken()
        guard end.kind == .rCurly else {
            throw failIncomplete("MissingEndCurlyBrace", at: extent(opening), detected: end)
        }
        let whole = extent(opening).through(extent(end))
        return keep(StatementBlockSyntax(extent: whole, statements: statements, traps: traps))
    }

    /// Parses statements up to something else.
    mutating func parseStatements() throws(Stop) -> ([StatementSyntax], [TrapStatementSyntax]) {
        var statements: [StatementSyntax] = []
        var traps: [TrapStatementSyntax] = []
        try skipNewlinesAndSemicolons()
        while let statement = try parseStatement() {
            if let signature = lexer.signatureStart, signature < statement.extent.start {
                throw fail("TokenAfterEndOfValidScriptText", at: statement.extent)
            }
            if case .trap(let trap) = statement { traps.append(trap) } else { statements.append(statement) }
            try skipNewlinesAndSemicolons()
            let kind = try peekKind()
            if kind == .rParen || kind == .rCurly { break }
        }
        return (statements, traps)
    }

    // MARK: Parameters

    /// Parses `[attributes] param( )`; `nil` when something else follows, some of which may have been read.
    private mutating func parseParameterBlock() throws(Stop) -> ParameterBlockSyntax? {
        try skipNewlines()
        // Only `[` or the keyword itself can start the block.
        if !hasHeld, ![0x5B, 0x50, 0x70].contains(lexer.peek()) { return nil }
        let candidates = try parseAttributes(inExpression: false)
        try skipNewlines()
        let keyword = try peekToken()
        guard keyword.kind == .param else { return nil }
        skipToken()
        try skipNewlines()
        let opening = try nextToken()
        guard opening.kind == .lParen else {
            // This is a command named `param`.
            unget(opening)
            return nil
        }
        openGroups += 1
        let parameters = try parseParameters()
        openGroups -= 1
        try skipNewlines()
        let end = try nextToken()
        guard end.kind == .rParen else {
            let place = parameters.last?.extent ?? extent(opening)
            throw failIncomplete("MissingEndParenthesisInFunctionParameterList", at: place.after)
        }
        var attributes: [AttributeSyntax] = []
        for candidate in candidates {
            guard case .attribute(let attribute) = candidate else {
                throw fail("TypeNotAllowedBeforeParam", at: candidate.extent)
            }
            attributes.append(attribute)
        }
        let whole = extent(keyword).through(extent(end))
        return keep(ParameterBlockSyntax(extent: whole, attributes: attributes, parameters: parameters))
    }

    /// Parses parameter declarations separated by commas.
    mutating func parseParameters() throws(Stop) -> [ParameterSyntax] {
        var parameters: [ParameterSyntax] = []
        var comma: Token?
        while true {
            guard let parameter = try parseParameter() else {
                if let comma { throw failIncomplete("MissingExpressionAfterToken", at: extent(comma).after) }
                return parameters
            }
            parameters.append(parameter)
            try skipNewlines()
            let token = try peekToken()
            guard token.kind == .comma else { return parameters }
            comma = token
            skipToken()
        }
    }

    private mutating func parseParameter() throws(Stop) -> ParameterSyntax? {
        let oldComma = commaSeparates
        let oldMode = lexer.mode
        commaSeparates = true
        setMode(.expression)
        try skipNewlines()
        let attributes = try parseAttributes(inExpression: false)
        try skipNewlines()
        let token = try nextToken()
        guard token.kind == .variable || token.kind == .splattedVariable, case .variable(let value) = token.value else {
            unget(token)
            if let last = attributes.last { throw failIncomplete("InvalidFunctionParameter", at: last.extent.after) }
            commaSeparates = oldComma
            setMode(oldMode)
            return nil
        }
        try skipNewlines()
        let equals = try peekToken()
        var defaultValue: ExpressionSyntax?
        if equals.kind == .equals {
            skipToken()
            try skipNewlines()
            defaultValue = try parseExpression(false)
            guard defaultValue != nil else {
                throw failIncomplete("MissingExpressionAfterToken", at: extent(equals).after)
            }
        }
        commaSeparates = oldComma
        setMode(oldMode)
        let variable = keep(
            VariableExpressionSyntax(
                extent: extent(token), path: value.path, isSplatted: token.kind == .splattedVariable))
        let whole = (attributes.first?.extent ?? variable.extent).through(defaultValue?.extent ?? variable.extent)
        return keep(
            ParameterSyntax(extent: whole, variable: variable, attributes: attributes, defaultValue: defaultValue))
    }
}
