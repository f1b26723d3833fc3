/// A recursive-descent parser for the language, with one token of lookahead.
///
/// Where the engine itself recovers from an error to find more of them, this parser stops: a text with an error can't
/// run. Nodes are recorded in the order of their creation, so that the tree can be released without recursion. Small
/// steps are not inlined: rules that contain themselves then need less stack and can nest deeper.
struct Parser {
    var lexer: Lexer
    /// The token that was peeked at.
    var held = Token(kind: .unknown, start: 0, end: 0)
    var hasHeld = false
    /// Whether a comma separates arguments instead of building an array.
    var commaSeparates = false
    var nodes: [any AnyObject & Sendable] = []
    /// The classes and enumerations of the current script block.
    var definedTypes: [TypeDefinitionSyntax] = []
    /// The number of open groups and blocks.
    var openGroups = 0
    /// The nesting depth of rules.
    private var depth = 0
    /// The height of the tree below the current rule.
    var height = 0
    private let limits: ParserLimits
    private let stackTop: UInt

    init(_ units: [UInt16], limits: ParserLimits) {
        lexer = Lexer(units)
        self.limits = limits
        stackTop = Parser.stackPlace()
        nodes.reserveCapacity(units.count / 6 + 16)
    }

    // MARK: Limits

    @inline(never)
    private static func stackPlace() -> UInt {
        var marker: UInt8 = 0
        return withUnsafeMutablePointer(to: &marker) { UInt(bitPattern: $0) }
    }

    /// Enters a rule that may contain itself.
    @inline(never)
    mutating func descend() throws(Stop) {
        depth += 1
        let place = Parser.stackPlace()
        let used = stackTop > place ? stackTop - place : place - stackTop
        if depth > limits.nesting * 4 || used > UInt(limits.stackBytes) { throw tooComplicated() }
    }

    /// Leaves a rule that was entered with ``descend()``.
    @inline(__always)
    mutating func ascend() { depth -= 1 }

    /// Counts a node added on top of the current rule's tree.
    @inline(never)
    mutating func grow(_ count: Int = 1) throws(Stop) {
        height += count
        if height > limits.nesting { throw tooComplicated() }
    }

    private mutating func tooComplicated() -> Stop {
        lexer.fail("ScriptTooComplicated", lexer.tokenStart, lexer.position)
    }

    // MARK: Nodes

    /// Records a new node.
    @inline(never)
    mutating func keep<Node: AnyObject & Sendable>(_ node: Node) -> Node {
        nodes.append(node)
        return node
    }

    // MARK: Tokens

    @inline(never)
    mutating func nextToken() throws(Stop) -> Token {
        if hasHeld {
            hasHeld = false
            return held
        }
        return try lexer.nextToken()
    }

    @inline(never)
    mutating func peekToken() throws(Stop) -> Token {
        if !hasHeld {
            held = try lexer.nextToken()
            hasHeld = true
        }
        return held
    }

    @inline(never)
    mutating func peekKind() throws(Stop) -> TokenKind { try peekToken().kind }

    @inline(__always)
    mutating func skipToken() { hasHeld = false }

    @inline(__always)
    mutating func unget(_ token: Token) {
        held = token
        hasHeld = true
    }

    @inline(never)
    mutating func skipNewlines() throws(Stop) {
        if hasHeld, held.kind != .newLine { return }
        hasHeld = false
        try lexer.skipNewlines(andSemicolons: false)
    }

    @inline(never)
    mutating func skipNewlinesAndSemicolons() throws(Stop) {
        if hasHeld, held.kind != .newLine, held.kind != .semi { return }
        hasHeld = false
        try lexer.skipNewlines(andSemicolons: true)
    }

    /// Changes the mode; a peeked token that would differ in the new mode is read again.
    @inline(never)
    mutating func setMode(_ mode: LexerMode) {
        guard mode != lexer.mode else { return }
        if hasHeld, !held.kind.isModeInvariant { resync(Int(held.start)) }
        lexer.mode = mode
    }

    /// Moves back to a position.
    @inline(never)
    mutating func resync(_ place: Int) {
        hasHeld = false
        lexer.resync(place)
    }

    /// A position from which the next token can be read again.
    var restorePoint: Int {
        mutating get { hasHeld ? Int(held.start) : lexer.position }
    }

    @inline(never)
    mutating func extent(_ token: Token) -> SourceExtent { lexer.extent(token) }

    // MARK: Errors

    @inline(never)
    mutating func fail(_ id: String, at extent: SourceExtent) -> Stop { lexer.fail(id, extent) }

    @inline(never)
    mutating func failIncomplete(_ id: String, at extent: SourceExtent, detected: Token? = nil) -> Stop {
        let place = detected.map { lexer.extent($0) }
        return lexer.failIncomplete(id, extent, detected: place)
    }

    @inline(never)
    mutating func unexpected(_ token: Token) -> Stop { fail("UnexpectedToken", at: extent(token)) }
}

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
            } else if let expression = try parseExpression(inTernary: false) {
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
        guard let argument = try parseExpression(inTernary: false) else {
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
        return keep(StringConstantSyntax(extent: extent(token), value: lexer.string(token)))
    }
}

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
            defaultValue = try parseExpression(inTernary: false)
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
                elements.append(sawDashDash ? .argument(bareWord(token)) : .parameter(endOfParameters(end)))
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
                    let rest = try verbatimRest()
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

    /// The first `--` is a parameter to the binder, every further one an argument.
    private mutating func endOfParameters(_ extent: SourceExtent) -> CommandParameterSyntax {
        keep(CommandParameterSyntax(extent: extent, name: "-", argument: nil, nameExtent: extent))
    }

    private mutating func verbatimRest() throws(Stop) -> Token {
        // Like the engine, this drops a parameter that was peeked at.
        hasHeld = false
        return try lexer.scanVerbatim()
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
        .string(keep(StringConstantSyntax(extent: extent(token), value: lexer.string(token))))
    }

    /// Returns the value of a generic word as a constant.
    private mutating func constant(_ token: Token) -> StringConstantSyntax {
        var value = ""
        if case .string(let string) = token.value { value = string.text }
        return keep(StringConstantSyntax(extent: extent(token), value: value))
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

/// `using` statements.
extension Parser {
    /// Parses the `using` statements at the start of a script.
    mutating func parseUsings() throws(Stop) -> [UsingStatementSyntax] {
        var usings: [UsingStatementSyntax] = []
        while true {
            let token = try peekToken()
            guard token.kind == .using else {
                resync(Int(token.start))
                return usings
            }
            skipToken()
            usings.append(try parseUsing(token))
            try skipNewlinesAndSemicolons()
        }
    }

    /// Rejects a `using` statement anywhere else, reporting its own errors first.
    mutating func refuseUsing(_ token: Token) throws(Stop) { _ = try parseUsing(token) }

    private mutating func parseUsing(_ token: Token) throws(Stop) -> UsingStatementSyntax {
        let directive = try nextToken()
        let kind: UsingStatementSyntax.Kind?
        switch directive.kind {
        case .namespace: kind = .namespace
        case .module: kind = .module
        case .assembly: kind = .assembly
        case .type, .command: kind = nil
        default: throw failIncomplete("MissingUsingStatementDirective", at: extent(token).after)
        }
        let itemToken = try nextToken()
        switch itemToken.kind {
        case .endOfInput, .newLine, .comma, .semi:
            throw failIncomplete("MissingUsingItemName", at: extent(directive).after)
        default: break
        }
        guard let item = try parseArgument(.commandArgument, itemToken) else {
            throw fail("InvalidValueForUsingItemName", at: extent(itemToken))
        }
        var name: StringConstantSyntax?
        var specification: HashtableSyntax?
        switch item {
        case .string(let string): name = string
        case .hashtable(let table) where kind == .module: specification = table
        default: throw fail("InvalidValueForUsingItemName", at: item.extent)
        }
        let whole = extent(token).through(item.extent)
        if kind != .assembly, name != nil, try peekKind() == .equals {
            throw fail("UsingStatementNotSupported", at: whole)
        }
        guard let kind else { throw failIncomplete("MissingEqualsInUsingAlias", at: extent(itemToken).after) }
        let terminator = try peekToken()
        switch terminator.kind {
        case .newLine, .semi: skipToken()
        case .endOfInput: break
        default: throw failIncomplete("MissingStatementTerminator", at: extent(terminator))
        }
        // The engine looks up, reads and partly runs what these name while it parses, and only the session knows
        // whether it exists. The text alone decides only for namespaces.
        switch kind {
        case .namespace:
            if let name, !isNamespace(name.value) { throw fail("InvalidNamespaceValue", at: name.extent) }
        case .module:
            guard let name, ShippedModules.contains(name.value) else {
                throw fail("ModuleNotFoundDuringParse", at: whole)
            }
        case .assembly:
            guard let name, isRooted(name.value) else { throw fail("ErrorLoadingAssembly", at: item.extent) }
        }
        return keep(UsingStatementSyntax(extent: whole, kind: kind, name: name, specification: specification))
    }

    /// Returns whether a path is rooted; the engine doesn't look at such a path before the script runs.
    private func isRooted(_ path: String) -> Bool {
        let bytes = Array(path.utf8.prefix(3))
        if bytes.first == UInt8(ascii: "/") { return bytes.count == 1 || bytes[1] != UInt8(ascii: "/") }
        return bytes.count == 3 && ASCIIFold.lower(bytes[0]) &- 0x61 < 26 && bytes[1] == UInt8(ascii: ":")
            && (bytes[2] == UInt8(ascii: "\\") || bytes[2] == UInt8(ascii: "/"))
    }

    private func isNamespace(_ text: String) -> Bool {
        text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { part in
            guard let first = part.unicodeScalars.first, isNamespaceStart(first) else { return false }
            return part.unicodeScalars.dropFirst().allSatisfy { isNamespaceStart($0) || isNamespaceFollow($0) }
        }
    }

    private func isNamespaceStart(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .letterNumber:
            scalar.value <= 0xFFFF
        default: scalar == "_"
        }
    }

    private func isNamespaceFollow(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .decimalNumber, .connectorPunctuation, .nonspacingMark, .spacingMark, .format: scalar.value <= 0xFFFF
        default: false
        }
    }
}
