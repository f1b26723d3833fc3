/// What the options of `tar` say about what it does, and where.
struct TarOptions {
    /// The letter of its one operation, such as `c` or `x`.
    let mode: Character
    /// The archives (`-f`).
    private(set) var archives: [String] = []
    /// The folders in which it works (`-C`); `/` where names in the archive may be absolute (`-P`).
    private(set) var folders: [String] = []

    private static let modes: Set<Character> = ["t", "d", "c", "x", "r", "u", "A"]
    private static let long: [String: Character] = [
        "list": "t", "diff": "d", "compare": "d", "create": "c", "extract": "x", "get": "x", "append": "r",
        "update": "u", "catenate": "A", "concatenate": "A", "file": "f", "directory": "C", "cd": "C",
        "absolute-names": "P", "absolute-paths": "P", "insecure": "P",
    ]
    /// Other long options that write or remove a file, say where files are written, or start a program.
    private static let writing = [
        "delete", "listed-incremental", "index-file", "volno-file", "one-top-level", "remove-files",
        "checkpoint-action",
    ]

    /// Reads the words of a call; `nil` without exactly one operation, and with an option that writes elsewhere or may
    /// be short for such a one.
    init?(_ words: [String]) {
        var found: Set<Character> = []
        var rest = words[...]
        var isFirst = true
        while let word = rest.popFirst() {
            defer { isFirst = false }
            var options: [(letter: Character, value: String?)] = []
            if word.hasPrefix("--") {
                let name = String(word.dropFirst(2).prefix { $0 != "=" })
                let isGiven = word.contains("=")
                if let letter = Self.long[name] {
                    options = [(letter, isGiven ? String(word.dropFirst(name.count + 3)) : nil)]
                } else if (Self.long.keys + Self.writing).contains(where: { $0.hasPrefix(name) }) {
                    return nil
                }
            } else if word.hasPrefix("-") {
                var letters = word.dropFirst()
                while let letter = letters.popFirst() {
                    let isValued = Self.takesValue(letter) && !letters.isEmpty
                    options.append((letter, isValued ? String(letters) : nil))
                    if isValued { letters = "" }
                }
            } else if isFirst {
                options = word.map { ($0, nil) }
            }
            for (letter, value) in options {
                switch letter {
                case _ where Self.modes.contains(letter): found.insert(letter)
                case "f": archives.append(value ?? rest.popFirst() ?? "")
                case "C": folders.append(value ?? rest.popFirst() ?? "")
                case "P": folders.append("/")
                // These write a list of what was packed, or stand for any long option.
                case "g", "W": return nil
                case _ where Self.takesValue(letter) && value == nil: _ = rest.popFirst()
                default: break
                }
            }
        }
        guard let mode = found.first, found.count == 1 else { return nil }
        self.mode = mode
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
            return places.count < 2
                && places.allSatisfy { !isOfMachine($0) && !["~", "~/", "$HOME", "/root"].contains($0) }
        default: return false
        }
    }
}
