import Glibc
package import MMCore

/// Reads the content that `-` (standard input) and `@file` stand for on a command line.
package struct ContentSource: Sendable {
    private static let limit = 64 << 20
    private let standardInput: @Sendable () throws(MMError) -> String

    /// Creates a source that reads standard input with this function.
    package init(standardInput: @escaping @Sendable () throws(MMError) -> String) {
        self.standardInput = standardInput
    }

    /// Returns the content that a word stands for: the word itself unless it is `-`, `@-` or `@file`. `@@` stands for a
    /// leading `@`.
    /// - Parameters:
    ///   - word: the word as typed.
    ///   - flag: the flag or argument, for messages.
    ///   - namingFile: whether the word itself may be the path of a file.
    /// - Throws: `MMError.invalidInput` when the file can't be read or isn't UTF-8 text.
    package func resolve(_ word: String, for flag: String, namingFile: Bool = false) throws(MMError) -> String {
        // `@-` is what curl's -d takes for standard input.
        if word == "-" || word == "@-" { return try standardInput() }
        if namingFile {
            if let text = try file(word, for: flag) { return text }
            // A script's file name without `@` was meant as a file, not as a command.
            if !word.hasPrefix("@"), word.lowercased().hasSuffix(".ps1"), !word.contains(where: \.isWhitespace) {
                throw MMError(
                    .invalidInput, "There is no file \(word).",
                    hint: "Give the path of a script here, or the script itself in quotes.")
            }
        }
        guard word.hasPrefix("@") else { return word }
        if word.hasPrefix("@@") { return String(word.dropFirst()) }
        let path = String(word.dropFirst())
        guard let text = try file(path, for: flag) else {
            // Scripts may begin with `@(`, `@{` or a here-string; files aren't named like that.
            if namingFile, let first = path.first, "({'\"".contains(first) { return word }
            throw MMError(
                .invalidInput, "\(flag) names the file \(path), which does not exist.",
                hint: "Write @@ for text that begins with @."
            )
        }
        return text
    }

    /// Whether a word is the path of a file.
    package func isFile(_ word: String) -> Bool {
        guard !word.isEmpty, word.utf8.count < 4096, !word.utf8.contains(0) else { return false }
        return access(word, F_OK) == 0
    }

    /// Returns the text of a file; `nil` when the file doesn't exist.
    /// - Throws: `MMError.invalidInput` when it can't be read or isn't UTF-8 text.
    package func file(_ path: String, for flag: String) throws(MMError) -> String? {
        // A script longer than any path can't name a file; trying to open it would only give a misleading error.
        guard path.utf8.count < 4096, !path.utf8.contains(0), !path.isEmpty,
            let bytes = try ReadableFile.contents(of: path, limit: Self.limit)
        else { return nil }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw MMError(.invalidInput, "The file \(path) for \(flag) is no UTF-8 text.")
        }
        return text
    }
}
