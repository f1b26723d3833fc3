internal import MMCore

/// What a script orders of the libraries that it loads. A client of a service does at the service what its methods'
/// names say.
extension ScriptText {
    /// Returns the calls whose names are orders, with the rule for each.
    ///
    /// Of a client of a known service, every name counts that says a change; of any other library from elsewhere, only
    /// those that say nothing else in programs: `purge`, `publish`, `send_message`.
    func orders(_ names: [Name]) -> [(rule: ShellRule, name: String)] {
        let modules = modules
        // Such a library does nothing but reach other machines.
        let remotes = modules.filter { ShellWords.contains($0, in: "script-remotes") }
        if let remote = remotes.first { return [(.network, remote)] }
        let isClient = modules.contains { ShellWords.contains($0, in: "script-services") }
        // The console of a framework has loaded the project's own before.
        let isConsole = modules.isEmpty && [.python, .ruby, .php].contains(language)
        guard isClient || isConsole || modules.contains(where: { !ShellWords.contains($0, in: "script-local") })
        else { return [] }
        let staysHere = addressesOnlyThisMachine
        // Such a client sends every command; the command's name says what it does.
        let sendsCommands = names.contains { $0.text.hasSuffix("Command") }
        return names.compactMap { name in
            if sendsCommands, name.text == "send" { return nil }
            let isCalled = name.isCalled || language == .ruby && name.owner != nil
            guard isCalled, let rule = Self.rule(ofOrder: name, in: language, isClient: isClient) else { return nil }
            return rule == .network && staysHere ? nil : (rule, name.text)
        }
    }

    private static func rule(ofOrder name: Name, in language: Language, isClient: Bool) -> ShellRule? {
        let words = parts(of: name.text)
        guard let first = words.first, let last = words.last, !ShellWords.contains(first, in: "script-asks") else {
            return nil
        }
        let isOne = words.count == 1
        // Lists of other languages have such a method.
        if language == .python, name.owner != nil, ShellWords.contains(name.text, in: "script-undoes") {
            return .removes
        }
        // What a call returns is no list.
        if isClient, name.text == "push", ["", "git", "repo"].contains(name.owner) { return .network }
        func says(_ list: String) -> Bool { words.contains { ShellWords.contains($0, in: list) } }
        if says("script-revokes") { return .removes }
        if says("script-publishes") || !isOne && says("script-sends") { return .network }
        guard isClient, name.owner != nil || last == "command", !ShellWords.contains(last, in: "script-tools") else {
            return nil
        }
        return says("script-changes") || !isOne && says("script-runs") ? .network : nil
    }

    /// The names of the libraries that the script loads, without what stands behind the first part; for those of its
    /// namespaces, only of the clients of services.
    private var modules: [String] {
        var found: [String] = []
        if language == .python || language == .perl {
            for statement in raw.split(whereSeparator: { "\n;".contains($0) }) {
                let words = statement.split { " \t(),".contains($0) }.map(String.init)
                switch words.first {
                case "from", "use": found += words.dropFirst().prefix(1)
                case "import":
                    let isAlias = Set(words.indices.filter { words[$0] == "as" }.flatMap { [$0, $0 + 1] })
                    found += words.indices.dropFirst().filter { !isAlias.contains($0) }.map { words[$0] }
                default: continue
                }
            }
        }
        var texts = literals.makeIterator()
        for place in code.indices where code[place] == Self.mark {
            guard let text = texts.next()?.text else { break }
            let before = String(decoding: code[..<place].suffix(9), as: UTF8.self).filter { $0 != " " }
            if ["require(", "require", "from", "import", "import("].contains(where: before.hasSuffix) {
                found.append(text)
            }
        }
        // A namespace may be loaded by another file.
        let spaced = raw.split { !$0.isLetter && !$0.isNumber && !"_:\\".contains($0) }.compactMap { word -> String? in
            let word = word.drop { $0 == "\\" }
            guard let end = word.firstRange(of: "::") ?? word.firstRange(of: "\\") else { return nil }
            let name = word[..<end.lowerBound].lowercased()
            return ShellWords.contains(name, in: "script-services") ? name : nil
        }
        return found.map { Self.stem(of: $0) }.filter { !$0.isEmpty } + spaced
    }

    /// Returns the first part of a library's name: `google.cloud.storage` is one of `google.cloud`,
    /// `@aws-sdk/client-s3` one of `aws-sdk`.
    private static func stem(of module: String) -> String {
        let name = module.lowercased().drop { "@".contains($0) }
        let path = name.split { "/:\\".contains($0) }.first.map(String.init) ?? String(name)
        let parts = path.split(separator: ".")
        return ["google", "azure"].contains(parts.first) && parts.count > 1
            ? parts.prefix(2).joined(separator: ".") : parts.first.map(String.init) ?? ""
    }

    /// Whether the addresses in a script are all of this machine, and there is at least one.
    var addressesOnlyThisMachine: Bool {
        let hosts = ["localhost", "127.0.0.1", "[::1]"]
        let addresses = texts.compactMap { text -> Substring? in
            if let scheme = text.firstRange(of: "://") { return text[scheme.upperBound...] }
            return hosts.contains(where: text.hasPrefix) ? text[...] : nil
        }
        return !addresses.isEmpty
            && addresses.allSatisfy { address in
                let host = address.split(separator: "@").last ?? address
                return hosts.contains { host == $0 || host.hasPrefix($0 + ":") || host.hasPrefix($0 + "/") }
            }
    }
}
