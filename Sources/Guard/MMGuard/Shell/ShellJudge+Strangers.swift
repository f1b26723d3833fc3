internal import MMCore
import ShellSyntax

extension ShellJudge {
    /// Returns whether no table knows a program.
    func isUnheardOf(_ call: ShellScript.Command) -> Bool {
        let name = call.program
        guard !call.name.hasPrefix("-"), call.name.allSatisfy({ $0.isLetter || $0.isNumber || "-_.+@/".contains($0) })
        else { return false }
        return !ShellPrograms.inspectors.contains(name) && !ShellPrograms.makers.contains(name)
            && !ShellPrograms.verbless.contains(name) && !ShellPrograms.starters.contains(name)
            && !ClientVerbs.isCloud(name) && CarriedText.table[name] == nil && !Self.isInterpreter(name)
            && !ShellPrograms.shells.contains(name) && !ShellPrograms.destroyers.contains(name)
            && !ShellPrograms.privileged.contains(name) && !ShellPrograms.software.contains(name)
            && !["find", "fd", "rm", "unlink", "rmdir", "rsync", "git", "dd", "device"].contains(name)
            && !ShellPrograms.readers.contains(name) && !ShellPrograms.carriers.contains(name)
            && !ShellPrograms.mailers.contains(name)
    }

    /// Returns whether a program in the sandbox may have effects outside of it: no table knows it, it doesn't belong to the project, and
    /// its verb neither reads nor builds. Such a program may use what the sandbox permits, above all the network.
    /// - Parameter isFetched: whether it comes from a registry for this command, so that it does something even without a verb.
    func leavesWorkspace(_ call: ShellScript.Command, isFetched: Bool = false) -> Bool {
        guard context.hasWalls, !call.name.contains("/") || Self.isInstalled(call.name), isUnheardOf(call),
            !record.memory.functions.contains(call.name), !record.memory.aliases.contains(call.name)
        else { return false }
        let words = call.arguments.map(\.value)
        // The word after a long option may be the option's value.
        let verbs = words.indices.filter { index in
            !words[index].hasPrefix("-")
                && (index == 0 || !words[index - 1].hasPrefix("--") || words[index - 1].contains("="))
        }
        // Such a program's own name is the verb: `create-app`, `http-server`, `serve dist`.
        let parts = call.program.split(separator: "-")
        let isNamed =
            (parts.count > 1 || verbs.count < 2) && parts.contains { Self.building.contains(String($0)) }
        if isNamed || WordMeaning.looks(call.program, words) { return false }
        // It goes to an address.
        let isOutside = words.contains { word in
            word.contains("://") && !["file://", "://localhost", "://127.0.0.1", "://["].contains(where: word.contains)
        }
        if isOutside { return true }
        guard let verb = verbs.first.map({ words[$0] }) else { return isFetched }
        func isFile(_ word: String) -> Bool {
            word.contains { "./=*:@,".contains($0) || $0.isNumber || $0.isWhitespace }
        }
        let stem = verb.split { ":-".contains($0) }.first.map { $0.lowercased() } ?? verb
        // With the name of a thing behind it that is no file, such a verb is an order to a service: `create instance`.
        if ShellWords.contains(stem, in: "ordering"), let thing = verbs.dropFirst().first.map({ words[$0] }) {
            return !isFile(verb) && !isFile(thing)
        }
        // The second word is the verb of a noun before it: `server stop web`.
        let orders = verb.split(separator: ":").dropFirst().contains { ShellWords.contains(String($0), in: "acting") }
        if orders { return true }
        if let second = verbs.dropFirst().first.map({ words[$0] }), ShellWords.contains(second, in: "acting") {
            return true
        }
        return !isFile(verb) && !Self.building.contains(stem)
    }

    /// Judges a program of the project by the name of its file and the words for it: `python3 tools/purge.py`, `go run ./cmd/deploy`.
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
        let name = stem.first == "remove" ? "" : ShellMemory.name(path)
        let known: ShellRule? = ShellPrograms.destroyers.contains(name) ? .removes : nil
        guard let rule = known ?? WordMeaning.rule(name, Array(words[(file + 1)...])) else { return [] }
        return [finding(rule, subject: "\(call.program) \(path)")]
    }

    /// Verbs that make something of a project's files.
    static let building = ShellWords.list("building")

    /// Returns the rule for reading, if a program only shows something; `nil` for others, and if an option may do more.
    static func measures(_ name: String, _ words: [String]) -> ShellRule? {
        let isPlain = words.allSatisfy { word in
            !["config", "file", "write", "save", "set", "restore", "dump"].contains { word.contains($0) }
                && !(word.hasPrefix("-w") || word == "-W" || word == "-c" || word == "-g")
        }
        return ShellPrograms.measuring.contains(name) && isPlain ? .reads : nil
    }

    static func isInstalled(_ name: String) -> Bool {
        ["/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/", "/usr/local/bin/", "/usr/local/sbin/"].contains {
            name.hasPrefix($0)
        }
    }
}
