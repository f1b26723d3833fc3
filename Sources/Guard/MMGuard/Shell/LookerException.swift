/// What makes more of a program than one that only looks: options that write or start something, and operands that do.
struct LookerException: Sendable {
    /// Letters that take the next word, unless a value stands behind them in the same.
    var values = ""
    /// Letters behind which a value may stand in the same word alone.
    var attached = ""
    /// Options that write: letters, and long names.
    var writes: [String] = []
    /// Options that start another program, or read a file that names one.
    var starts: [String] = []
    /// How many words it takes that are no options; with more it writes to one of them, or sets what it would show.
    var operands: Int?
    /// Whether a word that begins with `+` is a command of the program: a place or a search is harmless, all else is not.
    var takesCommands = false

    /// What words make of the program; `nil` where it only looks.
    func rule(_ words: [(text: String, isFixed: Bool)]) -> ShellRule? {
        var rest = words[...]
        var count = 0
        var found: ShellRule?
        while let word = rest.popFirst() {
            if word.text == "--" {
                count += rest.count
                break
            }
            // It may become an option.
            if !word.isFixed, word.text.hasPrefix("$") || word.text.hasPrefix("`") {
                found = .writes
            } else if word.text.hasPrefix("--") {
                let name = word.text.dropFirst(2).prefix { $0 != "=" }
                // Long options may be shortened.
                if starts.contains(where: { $0.count > 1 && $0.hasPrefix(name) }) { return .dynamic }
                if writes.contains(where: { $0.count > 1 && $0.hasPrefix(name) }) { found = .writes }
            } else if word.text.hasPrefix("-"), word.text.count > 1 {
                var letters = word.text.dropFirst()
                while let letter = letters.popFirst() {
                    if starts.contains(String(letter)) { return .dynamic }
                    if writes.contains(String(letter)) { found = .writes }
                    if values.contains(letter), letters.isEmpty { _ = rest.popFirst() }
                    if values.contains(letter) || attached.contains(letter) { break }
                }
            } else if word.text.hasPrefix("+") {
                if takesCommands, !Self.isPlace(word.text) { return .dynamic }
            } else {
                count += 1
            }
        }
        if let operands, count > operands { return .writes }
        return found
    }

    /// Whether a command of a pager only says where it begins: `+F`, `+G`, `+12`, `+/text`.
    private static func isPlace(_ word: String) -> Bool {
        let command = word.drop { $0 == "+" }
        if command.hasPrefix("/") || command.hasPrefix("?") {
            return !command.contains { $0.isNewline || $0 == "\u{1B}" }
        }
        return command.allSatisfy { $0.isNumber || "FGgp%".contains($0) }
    }

    /// Those of `ShellPrograms.readers` that have any.
    private static let pager = LookerException(
        values: "oObhjkptTxyz#D", writes: ["o", "O", "log-file", "LOG-FILE"],
        starts: ["k", "lesskey-file", "lesskey-src", "lesskey-content"], takesCommands: true)

    static let table: [String: LookerException] = [
        "sort": LookerException(values: "kStTo", writes: ["o", "output"], starts: ["compress-program"]),
        "uniq": LookerException(values: "fsw", operands: 1),
        "xxd": LookerException(values: "cglsonR", operands: 1),
        "tree": LookerException(values: "LPIo", writes: ["o"]),
        "yq": LookerException(values: "Iop", writes: ["i", "inplace", "in-place"]),
        "file": LookerException(values: "eFfmP", writes: ["C", "compile"]),
        "info": LookerException(values: "dfno", writes: ["o", "output"]),
        "less": pager, "zless": pager, "more": LookerException(values: "n", takesCommands: true),
        "man": LookerException(
            values: "RLmMSserEp", starts: ["P", "H", "C", "pager", "html", "config-file"]),
        "rg": LookerException(values: "ABCefgjmMrtTE", starts: ["pre", "hostname-bin"]),
        "ag": LookerException(starts: ["pager"]),
        "date": LookerException(values: "dfr", attached: "I", writes: ["s", "set"], operands: 0),
        "hostname": LookerException(writes: ["F", "file", "b", "boot"], operands: 0),
        "dmesg": LookerException(
            values: "flnsF",
            writes: ["c", "C", "D", "E", "n", "clear", "read-clear", "console-off", "console-on", "console-level"]),
        "journalctl": LookerException(
            values: "DMnopStuUF",
            writes: [
                "vacuum-size", "vacuum-time", "vacuum-files", "rotate", "flush", "setup-keys", "update-catalog",
                "cursor-file",
            ]),
        "lastlog": LookerException(values: "btu", writes: ["C", "S", "clear", "set"]),
        "history": LookerException(writes: ["c", "d", "w", "a", "s"]),
        "fuser": LookerException(values: "nN", writes: ["k", "kill"]),
        "ss": LookerException(values: "AfFD", writes: ["K", "D", "kill", "diag"]),
    ]
}
