extension ShellScript {
    /// A redirection of a command (POSIX.1-2017, Shell Command Language, 2.7).
    public struct Redirection: Sendable, Hashable {
        /// What it does.
        public enum Operator: String, Sendable, Hashable {
            /// Reads a file.
            case input = "<"
            /// Replaces a file.
            case output = ">"
            /// Adds to a file.
            case append = ">>"
            /// Reads and writes a file.
            case readWrite = "<>"
            /// Makes a descriptor that is written to the same as another.
            case duplicate = ">&"
            /// Makes a descriptor that is read from the same as another.
            case duplicateInput = "<&"
            /// Reads lines of the text itself, up to one that is the target.
            case hereDocument = "<<"
            /// Reads the target itself.
            case hereString = "<<<"
        }

        /// The descriptor that it changes.
        public var descriptor: Int
        /// What it does.
        public var kind: Operator
        /// The file, the number of the other descriptor, or the text.
        public var target: Word

        /// Whether it writes to a file.
        public var writes: Bool {
            switch kind {
            case .output, .append, .readWrite, .duplicate: opensFile
            case .input, .duplicateInput, .hereDocument, .hereString: false
            }
        }

        /// Whether it opens what its target names.
        public var opensFile: Bool {
            switch kind {
            case .input, .output, .append, .readWrite: true
            case .duplicate, .duplicateInput: !namesDescriptor
            case .hereDocument, .hereString: false
            }
        }

        private var namesDescriptor: Bool {
            target.isFixed && target.value.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == 0x2D }
        }
    }
}
