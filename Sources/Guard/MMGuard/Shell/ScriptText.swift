internal import MMCore

/// The actions in the text of an interpreter's script: what it removes, starts, evaluates and sends.
///
/// All languages are read alike, by their names, quoted texts and backtick texts. A name that means the same everywhere
/// counts even within quotes, because a quote may end elsewhere than it seems; a name with several meanings counts only
/// in code.
struct ScriptText: Sendable {
    /// The languages in which names or quotes have other meanings.
    enum Language: Sendable {
        case python, perl, ruby, javascript, php, lua, awk, other

        /// Creates the language of a program.
        init(program: String) {
            self =
                switch program {
                case _ where program.hasPrefix("python") || program.hasPrefix("pypy"): .python
                case "perl", "raku": .perl
                case "ruby": .ruby
                case "node", "nodejs", "deno", "bun", "mongo", "mongosh": .javascript
                case "php": .php
                case "lua", "luajit": .lua
                case "awk", "gawk", "mawk", "nawk", "original-awk": .awk
                default: .other
                }
        }
    }

    /// Returns the program that runs a file as code, by the name's ending; `code` for one that is compiled, and `nil`
    /// for other files.
    static func program(ofFile name: String) -> String? {
        let ending = name.split(separator: ".").last.map(String.init) ?? ""
        guard name.contains("."), ShellWords.contains(ending, in: "code-endings") else { return nil }
        return switch ending {
        case "py": "python3"
        case "js", "mjs", "cjs", "ts", "mts", "cts", "jsx", "tsx": "node"
        case "rb": "ruby"
        case "pl": "perl"
        case "php", "lua", "groovy": ending
        case "sh", "bash": nil
        case "jl", "r", "exs": ending
        default: "code"
        }
    }

    /// The meaning of a name.
    private enum Act: Equatable {
        case rule(ShellRule)
        /// The start of another program.
        case starts

        static let (removes, dynamic, network, mail) = (
            Act.rule(.removes), Act.rule(.dynamic), Act.rule(.network), Act.rule(.mail)
        )
    }

    /// A quoted text, and whether only commas, blanks and brackets separate it from the one before.
    struct Literal {
        var text: String
        var joins: Bool
    }

    let language: Language
    /// The script with a mark in place of each quoted text.
    var code: [UInt8] = []
    var literals: [Literal] = []
    var backticks: [String] = []
    let raw: String

    static let mark: UInt8 = 1

    /// Splits a script into code and quoted texts.
    init(_ text: String, _ language: Language) {
        self.language = language
        raw = text
        read(Array(text.utf8))
    }

    // MARK: What it does

    /// Returns what the script does.
    /// - Parameter shell: judges a text for a shell.
    func rules(shell: (String) -> [GuardFinding]) -> (rules: [(ShellRule, String)], started: [GuardFinding]) {
        let named = Self.names(in: code)
        let acts = acts(of: named)
        let starts = acts.contains { $0.0 == .starts }
        var found = acts.compactMap { act, name in if case .rule(let rule) = act { (rule, name) } else { nil } }
        if sendsWhatItReads(named) { found.append((.network, "an address, and data of this machine")) }
        found += anyLanguageRules + ownLanguageRules
        found += literals.compactMap { literal in
            ClientVerbs.isStatement(literal.text)
                ? ClientVerbs.rule(statements: literal.text).map { ($0, literal.text) } : nil
        }
        var started = (backticks + quoted(behind: language == .ruby ? "%x" : "qx")).flatMap(shell)
        for pipe in pipes {
            let text = pipe.filter { $0 != "|" }
            if ShellPrograms.shells.contains(text.filter { $0 != " " }) { found.append((.fed, pipe)) }
            started += shell(text)
        }
        if starts || language == .awk && startsInAwk {
            for text in groups() { started += shell(text) }
        }
        if starts, !startsKnown(named) { found.append((.dynamic, "a program that it starts")) }
        return (found, started)
    }

    /// What the names in the script mean.
    private func acts(of named: [Name]) -> [(Act, String)] {
        var acts: [(Act, String)] = []
        let temporary = temporary
        // Hyphenated names, as in Lisp, mean the same as those with underscores.
        for name in Self.names(in: Array((language == .other ? raw.replacing("-", with: "_") : raw).utf8)) {
            let act = Self.plain[name.text] ?? (Self.removesPlaces(name.text) ? .removes : nil)
            if let act, act != .removes || !temporary.contains(name.next) { acts.append((act, name.text)) }
        }
        let aliases = aliases(named)
        for name in named where !temporary.contains(name.next) {
            if let act = ambiguous(name, aliases) {
                acts.append((act, name.text))
            } else if Self.plain[name.text] == nil, unknownMember(name, aliases) {
                acts.append((.removes, name.text))
            }
        }
        acts += unknownImports.filter { Self.plain[$0] == nil }.map { (.removes, $0) }
        return acts + orders(named).map { (.rule($0.rule), $0.name) }
    }

    /// The commands that Perl runs because a file's name begins or ends with a bar.
    private var pipes: [String] {
        guard language == .perl else { return [] }
        return literals.map(\.text).filter { $0.hasPrefix("|") || $0.hasSuffix("|") }
    }

    /// What a script in any language does with these words.
    private var anyLanguageRules: [(ShellRule, String)] {
        var found: [(ShellRule, String)] = []
        if ["IO::Socket", "Net::", "LWP::"].contains(where: raw.contains) { found.append((.network, "a connection")) }
        if ["Net::SMTP", "sendmail"].contains(where: raw.contains) { found.append((.mail, "sendmail")) }
        if raw.contains("kill(-1") { found.append((.removes, "kill(-1)")) }
        if emptiesFiles { found.append((.removes, "files are emptied")) }
        if raw.lowercased().contains("remove-item") { found.append((.removes, "Remove-Item")) }
        return found
    }

    /// What only this language does in such a way.
    private var ownLanguageRules: [(ShellRule, String)] {
        var found: [(ShellRule, String)] = []
        switch language {
        case .awk:
            // Between slashes it is a pattern: `/inet/ { print $2 }`.
            if literals.contains(where: { $0.text.hasPrefix("/inet") }) { found.append((.network, "/inet")) }
            // Only a quoted text tells the names of files that are overwritten.
            if awkTargets.contains(where: { !$0.contains(Self.mark) && !$0.starts(with: ">>".utf8) }) {
                found.append((.removes, "files whose names it puts together"))
            }
            let namesShell = literals.contains { literal in
                ShellPrograms.shells.contains(literal.text.split(separator: " ").first.map(String.init) ?? "")
            }
            if namesShell, code.contains(UInt8(ascii: "|")) { found.append((.fed, "a shell")) }
            if !isKnownAwk { found.append((.dynamic, "a command that awk puts together")) }
        case .lua where raw.contains("socket") && raw.contains("connect("): found.append((.network, "a connection"))
        case .php where callsByName: found.append((.dynamic, "a function that a variable names"))
        case .javascript:
            let connects = literals.contains { ["net", "tls", "node:net", "node:tls"].contains($0.text) }
            if connects, raw.contains("connect(") { found.append((.network, "a connection")) }
            if raw.contains("import("), literals.contains(where: { $0.text.hasPrefix("http") }) {
                found.append((.fed, "code from an address"))
            }
            if raw.contains("](") { found.append((.dynamic, "a member that is looked up")) }
        case .other where raw.contains("file delete "): found.append((.removes, "file delete"))
        default: break
        }
        return found
    }

    /// Whether it writes files, or changes their permissions.
    var writesFiles: Bool {
        [
            ">", "'w", "\"w", "'a'", "\"a\"", "write", "put_contents", "copy", "cpSync", "rename", "chmod", "symlink",
            "extract", "unpack",
        ]
        .contains(where: raw.contains)
    }

    /// Whether it calls a function by a variable, as in PHP: `$f("a")`.
    private var callsByName: Bool {
        raw.split(separator: "$").dropFirst().contains { part in
            let name = part.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
            return !name.isEmpty && part[name.endIndex...].hasPrefix("(")
        }
    }

    /// Whether it reads files, and writes none.
    var readsFiles: Bool {
        [
            "open(", "File.open", "readFile", "read_text", "readlines", "File.read", "IO.read", "file_get_contents",
            "readfile", "parse_ini_file",
        ]
        .contains(where: raw.contains)
            && !["'w", "\"w", "'a'", "\"a\"", "put_contents", "writeFile", "write_text"].contains(where: raw.contains)
    }

    /// Whether it copies or moves files.
    var copiesFiles: Bool { movesFiles || ["copy", "cpSync", "cp("].contains(where: raw.contains) }

    /// Whether it moves files.
    var movesFiles: Bool { ["rename", "move(", "replace(", "mv("].contains(where: raw.contains) }

    /// Whether it empties files: it writes an empty text, or opens files for writing and never writes.
    private var emptiesFiles: Bool {
        let plain = raw.filter { !" \n\t".contains($0) }.replacing("\"", with: "'")
        func has(_ parts: String...) -> Bool { parts.contains(where: plain.contains) }
        if has("write", "put_contents"), has("('')", "(b'')", ",'')", ",b'')") { return true }
        if has(".truncate(0)", ".truncate()") { return true }
        let opens =
            has(",'w')", ",'wb')", "'w','", ",'>',", ",'+>',", ",'>$") || has("inplace=True") && has("fileinput")
        return opens && !has("write", "print", "dump", "save", "copy", "puts", "say", "to_", "<<", "log")
    }

    /// Whether it reads files or variables of this machine, and contains the address of another one.
    private func sendsWhatItReads(_ named: [Name]) -> Bool {
        let hosts = ["localhost", "127.0.0.1", "[::1]"]
        let isOutside = literals.contains { literal in
            guard let scheme = literal.text.firstRange(of: "://") else { return false }
            let host = literal.text[scheme.upperBound...]
            return !literal.text.hasPrefix("file:") && !hosts.contains(where: host.hasPrefix)
        }
        guard isOutside else { return false }
        let fetches = ["'w", "\"w", "'a'", "\"a\""].contains(where: raw.contains)
        let phpRead = "file_get_contents("
        let readsTwice = raw.firstRange(of: phpRead).map { raw[$0.upperBound...].contains(phpRead) } ?? false
        return ["environ", "getenv", "ENV[", "process.env", "readFile", "File.read", "IO.read"].contains(
            where: raw.contains)
            || readsTwice || raw.contains("open(") && !fetches && named.contains { $0.text == "open" }
    }

    /// Returns a function of a module for files and processes that no table knows as one that looks or makes something.
    private func unknownMember(_ name: Name, _ aliases: Set<String>) -> Bool {
        guard name.isCalled, let owner = name.owner else { return false }
        let owners = aliases.contains(owner) ? ["os", "shutil"] : [owner]
        let lists = owners.map { "\(language)-\($0)" }.filter(ShellWords.has)
        return !lists.isEmpty && !lists.contains { ShellWords.contains(name.text, in: $0) }
    }

    /// The first function called by a script in one of the languages for which no other rule exists that no list knows
    /// as one that computes, shows, builds or checks something.
    var unknownCall: String? {
        guard language == .other else { return nil }
        return Self.names(in: code).first { name in
            guard name.isCalled || name.isFirstOfList else { return false }
            if ShellWords.contains(name.text, in: "script-computes") { return false }
            let parts = name.text.split(separator: "_").map { $0.prefix { !$0.isUppercase }.lowercased() }
            return !parts.contains(where: ShellJudge.building.contains)
                && !(parts.first.map { ShellWords.contains($0, in: "script-asks") } ?? false)
        }?.text
    }

    /// The functions that a Python script imports from such modules without a table knowing them.
    private var unknownImports: [String] {
        guard language == .python else { return [] }
        return raw.split(whereSeparator: { "\n;".contains($0) }).flatMap { statement -> [String] in
            let words = statement.split { " ,()".contains($0) }.map(String.init)
            guard words.count > 3, words[0] == "from", words[2] == "import", ShellWords.has("python-\(words[1])") else {
                return []
            }
            return words[3...].prefix { $0 != "as" }.filter { !ShellWords.contains($0, in: "python-\(words[1])") }
        }
    }

    /// The files and commands to which an awk script prints, each as the code from `>` or `|` on, in which a mark
    /// stands for a quoted text.
    private var awkTargets: [ArraySlice<UInt8>] {
        var targets: [ArraySlice<UInt8>] = []
        let print = Array("print".utf8)
        var place = 0
        while let found = ByteSearch.find(print, in: code, from: place) {
            place = found + print.count
            let statement = code[place...].prefix { !"};\n".utf8.contains($0) }
            var depth = 0
            for index in statement.indices {
                if statement[index] == UInt8(ascii: "(") { depth += 1 }
                if statement[index] == UInt8(ascii: ")") { depth -= 1 }
                guard depth <= 0, ">|".utf8.contains(statement[index]) else { continue }
                targets.append(statement[index...])
                break
            }
        }
        return targets
    }

    /// Whether an awk script may start a command: otherwise its quoted texts are only shown.
    private var startsInAwk: Bool {
        let bars = String(decoding: code, as: UTF8.self).replacing("||", with: "")
        return bars.contains("|") || raw.contains("system")
    }

    /// Whether an awk script writes a file, or starts or includes something.
    var actsInAwk: Bool {
        !awkTargets.isEmpty || code.contains(UInt8(ascii: "|")) && raw.contains("getline")
            || ["system(", "@load", "@include", "|&"].contains(where: raw.contains)
    }

    /// The variables to which a statement assigns the path of a new temporary file or folder.
    private var temporary: Set<String> {
        let makers = ["tempdir", "mkdtemp", "mkdirtemp", "mktmpdir", "temporarydirectory", "createtemp"]
        return raw.split(whereSeparator: { ";\n".contains($0) }).reduce(into: []) { found, statement in
            guard let equals = statement.firstIndex(of: "=") else { return }
            let value = statement[equals...].lowercased()
            guard makers.contains(where: value.contains) else { return }
            let names = statement[..<equals].split { !$0.isLetter && !$0.isNumber && $0 != "_" }
            found.formUnion(names.suffix(2).map(String.init))
        }
    }

    /// The quoted texts.
    var texts: [String] { literals.map(\.text) }

    /// The names that mean the same in every language that has them.
    private static let plain: [String: Act] = {
        var table: [String: Act] = [:]
        let lists: [(String, Act)] = [
            ("script-removes", .removes), ("script-starts", .starts), ("script-hides", .dynamic),
            ("script-network", .network), ("script-mail", .mail), ("script-rights", .rule(.rights)),
            ("script-secrets", .rule(.secrets)), ("script-fetches", .rule(.fed)),
        ]
        for (list, act) in lists { for name in ShellWords.list(list) { table[name] = act } }
        return table
    }()

    private static let unpicklers = ShellWords.list("script-unpickles")

    /// Returns the words of a name, in lower case: `deleteDir`, `remove_all_files`.
    static func parts(of name: String) -> [String] {
        var parts: [String] = []
        for letter in name {
            if letter == "_" || letter.isUppercase || parts.isEmpty { parts.append("") }
            if letter != "_" { parts[parts.count - 1] += letter.lowercased() }
        }
        return parts.filter { !$0.isEmpty }
    }

    /// Returns whether a name in any language says that files are removed: `deleteDir`, `remove_all_files`,
    /// `deleteRecursively`.
    private static func removesPlaces(_ name: String) -> Bool {
        let parts = parts(of: name)
        return parts.first.map(removingVerbs.contains) == true
            && (parts.dropFirst().last.map(removedPlaces.contains) == true
                || parts.count > 2 && parts.last == "all" && parts.dropFirst().contains(where: removedPlaces.contains))
    }

    private static let removingVerbs = ShellWords.list("removing-verbs")
    private static let removedPlaces = ShellWords.list("removed-places")

    /// Returns the meaning of an ambiguous name, by the code before and after it.
    private func ambiguous(_ name: Name, _ aliases: Set<String>) -> Act? {
        let owner = name.owner
        let isOfSystem =
            owner.map { ["os", "posix", "shutil", "fs", "promises", "fsp"].contains($0) || aliases.contains($0) }
            ?? true
        switch name.text {
        case "remove" where language == .javascript: return name.isCalled ? .removes : nil
        case "remove":
            return isOfSystem ? .removes : ["file", "Sys"].contains(owner) && language == .other ? .removes : nil
        case "delete", "Delete":
            return ["File", "Files", "Dir", "Directory", "FileUtils", "Pathname", "file"].contains(owner)
                ? .removes : nil
        // Other languages hand functions on by their names: `foreach(rm, files)`.
        case "rm": return name.isCalled || language == .other ? .removes : nil
        // Called on a model, it removes all the model's rows.
        case "truncate":
            let isModel = language == .php && name.isCalled && owner?.first?.isUppercase == true
            return isOfSystem || owner == "File" || isModel ? .removes : nil
        case "require", "import": return language == .javascript && name.isCalledWithJoinedText ? .dynamic : nil
        case "mail": return language == .php && owner == nil && name.isCalled ? .mail : nil
        case "drop", "remove_all": return language == .javascript && owner != nil && name.isCalled ? .removes : nil
        case "system": return owner == "platform" ? nil : .starts
        case "exec":
            let isOfMachine = language == .other && raw.contains("Runtime")
            if owner != nil, !["Kernel", "os", "cy"].contains(owner), !isOfMachine { return nil }
            return language == .python ? .dynamic : .starts
        case "spawn", "fork": return owner == nil || isOfSystem || ["Kernel", "Bun"].contains(owner) ? .starts : nil
        case "Post", "PostForm": return owner == "http" && !addressesOnlyThisMachine ? .network : nil
        case "Remove", "RemoveAll", "Truncate": return owner == "os" ? .removes : nil
        case "Command", "CommandContext": return ["Deno", "exec", "process"].contains(owner) ? .starts : nil
        case "qx": return .starts
        case "sh": return language == .ruby && name.isCalledWithText ? .starts : nil
        case "cmd": return owner == "System" ? .starts : nil
        case "adminCommand", "runCommand":
            if raw.contains("shutdown") || raw.contains("drop") { return .removes }
            let looks = ShellWords.list("mongo-admin-looks")
            return looks.contains(where: raw.contains) ? nil : .rule(.rights)
        // A name that is looked up tells its content to the servers of its domain.
        case "lookup" where !raw.contains("dns"): return nil
        case "resolve" where !raw.contains("dns"): return nil
        case "gethostbyname", "getaddrinfo", "lookup", "resolve", "resolve4", "resolveTxt":
            return name.isCalled && !name.isCalledWithText ? .network : nil
        // Such data says what is called when it is read.
        case "loads", "Unpickler": return owner.map(Self.unpicklers.contains) == true ? .dynamic : nil
        case "load" where owner.map(Self.unpicklers.contains) == true && raw.contains("stdin"): return .dynamic
        case "load" where owner == "torch" && raw.contains("weights_only=False"): return .dynamic
        case "modules" where owner == "sys": return raw.contains("sys.modules[") ? .dynamic : nil
        case "interact": return owner == "code" ? .dynamic : nil
        case "binding", "_linkedBinding": return owner == "process" ? .dynamic : nil
        case "execute": return owner == "os" ? .starts : nil
        case "eval":
            return owner == nil && language != .other || ["Kernel", "window", "builtins", "globalThis"].contains(owner)
                ? .dynamic : nil
        case "compile": return owner == nil && language == .python && name.isCalled ? .dynamic : nil
        case "getattr", "vars", "globals":
            return name.isCalled && ["os", "sys", "shutil", "subprocess", "builtins", ")"].contains(name.next)
                ? .dynamic : nil
        case "Function": return name.isCalled ? .dynamic : nil
        case "assert": return language == .php && name.isCalled ? .dynamic : nil
        case "load", "dofile": return language == .lua ? .dynamic : nil
        case "socket": return owner == "socket" ? .network : nil
        case "request":
            return (["http", "https"].contains(owner) || language == .javascript && raw.contains("http"))
                && (raw.contains("method") || raw.contains("pipe(")) ? .network : nil
        case "updateMany":
            return raw.contains("Many({}") || raw.contains("prisma") && !raw.contains("where") ? .removes : nil
        case "urlopen": return raw.contains("data=") || raw.contains("method=") ? .network : nil
        case "fetch": return ["POST", "PUT", "PATCH", "DELETE", "body"].contains(where: raw.contains) ? .network : nil
        default: return nil
        }
    }

    /// Returns the aliases that a script gives to relevant modules, such as `import os as o`.
    private func aliases(_ names: [Name]) -> Set<String> {
        var found: Set<String> = []
        for index in names.indices.dropFirst(2) where names[index - 1].text == "as" {
            if ["os", "shutil", "subprocess", "posix"].contains(names[index - 2].text) {
                found.insert(names[index].text)
            }
        }
        return found
    }

    /// Returns whether the name of each program that it starts is a plain text.
    private func startsKnown(_ names: [Name]) -> Bool {
        var calls = 0
        for name in names where ShellWords.contains(name.text, in: "script-callers") && name.isCalledWithText {
            calls += 1
        }
        let others = names.contains {
            ShellWords.contains($0.text, in: "script-callers") && $0.isCalled && !$0.isCalledWithText
        }
        return calls > 0 && !others
    }

    /// Returns the texts in brackets after an operator that passes them to a shell: `%x(…)`, `qx{…}`.
    private func quoted(behind mark: String) -> [String] {
        guard language == .ruby || language == .perl else { return [] }
        var found: [String] = []
        var rest = raw[...]
        while let place = rest.firstRange(of: mark), found.count < 100 {
            rest = rest[place.upperBound...].drop { $0 == " " }
            guard let open = rest.first, !open.isLetter, !open.isNumber, open != "_" else { continue }
            let close: Character = ["(": ")", "{": "}", "[": "]", "<": ">"][open] ?? open
            let text = rest.dropFirst().prefix { $0 != close }
            found.append(String(text))
            rest = rest.dropFirst(1 + text.count)
        }
        return found
    }

    /// Returns the quoted texts, with those of a list joined into one command.
    private func groups() -> [String] {
        var texts: [String] = []
        var group: [String] = []
        for literal in literals + [Literal(text: "", joins: false)] {
            if !literal.joins {
                if group.count > 1 {
                    texts.append(
                        group.map { $0.contains(" ") || $0.isEmpty ? "'" + $0 + "'" : $0 }.joined(separator: " "))
                }
                texts += group
                group = []
            }
            group.append(literal.text)
        }
        return texts.filter { !$0.isEmpty }
    }

    /// Whether the text shows what awk passes to a shell: `system("…")`, `print | "…"`, `"…" | getline`.
    private var isKnownAwk: Bool {
        let text = code.filter { $0 != 0x20 && $0 != 0x09 }
        for index in text.indices {
            if text[index...].starts(with: "system(".utf8) {
                let after = text[(index + 7)...]
                guard after.first == Self.mark, after.dropFirst().first == UInt8(ascii: ")") else { return false }
            }
            // The function is the one that a variable names.
            if text[index] == UInt8(ascii: "@"),
                text[(index + 1)...].first(where: { !Self.isOfName($0) }) == UInt8(ascii: "(")
            {
                return false
            }
            guard text[index] == UInt8(ascii: "|") else { continue }
            let before = index > 0 ? text[index - 1] : 0
            let after = index + 1 < text.count ? text[index + 1] : 0
            if before == UInt8(ascii: "|") || after == UInt8(ascii: "|") { continue }
            guard before == Self.mark || after == Self.mark || after == UInt8(ascii: "&") else { return false }
        }
        return true
    }
}
