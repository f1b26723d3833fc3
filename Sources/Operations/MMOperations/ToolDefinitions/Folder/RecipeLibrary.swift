internal import CRecipes
import MMCore

/// The recipes that come with the product: definitions like the owner's own, compiled into read-only data.
package enum RecipeLibrary {
    /// All recipes, in the order of their groups.
    package static let all: [ToolDefinition] = texts.compactMap(read)

    /// Returns the recipe with a name, compared without case; only this one is parsed.
    package static func recipe(named name: String) -> ToolDefinition? {
        texts.first { $0.name.lowercased() == name.lowercased() }.flatMap(read)
    }

    private static func read(_ text: (name: String, bytes: [UInt8])) -> ToolDefinition? {
        try? YAMLDefinition.read(text.bytes, name: text.name, place: text.name)
    }

    /// The names of a recipe, read from the top lines of its text without parsing it: a search compares a question with
    /// the names of all recipes, and needs two of them at most.
    package struct Head: Sendable {
        /// The recipe's name.
        package let name: String
        /// The phrases for what it does.
        let phrases: [String]

        private static let keys = ["title", "description", "words"].map { (key: $0, start: Array("\($0): ".utf8)) }

        fileprivate init(_ text: (name: String, bytes: [UInt8])) {
            var lines: [String: String] = [:]
            var rest = text.bytes[...]
            // These lines are among the first, so the rest of the text is not even split into lines.
            while lines.count < Self.keys.count, !rest.isEmpty {
                let line = rest.prefix { $0 != UInt8(ascii: "\n") }
                if let (key, start) = Self.keys.first(where: { line.starts(with: $0.start) }) {
                    lines[key] = String(decoding: line.dropFirst(start.count), as: UTF8.self)
                }
                rest = rest[line.endIndex...].dropFirst()
            }
            name = text.name
            let summary = ToolDefinition.firstSentence(of: lines["description"] ?? "")
            phrases = ToolDefinition.phrases(
                name: name, title: lines["title"] ?? summary, summary: summary,
                words: ToolDefinition.words(in: lines["words"] ?? ""))
        }
    }

    /// The heads of all recipes, in the same order.
    package static let heads: [Head] = texts.map(Head.init)

    /// The definitions as written. They are in one file, each after a line `# recipe NAME`.
    package static let texts: [(name: String, bytes: [UInt8])] = {
        let table = crecipes_all()
        let whole = UnsafeRawBufferPointer(start: table.bytes, count: table.length)
        let mark = Array("# recipe ".utf8)
        var texts: [(name: String, bytes: [UInt8])] = []
        for line in whole.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            if line.starts(with: mark) {
                texts.append((String(decoding: line.dropFirst(mark.count), as: UTF8.self), []))
            } else if !texts.isEmpty {
                texts[texts.count - 1].bytes += line
                texts[texts.count - 1].bytes.append(UInt8(ascii: "\n"))
            }
        }
        // Each text ends with a single line break.
        for index in texts.indices {
            while texts[index].bytes.dropLast().last == UInt8(ascii: "\n") { texts[index].bytes.removeLast() }
        }
        return texts
    }()
}
