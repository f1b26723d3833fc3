/// The grammar of the language, by recursive descent with one token of lookahead.
///
/// Where the engine itself recovers from a fault to find more of them, this parser stops: a text with a fault can't run.
/// Nodes are noted in order of their making, so that the tree can be let go without recursion.
/// Small steps are kept out of line: rules that contain themselves stay small on the stack that way, and nest deeper.
struct Parser {
    var lexer: Lexer
    /// The token that was looked at but not taken.
    var held = Token(kind: .unknown, start: 0, end: 0)
    var hasHeld = false
    /// A comma separates arguments and builds no array.
    var commaSeparates = false
    var nodes: [any AnyObject & Sendable] = []
    /// The classes and enumerations of the script block at work.
    var definedTypes: [TypeDefinitionSyntax] = []
    /// Groups and blocks that are open.
    var openGroups = 0
    /// How deep rules are nested.
    private var depth = 0
    /// How high the tree below the rule at work is.
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

    /// Enters a rule that can contain itself.
    @inline(never)
    mutating func descend() throws(Stop) {
        depth += 1
        let place = Parser.stackPlace()
        let used = stackTop > place ? stackTop - place : place - stackTop
        if depth > limits.nesting * 4 || used > UInt(limits.stackBytes) { throw tooComplicated() }
    }

    /// Leaves it again.
    @inline(__always)
    mutating func ascend() { depth -= 1 }

    /// Counts a node that was put on top of the tree of the rule at work.
    @inline(never)
    mutating func grow(_ count: Int = 1) throws(Stop) {
        height += count
        if height > limits.nesting { throw tooComplicated() }
    }

    private mutating func tooComplicated() -> Stop {
        lexer.fail("ScriptTooComplicated", lexer.tokenStart, lexer.position)
    }

    // MARK: Nodes

    /// Notes a new node.
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

    /// Changes the mode; a token that reads differently in the new one is read again.
    @inline(never)
    mutating func setMode(_ mode: LexerMode) {
        guard mode != lexer.mode else { return }
        if hasHeld, !held.kind.isModeInvariant { resync(Int(held.start)) }
        lexer.mode = mode
    }

    /// Goes back to a place.
    @inline(never)
    mutating func resync(_ place: Int) {
        hasHeld = false
        lexer.resync(place)
    }

    /// The place of the next token or what stands before it.
    var restorePoint: Int {
        mutating get { hasHeld ? Int(held.start) : lexer.position }
    }

    @inline(never)
    mutating func extent(_ token: Token) -> SourceExtent { lexer.extent(token) }

    // MARK: Faults

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
