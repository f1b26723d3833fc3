package import MMCore
import MMOperations

/// Shell completion, generated from the same declarations as the help texts.
package enum CompletionScript {
    /// The script for a shell.
    /// - Parameters:
    ///   - shell: `bash`, `zsh` or `fish`.
    ///   - index: the commands.
    /// - Throws: `MMError.invalidInput` for another shell.
    package static func text(for shell: String, _ index: CommandIndex) throws(MMError) -> String {
        switch shell {
        case "bash": bash(index)
        case "zsh": "#compdef mm\nautoload -U +X bashcompinit && bashcompinit\n" + bash(index)
        case "fish": fish(index)
        default:
            throw MMError(
                .invalidInput, "There is no completion for `\(shell.prefix(40))`.", hint: "bash, zsh or fish.")
        }
    }

    private static func flags(of entry: CommandIndex.Entry) -> [String] {
        let fields =
            switch entry {
            case .operation(let operation): operation.fields
            case .local(let command): command.fields
            }
        return fields.filter { $0.placement != .absent }.map { "--\($0.flagName)" }
            + ["--output", "--json", "--jq", "--timeout", "--quiet", "--no-color", "--help"]
    }

    /// What may stand behind a flag: its words, connections, or files.
    private static func values(of entry: CommandIndex.Entry) -> String {
        let fields =
            switch entry {
            case .operation(let operation): operation.fields
            case .local(let command): command.fields
            }
        var lines = ["-o|--output) COMPREPLY=($(compgen -W 'table json jsonl csv text' -- \"$word\")); return;;"]
        var files = ["--jq", "--timeout", "--pool", "--file", "-f"]
        for field in fields where field.placement != .absent && field.kind != .flag && field.name != "output" {
            var names = ["--\(field.flagName)"]
            if case .option(let letter?) = field.placement { names.append("-\(letter)") }
            let pattern = names.joined(separator: "|")
            if case .choice(let words) = field.kind {
                let list = words.joined(separator: " ")
                lines.append("\(pattern)) COMPREPLY=($(compgen -W '\(list)' -- \"$word\")); return;;")
            } else if field.name == "connection" {
                lines.append("\(pattern)) COMPREPLY=($(compgen -W \"\(connections)\" -- \"$word\")); return;;")
            } else {
                files += names
            }
        }
        lines.append("\(files.joined(separator: "|"))) COMPREPLY=($(compgen -f -- \"$word\")); return;;")
        return "case \"$last\" in " + lines.joined(separator: " ") + " esac"
    }

    private static let connections = "$(mm connections list --output text 2>/dev/null | cut -f1)"

    private static func bash(_ index: CommandIndex) -> String {
        // zsh reads this too: there a name in an offset would be a modifier, so it stands in `$(( ))`.
        var text = """
            _mm() {
              local word="${COMP_WORDS[COMP_CWORD]}" last="${COMP_WORDS[$((COMP_CWORD-1))]}"
              local line="${COMP_WORDS[*]:1:$((COMP_CWORD-1))}"
              case "$line" in
                "run "*" exo"|"run "*" exo "*|"run "*" compliance"|"run "*" compliance "*)
                  case "$word" in
                    [\\'\\"]*|[A-Z]*-*) COMPREPLY=($(compgen -W "$(mm cmdlets complete "$word" 2>/dev/null)" -- "${word#[\\'\\"]}")); return;;
                  esac;;
              esac
              case "$line" in

            """
        // The longest commands first, so that `connections list` is not taken for `connections`.
        for entry in index.entries.sorted(by: { $0.words.count > $1.words.count }) {
            let words = entry.words.joined(separator: " ")
            text += "    \"\(words)\"|\"\(words) \"*) \(values(of: entry))\n"
            text += "      COMPREPLY=($(compgen -W \"\(flags(of: entry).joined(separator: " "))\" -- \"$word\"))\n"
            text +=
                "      [ \"${word#-}\" != \"$word\" ] || COMPREPLY=($(compgen -W \"\(connections)\" -- \"$word\"));;\n"
        }
        let groups = Set(index.entries.filter { $0.words.count > 1 }.map { $0.words[0] }).sorted()
        for group in groups {
            let next = index.group([group]).map { $0.words[1] }.joined(separator: " ")
            text += "    \"\(group)\") COMPREPLY=($(compgen -W \"\(next)\" -- \"$word\"));;\n"
        }
        let first = Set(index.entries.map { $0.words[0] }).sorted().joined(separator: " ")
        text += "    \"\") COMPREPLY=($(compgen -W \"\(first)\" -- \"$word\"));;\n  esac\n}\ncomplete -F _mm mm\n"
        return text
    }

    private static func fish(_ index: CommandIndex) -> String {
        var text = "complete -c mm -f\n"
        for entry in index.entries {
            let parents = entry.words.dropLast()
            let condition =
                parents.isEmpty
                ? "__fish_use_subcommand" : "__fish_seen_subcommand_from \(parents.joined(separator: " "))"
            let summary = entry.summary.split(separator: "'").joined(separator: "’")
            text += "complete -c mm -n '\(condition)' -a '\(entry.words.last ?? "")' -d '\(summary)'\n"
            for flag in flags(of: entry) {
                text += "complete -c mm -n '__fish_seen_subcommand_from \(entry.words.joined(separator: " "))'"
                text += " -l '\(flag.dropFirst(2))'\n"
            }
        }
        return text
    }
}
