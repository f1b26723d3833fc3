/// The resources that the parser may use for one text. A text that needs more is rejected as `ScriptTooComplicated`.
public struct ParserLimits: Sendable {
    /// The maximum length of the text in UTF-16 code units.
    public var length = 8 << 20
    /// The maximum height of the tree: nested blocks, groups and operands as well as chains of operators and accesses.
    public var nesting = 1000
    /// The maximum number of bytes of the caller's stack. The default suits the 512 KiB threads of a concurrency pool;
    /// callers with a larger stack may raise it to parse deeper nesting.
    public var stackBytes = 320 << 10

    /// Creates the default limits.
    public init() {}
}
