/// Literals, variables, groups and blocks.
extension Parser {
    /// Parses an operand without operators; `nil` when nothing that can start one follows.
    mutating func parsePrimary(withMemberAccess: Bool) throws(Stop) -> ExpressionSyntax? {
        let token = try nextToken()
        var expression: ExpressionSyntax
        switch token.kind {
        case .lParen: expression = try parseParen(token)
        case .atParen, .dollarParen: expression = try parseSubExpression(token)
        case .atCurly: expression = try parseHashtable(token)
        case .lCurly: expression = try parseScriptBlockExpression(token)
        default:
            guard let leaf = try parseLeaf(token, withMemberAccess: withMemberAccess) else { return nil }
            expression = leaf
        }
        guard withMemberAccess, !hasHeld else { return expression }
        if let access = try lexer.memberAccessOperator(allowsBracket: true) {
            expression = try parseAccesses(expression, startingWith: access)
        }
        return expression
    }

    /// Returns a primary that consists of a single token.
    @inline(never)
    private mutating func parseLeaf(_ token: Token, withMemberAccess: Bool) throws(Stop) -> ExpressionSyntax? {
        switch (token.kind, token.value) {
        case (.variable, .variable(let value)), (.splattedVariable, .variable(let value)):
            return try parseVariable(token, value.path, withMemberAccess: withMemberAccess)
        case (.number, .number(let value)):
            let text = lexer.string(token)
            return .number(keep(NumberConstantSyntax(extent: extent(token), text: text, value: value.value)))
        case (.stringExpandable, .string(let value)): return try parseQuoted(token, value, .doubleQuoted)
        case (.hereStringExpandable, .string(let value)): return try parseQuoted(token, value, .doubleQuotedHere)
        case (.stringLiteral, .string(let value)), (.hereStringLiteral, .string(let value)):
            return .string(keep(StringConstantSyntax(extent: extent(token), value: value.text)))
        default:
            unget(token)
            return nil
        }
    }

    private mutating func parseQuoted(
        _ token: Token, _ value: StringTokenValue, _ style: StringStyle
    ) throws(Stop) -> ExpressionSyntax {
        if value.parts.isEmpty {
            return .string(keep(StringConstantSyntax(extent: extent(token), value: value.text)))
        }
        return .expandableString(try parseExpandable(token, value, style))
    }

    /// Parses a variable; `$using:` includes the accesses that follow.
    private mutating func parseVariable(
        _ token: Token, _ path: VariablePath, withMemberAccess: Bool
    ) throws(Stop) -> ExpressionSyntax {
        let isSplatted = token.kind == .splattedVariable
        guard let drive = path.drive, ASCIIFold.equal(drive, "using") else {
            return .variable(
                keep(VariableExpressionSyntax(extent: extent(token), path: path, isSplatted: isSplatted)))
        }
        let inner = VariablePath(path.name)
        var expression = ExpressionSyntax.variable(
            keep(VariableExpressionSyntax(extent: extent(token), path: inner, isSplatted: isSplatted)))
        if withMemberAccess, !hasHeld, let access = try lexer.memberAccessOperator(allowsBracket: true) {
            expression = try parseAccesses(expression, startingWith: access)
        }
        return .using(keep(UsingExpressionSyntax(extent: expression.extent, expression: expression)))
    }

    /// Parses the `$( )` parts of an expandable string.
    mutating func parseExpandable(
        _ token: Token, _ value: StringTokenValue, _ style: StringStyle
    ) throws(Stop) -> ExpandableStringSyntax {
        try descend()
        let whole = extent(token)
        var parts: [ExpressionSyntax] = []
        var places: [Range<Int>] = []
        for nested in value.parts {
            switch nested.part {
            case .variable(let token):
                guard case .variable(let variable) = token.value else { continue }
                parts.append(try parseVariable(token, variable.path, withMemberAccess: false))
            case .subExpression(let text):
                let state = lexer.enter(text)
                guard let expression = try parsePrimary(withMemberAccess: true) else {
                    throw unexpected(held)
                }
                parts.append(expression)
                hasHeld = false
                lexer.leave(state)
            }
            places.append(nested.place)
        }
        ascend()
        return keep(
            ExpandableStringSyntax(extent: whole, value: value.text, style: style, parts: parts, places: places))
    }

    // MARK: Groups

    @inline(never)
    private mutating func parseParen(_ opening: Token) throws(Stop) -> ExpressionSyntax {
        let oldMode = lexer.mode
        let oldComma = commaSeparates
        setMode(.command)
        commaSeparates = false
        openGroups += 1
        try skipNewlines()
        guard let pipeline = try parsePipelineChain() else {
            throw failIncomplete("ExpectedExpression", at: extent(opening).after)
        }
        openGroups -= 1
        try skipNewlines()
        let closing = try nextToken()
        guard closing.kind == .rParen else {
            throw failIncomplete("MissingEndParenthesisInExpression", at: pipeline.extent.after)
        }
        commaSeparates = oldComma
        setMode(oldMode)
        let whole = extent(opening).through(extent(closing))
        return .paren(keep(ParenExpressionSyntax(extent: whole, pipeline: pipeline)))
    }

    @inline(never)
    private mutating func parseSubExpression(_ opening: Token) throws(Stop) -> ExpressionSyntax {
        let oldMode = lexer.mode
        let oldComma = commaSeparates
        setMode(.command)
        commaSeparates = false
        try skipNewlines()
        let start = lexer.position
        openGroups += 1
        let (statements, traps) = try parseStatements()
        openGroups -= 1
        let end = restorePoint
        try skipNewlines()
        let closing = try nextToken()
        guard closing.kind == .rParen else {
            throw failIncomplete("MissingEndParenthesisInSubexpression", at: extent(closing))
        }
        commaSeparates = oldComma
        setMode(oldMode)
        let whole = extent(opening).through(extent(closing))
        let block = keep(
            StatementBlockSyntax(extent: lexer.extent(start, end), statements: statements, traps: traps))
        return opening.kind == .dollarParen
            ? .sub(keep(SubExpressionSyntax(extent: whole, block: block)))
            : .array(keep(ArrayExpressionSyntax(extent: whole, block: block)))
    }

    @inline(never)
    private mutating func parseHashtable(_ opening: Token) throws(Stop) -> ExpressionSyntax {
        try skipNewlines()
        var entries: [HashtableEntrySyntax] = []
        while let entry = try parseHashtableEntry() {
            entries.append(entry)
            let follower = try peekKind()
            guard follower == .newLine || follower == .semi else { break }
            try skipNewlinesAndSemicolons()
        }
        let closing = try nextToken()
        guard closing.kind == .rCurly else {
            throw failIncomplete("MissingEndCurlyBrace", at: extent(opening).after, detected: closing)
        }
        let whole = extent(opening).through(extent(closing))
        return .hashtable(keep(HashtableSyntax(extent: whole, entries: entries)))
    }

    private mutating func parseHashtableEntry() throws(Stop) -> HashtableEntrySyntax? {
        let oldMode = lexer.mode
        setMode(.expression)
        guard let key = try parseLabelOrKey() else {
            setMode(oldMode)
            return nil
        }
        let equals = try nextToken()
        guard equals.kind == .equals else { throw fail("MissingEqualsInHashLiteral", at: key.extent.after) }
        setMode(.command)
        try skipNewlines()
        guard let value = try parseStatement() else {
            throw failIncomplete("MissingStatementInHashLiteral", at: extent(equals).after)
        }
        setMode(oldMode)
        return keep(HashtableEntrySyntax(key: key, value: value))
    }

    /// Parses a script block after its `{`.
    @inline(never)
    mutating func parseScriptBlockExpression(_ opening: Token) throws(Stop) -> ExpressionSyntax {
        let oldMode = lexer.mode
        let oldComma = commaSeparates
        commaSeparates = false
        setMode(.command)
        let block = try parseScriptBlock(opening: opening)
        commaSeparates = oldComma
        setMode(oldMode)
        return .scriptBlock(keep(ScriptBlockExpressionSyntax(extent: block.extent, scriptBlock: block)))
    }
}
