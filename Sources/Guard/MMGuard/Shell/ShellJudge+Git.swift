import MMCore
import ShellSyntax

/// The rules for git's words: it starts programs by options, settings and subcommands, and some of its reading
/// subcommands can change something.
extension ShellJudge {
    /// Returns whether git's transports or options make it start programs, or write to a path that its words
    /// name.
    static func runsPrograms(git words: [String]) -> Bool {
        words.contains { word in
            ShellWords.contains(word, in: "git-starting-options")
                || LongOption.word(word, mayBeOneOf: ShellWords.list("git-starting-verb-options"))
                || startingLetters.contains { words.contains($0) && hasLetter($1, word, of: $0) }
        }
    }

    /// The letters of subcommands' options by which they start a program.
    private static let startingLetters = ["clone": "u", "grep": "O", "rebase": "x"]

    /// Returns the subcommand and the words after it. Options before it may take a value.
    private static func parts(_ words: [String]) -> (verb: String, rest: ArraySlice<String>) {
        var rest = words[...]
        while let first = rest.first, first.hasPrefix("-") {
            rest = rest.dropFirst(ShellWords.contains(first, in: "git-early") ? 2 : 1)
        }
        return (rest.first ?? "status", rest.dropFirst())
    }

    /// Returns whether a word may be any option, such as one that names a file to write. Before the subcommand, words
    /// without a dash are values.
    func mayHaveAnyOption(git call: ShellScript.Command) -> Bool {
        let behind = Self.parts(call.arguments.map(\.value)).rest.count
        var verb = call
        verb.words.removeSubrange(1..<call.words.count - behind)
        return markingOptions(of: verb).contains(ShellLooks.anyOption)
            || call.arguments.dropLast(behind).contains {
                $0.value.hasPrefix("-") && mayBeOption($0) || mayAddOption($0)
            }
    }

    /// Returns whether git works in a folder for temporary files where an archive may have been unpacked, or anywhere
    /// once a repository has been put together (a `HEAD` was written): its settings may name programs.
    func mayHaveForeignSettings(git call: ShellScript.Command) -> Bool {
        if context.hasWalls { return false }
        if record.memory.texts(of: "HEAD") != nil { return true }
        let words = call.arguments.map(\.value)
        // Each folder begins where the one before it ends.
        let folder = zip(words, words.dropFirst()).filter { $0.0 == "-C" }.reduce(".") { folder, option in
            option.1.first.map { "/~$".contains($0) } == true ? option.1 : folder + "/" + option.1
        }
        return record.memory.hasFetchedArchive && context.path(folder).map(Self.isPassing) == true
    }

    /// Returns the rule for a subcommand.
    /// - Parameter hasWalls: whether it runs in the sandbox, in the session's own workspace. There, pushing new commits
    ///   to a known remote is part of the work.
    static func git(_ words: [String], hasWalls: Bool) -> ShellRule {
        let (verb, arguments) = parts(words)
        func has(_ flags: String...) -> Bool { arguments.contains { flags.contains($0) } }
        func mayHave(_ flags: String...) -> Bool { Self.has(verb, arguments, flags) }
        let first = arguments.first ?? ""
        let hasTemplate = arguments.contains { LongOption.word($0, mayBe: "--template") && $0 != "--template=" }
        switch verb {
        case "help" where has("-w", "--web"): return .writes
        case _ where ShellWords.contains("\(verb):\(first)", in: "git-looks"): return .reads
        // The first of these turns applying on again; the other one makes an index at any place.
        case "apply" where has("--check", "--stat", "--numstat", "--summary"):
            return mayHave("--apply", "--build-fake-ancestor") ? .writes : .reads
        // They hand a branch to others.
        case "town" where ["ship", "propose"].contains(first),
            "machete" where ["github", "gitlab"].contains(first):
            return .network
        case _ where ShellWords.contains(verb, in: "git-reads"): return .reads
        case "reflog":
            if ["expire", "delete", "drop"].contains(first) { return .removes }
            return first == "write" ? .writes : .reads
        case "fsck": return mayHave("--lost-found") ? .writes : .reads
        case "push" where hasWalls && isPlainPush(arguments): return .writes
        case "push", "send-pack", "http-push", "svn", "p4", "daemon", "instaweb": return .network
        case "subtree" where first == "push": return .network
        case "checkout-index": return mayHave("-f", "--force") ? .removes : .writes
        case "credential": return first == "fill" ? .secrets : .writes
        case "clean": return isTrial(verb, arguments) ? .reads : .removes
        case "reset": return mayHave("--hard", "--merge", "--keep") ? .removes : .writes
        case "checkout", "restore", "switch":
            // The upper-case letters make a branch anew, whatever its name stood for.
            let forces = mayHave("-f", "--force-create", "--discard-changes", "--overwrite-ignore", "-B", "-C")
            if verb == "restore" {
                // Without the work tree, only what is staged is taken back.
                if has("--staged", "-S"), !mayHave("--worktree", "-W") { return .writes }
                if mayHave("--source", "-s") { return .removes }
                // What was never committed is lost: of a folder or a pattern nobody knows how much that is.
                if !arguments.allSatisfy({ $0.hasPrefix("-") || isNamedFile($0) }) { return .removes }
            }
            let behind = arguments.drop { $0 != "--" }.dropFirst()
            let isOne = behind.count == 1 && behind.allSatisfy(isNamedFile)
            return forces || has(".", "{}") || has("--") && !isOne ? .removes : .writes
        case "fetch", "pull": return arguments.contains { $0.hasPrefix("+") } ? .removes : .writes
        case "fast-import": return mayHave("--force") ? .removes : .writes
        case "branch", "tag", "remote", "stash", "worktree", "notes", "bisect", "submodule", "config", "symbolic-ref":
            return list(verb, arguments)
        case "update-ref": return .removes
        case "replace": return mayHave("-d", "--delete") ? .removes : .writes
        // What nothing refers to any more is kept for two weeks.
        case "gc" where hasWalls && !arguments.contains { $0.contains("=") && LongOption.word($0, mayBe: "--prune") }:
            return .writes
        case "prune" where isTrial(verb, arguments): return .reads
        case "filter-branch", "filter-repo", "gc", "prune", "prune-packed": return .removes
        case "rm":
            let staysInFolder = has("--cached") && !mayHave("--no-cached") || isTrial(verb, arguments)
            let isDeep = mayHave("-r") && !staysInFolder
            let isMuch = mayHave("-f", "--force") || arguments.contains { $0 == "." || $0.contains("*") }
            return isDeep && isMuch ? .removes : .writes
        // The template contains programs that git runs later.
        case "init" where hasTemplate, "clone" where hasTemplate: return .loader
        case "lfs" where first == "push" || arguments.contains { $0.contains("://") }: return .network
        case "lfs": return ["prune", "migrate"].contains(first) ? .removes : .writes
        case "read-tree": return mayHave("--reset") ? .removes : .writes
        case "send-email", "imap-send": return .mail
        // Git also runs a program by the name of its subcommand: `git-verb`.
        default:
            if ShellWords.contains(verb, in: "git-adds") { return .writes }
            if let rule = WordMeaning.rule("git-" + verb, [verb] + arguments) { return rule }
            return hasWalls && !ShellWords.contains(verb, in: "git-verbs") ? .stranger : .writes
        }
    }

    /// Returns whether a subcommand that removes files only says which it would remove.
    private static func isTrial(_ verb: String, _ arguments: ArraySlice<String>) -> Bool {
        let words = arguments.prefix { $0 != "--" }
        let isTakenBack = words.contains { LongOption.word($0, mayBe: "--no-dry-run") }
        return !isTakenBack
            && zip([""] + words, words).contains { before, word in
                let isValue =
                    OptionLetters.word(before, endsWithOneOf: valuedLetters[verb] ?? "")
                    || !before.contains("=")
                        && LongOption.word(before, mayBeOneOf: ["--exclude", "--expire", "--pathspec-from-file"])
                return !isValue && (word == "--dry-run" || hasLetter("n", word, of: verb))
            }
    }

    /// Returns whether one of these options or words is or may be among a subcommand's words.
    private static func has(_ verb: String, _ arguments: ArraySlice<String>, _ flags: [String]) -> Bool {
        let letters = String(flags.filter { !$0.hasPrefix("--") && $0.hasPrefix("-") }.compactMap(\.last))
        return arguments.contains { word in
            flags.contains(word) || LongOption.word(word, mayBeOneOf: flags) || hasLetter(letters, word, of: verb)
        }
    }

    /// Returns whether a word of a subcommand has one of these letters of options.
    private static func hasLetter(_ letters: String, _ word: String, of verb: String) -> Bool {
        OptionLetters.word(word, hasOneOf: letters, valued: valuedLetters[verb] ?? "")
    }

    /// The letters of subcommands' options that take a value.
    private static let valuedLetters = [
        "branch": "u", "checkout": "b", "clean": "e", "clone": "bcjo", "config": "f", "difftool": "tSGOlU",
        "grep": "efABCm", "notes": "mFc", "rebase": "sSXC", "remote": "tm", "restore": "s", "stash": "m",
        "submodule": "b", "switch": "c", "symbolic-ref": "m", "tag": "mFu", "worktree": "b",
    ]

    /// Returns whether a path names one file, by its extension.
    private static func isNamedFile(_ path: String) -> Bool {
        let name = path.split(separator: "/").last ?? ""
        guard let dot = name.lastIndex(of: "."), dot != name.startIndex, !path.hasPrefix(":") else { return false }
        return !path.contains { "*?[{".contains($0) }
    }

    /// The remote from which the repository was cloned, which its owner chose.
    private static let ownRemote = "origin"

    /// Returns whether a push only adds commits to the repository's own remote, or to the one that the branch tracks.
    private static func isPlainPush(_ arguments: ArraySlice<String>) -> Bool {
        let operands = arguments.filter { !$0.hasPrefix("-") }
        guard arguments.allSatisfy({ !$0.hasPrefix("-") || ShellWords.contains($0, in: "git-plain-pushes") }),
            operands.first ?? ownRemote == ownRemote
        else { return false }
        // `+name` overwrites the remote branch, and `:name` removes it. What another branch has for a main one is to be
        // looked at first.
        return operands.dropFirst().allSatisfy { reference in
            let target = reference.split(separator: ":").last ?? ""
            let branch = target.hasPrefix("refs/heads/") ? target.dropFirst(11) : target
            let isMain = ShellWords.contains(branch.prefix { $0 != "/" }.lowercased(), in: "main-branches")
            if ["$(git branch --show-current)", "$(git rev-parse --abbrev-ref HEAD)"].contains(reference) {
                return true
            }
            // A tag is a name by which others build and release.
            let isTag =
                reference.contains("refs/tags/") || reference == "tag"
                || branch.hasPrefix("v") && Self.isVersion(branch.dropFirst())
            return !isTag && !reference.hasPrefix("+") && !reference.hasPrefix(":") && !reference.contains("$")
                && !(reference.contains(":") && isMain && !reference.hasPrefix(target + ":"))
        }
    }

    /// Returns whether a subcommand makes a branch track another remote than the repository's own, so that a push
    /// without a name goes there: `branch -u evil/main`, `checkout --track evil/x`.
    private static func tracksAnother(_ verb: String, _ arguments: ArraySlice<String>) -> Bool {
        let options = verb == "branch" ? ["-u", "--set-upstream-to"] : ["-t", "--track"]
        return arguments.contains { word in options.contains { word == $0 || word.hasPrefix($0 + "=") } }
            && arguments.contains { word in
                let name = word.hasPrefix("-") ? word.drop { $0 != "=" }.dropFirst() : word[...]
                return name.contains("/") && !name.hasPrefix(ownRemote + "/")
            }
    }

    /// Returns whether a name begins with the number of a version, rather than with a word for one: `2.1-rc1`, but not
    /// `2-parser`.
    private static func isVersion(_ name: Substring) -> Bool {
        let rest = name.drop(while: \.isNumber)
        return rest.count < name.count && (rest.isEmpty || rest.hasPrefix("."))
    }

    /// Returns the rule for subcommands that list by default.
    private static func list(_ verb: String, _ arguments: ArraySlice<String>) -> ShellRule {
        func mayHave(_ flags: String...) -> Bool { Self.has(verb, arguments, flags) }
        // Git itself keeps branches that were merged nowhere, and worktrees that are still there.
        let keeps =
            verb == "branch" && !mayHave("-D", "-f", "--force", "-r", "--remotes")
            || verb == "worktree" || verb == "remote" && arguments.first == "prune"
        if !keeps, mayHave("-D", "-d", "--delete", "drop", "clear", "prune", "deinit") {
            return verb == "config" ? .writes : .removes
        }
        if verb == "notes", arguments.first == "remove" { return .removes }
        if verb == "worktree", arguments.first == "remove" { return .removes }
        if verb == "submodule", mayHave("-f", "--force") { return .removes }
        // An existing branch or tag with that name is overwritten.
        if ["branch", "tag"].contains(verb), mayHave("-M", "-C", "-f", "--force"),
            arguments.count(where: { !$0.hasPrefix("-") }) > 1
        {
            return .removes
        }
        let operands = arguments.filter { !$0.hasPrefix("-") }
        let flags = arguments.filter { $0.hasPrefix("-") }.map { String($0.prefix { $0 != "=" }) }
        func looks(_ flag: String) -> Bool { ShellWords.contains(flag, in: "git-list-looks") || flag.hasPrefix("-n") }
        guard flags.allSatisfy({ looks($0) || !$0.hasPrefix("--") && $0.dropFirst().allSatisfy { looks("-\($0)") } })
        else {
            return .writes
        }
        switch verb {
        case "branch", "tag":
            return operands.isEmpty
                || flags.contains {
                    ["--list", "-l", "--contains", "--merged", "--no-merged", "--points-at"].contains($0)
                } ? .reads : .writes
        case "symbolic-ref": return operands.count <= 1 ? .reads : .writes
        case "config":
            if ["get", "list"].contains(operands.first)
                || flags.contains(where: { ["--get", "--get-all", "--get-regexp", "--list", "-l"].contains($0) })
            {
                return .reads
            }
            return operands.count <= 1 && !["edit", "set", "unset"].contains(operands.first) ? .reads : .writes
        case "stash": return ["list", "show"].contains(operands.first) ? .reads : .writes
        case "submodule": return operands.isEmpty || ["status", "summary"].contains(operands.first) ? .reads : .writes
        case "remote": return operands.isEmpty || ["show", "get-url"].contains(operands.first) ? .reads : .writes
        default: return operands.isEmpty || ["list", "show", "log"].contains(operands.first) ? .reads : .writes
        }
    }

    /// Judges the commands that git's words make it run, and settings that make it run some later.
    func git(_ call: ShellScript.Command, _ depth: Int) -> [GuardFinding] {
        let words = Array(call.arguments)
        let (verb, rest) = Self.parts(words.map(\.value))
        let arguments = words.suffix(rest.count)
        var found: [GuardFinding] = []
        switch verb {
        case "remote" where ["add", "set-url", "rename"].contains(rest.first): record.memory.hasNewRemote = true
        case "clone": record.memory.hasClone = true
        case "branch" where Self.tracksAnother(verb, rest), "checkout" where Self.tracksAnother(verb, rest),
            "switch" where Self.tracksAnother(verb, rest):
            record.memory.hasNewRemote = true
        case "config": found += configuration(arguments, depth)
        case "submodule" where rest.contains("foreach"):
            // Its own options stand before `foreach` and directly behind it, others belong to the command.
            let texts = arguments.drop { $0.value != "foreach" }.dropFirst().drop { $0.value.hasPrefix("-") }
            found += findings(in: texts.map(\.value).joined(separator: " "), depth: depth + 1).filter(Self.matters)
        case "bisect" where rest.first == "run":
            let start = call.words.count - (rest.count - 1)
            if depth < Self.deepest, let inside = call.inner(from: start) {
                found += judge(inside, depth + 1)
            }
        default: break
        }
        for (index, word) in words.enumerated() {
            let next = index + 1 < words.count ? words[index + 1] : nil
            if let equals = word.value.firstIndex(of: "="), word.value.hasPrefix("--"), verb != "config",
                isSystem(String(word.value[word.value.index(after: equals)...]))
            {
                found.append(finding(.device, subject: word.value))
            }
            switch word.value {
            case let option where ["difftool", "rebase"].contains(verb) && Self.hasLetter("x", option, of: verb):
                if let text = Self.value(of: "x", words[index...]) {
                    found += carried(text, .shell, program: "git", depth)
                }
            case let option where LongOption.word(option, mayBeOneOf: ["--extcmd", "--exec", "--tool-command"]):
                let value = LongOption.value(in: option).map { ShellScript.Word($0, isFixed: word.isFixed) }
                if let text = value ?? next { found += carried(text, .shell, program: "git", depth) }
            case "-c":
                // A setting whose name isn't known may be one that starts a program.
                if let next, index + 1 < words.count - rest.count,
                    texts(of: next).contains(where: { $0.prefix { $0 != "=" }.contains(Self.anywhere) })
                {
                    found.append(finding(.dynamic, subject: "git -c"))
                }
                if let next, let equals = next.value.firstIndex(of: "=") {
                    let value = ShellScript.Word(
                        String(next.value[next.value.index(after: equals)...]), isFixed: next.isFixed)
                    found += setting(next.value[..<equals].lowercased(), value, depth)
                }
            // The value is in a variable.
            case _ where word.value.hasPrefix("--config-env"):
                let key =
                    (word.value.contains("=") ? String(word.value.drop { $0 != "=" }.dropFirst()) : next?.value) ?? ""
                found += setting(
                    key.prefix { $0 != "=" }.lowercased(), ShellScript.Word("$value", isFixed: false), depth)
            default: continue
            }
        }
        if verb == "push", record.memory.hasNewRemote { found.append(finding(.network, subject: "git push")) }
        return found
    }

    /// Judges `git config`: whether it shows a secret, and what it sets.
    private func configuration(_ arguments: ArraySlice<ShellScript.Word>, _ depth: Int) -> [GuardFinding] {
        var found: [GuardFinding] = []
        let words = arguments.map(\.value)
        var operands = arguments.filter { !$0.value.hasPrefix("-") }
        if Self.has("config", words[...], ["--unset-all", "unset"]),
            operands.last?.value.lowercased() == "core.hookspath"
        {
            found.append(finding(.loader, subject: "core.hooksPath"))
        }
        let asked = operands.filter { $0.value != "get" }
        if asked.count == 1, let key = asked.first?.value.lowercased().split(separator: ".").last,
            ["extraheader", "token", "passw", "secret"].contains(where: key.contains),
            !words.contains(where: { $0.hasPrefix("--unset") }), words.first != "unset"
        {
            found.append(finding(.secrets, subject: "git config \(key)"))
        }
        if operands.first?.value == "set" { operands.removeFirst() }
        guard operands.count > 1, let key = operands.first?.value.lowercased(), let value = operands.dropFirst().first
        else { return found }
        return found + setting(key, value, depth)
    }

    /// Judges a setting that names a program for git to run later.
    private func setting(_ key: String, _ value: ShellScript.Word, _ depth: Int) -> [GuardFinding] {
        if key.hasPrefix("alias.") {
            let isCommand = value.value.hasPrefix("!")
            let text = isCommand ? String(value.value.dropFirst()) : "git " + value.value
            return carried(ShellScript.Word(text, isFixed: value.isFixed), .shell, program: key, depth)
                + (isCommand ? [finding(.loader, subject: key)] : [])
        }
        if key.hasPrefix("remote.") || key.hasPrefix("branch.") && key.hasSuffix("remote") {
            record.memory.hasNewRemote = true
            // Such an address is a command that talks to git.
            if value.value.contains("::") || !value.isFixed { return [finding(.dynamic, subject: key)] }
        }
        if key == "core.fsmonitor", ["true", "false"].contains(value.value) { return [] }
        // It writes passwords into a file that everything the user starts can read.
        if key.hasPrefix("credential."), value.value.hasPrefix("store") { return [finding(.rights, subject: key)] }
        // The last part of the setting's name says what is run, or where it comes from.
        let last = key.split(separator: ".").last.map(String.init) ?? key
        let isTool = last != "path" || key.hasPrefix("difftool.") || key.hasPrefix("mergetool.")
        let isHook = ["command", "cmd", "hook", "program", "filter"].contains(where: last.hasSuffix)
        if isTool && (ShellWords.contains(last, in: "git-running-settings") || isHook)
            || value.value.hasPrefix("!") && !key.hasPrefix("credential.")
            || ["include", "filter.", "protocol.", "url."].contains(where: key.hasPrefix)
        {
            return [finding(.loader, subject: key)]
        }
        if key.hasSuffix("editor") || key.hasPrefix("pager.") || key == "core.pager" || key.hasPrefix("credential.") {
            if value.value.hasPrefix("!"), value.value.contains("(") { return [finding(.loader, subject: key)] }
            let text = value.value.hasPrefix("!") ? String(value.value.dropFirst()) : value.value
            let found = carried(ShellScript.Word(text, isFixed: value.isFixed), .shell, program: key, depth)
            let isShell = (try? ShellScript.parse(text, as: .whole))?.commands.contains { call in
                ShellPrograms.shells.contains(call.program) || Self.isInterpreter(call.program)
                    || call.name.contains("/") && !Self.isInstalled(call.name)
            }
            return found + (isShell == false ? [] : [finding(.loader, subject: key)])
        }
        return []
    }
}
