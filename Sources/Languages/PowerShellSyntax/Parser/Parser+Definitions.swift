/// Functions, classes and enumerations.
extension Parser {
    // MARK: Functions

    mutating func parseFunction(_ token: Token) throws(Stop) -> FunctionDefinitionSyntax {
        try skipNewlines()
        let nameToken = try nextToken()
        switch nameToken.kind {
        case .pipe, .lParen, .lCurly, .atParen, .atCurly, .rCurly, .rParen, .endOfInput, .semi, .redirection,
            .mergingRedirection, .redirectInput, .andAnd, .orOr, .ampersand, .variable, .splattedVariable,
            .hereStringExpandable, .hereStringLiteral, .stringLiteral, .stringExpandable:
            throw failIncomplete("MissingNameAfterKeyword", at: extent(token).after)
        default: break
        }
        let (parameters, end) = try parseFunctionParameters()
        let opening = try nextToken()
        guard opening.kind == .lCurly else {
            throw failIncomplete("MissingFunctionBody", at: (end ?? extent(nameToken)).after)
        }
        var name = lexer.string(nameToken)
        if nameToken.kind == .generic, case .string(let value) = nameToken.value { name = value.text }
        let body = try parseScriptBlock(opening: opening)
        let whole = extent(token).through(body.extent)
        if token.kind == .workflow { throw fail("WorkflowNotSupportedInPowerShellCore", at: whole) }
        if !parameters.isEmpty, let block = body.parameterBlock {
            throw fail("OnlyOneParameterListAllowed", at: block.extent)
        }
        return keep(
            FunctionDefinitionSyntax(
                extent: whole, name: name, isFilter: token.kind == .filter, parameters: parameters, body: body))
    }

    /// Parses parameters in parentheses, if there are any.
    /// - Returns: the parameters and the extent of the closing parenthesis.
    private mutating func parseFunctionParameters() throws(Stop) -> ([ParameterSyntax], SourceExtent?) {
        try skipNewlines()
        let opening = try peekToken()
        guard opening.kind == .lParen else { return ([], nil) }
        skipToken()
        openGroups += 1
        let parameters = try parseParameters()
        openGroups -= 1
        try skipNewlines()
        let closing = try nextToken()
        guard closing.kind == .rParen else {
            let end = parameters.last?.extent ?? extent(opening)
            throw failIncomplete("MissingEndParenthesisInFunctionParameterList", at: end.after)
        }
        try skipNewlines()
        return (parameters, extent(closing))
    }

    // MARK: Types

    private mutating func attributes(of bases: [AttributeBaseSyntax]) -> [AttributeSyntax] {
        bases.compactMap { if case .attribute(let attribute) = $0 { attribute } else { nil } }
    }

    mutating func parseClass(_ token: Token, _ bases: [AttributeBaseSyntax]) throws(Stop) -> TypeDefinitionSyntax {
        try skipNewlines()
        guard let name = try parseSimpleName() else {
            throw failIncomplete("MissingNameAfterKeyword", at: extent(token).after)
        }
        try skipNewlines()
        let oldMode = lexer.mode
        setMode(.signature)
        let baseTypes = try parseBaseTypes(many: true)
        let opening = try nextToken()
        guard opening.kind == .lCurly else {
            throw failIncomplete("MissingTypeBody", at: (baseTypes.last?.extent ?? name.extent).after)
        }
        var members: [MemberSyntax] = []
        while let member = try parseClassMember(name.value) { members.append(member) }
        let closing = try nextToken()
        guard closing.kind == .rCurly else {
            throw failIncomplete("MissingEndCurlyBrace", at: extent(opening).after, detected: closing)
        }
        setMode(oldMode)
        let attributes = attributes(of: bases)
        let whole = (attributes.first?.extent ?? extent(token)).through(extent(closing))
        return keep(
            TypeDefinitionSyntax(
                extent: whole, name: name.value, kind: .class, attributes: attributes, baseTypes: baseTypes,
                members: members))
    }

    /// Parses `: types`, if a colon follows.
    private mutating func parseBaseTypes(many: Bool) throws(Stop) -> [TypeConstraintSyntax] {
        var types: [TypeConstraintSyntax] = []
        var separator = try peekToken()
        guard separator.kind == .colon else { return types }
        repeat {
            skipToken()
            try skipNewlines()
            guard let type = try parseTypeName(allowsAssembly: false) else {
                throw failIncomplete("TypeNameExpected", at: extent(separator).after)
            }
            types.append(keep(TypeConstraintSyntax(extent: type.extent, typeName: type)))
            guard many else { break }
            try skipNewlines()
            separator = try peekToken()
        } while separator.kind == .comma
        return types
    }

    private mutating func parseClassMember(_ className: String) throws(Stop) -> MemberSyntax? {
        var start: SourceExtent?
        var attributes: [AttributeSyntax] = []
        var type: TypeConstraintSyntax?
        var isStatic = false
        var isHidden = false
        var last: SourceExtent?
        while true {
            try skipNewlines()
            if let base = try parseAttribute() {
                start = start ?? base.extent
                last = base.extent
                switch base {
                case .attribute(let attribute): attributes.append(attribute)
                case .typeConstraint(let constraint):
                    guard type == nil else { throw fail("TooManyTypes", at: constraint.extent) }
                    type = constraint
                }
                continue
            }
            let token = try peekToken()
            guard token.kind == .hidden || token.kind == .static else { break }
            if token.kind == .hidden ? isHidden : isStatic { throw fail("DuplicateQualifier", at: extent(token)) }
            if token.kind == .hidden { isHidden = true } else { isStatic = true }
            start = start ?? extent(token)
            last = extent(token)
            skipToken()
        }
        let token = try peekToken()
        let begin = start ?? extent(token)
        if token.kind == .variable, case .variable(let value) = token.value {
            skipToken()
            let (initialValue, end) = try finishProperty(extent(token))
            return .property(
                keep(
                    PropertyMemberSyntax(
                        extent: begin.through(end), name: value.path.path, attributes: attributes, type: type,
                        isStatic: isStatic, isHidden: isHidden, initialValue: initialValue)))
        }
        if token.kind == .identifier || token.kind.isKeyword {
            skipToken()
            let name = lexer.string(token)
            let isConstructor = ASCIIFold.equal(name, className)
            let function = try parseMethod(token, name, isInstanceConstructor: isConstructor && !isStatic)
            return .method(
                keep(
                    MethodMemberSyntax(
                        extent: begin.through(function.extent), name: name, attributes: attributes, returnType: type,
                        isStatic: isStatic, isHidden: isHidden, isConstructor: isConstructor, function: function)))
        }
        if let last { throw failIncomplete("IncompleteMemberDefinition", at: last.after) }
        return nil
    }

    private mutating func finishProperty(_ name: SourceExtent) throws(Stop) -> (ExpressionSyntax?, SourceExtent) {
        var initialValue: ExpressionSyntax?
        if try peekKind() == .equals {
            skipToken()
            try skipNewlines()
            initialValue = try parseExpression(inTernary: false)
        }
        var end = initialValue?.extent ?? name
        try finishMember(&end)
        return (initialValue, end)
    }

    private mutating func finishMember(_ end: inout SourceExtent) throws(Stop) {
        let terminator = try peekToken()
        guard terminator.kind == .newLine || terminator.kind == .semi || terminator.kind == .rCurly else {
            throw failIncomplete("MissingPropertyTerminator", at: end.after)
        }
        if terminator.kind == .semi { end = extent(terminator) }
        try skipNewlinesAndSemicolons()
    }

    private mutating func parseMethod(
        _ token: Token, _ name: String, isInstanceConstructor: Bool
    ) throws(Stop) -> FunctionDefinitionSyntax {
        guard try peekKind() == .lParen else {
            throw failIncomplete("MissingMethodParameterList", at: extent(token).after)
        }
        let (parameters, end) = try parseFunctionParameters()
        let baseCall = isInstanceConstructor ? try parseBaseCall() : nil
        let opening = try nextToken()
        guard opening.kind == .lCurly else {
            throw failIncomplete("MissingFunctionBody", at: (end ?? extent(token)).after)
        }
        let oldMode = lexer.mode
        setMode(.command)
        var body = try parseScriptBlock(opening: opening)
        setMode(oldMode)
        if let baseCall, let plain = body.body { body = prepend(baseCall, to: body, plain) }
        return keep(
            FunctionDefinitionSyntax(
                extent: extent(token).through(body.extent), name: name, isFilter: false, parameters: parameters,
                body: body))
    }

    /// Parses `: base( )`, or returns the implied call.
    private mutating func parseBaseCall() throws(Stop) -> BaseConstructorCallSyntax {
        try skipNewlines()
        let oldMode = lexer.mode
        setMode(.signature)
        var keyword: SourceExtent?
        var arguments: [ExpressionSyntax] = []
        var whole = SourceExtent(start: 0, end: 0)
        let colon = try peekToken()
        if colon.kind == .colon {
            skipToken()
            try skipNewlines()
            let base = try nextToken()
            guard base.kind == .base else { throw failIncomplete("MissingBaseCtorCall", at: extent(colon).after) }
            try skipNewlines()
            let opening = try nextToken()
            guard opening.kind == .lParen else {
                throw failIncomplete("MissingMethodParameterList", at: extent(base).after)
            }
            keyword = extent(base)
            let (values, end) = try parseCallArguments(opening)
            arguments = values
            whole = extent(base).through(end)
            try skipNewlines()
        }
        setMode(oldMode)
        return keep(BaseConstructorCallSyntax(extent: whole, keywordExtent: keyword, arguments: arguments))
    }

    /// Inserts the call as the first statement of the constructor.
    private mutating func prepend(
        _ call: BaseConstructorCallSyntax, to block: ScriptBlockSyntax, _ plain: StatementBlockSyntax
    ) -> ScriptBlockSyntax {
        let element = keep(
            CommandExpressionSyntax(extent: call.extent, expression: .baseConstructorCall(call), redirections: []))
        let pipeline = keep(
            PipelineSyntax(extent: call.extent, elements: [.expression(element)], isBackground: false))
        let body = keep(
            StatementBlockSyntax(
                extent: plain.extent, statements: [.pipeline(pipeline)] + plain.statements, traps: plain.traps))
        return keep(
            ScriptBlockSyntax(
                extent: block.extent, usings: block.usings, parameterBlock: block.parameterBlock, namedBlocks: [],
                body: body, definedTypes: block.definedTypes))
    }

    mutating func parseEnum(_ token: Token, _ bases: [AttributeBaseSyntax]) throws(Stop) -> TypeDefinitionSyntax {
        try skipNewlines()
        guard let name = try parseSimpleName() else {
            throw failIncomplete("MissingNameAfterKeyword", at: extent(token).after)
        }
        let oldMode = lexer.mode
        setMode(.signature)
        let underlying = try parseBaseTypes(many: false)
        if let type = underlying.first, !KnownTypes.isEnumBase(type.typeName) {
            throw fail("InvalidUnderlyingType", at: type.extent)
        }
        try skipNewlines()
        let opening = try nextToken()
        guard opening.kind == .lCurly else { throw failIncomplete("MissingTypeBody", at: name.extent.after) }
        var members: [MemberSyntax] = []
        while let member = try parseEnumMember() { members.append(.property(member)) }
        let closing = try nextToken()
        guard closing.kind == .rCurly else {
            throw failIncomplete("MissingEndCurlyBrace", at: extent(opening).after, detected: closing)
        }
        setMode(oldMode)
        let attributes = attributes(of: bases)
        let whole = (attributes.first?.extent ?? extent(token)).through(extent(closing))
        return keep(
            TypeDefinitionSyntax(
                extent: whole, name: name.value, kind: .enum, attributes: attributes, baseTypes: underlying,
                members: members))
    }

    private mutating func parseEnumMember() throws(Stop) -> PropertyMemberSyntax? {
        try skipNewlines()
        guard let name = try parseSimpleName() else { return nil }
        var end = name.extent
        var initialValue: ExpressionSyntax?
        let oldMode = lexer.mode
        setMode(.expression)
        let equals = try peekToken()
        if equals.kind == .equals {
            skipToken()
            initialValue = try parseExpression(inTernary: false)
            guard let initialValue else { throw fail("ExpectedValueExpression", at: extent(equals).after) }
            end = initialValue.extent
        }
        setMode(oldMode)
        try finishMember(&end)
        return keep(
            PropertyMemberSyntax(
                extent: name.extent.through(end), name: name.value, attributes: [], type: nil, isStatic: true,
                isHidden: false, initialValue: initialValue))
    }
}
