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
                word.hasPrefix("--recursive") || OptionLetters.word(word, hasOneOf: "rR")
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
                let call = Self.unwrapped(call) { ["xargs", "parallel"].contains($0) || Self.copies($0) }
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
            let call = Self.unwrapped(call, Self.seekers.contains)
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

    /// The programs that search for files by their names or by what is in them.
    private static let seekers: Set = [
        "find", "fd", "fdfind", "locate", "plocate", "mlocate", "grep", "rg", "ag",
    ]

    /// Returns the command behind a wrapper such as `sudo` or `timeout`, if it is a wanted one; otherwise the command
    /// itself.
    static func unwrapped(_ call: ShellScript.Command, _ isWanted: (String) -> Bool) -> ShellScript.Command {
        guard ShellPrograms.wrappers.contains(call.program), !isWanted(call.program) else { return call }
        let start = call.words.indices.dropFirst().first { isWanted(ShellMemory.name(call.words[$0].value)) }
        return start.flatMap { call.inner(from: $0) } ?? call
    }

    private static func copies(_ program: String) -> Bool {
        ShellPrograms.printers.contains(program) || ShellWords.contains(program, in: "packers")
    }

    /// Returns whether a command shows more of the files in its operands than names, sizes, digests and certificates.
    static func showsContent(_ call: ShellScript.Command) -> Bool {
        if call.program == "openssl" {
            return call.arguments.first.map { !["x509", "crl", "req", "verify"].contains($0.value) } ?? true
        }
        if isSearch(call.program) { return !showsNames(search: call) }
        guard ShellWords.contains(call.program, in: "namers") else { return true }
        // In a file that should name files or types of files, what doesn't is shown as an error.
        return call.arguments.contains { word in
            call.program == "file" && OptionLetters.word(word.value, hasOneOf: "fm")
                || LongOption.word(word.value, mayBeOneOf: ["--files-from", "--files0-from", "--magic-file"])
        }
    }

    /// Returns whether a search certainly shows only the names of files, or how many lines it finds in them.
    private static func showsNames(search call: ShellScript.Command) -> Bool {
        // With the upper-case letter, rg follows links.
        let letters = call.program == "rg" ? "lcq" : "lLcq"
        // Behind these stands a value, in the same word or in the next one: `-el`, `-e -l`.
        let valued = LookerException.table[call.program]?.values ?? "ABCDdefm"
        let words = call.arguments.map(\.value).prefix { $0 != "--" }
        return zip([""] + words, words).contains { before, word in
            let mayBeValue =
                OptionLetters.word(before, hasOneOf: valued) || before.hasPrefix("--") && !before.contains("=")
            return !mayBeValue && OptionLetters.word(word, hasOneOf: letters, valued: valued)
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

    /// Returns the name of a file with keys that a search looks for, or the folder of such files in which it begins.
    func soughtSecret(_ words: [ShellScript.Word]) -> String? {
        let tests: Set = ["-name", "-iname", "-path", "-ipath", "-wholename", "-regex"]
        let names = zip(words, words.dropFirst()).filter { tests.contains($0.0.value) }.map(\.1.value)
        if let name = names.first(where: Self.namesSecret) { return name }
        // With a negation or a choice, other files may be found than those with the names.
        let isOpen = names.isEmpty || words.contains { ["!", "-not", "-o", "-or", ","].contains($0.value) }
        let starts = words.dropFirst().drop { $0.value.hasPrefix("-") }.prefix { !$0.value.hasPrefix("-") }
        return starts.first { start in
            Self.isKeyFolder(start.value)
                && (isOpen ? ["*"] : names).contains { isSecret(start.value + "/" + $0) }
        }?.value
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
