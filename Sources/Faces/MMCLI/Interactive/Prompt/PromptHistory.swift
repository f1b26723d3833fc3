package import MMCore

/// What was typed at prompts before, for the arrow keys: in a file that only its owner can read, the oldest first, one JSON
/// text a line.
package struct PromptHistory: Sendable {
    private static let limit = 2000

    private let path: String

    /// The history in a file.
    package init(path: String) { self.path = path }

    /// What it holds; nothing where it can't be read.
    package var texts: [String] {
        guard let bytes = try? ProtectedFile.read(path, limit: 8 << 20) else { return [] }
        return bytes.split(separator: 0x0A).compactMap { (try? JSONParser.parse($0))?.string }
    }

    /// Adds a text, unless it is the last one already.
    /// - Throws: `MMError` when the file can't be written.
    package func add(_ text: String) throws(MMError) {
        try FileLock.with(path) { () throws(MMError) in
            var texts = texts
            guard texts.last != text else { return }
            texts = (texts + [text]).suffix(Self.limit)
            let lines = texts.map { JSONWriter.string(.string($0)) + "\n" }.joined()
            try ProtectedFile.replace(path, with: Array(lines.utf8), mode: 0o600)
        }
    }
}
