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
