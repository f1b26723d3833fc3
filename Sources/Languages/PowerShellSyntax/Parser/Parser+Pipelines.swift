/// Pipelines, chains and assignments.
extension Parser {
    /// Parses an assignment, a pipeline or a chain of pipelines; `nil` when nothing that can start one follows.
    mutating func parsePipelineChain() throws(Stop) -> StatementSyntax? {
        if startsCommand {
            guard let pipeline = try parsePipeline(startingWith: nil, isFirst: true) else { return nil }
            return try finishPipelineStatement(pipeline)
        }
        let oldMode = lexer.mode
        setMode(.expression)
        let expression = try parseExpression(inTernary: false)
        if let expression {
            // Peeked at in expression mode, in which `=1` is two tokens.
            let token = try peekToken()
            if let op = token.kind.assignmentOperator {
                skipToken()
                setMode(oldMode)
                return .assignment(try finishAssignment(expression, op, token))
            }
        }
        setMode(oldMode)
        guard let pipeline = try parsePipeline(startingWith: expression, isFirst: true) else { return nil }
        return try finishPipelineStatement(pipeline)
    }

    /// Whether a letter follows. No expression starts with one, so the text can be parsed as a command right away.
    private var startsCommand: Bool {
        // Mutating, like most small steps here, because otherwise the whole parser would be copied for it.
        mutating get {
            guard lexer.mode == .command else { return false }
            let place = hasHeld ? Int(held.start) : lexer.position
            return place < lexer.text.end && CharacterClass.isIdentifierStart(lexer.text.units[place])
        }
    }

    @inline(never)
    private mutating func finishPipelineStatement(_ pipeline: PipelineSyntax) throws(Stop) -> StatementSyntax {
        switch try peekKind() {
        case .andAnd, .orOr, .ampersand: try finishChain(pipeline)
        default: .pipeline(pipeline)
        }
    }

    @inline(never)
    private mutating func finishAssignment(
        _ target: ExpressionSyntax, _ op: AssignmentOperator, _ token: Token
    ) throws(Stop) -> AssignmentStatementSyntax {
        try skipNewlines()
        guard let value = try parseStatement() else {
            throw failIncomplete("ExpectedValueExpression", at: extent(token).after)
        }
        return keep(
            AssignmentStatementSyntax(
                extent: target.extent.through(value.extent), target: target, op: op, value: value))
    }

    @inline(never)
    private mutating func finishChain(_ first: PipelineSyntax) throws(Stop) -> StatementSyntax {
        var pipelines = [first]
        var operators: [ChainOperator] = []
        while true {
            var token = try peekToken()
            if token.kind == .ampersand {
                skipToken()
                token = try peekToken()
                if token.kind == .andAnd || token.kind == .orOr {
                    throw fail("BackgroundOperatorInPipelineChain", at: extent(token))
                }
                return finishChain(pipelines, operators, isBackground: true)
            }
            guard token.kind == .andAnd || token.kind == .orOr else {
                return finishChain(pipelines, operators, isBackground: false)
            }
            skipToken()
            try skipNewlines()
            operators.append(token.kind == .andAnd ? .and : .or)
            let next = try peekToken()
            guard next.kind != .endOfInput else {
                throw failIncomplete("EmptyPipelineChainElement", at: extent(token).after)
            }
            guard let pipeline = try parsePipeline(startingWith: nil, isFirst: false) else {
                throw fail("EmptyPipelineChainElement", at: extent(token).through(extent(next)))
            }
            pipelines.append(pipeline)
        }
    }

    private mutating func finishChain(
        _ pipelines: [PipelineSyntax], _ operators: [ChainOperator], isBackground: Bool
    ) -> StatementSyntax {
        let whole = pipelines[0].extent.through(pipelines[pipelines.count - 1].extent)
        guard pipelines.count > 1 else {
            return .pipeline(
                keep(PipelineSyntax(extent: whole, elements: pipelines[0].elements, isBackground: isBackground)))
        }
        return .pipelineChain(
            keep(
                PipelineChainSyntax(
                    extent: whole, pipelines: pipelines, operators: operators, isBackground: isBackground)))
    }

    /// Parses one pipeline, whose first element may already be parsed.
    /// - Parameter isFirst: whether the caller has already looked for an expression.
    mutating func parsePipeline(
        startingWith first: ExpressionSyntax?, isFirst: Bool
    ) throws(Stop) -> PipelineSyntax? {
        var elements: [PipelineElementSyntax] = []
        var expression = first
        var pipe: Token?
        while true {
            if expression == nil, !isFirst || pipe != nil, !startsCommand {
                let oldMode = lexer.mode
                setMode(.expression)
                expression = try parseExpression(inTernary: false)
                setMode(oldMode)
            }
            if let found = expression {
                guard elements.isEmpty else { throw fail("ExpressionsMustBeFirstInPipeline", at: found.extent) }
                elements.append(.expression(try finishExpressionElement(found)))
                expression = nil
            } else if let command = try parseCommand() {
                elements.append(.command(command))
            } else {
                let token = try peekToken()
                if let pipe { throw failIncomplete("EmptyPipeElement", at: extent(pipe).after) }
                if token.kind == .pipe { throw failIncomplete("EmptyPipeElement", at: extent(token)) }
            }
            var next = try peekToken()
            if next.kind == .newLine, lexer.isPipeContinuation(behind: Int(next.end)) {
                try skipNewlines()
                next = try peekToken()
            }
            switch next.kind {
            case .pipe:
                skipToken()
                try skipNewlines()
                pipe = next
                if try peekKind() == .endOfInput {
                    throw failIncomplete("EmptyPipeElement", at: extent(next).after)
                }
                continue
            case .semi, .newLine, .rParen, .rCurly, .endOfInput, .andAnd, .orOr, .ampersand: break
            default: throw unexpected(next)
            }
            guard let start = elements.first, let end = elements.last else { return nil }
            return keep(
                PipelineSyntax(
                    extent: start.extent.through(end.extent), elements: elements, isBackground: false))
        }
    }

    private mutating func finishExpressionElement(
        _ expression: ExpressionSyntax
    ) throws(Stop) -> CommandExpressionSyntax {
        var redirections: [RedirectionSyntax] = []
        var end = expression.extent
        while true {
            let token = try peekToken()
            guard token.kind == .redirection || token.kind == .mergingRedirection || token.kind == .redirectInput else {
                break
            }
            skipToken()
            end = try parseRedirection(token, into: &redirections)
        }
        let whole = expression.extent.through(end)
        return keep(CommandExpressionSyntax(extent: whole, expression: expression, redirections: redirections))
    }

    /// Parses a redirection after its operator. Like the engine, keeps redirections in the order of their streams.
    /// - Returns: the redirection's extent.
    mutating func parseRedirection(
        _ token: Token, into redirections: inout [RedirectionSyntax]
    ) throws(Stop) -> SourceExtent {
        let redirection: RedirectionSyntax
        if token.kind == .mergingRedirection {
            if token.mergesElsewhere || token.stream == .output {
                throw fail("RedirectionNotSupported", at: extent(token))
            }
            redirection = .merging(
                keep(MergingRedirectionSyntax(extent: extent(token), from: token.stream)))
        } else {
            guard let target = try parseSingleArgument(.fileName) else {
                throw fail("MissingFileSpecification", at: extent(token).after)
            }
            if token.kind == .redirectInput { throw fail("RedirectionNotSupported", at: extent(token)) }
            redirection = .file(
                keep(
                    FileRedirectionSyntax(
                        extent: extent(token).through(target.extent), stream: token.stream, target: target,
                        isAppending: token.isAppending)))
        }
        guard !redirections.contains(where: { $0.stream == redirection.stream }) else {
            throw fail("StreamAlreadyRedirected", at: redirection.extent)
        }
        let stream = redirection.stream.rawValue
        let place = redirections.firstIndex { $0.stream.rawValue > stream } ?? redirections.endIndex
        redirections.insert(redirection, at: place)
        return redirection.extent
    }
}
