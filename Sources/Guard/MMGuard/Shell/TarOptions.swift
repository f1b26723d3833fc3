import ShellSyntax

/// What the options of `tar` say about what it does, and where.
struct TarOptions {
    /// The letters of its operations, such as `c` or `x`: with any other number than one it refuses to work.
    private(set) var modes: Set<Character> = []
    /// The archives (`-f`).
    private(set) var archives: [String] = []
    /// The folders in which it works (`-C`); `/` where names in the archive may be absolute (`-P`).
    private(set) var folders: [String] = []
    /// Whether it takes names from a file (`-T`), which may name other folders as well.
    private(set) var hasList = false
    /// Whether another option says that something is written or removed or may be short for one that does, or the words
    /// may be read in another way.
    private(set) var mayWriteMore = false
    /// Whether a name with a colon is a file, rather than one on another host.
    private var isLocal = false

    private static let letters: [String: Character] = [
        "list": "t", "diff": "d", "compare": "d", "create": "c", "extract": "x", "get": "x", "append": "r",
        "update": "u", "catenate": "A", "concatenate": "A", "file": "f", "directory": "C", "cd": "C",
        "absolute-names": "P", "absolute-paths": "P", "insecure": "P", "files-from": "T",
    ]
    /// Other long options that write or remove a file, say where files are written, or start a program.
    private static let writing = [
        "delete", "listed-incremental", "index-file", "volno-file", "one-top-level", "remove-files",
        "checkpoint-action",
    ]

    /// Reads the words of a call.
    init(_ words: [String]) {
        var rest = words[...]
        // Whether the next word may be the value of a long option that isn't known here.
        var mayBeValue = false
        while let word = rest.popFirst() {
            if word == "--", !mayBeValue { break }
            let options = options(in: word, isFirst: rest.count == words.count - 1)
            if mayBeValue, options.contains(where: { $0.letter == "C" }) { mayWriteMore = true }
            mayBeValue = options.isEmpty && word.hasPrefix("--") && !word.contains("=")
            for (letter, given) in options {
                let value = given ?? (Self.takesValue(letter) ? rest.popFirst() : nil)
                if given == nil, Self.takesValue(letter) {
                    // Another reading of the words before it would make such a value an option.
                    mayWriteMore = mayWriteMore || value != "-" && value?.hasPrefix("-") != false
                }
                switch letter {
                case "t", "d", "c", "x", "r", "u", "A": modes.insert(letter)
                case "f": archives.append(value ?? "")
                case "C": folders.append(value ?? "")
                case "P": folders.append("/")
                case "T": hasList = true
                // These write a list of what was packed, stand for any long option, or take a value in some versions.
                case "g", "W", "H", "L", "s": mayWriteMore = true
                default: break
                }
            }
        }
    }

    /// Returns the options in a word by their letters, with the values that it has for them.
    private mutating func options(in word: String, isFirst: Bool) -> [(letter: Character, value: String?)] {
        if word.hasPrefix("--") {
            let name = String(word.dropFirst(2).prefix { $0 != "=" })
            if name == "force-local" { isLocal = true }
            if let letter = Self.letters[name] { return [(letter, LongOption.value(in: word))] }
            let isShort = LongOption.word(word, mayBeOneOf: (Self.letters.keys + Self.writing).map { "--" + $0 })
            mayWriteMore = mayWriteMore || isShort
            return []
        }
        // Letters without a dash take their values from the words behind them.
        guard word.hasPrefix("-") else { return isFirst ? word.map { ($0, nil) } : [] }
        var options: [(letter: Character, value: String?)] = []
        var letters = word.dropFirst()
        while let letter = letters.popFirst() {
            let hasValue = Self.takesValue(letter) && !letters.isEmpty
            options.append((letter, hasValue ? String(letters) : nil))
            if hasValue { break }
        }
        return options
    }

    private static func takesValue(_ letter: Character) -> Bool {
        LookerException.table["tar"]?.values.contains(letter) == true
    }

    /// Whether an archive is on another host.
    var isElsewhere: Bool {
        !isLocal
            && archives.contains { archive in
                let host = archive.prefix { $0 != ":" }
                return host.count < archive.count && !host.contains("/")
            }
    }
}

extension ShellJudge {
    /// Returns what the options of a call of `tar` say; `nil` for other programs.
    static func tar(_ call: ShellScript.Command) -> TarOptions? {
        ["tar", "bsdtar", "gtar"].contains(call.program) ? TarOptions(call.arguments.map(\.value)) : nil
    }

    /// Returns whether an archive is only looked into, written or unpacked where files may be made.
    func isHarmless(_ tar: TarOptions) -> Bool {
        guard tar.modes.count == 1, !tar.mayWriteMore else { return false }
        switch tar.modes.first {
        case "t", "d": return true
        // What is packed stays where it is.
        case "c": return tar.archives.allSatisfy { $0 == "-" || isFree($0) }
        case "x":
            // What is unpacked over a home may be what starts there at the next sign-in.
            let places = tar.folders.isEmpty ? ["."] : tar.folders
            return places.count < 2 && !tar.hasList && places.allSatisfy { !isOfMachine($0) && !isHome($0) }
        default: return false
        }
    }
}
