/// A redirection of a simple command (POSIX.1-2017, Shell Command Language, 2.7).
public struct ShellRedirection: Sendable, Hashable {
    /// What it does.
    public enum Operator: String, Sendable, Hashable {
        /// Reads a file.
        case input = "<"
        /// Replaces a file.
        case output = ">"
        /// Adds to a file.
        case append = ">>"
        /// Makes one descriptor the same as another.
        case duplicate = ">&"
    }

    /// The descriptor it changes.
    public var descriptor: Int
    /// What it does.
    public var kind: Operator
    /// The file, or the number of the other descriptor.
    public var target: ShellWord
}
