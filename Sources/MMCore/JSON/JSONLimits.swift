/// How much JSON a reader takes from somebody it doesn't trust.
public struct JSONLimits: Sendable {
    /// Most bytes of the whole text.
    public var bytes: Int
    /// Deepest nesting of arrays and objects.
    public var depth: Int
    /// What a repeated key in one object means.
    public var duplicateKeys: DuplicateKeys
    /// Whether the text is written back after a change. Numbers with a fraction or an exponent then keep their spelling
    /// (`1.50`, `1e2`), and what no string can hold, half of a surrogate pair, is refused instead of replaced.
    public var isWrittenBack = false

    /// What to do with a repeated key.
    public enum DuplicateKeys: Sendable {
        /// The last one counts, as in most readers.
        case keepLast
        /// The text is refused: two readers of it may see two different things.
        case refuse
    }

    /// Limits of a reader.
    /// - Parameters:
    ///   - bytes: most bytes of the whole text.
    ///   - depth: deepest nesting.
    ///   - duplicateKeys: what a repeated key means.
    public init(bytes: Int = 256 << 20, depth: Int = 256, duplicateKeys: DuplicateKeys = .keepLast) {
        self.bytes = bytes
        self.depth = depth
        self.duplicateKeys = duplicateKeys
    }

    /// 256 MiB, 256 deep, the last duplicate counts.
    public static let standard = JSONLimits()
    /// As `standard`, but repeated keys are refused.
    public static let strict = JSONLimits(duplicateKeys: .refuse)
}
