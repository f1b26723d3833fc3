internal import MMCore
import ShellSyntax

/// Files that a session writes and later runs, and files that may be removed without a question because they are
/// generated again.
extension ShellJudge {
    // MARK: Written and run

    /// Records the files that a command writes, and their content.
    func remember(_ call: ShellScript.Command) {
        let call = Self.unwrapped(call) { ["tar", "bsdtar", "gtar", "cpio"].contains($0) }
        let words = Array(call.arguments)
        let text = output(of: call)
        // The output of an unknown program doesn't matter, unlike that of a program that passes other data on.
        let handsOn =
            ShellPrograms.readers.contains(call.program) || ShellWords.contains(call.program, in: "text-passers")
        for redirect in call.redirections where redirect.writes && redirect.descriptor != 2 {
            if text != nil || handsOn { note(redirect.target.value, text, isWhole: redirect.kind == .output) }
        }
        let operands = words.filter { !$0.value.hasPrefix("-") }
        switch call.program {
        case "tar", "bsdtar", "gtar", "cpio":
            let isFetched = call.readsPipe && producer.map { Self.fetchesText($0.program) } == true
            // On a host nobody knows where a file comes from.
            if isFetched || !context.hasWalls && !looks(byTable: call) { record.memory.hasFetchedArchive = true }
        case "rsync", "scp", "sftp": if !context.hasWalls { record.memory.hasFetchedArchive = true }
        case "tee":
            let appends = words.contains { $0.value == "-a" || $0.value == "--append" }
            for file in operands { note(file.value, isPlainDocument(call) ? call.document : nil, isWhole: !appends) }
        case "cp", "mv", "ln", "install", "rename":
            guard let target = operands.last?.value else { return }
            for source in operands.dropLast() {
                for text in record.memory.texts(of: source.value) ?? [] {
                    note(target, text)
                    note(source.value, text)
                }
            }
        case _ where Self.editsInPlace(call): for file in operands { forget(file.value) }
        case "curl", "wget", "dd", "base64", "openssl", "xxd", "gpg", "unxz", "gunzip":
            for (index, word) in words.enumerated() {
                let next = index + 1 < words.count ? words[index + 1].value : nil
                switch word.value {
                case "-o", "--output", "-O", "--output-document", "-out", "--out":
                    if let next, !next.hasPrefix("-"), !next.contains("://") { note(next, nil) }
                    if word.value == "-O" { for word in operands { note(word.value, nil) } }
                case _ where word.value.hasPrefix("of="): note(String(word.value.dropFirst(3)), nil)
                // Other letters may precede the one before the name: `-fsSLo x`.
                case _ where call.program == "curl" && !word.value.hasPrefix("--") && word.value.hasPrefix("-"):
                    if word.value.contains("O") { for word in operands { note(word.value, nil) } }
                    guard let letter = word.value.firstIndex(of: "o") else { continue }
                    let name = word.value[letter...].dropFirst()
                    note(name.isEmpty ? next ?? "" : String(name), nil)
                default: continue
                }
            }
            if call.program == "wget" { for word in operands { note(word.value, nil) } }
        default:
            // What is compiled or made of a file from elsewhere is as unknown as that.
            guard operands.contains(where: { record.memory.texts(of: $0.value)?.contains(nil) == true }) else { return }
            for (option, place) in zip(words, words.dropFirst())
            where ["-o", "--output", "-out"].contains(option.value) {
                note(place.value, nil)
            }
        }
    }

    /// Returns whether a program's output may come from elsewhere.
    static func fetchesText(_ name: String) -> Bool {
        ["curl", "wget", "http", "https", "xh", "aria2c", "httpie", "nc", "ssh"].contains(name)
    }

    private func note(_ path: String, _ text: String?, isWhole: Bool = false) {
        if path.hasPrefix("/dev/") { return }
        record.memory.note(path, text, isWhole: isWhole)
    }

    /// Forgets the content of a file that was changed in an unknown way.
    private func forget(_ path: String) {
        if record.memory.texts(of: path) != nil { record.memory.note(path, nil) }
    }

    /// Judges the files that a command runs, if the session wrote them; `nil` if it runs none.
    func runsWritten(_ call: ShellScript.Command, _ depth: Int) -> [GuardFinding]? {
        var found: [GuardFinding]?
        if call.name.contains("/") { found = written(call.name, by: nil, depth) }
        let isRunner =
            ShellPrograms.shells.contains(call.program) || Self.isInterpreter(call.program)
            || ["source", ".", "crontab", "at", "batch", "expect", "make", "busybox", "ld.so"].contains(call.program)
        guard isRunner else { return found }
        let operands = call.arguments.filter { !$0.value.hasPrefix("-") }
        var file = operands.first
        if ["deno", "bun", "go"].contains(call.program), file?.value == "run" { file = operands.dropFirst().first }
        if let input = file == nil ? call.inputs[0] : file.flatMap(call.input) {
            guard case .file(let target) = input else { return found }
            file = target
        }
        guard let file else { return found }
        // A name that isn't fixed may be that of any written file.
        if !file.isFixed || file.value.contains(where: { "*?[{".contains($0) }) {
            let all = record.memory.files.keys.sorted().flatMap { written($0, by: call.program, depth) ?? [] }
            return (found ?? []) + all
        }
        return (found ?? []) + (written(file.value, by: call.program, depth) ?? [])
    }

    /// Judges a file that the session wrote; `nil` for any other.
    /// - Parameter program: the program that runs it; `nil` for the one that its first line names.
    func written(_ path: String, by program: String?, _ depth: Int) -> [GuardFinding]? {
        guard let texts = record.memory.texts(of: path) else { return nil }
        guard depth < Self.deepest else { return [finding(.unreadable, subject: path)] }
        return texts.flatMap { text -> [GuardFinding] in
            guard let text else { return [finding(.fed, subject: path)] }
            let isSourced = ["source", "."].contains(program)
            let runner = isSourced ? Self.runner(of: text) : program ?? Self.runner(of: text)
            if ShellPrograms.shells.contains(runner) {
                return findings(in: text, depth: depth + 1, isBash: isSourced ? isBash : runner == "bash")
                    .filter(Self.matters)
            }
            if let row = CarriedText.table[runner], let language = row.input {
                if Self.isInterpreter(runner), context.asksInterpreters {
                    return findings(inScript: text, of: runner, depth) + [
                        finding(.interpreter, subject: "\(runner) \(path)")
                    ]
                }
                return carried(ShellScript.Word(text), language, program: runner, depth)
            }
            if CarriedText.table[runner] != nil {
                return carried(ShellScript.Word(text), runner == "make" ? .rules : .script, program: runner, depth)
            }
            return embedded(in: text, depth)
        }
    }

    /// Returns the program that the first line of a script names.
    static func runner(of text: String) -> String {
        guard text.hasPrefix("#!") else { return "sh" }
        let words = text.dropFirst(2).prefix { !$0.isNewline }.split(separator: " ")
        let names = words.map { $0.split(separator: "/").last.map(String.init) ?? "" }
        guard let first = names.first else { return "sh" }
        return first == "env" ? names.dropFirst().first { !$0.hasPrefix("-") } ?? "sh" : first
    }

    // MARK: Made again

    static let madeFolders = ShellWords.list("made-folders")

    /// Returns whether a word names files in the session's workspace that their tools generate again: build folders,
    /// caches, compiled and temporary files.
    func isMadeAgain(_ word: ShellScript.Word) -> Bool {
        guard let workspace = context.workspace, !context.isRemote, word.isFixed, let path = context.path(word.value)
        else { return false }
        // In the sandbox, folders for temporary files are the session's own.
        if !(workspace + "/").hasPrefix(path + "/"), !path.hasPrefix(workspace + "/") {
            return isCached(path)
                || ["/tmp/", "/var/tmp/"].contains { folder in
                    path.hasPrefix(folder) && path.dropFirst(folder.count).first.map { !"*?[{.".contains($0) } == true
                }
        }
        guard path.hasPrefix(workspace + "/") else { return false }
        let parts = path.dropFirst(workspace.count + 1).split(separator: "/").map(String.init)
        // A pattern may match anything at its position, so only the path before it counts, and the name at its end.
        if parts.prefix(while: { !$0.contains { "*?[{".contains($0) } }).contains(where: Self.madeFolders.contains)
            || parts.last.map(Self.madeFolders.contains) == true
        {
            return true
        }
        guard parts.dropLast().allSatisfy({ !$0.contains { "*?[{".contains($0) } }), let last = parts.last,
            let dot = last.lastIndex(of: ".")
        else { return false }
        if ShellWords.contains(last, in: "made-locks") { return true }
        return ShellWords.contains(String(last[last.index(after: dot)...]), in: "made-endings")
    }

    /// Returns whether a path is the session's workspace or in it; an unknown one isn't.
    func isInWorkspace(_ word: String) -> Bool {
        guard let workspace = context.workspace, !word.contains("`"), let path = context.path(word) else {
            return false
        }
        return (path + "/").hasPrefix(workspace + "/")
    }

    /// Returns whether a path is in a folder of the home in which programs keep what they can fetch or make again.
    private func isCached(_ path: String) -> Bool {
        guard let home = context.home, path.hasPrefix(home + "/") else { return false }
        return Self.cacheFolders.contains {
            path.dropFirst(home.count).hasPrefix($0) && path.count > home.count + $0.count
        }
    }

    private static let cacheFolders = ShellWords.list("cache-folders")

    /// Returns whether everything that `find -delete` finds is generated again.
    func findsMadeAgain(_ call: ShellScript.Command) -> Bool {
        let starts = call.arguments.prefix { !$0.value.hasPrefix("-") && !["(", "!"].contains($0.value) }
        guard !starts.isEmpty else { return false }
        if starts.allSatisfy({ isMadeAgain($0) }) { return true }
        guard let workspace = context.workspace,
            starts.allSatisfy({ word in
                word.isFixed
                    && context.path(word.value).map { $0 == workspace || $0.hasPrefix(workspace + "/") } == true
            })
        else { return false }
        var conditions = call.arguments.dropFirst(starts.count).map(\.value)[...]
        return Self.ensuresMadeAgain(&conditions) == true && conditions.isEmpty
    }

    /// Returns whether conditions of `find` hold only for what is generated again: one of several that must all hold,
    /// each of several alternatives. Reads to the end of a group.
    /// - Parameter isEnsured: whether the conditions before the group ensure it.
    /// - Returns: `nil` if an action comes before them: it is done to every file that reaches it.
    private static func ensuresMadeAgain(
        _ words: inout ArraySlice<String>, behind isEnsured: Bool = false
    ) -> Bool? {
        var alternatives = [isEnsured]
        var isNegated = false
        while let word = words.first, word != ")" {
            words.removeFirst()
            var ensures = false
            switch word {
            case "!", "-not":
                isNegated.toggle()
                continue
            case "-a", "-and": continue
            case "-o", "-or", ",":
                alternatives.append(isEnsured)
                continue
            case "(":
                let group = ensuresMadeAgain(&words, behind: alternatives[alternatives.count - 1])
                guard let group, words.popFirst() == ")" else { return nil }
                ensures = group
            case "-delete", "-exec", "-execdir", "-ok", "-okdir":
                guard alternatives[alternatives.count - 1] else { return nil }
                if word != "-delete" { words = words.drop { $0 != ";" && $0 != "+" }.dropFirst() }
            default:
                let values = words.prefix { !$0.hasPrefix("-") && !["(", ")", "!", ","].contains($0) }
                words = words.dropFirst(values.count)
                ensures = word == "-empty" || ["-name", "-iname"].contains(word) && values.allSatisfy(isOfMade)
            }
            if ensures, !isNegated { alternatives[alternatives.count - 1] = true }
            isNegated = false
        }
        return alternatives.allSatisfy(\.self)
    }

    /// Returns whether only what is generated again has a name: `__pycache__`, `*.o`.
    private static func isOfMade(_ name: String) -> Bool {
        if madeFolders.contains(name) { return true }
        guard let dot = name.lastIndex(of: ".") else { return false }
        return ShellWords.contains(String(name[name.index(after: dot)...]), in: "made-endings")
    }

    // MARK: For each of many

    /// Returns whether a command that runs for each of many files removes them, itself or through a shell text: whether
    /// it does with a file that nothing is known of.
    func removesEach(_ call: ShellScript.Command, _ depth: Int) -> Bool {
        guard depth < Self.deepest else { return true }
        guard ShellPrograms.shells.contains(call.program) else {
            // A wrapper would judge its command once more for each level.
            guard !call.words.isEmpty, !ShellPrograms.wrappers.contains(call.program),
                !["find", "fd"].contains(call.program), !call.words.contains(where: { $0.value.contains("{}") })
            else { return false }
            var each = call
            each.words.append(ShellScript.Word("$file", isFixed: false))
            return judge(each, depth + 1).contains { $0.rule == ShellRule.removes.rawValue }
        }
        let removers: Set = ["rm", "unlink", "shred", "rmdir", "srm"]
        return call.arguments.contains { word in
            (try? ShellScript.parse(word.value, as: .whole, isBash: call.program == "bash"))?.commands.contains {
                removers.contains($0.program) || empties($0) || $0.redirections.contains(where: Self.replacesEach)
            } == true
        }
    }

    /// Returns whether a redirection overwrites the current file: `> "$1"`.
    private static func replacesEach(_ redirect: ShellScript.Redirection) -> Bool {
        let target = redirect.target.value
        guard redirect.kind == .output, !redirect.target.isFixed || target == "{}" else { return false }
        return target == "{}" || target.hasPrefix("$") && target.dropFirst().allSatisfy { $0.isLetter || $0.isNumber }
    }

    // MARK: The system's files

    /// Returns whether a program changes system files, or files that run at the next sign-in, according to its
    /// operands. It covers programs that write to their operands in other ways than by copying.
    func changesSystem(_ call: ShellScript.Command) -> Bool {
        let words = call.arguments.map(\.value)
        let operands = words.filter { !$0.hasPrefix("-") }
        func isPlace(_ word: String) -> Bool { isSystem(word) || isSystem(word + "/") || word == "/" }
        func isWritten(_ word: String) -> Bool { isPlace(word) || isOfMachine(word) }
        func behind(_ flags: String...) -> [String] {
            words.indices.compactMap { index in
                let next = index + 1 < words.count ? words[index + 1] : nil
                if flags.contains(words[index]) { return next }
                return flags.first { words[index].hasPrefix($0) }
                    .map { String(words[index].dropFirst($0.count).drop { $0 == "=" }) }
                    // Other letters may precede the one: `curl -sSo x`.
                    ?? flags.first { $0.count == 2 }?.last.flatMap { letter in
                        guard words[index].hasPrefix("-"), !words[index].hasPrefix("--"),
                            let place = words[index].firstIndex(of: letter)
                        else { return nil }
                        let rest = words[index][place...].dropFirst()
                        return rest.isEmpty ? next : String(rest)
                    }
            }
        }
        switch call.program {
        case "sed", "gsed", "perl", "ruby", "gawk", "awk":
            return Self.editsInPlace(call) && operands.contains(where: isPlace)
        case "ed", "ex", "vi", "vim", "nvim", "nano", "emacs", "micro", "chmod", "touch", "patch", "gzip", "gunzip",
            "xz", "bzip2", "rename", "mkdir", "rmdir", "split":
            return operands.contains(where: isPlace)
        case "curl": return behind("-o", "--output").contains(where: isWritten)
        case "wget": return behind("-O", "--output-document", "-P", "--directory-prefix").contains(where: isWritten)
        case "rsync", "lwp-download": return operands.last.map(isWritten) ?? false
        case "git" where operands.first == "clone", "svn" where ["export", "checkout", "co"].contains(operands.first):
            return operands.count > 2 && operands.last.map(isWritten) == true
        case "docker", "podman": return operands.first == "cp" && operands.last.map(isWritten) == true
        case "strace", "ltrace": return behind("-o", "--output").contains(where: isWritten)
        case "unzip": return behind("-d").contains(where: isWritten)
        case "7z", "7za", "7zz": return behind("-o").contains(where: isWritten)
        case "tar", "bsdtar", "gtar":
            guard let tar = Self.tar(call) else { return false }
            return tar.modes.contains("x") && tar.folders.contains(where: isWritten)
                || !tar.modes.isDisjoint(with: ["c", "r", "u", "A"]) && tar.archives.contains(where: isWritten)
        case "cpio": return behind("-D", "--directory").contains(where: isPlace)
        default: return false
        }
    }

    /// Returns whether an editing script replaces everything with nothing: `s/.*//`.
    private static func replacesAll(_ script: String) -> Bool {
        script.split { ";\n{}".contains($0) }.contains { part in
            let text = part.drop { " \t0123456789,$".contains($0) }
            guard text.hasPrefix("s"), let mark = text.dropFirst().first, !mark.isLetter, !mark.isNumber else {
                return false
            }
            let pieces = text.dropFirst(2).split(separator: mark, omittingEmptySubsequences: false)
            let all: Set = [".*", "^.*", ".*$", "^.*$", ".+", "^.+$", ".*\\n", "^.*\\n", "^.*\\n?", "[\\s\\S]*", "^"]
            return pieces.count > 1 && pieces[1].isEmpty && all.contains(String(pieces[0])) && pieces[0] != "^"
        }
    }

    /// Returns whether a command writes nothing into files, so that they are empty afterwards.
    func empties(_ call: ShellScript.Command) -> Bool {
        // Its input is the same for each file that is found.
        if call.program == "tee", call.arguments.contains(where: { $0.value.contains("{}") }) { return true }
        guard writesNothing(call) else { return false }
        let operands = call.arguments.filter { !$0.value.hasPrefix("-") }
        var targets = call.redirections.filter { $0.kind == .output }.map(\.target)
        if ["tee", "sponge"].contains(call.program) { targets += operands }
        if call.program == "dd" {
            targets += operands.filter { $0.value.hasPrefix("of=") }.map {
                ShellScript.Word(String($0.value.dropFirst(3)), isFixed: $0.isFixed)
            }
        }
        // A group's commands write into the files behind it.
        if call.closesCompound { return false }
        // A redirection alone makes the empty file that it names.
        if call.words.isEmpty { targets.removeAll { $0.isFixed && !$0.value.contains("{}") } }
        return targets.contains { !isScratch($0) && !isMadeAgain($0) && !$0.value.hasPrefix("/dev/") }
    }

    /// Returns the file that the last command of a pipeline empties before a command of the pipeline reads it: `sort a
    /// > a`.
    func overwritesSource(_ pipeline: [ShellScript.Command]) -> String? {
        guard let last = pipeline.last else { return nil }
        var targets = last.redirections.filter { $0.kind == .output && $0.opensFile }.map(\.target)
        var readers = pipeline
        if last.program == "tee", !last.arguments.contains(where: { ["-a", "--append"].contains($0.value) }) {
            targets += last.arguments
            readers.removeLast()
        }
        return targets.first { target in
            target.isFixed && !target.value.hasPrefix("/dev/") && !isMadeAgain(target)
                && readers.contains { call in
                    !["echo", "printf", "test", "[", "[["].contains(call.program)
                        && (call.arguments.contains { $0.value == target.value }
                            || call.redirections.contains { $0.kind == .input && $0.target.value == target.value })
                }
        }?.value
    }

    /// Returns whether a command's output is certainly empty.
    private func writesNothing(_ call: ShellScript.Command) -> Bool {
        let words = call.arguments.map(\.value)
        let operands = words.filter { !$0.hasPrefix("-") && !$0.contains("=") }
        let isFedNothing =
            call.document == ""
            || call.redirections.contains { $0.kind == .input && $0.target.value == "/dev/null" }
        return switch call.program {
        case "", ":", "true", "false": true
        case "echo": words == ["-n"]
        case "printf": words == [""]
        case "cat": words == ["/dev/null"] || operands.isEmpty && isFedNothing
        case "tee", "sponge", "dd": isFedNothing
        case "head", "tail":
            words.contains { ["-c0", "-n0", "-0"].contains($0) }
                || zip(words, words.dropFirst()).contains { ["-c", "-n"].contains($0) && $1 == "0" }
        default: false
        }
    }

    /// Returns whether a stream editor empties the files that it changes in place: `sed -i d`, `perl -i -ne ''`.
    func leavesNothing(_ call: ShellScript.Command) -> Bool {
        let words = call.arguments.map(\.value)
        guard Self.editsInPlace(call) else { return false }
        let isSilent =
            Self.hasLetter("n", call) || words.contains { LongOption.word($0, mayBeOneOf: ["--quiet", "--silent"]) }
        switch call.program {
        case "sed", "gsed":
            let whole: Set = ["d", "1,$d", "/./d", "/.*/d", "/^/d", "//d", "z", "Q", "0,$d"]
            return isSilent || words.contains { whole.contains($0.filter { $0 != " " }) || Self.replacesAll($0) }
        case "perl", "ruby":
            return words.contains { word in
                let plain = word.filter { $0 != " " }
                return ["$_=\"\"", "$_=''", "$_=q", "$_=undef", "undef$_"].contains(where: plain.contains)
                    || Self.replacesAll(word)
            }
                || isSilent
                    && !words.contains { word in ["print", "say", "puts", "$stdout"].contains(where: word.contains) }
        case "awk", "gawk":
            return !words.contains { word in
                word.replacing("print \"\"", with: "").contains("print") || !word.contains("{") && word == "1"
            }
        default: return false
        }
    }

    /// Returns whether a stream editor or an interpreter changes the files that its words name.
    static func editsInPlace(_ call: ShellScript.Command) -> Bool {
        switch call.program {
        case "sed", "gsed", "perl", "ruby":
            hasLetter("i", call) || call.arguments.contains { LongOption.word($0.value, mayBe: "--in-place") }
        // An extension, which an option loads.
        case "awk", "gawk":
            call.arguments.contains { word in ["inplace", "inplace.awk"].contains(where: word.value.hasSuffix) }
        default: false
        }
    }

    /// Returns whether a stream editor or an interpreter has an option with this letter, which isn't in a value:
    /// `-rzlib`, `-Ilib`.
    private static func hasLetter(_ letter: String, _ call: ShellScript.Command) -> Bool {
        let valued = ["perl", "ruby"].contains(call.program) ? "rIMmeEFxCK" : "efl"
        return call.arguments.contains { OptionLetters.word($0.value, hasOneOf: letter, valued: valued) }
    }

    /// Returns whether a program writes over the file that it reads, or over others because an option says so.
    static func overwrites(_ name: String, _ words: [String]) -> Bool {
        if words.contains(where: { $0.hasPrefix("-") && $0.contains("overwrite") && !$0.hasPrefix("--no") }) {
            return true
        }
        guard ShellPrograms.makers.contains(name), let last = words.last, last.contains("."), !last.hasPrefix("-")
        else {
            return false
        }
        return words.dropLast().contains(last)
    }

    /// Returns whether a text to evaluate is the output of a well-known program for setting up the shell: `$(ssh-agent
    /// -s)`.
    static func isOwnOutput(_ text: String) -> Bool {
        guard text.hasPrefix("$("), text.hasSuffix(")") else { return false }
        let inside = text.dropFirst(2).dropLast()
        guard !inside.contains(where: { ";|&`$()<>\n\"'\\".contains($0) }) else { return false }
        let words = inside.split(separator: " ").map(String.init)
        let known: [[String]] = [
            ["ssh-agent"], ["dircolors"], ["brew", "shellenv"], ["pyenv", "init"], ["rbenv", "init"],
            ["nodenv", "init"],
            ["direnv", "hook"], ["direnv", "export"], ["starship", "init"], ["zoxide", "init"], ["opam", "env"],
            ["fnm", "env"],
            ["conda", "shell.bash"], ["mise", "activate"], ["register-python-argcomplete"], ["resize"], ["lesspipe"],
        ]
        return known.contains { words.starts(with: $0) } && !words.dropFirst().contains { $0.contains("/") }
    }
}
