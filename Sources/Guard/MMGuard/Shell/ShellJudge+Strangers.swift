internal import MMCore
import ShellSyntax

extension ShellJudge {
    /// Returns whether no table knows a program, or none of the rows for a service's client matched.
    func isUnheardOf(_ call: ShellScript.Command, orClient: Bool = false) -> Bool {
        let name = call.program
        guard !call.name.hasPrefix("-"), call.name.allSatisfy({ $0.isLetter || $0.isNumber || "-_.+@/".contains($0) })
        else { return false }
        return !ShellLooks.inspects(name, call.arguments.map(\.value)) && !ShellPrograms.makers.contains(name)
            && !ShellPrograms.verbless.contains(name) && !ShellPrograms.starters.contains(name)
            && (orClient || !ClientVerbs.isClient(name)) && CarriedText.table[name] == nil && !Self.isInterpreter(name)
            && !ShellPrograms.shells.contains(name) && !ShellPrograms.destroyers.contains(name)
            && !ShellPrograms.privileged.contains(name) && !ShellPrograms.software.contains(name)
            && !["find", "fd", "rm", "unlink", "rmdir", "rsync", "git", "dd", "device"].contains(name)
            && !ShellPrograms.readers.contains(name) && !ShellPrograms.carriers.contains(name)
            && !ShellPrograms.mailers.contains(name)
    }

    /// Returns whether a program in the sandbox may have effects outside of it: no table knows it or its words, it
    /// doesn't belong to the project, and its words neither look nor build. Such a program may use what the sandbox
    /// permits, above all the network.
    /// - Parameter isFetched: whether it comes from a registry for this command, so that it does something even without
    ///   a verb.
    func leavesWorkspace(_ call: ShellScript.Command, isFetched: Bool = false) -> Bool {
        guard context.hasWalls, !call.name.contains("/") || Self.isInstalled(call.name),
            isUnheardOf(call, orClient: true), client(within: call) == nil,
            !ShellWords.contains(call.program, in: "clouds"),
            !record.memory.functions.contains(call.name), !record.memory.aliases.contains(call.name)
        else { return false }
        let words = call.arguments.map(\.value)
        let looks = looks(byTable: call)
        let isListed = looks && ShellLooks.row(call.program) != nil
        if !isListed, !ClientVerbs.isClient(call.program), opensOutside(call) { return true }
        if looks || WordMeaning.looks(call.program, words) { return false }
        let parts = call.program.split(separator: "-").map(String.init)
        // What is typed at its prompt begins with a verb.
        let lines = call.document?.split(whereSeparator: \.isNewline).prefix(100) ?? []
        let typed = lines.compactMap { $0.split { !$0.isLetter }.first.map(String.init) }
        if WordMeaning.acts((parts.count > 1 ? [call.program] : []) + words + call.inputFiles + typed) { return true }
        // The word after a long option may be the option's value.
        let verbs = words.indices.filter { index in
            !words[index].hasPrefix("-")
                && (index == 0 || !words[index - 1].hasPrefix("--") || words[index - 1].contains("="))
        }
        if Self.isElsewhere(call) { return true }
        // Such a program's own name is the verb: `create-app`, `http-server`, `serve dist`, `snakemake`.
        // The name of a package that is fetched may tell anything.
        let isNamed =
            (parts.count > 1 || verbs.count < 2) && (!isFetched || parts.count < 3 || parts[0] == "create")
            && parts.contains { Self.building.contains($0) && !["restore", "import", "exec"].contains($0) }
            || ["lint", "make", "fmt", "build", "test", "check"].contains(where: call.program.hasSuffix)
        if isNamed { return false }
        if words.contains(where: { Self.isLogin($0) || ShellWords.contains($0, in: "option-consents") }) { return true }
        if Self.staysHere(words) || ShellWords.contains(call.program, in: "migrators") { return false }
        if !isFetched, Self.makesFile(call.program, words) { return false }
        guard let verb = verbs.first.map({ words[$0] }) else {
            // Without words it shows what it can do, unless it is fed.
            return isFetched || !words.isEmpty || call.readsPipe || call.inputs[0] != nil
        }
        return orders(verb, verbs.dropFirst().first.map { words[$0] })
            || words.dropFirst().contains { $0.contains(" ") } && ShellWords.contains(verb, in: "ordering")
    }

    /// Returns whether a program that nobody knows can take something elsewhere, whatever its verb says: it is given an
    /// address, an option that sends or names a credential, or contents of the project as its input.
    private func opensOutside(_ call: ShellScript.Command) -> Bool {
        let words = call.arguments.map(\.value)
        let isFed =
            switch call.inputs[0] {
            case .text: false
            case .some: true
            case .none: call.readsPipe && call.document == nil
            }
        return isFed || words.contains(where: WordMeaning.tells) || Self.isElsewhere(call) && !Self.staysHere(words)
    }

    /// Returns whether words say that a file here is made of another: by an option for the output, by the same name
    /// with another ending, or by a file with the program's own ending: `agda x.agda`.
    private static func makesFile(_ program: String, _ words: [String]) -> Bool {
        func isFile(_ word: String) -> Bool {
            !word.hasPrefix("-") && !word.hasPrefix("/") && !word.contains { ":@$ ".contains($0) } && word.contains(".")
        }
        let files = words.filter(isFile).map(ShellMemory.name)
        let isOutput = zip(words, words.dropFirst()).contains {
            ["-o", "--output", "--out"].contains($0) && isFile($1)
        }
        let stems = Set(files.map { $0.prefix { $0 != "." } })
        let isConverted = files.count == 2 && files[0] != files[1] && stems.count == 1
        return isOutput || isConverted || files.contains { $0.hasSuffix("." + program) }
    }

    /// Returns whether a verb orders something rather than to build it, or to do something with a file.
    private func orders(_ verb: String, _ thing: String?) -> Bool {
        func isFile(_ word: String) -> Bool {
            // `@prod` names a site, and `site:cache` a task.
            let isName = word.drop { $0 == "@" }.allSatisfy { $0.isLetter || "-_:".contains($0) }
            return !isName && word.contains { "./=*:@,".contains($0) || $0.isWhitespace } || word.allSatisfy(\.isNumber)
        }
        let stem = verb.split { ":-".contains($0) }.first.map { $0.lowercased() } ?? verb
        let isOrder = ShellWords.contains(stem, in: "ordering")
        // `create-record`.
        if stem != verb.lowercased(), isOrder || stem == "add" { return !isFile(verb) }
        // With the name of a thing behind it that is no file, such a verb is an order to a service: `create instance`.
        if isOrder {
            // A path outside of the session's folders is that of an object of a service.
            let isObject = thing.map { $0.hasPrefix("/") && !isInWorkspace($0) && !Self.isPassing($0) } ?? true
            return isObject || !isFile(thing ?? "")
        }
        if verb.split(separator: ":").contains(where: { Self.building.contains(String($0)) })
            || Self.building.contains(stem)
            || verb.hasSuffix("-server")
        {
            return ["create", "update"].contains(thing)
        }
        // The second word is the verb of a noun before it: `role init`.
        return thing.map { !ShellWords.contains($0, in: "building-seconds") } ?? true
    }

    /// Returns whether every word that says to which machine to talk names this one: `-h localhost`,
    /// `--url=http://127.0.0.1/x`, or the first word.
    static func staysHere(_ words: [String]) -> Bool {
        let places = words.indices.compactMap { index -> String? in
            let option = words[index].prefix { $0 != "=" }
            guard ShellWords.contains(String(option), in: "place-options") else { return nil }
            return option.count < words[index].count ? words[index] : words.dropFirst(index + 1).first
        }
        // A word after one letter may be its value.
        let first =
            zip([""] + words, words).first { !($0.hasPrefix("-") && $0.utf8.count == 2) && !$1.hasPrefix("-") }?.1 ?? ""
        return !words.contains(where: isAddress) && places.allSatisfy(isHere) && (!places.isEmpty || isHere(first))
    }

    /// Returns whether a word, or the value of an option or setting, is an address on this machine: `localhost:80`,
    /// `--url=http://127.0.0.1/x`. What stands in a path or query decides nothing.
    static func isHere(_ word: String) -> Bool {
        // `postgresql+psycopg2` and `jdbc:postgresql` are schemes, too.
        func isName(_ part: Substring) -> Bool {
            part.allSatisfy { $0.isLetter || $0.isNumber || "-_+:".contains($0) }
        }
        var address = word[...]
        if let equals = address.firstIndex(of: "="), isName(address[..<equals]) {
            address = address[address.index(after: equals)...]
        }
        if let mark = address.firstRange(of: "://"), isName(address[..<mark.lowerBound]) {
            address = address[mark.upperBound...]
        }
        let host = address.prefix { !"/?#".contains($0) }.split(separator: "@").last ?? ""
        return ["localhost", "127.0.0.1", "[::1]"].contains {
            host == $0 || host.hasPrefix($0 + ":") && host.dropFirst($0.count + 1).allSatisfy(\.isNumber)
        }
    }

    /// Returns whether a word is the address of another machine: `https://api.example`, `api.example:443`.
    static func isAddress(_ word: String) -> Bool {
        if isHere(word) { return false }
        if word.contains("://") { return !["file:", "sqlite"].contains(where: word.hasPrefix) }
        let parts = word.split(separator: ":", omittingEmptySubsequences: false)
        // A folder of another machine: `web1:/srv`, `web1::x`.
        if parts.count > 1, parts[0].count > 1,
            parts[0].allSatisfy({ $0.isLetter || $0.isNumber || "-@.".contains($0) }),
            parts[1].hasPrefix("/") || parts.count > 2 && parts[1].isEmpty
        {
            return true
        }
        let labels = word.split(separator: ".", omittingEmptySubsequences: false)
        if labels.count > 2,
            labels.allSatisfy({ !$0.isEmpty && $0.allSatisfy { $0.isLetter || $0.isNumber || $0 == "-" } })
        {
            return ShellWords.contains(String(labels[labels.count - 1]), in: "host-endings")
        }
        return parts.count == 2 && (2...5).contains(parts[1].utf8.count) && parts[1].allSatisfy(\.isNumber)
            && parts[0].first?.isLetter == true
            && parts[0].allSatisfy { $0.isLetter || $0.isNumber || "-.".contains($0) }
            && !ShellWords.contains(parts[0].split(separator: ".").last.map(String.init) ?? "", in: "code-endings")
    }

    /// Returns whether a word names a user of another machine, rather than a package and its version: `root@web1`.
    private static func isLogin(_ word: String) -> Bool {
        let parts = word.split(separator: "@", omittingEmptySubsequences: false)
        return parts.count == 2 && !parts[0].isEmpty && parts[1].first?.isLetter == true
            && parts.joined().allSatisfy { $0.isLetter || $0.isNumber || "-_.".contains($0) }
            && !ShellWords.contains(String(parts[1]), in: "version-tags") && !isHere(word)
    }

    /// Judges a program of the project by the name of its file and the words for it: `python3 tools/purge.py`, `go run
    /// ./cmd/deploy`, `nix run .#deploy`.
    func named(by call: ShellScript.Command) -> [GuardFinding] {
        let words = call.arguments.map(\.value)
        let runs = words.first == "run"
        let file = words.indices.dropFirst(runs ? 1 : 0).first { index in
            !words[index].hasPrefix("-") || index > 0 && words[index - 1] == "--bin"
        }
        guard context.hasWalls, let file else { return [] }
        let path = words[file]
        let ending = path.split(separator: "/").last?.split(separator: ".").last.map(String.init) ?? ""
        guard runs || ShellWords.contains(ending, in: "code-endings") && path.contains(".") else { return [] }
        // Tests are named after what they test, and tools after what they take out of a text.
        let stem = ShellMemory.name(path).split { "-_.".contains($0) }.map { $0.lowercased() }
        if stem.contains("test") || stem.contains("spec") { return [] }
        let name =
            stem.first == "remove" ? "" : ShellMemory.name(path).split(separator: "#").last.map(String.init) ?? ""
        let known: ShellRule? = ShellPrograms.destroyers.contains(name) ? .removes : nil
        guard let rule = known ?? WordMeaning.rule(name, Array(words[(file + 1)...])) else { return [] }
        return [finding(rule, subject: "\(call.program) \(path)")]
    }

    /// Verbs that make something of a project's files.
    static let building = ShellWords.list("building")

    /// Returns whether a program's path is in a folder that only an administrator fills.
    static func isInstalled(_ name: String) -> Bool {
        guard !name.contains("/../") else { return false }
        if ["/usr/lib/", "/usr/lib64/", "/usr/libexec/"].contains(where: name.hasPrefix) { return true }
        return ["/bin/", "/sbin/", "/usr/", "/opt/", "/snap/"].contains(where: name.hasPrefix)
            && name.split(separator: "/").dropLast().contains { $0 == "bin" || $0 == "sbin" }
    }

    /// Returns whether a program hands a server only a fixed question, as servers have them for administrators:
    /// `echo 'show stat' | socat - UNIX-CONNECT:/run/haproxy/admin.sock`, `echo mntr | nc zk1 2181`.
    func asksSocket(_ call: ShellScript.Command) -> Bool {
        guard ["socat", "nc", "ncat", "bconsole"].contains(call.program), let text = call.document,
            text.utf8.count < 120,
            !call.arguments.contains(where: { $0.value.contains("$(") || $0.value.contains("`") })
        else { return false }
        let questions = text.split { $0.isNewline || $0 == ";" }.filter { !$0.allSatisfy(\.isWhitespace) }
        let isQuestion = questions.allSatisfy { line in
            let words = line.split(separator: " ")
            return words.first.map { ShellWords.contains($0.lowercased(), in: "socket-questions") } == true
                && line.allSatisfy { $0.isLetter || $0.isNumber || " -_./,=".contains($0) }
        }
        let words = call.arguments.map(\.value)
        guard isQuestion, !questions.isEmpty else { return false }
        guard call.program == "socat" else {
            return words.allSatisfy {
                !$0.hasPrefix("-") || ["-U", "-w", "-q", "-N", "-v", "-4", "-6", "-i"].contains($0)
                    || ["-q", "-w"].contains(where: $0.hasPrefix) && $0.dropFirst(2).allSatisfy(\.isNumber)
            }
        }
        let ends = words.filter { !$0.hasPrefix("-t") && !$0.hasPrefix("-T") }.map { $0.lowercased() }
        return ends.count == 2 && ["-", "stdio"].contains(ends[0])
            && ["unix-connect:", "unix:", "tcp:localhost:", "tcp:127.0.0.1:", "tcp4:127.0.0.1:", "/run/", "/var/run/"]
                .contains(where: ends[1].hasPrefix)
            && !ends[1].contains(",")
    }
}
