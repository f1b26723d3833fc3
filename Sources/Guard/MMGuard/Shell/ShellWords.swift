internal import CGuardTables

/// The lists of names by which shell commands are judged, all in one table.
enum ShellWords {
    /// Returns the words of a list, without those that stand for a family.
    static func list(_ name: String) -> Set<String> { known(name).words }

    /// Returns whether a list exists, so that what it doesn't contain means something.
    static func has(_ list: String) -> Bool { table[list] != nil }

    /// Returns whether a list contains a word, or a family to which it belongs.
    static func contains(_ word: String, in list: String) -> Bool {
        let list = known(list)
        return list.words.contains(word) || list.starts.contains(where: word.hasPrefix)
    }

    /// Returns a list of the table. A misspelt name would make the guard silently weaker, so it ends a debug build.
    private static func known(_ name: String) -> List {
        assert(has(name), "shell-words.txt has no list \(name)")
        return table[name] ?? List()
    }

    private struct List: Sendable {
        var words: Set<String> = []
        /// The beginnings of the words of each family.
        var starts: [String] = []
    }

    private static let table = ShellTable(cguard_shell_words).facts.mapValues { facts in
        var list = List()
        for word in facts.joined() {
            if word.hasSuffix("*"), word.utf8.count > 1 {
                list.starts.append(String(word.dropLast()))
            } else {
                list.words.insert(word)
            }
        }
        return list
    }
}
