package import PowerShellSyntax

/// What scripts need of the machine that runs them, read from their text.
extension NativeEngine {
    /// Whether a script asks whoever runs it, so that answers may be given beforehand.
    package static func asks(_ script: ParsedScript) -> Bool {
        let questions: Set<String> = ["read-host", "out-gridview", "ogv"]
        return commands(of: script).contains { questions.contains($0.lowercased()) }
    }

    /// Whether a script uses files, which are handed over when it has ended.
    package static func usesFiles(_ script: ParsedScript) -> Bool {
        let files: Set<String> = [
            "export-csv", "epcsv", "out-file", "set-content", "add-content", "tee-object", "new-item",
        ]
        return ScriptFacts(of: script).items.contains { item in
            switch item.detail {
            case .command(let command):
                return files.contains(command.name?.lowercased() ?? "") || !command.redirections.isEmpty
            case .expression(let redirections): return !redirections.isEmpty
            default: return false
            }
        }
    }

    private static func commands(of script: ParsedScript) -> [String] {
        ScriptFacts(of: script).items.compactMap { item in
            if case .command(let command) = item.detail { command.name } else { nil }
        }
    }
}
