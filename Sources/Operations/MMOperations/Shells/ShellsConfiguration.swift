import Glibc
package import MMCore
import MMDesk
package import MMEgress
package import MMGuard
package import MMSessions
package import MMShell
import MMSystem

/// The settings for starting and judging shells. They come from a file that only a person writes; no session or tool
/// changes it.
package struct ShellsConfiguration: Sendable {
    /// The degree to which local shells are confined.
    package enum Confinement: String, Sendable, CaseIterable {
        case `guard`, workspace, isolated, argv
    }

    /// The shell that is started by default: `bash`, `zsh`, `dash`, `ash` or `python`.
    package var shell: String?
    /// The shell of a session for which none is asked.
    var usualShell: String { shell ?? "bash" }
    /// The program of that shell; `nil` to search for it.
    package var program: String?
    /// The initial directory of local sessions, which is the workspace of confined ones.
    package var directory: String?
    /// The confinement; `nil` if the owner hasn't set it.
    package var sandbox: Confinement?
    /// The network access of confined sessions.
    package var network = WorkspaceRules.Network.none
    /// The hosts that confined sessions reach over HTTP, as their only network access; `nil` if only `network` applies.
    package var egress: [HostPattern]?
    /// The connection whose identity local shells get; `nil` for none.
    package var identity: String?
    /// Whether confined sessions reach no network at all.
    package var isOffline: Bool { network == .none && egress == nil && identity == nil }
    /// Further paths that confined sessions may read.
    package var readable: [String] = []
    /// The guard's policy for commands.
    package var guardPolicy = GuardPolicy.standard
    /// The allow and deny lists of a security file.
    package var policy = ShellPolicy.open
    /// The programs that may run without a shell (`argv`).
    package var programs = ArgumentPolicy([:])
    /// The limits that the kernel enforces on each process.
    package var limits: [ShellSettings.ResourceLimit] = [.coreFiles(0)]
    /// The common limits of all processes of a session, by a control group if one is delegated.
    package var treeLimits: TreeLimits?
    /// The maximum idle time of a session.
    package var idle: Duration = .seconds(3600)
    /// The maximum number of sessions.
    package var maximumSessions = 100
    /// The maximum number of sessions of one client.
    package var maximumSessionsOfOwner = 20
    /// The host keys to trust.
    package var hostKeys = SSHTarget.HostKeys.strict
    /// The configuration file to use instead of `~/.ssh/config`.
    package var sshConfigFile: String?
    /// The file of known hosts to use instead of the configured ones.
    package var knownHostsFile: String?
    /// Whether a person is asked about texts for interpreters on hosts, where no sandbox limits them.
    package var asksInterpreters = true
    /// The patterns of hosts that may be reached; `nil` for any.
    package var hosts: [String]?
    /// The permitted uses of stored secrets when no person gives one in the call itself.
    package var secrets: [String: SecretUses] = [:]
    /// The maximum size of a file for one transfer, in bytes.
    package var maxFileSize = 64 << 20
    /// The time limit of a command without its own.
    package var commandTime: Duration = .seconds(300)

    /// Creates the default configuration.
    package init() {}

    /// Returns the confinement of a caller's shells. Callers other than a person at a terminal get unconfined shells
    /// only if the owner has set that.
    package func confinement(of caller: Caller) -> Confinement {
        sandbox ?? (caller.surface == .terminal && identity == nil ? .guard : .workspace)
    }

    /// Returns the path of the file.
    package static func path(_ environment: [String: String], home: String) -> String {
        file(environment, home: home).path
    }

    private static func file(_ environment: [String: String], home: String) -> SettingsFile {
        SettingsFile("MM_SHELLS", usual: home + "/.m365-shells.json", environment: environment)
    }

    /// Reads the file; without one, the defaults apply unless `MM_SHELLS` names it.
    /// - Throws: `invalidInput` naming the key: with an invalid configuration no shell is started.
    package static func read(_ environment: [String: String], home: String) throws(MMError) -> ShellsConfiguration {
        let file = Self.file(environment, home: home)
        guard let bytes = try file.read(limit: 1 << 20) else { return ShellsConfiguration() }
        let path = file.path
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONParser.parse(bytes, limits: .strict)
        } catch {
            throw MMError(
                .invalidInput, "\(path) isn't JSON: \(error).",
                hint: "Correct the file; until then no shell is started.")
        }
        guard let object = value.object else { throw MMError(.invalidInput, "\(path) does not contain a JSON object.") }
        return try ShellsConfigurationReader(path: path).read(object)
    }
}

/// A reader of the file's members, one by one.
struct ShellsConfigurationReader {
    let path: String

    func wrong(_ key: String, _ due: String) -> MMError {
        MMError(
            .invalidInput, "`\(key)` in \(path) must be \(due).",
            hint: "Correct the file; until then no shell is started.")
    }

    func read(_ object: JSONObject) throws(MMError) -> ShellsConfiguration {
        var made = ShellsConfiguration()
        let kinds = ShellKind.allCases.map(\.rawValue) + ["python"]
        for (key, value) in object {
            switch key {
            case "shell":
                guard let word = value.string, kinds.contains(word) else {
                    throw wrong(key, "one of \(kinds.joined(separator: ", "))")
                }
                made.shell = word
            case "directory": made.directory = try folder(key, value)
            case "sandbox":
                guard let word = value.string, let kind = ShellsConfiguration.Confinement(rawValue: word) else {
                    throw wrong(key, "guard, workspace, isolated or argv")
                }
                made.sandbox = kind
            // These are read together, below.
            case "network", "hosts", "identity": continue
            case "readable":
                for item in value.array ?? [] { made.readable.append(try folder(key, item)) }
                guard value.array != nil else { throw wrong(key, "a list of folders") }
            case "guard":
                guard let word = value.string, let name = GuardPolicy.Name(rawValue: word) else {
                    throw wrong(key, "standard, strict or readonly")
                }
                made.guardPolicy = GuardPolicy(name)
            case "securityFile": made.policy = try policy(key, value)
            case "programs": made.programs = try programs(value)
            case "idleSeconds": made.idle = .seconds(try number(key, value, 10...31_536_000))
            case "maxSessions": made.maximumSessions = try number(key, value, 1...10_000)
            case "maxSessionsPerClient": made.maximumSessionsOfOwner = try number(key, value, 1...10_000)
            case "memoryMegabytes": made.limits.append(.memory(UInt64(try number(key, value, 16...1_048_576)) << 20))
            case "processorSeconds": made.limits.append(.processorTime(UInt64(try number(key, value, 1...31_536_000))))
            case "together": made.treeLimits = try together(value)
            case "commandSeconds": made.commandTime = .seconds(try number(key, value, 1...604_800))
            case "maxFileBytes": made.maxFileSize = try number(key, value, 1...(1 << 40))
            case "secrets": made.secrets = try secrets(value)
            case "ssh":
                guard let members = value.object else { throw wrong(key, "an object") }
                try ssh(members, &made)
            case _ where key.hasPrefix("_"): continue
            default:
                throw MMError(
                    .invalidInput, "\(path) has the unknown key `\(key)`.",
                    hint: "Docs/Shells.md lists the keys. Until it is corrected no shell is started.")
            }
        }
        try readNetwork(of: object, into: &made)
        return made
    }

    private func policy(_ key: String, _ value: JSONValue) throws(MMError) -> ShellPolicy {
        let file = try folder(key, value)
        do throws(MMError) {
            return try ShellPolicy.read(file)
        } catch  where error.code == .notFound {
            throw wrong(key, "the path of an existing file, and there is no \(file)")
        }
    }

    private func ssh(_ object: JSONObject, _ made: inout ShellsConfiguration) throws(MMError) {
        for (key, value) in object {
            switch (key, value.string) {
            case ("hostKeys", "strict"?): made.hostKeys = .strict
            case ("hostKeys", "accept-new"?): made.hostKeys = .acceptNew
            case ("interpreters", "ask"?): made.asksInterpreters = true
            case ("interpreters", "allow"?): made.asksInterpreters = false
            case ("config", let file?): made.sshConfigFile = file
            case ("knownHosts", let file?): made.knownHostsFile = file
            case ("hosts", nil):
                let hosts = value.array?.compactMap(\.string) ?? []
                guard !hosts.isEmpty, hosts.count == value.array?.count else {
                    throw wrong("ssh.hosts", "a list of names")
                }
                made.hosts = hosts
            default:
                throw wrong(
                    "ssh.\(key)",
                    "one of hostKeys (strict, accept-new), interpreters (ask, allow), config, knownHosts (paths), hosts (a list)"
                )
            }
        }
    }

    /// Reads `{"web": {"hosts": ["web*.example.com"], "programs": ["/usr/bin/sudo"]}}`.
    private func secrets(_ value: JSONValue) throws(MMError) -> [String: SecretUses] {
        guard let object = value.object else {
            throw wrong("secrets", "an object with the names of secrets and their uses")
        }
        var made: [String: SecretUses] = [:]
        for (name, entry) in object {
            var uses = SecretUses()
            guard let members = entry.object else { throw wrong("secrets.\(name)", "an object with hosts or programs") }
            for (key, list) in members {
                let words = list.array?.compactMap(\.string) ?? []
                guard !words.isEmpty, words.count == list.array?.count else {
                    throw wrong("secrets.\(name).\(key)", "a list of strings")
                }
                switch key {
                case "hosts": uses.hosts = words
                case "programs":
                    guard words.allSatisfy({ $0.hasPrefix("/") }) else {
                        throw wrong("secrets.\(name).programs", "a list of absolute paths")
                    }
                    uses.programs = words
                default: throw wrong("secrets.\(name).\(key)", "left out: the known keys are hosts and programs")
                }
            }
            made[name] = uses
        }
        return made
    }

    /// Reads `{"memoryMegabytes": 2048, "processes": 200, "processors": 1.5, "required": true}`.
    private func together(_ value: JSONValue) throws(MMError) -> TreeLimits {
        guard let object = value.object, !object.isEmpty else { throw wrong("together", "an object with limits") }
        var limits = TreeLimits(isBestEffort: true)
        for (key, value) in object {
            switch key {
            case "memoryMegabytes":
                limits.memory = UInt64(try number("together.memoryMegabytes", value, 16...1_048_576)) << 20
            case "processes": limits.processes = try number("together.processes", value, 2...1_000_000)
            case "processors":
                guard let number = value.double, (0.01...4096).contains(number) else {
                    throw wrong("together.processors", "a number from 0.01 to 4096")
                }
                limits.processors = number
            case "required":
                guard let flag = value.bool else { throw wrong("together.required", "true or false") }
                limits.isBestEffort = !flag
            default: throw wrong("together.\(key)", "one of memoryMegabytes, processes, processors, required")
            }
        }
        guard limits.memory != nil || limits.processes != nil || limits.processors != nil else {
            throw wrong("together", "an object with limits")
        }
        return limits
    }

    private func folder(_ key: String, _ value: JSONValue) throws(MMError) -> String {
        guard let path = value.string, path.hasPrefix("/") else { throw wrong(key, "an absolute path") }
        return path
    }

    private func number(_ key: String, _ value: JSONValue, _ range: ClosedRange<Int>) throws(MMError) -> Int {
        guard let number = value.int, range.contains(number) else {
            throw wrong(key, "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// Reads `{"git": {"path": "/usr/bin/git", "arguments": ["status", {"prefix": "--"}, {"below": "/srv"}, "…"]}}`.
    private func programs(_ value: JSONValue) throws(MMError) -> ArgumentPolicy {
        guard let object = value.object else { throw wrong("programs", "an object") }
        var programs: [String: ArgumentPolicy.Program] = [:]
        for (name, entry) in object {
            guard let path = entry["path"]?.string, path.hasPrefix("/") else {
                throw wrong("programs.\(name).path", "an absolute path")
            }
            var patterns: [ArgumentPolicy.Pattern] = []
            for item in entry["arguments"]?.array ?? [] {
                switch (item, item["prefix"]?.string, item["below"]?.string) {
                case (.string("*"), _, _): patterns.append(.any)
                case (.string("operand"), _, _): patterns.append(.operand)
                case (.string(let word), _, _): patterns.append(.word(word))
                case (_, let prefix?, _): patterns.append(.prefix(prefix))
                case (_, _, let root?): patterns.append(.path(below: root))
                default:
                    throw wrong(
                        "programs.\(name).arguments", "words, \"operand\", \"*\", {\"prefix\": …}, {\"below\": …}")
                }
            }
            programs[name] = ArgumentPolicy.Program(path, arguments: patterns)
        }
        return ArgumentPolicy(programs)
    }
}

extension SessionLimits {
    /// Creates the limits of a shells file. Only a session that would soon end because it is idle makes room for
    /// another.
    package init(_ configuration: ShellsConfiguration) {
        self.init(
            total: configuration.maximumSessions, perOwner: configuration.maximumSessionsOfOwner,
            idle: configuration.idle, evictableAfter: configuration.idle)
        names = (
            total: "`maxSessions` in the settings of shells",
            perOwner: "`maxSessionsPerClient` in the settings of shells"
        )
    }
}

/// The permitted uses of a stored secret, as its owner named them. Knowing a secret's name isn't enough to have it sent
/// to another host, or typed into a program that shows it.
package struct SecretUses: Sendable, Hashable {
    /// A use of a secret.
    package enum Use: Sendable, Hashable {
        /// A sign-in to a host, or a question of a command there.
        case host(String)
        /// A question of a program on this machine, by the program's file.
        case program(String)
    }

    /// Patterns of hosts, with `*` for any characters.
    package var hosts: [String] = []
    /// Paths of programs.
    package var programs: [String] = []

    /// Creates an empty set of uses.
    package init() {}

    /// Returns whether a use is permitted.
    package func allows(_ use: Use) -> Bool {
        switch use {
        case .host(let name): hosts.contains { ShellOpening.matches($0[...], name[...]) }
        case .program(let path): programs.contains(path)
        }
    }

    /// Returns the refusal of a use that isn't permitted.
    static func refusal(_ name: String, _ use: Use) -> MMError {
        let (what, member) =
            switch use {
            case .host(let host): ("the host \(host)", "\"hosts\": [\"\(host)\"]")
            case .program(let path):
                path.isEmpty
                    ? ("an unknown program", "\"programs\": [\"/path/of/the/program\"]")
                    : ("the program \(path)", "\"programs\": [\"\(path)\"]")
            }
        return MMError(
            .denied, "The secret “\(name)” may not be used for \(what).",
            hint: "The owner can allow it in the shells file: \"secrets\": {\"\(name)\": {\(member)}}.",
            details: ["rule": "secret-use"])
    }
}

/// A check whether shells that weren't opened by a person at a terminal can be confined on this machine, and how.
package enum ShellsDoctor {
    /// Checks the settings, the kernel and the programs, and starts a shell as for a model.
    package static func examine(_ services: ShellServices) async -> DoctorReport {
        var doctor = DoctorReport()
        let path = ShellsConfiguration.path(services.environment, home: services.paths.home)
        let configuration: ShellsConfiguration
        do throws(MMError) {
            configuration = try ShellsConfiguration.read(services.environment, home: services.paths.home)
            doctor.add("settings", true, access(path, F_OK) == 0 ? path : "\(path) doesn't exist: the defaults apply")
        } catch {
            doctor.add("settings", false, DoctorReport.words(error))
            return doctor
        }
        let confinement = configuration.confinement(of: Caller(surface: .mcp, name: "doctor", server: nil))
        let source = configuration.sandbox == nil ? "the default" : "set by the owner"
        doctor.add(
            "shells of AI agents", true,
            "\(confinement.rawValue), \(source)"
                + (confinement == .guard ? ": not confined, they can use every file of the user" : ""))
        let problem = SandboxProfile.workspaceProblem(configuration.network)
        doctor.add(
            "Landlock", problem == nil || confinement != .workspace,
            problem.map(DoctorReport.words) ?? "supports the profile workspace")
        if let hosts = configuration.egress {
            doctor.add(
                "network", problem == nil || confinement != .workspace,
                "egress: confined shells can reach \(hosts.map(\.description).joined(separator: ", "))")
        }
        doctor.add(
            "bubblewrap", SandboxProfile.bubblewrap != nil || confinement != .isolated,
            SandboxProfile.bubblewrap ?? "not installed; only the profile isolated needs it")
        if confinement != .argv { await tryShell(services, configuration, confinement, &doctor) }
        return doctor
    }

    private static func tryShell(
        _ services: ShellServices, _ configuration: ShellsConfiguration,
        _ confinement: ShellsConfiguration.Confinement, _ doctor: inout DoctorReport
    ) async {
        guard let folder = try? OwnedFolder.make(in: "/tmp", "mm-doctor-") else {
            return doctor.add("a trial", false, "/tmp can't be written to")
        }
        defer { FolderTree.remove(folder) }
        let opening = ShellOpening(services: services, configuration: configuration, confinement: confinement)
        do throws(MMError) {
            let member = try await opening.local(
                ShellSessionName(owner: "doctor", place: .shell, name: "trial"), kind: nil, directory: folder)
            if case .shell(let session) = member.body { await session.close() }
            doctor.add("a trial", true, "started a shell that is confined by \(member.sandbox ?? confinement.rawValue)")
        } catch {
            doctor.add("a trial", false, DoctorReport.words(error))
        }
    }
}

extension ShellsConfigurationReader {
    /// Reads the network access of confined shells: `network`, the `hosts` of an egress, or an `identity`.
    func readNetwork(of object: JSONObject, into made: inout ShellsConfiguration) throws(MMError) {
        if let value = object["identity"] {
            guard let name = value.string, !name.isEmpty else { throw wrong("identity", "the name of a connection") }
            guard object["network"] == nil, object["hosts"] == nil else {
                throw wrong(
                    "network",
                    "left out when `identity` is set, because the shell can reach the connection's hosts (`egress.allow`)"
                )
            }
            guard made.sandbox ?? .workspace == .workspace else {
                throw wrong(
                    "sandbox",
                    "workspace when `identity` is set, because only this profile restricts a shell to mm's proxy")
            }
            made.identity = name
            return
        }
        guard object["network"] == "egress" else {
            guard object["hosts"] == nil else {
                throw wrong("hosts", "left out, because it is used only with `\"network\": \"egress\"`")
            }
            if let value = object["network"] { made.network = try network(value) }
            return
        }
        if let sandbox = made.sandbox, sandbox != .workspace {
            throw MMError(
                .invalidInput,
                "`network` in \(path) can't be egress with `\"sandbox\": \"\(sandbox.rawValue)\"`, which can't restrict a "
                    + "shell to the listed hosts.",
                hint: "Set `sandbox` to \"workspace\", or `network` to something else; until then no shell is started.")
        }
        let patterns = (object["hosts"]?.array ?? []).map { $0.string.flatMap { HostPattern($0) } }
        let hosts = patterns.compactMap(\.self)
        guard !hosts.isEmpty, hosts.count == patterns.count else {
            throw wrong(
                "hosts",
                "a list of the hosts that shells may reach, for example api.github.com, *.example.com (all of its subdomains) "
                    + "or localhost:8443")
        }
        made.egress = hosts
    }

    private func network(_ value: JSONValue) throws(MMError) -> WorkspaceRules.Network {
        if value == "none" { return .none }
        if value == "all" { return .all }
        let ports = (value.array ?? []).map { $0.int.flatMap { UInt16(exactly: $0) } }
        let known = ports.compactMap(\.self)
        guard !known.isEmpty, known.count == ports.count else {
            throw wrong("network", "none, all, egress (with `hosts`), or a list of TCP ports")
        }
        return .ports(known)
    }
}
