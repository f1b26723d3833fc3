/// The lists of programs, options and variables that are known by their names. The table of words says what each
/// contains.
enum ShellPrograms: String {
    case readers, privileged, software, destroyers, carriers, mailers, wrappers, joiners, starters, noticed
    case printers, shells, interpreters, verbless, early, loaders, loadingFolders = "loading-folders"
    case loadingOptions = "loading-options", programVariables = "program-variables", prompts
    case commandVariables = "command-variables", inherited, showing, makers

    /// Returns whether the list contains a word.
    func contains(_ word: String) -> Bool { ShellWords.contains(word, in: rawValue) }

    /// Options of wrappers that take the next word.
    static let valueOptions = ShellTable.texts.compactMapValues { facts in
        facts.first { $0[0] == "takes" }.map { Set($0.dropFirst()) }
    }

    /// Options of wrappers that name a file that they write.
    static let savingOptions = ShellTable.texts.compactMapValues { facts in
        facts.first { $0[0] == "saves" }.map { Set($0.dropFirst()) }
    }

    /// Options of wrappers that name the folder in which the command starts.
    static let enteringOptions = ShellTable.texts.compactMapValues { facts in
        facts.first { $0[0] == "enters" }.map { Set($0.dropFirst()) }
    }

    /// Wrappers whose first word before the command is a file that they make.
    static let fileMakers = Set(ShellTable.texts.filter { $0.value.contains { $0[0] == "makes" } }.keys)

    /// The number of words that wrappers take before the command.
    static let leadingWords = ShellTable.texts.compactMapValues { facts in
        facts.first { $0[0] == "leads" }.flatMap { Int($0[1]) }
    }

    /// Returns the words of a client that say what it does: the consecutive words before its options. The client's own
    /// options may precede them.
    static func verbs(_ words: [String]) -> [String] {
        var rest = words[...]
        while let first = rest.first, first.hasPrefix("-") {
            rest = rest.dropFirst(early.contains(first) ? 2 : 1)
        }
        return Array(rest.prefix { !$0.hasPrefix("-") })
    }
}
