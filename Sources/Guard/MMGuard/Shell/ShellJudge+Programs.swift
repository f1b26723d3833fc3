internal import MMCore
import ShellSyntax

/// The judging of one program by its name and words. Each check adds its findings and removes none: the verdict joins
/// them, and the strictest decides.
extension ShellJudge {
    func judge(named call: ShellScript.Command, _ depth: Int) -> [GuardFinding] {
        // A file that is run by its path may have any name.
        let isLocal = call.name.contains("/") && !Self.isInstalled(call.name)
        let isOfArchive =
            isLocal && record.memory.hasFetchedArchive
            && ["install", "setup", ".sh"].contains(where: ShellMemory.name(call.name).contains)
        let found =
            (isLocal ? one(isOfArchive ? .fed : .writes, call) : []) + common(call, depth)
            + withoutWalls(kind(call, depth) ?? unknown(call, depth), call, depth)
        return context.isWalledOff ? withoutNetwork(found, call) : found
    }

    /// Adapts findings in a session without a network, where a client can't do what it is told to do elsewhere. What a
    /// program also starts or changes here is asked about as anywhere, and so is each command within this one, by its
    /// own program.
    private func withoutNetwork(_ found: [GuardFinding], _ call: ShellScript.Command) -> [GuardFinding] {
        let name = call.program
        let lists: [ShellPrograms] = [.carriers, .mailers, .wrappers, .shells]
        let actsHere = lists.contains { $0.contains(name) } || Self.isInterpreter(name)
        guard !actsHere, !ShellWords.contains(name, in: "acting-here"), !ShellWords.contains(name, in: "client-copiers")
        else { return found }
        return found.map { each in
            guard ShellRule(rawValue: each.rule)?.isElsewhere == true, let subject = each.subject,
                subject.split(separator: " ").first.map(String.init) == name
            else { return each }
            return finding(.unreachable, subject: subject)
        }
    }

    /// Judges the command that runs in a container or pod as one on a host, where no folder is this workspace's.
    private func inContainer(_ call: ShellScript.Command, _ depth: Int) -> [GuardFinding] {
        guard depth < Self.deepest, let inside = executed(by: call) else { return [] }
        let rules = Set(elsewhere.judge(inside, depth + 1).map(\.rule))
        if rules.contains(ShellRule.removes.rawValue) { return one(.removes, call) }
        // Containers of this machine are made again from their images, pods may be anybody's.
        guard ["kubectl", "oc"].contains(call.program) else { return [] }
        // A shell that is opened there runs nothing yet.
        let opens = inside.words.count == 1 && ShellPrograms.shells.contains(inside.program)
        let isOpen = rules.isDisjoint(with: [ShellRule.unknown, .interpreter].map(\.rawValue))
        return isOpen || opens ? [] : one(.managed, call)
    }

    private func one(_ rule: ShellRule, _ call: ShellScript.Command) -> [GuardFinding] {
        [finding(rule, subject: ([call.program] + call.arguments.prefix(3).map(\.value)).joined(separator: " "))]
    }

    /// Makes the checks that apply to every program.
    private func common(_ call: ShellScript.Command, _ depth: Int) -> [GuardFinding] {
        let name = call.program
        var found: [GuardFinding] = []
        // `script` also writes the session to a file.
        if name == "script", !call.arguments.isEmpty { found += one(.writes, call) }
        let isLook = context.asksInterpreters && ShellLooks.row(name) != nil && looks(byTable: call)
        if !isLook, changesSystem(call) { found += one(.device, call) }
        if tellsOutside(call) || feedsConnection(call) { found += one(.network, call) }
        if actsOnProduction(call) { found += one(.managed, call) }
        found += inContainer(call, depth)
        found += readsWritten(call, depth)
        // Such a file holds orders for the program that reads the picture.
        if let coder = ShellWords.list("image-coders").first(where: { start in
            call.arguments.contains { $0.value.hasPrefix(start) }
        }) {
            found += one(coder == "ephemeral:" ? .removes : .dynamic, call)
        }
        if let place = bringsOver(call) { found.append(finding(.device, subject: place)) }
        if let inside = client(within: call), depth < Self.deepest {
            found += judge(inside, depth + 1).filter(Self.weighs)
        }
        if context.hasWalls, ShellPrograms.makers.contains(name), WordMeaning.ordersChange(call.arguments.map(\.value)),
            call.arguments.contains(where: { Self.isDatabase(elsewhere: $0.value) })
        {
            found += one(.managed, call)
        }
        if !isLook, !onlyFetches(call), let place = namedPlace(of: call), Self.writesPlaces(name) {
            found.append(finding(.device, subject: place))
        }
        if let written = runsWritten(call, depth) { found += written }
        if let row = CarriedText.table[name], !Self.isInterpreter(name) { found += carried(call, row, depth) }
        if ShellPrograms.starters.contains(name) { found += started(among: call, depth) }
        if let text = call.document, ClientVerbs.readsLines(name) {
            for line in text.split(whereSeparator: \.isNewline) {
                let typed = line.split(separator: " ").map(String.init)
                if let rule = ClientVerbs.rule(name, typed, looks: self.looks(name, typed)) {
                    found += [finding(rule, subject: "\(name): \(line)")]
                }
            }
        }
        if let text = call.document,
            call.arguments.prefix(3).contains(where: { ShellWords.contains($0.value, in: "consoles") })
        {
            let language = ["rails": "ruby", "php": "php"][name] ?? "python"
            found +=
                carried(ShellScript.Word(text), .statements, program: name, depth)
                + findings(inScript: text, of: language, depth).filter(Self.weighs)
        }
        if let setting = setsProgram(call) { found.append(finding(.loader, subject: "\(name) \(setting)")) }
        return found + (isLook ? [] : options(call, depth))
    }

    /// Judges a program that is known by its name; `nil` for an unknown one.
    func kind(_ call: ShellScript.Command, _ depth: Int) -> [GuardFinding]? {
        let name = call.program
        let words = call.arguments.map(\.value)
        // Its input is a script.
        if name == "uv", words.first == "run", words.last == "-", call.readsPipe, call.document == nil {
            return one(.fed, call)
        }
        if let started = starts(call, depth) { return started }
        let isContainer = Self.isContainerClient(name)
        if Self.asksHelp(call) || (isContainer || Self.actsByTrade(name)) && looks(byTable: call) {
            return one(.reads, call)
        }
        if managesPackages(call) { return one(.writes, call) }
        if ShellPrograms.wrappers.contains(name) {
            let inside = inner(of: call, depth)
            // Other rights, or another process's view of the machine, only to look.
            let isPlain =
                ["sudo", "doas"].contains(name)
                ? context.asksInterpreters && Self.isPlainSwitch(words)
                : ShellWords.contains(name, in: "namespace-wrappers") && !inside.isEmpty
            if isPlain, inside.allSatisfy({ $0.classes == .read }) { return inside }
            return (ShellPrograms.privileged.contains(name) ? one(.rights, call) : []) + inside
        }
        if ShellPrograms.shells.contains(name) { return shell(call, depth) }
        if let rule = ClientVerbs.rule(name, words, looks: looks(byTable: call)) {
            // For other clients the same letters mean something else: `npm publish -b localhost`.
            let isHere =
                context.hasWalls
                && (ShellWords.contains(name, in: "message-clients") && Self.staysHere(words)
                    || Self.emulates(words, rule))
                || rule == .network && brings(call)
            let isMadeAgain = isContainer && context.hasWalls && rule == .removes && Self.removesMadeAgain(call)
            let isElsewhere = rule == .writes && changesElsewhere(call) && !brings(call)
            return one(isHere || isMadeAgain ? .writes : isElsewhere ? .managed : rule, call)
        }
        if ShellWords.contains(name, in: "migrators"), changesElsewhere(call) || migratesShared(call) {
            return one(.managed, call)
        }
        if Self.isInterpreter(name) { return interpreter(call, depth) }
        return builtin(call, depth) ?? tool(call, depth) ?? listed(call)
    }

    /// Returns whether a client changes something on another machine, as far as it isn't known to look there, or only
    /// to fetch something.
    private func changesElsewhere(_ call: ShellScript.Command) -> Bool {
        context.hasWalls && Self.isElsewhere(call) && !looks(byTable: call)
            && !ShellWords.contains(call.program, in: "client-copiers")
            && !ShellPrograms.verbs(call.arguments.map(\.value)).prefix(2).contains {
                ShellWords.contains($0, in: "fetching-verbs")
            }
    }

    /// Returns whether a client is told to talk to a stand-in on this machine, or to a cluster that runs here for
    /// tests: `--endpoint-url http://localhost:4566`, `--context kind-dev`. What only such a stand-in holds may go.
    private static func emulates(_ words: [String], _ rule: ShellRule) -> Bool {
        guard [.managed, .network, .rights, .removes].contains(rule) else { return false }
        let places = values(ofOptions: "endpoint-options", words)
        if !places.isEmpty { return places.allSatisfy(isHere) }
        let clusters = values(ofOptions: "cluster-options", words)
        return !clusters.isEmpty && clusters.allSatisfy { ShellWords.contains($0, in: "own-clusters") }
            && !words.contains(where: isAddress)
    }

    /// Returns whether a word is the address of a database on another machine.
    private static func isDatabase(elsewhere word: String) -> Bool {
        let address = word.hasPrefix("-") ? String(word.drop { $0 != "=" }.dropFirst()) : word
        return isAddress(address)
            && ShellWords.contains(
                String(address.prefix { $0 != ":" && $0 != "+" }).lowercased(), in: "database-schemes")
    }

    /// Returns whether a program within walls changes a database that only the project's settings name, and that others
    /// may use. Programs of a framework work on the developer's own one, unless they are told another.
    private func migratesShared(_ call: ShellScript.Command) -> Bool {
        guard context.hasWalls, ShellWords.contains(call.program, in: "shared-migrators") else { return false }
        let words = call.arguments.map(\.value)
        return words.contains { word in
            !word.hasPrefix("-")
                && word.split(separator: "-").first.map { ShellWords.contains(String($0), in: "migrating-verbs") }
                    == true
        }
            && !(call.assignments.map(\.value) + words).contains { word in
                Self.isHere(word) || Self.says("test-databases", word)
            }
    }

    /// Returns whether a client in the sandbox sends its data only to this machine.
    func staysOnMachine(_ words: [String]) -> Bool {
        let addresses = words.filter { word in
            word.contains("://") || Self.isPort(word)
                || ["localhost", "127.0.0.1", "[::1]"].contains(where: word.hasPrefix)
        }
        return context.hasWalls && !addresses.isEmpty
            && addresses.allSatisfy { !$0.contains("@") && (Self.isPort($0) || Self.isHere($0)) }
            && !words.contains {
                ["--next", "-K", "-x"].contains($0)
                    || ["--proxy", "--config", "--resolve", "--connect-to"].contains(where: $0.hasPrefix)
            }
    }

    /// Returns whether a word is short for a place on this machine: `:3000/items`, `:/items`.
    private static func isPort(_ word: String) -> Bool {
        word.hasPrefix(":") && word.dropFirst().first.map { $0.isNumber || $0 == "/" } == true
    }

    /// Returns whether a package manager of the system, in the sandbox, installs packages by their names from where its
    /// settings say. A switch of rights before it gives none there.
    private func managesPackages(_ call: ShellScript.Command) -> Bool {
        var words = call.words.map(\.value)[...]
        if ["sudo", "doas"].contains(call.program) {
            guard Self.isPlainSwitch(Array(words.dropFirst())) else { return false }
            words = words.dropFirst().drop { $0.hasPrefix("-") }
        }
        guard context.hasWalls, let manager = words.popFirst().map(ShellMemory.name) else { return false }
        let verbs: Set = ["install", "update", "upgrade", "add", "reinstall", "tap", "bundle"]
        return ShellPrograms.software.contains(manager)
            && words.first { !$0.hasPrefix("-") }.map(verbs.contains) == true
            && words.allSatisfy { word in
                word.hasPrefix("-")
                    ? ShellWords.contains(word, in: "software-manners")
                    : !word.contains(":") && !["/", ".", "~", "$", "`"].contains(where: word.hasPrefix)
                        && ![".deb", ".rpm", ".apk", ".rb", ".whl"].contains(where: word.hasSuffix)
            }
    }

    /// Returns whether other rights are used for only one command, in its usual environment.
    private static func isPlainSwitch(_ words: [String]) -> Bool {
        var rest = words[...]
        while let word = rest.first, word.hasPrefix("-") {
            guard ["-n", "-u", "-g", "-H", "-nH", "-nu", "-Hu"].contains(word) else { return false }
            rest = rest.dropFirst(word.hasSuffix("u") || word == "-g" ? 2 : 1)
        }
        guard let program = rest.first.map({ ShellMemory.name($0) }) else { return false }
        return !program.contains("=") && !ShellPrograms.shells.contains(program)
            && (!ShellPrograms.wrappers.contains(program)
                || program != "env" && ShellWords.contains(program, in: "plain-wrappers"))
    }

    /// Judges the shell's own commands.
    private func builtin(_ call: ShellScript.Command, _ depth: Int) -> [GuardFinding]? {
        let words = call.arguments.map(\.value)
        switch call.program {
        case "source", ".":
            // These only name the system's release.
            if words.count == 1, ["/etc/os-release", "/usr/lib/os-release", "/etc/lsb-release"].contains(words[0]) {
                return one(.reads, call)
            }
            guard let file = call.arguments.first, let input = call.input(named: file) else {
                return one(.writes, call)
            }
            return commands(from: input, by: call, depth)
        case _ where Self.declaring.contains(call.program) || Self.filling.contains(call.program):
            let found = (hiddenCommands(of: call, depth) ?? []) + sets(call, depth)
            return found.isEmpty ? one(.reads, call) : found
        case _ where Self.variable(namedBy: call.program, call.arguments) != nil:
            return (hiddenCommands(of: call, depth) ?? []) + sets(call, depth) + one(.reads, call)
        case "set", "test", "[", "[[", "let", "hash", "unset", "compgen", "complete", "jobs", "enable", "bind", "fc":
            return hiddenCommands(of: call, depth)
        case "eval", "trap", "su", "ssh": return texts(of: call, depth) + (listed(call) ?? one(.writes, call))
        case "alias":
            let sets = words.contains { $0.contains("=") }
            return texts(of: call, depth) + one(sets ? .writes : .reads, call)
        case "kill":
            let isWide = words.dropFirst().contains { $0 == "-1" || $0 == "1" } || words == ["-1"] || words == ["1"]
            return one(isWide ? .removes : .writes, call)
        default: return nil
        }
    }

    /// Judges programs whose words need rules of their own.
    private func tool(_ call: ShellScript.Command, _ depth: Int) -> [GuardFinding]? {
        let name = call.program
        let words = call.arguments.map(\.value)
        switch name {
        case "device": return equipment(call, depth)
        case "openssl": return openssl(call)
        case "tar", "bsdtar", "gtar": return Self.tar(call)?.isElsewhere == true ? one(.network, call) : nil
        // tmux runs the command in such a format.
        case "tmux" where words.contains { $0.contains("#(") }: return one(.dynamic, call)
        case "go", "dotnet", "swift", "cargo", "nix", "nextflow": return builder(call)
        case "rails" where ["runner", "r"].contains(words.first):
            return one(.writes, call) + words.dropFirst().flatMap { findings(inScript: $0, of: "ruby", depth) }
        case _ where ShellWords.contains(name, in: "package-managers"): return packages(call)
        case _ where context.hasWalls && ShellWords.contains(name, in: "load-makers"):
            return loadsOthers(words) ? one(.network, call) : nil
        case "xdg-open", "open":
            return words.contains { $0.hasPrefix("mailto:") || $0.contains("://") && !$0.hasPrefix("file:") }
                ? one(.network, call) : nil
        case "make", "gmake", "ninja": return installs(words) ? one(.software, call) : nil
        case "rimraf", "del-cli": return one(call.arguments.allSatisfy(isMadeAgain) ? .writes : .removes, call)
        case "rm", "unlink", "rmdir": return one(removes(call) ? .removes : .writes, call)
        case "find", "fd": return search(call, depth)
        case "git":
            let starts =
                Self.runsPrograms(git: words) || mayHaveForeignSettings(git: call) ? one(.dynamic, call) : []
            return git(call, depth) + starts + one(Self.git(words, hasWalls: context.hasWalls), call)
                + (mayHaveAnyOption(git: call) ? one(.writes, call) : [])
        case "logger":
            let sends = words.contains {
                $0 == "-n" || $0.hasPrefix("--serv") || $0.hasPrefix("-n") && !$0.hasPrefix("-no")
            }
            // As another program, or in the log of sign-ins.
            let isOther = words.contains { ["-p", "-t", "--p", "--t"].contains(where: $0.hasPrefix) }
            return one(sends ? .network : isOther ? .writes : .reads, call)
        case "curl", "wget":
            return one(fetches(call, anywhere: true) || staysOnMachine(words) ? .writes : .network, call)
        case "http", "https", "xh":
            return one(Self.sendsFields(words) && !staysOnMachine(words) ? .network : .writes, call)
        case "rsync": return rsync(call)
        case "dd", "tee", "cp", "mv", "install", "ln", "truncate": return copies(call)
        case "chmod": return one(Self.opensUp(words) ? .rights : Self.shutsOut(words) ? .removes : .writes, call)
        case "java" where words.contains("-jar"): return program(inArchive: call, depth)
        case "cmake" where words.first == "-E" && words.count > 2:
            let goes = ["rm", "remove", "remove_directory"].contains(words[1])
            let files = call.arguments.dropFirst(2).filter { !$0.value.hasPrefix("-") }
            return one(goes && !files.allSatisfy(isMadeAgain) ? .removes : .writes, call)
        case "ip": return one(Self.addresses(markingOptions(of: call)), call)
        case _ where Self.isContainerClient(name):
            return one(Self.reachesOtherEngine(call) ? .managed : Self.containers(words), call)
        case "mm": return own(words) { one($0, call) } + (call.assignments.isEmpty ? [] : one(.ownProgram, call))
        case "mm-mcp", "mm-sandbox": return one(.ownProgram, call)
        default: return nil
        }
    }

    /// Judges openssl: whether it shows a key or replaces the file that it reads.
    private func openssl(_ call: ShellScript.Command) -> [GuardFinding]? {
        let words = call.arguments.map(\.value)
        if ["asn1parse", "storeutl"].contains(words.first), words.contains(where: Self.isSettings) {
            return one(.secrets, call)
        }
        if ["rsa", "pkey", "ec", "dsa", "pkcs8"].contains(words.first), !words.contains("-pubin") {
            let isShown = words.contains("-text") || !["-noout", "-out", "-pubout"].contains(where: words.contains)
            return isShown ? one(.secrets, call) : nil
        }
        let source = Self.value(of: "-in", words)
        return source != nil && source == Self.value(of: "-out", words) ? one(.removes, call) : nil
    }

    /// Judges a program that builds projects, which may also install or run what it builds.
    private func builder(_ call: ShellScript.Command) -> [GuardFinding]? {
        let name = call.program
        let words = call.arguments.map(\.value)
        if name == "go" {
            let namesModule = words.contains { $0.contains("@") && !$0.hasPrefix("-") }
            // What is installed stays, beside the project; within walls it stays in the workspace.
            if !context.hasWalls, words.first == "install", namesModule { return one(.software, call) }
            // The code that it runs comes from an address.
            if words.first == "run" && namesModule || Self.replacesModule(words) { return one(.fed, call) }
        }
        if name == "cargo", words.first == "clean" {
            let place =
                Self.value(of: "--target-dir", words)
                ?? words.first { $0.hasPrefix("--target-dir=") }.map { String($0.dropFirst(13)) }
            return place.map { one(isMadeAgain(ShellScript.Word($0)) ? .writes : .removes, call) }
        }
        if ["nix", "nextflow"].contains(name), Self.runsForeign(name, words) { return one(.fed, call) }
        return words.first == "run" ? one(.writes, call) + named(by: call) : nil
    }

    /// Returns whether a program that is made to load or search other machines does so.
    private func loadsOthers(_ words: [String]) -> Bool {
        let isHere = words.contains { word in ["localhost", "127.0.0.1", "[::1]"].contains(where: word.contains) }
        // A script or collection says itself what it loads.
        let runsFile = words.contains { word in
            [".js", ".ts", ".py", ".yml", ".yaml", ".json", ".jmx"].contains(where: word.hasSuffix)
        }
        let isTold = words.contains { $0.contains("://") || $0 == "cloud" }
        return !isHere && !words.allSatisfy { $0.hasPrefix("-") } && (isTold || !runsFile)
    }

    /// Returns whether a build installs on the machine itself, which walls keep as it is.
    private func installs(_ words: [String]) -> Bool {
        let isKept = words.contains { word in ["DESTDIR=", "PREFIX="].contains { word.uppercased().contains($0) } }
        let isTold = words.contains { ["-n", "--dry-run", "--just-print"].contains($0) }
        return words.first { !$0.hasPrefix("-") } == "install" && !context.hasWalls && !isKept && !isTold
    }

    /// Judges rsync: whether files leave the machine, and whether some are removed.
    private func rsync(_ call: ShellScript.Command) -> [GuardFinding] {
        let words = call.arguments.map(\.value)
        let leaves = words.contains { $0.contains(":") && !$0.hasPrefix("-") } && !brings(call)
        // The option for what was sent has two names: `--remove-source-files` and `--remove-sent-files`.
        let removesSent = words.contains { $0.hasPrefix("--remove-s") }
        // A trial only shows what it would do.
        let options = OptionValue.without(words) { ShellWords.contains($0, in: "rsync-valued") }
        let isTrial = options.contains { word in
            // Other letters take the rest of the word as their value.
            word == "--dry-run"
                || word.hasPrefix("-") && word.dropFirst().contains("n")
                    && word.dropFirst().allSatisfy { $0.isLetter && !"eBTfM".contains($0) }
        }
        if isTrial, !leaves, !words.contains(where: { $0.hasPrefix("--rs") || $0 == "-e" || $0 == "--daemon" }) {
            return one(.reads, call)
        }
        let removesOthers = words.contains { $0.hasPrefix("--del") } && call.arguments.last.map(isMadeAgain) != true
        return one(.writes, call) + (leaves || words.contains("--daemon") ? one(.network, call) : [])
            + (removesSent || removesOthers ? one(.removes, call) : [])
    }

    /// Judges a program in a Java archive by the archive's name.
    private func program(inArchive call: ShellScript.Command, _ depth: Int) -> [GuardFinding]? {
        guard let jar = call.words.firstIndex(where: { $0.value.hasSuffix(".jar") }), depth < Self.deepest,
            var inside = call.inner(from: jar)
        else { return nil }
        inside.words[0].value = String(ShellMemory.name(inside.name).dropLast(4))
        return one(WordMeaning.acts(inside.arguments.map(\.value)) ? .managed : .writes, call)
            + judge(inside, depth + 1).filter(Self.weighs)
    }

    /// Judges a manager of a project's packages: where packages and their scripts come from.
    private func packages(_ call: ShellScript.Command) -> [GuardFinding]? {
        let name = call.program
        let words = call.arguments.map(\.value)
        let setsScript =
            words.first == "set-script" || words.contains("set") && words.contains { $0.hasPrefix("scripts") }
        if setsScript { return one(.loader, call) }
        // Such a manager may have a noun before the verb: `plugin add`.
        let installs = words.prefix(2).contains { ["install", "i", "add", "download"].contains($0) }
        if installs,
            words.contains(where: { ClientVerbs.isForeignSource($0) || ["--git", "--source"].contains($0) })
        {
            return one(.software, call)
        }
        return Self.runsForeign(name, words)
            ? one(.fed, call) : Self.setsSource(words) ? one(.software, call) : nil
    }

    /// Judges a program that copies, moves or fills files: whether data is lost, and whether a place of the machine
    /// changes.
    private func copies(_ call: ShellScript.Command) -> [GuardFinding] {
        let name = call.program
        let words = call.arguments.map(\.value)
        // Copying from a system folder doesn't change it, but moving removes the file there.
        let folders = Self.targetFolders(words)
        let targets = ["tee", "dd", "truncate", "mv"].contains(name) ? words + folders : words.suffix(1) + folders
        let reaches = targets.contains {
            isOfMachine($0.hasPrefix("of=") ? String($0.dropFirst(3)) : $0) && !$0.hasPrefix("if=")
        }
        let mode = name == "install" ? Self.mode(in: words) : nil
        // Data is lost if this word, the source or for `mv` the target, is `/dev/null` or the like.
        let nothing =
            name == "mv"
            ? words.last
            : name == "install"
                ? words.dropLast().first { $0 == "/dev/null" }
                : ["cp", "ln"].contains(name) ? words.first { !$0.hasPrefix("-") } : nil
        let isGone =
            name == "dd" && words.contains("if=/dev/null")
            || ["/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"].contains(nothing)
        let empties =
            name == "truncate"
            && !call.arguments.allSatisfy {
                $0.value.first.map { "-0123456789".contains($0) } == true || isMadeAgain($0)
                    || $0.value.contains(".") && !Self.isData($0.value)
            }
        // In the sandbox, that folder is removed with the session.
        let place = folders.first ?? words.last ?? ""
        let isLost =
            name == "mv" && context.hasWalls && Self.isPassing(place)
            && !call.arguments.allSatisfy {
                $0.value.hasPrefix("-") || $0.value == place || isScratch($0) || isMadeAgain($0)
            }
        let overwrites =
            name == "dd" && words.contains { $0.hasPrefix("if=/dev/") }
            && (words.contains("conv=notrunc") || words.contains { $0.hasPrefix("of=") && Self.isData($0) })
        // One text stands in each of the files afterwards.
        let evens =
            name == "tee"
            && call.arguments.contains { $0.value.contains { "*?[{".contains($0) } && !isMadeAgain($0) }
        return one(empties || isGone || isLost || overwrites || evens ? .removes : .writes, call)
            + (reaches ? one(.device, call) : [])
            + (mode.map { Self.opensUp([$0]) } == true ? one(.rights, call) : [])
    }

    /// Returns whether a file has the extension of data, rather than none or that of an image made for a test.
    private static func isData(_ word: String) -> Bool {
        let name = ShellMemory.name(word)
        guard let dot = name.lastIndex(of: ".") else { return false }
        return !ShellWords.contains(name[name.index(after: dot)...].lowercased(), in: "blank-endings")
    }

    /// Returns whether a path is in a folder for temporary files, which in the sandbox is the session's own.
    static func isPassing(_ word: String) -> Bool {
        ["/tmp", "/var/tmp", "/dev/shm"].contains { (word + "/").hasPrefix($0 + "/") }
    }

    private static func value(of option: String, _ words: [String]) -> String? {
        zip(words, words.dropFirst()).first { $0.0 == option }?.1
    }

    /// Returns the folders that options name as the place of copies: `-t DIR`, `-rtDIR`, `--target=DIR`.
    static func targetFolders(_ words: [String]) -> [String] {
        zip(words, words.dropFirst() + [""]).compactMap { word, next in
            if LongOption.word(word, mayBe: "--target-directory") { return LongOption.value(in: word) ?? next }
            guard word.hasPrefix("-"), !word.hasPrefix("--"), let letter = word.firstIndex(of: "t") else { return nil }
            let rest = word[word.index(after: letter)...]
            return rest.isEmpty ? next : String(rest)
        }
    }

    /// Returns the values of the options in a list, behind them or behind a sign in the same word.
    static func values(ofOptions list: String, _ words: [String]) -> [String] {
        words.indices.compactMap { index in
            let option = words[index].prefix { $0 != "=" }
            guard ShellWords.contains(String(option), in: list) else { return nil }
            return LongOption.value(in: words[index]) ?? words.dropFirst(index + 1).first ?? ""
        }
    }

    /// Returns whether a package runner runs a package from an address rather than a registry.
    private static func runsForeign(_ name: String, _ words: [String]) -> Bool {
        let runs =
            ["npx", "bunx", "uvx"].contains(name) || ["run", "dlx", "exec", "x"].contains(words.first)
            || name == "nix" && ["shell", "develop", "build"].contains(words.first)
        let isForeign = words.filter { !$0.contains("://localhost") && !$0.contains("://127.0.0.1") }.contains { word in
            ["http://", "https://", "git+", "github:", "gitlab:", "git://", "git@"].contains {
                word.hasPrefix($0) || word.contains("@" + $0) || word.contains("=" + $0)
            } && !ShellWords.contains(owner(of: word), in: "known-owners")
        }
        // It takes such a word for a repository.
        let isRepository =
            name == "nextflow"
            && words.dropFirst().first.map { word in
                let parts = word.split(separator: "/", omittingEmptySubsequences: false)
                return parts.count == 2 && !word.contains(".") && !word.hasPrefix("/")
                    && !ShellWords.contains(String(parts[0]), in: "known-owners")
            } == true
        return runs && (isForeign || isRepository)
            && (words.first != "run" || ["pipx", "nix", "nextflow"].contains(name))
    }

    /// Returns the owner of a repository in the short form of its address: `NixOS` for `github:NixOS/nixpkgs#hello`.
    private static func owner(of word: String) -> String {
        guard let start = ["github:", "gitlab:"].first(where: word.hasPrefix) else { return "" }
        return String(word.dropFirst(start.count).prefix { $0 != "/" })
    }

    /// Returns whether Go is told to build a module of another name in place of one that the project named: `go mod
    /// edit
    /// -replace a.example/x=b.example/x@v1`. A folder of this machine may stand in its place.
    private static func replacesModule(_ words: [String]) -> Bool {
        guard words.starts(with: ["mod", "edit"]) else { return false }
        return zip(words, words.dropFirst() + [""]).contains { word, next in
            let option = word.drop { $0 == "-" }
            guard word.hasPrefix("-"), option == "replace" || option.hasPrefix("replace=") else { return false }
            let other = (option == "replace" ? next[...] : option).split(separator: "=").last?.first
            return other.map { !"./".contains($0) } ?? false
        }
    }

    /// Returns whether a package manager permanently changes the source of packages, or the shell that runs their
    /// scripts.
    private static func setsSource(_ words: [String]) -> Bool {
        let isSetting = words.prefix(3).contains { ["config", "set", "source", "sources", "registry"].contains($0) }
        let isAddress = words.contains(where: ClientVerbs.isForeignSource)
        let isTaken = words.contains { word in
            ["--index-url", "--extra-index-url", "--default-index", "--index", "-i"].contains { word.hasPrefix($0) }
        }
        return isSetting && (words.contains { $0.contains("://") } || words.contains { $0.hasPrefix("script-shell") })
            || isTaken && isAddress
    }

    /// Judges the programs in the lists.
    private func listed(_ call: ShellScript.Command) -> [GuardFinding]? {
        let name = call.program
        let words = call.arguments.map(\.value)
        if Self.services.contains(name) {
            // A user's own services run with the user's own rights.
            let lasts = words.contains {
                ["enable", "link", "edit", "set-environment", "import-environment"].contains($0)
            }
            return one(words.contains("--user") ? (lasts ? .loader : .writes) : .rights, call)
        }
        if context.hasWalls, ["pkill", "killall"].contains(name), namesProcesses(words) { return one(.writes, call) }
        if name.hasPrefix("mkfs.") || ShellPrograms.destroyers.contains(name) { return one(.removes, call) }
        if ShellPrograms.privileged.contains(name) { return one(.rights, call) }
        if ShellPrograms.software.contains(name) { return one(.software, call) }
        if ShellPrograms.carriers.contains(name) {
            return one(asksSocket(call) ? .reads : brings(call) ? .writes : .network, call)
        }
        if ShellPrograms.mailers.contains(name) {
            return one(context.hasWalls && Self.staysHere(words) ? .writes : .mail, call)
        }
        guard ShellPrograms.readers.contains(name) else { return nil }
        if name == "getent", words.contains(where: { $0.hasSuffix("shadow") }) { return one(.secrets, call) }
        let rule = looks(call) ?? .reads
        if context.asksInterpreters, rule == .writes, markingOptions(of: call).contains(ShellLooks.anyOption) {
            return [mayBeOptions(([name] + words.prefix(3)).joined(separator: " "))]
        }
        let setsSystem = rule == .writes && ["date", "hostname", "journalctl", "dmesg"].contains(name)
        return one(setsSystem ? .rights : rule, call)
    }

    private static func isContainerClient(_ name: String) -> Bool {
        ["docker", "podman", "nerdctl", "docker-compose", "podman-compose"].contains(name)
    }

    private static let services: Set = ["systemctl", "service", "rc-service", "launchctl"]

    /// Returns whether a program by its name does more than read, so that only the table of looks says which of its
    /// uses don't.
    static func actsByTrade(_ name: String) -> Bool {
        ShellPrograms.privileged.contains(name) || ShellPrograms.software.contains(name)
            || ShellPrograms.destroyers.contains(name) || ShellPrograms.carriers.contains(name)
            || ShellPrograms.mailers.contains(name) || services.contains(name)
    }

    /// Returns whether a program is only asked for its help or version.
    static func asksHelp(_ call: ShellScript.Command) -> Bool {
        let name = call.program
        let words = call.arguments.map(\.value)
        // A variable or a pattern may stand for `--`, behind which no word is an option.
        let mayEndOptions = words.contains("--") || call.arguments.contains { !$0.isLiteral }
        if words == ["--help"] || words == ["--version"] {
            // Others may take it for options of theirs.
            return !ShellPrograms.shells.contains(name) || ["bash", "zsh", "fish"].contains(name)
        }
        // For programs that act, the same letter may be an order: `shutdown -h`.
        if words == ["-h"] || words == ["-?"], ClientVerbs.isClient(name) { return true }
        if words.count == 1, ["version", "help"].contains(words.first) {
            // For some it makes a version.
            if let rule = ClientVerbs.rule(name, words, looks: true), ![.reads, .writes].contains(rule) {
                return false
            }
            return !ShellPrograms.shells.contains(name) && (actsByTrade(name) || ShellPrograms.makers.contains(name))
        }
        // These programs look for the option among all words, also behind those that it doesn't belong to.
        if !mayEndOptions, words.contains("-help"), ShellWords.contains(name, in: "helped-by-dash") { return true }
        // Behind a service and its command, and nothing else: elsewhere `help` is the name of a thing.
        if ShellWords.contains(name, in: "helped-by-word"), words.count == 3, words[2] == "help" {
            return words.allSatisfy { word in
                word.first != "-" && word.allSatisfy { $0.isLetter || $0.isNumber || $0 == "-" }
            }
        }
        guard words.last == "--help" else { return false }
        if !mayEndOptions, ShellWords.contains(name, in: "helped-clients"),
            OptionValue.without(words).last == words.last
        {
            return true
        }
        let isPlain = words.dropLast().allSatisfy { $0.allSatisfy { $0.isLetter || $0.isNumber || "-_".contains($0) } }
        return isPlain && words.count <= 4 && !ShellPrograms.wrappers.contains(name)
            && !ShellPrograms.shells.contains(name) && !isInterpreter(name) && !ShellPrograms.starters.contains(name)
            && words.dropLast().allSatisfy { !$0.hasPrefix("-") }
    }

    /// Returns whether processes to end are named, rather than those of a user, a terminal or all: within walls they
    /// are the session's.
    private func namesProcesses(_ words: [String]) -> Bool {
        let names = words.filter { !$0.hasPrefix("-") }
        let options: Set = ["-f", "-x", "-n", "-o", "-e", "-q", "-i", "-I", "-w", "-v", "-9", "-15", "-2"]
        return names.count == 1 && names[0].count(where: \.isLetter) > 2 && !names[0].contains("$")
            && !ShellWords.contains(names[0], in: "system-processes")
            && words.allSatisfy { word in
                !word.hasPrefix("-") || options.contains(word) && word != "-v"
                    || word.dropFirst().allSatisfy(\.isUppercase) || word.hasPrefix("-SIG")
            }
    }

    /// Judges an unknown program. It runs with the user's rights, as the user's own programs do, but its words may
    /// still say that it starts, removes or sends something.
    private func unknown(_ call: ShellScript.Command, _ depth: Int) -> [GuardFinding] {
        let words = call.arguments.map(\.value)
        if Self.overwrites(call.program, words) {
            return embedded(in: call, depth) + one(.removes, call)
        }
        var rule = WordMeaning.rule(call.program, words) ?? administers(call)
        // What a row says of the package's program is known better.
        if rule == .removes, let place = Self.package(in: call.words.map(\.value)),
            ClientVerbs.rule(
                Self.program(ofPackage: call.words[place.index].value),
                call.words[(place.index + 1)...].map(\.value), looks: false) == .writes
        {
            rule = nil
        }
        return embedded(in: call, depth) + started(among: call, depth, isKnown: false) + takesText(call)
            + named(by: call)
            + one(
                rule ?? (!leavesWorkspace(call) ? .writes : ClientVerbs.isClient(call.program) ? .managed : .stranger),
                call)
    }
}
