import ShellSyntax

/// The options of PowerShell's program: it takes them in any case, behind `-`, `--` or `/`, and cut off after any
/// letter from which no other one can be meant.
enum PowerShellOption {
    /// Each name, with its shortest form and its short name, in the order in which PowerShell compares them.
    private static let table: [(name: String, shortest: String, short: String)] = [
        ("configurationfile", "configurationfile", ""), ("configurationname", "config", ""),
        ("custompipename", "cus", ""), ("commandwithargs", "commandwithargs", "cwa"), ("command", "c", ""),
        ("windowstyle", "w", ""), ("file", "f", ""), ("outputformat", "o", "of"), ("inputformat", "inp", "if"),
        ("executionpolicy", "ex", "ep"), ("encodedarguments", "encodeda", "ea"), ("encodedcommand", "e", "ec"),
        ("settingsfile", "settings", ""), ("workingdirectory", "wo", "wd"),
    ]

    /// Returns a call of PowerShell with the full names of those options that take a value, and with everything behind
    /// `-Command` as one word; any other call as it is.
    static func named(in call: ShellScript.Command) -> ShellScript.Command {
        guard ["pwsh", "powershell"].contains(call.program) else { return call }
        var named = call
        named.words = Array(call.words.prefix(1))
        var rest = call.arguments
        while var word = rest.popFirst() {
            guard let name = name(of: word.value) else {
                named.words.append(word)
                // What stands behind the script's path is the script's own.
                if word.value.hasPrefix("-") { continue } else { break }
            }
            if name == "file" { break }
            word.value = "-" + name
            named.words.append(word)
            guard var value = rest.popFirst() else { break }
            if name == "command" {
                value.value = ([value] + rest).map(\.value).joined(separator: " ")
                value.isFixed = value.isFixed && rest.allSatisfy(\.isFixed)
                rest = []
            }
            named.words.append(value)
        }
        named.words += rest
        return named
    }

    /// Returns the full name of an option that takes a value; `nil` for any other word.
    private static func name(of word: String) -> String? {
        guard let first = word.first, "-/–—―".contains(first) else { return nil }
        var key = word.dropFirst().lowercased()
        if let second = key.first, "-–—―".contains(second) { key.removeFirst() }
        guard !key.isEmpty else { return nil }
        return table.first {
            key == $0.short || key.utf8.count >= $0.shortest.utf8.count && $0.name.hasPrefix(key)
        }?.name
    }
}
