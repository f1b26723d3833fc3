/// What the parser may spend on one text. Beyond it the text is refused as `ScriptTooComplicated`.
public struct ParserLimits: Sendable {
    /// The longest text in UTF-16 code units.
    public var length = 8 << 20
    /// How high the tree may grow: nested blocks, groups and operands as well as chains of operators and accesses.
    public var nesting = 1000
    /// How many bytes of the caller's stack the parser may use. The default fits the 512 KiB threads of a concurrency
    /// pool; callers with more stack may raise it to parse deeper nesting.
    public var stackBytes = 320 << 10

    /// The default limits.
    public init() {}
}
