internal import MMCore
import ShellSyntax

/// Files with keys and passwords that a text searches for by their names, to show what is in them.
extension ShellJudge {
    /// Returns whether a search looks for passwords in all files of a folder of the machine.
    func seeksSecrets(_ call: ShellScript.Command) -> Bool {
        guard Self.isSearch(call.program) else { return false }
        let words = call.arguments.map(\.value)
        let isDeep =
            call.program == "rg" || call.program == "ag"
            || words.contains { word in
                word.hasPrefix("--recursive")
                    || word.hasPrefix("-") && !word.hasPrefix("--") && word.contains { "rR".contains($0) }
            }
        let sought = words.first { !$0.hasPrefix("-") }?.lowercased() ?? ""
        return isDeep && Self.showsContent(call)
            && (["passw", "secret", "token", "api_key", "apikey"] + Self.keyMarks).contains(where: sought.contains)
            && words.contains { ["/", "~", "$HOME"].contains(where: $0.hasPrefix) && !isInWorkspace($0) }
    }

    /// Returns whether a program searches files for a pattern.
    static func isSearch(_ program: String) -> Bool {
        ["grep", "egrep", "fgrep", "zgrep", "rg", "ag"].contains(program)
    }

    /// What stands at the beginning of a private key.
    private static let keyMarks = [
        "private key", "begin openssh", "begin rsa", "begin ec", "begin dsa", "begin private", "begin encrypted",
    ]

    /// Returns the name of a file with keys that one command of a text searches for, while another one shows or packs
    /// what was found: `find / -name id_rsa | xargs cat`, `cat $(fd id_rsa /)`.
    func showsSought(_ script: ShellScript) -> String? {
        guard
            script.commands.contains(where: { call in
                if ["xargs", "parallel"].contains(call.program) {
                    return call.words.indices.dropFirst().lazy.compactMap { call.inner(from: $0) }
                        .contains { Self.showsContent($0) && Self.copies($0.program) }
                }
                return Self.copies(call.program)
                    && call.arguments.contains {
                        !$0.isFixed && !$0.value.hasPrefix("-") && $0.value.contains { "$`".contains($0) }
                    }
            })
        else { return nil }
        return script.commands.lazy.compactMap { call in
            switch call.program {
            case "find": return soughtSecret(call.words)
            case "fd", "fdfind", "locate", "plocate", "mlocate":
                return call.arguments.first { Self.namesSecret($0.value.filter { !"^$\\".contains($0) }) }?.value
            case "grep", "rg", "ag":
                return call.arguments.first { word in
                    Self.keyMarks.contains { word.value.lowercased().contains($0) }
                }?.value
            default: return nil
            }
        }.first
    }

    private static func copies(_ program: String) -> Bool {
        ShellPrograms.printers.contains(program) || ShellWords.contains(program, in: "packers")
    }

    /// Returns whether a command shows more of the files in its operands than names, sizes, digests and certificates.
    static func showsContent(_ call: ShellScript.Command) -> Bool {
        if call.program == "openssl" {
            return call.arguments.first.map { !["x509", "crl", "req", "verify"].contains($0.value) } ?? true
        }
        // Behind these letters stands a value: `-el`.
        let valued = LookerException.table[call.program]?.values ?? "ABCDdefm"
        func hasLetter(_ letters: String) -> Bool {
            call.arguments.contains { OptionLetters.word($0.value, hasOneOf: letters, valued: valued) }
        }
        // Only the names of the files are shown, or how many lines there are.
        if isSearch(call.program) { return !hasLetter("lLcq") }
        guard ShellWords.contains(call.program, in: "namers") else { return true }
        // In a file that should name files or types of files, what doesn't is shown as an error.
        return call.program == "file" && hasLetter("fm")
            || call.arguments.contains {
                LongOption.word($0.value, mayBeOneOf: ["--files-from", "--files0-from", "--magic-file"])
            }
    }

    /// Returns whether a command shows neither the content nor the names of the files in its words: it only compares
    /// them, or shows sizes and rights.
    static func showsNothing(of call: ShellScript.Command) -> Bool {
        if ["test", "[", "[["].contains(call.program) { return true }
        let formats = call.arguments.map(\.value).filter { $0.contains("%") }
        return call.program == "stat" && !formats.isEmpty
            && formats.allSatisfy { !$0.lowercased().contains("n") && !$0.contains("$") }
    }

    /// Returns the name of a file with keys that a search looks for.
    func soughtSecret(_ words: [ShellScript.Word]) -> String? {
        zip(words, words.dropFirst()).first { option, name in
            ["-name", "-iname", "-path", "-ipath", "-wholename", "-regex"].contains(option.value)
                && Self.namesSecret(name.value)
        }?.1.value
    }

    private static let soughtSecrets = [
        "id_rsa", "id_ed25519", "id_ecdsa", "id_dsa", ".pem", ".key", ".env", "credential", ".netrc", ".pgpass",
        ".kdbx",
        "shadow", "secret", ".ssh/", ".aws/", ".gnupg/",
    ]

    /// Returns whether a name or pattern is that of a file with keys or passwords, rather than of code that is about
    /// such.
    private static func namesSecret(_ name: String) -> Bool {
        let ending = name.split(separator: ".").last.map(String.init) ?? ""
        return soughtSecrets.contains { name.contains($0) || spells(name, $0) } && !isPublicPart(name)
            && !(name.contains(".")
                && (modelEndings.contains(ending) || ShellWords.contains(ending, in: "code-endings")))
    }

    /// Returns whether a pattern matches a name and says half of it: `shado?`, `id_[r]sa`. With less it stands for many
    /// files.
    static func spells(_ pattern: String, _ name: String) -> Bool {
        let last = pattern.split(separator: "/").last ?? ""
        return last.contains(where: { "*?[".contains($0) }) && 2 * lettersFixed(by: last) >= name.count
            && ShellContext.mayBe(last, name[...])
    }

    /// Judges a search: what it does to the files that it finds.
    func search(_ call: ShellScript.Command, _ depth: Int) -> [GuardFinding] {
        let words = call.words
        let sought = soughtSecret(words)
        let takesNext = ShellPrograms.valueOptions[call.program]
        var found: [GuardFinding] = []
        var index = 0
        while index < words.count {
            let word = words[index]
            index += 1
            switch word.value {
            case "-delete": found.append(finding(findsMadeAgain(call) ? .writes : .removes, subject: "find -delete"))
            case "-exec", "-execdir", "-ok", "-okdir", "-x", "-X", "--exec", "--exec-batch":
                // The command ends at the program's terminator, so each word belongs to only one command.
                let end = words[index...].firstIndex { $0.value == ";" || $0.value == "+" } ?? words.count
                guard var inside = call.inner(index..<end) else { continue }
                index = end + 1
                // Every file that is found is below the start of the search.
                if let start = words.dropFirst().first(where: { !$0.value.hasPrefix("-") }), start.value.hasPrefix("/")
                {
                    for place in inside.words.indices where inside.words[place].value == "{}" {
                        inside.words[place].value = start.value
                    }
                }
                // Files that are generated again may be removed, as with `-delete`.
                if inside.program == "rm",
                    inside.arguments.allSatisfy({ ["{}", "-r", "-f", "-rf", "-fr"].contains($0.value) }),
                    findsMadeAgain(call)
                {
                    found.append(finding(.writes, subject: "find \(word.value) rm"))
                    continue
                }
                found +=
                    depth < Self.deepest ? judge(inside, depth + 1) : [finding(.unreadable, subject: call.program)]
                if removesEach(inside, depth) {
                    found.append(finding(.removes, subject: "find \(word.value) \(inside.program)"))
                }
                if let sought, Self.showsContent(inside) { found.append(finding(.secrets, subject: "find \(sought)")) }
            case "-fprint", "-fprint0", "-fprintf", "-fls":
                let file = index < words.count ? words[index].value : ""
                found.append(finding(isSystem(file) ? .device : .writes, subject: "\(word.value) \(file)"))
            case _ where takesNext?.contains(word.value) == true:
                if let value = words.dropFirst(index).first, mayAddOption(value) {
                    found.append(finding(.writes, subject: "\(call.program) \(value.value)"))
                }
                index += 1
            case _ where call.program == "fd" && Self.startsInSameWord(fd: word.value, takesNext ?? []):
                found.append(finding(.dynamic, subject: "fd \(word.value)"))
            // Among the words may be `-delete`.
            case _ where mayBeOption(word) || mayAddOption(word):
                found.append(finding(.writes, subject: "\(call.program) \(word.value)"))
            default: continue
            }
        }
        return found.isEmpty ? [finding(.reads, subject: call.program)] : found
    }

    /// Returns whether a word of `fd` has its option for a command among letters, or the command behind it: `-Hx`,
    /// `-xrm`, `--exec=rm`.
    private static func startsInSameWord(fd word: String, _ valued: Set<String>) -> Bool {
        guard word.hasPrefix("-") else { return false }
        if word.hasPrefix("--") { return word.hasPrefix("--exec=") || word.hasPrefix("--exec-batch=") }
        return word.dropFirst().prefix { !valued.contains("-\($0)") }.contains { "xX".contains($0) }
    }
}
