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
        let parts = ArgumentScanner.parts(words.last ?? "")
        let typed = parts?.value ?? words.last ?? ""
        let found = await offered(words.dropLast() + (parts.map { [$0.flag] } ?? []), typed, isValue: parts != nil)
        // A quoted word is compared without its quote, as shells do.
        let wanted = typed.drop { $0 == "'" || $0 == "\"" }.lowercased()
        return found.compactMap { candidate in
            // The shell completes the names of files.
            guard !CompletionScript.listings.contains(candidate.word) else { return candidate }
            guard candidate.word.lowercased().hasPrefix(wanted) else { return nil }
            return Candidate((parts.map { $0.flag + "=" } ?? "") + candidate.word, candidate.summary)
        }
    }

    /// Returns what may follow the words of a line.
    /// - Parameter isValue: whether only a value of the last one may, which is a flag.
    private func offered(_ before: [String], _ typed: String, isValue: Bool) async -> [Candidate] {
        if before.first == "help" {
            let about = Array(before.dropFirst())
            return isValue || typed.hasPrefix("-") ? [] : Self.next(self.verbs(after: about), about.count)
        }
        let line = GlobalOptions.commandFirst(before)
        let named = Array(line.prefix { !$0.hasPrefix("-") })
        let (verbs, depth) = (self.verbs(after: named), named.count)
        guard let (entry, rest) = line.isEmpty ? nil : index.find(line) else {
            return isValue ? [] : typed.hasPrefix("-") ? Self.globals : Self.next(verbs, depth)
        }
        if let end = rest.firstIndex(of: "--"), entry.fields.contains(where: { $0.kind == .calls }) {
            // The last of the command lines behind it is being typed.
            let inner = index.lines(in: rest[(end + 1)...] + [typed]).last ?? []
            return await offered(inner.dropLast(), typed, isValue: isValue)
        }
        var found: [Candidate] = []
        let arguments = Arguments(rest, entry.fields)
        if !isValue, arguments.isEmpty, !typed.hasPrefix("-") { found += Self.next(verbs, depth) }
        switch arguments.open {
        case .own(.argument(let field)): return await value(of: field, typed, arguments)
        case .own(.file): return [Candidate(CompletionScript.files)]
        case .own(.queryOption): return []
        case .global(let flag):
            let isFormat = flag == "--output" || flag == "-o"
            return isFormat ? GlobalOptions.Format.allCases.map { Candidate($0.rawValue) } : []
        case nil: break
        }
        guard !isValue else { return [] }
        if typed.hasPrefix("-"), arguments.mayHaveFlags {
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
        if field.readsFiles, typed.hasPrefix("@") {
            found.append(Candidate(CompletionScript.contents))
        } else if field.namesFile || field.known == .files {
            found.append(Candidate(CompletionScript.files))
        } else if field.readsFiles, typed.isEmpty {
            found.append(Candidate("@", "the content of a file"))
        }
        return found
    }

    /// Returns the commands that begin with words, and go on.
    private func verbs(after words: [String]) -> [CommandIndex.Entry] {
        index.group(words).filter { $0.trigger == nil }
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
    /// The flag before the cursor, which expects a value.
    enum Open {
        case own(ArgumentScanner.Flag)
        case global(String)
    }

    var open: Open?
    /// Whether a word may be a flag: no `--` has been given.
    var mayHaveFlags = true
    /// The argument that the next word without a flag means.
    var nextPositional: InputField? { places.first { $0.mayStandAlone { given[$0] != nil } } }
    /// The values of the arguments so far. A list isn't complete with any value, so it isn't among them.
    var given: [String: String] = [:]
    private let places: [InputField]
    /// Whether only global options were given, so that further words of a command may follow.
    var isEmpty = true

    init(_ words: [String], _ fields: [InputField]) {
        places = HelpText.positionals(of: fields)
        for word in words {
            if let wanted = open {
                if case .own(let flag) = wanted, let field = flag.field { given[field.name] = word }
                open = nil
                continue
            }
            if word == "--", mayHaveFlags {
                mayHaveFlags = false
                continue
            }
            guard mayHaveFlags, word.hasPrefix("-"), word.count > 1 else {
                isEmpty = false
                if let place = nextPositional, ![.textList, .parameters, .arguments].contains(place.kind) {
                    given[place.name] = word
                }
                continue
            }
            let parts = ArgumentScanner.parts(word)
            if let flag = ArgumentScanner.Flag(parts?.flag ?? word, of: fields) {
                isEmpty = false
                if let parts {
                    if let field = flag.field { given[field.name] = parts.value }
                } else if flag.takesValue {
                    open = .own(flag)
                }
            } else if GlobalOptions.names.valued.contains(word) || word == "-o" {
                open = .global(word)
            }
        }
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
    static let files = ":files"
    /// The line that `mm complete` prints where file names behind an `@` are possible.
    static let contents = ":@files"
    /// The lines that stand for what the shell itself knows.
    static let listings = [files, contents]

    private static let bash = #"""
        _mm() {
          local line word raw path mark head="" words=() rest="$COMP_LINE" tab=$'\t'
          COMPREPLY=()
          # Words come as they were typed, with quotes and backslashes, and are broken at equals signs, at signs and
          # colons: what the line shows without a blank before it belongs to the word before. Only what is behind the
          # last such sign is replaced, with the sign if it is an at sign.
          for raw in "${COMP_WORDS[@]:0:COMP_CWORD+1}"; do
            word="${raw#[\"\']}"; word="${word%[\"\']}"; word="${word//\\/}"
            if [[ -n $raw && ${#words[@]} -gt 0 && $rest == "$raw"* ]]; then
              head="${words[${#words[@]}-1]}"; words[${#words[@]}-1]+="$word"
            else
              head=""; words+=("$word")
            fi
            if [[ $raw =~ ^[=@:]+$ ]]; then head+="${raw%@}"; else head="${head%@}"; fi
            rest="${rest#*"$raw"}"
          done
          # Lines are read, not split from a text: the shell would replace those with * or ? by names of files.
          while IFS= read -r line; do
            case "$line" in
            :files | :@files)
              # A path in the word of a flag begins behind the equals sign.
              path="${words[${#words[@]}-1]}"; mark=""
              [[ $path == --*=* ]] && mark="${path%%=*}="
              [ "$line" = :@files ] && mark+=@ || compopt -o filenames 2>/dev/null
              while IFS= read -r word; do
                # Bash itself knows no file behind an at sign.
                [[ $line == :@files && -d $word ]] && word+=/
                word="$mark$word"; word="${word:${#head}}"
                [ "$line" = :@files ] && printf -v word %q "$word"
                COMPREPLY+=("$word")
              done < <(compgen -f -- "${path#"$mark"}") ;;
            *)
              word="${line%%$tab*}"; word="${word:${#head}}"
              [ -z "$word" ] && continue
              [[ $raw == [\"\']* ]] || printf -v word %q "$word"
              COMPREPLY+=("$word") ;;
            esac
          done < <(mm complete -- "${words[@]:1}" 2>/dev/null)
          # What ends with a slash, an equals sign or an at sign goes on.
          [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} =~ ^[/@].*/$|[=@]$ ]] && compopt -o nospace 2>/dev/null
        }
        complete -F _mm mm

        """#

    private static let zsh = #"""
        #compdef mm
        _mm() {
          local -a found open lines
          local line tab=$'\t' text files=""
          lines=("${(@f)$(mm complete -- "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
          for line in $lines; do
            text=""
            [[ $line == *$tab* ]] && text=":${line#*$tab}"
            if [[ $line == (:files|:@files) ]]; then
              files=$line
            elif [[ ${line%%$tab*} == (/*/|*=|@) ]]; then
              open+=("${${line%%$tab*}//:/\\:}$text")
            else
              found+=("${${line%%$tab*}//:/\\:}$text")
            fi
          done
          (( $#found )) && _describe -V mm found
          (( $#open )) && _describe -V mm open -S ''
          # A path in the word of a flag begins behind the equals sign.
          if [[ -n $files ]]; then
            compset -P 1 '--*='
            [[ $files == :@files ]] && compset -P '@'
            _files
          fi
        }
        if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _mm "$@"; else compdef _mm mm; fi

        """#

    private static let fish = #"""
        function __mm_complete
            set -l lines (mm complete -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)
            for line in $lines
                if contains -- "$line" :files :@files
                    # A path in the word of a flag begins behind the equals sign.
                    set -l mark (string match -r -- '^--[^=]*=' (commandline -ct))
                    test "$line" = :@files; and set mark "$mark@"
                    for path in (__fish_complete_path (string replace -- "$mark" '' (commandline -ct)))
                        echo "$mark$path"
                    end
                else
                    echo $line
                end
            end
        end
        complete -c mm -e
        complete -c mm -f -a '(__mm_complete)'

        """#
}
