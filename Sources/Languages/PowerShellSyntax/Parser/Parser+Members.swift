/// Member accesses, calls and index accesses.
extension Parser {
    /// Parses the accesses after an operand, whose first operator is already read.
    @inline(never)
    mutating func parseAccesses(_ target: ExpressionSyntax, startingWith first: Token) throws(Stop) -> ExpressionSyntax
    {
        var expression = target
        var access = first
        while true {
            try skipNewlines()
            if access.kind == .lBracket || access.kind == .questionLBracket {
                expression = try parseIndex(expression, access)
            } else {
                expression = try parseMember(expression, access)
            }
            try grow()
            guard !hasHeld, let next = try lexer.memberAccessOperator(allowsBracket: true) else { return expression }
            access = next
        }
    }

    /// Parses a member name: a simple name, a string, or an expression to evaluate.
    private mutating func parseMemberName() throws(Stop) -> ExpressionSyntax? {
        if let name = try parseSimpleName() { return .string(name) }
        let kind = try peekKind()
        if kind == .lBracket || kind == .comma || kind.unaryOperator != nil { return try parseUnary(inTernary: false) }
        return try parsePrimary(withMemberAccess: false)
    }

    private mutating func parseMember(_ target: ExpressionSyntax, _ access: Token) throws(Stop) -> ExpressionSyntax {
        guard let member = try parseMemberName() else {
            throw failIncomplete("MissingPropertyName", at: extent(access).after)
        }
        let isStatic = access.kind == .colonColon
        let isNullConditional = access.kind == .questionDot
        if !hasHeld {
            let restore = lexer.position
            let generics = try parseGenericMethodArguments(restore)
            if !hasHeld, let bracket = lexer.invocationBracket() {
                let (arguments, end) = try parseInvocation(bracket)
                return .invokeMember(
                    keep(
                        InvokeMemberExpressionSyntax(
                            extent: target.extent.through(end), target: target, member: member, arguments: arguments,
                            genericArguments: generics ?? [], isStatic: isStatic,
                            isNullConditional: isNullConditional)))
            }
            // What looked like generic arguments is an index.
            if generics != nil { resync(restore) }
        }
        return .member(
            keep(
                MemberExpressionSyntax(
                    extent: target.extent.through(member.extent), target: target, member: member, isStatic: isStatic,
                    isNullConditional: isNullConditional)))
    }

    /// Parses the types in `a.b[T](c)`; `nil` when no such list follows, in which case the position is unchanged.
    private mutating func parseGenericMethodArguments(_ restore: Int) throws(Stop) -> [TypeNameSyntax]? {
        guard
            lexer.peek() == 0x5B || lexer.peek() == 0x60 || lexer.peek() == 0x3C
                || CharacterClass.isWhitespace(lexer.peek())
        else { return nil }
        let opening = try nextToken()
        guard opening.kind == .lBracket else {
            resync(restore)
            return nil
        }
        let oldMode = lexer.mode
        setMode(.typeName)
        try skipNewlines()
        let first = try nextToken()
        guard first.kind == .identifier else {
            setMode(oldMode)
            resync(restore)
            return nil
        }
        let (types, closing) = try parseGenericArguments(first)
        guard closing.kind == .rBracket else {
            throw failIncomplete("EndSquareBracketExpectedAtEndOfType", at: extent(closing).before)
        }
        setMode(oldMode)
        return types
    }

    private mutating func parseInvocation(_ bracket: Token) throws(Stop) -> ([ExpressionSyntax], SourceExtent) {
        if bracket.kind == .lParen { return try parseCallArguments(bracket) }
        try skipNewlines()
        let block = try parseScriptBlockExpression(bracket)
        return ([block], block.extent)
    }

    /// Parses call arguments after their `(`.
    /// - Returns: the arguments and the extent of the closing parenthesis.
    mutating func parseCallArguments(_ opening: Token) throws(Stop) -> ([ExpressionSyntax], SourceExtent) {
        let oldComma = commaSeparates
        commaSeparates = true
        var arguments: [ExpressionSyntax] = []
        var comma: Token?
        while true {
            try skipNewlines()
            guard let argument = try parseExpression(inTernary: false) else {
                if let comma { throw failIncomplete("MissingExpressionAfterToken", at: extent(comma).after) }
                break
            }
            arguments.append(argument)
            try skipNewlines()
            let token = try nextToken()
            guard token.kind == .comma else {
                unget(token)
                break
            }
            comma = token
        }
        try skipNewlines()
        let closing = try nextToken()
        guard closing.kind == .rParen else {
            let end = arguments.last?.extent ?? extent(opening)
            throw failIncomplete("MissingEndParenthesisInMethodCall", at: end.after)
        }
        commaSeparates = oldComma
        return (arguments, extent(closing))
    }

    private mutating func parseIndex(_ target: ExpressionSyntax, _ opening: Token) throws(Stop) -> ExpressionSyntax {
        try skipNewlines()
        let oldComma = commaSeparates
        commaSeparates = false
        guard let index = try parseExpression(inTernary: false) else {
            throw failIncomplete("MissingArrayIndexExpression", at: extent(opening).after)
        }
        commaSeparates = oldComma
        try skipNewlines()
        let closing = try nextToken()
        guard closing.kind == .rBracket else { throw failIncomplete("MissingEndSquareBracket", at: index.extent.after) }
        return .index(
            keep(
                IndexExpressionSyntax(
                    extent: target.extent.through(extent(closing)), target: target, index: index,
                    isNullConditional: opening.kind == .questionLBracket)))
    }
}
