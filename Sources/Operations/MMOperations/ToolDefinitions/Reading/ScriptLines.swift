import PowerShellSyntax

/// What of a PowerShell text definitions need: lines, and the variables that it mentions.
enum ScriptLines {
    /// The line of a place in a text, both counted as the parser does.
    static func line(of place: Int, in text: String) -> Int {
        1 + text.utf16.prefix(place).reduce(0) { $1 == 10 ? $0 + 1 : $0 }
    }

    /// Whether a text can be the name of a variable that is a parameter.
    static func isVariable(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 60
            && text.unicodeScalars.allSatisfy { scalar in
                switch scalar {
                case "a"..."z", "A"..."Z", "0"..."9", "_": true
                default: false
                }
            }
    }

    /// The variables that a script mentions, each once.
    static func variables(of script: ParsedScript) -> [String] {
        var seen: Set<String> = []
        var names: [String] = []
        for item in ScriptFacts(of: script).items {
            guard case .variable(let path, _) = item.detail, path.isVariable,
                seen.insert(path.name.lowercased()).inserted
            else { continue }
            names.append(path.name)
        }
        return names
    }
}
