internal import CRecipes
import MMCore

/// The recipes that come with the product: definitions like the owner's own, compiled into read-only data.
package enum RecipeLibrary {
    /// All of them, in the order of their groups.
    package static let all: [ToolDefinition] = texts.compactMap {
        try? YAMLDefinition.read($0.bytes, name: $0.name, place: $0.name)
    }

    /// The recipe of a name, in any case.
    package static func recipe(named name: String) -> ToolDefinition? {
        all.first { $0.name.lowercased() == name.lowercased() }
    }

    /// The definitions as written. They stand in one file, each after a line `# recipe NAME`.
    package static let texts: [(name: String, bytes: [UInt8])] = {
        let table = crecipes_all()
        let whole = String(decoding: UnsafeRawBufferPointer(start: table.bytes, count: table.length), as: UTF8.self)
        var texts: [(name: String, bytes: [UInt8])] = []
        for line in whole.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("# recipe ") {
                texts.append((String(line.dropFirst("# recipe ".count)), []))
            } else if !texts.isEmpty {
                texts[texts.count - 1].bytes += Array(line.utf8) + [UInt8(ascii: "\n")]
            }
        }
        return texts.map { text in
            var bytes = text.bytes[...]
            while bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
            return (text.name, bytes + [UInt8(ascii: "\n")])
        }
    }()
}
