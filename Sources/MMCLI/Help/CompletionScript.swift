package import MMCore
import MMOperations

/// Shell completion scripts, generated from the same declarations as the help texts.
package enum CompletionScript {
    /// Returns the completion script for a shell.
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

    private static func fields(of entry: CommandIndex.Entry) -> [InputField] {
        entry.fields.filter { $0.placement != .absent }
    }

    private static func flags(of entry: CommandIndex.Entry) -> [String] {
        fields(of: entry).map { "--\($0.flagName)" }
            + GlobalOptions.names.valued + GlobalOptions.names.plain
    }

    /// Returns the cases that complete the value of a flag: its choices, connections or files.
    private static func values(of entry: CommandIndex.Entry) -> String {
        var lines = ["-o|--output) COMPREPLY=($(compgen -W 'table json jsonl csv text' -- \"$word\")); return;;"]
        var files = GlobalOptions.names.valued.filter { $0 != "--output" } + ["--file", "-f"]
        for field in fields(of: entry) where field.kind != .flag && field.name != "output" {
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
        // zsh reads this script too, and takes a bare name in an offset for a modifier, hence `$(( ))`.
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
        // Longest commands first, so that `connections list` doesn't match `connections`.
        for entry in index.shown.sorted(by: { $0.words.count > $1.words.count }) {
            let words = entry.words.joined(separator: " ")
            text += "    \"\(words)\"|\"\(words) \"*) \(values(of: entry))\n"
            text += "      COMPREPLY=($(compgen -W \"\(flags(of: entry).joined(separator: " "))\" -- \"$word\"))\n"
            // `ssh` is both a command and a group, so its subcommands are offered as well.
            let verbs = index.group(entry.words).map { " " + $0.words[entry.words.count] }.joined()
            let offered = "\"\(connections)\(verbs)\""
            text +=
                "      [ \"${word#-}\" != \"$word\" ] || COMPREPLY=($(compgen -W \(offered) -- \"$word\"));;\n"
        }
        let groups = Set(index.shown.filter { $0.words.count > 1 }.map { $0.words[0] }).sorted()
        for group in groups {
            let next = index.group([group]).map { $0.words[1] }.joined(separator: " ")
            text += "    \"\(group)\") COMPREPLY=($(compgen -W \"\(next)\" -- \"$word\"));;\n"
        }
        let first = Set(index.shown.map { $0.words[0] }).sorted().joined(separator: " ")
        text += "    \"\") COMPREPLY=($(compgen -W \"\(first)\" -- \"$word\"));;\n  esac\n}\ncomplete -F _mm mm\n"
        return text
    }

    /// Returns the script for fish, in which the rules of a command apply where the line begins with its words.
    private static func fish(_ index: CommandIndex) -> String {
        var text = """
            function __mm_words; string match -v -- '-*' (commandline -opc)[2..-1]; end
            function __mm_connections; mm connections list --output text 2>/dev/null | cut -f1; end
            function __mm_is; set -l words (__mm_words); test "$words" = "$argv"; end
            function __mm_at; set -l words (__mm_words); string match -q -- "$argv *" "$words "; end
            complete -c mm -f

            """
        var offered: Set<[String]> = []
        for entry in index.shown {
            for count in 1...entry.words.count where offered.insert(Array(entry.words.prefix(count))).inserted {
                let summary = count == entry.words.count ? fishWord(entry.summary) : "''"
                let before = entry.words.prefix(count - 1).joined(separator: " ")
                text += "complete -c mm -n '__mm_is \(before)' -a '\(entry.words[count - 1])' -d \(summary)\n"
            }
            let here = "complete -c mm -n '__mm_at \(entry.words.joined(separator: " "))'"
            text += "\(here) -a '(__mm_connections)'\n"
            for field in fields(of: entry) where field.name != "output" {
                var rule = "\(here) -l '\(field.flagName)'"
                if case .option(let letter?) = field.placement { rule += " -s \(letter)" }
                switch field.kind {
                case .flag: break
                case .choice(let words): rule += " -x -a '\(words.joined(separator: " "))'"
                case _ where field.name == "connection": rule += " -x -a '(__mm_connections)'"
                default: rule += " -r -F"
                }
                text += rule + " -d \(fishWord(field.summary))\n"
            }
        }
        text += "complete -c mm -s o -l output -x -a 'table json jsonl csv text' -d 'How the answer is written'\n"
        for flag in GlobalOptions.names.plain { text += "complete -c mm -l \(flag.dropFirst(2))\n" }
        for flag in GlobalOptions.names.valued where flag != "--output" {
            text += "complete -c mm -l \(flag.dropFirst(2)) -x\n"
        }
        for module in ["exo", "compliance"] {
            text += "complete -c mm -n '__mm_at run; and contains \(module) (__mm_words)' "
            text += "-a '(mm cmdlets complete (commandline -ct) 2>/dev/null)'\n"
        }
        return text
    }

    /// Quotes a text as a single word of fish.
    private static func fishWord(_ text: String) -> String {
        "'" + text.map { $0 == "'" || $0 == "\\" ? "\\\($0)" : String($0) }.joined() + "'"
    }
}
