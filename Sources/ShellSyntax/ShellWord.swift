/// A word of a command after its quotes were taken off.
public struct ShellWord: Sendable, Hashable {
    /// The text that the program or the shell sees, as long as `isLiteral`.
    public var value: String
    /// Whether the shell takes the text as it is: no pattern that it would look up among files, no home folder.
    public var isLiteral: Bool
    /// Where it begins, in bytes from the start of the text.
    public var offset: Int

    /// A word.
    public init(_ value: String, isLiteral: Bool = true, offset: Int = 0) {
        self.value = value
        self.isLiteral = isLiteral
        self.offset = offset
    }
}
