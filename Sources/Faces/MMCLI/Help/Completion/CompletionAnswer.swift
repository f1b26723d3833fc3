package import MMCore
package import MMOperations

/// The candidates for the word at the cursor of an unfinished command line, from the declarations that help and scanner
/// use.
package struct CompletionAnswer: Sendable {
    /// A word that fits at the cursor, with a description.
    package struct Candidate: Sendable, Hashable {
        package var word: String
        package var summary: String

        package init(_ word: String, _ summary: String = "") {
            self.word = word
            self.summary = summary
        }
    }

    /// Returns the known values of a field (connections, jobs, sessions); nothing for a field that takes any text.
    package typealias Values = @Sendable (_ place: Place) async -> [Candidate]

    /// The argument that is being written.
    package struct Place: Sendable {
        /// The argument's field.
        package var field: InputField
        /// The beginning of the argument that has been typed.
        package var typed: String
        /// The positional arguments before it, by the names of their fields.
        package var given: [String: String]
    }

    private let index: CommandIndex
    private let values: Values

    /// - Parameters:
    ///   - index: the commands.
    ///   - values: returns the known values of fields.
    package init(_ index: CommandIndex, values: @escaping Values) {
        self.index = index
        self.values = values
    }

    /// Returns the candidates for the end of a line.
    /// - Parameter words: the words after the program's name; the last one is being typed, and may be empty.
    package func candidates(_ words: [String]) async -> [Candidate] {
        let typed = words.last ?? ""
        let found = await offered(Array(words.dropLast()), typed)
        // A quoted word is compared without its quote, as shells do.
        let wanted = typed.drop { $0 == "'" || $0 == "\"" }.lowercased()
        return found.filter { $0.word == CompletionScript.files || $0.word.lowercased().hasPrefix(wanted) }
    }

    private func offered(_ before: [String], _ typed: String) async -> [Candidate] {
        let line = GlobalOptions.commandFirst(before)
        let verbs = index.group(Array(line.prefix { !$0.hasPrefix("-") })).filter { $0.trigger == nil }
        let depth = line.prefix { !$0.hasPrefix("-") }.count
        guard let (entry, rest) = line.isEmpty ? nil : index.find(line) else {
            return typed.hasPrefix("-") ? Self.globals : Self.next(verbs, depth)
        }
        var found: [Candidate] = []
        let arguments = Arguments(rest, entry.fields)
        if arguments.isEmpty, !typed.hasPrefix("-") { found += Self.next(verbs, depth) }
        if let open = arguments.open {
            switch open {
            case .field(let field): return await value(of: field, typed, arguments)
            case .global(let flag):
                if flag == "--output" || flag == "-o" {
                    return GlobalOptions.Format.allCases.map { Candidate($0.rawValue) }
                }
                return []
            }
        }
        if typed.hasPrefix("-") {
            let own = entry.fields.filter { $0.placement != .absent }
            let flags = own.flatMap { field in
                (["--\(field.flagName)"] + field.otherFlags).map { Candidate($0, field.summary) }
            }
            return flags + Self.globals
        }
        if let field = arguments.nextPositional { found += await value(of: field, typed, arguments) }
        return found
    }

    private func value(of field: InputField, _ typed: String, _ arguments: Arguments) async -> [Candidate] {
        if case .choice(let words) = field.kind { return words.map { Candidate($0) } }
        var found = await values(Place(field: field, typed: typed, given: arguments.given))
        if field.readsFiles || field.namesFile || field.known == .files {
            found.append(Candidate(CompletionScript.files))
        }
        return found
    }

    private static let globals: [Candidate] = GlobalOptions.listing.compactMap { option in
        option.flag.split { $0 == " " || $0 == "," }.first.map { Candidate(String($0), option.purpose) }
    }

    /// Returns the words that may follow the given number of words of the commands.
    private static func next(_ entries: [CommandIndex.Entry], _ depth: Int) -> [Candidate] {
        var found: [Candidate] = []
        for entry in entries {
            let word = entry.words[depth]
            guard !found.contains(where: { $0.word == word }) else { continue }
            found.append(Candidate(word, entry.words.count == depth + 1 ? entry.summary : "…"))
        }
        return found
    }
}

/// The words after a command, analysed as far as completion of the next word needs it.
private struct Arguments {
    /// The value that the flag before the cursor expects.
    enum Open {
        case field(InputField)
        case global(String)
    }

    var open: Open?
    var nextPositional: InputField?
    var given: [String: String] = [:]
    /// Whether only global options were given, so that further words of a command may follow.
    var isEmpty = true

    init(_ words: [String], _ fields: [InputField]) {
        var places = HelpText.positionals(of: fields)[...]
        for word in words {
            if let wanted = open {
                if case .field(let field) = wanted {
                    given[field.name] = word
                    places.removeAll { $0.name == field.name }
                }
                open = nil
                continue
            }
            guard word.hasPrefix("-"), word.count > 1 else {
                isEmpty = false
                guard let place = places.first else { continue }
                given[place.name] = word
                if ![.textList, .parameters, .arguments].contains(place.kind) { places.removeFirst() }
                continue
            }
            guard !word.contains("=") else { continue }
            let field = fields.first { field in
                if case .option(let letter?) = field.placement, word == "-\(letter)" { return true }
                return field.isNamed(by: word)
            }
            if let field {
                isEmpty = false
                if field.kind != .flag { open = .field(field) }
            } else if GlobalOptions.names.valued.contains(word) || word == "-o" {
                open = .global(word)
            }
        }
        nextPositional = places.first
    }
}

/// Shell completion scripts. They ask `mm complete` for the candidates, so that all shells offer the same ones,
/// including current values: connections, jobs, sessions.
package enum CompletionScript {
    /// Returns the completion script for a shell.
    /// - Parameter shell: `bash`, `zsh` or `fish`.
    /// - Throws: `MMError.invalidInput` for another shell.
    package static func text(for shell: String) throws(MMError) -> String {
        switch shell {
        case "bash": bash
        case "zsh": zsh
        case "fish": fish
        default:
            throw MMError(
                .invalidInput, "There is no completion for `\(shell.prefix(40))`.", hint: "Use bash, zsh or fish.")
        }
    }

    /// The line that `mm complete` prints where file names are possible.
    package static let files = ":files"

    private static let bash = #"""
        _mm() {
          local cur="${COMP_WORDS[COMP_CWORD]}" line word words=() tab=$'\t'
          COMPREPLY=()
          # Words come as they were typed, with quotes and backslashes.
          for word in "${COMP_WORDS[@]:1:COMP_CWORD}"; do
            word="${word#[\"\']}"; word="${word%[\"\']}"; words+=("${word//\\/}")
          done
          # Lines are read, not split from a text: the shell would replace those with * or ? by names of files.
          while IFS= read -r line; do
            if [ "$line" = :files ]; then
              compopt -o filenames 2>/dev/null
              while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "$cur")
            else
              word="${line%%$tab*}"
              [[ $cur == [\"\']* ]] || printf -v word %q "$word"
              COMPREPLY+=("$word")
            fi
          done < <(mm complete -- "${words[@]}" 2>/dev/null)
          # What ends with a slash or an equals sign goes on.
          [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} =~ ^/.*/$|=$ ]] && compopt -o nospace 2>/dev/null
        }
        complete -F _mm mm

        """#

    private static let zsh = #"""
        #compdef mm
        _mm() {
          local -a found open lines
          local line tab=$'\t' text wantsFiles=0
          lines=("${(@f)$(mm complete -- "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
          for line in $lines; do
            text=""
            [[ $line == *$tab* ]] && text=":${line#*$tab}"
            if [[ $line == :files ]]; then
              wantsFiles=1
            elif [[ ${line%%$tab*} == (/*/|*=) ]]; then
              open+=("${${line%%$tab*}//:/\\:}$text")
            else
              found+=("${${line%%$tab*}//:/\\:}$text")
            fi
          done
          (( $#found )) && _describe -V mm found
          (( $#open )) && _describe -V mm open -S ''
          (( wantsFiles )) && _files
        }
        if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _mm "$@"; else compdef _mm mm; fi

        """#

    private static let fish = #"""
        function __mm_complete
            set -l lines (mm complete -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)
            for line in $lines
                if test "$line" = :files
                    __fish_complete_path (commandline -ct)
                else
                    echo $line
                end
            end
        end
        complete -c mm -e
        complete -c mm -f -a '(__mm_complete)'

        """#
}
