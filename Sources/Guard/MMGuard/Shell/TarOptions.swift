/// What the options of `tar` say about what it does, and where.
struct TarOptions {
    /// The letter of its one operation, such as `c` or `x`.
    let mode: Character
    /// The archives (`-f`).
    private(set) var archives: [String] = []
    /// The folders in which it works (`-C`); `/` where names in the archive may be absolute (`-P`).
    private(set) var folders: [String] = []
    /// Whether it takes names from a file (`-T`), which may name other folders as well.
    private(set) var hasList = false

    private static let modes: Set<Character> = ["t", "d", "c", "x", "r", "u", "A"]
    private static let long: [String: Character] = [
        "list": "t", "diff": "d", "compare": "d", "create": "c", "extract": "x", "get": "x", "append": "r",
        "update": "u", "catenate": "A", "concatenate": "A", "file": "f", "directory": "C", "cd": "C",
        "absolute-names": "P", "absolute-paths": "P", "insecure": "P", "files-from": "T",
    ]
    /// Other long options that write or remove a file, say where files are written, or start a program.
    private static let writing = [
        "delete", "listed-incremental", "index-file", "volno-file", "one-top-level", "remove-files",
        "checkpoint-action",
    ]

    /// Reads the words of a call; `nil` without exactly one operation, and with an option that writes elsewhere, may be
    /// short for such a one, or takes a value in some versions of tar only.
    init?(_ words: [String]) {
        var found: Set<Character> = []
        var rest = words[...]
        // Whether the next word may be the value of a long option that isn't known here.
        var mayBeValue = false
        while let word = rest.popFirst() {
            if word == "--", !mayBeValue { break }
            guard let options = Self.options(in: word, isFirst: rest.count + 1 == words.count),
                !mayBeValue || !options.contains(where: { $0.letter == "C" })
            else { return nil }
            mayBeValue = options.isEmpty && word.hasPrefix("--") && !word.contains("=")
            for (letter, given) in options {
                var value = given
                if given == nil, Self.takesValue(letter) {
                    value = rest.popFirst()
                    // Another reading of the words before it would make such a value an option.
                    guard value == "-" || value?.hasPrefix("-") == false else { return nil }
                }
                switch letter {
                case _ where Self.modes.contains(letter): found.insert(letter)
                case "f": archives.append(value ?? "")
                case "C": folders.append(value ?? "")
                case "P": folders.append("/")
                case "T": hasList = true
                case "g", "W", "H", "L", "s": return nil
                default: break
                }
            }
        }
        guard let mode = found.first, found.count == 1 else { return nil }
        self.mode = mode
    }

    /// Returns the options in a word, with the values that follow in the same word; `nil` for one that can't be read.
    private static func options(in word: String, isFirst: Bool) -> [(letter: Character, value: String?)]? {
        if word.hasPrefix("--") {
            let name = String(word.dropFirst(2).prefix { $0 != "=" })
            let value = word.contains("=") ? String(word.dropFirst(name.count + 3)) : nil
            if let letter = long[name] { return [(letter, value)] }
            return (long.keys + writing).contains { $0.hasPrefix(name) } ? nil : []
        }
        guard word.hasPrefix("-") else { return isFirst ? word.map { ($0, nil) } : [] }
        var options: [(letter: Character, value: String?)] = []
        var letters = word.dropFirst()
        while let letter = letters.popFirst() {
            let isValued = takesValue(letter) && !letters.isEmpty
            options.append((letter, isValued ? String(letters) : nil))
            if isValued { break }
        }
        return options
    }

    private static func takesValue(_ letter: Character) -> Bool {
        LookerException.table["tar"]?.values.contains(letter) == true
    }
}

extension ShellJudge {
    /// Returns whether an archive is only looked into, written or unpacked where files may be made.
    func isHarmless(_ tar: TarOptions) -> Bool {
        switch tar.mode {
        case "t", "d": return true
        // What is packed stays where it is.
        case "c": return tar.archives.allSatisfy { $0 == "-" || isFree($0) }
        case "x":
            // What is unpacked over a home may be what starts there at the next sign-in.
            let places = tar.folders.isEmpty ? [context.path(".")].compactMap(\.self) : tar.folders
            return places.count < 2 && !tar.hasList
                && places.allSatisfy { !isOfMachine($0) && !["~", "~/", "$HOME", "/root"].contains($0) }
        default: return false
        }
    }
}
