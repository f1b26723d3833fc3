/// Conditions and loops.
extension Parser {
    mutating func parseIf(_ token: Token) throws(Stop) -> IfStatementSyntax {
        var clauses: [ConditionClauseSyntax] = []
        var keyword = token
        var end = extent(token)
        while true {
            try skipNewlines()
            let opening = try nextToken()
            guard opening.kind == .lParen else {
                throw failIncomplete("MissingOpenParenthesisInIfStatement", at: extent(keyword).after)
            }
            try skipNewlines()
            openGroups += 1
            guard let condition = try parsePipelineChain() else {
                throw failIncomplete("IfStatementMissingCondition", at: extent(opening).after)
            }
            openGroups -= 1
            try skipNewlines()
            let closing = try nextToken()
            guard closing.kind == .rParen else {
                throw failIncomplete("MissingEndParenthesisAfterStatement", at: extent(closing))
            }
            try skipNewlines()
            guard let body = try parseStatementBlock() else {
                throw failIncomplete("MissingStatementBlock", at: extent(closing))
            }
            end = body.extent
            clauses.append(keep(ConditionClauseSyntax(condition: condition, body: body)))
            let restore = restorePoint
            try skipNewlines()
            keyword = try peekToken()
            if keyword.kind == .elseif {
                skipToken()
                continue
            }
            guard keyword.kind == .else else {
                // The line ends may separate the entries of a hashtable in which this statement is a value.
                resync(restore)
                break
            }
            skipToken()
            try skipNewlines()
            guard let elseBody = try parseStatementBlock() else {
                throw failIncomplete("MissingStatementBlockAfterElse", at: extent(keyword).after)
            }
            return keep(
                IfStatementSyntax(
                    extent: extent(token).through(elseBody.extent), clauses: clauses, elseBody: elseBody))
        }
        return keep(IfStatementSyntax(extent: extent(token).through(end), clauses: clauses, elseBody: nil))
    }

    // MARK: Switch

    mutating func parseSwitch(_ token: Token, label: String?, from first: Token? = nil) throws(Stop)
        -> SwitchStatementSyntax
    {
        var end = extent(first ?? token)
        try skipNewlines()
        var flags: SwitchFlags = []
        var condition: StatementSyntax?
        while try peekKind() == .parameter {
            let parameter = try nextToken()
            end = extent(parameter)
            if isParameter(parameter, "regex") {
                flags.insert(.regex)
                flags.remove(.wildcard)
            } else if isParameter(parameter, "wildcard") {
                flags.insert(.wildcard)
                flags.remove(.regex)
            } else if isParameter(parameter, "exact") {
                flags.subtract([.regex, .wildcard])
            } else if isParameter(parameter, "casesensitive") {
                flags.insert(.caseSensitive)
            } else if isParameter(parameter, "parallel") {
                flags.insert(.parallel)
            } else if isParameter(parameter, "file") {
                flags.insert(.file)
                try skipNewlines()
                guard let file = try parseSingleArgument(.fileName) else {
                    throw failIncomplete("MissingFilenameOption", at: end.after)
                }
                end = file.extent
                condition = pipeline(of: file)
            } else {
                throw fail("InvalidSwitchFlag", at: end)
            }
        }
        let opening = try peekToken()
        if opening.kind == .lParen {
            (condition, end) = try parseSwitchCondition(opening, flags)
        }
        guard let condition else { throw failIncomplete("PipelineValueRequired", at: end.after) }
        try skipNewlines()
        let curly = try nextToken()
        guard curly.kind == .lCurly else { throw failIncomplete("MissingCurlyBraceInSwitchStatement", at: end.after) }
        let (clauses, defaultBody, closing) = try parseSwitchClauses(curly)
        let whole = extent(first ?? token).through(extent(closing))
        if flags.contains(.parallel) { throw fail("KeywordParameterReservedForFutureUse", at: whole) }
        return keep(
            SwitchStatementSyntax(
                extent: whole, label: label, flags: flags, condition: condition, clauses: clauses,
                defaultBody: defaultBody))
    }

    /// Wraps an expression in a pipeline.
    private mutating func pipeline(of expression: ExpressionSyntax) -> StatementSyntax {
        let extent = expression.extent
        let element = keep(CommandExpressionSyntax(extent: extent, expression: expression, redirections: []))
        return .pipeline(keep(PipelineSyntax(extent: extent, elements: [.expression(element)], isBackground: false)))
    }

    private mutating func parseSwitchCondition(
        _ opening: Token, _ flags: SwitchFlags
    ) throws(Stop) -> (StatementSyntax, SourceExtent) {
        skipToken()
        if flags.contains(.file) { throw fail("PipelineValueRequired", at: extent(opening)) }
        try skipNewlines()
        guard let condition = try parsePipelineChain() else {
            throw failIncomplete("PipelineValueRequired", at: extent(opening).after)
        }
        try skipNewlines()
        let closing = try nextToken()
        guard closing.kind == .rParen else {
            throw failIncomplete("MissingEndParenthesisInSwitchStatement", at: condition.extent.after)
        }
        return (condition, extent(closing))
    }

    private mutating func parseSwitchClauses(
        _ curly: Token
    ) throws(Stop) -> ([SwitchClauseSyntax], StatementBlockSyntax?, Token) {
        var clauses: [SwitchClauseSyntax] = []
        var defaultBody: StatementBlockSyntax?
        var end = extent(curly)
        try skipNewlines()
        while true {
            let token = try peekToken()
            var condition: ExpressionSyntax?
            if token.kind == .default {
                skipToken()
                end = extent(token)
            } else {
                guard let expression = try parseSingleArgument(.switchCondition) else {
                    throw failIncomplete("MissingSwitchConditionExpression", at: end.after)
                }
                condition = expression
                end = expression.extent
            }
            guard let body = try parseStatementBlock() else {
                throw failIncomplete("MissingSwitchStatementClause", at: end.after)
            }
            if let condition {
                clauses.append(keep(SwitchClauseSyntax(condition: condition, body: body)))
            } else {
                guard defaultBody == nil else { throw fail("MultipleSwitchDefaultClauses", at: extent(token)) }
                defaultBody = body
            }
            end = body.extent
            try skipNewlinesAndSemicolons()
            let follower = try peekToken()
            if follower.kind == .rCurly {
                skipToken()
                return (clauses, defaultBody, follower)
            }
            if follower.kind == .endOfInput {
                throw failIncomplete("MissingEndCurlyBrace", at: extent(curly), detected: follower)
            }
        }
    }

    // MARK: Loops

    mutating func parseForEach(_ token: Token, label: String?, from first: Token? = nil) throws(Stop)
        -> ForEachStatementSyntax
    {
        try skipNewlines()
        var isReserved = false
        while try peekKind() == .parameter {
            let parameter = try nextToken()
            if isParameter(parameter, "throttlelimit"), !isParameter(parameter, "parallel") {
                try skipNewlines()
                guard try parseSingleArgument(.commandArgument) != nil else {
                    throw failIncomplete("MissingThrottleLimit", at: extent(parameter).after)
                }
            } else if !isParameter(parameter, "parallel") {
                throw fail("InvalidForeachFlag", at: extent(parameter))
            }
            isReserved = true
            try skipNewlines()
        }
        let opening = try nextToken()
        guard opening.kind == .lParen else {
            throw failIncomplete("MissingOpenParenthesisAfterKeyword", at: extent(token).after)
        }
        try skipNewlines()
        let name = try nextToken()
        guard name.kind == .variable || name.kind == .splattedVariable, case .variable(let value) = name.value else {
            throw failIncomplete("MissingVariableNameAfterForeach", at: extent(opening).after)
        }
        let variable = keep(
            VariableExpressionSyntax(extent: extent(name), path: value.path, isSplatted: name.kind == .splattedVariable)
        )
        try skipNewlines()
        let keyword = try nextToken()
        guard keyword.kind == .in else { throw failIncomplete("MissingInInForeach", at: extent(name).after) }
        try skipNewlines()
        guard let collection = try parsePipelineChain() else {
            throw failIncomplete("MissingForeachExpression", at: extent(keyword).after)
        }
        try skipNewlines()
        let closing = try nextToken()
        guard closing.kind == .rParen else {
            throw failIncomplete("MissingEndParenthesisAfterForeach", at: collection.extent.after)
        }
        guard let body = try parseStatementBlock() else {
            throw failIncomplete("MissingForeachStatement", at: extent(closing).after)
        }
        let whole = extent(first ?? token).through(body.extent)
        if isReserved { throw fail("KeywordParameterReservedForFutureUse", at: whole) }
        return keep(
            ForEachStatementSyntax(extent: whole, label: label, variable: variable, collection: collection, body: body))
    }

    mutating func parseFor(_ token: Token, label: String?, from first: Token? = nil) throws(Stop) -> ForStatementSyntax
    {
        try skipNewlines()
        let opening = try nextToken()
        guard opening.kind == .lParen else {
            throw failIncomplete("MissingOpenParenthesisAfterKeyword", at: extent(token).after)
        }
        var end = extent(opening)
        try skipNewlines()
        let initializer = try parseForPart(&end)
        if try peekKind() == .semi { end = extent(try nextToken()) }
        try skipNewlines()
        let condition = try parseForPart(&end)
        if try peekKind() == .semi { end = extent(try nextToken()) }
        try skipNewlines()
        let iterator = try parseForPart(&end)
        try skipNewlines()
        let closing = try nextToken()
        guard closing.kind == .rParen else {
            throw failIncomplete("MissingEndParenthesisAfterStatement", at: end.after)
        }
        guard let body = try parseStatementBlock() else {
            throw failIncomplete("MissingLoopStatement", at: extent(closing).after)
        }
        return keep(
            ForStatementSyntax(
                extent: extent(first ?? token).through(body.extent), label: label, initializer: initializer,
                condition: condition, iterator: iterator, body: body))
    }

    private mutating func parseForPart(_ end: inout SourceExtent) throws(Stop) -> StatementSyntax? {
        let part = try parsePipelineChain()
        if let part { end = part.extent }
        return part
    }

    /// Parses `(condition)` after `while` or `until`.
    private mutating func parseLoopCondition(_ keyword: Token) throws(Stop) -> (StatementSyntax, Token) {
        try skipNewlines()
        let opening = try nextToken()
        guard opening.kind == .lParen else {
            throw failIncomplete("MissingOpenParenthesisAfterKeyword", at: extent(keyword).after)
        }
        try skipNewlines()
        guard let condition = try parsePipelineChain() else {
            throw failIncomplete("MissingExpressionAfterKeyword", at: extent(opening).after)
        }
        try skipNewlines()
        let closing = try nextToken()
        guard closing.kind == .rParen else {
            throw failIncomplete("MissingEndParenthesisAfterStatement", at: condition.extent.after)
        }
        return (condition, closing)
    }

    mutating func parseWhile(_ token: Token, label: String?, from first: Token? = nil) throws(Stop)
        -> WhileStatementSyntax
    {
        let (condition, closing) = try parseLoopCondition(token)
        try skipNewlines()
        guard let body = try parseStatementBlock() else {
            throw failIncomplete("MissingLoopStatement", at: extent(closing).after)
        }
        return keep(
            WhileStatementSyntax(
                extent: extent(first ?? token).through(body.extent), label: label, condition: condition, body: body))
    }

    mutating func parseDo(_ token: Token, label: String?, from first: Token? = nil) throws(Stop) -> DoStatementSyntax {
        guard let body = try parseStatementBlock() else {
            throw failIncomplete("MissingLoopStatement", at: extent(token).after)
        }
        try skipNewlines()
        let keyword = try nextToken()
        guard keyword.kind == .while || keyword.kind == .until else {
            throw failIncomplete("MissingWhileOrUntilInDoWhile", at: body.extent.after)
        }
        let (condition, closing) = try parseLoopCondition(keyword)
        return keep(
            DoStatementSyntax(
                extent: extent(first ?? token).through(extent(closing)), label: label, body: body,
                condition: condition, isUntil: keyword.kind == .until))
    }
}
