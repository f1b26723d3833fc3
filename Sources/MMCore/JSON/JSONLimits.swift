/// How much JSON a parser accepts from an untrusted source.
public struct JSONLimits: Sendable {
    /// The maximum size of the whole text in bytes.
    public var bytes: Int
    /// The maximum nesting depth of arrays and objects.
    package var depth: Int
    /// How a repeated key in an object is handled.
    package var duplicateKeys: DuplicateKeys
    /// Whether the text is written back after a change. If so, numbers with a fraction or exponent keep their spelling
    /// (`1.50`, `1e2`), and half of a surrogate pair, which no string can hold, is refused instead of replaced.
    package var isWrittenBack = false

    /// How a repeated key is handled.
    public enum DuplicateKeys: Sendable {
        /// The last value wins, as in most parsers.
        case keepLast
        /// The text is refused, because two parsers may read it differently.
        case refuse
    }

    /// Creates limits.
    /// - Parameters:
    ///   - bytes: the maximum size of the whole text in bytes.
    ///   - depth: the maximum nesting depth.
    ///   - duplicateKeys: how a repeated key is handled.
    public init(bytes: Int = 256 << 20, depth: Int = 256, duplicateKeys: DuplicateKeys = .keepLast) {
        self.bytes = bytes
        self.depth = depth
        self.duplicateKeys = duplicateKeys
    }

    /// 256 MiB, 256 levels deep, the last duplicate wins.
    public static let standard = JSONLimits()
    /// Like `standard`, but repeated keys are refused.
    public static let strict = JSONLimits(duplicateKeys: .refuse)
}
