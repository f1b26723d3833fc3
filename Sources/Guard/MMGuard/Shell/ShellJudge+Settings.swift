internal import MMCore
import ShellSyntax

/// A project's own files with passwords and keys, and the commands that show what is in them.
extension ShellJudge {
    /// Returns whether a word names a file that contains a private key, or a project's settings, which often include
    /// passwords: `.env`, `.en?`, `--include=.env*`, `config/{prod,dev}.key`, `*.key`, `i?_rsa`.
    static func isSettings(_ word: String) -> Bool {
        if let names = alternatives(in: word) { return names.isEmpty || names.contains(where: isSettings) }
        let value = word.hasPrefix("-") ? word.drop { $0 != "=" }.dropFirst() : word[...]
        let path = String(value.hasPrefix("@") ? value.dropFirst() : value)
        let name = ShellMemory.name(path)
        if name.hasPrefix("."), name.contains(where: { "*?[".contains($0) }) {
            return name.contains(where: \.isLetter) && ShellContext.mayBe(name[...], ".env")
        }
        let isPattern = name.contains { "*?[".contains($0) }
        guard name.allSatisfy({ $0.isLetter || $0.isNumber || (isPattern ? "-_.*?[]!^" : "-_.").contains($0) }) else {
            return false
        }
        if [".key", ".p12", ".pfx", ".jks", ".kdbx"].contains(where: name.hasSuffix), !name.hasPrefix(".") {
            return true
        }
        if name.hasSuffix("key.pem"), !name.contains("pub") { return true }
        if name == ".env" || name.hasPrefix(".env.") { return !modelEndings.contains { name.hasSuffix("." + $0) } }
        return (isPattern || name.contains(".") || name.hasPrefix("id_") || name == "kubeconfig")
            && settingsFiles.contains { ShellContext.mayBe($0[...], name[...]) || spells(name, $0) } && !isModel(path)
    }

    private static let settingsFiles = ShellWords.list("settings-files")

    /// The endings of files that only show which settings there are.
    static let modelEndings = ["example", "sample", "template", "dist", "defaults"]

    /// Returns whether a file only shows which settings there are, or belongs to tests.
    private static func isModel(_ path: String) -> Bool {
        let parts = path.lowercased().split(separator: "/").map(String.init)
        guard let name = parts.last, !parts.contains("..") else { return false }
        return name.split { "-_.".contains($0) }.contains { modelEndings.contains(String($0)) || $0 == "test" }
            || parts.dropLast().contains {
                ["test", "tests", "testdata", "spec", "fixtures", "__fixtures__", "mocks", "__mocks__"].contains($0)
            }
    }

    /// Returns the name of a file with settings that a command shows, packs, or copies to a name that nobody takes for
    /// one.
    func showsSettings(_ call: ShellScript.Command) -> String? {
        let words = call.arguments.map(\.value)
        func named() -> String? { words.first(where: Self.isSettings) }
        switch call.program {
        case "git":
            let verb = words.first { !$0.hasPrefix("-") } ?? ""
            let showsContent =
                ["show", "diff", "grep", "blame", "annotate", "cat-file"].contains(verb)
                || verb == "log" && words.contains { ["-p", "-u", "--patch"].contains($0) || $0.hasPrefix("-L") }
            let isShort = words.contains { ShellWords.contains($0, in: "git-names-only") }
            return showsContent && !isShort ? named() : nil
        case "cp", "mv", "ln", "install":
            guard let target = words.last(where: { !$0.hasPrefix("-") }) else { return nil }
            let isKept = Self.isSettings(target) || target.hasSuffix("/") || [".", ".."].contains(target)
            return isKept || Self.isModel(target) ? nil : named()
        case "tar", "bsdtar", "gtar", "zip", "7z", "7za", "cpio":
            // What is left out isn't packed.
            return words.first { !$0.hasPrefix("--exclude") && !$0.hasPrefix("-x") && Self.isSettings($0) }
        case "perl", "ruby":
            let letters = words.filter { $0.hasPrefix("-") && !$0.hasPrefix("--") }.joined()
            return letters.contains { "np".contains($0) } && !letters.contains("i") ? named() : nil
        default:
            guard
                ShellWords.contains(call.program, in: "settings-printers")
                    || ShellPrograms.printers.contains(call.program)
            else { return nil }
            guard Self.showsContent(call) else { return nil }
            // The first operand of a search or filter is a pattern.
            let takesPattern =
                (Self.isSearch(call.program) || Self.isFilter(call.program))
                && !words.contains { ["-e", "-f"].contains($0) }
            let pattern = takesPattern ? words.first { !$0.hasPrefix("-") } : nil
            let globs = zip(words, words.dropFirst()).filter { ["-g", "--glob", "--iglob"].contains($0.0) }.map(\.1)
            return words.first { ($0 != pattern || globs.contains($0)) && Self.isSettings($0) }
        }
    }

    /// Returns a file with secrets that a command takes in a turn of a loop: `for f in shadow gshadow; do cat /etc/$f`.
    func takesSecret(_ script: ShellScript) -> String? {
        var values: [String: Set<String>] = [:]
        for binding in script.bindings where binding.values.count <= 20 {
            values[binding.name.value, default: []].formUnion(binding.values.filter(\.isFixed).map(\.value))
        }
        guard !values.isEmpty else { return nil }
        // A text may have hundreds of loops, and the same word in each of them.
        var turns: [String: [ShellJudge]] = [:]
        for call in script.commands {
            for index in call.words.indices.dropFirst() where !call.words[index].isFixed {
                let word = call.words[index].value
                let suspects = turns[word] ?? secretTurns(of: word, values)
                turns[word] = suspects
                for turn in suspects {
                    var call = call
                    turn.expand(&call)
                    if turn.isSecret(call.words[index].value) { return call.words[index].value }
                    if let file = turn.showsSettings(call) { return file }
                }
            }
        }
        return nil
    }

    /// Returns a judge for each turn of a loop in which a word may name a file with secrets.
    private func secretTurns(of word: String, _ values: [String: Set<String>]) -> [ShellJudge] {
        var names: Set<String> = []
        _ = Self.expanded(word) { name in
            names.insert(name)
            return nil
        }
        var turns: [ShellJudge] = []
        for name in names.sorted() {
            for value in values[name, default: []].sorted() {
                guard record.allowance.admits(words: 1) else { return turns }
                var turn = self
                turn.variables = [name: value]
                if let text = turn.expanded(word), isSecret(text) || Self.isSettings(text) { turns.append(turn) }
            }
        }
        return turns
    }

    /// Returns the variable that a text shows after it has read a file with settings: `. ./.env; echo $API_KEY`.
    func showsSourced(_ script: ShellScript) -> String? {
        guard
            let start = script.commands.firstIndex(where: { call in
                ["source", "."].contains(call.program) && call.arguments.first.map { Self.isSettings($0.value) } == true
            })
        else { return nil }
        return script.commands[start...].lazy.compactMap { call in
            let words = call.arguments.map(\.value)
            switch call.program {
            case "env", "printenv", "export", "declare", "set":
                return words.isEmpty || words == ["-p"] ? call.program : words.first(where: SecretName.isSecretSetting)
            case "echo", "printf":
                return call.arguments.first { word in
                    !word.isFixed
                        && word.value.split(separator: "$", omittingEmptySubsequences: false).dropFirst().contains {
                            part in
                            SecretName.isSecret(
                                part.drop { $0 == "{" }.prefix { $0.isLetter || $0.isNumber || $0 == "_" })
                        }
                }?.value
            default: return nil
            }
        }.first
    }
}
