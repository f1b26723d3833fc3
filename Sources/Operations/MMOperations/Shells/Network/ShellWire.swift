import Glibc
import MMCore
import MMEgress
import MMGuard
import MMIdentity
import MMSessions
import MMShell
import MMSystem

/// The network access of a confined shell: HTTP and HTTPS to the hosts that its owner lists, without tokens; or the
/// proxy of a connection whose identity its owner has given it, with placeholders for tokens.
package final class ShellWire: Sendable {
    /// The variables that are added to the shell's environment.
    var environment: [String: String] { session.environment.merging(variables) { wire, _ in wire } }
    /// The only port that the shell needs to connect to.
    var port: UInt16 { session.port }
    /// The folder that the shell must be able to read.
    let folder: String
    /// The shell's processes, which alone are served.
    let processes: ShellProcesses
    /// The connection whose identity the shell has.
    let connection: Connection?
    private let session: EgressSession
    private let keeper: Keeper
    /// The variables by which programs find the identity.
    private let variables: [String: String]

    /// The judge of the shell's requests.
    private enum Keeper {
        /// The owner's list of hosts.
        case hosts(ShellRequests)
        /// The turns of the calls that run commands.
        case turns(ShellTurns, ExecWire)
    }

    private init(_ session: EgressSession, _ requests: ShellRequests, folder: String, processes: ShellProcesses) {
        self.session = session
        keeper = .hosts(requests)
        variables = [:]
        connection = nil
        self.folder = folder
        self.processes = processes
    }

    private init(_ wire: ExecWire, _ variables: [String: String], of connection: Connection) {
        session = wire.session
        keeper = .turns(ShellTurns(wire.requests, of: connection), wire)
        self.variables = variables
        self.connection = connection
        folder = wire.folder
        processes = wire.processes
    }

    /// Opens the network access of a session with a connection's identity.
    /// - Throws: `.signInNeeded` if no account is signed in, `.unsupported` if the kernel can't restrict a shell to it.
    static func open(as name: String, with services: ShellServices) async throws(MMError) -> ShellWire {
        try check(file: ShellsConfiguration.path(services.environment, home: services.paths.home), key: "identity")
        let connection = try services.guarding.registry.snapshot().connection(named: name)
        guard let listed = connection.egress.allowed else { throw Exec.noWire(connection) }
        let identity = services.requests.identity
        let bearer = SessionBearer(of: connection, identity, signedIn: nil)
        try bearer.check()
        let account = try await bearer.token(for: .graph, until: .after(.seconds(60))).account
        let wire = try await ExecWire.open(
            nil, for: bearer, as: account, allowing: listed,
            policy: GuardPolicy(of: connection, environment: services.environment), module: ShellTurns.module,
            with: ExecServices(requests: services.requests, shells: services, sent: services.sent))
        let variables = ExecEnvironment.identity(
            wire.session.environment, of: connection, try identity.cloud(of: connection), account)
        return ShellWire(wire, variables, of: connection)
    }

    /// Opens the network access of a session that is about to be started.
    /// - Parameters:
    ///   - name: the session's name.
    ///   - hosts: the hosts that its owner lists.
    ///   - policy: the guard's policy for commands.
    ///   - services: the services for operations on shells.
    /// - Throws: `.unsupported` if the kernel can't restrict a shell to it; the shell isn't started with more network
    ///   access instead.
    static func open(
        _ name: String, to hosts: [HostPattern], policy: GuardPolicy, with services: ShellServices
    ) async throws(MMError) -> ShellWire {
        let file = ShellsConfiguration.path(services.environment, home: services.paths.home)
        try check(file: file)
        let remedy = "To allow it, the owner adds the host to `hosts` in \(file)."
        let folder = try OwnedFolder.make(in: services.environment["TMPDIR"] ?? "/tmp", "mm-wire-")
        let requests = ShellRequests(policy: policy, remedy: remedy)
        let processes = ShellProcesses()
        var configuration = EgressConfiguration(
            session: "shell:\(name)",
            hosts: EgressHosts(
                listed: hosts, rule: "A shell can only reach the hosts that are listed there. \(remedy)"),
            judge: requests, tokens: NoTokens(), folder: folder, environment: services.environment,
            events: { [sent = services.sent, log = services.log] event in
                record(event, of: name, requests, sent, log)
            })
        configuration.processes = { processes.all() }
        configuration.likelyProcesses = { processes.below() }
        do throws(MMError) {
            let session = try await EgressSession.start(configuration)
            return ShellWire(session, requests, folder: folder, processes: processes)
        } catch {
            FolderTree.remove(folder)
            throw MMError(
                error.code, "The shell's proxy can't be started: \(error.message)",
                hint: error.hint ?? "Set `network` in \(file) to \"none\" for shells without network.",
                cause: error.cause)
        }
    }

    /// Checks that the kernel can restrict a shell to one port.
    /// - Parameters:
    ///   - version: the version of Landlock that it offers.
    ///   - file: the shells file.
    ///   - key: the key in it that requires this.
    static func check(
        landlock version: Int = Confinement.kernelVersion, file: String, key: String = "network"
    ) throws(MMError) {
        guard let problem = SandboxProfile.proxyProblem(landlock: version) else { return }
        throw MMError(
            .unsupported,
            "`\(key)`\(key == "network" ? " is egress" : " is set") in \(file), but this machine can't restrict a shell to it: "
                + problem.message,
            hint: "\(problem.hint ?? "") Or set `network` to \"none\". The shell was not started.")
    }

    /// Also serves the shell in its own network.
    func serve(inside listener: PolledListener) { session.serve(inside: listener) }

    /// Begins a command.
    /// - Parameter turn: the permission of the call that runs it; `nil` between calls.
    func begin(_ call: String?, _ turn: CallTurn?) -> ShellTraffic {
        switch keeper {
        case .hosts(let requests): requests.begin(call)
        case .turns(let turns, _): turns.begin(call, turn)
        }
    }

    /// Ends a command.
    func end(_ traffic: ShellTraffic) {
        switch keeper {
        case .hosts(let requests): requests.end(traffic)
        case .turns(let turns, _): turns.end(traffic)
        }
    }

    /// Closes the network access and ends all open requests.
    func close() async {
        switch keeper {
        case .hosts:
            await session.close()
            FolderTree.remove(folder)
        case .turns(_, let wire): _ = await wire.close()
        }
    }

    // MARK: What happens

    private static func record(
        _ event: EgressEvent, of name: String, _ requests: ShellRequests, _ sent: SentRequests, _ log: Log
    ) {
        switch event {
        case .request(let record): sent.add(record, facts(name, requests.ended(record.number)))
        case .refusedConnection(let fault, let host):
            let current = requests.current
            if fault.kind == .foreignHost, let host {
                current?.refuse(host: host.hasSuffix(":443") ? String(host.dropLast(4)) : host)
                log.info("the shell \(name) is not allowed to reach \(host)")
            } else {
                log.warning("the proxy refused a connection of the shell \(name): \(fault.message)")
            }
            sent.add(fault: fault.kind.rawValue, host: host, facts(name, current))
        case .placeholderElsewhere, .foreignCredential, .held, .signIn: break
        }
    }

    private static func facts(_ name: String, _ traffic: ShellTraffic?) -> JSONObject {
        var facts: JSONObject = [
            "operation": .string(SentRequests.operation), "surface": "session", "module": "shell",
            "session": .string(name),
        ]
        facts["call"] = traffic?.call.map { .string($0) }
        return facts
    }
}

/// Shells get no tokens of connections.
private struct NoTokens: TokenSource {
    func token(for need: TokenNeed) async throws(MMError) -> Secret {
        throw MMError(.denied, "Shells have no access tokens.")
    }
}

/// A judge that lets a shell send anything to the hosts that its owner lists, or only read if the guard's policy lets
/// it only read.
final class ShellRequests: WireJudge {
    private struct State {
        /// The running commands, in the order in which they began.
        var running: [ShellTraffic] = []
        /// The commands of open requests.
        var calls: [UInt64: ShellTraffic] = [:]
    }

    private let policy: GuardPolicy
    private let remedy: String
    private let state = Mutex(State())

    /// Creates the judge of one session.
    /// - Parameters:
    ///   - policy: the guard's policy for commands.
    ///   - remedy: how the owner lets a shell reach a host.
    init(policy: GuardPolicy, remedy: String) {
        self.policy = policy
        self.remedy = remedy
    }

    /// Begins a command.
    func begin(_ call: String?) -> ShellTraffic {
        let traffic = ShellTraffic(call: call, remedy: remedy)
        state.withLock { $0.running.append(traffic) }
        return traffic
    }

    /// Ends a command.
    func end(_ traffic: ShellTraffic) { state.withLock { $0.running.removeAll { $0 === traffic } } }

    /// The running command; the latest if there are several.
    var current: ShellTraffic? { state.withLock { $0.running.last } }

    /// Returns the verdict on a request.
    func judge(_ request: DescribedRequest) async -> RequestVerdict {
        state.withLock { $0.calls[request.number] = $0.running.last }
        let isRead = ["GET", "HEAD", "OPTIONS"].contains(request.method)
        let classes: GuardClass = isRead ? .read : .write
        guard policy.decision(for: classes) == .deny else { return .allow(class: classes.rawValue) }
        return .refuse(
            class: classes.rawValue,
            RequestRefusal(
                code: "denied",
                message:
                    "\(request.method) \(request.url.prefix(300)) was not sent: the policy \(policy.name.rawValue) "
                    + "(`guard` in the shells file) allows shells only reads."))
    }

    /// Records that a request has ended.
    /// - Returns: the command that sent it.
    func ended(_ number: UInt64) -> ShellTraffic? {
        state.withLock { $0.calls.removeValue(forKey: number) ?? $0.running.last }
    }
}

/// The network requests of one command of a shell.
final class ShellTraffic: Sendable {
    /// The call that runs it, as named in its audit line.
    let call: String?
    /// The instruction that lets the owner allow a host.
    private let remedy: String
    private let refused = Mutex<[String]>([])

    /// Further notes, during the command and after it.
    private let more: Mutex<(@Sendable () -> [String])?>

    /// Creates a record without requests.
    init(call: String?, remedy: String, more: (@Sendable () -> [String])? = nil) {
        self.call = call
        self.remedy = remedy
        self.more = Mutex(more)
    }

    /// Ends the command; its notes don't change afterwards.
    func freeze() {
        let told = more.withLock { $0 }?() ?? []
        more.withLock { $0 = { told } }
    }

    private static let mostHosts = 20

    /// Records a request for a host that the shell may not reach.
    func refuse(host: String) {
        refused.withLock { hosts in
            guard hosts.count < Self.mostHosts, !hosts.contains(host) else { return }
            hosts.append(host)
        }
    }

    /// The note for the command's answer; `nil` if it reached all requested hosts.
    var note: String? {
        let hosts = refused.withLock { $0 }
        let told =
            (hosts.isEmpty ? [] : ["The shell is not allowed to reach \(hosts.joined(separator: ", ")). \(remedy)"])
            + (more.withLock { $0 }?() ?? [])
        return told.isEmpty ? nil : told.joined(separator: "\n")
    }
}

/// Assigns the requests of a shell with an identity to the calls of its running commands: the one that began last, if
/// there are several.
final class ShellTurns: Sendable {
    /// The module name for such requests.
    static let module = "shell"

    private let requests: GrantedRequests
    private let connection: Connection
    private let running = Mutex<[(traffic: ShellTraffic, turn: CallTurn)]>([])

    init(_ requests: GrantedRequests, of connection: Connection) {
        self.requests = requests
        self.connection = connection
    }

    /// Begins a command.
    func begin(_ call: String?, _ turn: CallTurn?) -> ShellTraffic {
        guard let turn else { return ShellTraffic(call: call, remedy: "") }
        let traffic = ShellTraffic(call: call, remedy: "") { [requests, name = connection.name] in
            let traffic = requests.traffic
            let held = traffic.report.held.prefix(20).map { "Held back and not sent: \($0.line)" }
            let way =
                held.isEmpty
                ? [] : ["A person must approve it with mm confirm. Then send exactly the same request again."]
            return traffic.notes(connection: name) + held + way + (turn.journal?.told ?? [])
        }
        running.withLock { running in
            running.append((traffic, turn))
            requests.begin(turn)
        }
        return traffic
    }

    /// Ends a command. Later requests belong to the latest command that is still running, if there is one.
    func end(_ traffic: ShellTraffic) {
        running.withLock { running in
            guard let index = running.firstIndex(where: { $0.traffic === traffic }) else { return }
            guard index == running.count - 1 else {
                running.remove(at: index)
                return
            }
            traffic.freeze()
            running.removeLast()
            _ = requests.end()
            if let last = running.last { requests.begin(last.turn) }
        }
    }
}
