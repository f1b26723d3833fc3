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
        // One end of a line stands at the end of each.
        for index in texts.indices {
            while texts[index].bytes.dropLast().last == UInt8(ascii: "\n") { texts[index].bytes.removeLast() }
        }
        return texts
    }()
}
