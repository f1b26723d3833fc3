/// Attributes and type constraints.
extension Parser {
    /// Parses any number of bracketed attributes and types.
    mutating func parseAttributes(inExpression: Bool) throws(Stop) -> [AttributeBaseSyntax] {
        var attributes: [AttributeBaseSyntax] = []
        while let attribute = try parseAttribute() {
            attributes.append(attribute)
            if case .attribute = attribute { try skipNewlines() } else if !inExpression { try skipNewlines() }
        }
        return attributes
    }

    private mutating func nextLeftBracket() throws(Stop) -> Token? {
        if hasHeld { return held.kind == .lBracket ? try nextToken() : nil }
        return try lexer.leftBracket()
    }

    /// Parses `[Type]` or `[Attribute( )]`; `nil` when no `[` follows.
    mutating func parseAttribute() throws(Stop) -> AttributeBaseSyntax? {
        guard let opening = try nextLeftBracket() else { return nil }
        try skipNewlines()
        guard let typeName = try parseTypeName(allowsAssembly: true) else {
            throw failIncomplete("MissingTypename", at: extent(opening).after)
        }
        let follower = try nextToken()
        if follower.kind == .lParen {
            return .attribute(try parseAttributeArguments(opening, typeName, follower))
        }
        guard follower.kind == .rBracket else {
            throw fail("EndSquareBracketExpectedAtEndOfAttribute", at: extent(follower).before)
        }
        let whole = extent(opening).through(extent(follower))
        return .typeConstraint(keep(TypeConstraintSyntax(extent: whole, typeName: typeName)))
    }

    private mutating func parseAttributeArguments(
        _ opening: Token, _ typeName: TypeNameSyntax, _ parenthesis: Token
    ) throws(Stop) -> AttributeSyntax {
        try descend()
        try skipNewlines()
        let oldMode = lexer.mode
        let oldComma = commaSeparates
        setMode(.expression)
        commaSeparates = true
        var positional: [ExpressionSyntax] = []
        var named: [NamedAttributeArgumentSyntax] = []
        var last = extent(parenthesis)
        var comma: Token?
        while true {
            try skipNewlines()
            if let name = try parseSimpleName() {
                let argument = try parseNamedAttributeArgument(name)
                named.append(argument)
                last = argument.extent
            } else if let expression = try parseExpression(false) {
                positional.append(expression)
                last = expression.extent
            } else if let comma {
                throw failIncomplete("MissingExpressionAfterToken", at: extent(comma).after)
            }
            try skipNewlines()
            let token = try peekToken()
            guard token.kind == .comma else { break }
            comma = token
            last = extent(token)
            skipToken()
        }
        commaSeparates = oldComma
        setMode(oldMode)
        try skipNewlines()
        let closing = try nextToken()
        guard closing.kind == .rParen else {
            throw failIncomplete("MissingEndParenthesisInExpression", at: last.after)
        }
        try skipNewlines()
        let end = try nextToken()
        guard end.kind == .rBracket else {
            throw failIncomplete("EndSquareBracketExpectedAtEndOfAttribute", at: extent(closing).after)
        }
        ascend()
        return keep(
            AttributeSyntax(
                extent: extent(opening).through(extent(end)), typeName: typeName,
                positionalArguments: positional, namedArguments: named))
    }

    private mutating func parseNamedAttributeArgument(
        _ name: StringConstantSyntax
    ) throws(Stop) -> NamedAttributeArgumentSyntax {
        let equals = try peekToken()
        guard equals.kind == .equals else {
            let isTrue = keep(NumberConstantSyntax(extent: name.extent, text: name.value, value: .boolean(true)))
            return keep(
                NamedAttributeArgumentSyntax(
                    extent: name.extent, name: name.value, argument: .number(isTrue), isOmitted: true))
        }
        skipToken()
        try skipNewlines()
        guard let argument = try parseExpression(false) else {
            throw failIncomplete("MissingExpressionInNamedArgument", at: extent(equals).after)
        }
        return keep(
            NamedAttributeArgumentSyntax(
                extent: name.extent.through(argument.extent), name: name.value, argument: argument, isOmitted: false))
    }

    /// Parses an identifier, which may be a keyword; `nil` when something else follows.
    mutating func parseSimpleName() throws(Stop) -> StringConstantSyntax? {
        lexer.wantsSimpleName = true
        let token = try peekToken()
        lexer.wantsSimpleName = false
        guard token.kind == .identifier else { return nil }
        skipToken()
        return keep(StringConstantSyntax(extent: extent(token), value: lexer.string(token), style: .bareWord))
    }
}
