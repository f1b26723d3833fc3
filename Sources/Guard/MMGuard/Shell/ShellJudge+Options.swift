internal import MMCore
import ShellSyntax

/// The usual meaning of options and verbs, by their names, so that an option that takes a command is recognized even if
/// nothing is known of the program.
enum WordMeaning {
    /// The purpose of an option's value.
    enum Value: Sendable {
        /// A command to run.
        case command
        /// A script in the program's own language.
        case script
        /// A library to load.
        case library
        /// A file to write.
        case output
        /// An address for incoming connections.
        case listener
    }

    /// The prefixes of options that say that something isn't done.
    private static let denials: Set<String> = ["no", "without", "disable", "skip", "list", "dry", "ignore", "exclude"]

    /// Returns the parts of an option's name; none of an option that says that something isn't done.
    private static func parts(ofOption word: some StringProtocol) -> [String] {
        guard word.hasPrefix("-") else { return [] }
        let name = word.drop { $0 == "-" }.prefix { $0 != "=" }.lowercased()
        let parts = name.split { "-_.".contains($0) }.map(String.init)
        return parts.first.map(denials.contains) == true ? [] : parts
    }

    /// Returns the meaning of an option's value by the option's name; `nil` if the name doesn't tell.
    static func value(of option: some StringProtocol) -> Value? {
        if ["-o", "-O", "-w", "-W", "-l"].contains(String(option)) { return .output }
        let isLong = option.hasPrefix("--")
        let parts = parts(ofOption: option)
        guard let first = parts.first, let last = parts.last, isLong || first.count > 2 else { return nil }
        if ShellWords.contains(last, in: "option-commands") || first == "on" && parts.count > 1 { return .command }
        if ShellWords.contains(last, in: "option-scripts") { return .script }
        if ShellWords.contains(last, in: "option-libraries") { return .library }
        if ShellWords.contains(first, in: "option-outputs") || ShellWords.contains(last, in: "option-outputs") {
            return .output
        }
        return first == "listen" ? .listener : nil
    }

    /// Returns whether an option's name says that something is sent, or names a credential: `--report-to`, `--upload`,
    /// `--api-token`.
    static func tells(_ word: String) -> Bool {
        let parts = word.hasPrefix("--") ? parts(ofOption: word) : []
        return parts.count > 1 && parts.last == "to"
            || parts.contains { sending.contains($0) || ShellWords.contains($0, in: "option-tells") }
    }

    /// The usual endings of the names of reading programs: `varnishstat`, `ausearch`, `showmount`.
    private static let lookingEnds = ShellWords.list("looking-ends")
    private static let trials = ShellWords.list("option-trials")
    /// Options that only show something if they are the only word.
    private static let lookingOptions: Set<String> = [
        "-t", "-T", "-S",
    ]

    private static func says(_ word: String) -> Bool {
        let last = word.split(separator: ":").last.map(String.init) ?? word
        let parts = last.split { "-_.".contains($0) }.map(String.init)
        return ShellWords.contains(last, in: "looking-words")
            || parts.contains { ShellWords.contains($0, in: "looking-words") } && !parts.contains(where: orders)
    }

    /// Returns whether a verb asks for something: one that reads, also with its object: `getsysinfo`, `measure_temp`.
    private static func asks(_ verb: String) -> Bool {
        let parts = verb.split { "-_:".contains($0) }.map(String.init)
        guard parts.joined().allSatisfy(\.isLetter), !parts.contains(where: changes) else { return says(verb) }
        let end = ["stats", "status", "info"].first(where: verb.hasSuffix) ?? ""
        let isJoined = ["get", "show", "describe", "measure"].contains(where: verb.hasPrefix)
        return says(verb) || isJoined || !end.isEmpty && !changes(String(verb.dropLast(end.count)))
    }

    /// Returns whether a long option says by its name that more is done than to show something: `--fix`, `--in-place`,
    /// `--reset-stats`.
    private static func changesByOption(_ word: String) -> Bool {
        word.hasPrefix("--") && parts(ofOption: word).contains(where: changes)
    }

    /// Returns whether a verb changes what it names, takes that back (`unset`), or can't be known.
    static func changes(_ verb: String) -> Bool {
        orders(verb) || verb.hasPrefix("$") || verb.hasPrefix("`")
            || ["ordering", "changing-verbs"].contains { ShellWords.contains(verb, in: $0) }
            || verb.hasPrefix("un") && verb.utf8.count > 4 && changes(String(verb.dropFirst(2)))
    }

    /// Returns whether the words of a program order a change, by a verb or by the name of an option.
    static func ordersChange(_ words: [String]) -> Bool {
        words.contains(where: changesByOption) || ShellPrograms.verbs(words).prefix(3).contains(where: changes)
    }

    /// Returns the verbs without those that are only the things which a look beside them is about: `post list`,
    /// `show deploy`.
    private static func withoutThings(_ verbs: [String]) -> [String] {
        func looks(_ index: Int) -> Bool {
            verbs.indices.contains(index) && ShellWords.contains(verbs[index], in: "plain-looks")
        }
        return verbs.indices.filter { index in
            !ShellWords.contains(verbs[index], in: "verb-things") || !(looks(index + 1) || looks(index - 1))
        }.map { verbs[$0] }
    }

    /// Returns whether a program's words say that it reads: by its verb, a part of its name, or only reading options.
    static func looks(_ program: String, _ words: [String]) -> Bool {
        if words.contains(where: ClientVerbs.isStatement) { return false }
        let name = program.lowercased()
        let isNamed =
            says(name) && !name.hasSuffix("-get") || lookingEnds.contains(where: name.hasSuffix)
            || name.hasPrefix("show") || name.contains("_ls")
            || name.hasPrefix("check") && !name.hasSuffix("install") || name.hasSuffix("-save")
            || name.hasPrefix("ls") && words.allSatisfy { $0.hasPrefix("-") }
            || name.hasSuffix("mon") && !name.hasSuffix("daemon")
        let verbs = withoutThings(
            ShellPrograms.verbs(words).prefix(3).map { $0.lowercased() }.filter { !$0.contains(".") })
        if tries(words) || asksPrompt(words) { return true }
        if words.contains(where: changesByOption) { return false }
        // What such a program is about may have the name of a look: `Clear-EventLog`, `Limit-EventLog`.
        if let verb = name.firstIndex(of: "-").map({ String(name[..<$0]) }),
            changes(verb) || ShellWords.contains(verb, in: "powershell-changes")
        {
            return false
        }
        // What a program with a verb's name gets may be a secret, too.
        let getsSecret = verbs.first.map(SecretName.isSecret) == true && ShellWords.contains(name, in: "looking-words")
        if isNamed, !SecretName.isSecret(name), !getsSecret, !verbs.contains(where: changes) { return true }
        // `env set`, `queue clear` and `restart list` do something to what they name; the third word may be a name:
        // `rename a report`.
        if let verb = verbs.firstIndex(where: asks), verb < 2 || ["list", "show"].contains(verbs[verb]),
            !verbs[..<verb].contains(where: changes), !verbs[(verb + 1)...].contains(where: changes)
        {
            // What is told of a secret may be the secret.
            return verbs.allSatisfy { ShellWords.contains($0, in: "secret-looks") || !asks($0) }
                || !([name] + ShellPrograms.verbs(words).prefix(3)).contains(where: SecretName.isSecret)
        }
        // Programs without verbs may have long options with one dash: `keytool -list`, `megacli -LDInfo`.
        if let first = words.first, first.hasPrefix("-"), first.count > 4 {
            let spaced = first.dropFirst().flatMap { $0.isUppercase ? " \($0.lowercased())" : String($0) }
            let humps = String(spaced).split(separator: " ").map(String.init)
            let shown = ["list", "status", "show", "info", "version", "describe"]
            if humps.last.map(shown.contains) == true, !humps.contains(where: changes) { return true }
        }
        // A plural such as `snapshots` without further words lists the objects.
        if words.count == 1, let verb = verbs.first, verb.hasSuffix("s"), verb.utf8.count > 4,
            verb.allSatisfy(\.isLetter), !changes(verb), !beginsWithOrder(verb)
        {
            return true
        }
        let options = words.filter { !$0.hasPrefix("/") }
        return !options.isEmpty
            && options.allSatisfy { word in
                ShellWords.contains(word, in: "option-shows") || words.count == 1 && lookingOptions.contains(word)
                    || word.hasPrefix("--") && says(String(word.dropFirst(2).prefix { $0 != "=" }))
                    || ["--get", "--show", "--list"].contains(where: word.hasPrefix)
            }
    }

    /// Returns whether one word is an order and what it is for: `restartdns`, but not `deployments`.
    private static func beginsWithOrder(_ word: String) -> Bool {
        (4..<max(4, word.count - 2)).contains { length in
            changes(String(word.prefix(length)))
                && !["ments", "ions", "ations", "ers", "ings"].contains(String(word.dropFirst(length)))
        }
    }

    /// Returns whether an option says that nothing is done, or only something shown. What follows a mark, or runs
    /// elsewhere, belongs to another program; and an option to show something has no value, and no order beside it:
    /// `move A-1 --status Done`.
    private static func tries(_ words: [String]) -> Bool {
        let own = Array(words.prefix { $0 != "--" })
        if own.contains(where: { ShellWords.contains($0, in: "client-carrying") }) { return false }
        if own.contains(where: trials.contains) { return true }
        return !acts(own)
            && zip(own, own.dropFirst() + [""]).contains { option, next in
                ShellWords.contains(option, in: "option-looks") && (next.isEmpty || next.hasPrefix("-"))
            }
    }

    /// Returns whether each text for a program's own prompt only asks: `vtysh -c 'show bgp'`.
    /// - Parameter marks: the options before such a text, the beginnings of words that contain one (`exec=`), or `$`
    ///   for the last operand.
    static func asksPrompt(_ words: [String], behind marks: [String] = ["-c", "-e", "-x", "-rx", "--command"]) -> Bool {
        var texts = zip(words, words.dropFirst()).filter { marks.contains($0.0) }.map(\.1)
        for mark in marks where mark.hasSuffix("=") {
            texts += words.filter { $0.hasPrefix(mark) }.map { String($0.dropFirst(mark.count)) }
        }
        if marks.contains("$"), let last = words.last, !last.hasPrefix("-") { texts.append(last) }
        return !texts.isEmpty && texts.allSatisfy(asksPrompt(inText:))
    }

    /// Returns whether each command of a text for a prompt begins with a reading word, alone or behind its object:
    /// `show bgp`, `sip show peers`. An order in that place makes the word its object: `unset queue`.
    private static func asksPrompt(inText text: String) -> Bool {
        let commands = text.split(separator: ";").filter { !$0.allSatisfy(\.isWhitespace) }
        return !commands.isEmpty && !text.contains { "|&`$><\n".contains($0) }
            && commands.allSatisfy { command in
                let words = command.split(separator: " ").map { $0.lowercased() }
                guard let look = words.prefix(2).firstIndex(where: says), !words[..<look].contains(where: changes),
                    rule("", words) == nil
                else { return false }
                return ShellWords.contains(words[look], in: "plain-looks")
                    || !words.dropFirst(look + 1).prefix(1).contains(where: changes)
            }
    }

    private static let removing = ShellWords.list("removing-words")
    private static let sending = ShellWords.list("sending-words")
    private static let removingStarts = ["delete", "destroy", "purge", "erase", "wipe", "remove", "delsnap"]
    private static let removingEnds = ["stop", "delete", "destroy", "purge", "erase", "wipe", "unlink", "kill", "del"]
    private static let sendingStarts = ["sendto", "sendmail", "sendmessage"]
    private static let sendingOptions: Set<String> = ["upload", "put", "publish", "push", "email", "mail", "send"]

    /// Returns the first word of a camel-case name: `dropAll`.
    private static func humps(_ name: Substring) -> [String] {
        let first = name.prefix { !$0.isUppercase }
        return first.isEmpty || first.count == name.count ? [] : [String(first)]
    }

    /// Returns the rule for the tasks of a project that a program runs, by their names. What such programs remove is
    /// part of the project and can be generated again, except for its data.
    private static func rule(ofTasks words: [String], of program: String) -> ShellRule? {
        let isRunner = ShellWords.contains(program, in: "target-runners")
        // An option decides whether anything is done: `make -n deploy`.
        if isRunner, words.contains("-n") { return nil }
        let operands = words.filter { !$0.hasPrefix("-") }
        // Options of the runner and their values may precede: `npm --prefix ops run purge`.
        let run = operands.prefix(3).firstIndex { $0 == "run" || $0.hasPrefix("run-") }
        let isRun = run != nil
        let tasks = run.map { operands.dropFirst($0 + 1).prefix(1) } ?? (isRunner ? operands[...] : operands.prefix(1))
        func says(_ list: String, _ names: [String]) -> Bool { names.contains { ShellWords.contains($0, in: list) } }
        let named = tasks.enumerated().filter { isRun || !$0.element.contains { "/=".contains($0) } }.map {
            index, task in
            let isNamed = isRun || isRunner || task.contains(":")
            let names =
                isNamed
                ? task.lowercased().split { "-_:/.[+#".contains($0) }.map(String.init)
                : [task.split(separator: ".").last.map(String.init) ?? task]
            return (isFirst: index == 0, task: task, isNamed: isNamed, names: names)
        }
        let removes = named.contains { one in
            let isCompound = one.names.count > 1 || one.task.contains(".")
            return says("task-removes", one.names) || isCompound && says("task-resets", one.names)
                || says("unmaking-targets", [one.task])
        }
        // `yarn application -kill` is another program of that name.
        let isTold = words.contains {
            $0.hasPrefix("-") && $0.utf8.count > 3 && removing.contains(String($0.dropFirst()))
        }
        let drops = zip(operands, operands.dropFirst()).contains {
            ["database", "db", "nuget"].contains($0) && ["drop", "delete"].contains($1)
        }
        if removes || isTold || drops { return .removes }
        for one in named {
            // Behind a bracket stand values: `release[origin]`.
            let releases = one.isFirst && one.task.prefix { $0 != "[" }.split(separator: ":").contains("release")
            if program != "dotnet", says("task-publishes", one.names) || releases { return .network }
            // A task that acts is for this machine unless it is told where else.
            let acts = one.names.contains { orders($0) || $0 == "migrate" }
            if one.isNamed, acts, says("production", one.names + words) { return .managed }
        }
        let isCompound = words.contains { word in
            let task = (word.split(separator: ":").last ?? "").drop { $0 == "-" }
            return ["publish", "upload", "+publish", "bintray"].contains(where: task.hasPrefix)
                && !word.hasSuffix("Local") && word.contains { $0.isUppercase }
        }
        let sends = words.contains { ["--upload", "--push", "--publish"].contains($0) }
        return isCompound || sends || ["push", "publish", "upload"].contains(operands.dropFirst().first)
            ? .network : nil
    }

    private static func orders(_ word: String) -> Bool {
        ShellWords.contains(word, in: "acting") || removing.contains(word)
    }

    /// Options before a text for a program's own prompt.
    private static let promptOptions: Set<String> = ["-c", "-e", "-x", "-q", "-Q", "-rx", "--command", "--execute"]

    /// Returns whether words order something of a program that nobody knows: a verb, alone or behind a noun
    /// (`vm.destroy`, `incident:resolve`), an option with a verb's name, or a text for the program's prompt.
    static func acts(_ words: [String]) -> Bool {
        func orders(_ part: Substring) -> Bool { ([part.lowercased()] + humps(part)).contains(where: Self.orders) }
        return words.indices.contains { index in
            let word = words[index]
            if index > 0, promptOptions.contains(words[index - 1]) {
                return word.split { !$0.isLetter }.contains(where: orders)
            }
            if ClientVerbs.isStatement(word) { return true }
            guard !word.contains(where: { "/= ".contains($0) }) else { return false }
            // A verb may stand behind its object, or as the name of a script: `vm.destroy`, `drop.sql`.
            let parts = word.drop { $0 == "-" }.split { ":-_".contains($0) }
            if word.hasPrefix("-") { return word.hasPrefix("--") && parts.count == 1 && parts.contains(where: orders) }
            return parts.contains { part in
                let names = part.split(separator: ".")
                return names.last.map(orders) == true || names.count > 1 && removing.contains(names[0].lowercased())
            }
        }
    }

    /// Returns the rule for a program's verb, its own name, or an option with a verb's name; `nil` if none of them
    /// tells.
    static func rule(_ program: String, _ words: [String]) -> ShellRule? {
        if words.contains(where: { ["--help", "-h", "--dry-run", "--version", "help"].contains($0) }) { return nil }
        if ShellPrograms.verbless.contains(program) { return rule(ofTasks: words, of: program) }
        let leading = words.prefix { !$0.hasPrefix("-") }.prefix(3)
        let verbs = withoutThings(Array(leading.isEmpty ? ShellPrograms.verbs(words).prefix(3)[...] : leading[...]))
        let parts = verbs.flatMap { verb -> [String] in
            guard verb.allSatisfy({ $0.isLetter || "-_:".contains($0) }) else { return [] }
            return verb.split { "-_:".contains($0) }.flatMap { part in [part.lowercased()] + humps(part) }
        }
        let options = words.filter { $0.hasPrefix("-") && $0.utf8.count > 3 }.map {
            $0.drop { $0 == "-" }.prefix { $0 != "=" }.lowercased()
        }
        let own = program.split { "-_.".contains($0) }.flatMap { [$0.lowercased()] + humps($0) }
        func removes(_ word: String) -> Bool {
            removing.contains(word) || removingStarts.contains(where: word.hasPrefix) || endsRemoving(word)
        }
        func endsRemoving(_ word: String) -> Bool {
            word.utf8.count > 3 && !word.hasSuffix("model") && removingEnds.contains(where: word.hasSuffix)
        }
        let isRemoval =
            parts.contains(where: removes) || own.contains { removing.contains($0) || endsRemoving($0) }
            || options.contains { option in
                // `--remove-comments` says how something is generated; `--delete-disk` what is removed.
                removing.contains(option) || option.hasSuffix("-all") && removes(String(option.dropLast(4)))
                    || removingStarts.contains { $0 != "remove" && option.hasPrefix($0 + "-") }
                        && !option.hasSuffix("outputs")
            }
        if isRemoval { return .removes }
        let sends =
            program.hasSuffix("-release") || own.contains { ["deploy", "publish", "upload", "submit"].contains($0) }
            || own.first.map(sending.contains) == true
            || own.contains("release") && own.contains { ["prod", "production"].contains($0) }
            || parts.contains { part in sending.contains(part) || sendingStarts.contains(where: part.hasPrefix) }
            // A copy to an address.
            || parts.first.map { ["backup", "replicate", "mirror"].contains($0) } == true
                && words.contains { $0.contains("://") && !$0.hasPrefix("file:") }
            || parts.first.map { ["copy", "cp", "sync"].contains($0) } == true
                && words.last.map { $0.contains("://") && !$0.hasPrefix("file:") } == true
            || options.contains { $0.split(separator: "-").first.map { sendingOptions.contains(String($0)) } == true }
        // Data is sent to an address of a kind that isn't for reading.
        let operands = words.filter { !$0.hasPrefix("-") }.drop { ShellWords.contains($0, in: "looking-words") }
        let streams = ShellWords.list("stream-schemes")
        if let last = operands.last, operands.count > 1, streams.contains(where: last.hasPrefix) { return .network }
        // Behind this option stands where it comes from, so the last word is where it goes.
        if words.contains("-i"), let last = words.last, last.contains("://"), !last.hasPrefix("file:"),
            words.dropLast().last?.hasPrefix("-") == false
        {
            return .network
        }
        // A store elsewhere that an option names.
        let isStored = words.contains { word in streams.contains(where: word.hasPrefix) }
        if isStored, parts.contains(where: ["backup", "create", "copy", "push", "sync"].contains) { return .network }
        if sends || words.contains(where: { $0.contains("push=true") }) { return .network }
        return options.contains("disable") && !ShellPrograms.makers.contains(program) ? .rights : nil
    }
}

extension ShellJudge {
    /// Judges what the options of a program outside the tables start, load or write.
    func options(_ call: ShellScript.Command, _ depth: Int) -> [GuardFinding] {
        let name = call.program
        guard depth < Self.deepest, !ShellPrograms.readers.contains(name), !ShellPrograms.wrappers.contains(name),
            !ShellPrograms.shells.contains(name), !Self.isInterpreter(name),
            !["git", "ssh", "find", "fd"].contains(name)
        else { return [] }
        // Clients of platforms have words of their own for files and places.
        let isClient = ClientVerbs.isClient(name)
        let row = CarriedText.table[name]
        let words = Array(call.arguments)
        var found = opensUnguarded(words.map(\.value)) ? [finding(.network, subject: "\(name) without a password")] : []
        for (index, word) in words.enumerated() {
            let option = word.value.prefix { $0 != "=" }
            guard word.value.hasPrefix("-") else {
                // A filter or setting may name a library: `ladspa=file=/tmp/x.so`.
                if option.count < word.value.count, !isClient {
                    found += judge(word, as: .library, by: "", of: call, depth)
                }
                continue
            }
            if !isClient, let place = Self.emptied(word.value, words[(index + 1)...]), !isMadeAgain(place) {
                found.append(finding(.removes, subject: "\(name) \(word.value)"))
            }
            // Options for a program that it starts: `-DargLine="-javaagent:x.jar"`.
            for inner in word.value.dropFirst(option.count + 1).split(separator: " ")
            where inner.hasPrefix("-") && Self.loads(inner) && inner.contains(where: { "=:".contains($0) }) {
                found.append(finding(.loader, subject: "\(name) \(word.value)"))
            }
            if ["shell-escape", "enable-write18"].contains(option.drop { $0 == "-" }) {
                found.append(finding(.dynamic, subject: "\(name) \(word.value)"))
            }
            guard row?.options[String(option)] == nil,
                let meaning = meaning(of: option, before: words[(index + 1)...], in: name),
                !isClient || meaning == .command || meaning == .library
            else { continue }
            var value = ShellScript.Word(String(word.value.dropFirst(option.count + 1)), isFixed: word.isFixed)
            if option.count == word.value.count {
                guard index + 1 < words.count, !words[index + 1].value.hasPrefix("-") || meaning == .listener else {
                    continue
                }
                value = words[index + 1]
            }
            // The words of such a program are another setting.
            if option.hasSuffix("exec.executable"),
                let more = words.first(where: { $0.value.hasPrefix("-Dexec.args=") })
            {
                value.value += " " + more.value.dropFirst(12)
            }
            found += judge(value, as: meaning, by: option, of: call, depth)
        }
        return found
    }

    /// Returns whether a server is opened to the network with an empty password: `--ip=0.0.0.0 --token=''`.
    private func opensUnguarded(_ words: [String]) -> Bool {
        let isOpen = words.contains { word in
            ["0.0.0.0", "::", "*"].contains { word == $0 || word.hasSuffix("=" + $0) || word.hasPrefix($0 + ":") }
        }
        return isOpen
            && zip(words, words.dropFirst() + ["-"]).contains { word, next in
                let option = word.prefix { $0 != "=" }
                let value = LongOption.value(in: word) ?? next
                let part = option.split { "-_.".contains($0) }.last?.lowercased() ?? ""
                return word.hasPrefix("--") && ["token", "password", "auth", "secret", "passwd"].contains(part)
                    && ["", "none", "\"\"", "''"].contains(value)
            }
    }

    /// Returns the folder that an option makes a program empty before it writes there.
    private static func emptied(_ option: String, _ rest: ArraySlice<ShellScript.Word>) -> ShellScript.Word? {
        let name = option.prefix { $0 != "=" }
        guard ShellWords.contains(String(name), in: "option-empties") else { return nil }
        return LongOption.value(in: option).map { ShellScript.Word($0) } ?? rest.first
    }

    /// Returns the setting among a command's words that names a program by its path: `SHELL=./x`, `--config
    /// 'runner="./x"'`.
    func setsProgram(_ call: ShellScript.Command) -> String? {
        let name = call.program
        guard !ShellPrograms.readers.contains(name), !ShellPrograms.wrappers.contains(name),
            !ShellPrograms.shells.contains(name), !Self.isInterpreter(name), name != "git"
        else { return nil }
        return call.arguments.map(\.value).first { setsProgram($0, of: name) }
    }

    private func setsProgram(_ word: String, of program: String) -> Bool {
        // Such a place carries options of its own: `:sftp,ssh="sh -c x":`.
        if word.hasPrefix(":"),
            word.split(separator: ",").dropFirst().contains(where: { part in
                let name = part.prefix { $0 != "=" }
                return name.count < part.count
                    && (WordMeaning.value(of: "--" + name) == .command
                        || ShellPrograms.programVariables.contains(name.uppercased()))
            })
        {
            return true
        }
        let parts = word.split(separator: "=").map { $0.filter { !"\"' ".contains($0) } }
        return zip(parts, parts.dropFirst()).enumerated().contains { index, setting in
            let name = setting.0.drop { $0 == "-" }
            if ShellPrograms.loaders.contains(String(name)) { return true }
            let isKnown =
                WordMeaning.value(of: "--" + name) == .command
                || ShellPrograms.programVariables.contains(name.split(separator: "_").last.map(String.init) ?? "")
            return isKnown && namesProgram(setting.1) && !(index == 0 && Self.starts(program, by: setting.0))
        }
    }

    /// Returns whether an option says what a program starts by trade: `nodemon --exec ./dev.sh`.
    private static func starts(_ program: String, by option: some StringProtocol) -> Bool {
        option.hasPrefix("-") && ShellPrograms.starters.contains(program)
            && ["-x", "exec", "cmd", "command", "run", "preview"].contains(where: option.hasSuffix)
    }

    /// Returns the meaning of an option's value by the option's name, or else by the value.
    private func meaning(
        of option: Substring, before rest: ArraySlice<ShellScript.Word>, in program: String
    ) -> WordMeaning.Value? {
        if let meaning = WordMeaning.value(of: option) { return meaning }
        guard let next = rest.first?.value, !ShellWords.contains(program, in: "linkers"),
            !ShellPrograms.privileged.contains(program),
            next.contains("/"), [".so", ".dylib"].contains(where: next.hasSuffix)
        else { return nil }
        return .library
    }

    private func judge(
        _ value: ShellScript.Word, as meaning: WordMeaning.Value, by option: Substring, of call: ShellScript.Command,
        _ depth: Int
    ) -> [GuardFinding] {
        let text = value.value
        switch meaning {
        // The bare name of a shell only says for which shell something is generated.
        case .command:
            let names = namesProgram(text) && !Self.starts(call.program, by: option)
            return (ShellPrograms.shells.contains(text) ? [] : handed(value, depth))
                + (names ? [finding(.loader, subject: "\(call.program) \(text)")] : [])
        case .script:
            guard text.contains(where: { "();{}\"'`!$".contains($0) }) else { return [] }
            let asks = context.asksInterpreters ? [finding(.interpreter, subject: "\(call.program) \(text)")] : []
            return findings(inScript: text, of: call.program, depth) + asks
        case .library:
            let isLibrary = [".so", ".dll", ".dylib"].contains { text.hasSuffix($0) || text.contains($0 + "=") }
            return isLibrary ? [finding(.loader, subject: text)] : []
        case .output:
            let isElsewhere =
                (option.hasPrefix("--") || option == "-o") && text.contains("://")
                && !["file:", "http://localhost", "http://127."].contains(where: text.hasPrefix)
            return isSystem(text)
                ? [finding(.device, subject: text)] : isElsewhere ? [finding(.network, subject: text)] : []
        case .listener: return Self.isHere(text) ? [] : [finding(.network, subject: "\(call.program) \(text)")]
        }
    }

    /// Judges a text that another program passes to a shell or starts. On a host, the commands given to a shell or
    /// program opened there can't be seen any more.
    func handed(_ word: ShellScript.Word, _ depth: Int) -> [GuardFinding] {
        guard depth < Self.deepest else { return [finding(.unreadable, subject: word.value)] }
        let isHost = context.asksInterpreters
        var found = findings(in: word.value, depth: depth + 1).filter { finding in
            Self.matters(finding) || isHost && finding.rule == ShellRule.unknown.rawValue
        }
        // The arguments that the program appends aren't known.
        if let script = try? ShellScript.parse(word.value, as: .whole),
            script.commands.contains(where: { removesEach($0, depth) })
        {
            found.append(finding(.removes, subject: word.value))
        }
        guard context.asksInterpreters, opens(word.value) else { return found }
        return found + [finding(.interpreter, subject: word.value)]
    }

    private func opens(_ text: String) -> Bool {
        guard let script = try? ShellScript.parse(text, as: .whole) else { return false }
        return script.commands.contains { call in
            let name = call.program
            let isWrapper = ShellPrograms.wrappers.contains(name)
            let names = isWrapper ? call.words.map { ShellMemory.name($0.value) } : [name]
            if names.contains(where: { ShellPrograms.shells.contains($0) || Self.isInterpreter($0) }) { return true }
            return call.name.contains("/") && !ShellPrograms.readers.contains(name)
                && !ShellPrograms.carriers.contains(name)
        }
    }
}
