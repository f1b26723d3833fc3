internal import CGuardTables
import MMCore

/// Clients of services, clouds and stores, by the words that say what they do. A row matches if all its words occur in
/// the command in this order; one that lets the command pass, only if they are its verb.
enum ClientVerbs {
    /// Returns the rule for a client's words; `nil` if nothing is known of them.
    ///
    /// A client of something elsewhere passes only by what is known: a row, a use that looks, or a verb for the
    /// project's own files. Nobody could list what else it may be told to change.
    /// - Parameter looks: whether a table or the words say that the use only looks.
    static func rule(_ program: String, _ words: [String], looks: @autoclosure () -> Bool) -> ShellRule? {
        if let row = row(program, words), !row.words.isEmpty || !isCloud(program) { return row.rule }
        let migrator = program.hasSuffix("-cli") ? String(program.dropLast(4)) : program
        if ShellWords.contains(migrator, in: "migrators"), says("client-unmaking", words.flatMap(parts)) {
            return .removes
        }
        guard isCloud(program) else { return nil }
        if tries(program, words) { return .writes }
        if asksAPI(program, words) { return .reads }
        if removes(words) { return .removes }
        return showsSecret(program, words) ? .secrets : looks() ? .reads : act(program, words)
    }

    /// Returns whether a cloud's client is only to tell what it would do. To what is run elsewhere, the option may be
    /// an argument as any other.
    static func tries(_ program: String, _ words: [String]) -> Bool {
        guard isCloud(program) else { return false }
        let named = Array(words.prefix { $0 != "--" })
        func mayBeTrial(_ word: String) -> Bool {
            ["dry-run", "dryrun", "dry_run", "what-if"].contains(where: word.contains) && word.hasPrefix("-")
        }
        // The last one counts.
        let isTrial = named.filter(mayBeTrial).allSatisfy { word in
            ["--dry-run", "--dryrun", "--dry_run", "--what-if"].contains { option in
                ["", "=client", "=server", "=true"].contains { word == option + $0 }
            }
        }
        return isTrial && OptionValue.without(named).contains(where: mayBeTrial) && !says("client-carrying", words)
    }

    /// Returns whether a client's words order a removal, also between folders of this machine, or in a database that it
    /// keeps here.
    private static func removes(_ words: [String]) -> Bool {
        let verbs = words.filter { !$0.hasPrefix("-") }.flatMap(parts)
        return says("client-removing", verbs) || says("removing-words", verbs)
            || words.contains { word in
                ["--delete", "--remove"].contains { word == $0 || word.hasPrefix($0 + "-") } || isStatement(word)
            }
    }

    /// Returns the row that decides about a client's words.
    private static func row(_ program: String, _ words: [String]) -> (words: [String], rule: ShellRule)? {
        guard let rows = table[program] else { return nil }
        let plain = words.map { $0.lowercased() }
        let verbs = ShellPrograms.verbs(words)
        return rows.first { row in
            // What is harmless is so as the verb alone: `plan` may also be the file that is applied.
            let isOpen = [.reads, .writes].contains(row.rule)
            let named = row.words.filter { !$0.hasPrefix("-") && !$0.hasPrefix("/") }
            let isVerb = zip(named, verbs + [""]).allSatisfy { contains([$1], [$0], isOpen: isOpen) }
            // Upper-case letters are other options.
            let texts = row.words.contains { $0.hasPrefix("-") && $0.utf8.count == 2 } ? [words] : [plain, words]
            return texts.contains { contains($0, row.words, isOpen: isOpen) } && (!isOpen || isVerb)
        }
    }

    /// Returns the rule for a use of a cloud's client that no row has and that doesn't only look.
    private static func act(_ program: String, _ words: [String]) -> ShellRule {
        if words.contains("--local") { return .writes }
        let verbs = words.filter { !$0.hasPrefix("-") }.flatMap(parts)
        if says("client-granting", verbs) { return .rights }
        let path = ShellPrograms.verbs(words)
        if path.first?.hasPrefix("$") == true { return .dynamic }
        if path.first == "cp" || ShellWords.contains(program, in: "client-copiers"), let copies = copies(program, words)
        {
            return copies
        }
        return path.first.map { ShellWords.contains($0, in: "client-local") } == true ? .writes : .managed
    }

    /// Returns the rule for copying, by the place to which it goes; `nil` for every other use.
    private static func copies(_ program: String, _ words: [String]) -> ShellRule? {
        let operands = words.filter { !$0.hasPrefix("-") }
        guard let verb = operands.firstIndex(where: { ShellWords.contains($0.lowercased(), in: "client-copying") })
        else { return nil }
        if operands[verb] == "rsync", words.contains("-d") { return .removes }
        // The target follows the source; an option's value may stand there too.
        let targets = operands.dropFirst(verb + 2)
        let isOut =
            targets.isEmpty || ["b2", "bq"].contains(program) || targets.contains { $0.contains(":") }
            || program == "mc" && targets.last?.contains("/") == true
        return isOut || ["mv", "put", "upload", "upload-file"].contains(operands[verb].lowercased())
            ? .network : .writes
    }

    /// Returns whether a cloud's client shows a secret: by its verb, or because it shows a thing with the name of one.
    private static func showsSecret(_ program: String, _ words: [String]) -> Bool {
        let verbs = words.filter { !$0.hasPrefix("-") }.flatMap(parts)
        if says("client-hands-out", verbs)
            || words.contains(where: { $0 == "--show-secrets" || $0 == "--with-decryption" || asksForSecret($0) })
        {
            return true
        }
        let path = ShellPrograms.verbs(words).flatMap(parts)
        let isKey =
            path.last.map { $0.contains("-") && $0.split(separator: "-").last.map(SecretName.isSecret) == true } == true
        if isKey
            || path.contains(where: { $0.contains("credential") || $0.contains("password") && !$0.hasSuffix("-policy") }
            )
        {
            return true
        }
        // A list of secrets has only their names, and so has that of a cluster without a form of its own.
        let isList =
            path.contains("list")
            || ["kubectl", "oc"].contains(program)
                && !words.contains { $0.hasPrefix("-") && ($0.contains("o") || $0.contains("templ")) }
        let isAuth = path.first == "auth" && path.count > 1 && path.last.map(SecretName.isSecret) == true
        return isAuth
            || says("client-showing", path)
                && (says("client-keys", verbs)
                    || !isList
                        && (["vault", "bao"].contains(program)
                            || verbs.contains { $0.hasPrefix("secret") || $0.contains("_") && SecretName.isSecret($0) }))
    }

    /// Returns the parts of a word that may be a verb, `apps:destroy`, or a kind, `all,secrets`.
    private static func parts(_ word: String) -> [String] {
        word.lowercased().split { $0 == ":" || $0 == "," }.map(String.init)
    }

    private static func says(_ list: String, _ words: [String]) -> Bool {
        words.contains { ShellWords.contains($0, in: list) }
    }

    /// Returns whether a word is an address from which code would come, other than an index of packages whose publisher
    /// is well known.
    static func isForeignSource(_ word: String) -> Bool {
        guard let scheme = word.firstRange(of: "://") else { return word.hasPrefix("git+") }
        let host = word[scheme.upperBound...].prefix { $0 != "/" }
        return !word[..<scheme.lowerBound].hasSuffix("https")
            || !ShellWords.contains(String(host), in: "package-indexes")
    }

    /// Returns whether a program manages a cloud, cluster or platform.
    static func isCloud(_ program: String) -> Bool { ShellWords.contains(program, in: "clouds") }

    /// Returns whether a program is the client of something elsewhere.
    static func isClient(_ program: String) -> Bool {
        isCloud(program) || table[program]?.contains { $0.words.isEmpty && $0.rule.isElsewhere } == true
    }

    /// Returns whether the table says anything of a program, apart from verbs that only work here.
    static func knows(_ program: String) -> Bool {
        isCloud(program) || table[program]?.contains { $0.words.isEmpty || $0.rule != .writes } == true
    }

    /// Returns whether a client without a row in the table of looks is told to show something: by a verb, with no order
    /// before it.
    static func looks(_ words: [String]) -> Bool {
        let path = ShellPrograms.verbs(words).compactMap { parts($0).last }
        guard let verb = path.firstIndex(where: { ShellWords.contains($0, in: "client-looks") }) else {
            return !words.isEmpty && words.allSatisfy { ["--help", "--version", "-h"].contains($0) }
        }
        return !path[..<verb].contains { $0.hasPrefix("$") }
            && !["ordering", "acting", "building", "client-local"].contains { says($0, Array(path[..<verb])) }
    }

    /// Returns whether a client reads the same words, one command per line, from its input.
    static func readsLines(_ program: String) -> Bool { ["redis-cli", "etcdctl", "mc"].contains(program) }

    /// The rows of each client.
    private static let table = ShellTable(cguard_shell_clients).facts.mapValues { rows in
        rows.map { row -> (words: [String], rule: ShellRule) in
            let rule = ShellRule(rawValue: "shell-" + row[0])
            assert(rule != nil, "shell-clients.txt names no rule with \(row[0])")
            return (Array(row.dropFirst()), rule ?? .dynamic)
        }
    }

    /// Returns whether words are among others, in this order.
    /// - Parameter isOpen: whether what has them needs no question, so that no word counts that may be another one: an
    ///   option's letter among others, any of which may be a value (`-iC`), or the beginning of a long option.
    private static func contains(_ words: [String], _ wanted: [String], isOpen: Bool) -> Bool {
        var rest = wanted[...]
        for word in words {
            guard let next = rest.first else { break }
            let isAmong =
                !isOpen && next.utf8.count == 2 && next.hasPrefix("-") && word.hasPrefix("-") && !word.hasPrefix("--")
                && word.utf8.count <= 5 && next.last.map { word.contains($0) } == true
            let hasValue =
                next.hasPrefix("--") && !word.hasSuffix("=false")
                && (isOpen ? word.hasPrefix(next + "=") : LongOption.word(word, mayBe: next))
            let isOfFamily =
                next.hasSuffix("*") && word.hasPrefix(next.dropLast())
                || next.hasPrefix("*") && next.utf8.count > 1 && word.hasSuffix(next.dropFirst())
            if word == next || isAmong || hasValue || isOfFamily { rest = rest.dropFirst() }
        }
        return rest.isEmpty
    }

    /// Returns the rule for database statements.
    static func rule(statements text: String) -> ShellRule? {
        let words = words(of: text)
        func has(_ first: String, _ second: Set<String>) -> Bool {
            zip(words, words.dropFirst()).contains { $0 == first && second.contains($1) }
        }
        if words.contains("truncate") || words.contains("vacuum_into") || words.contains("dropdatabase")
            || words.contains("drop")
            || has("delete", ["from"]) || words.first == "delete"
            || words.first == "merge" && has("then", ["delete"])
            || words.first == "alter" && words.contains("delete") && !has("on", ["delete"])
        {
            return .removes
        }
        if has("detach", ["delete"]) { return .removes }
        if has("set", ["global"]) || words.first == "kill" || has("system", ["reload"])
            || words.first == "copy" && !text.hasPrefix("\\") && words.contains("to") && !words.contains("stdout")
        {
            return .rights
        }
        if has("disable", ["trigger", "row"]) || has("no", ["force"]) && words.contains("security") { return .rights }
        if has("local", ["infile"]) || words.contains("xp_cmdshell") || words.contains("load_extension")
            || words.contains("pg_read_file")
            || words.contains("lo_export") || words.contains("load_file") || has("copy", ["program"])
            || has("to", ["program"]) || has("from", ["program"])
            || has("into", ["outfile", "dumpfile"])
        {
            return .dynamic
        }
        // `update NAME set …` without a condition changes all rows.
        let changesAll = words.indices.contains { index in
            words[index] == "update" && index + 2 < words.count && words[index + 1] != "set"
                && words[(index + 2)...].prefix(3).contains("set")
        }
        if changesAll, !words.contains("where") { return .removes }
        // These words concern the servers of a database and their replication.
        let servers: Set = ["master", "slave", "replica", "binary", "group_replication"]
        if ["reset", "stop", "purge", "change"].contains(where: { has($0, servers) }) { return .rights }
        // Columns and tables of passwords.
        let shown: Set = ["select", "table", "with", "copy"]
        if has("mysql", ["user"]), text.lowercased().contains("select *") { return .secrets }
        if words.first.map(shown.contains) == true,
            words.contains(where: {
                $0.contains("passw") || ["authentication_string", "pg_shadow", "pg_authid"].contains($0)
            })
        {
            return .secrets
        }
        let granted = words.contains("grant") || words.contains("revoke")
        if granted || ["create", "alter"].contains(where: { has($0, ["user", "role", "system", "login"]) }) {
            return .rights
        }
        return nil
    }

    /// Returns whether a text is one statement that removes only the rows for which a condition holds.
    static func removesSome(_ text: String) -> Bool {
        let words = words(of: text)
        // A condition without a column holds for all rows, or none.
        return words.starts(with: ["delete", "from"]) && words.drop { $0 != "where" }.count > 1
            && !words.contains { ["drop", "truncate", "or"].contains($0) }
            && text.split(separator: ";").count { !$0.allSatisfy(\.isWhitespace) } == 1
    }

    /// Returns whether a text is a database statement that removes something, rather than a sentence.
    static func isStatement(_ text: String) -> Bool {
        let words = words(of: String(text.prefix(200)))
        guard let first = words.first, words.count > 1 else { return false }
        let kinds: Set = ["table", "database", "schema", "index", "view", "user", "column", "collection", "role"]
        return switch first {
        case "drop": kinds.contains(words[1])
        case "truncate": words.count == 2 || words[1] == "table"
        case "delete": words[1] == "from"
        case "update": words.dropFirst(2).prefix(2).contains("set")
        case "grant", "revoke": words.contains("on") || words.contains("to") || words.contains("from")
        default: false
        }
    }

    /// Returns whether database statements only read: they begin with a reading word, contain no changing word, and
    /// call no function with side effects.
    static func looks(statements text: String) -> Bool {
        guard rule(statements: text) == nil else { return false }
        let changing = ShellWords.list("sql-changes")
        for part in text.split(separator: ";") {
            let line = part.drop { $0.isWhitespace }
            if line.isEmpty { continue }
            if line.hasPrefix("\\") || line.hasPrefix(".") {
                let name = line.prefix { !$0.isWhitespace }
                if name == "\\copy", let query = Self.copied(line), looks(statements: query) { continue }
                let shows = ShellWords.list("psql-shows")
                guard
                    name.hasPrefix("\\d") || shows.contains(String(name))
                        || ShellWords.contains(String(name), in: "sqlite-shows"),
                    !line.contains("|")
                else {
                    return false
                }
                continue
            }
            let words = words(of: String(line))
            guard let first = words.first, ShellWords.contains(first, in: "sql-looks"),
                first == "show" || changing.isDisjoint(with: words.dropFirst()),
                !words.contains(where: acts), first != "pragma" || !line.contains("="), !handsOn(line),
                called(in: line).allSatisfy({
                    ShellWords.contains($0, in: "sql-functions") || $0.hasPrefix("pg_") || $0.hasPrefix("json")
                })
            else { return false }
        }
        return true
    }

    /// Returns the query whose result a command of psql writes to the output or to a file that nobody misses:
    /// `\copy (select …) to '/tmp/x.csv' csv`; `nil` of every other command.
    private static func copied(_ line: Substring) -> String? {
        guard let open = line.firstIndex(of: "("), let close = line.lastIndex(of: ")"), open < close,
            line[..<open].split(separator: " ") == ["\\copy"]
        else { return nil }
        let words = line[line.index(after: close)...].split(separator: " ")
        guard words.count > 1, words[0].lowercased() == "to" else { return nil }
        let place = words[1].filter { $0 != "'" }
        return ["stdout", "pstdout"].contains(place.lowercased()) || place.hasPrefix("/tmp/") && !place.contains("..")
            ? String(line[line.index(after: open)..<close]) : nil
    }

    /// The clients with a verb for requests to any address, which fetch unless they are told another method.
    private static let requesters = ["az": "rest", "m365": "request"]
    private static let requestSwitches: Set<String> = [
        "--skip-authorization-header", "--debug", "--verbose", "--only-show-errors",
    ]
    private static let requestOptions: Set<String> = [
        "-u", "--url", "--uri", "--query", "-o", "--output", "-r", "--resource", "--headers", "--accept",
        "--uri-parameters", "--url-parameters", "--subscription",
    ]

    /// Returns whether such a client only fetches: `az rest -m get -u https://…`. It takes the beginning of an option
    /// for the option, so that only options that are known count.
    private static func fetches(_ words: [String], behind verb: String) -> Bool {
        var rest = words.dropFirst()
        guard words.first == verb, !rest.isEmpty else { return false }
        while let word = rest.popFirst() {
            if requestSwitches.contains(word) { continue }
            guard let value = rest.popFirst(), !value.hasPrefix("-"), !value.hasPrefix("@") else { return false }
            if ["-m", "--method"].contains(word) {
                guard ["get", "head"].contains(value.lowercased()) else { return false }
                continue
            }
            guard requestOptions.contains(word), !asksForSecret(value) else { return false }
            // Several pairs of a name and a value.
            while let next = rest.first, !next.hasPrefix("-"), !next.hasPrefix("@"), next.contains("=") {
                rest = rest.dropFirst()
            }
        }
        return true
    }

    /// Returns whether an address is that of a secret in a vault of Azure.
    private static func asksForSecret(_ word: String) -> Bool {
        let address = word.lowercased()
        return address.contains(".vault.") && address.contains("/secrets")
    }

    /// Returns whether a client asks its service's interface for something: `gh api -X GET search/code -f q=x`,
    /// `gh api graphql -f query='query {…}'`, `az rest --url https://…`.
    static func asksAPI(_ program: String, _ words: [String]) -> Bool {
        if let verb = requesters[program] { return fetches(words, behind: verb) }
        guard ["gh", "glab"].contains(program), words.first == "api",
            !words.contains(where: { ["--input", "--hostname"].contains(where: $0.hasPrefix) })
        else { return false }
        let methods = words.indices.filter { index in ["-X", "--method"].contains(where: words[index].hasPrefix) }
        let isGet = methods.allSatisfy { index in
            ["-X", "--method"].contains(words[index]) && words.dropFirst(index + 1).first == "GET"
        }
        // A value with an at sign is read from a file.
        if !methods.isEmpty, !words.contains("graphql") { return isGet && !words.contains { $0.contains("=@") } }
        guard words.starts(with: ["api", "graphql"]), methods.isEmpty else { return false }
        let texts = words.filter { $0.hasPrefix("query=") }
        return !texts.isEmpty
            && texts.allSatisfy { text in
                let query = text.dropFirst(6).drop { $0.isWhitespace }
                return (query.hasPrefix("query") || query.hasPrefix("{")) && !query.contains("mutation")
            }
    }

    /// Returns whether a client does more with a result than show it: `\gexec` runs it, `\g |sh` passes it to a shell.
    private static func handsOn(_ line: Substring) -> Bool {
        // Within quotes it stands for itself.
        let open = line.split(separator: "'", omittingEmptySubsequences: false).enumerated().filter {
            $0.offset % 2 == 0
        }
        guard let part = open.map(\.element).first(where: { $0.contains("\\") }), let slash = part.firstIndex(of: "\\")
        else { return false }
        let rest = line[line.index(after: slash)...]
        return !["gx", "g", "G", "x"].contains(rest.prefix { !$0.isWhitespace }) || rest.contains(" ")
    }

    /// Returns the names before opening brackets, in lower case and outside quotes. A user-defined function may do
    /// anything.
    private static func called(in text: Substring) -> [String] {
        var names: [String] = []
        var name: [UInt8] = []
        var isOpen = false
        var quote: UInt8?
        for byte in text.utf8 {
            if let open = quote {
                if byte == open { quote = nil }
                continue
            }
            switch byte {
            case 0x27, 0x22, 0x60: quote = byte
            case 0x5F, 0x41...0x5A, 0x61...0x7A, 0x30...0x39:
                if isOpen { name = [] }
                isOpen = false
                name.append(byte | ((0x41...0x5A).contains(byte) ? 0x20 : 0))
                continue
            case 0x20, 0x0A, 0x09:
                isOpen = true
                continue
            case 0x28: if !name.isEmpty { names.append(String(decoding: name, as: UTF8.self)) }
            default: break
            }
            name = []
            isOpen = false
        }
        return names
    }

    /// Returns whether a name is a database function with side effects.
    private static func acts(_ name: String) -> Bool {
        ShellWords.contains(name, in: "sql-acts")
            || name.hasPrefix("pg_") && !ShellWords.contains(name, in: "sql-server-looks")
    }

    /// Returns whether scripts for a document database only read, because every function that they call does.
    static func looks(script words: [String]) -> Bool {
        var isScript = false
        for word in words {
            if word == "--eval" || word.hasPrefix("--eval=") { isScript = true }
            guard word.contains("(") else { continue }
            var rest = word[...]
            while let open = rest.firstIndex(of: "(") {
                let name = rest[..<open].reversed().prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "$" }
                if !name.isEmpty, !ShellWords.contains(String(name.reversed()).lowercased(), in: "mongo-looks") {
                    return false
                }
                rest = rest[rest.index(after: open)...]
            }
            if word.contains("$out") || word.contains("$merge") || word.contains("[") && word.contains("](") {
                return false
            }
        }
        return isScript || words.contains { ["--version", "--help"].contains($0) }
    }

    /// Returns the words of statements outside quotes and comments, in lower case.
    private static func words(of text: String) -> [String] {
        var words: [String] = []
        var word: [UInt8] = []
        var quote: UInt8?
        for byte in text.utf8 {
            if let open = quote {
                if byte == open { quote = nil }
                continue
            }
            if byte == 0x27 || byte == 0x22 || byte == 0x60 {
                quote = byte
            } else if byte == 0x5F || (0x41...0x5A).contains(byte & 0xDF) {
                word.append(byte | ((0x41...0x5A).contains(byte) ? 0x20 : 0))
                continue
            }
            if !word.isEmpty { words.append(String(decoding: word, as: UTF8.self)) }
            word = []
        }
        if !word.isEmpty { words.append(String(decoding: word, as: UTF8.self)) }
        return words
    }
}
