extension ShellScript {
    /// A redirection of a command (POSIX.1-2017, Shell Command Language, section 2.7).
    package struct Redirection: Sendable, Hashable {
        /// The kind of a redirection.
        package enum Operator: String, Sendable, Hashable {
            /// Reads a file.
            case input = "<"
            /// Writes a file, replacing its contents.
            case output = ">"
            /// Appends to a file.
            case append = ">>"
            /// Reads and writes a file.
            case readWrite = "<>"
            /// Makes the descriptor a copy of another one, for output.
            case duplicate = ">&"
            /// Makes the descriptor a copy of another one, for input.
            case duplicateInput = "<&"
            /// Reads the lines that follow in the text, up to one that equals the target.
            case hereDocument = "<<"
            /// Reads the target itself as text.
            case hereString = "<<<"
        }

        /// The redirected descriptor.
        package var descriptor: Int
        /// The kind of redirection.
        package var kind: Operator
        /// The file, the number of the other descriptor, or the text.
        package var target: Word
        /// The lines of a here-document.
        package internal(set) var text: String?

        /// Whether the redirection writes to a file.
        package var writes: Bool {
            switch kind {
            case .output, .append, .readWrite, .duplicate: opensFile
            case .input, .duplicateInput, .hereDocument, .hereString: false
            }
        }

        /// Whether the redirection opens the file that its target names.
        package var opensFile: Bool {
            switch kind {
            case .input, .output, .append, .readWrite: true
            case .duplicate, .duplicateInput: !namesDescriptor
            case .hereDocument, .hereString: false
            }
        }

        var namesDescriptor: Bool {
            target.isFixed && target.value.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == 0x2D }
        }
    }
}
