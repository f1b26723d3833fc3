import Glibc
import MMCore
import MMEgress
import MMGuard
import MMIdentity
import MMShell
import MMSystem

/// The way of a confined shell to the network: HTTP and HTTPS to the hosts that its owner lists, with no tokens; or the wire of a
/// connection whose identity its owner has given it, with placeholders for tokens.
package final class ShellWire: Sendable {
    /// What the shell is started with, in addition to its other variables.
    var environment: [String: String] { session.environment.merging(variables) { wire, _ in wire } }
    /// The only port that the shell needs to connect to.
    var port: UInt16 { session.port }
    /// What it must be able to read.
    let folder: String
    /// The shell's processes, which alone are served.
    let processes: ShellProcesses
    /// The connection whose identity the shell has.
    let connection: Connection?
    private let session: EgressSession
    private let keeper: Keeper
    /// By which programs find the identity.
    private let variables: [String: String]

    /// Who says what the shell may send.
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

    /// Opens the way of a session that has a connection's identity.
    /// - Throws: `.signInNeeded` where nobody is signed in, `.unsupported` where the kernel can't keep a shell to it.
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

    /// Opens the way of a session that is about to be started.
    /// - Parameters:
    ///   - name: the session's name.
    ///   - hosts: what its owner lists.
    ///   - policy: how strictly the guard judges commands.
    ///   - services: what operations on shells work with.
    /// - Throws: `.unsupported` where the kernel can't keep a shell to it: it isn't started with more of the network instead.
    static func open(
        _ name: String, to hosts: [HostPattern], policy: GuardPolicy, with services: ShellServices
    ) async throws(MMError) -> ShellWire {
        let file = ShellsConfiguration.path(services.environment, home: services.paths.home)
        try check(file: file)
        let remedy = "To let it, its owner adds the host to `hosts` in \(file)."
        let folder = try OwnedFolder.make(in: services.environment["TMPDIR"] ?? "/tmp", "mm-wire-")
        let requests = ShellRequests(policy: policy, remedy: remedy)
        let processes = ShellProcesses()
        var configuration = EgressConfiguration(
            session: "shell:\(name)",
            hosts: EgressHosts(listed: hosts, rule: "A shell reaches the hosts that are listed there. \(remedy)"),
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
                error.code, "The shell's way to the network can't be opened: \(error.message)",
                hint: error.hint ?? "Set `network` in \(file) to \"none\" for shells without.", cause: error.cause)
        }
    }

    /// Whether the kernel can keep a shell to one port.
    /// - Parameters:
    ///   - version: the version of Landlock that it offers.
    ///   - file: the shells file.
    ///   - key: its key that asks for it.
    static func check(landlock version: Int? = nil, file: String, key: String = "network") throws(MMError) {
        let problem =
            version.map { SandboxProfile.proxyProblem(landlock: $0) } ?? SandboxProfile.proxyProblem()
        guard let problem else { return }
        throw MMError(
            .unsupported,
            "`\(key)`\(key == "network" ? " is egress" : " is set") in \(file), and this machine can't keep a shell to it: "
                + problem.message,
            hint: "\(problem.hint ?? "") Or set `network` to \"none\". The shell was not started.")
    }

    /// Serves the shell in a network of its own.
    func serve(inside listener: PolledListener) { session.serve(inside: listener) }

    /// A command begins.
    /// - Parameter turn: what the call that runs it may send; nil between calls.
    func begin(_ call: String?, _ turn: CallTurn?) -> ShellTraffic {
        switch keeper {
        case .hosts(let requests): requests.begin(call)
        case .turns(let turns, _): turns.begin(call, turn)
        }
    }

    /// A command has ended.
    func end(_ traffic: ShellTraffic) {
        switch keeper {
        case .hosts(let requests): requests.end(traffic)
        case .turns(let turns, _): turns.end(traffic)
        }
    }

    /// Takes the way down, and all that is under way.
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
                log.info("the shell \(name) may not reach \(host)")
            } else {
                log.warning("a connection of the shell \(name) was refused: \(fault.message)")
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
        throw MMError(.denied, "A shell gets no token.")
    }
}

/// Lets a shell send what it likes to the hosts that its owner lists; only reads, where the guard's policy lets it only read.
final class ShellRequests: WireJudge {
    private struct State {
        /// The commands that run, in the order in which they began.
        var running: [ShellTraffic] = []
        /// The commands of requests that are under way.
        var calls: [UInt64: ShellTraffic] = [:]
    }

    private let policy: GuardPolicy
    private let remedy: String
    private let state = Mutex(State())

    /// A judge for one session.
    /// - Parameters:
    ///   - policy: how strictly the guard judges commands.
    ///   - remedy: how the owner lets a shell reach a host.
    init(policy: GuardPolicy, remedy: String) {
        self.policy = policy
        self.remedy = remedy
    }

    /// A command begins.
    func begin(_ call: String?) -> ShellTraffic {
        let traffic = ShellTraffic(call: call, remedy: remedy)
        state.withLock { $0.running.append(traffic) }
        return traffic
    }

    /// A command has ended.
    func end(_ traffic: ShellTraffic) { state.withLock { $0.running.removeAll { $0 === traffic } } }

    /// The command that runs: of several the last.
    var current: ShellTraffic? { state.withLock { $0.running.last } }

    /// The verdict on a request.
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
                    + "(`guard` in the shells file) lets shells only read."))
    }

    /// A request has ended.
    /// - Returns: the command that sent it.
    func ended(_ number: UInt64) -> ShellTraffic? {
        state.withLock { $0.calls.removeValue(forKey: number) ?? $0.running.last }
    }
}

/// What one command of a shell asked of the network.
final class ShellTraffic: Sendable {
    /// The call that runs it, as its audit line names it.
    let call: String?
    /// How the owner lets a shell reach a host.
    private let remedy: String
    private let refused = Mutex<[String]>([])

    /// What else is to be told, while the command runs and after it.
    private let more: Mutex<(@Sendable () -> [String])?>

    /// Nothing asked yet.
    init(call: String?, remedy: String, more: (@Sendable () -> [String])? = nil) {
        self.call = call
        self.remedy = remedy
        self.more = Mutex(more)
    }

    /// The command has ended: what is to be told of it changes no more.
    func freeze() {
        let told = more.withLock { $0 }?() ?? []
        more.withLock { $0 = { told } }
    }

    private static let mostHosts = 20

    /// It asked for a host that it may not reach.
    func refuse(host: String) {
        refused.withLock { hosts in
            guard hosts.count < Self.mostHosts, !hosts.contains(host) else { return }
            hosts.append(host)
        }
    }

    /// What the answer to the command adds; nil where it reached all that it asked for.
    var note: String? {
        let hosts = refused.withLock { $0 }
        let told =
            (hosts.isEmpty ? [] : ["The shell may not reach \(hosts.joined(separator: ", ")). \(remedy)"])
            + (more.withLock { $0 }?() ?? [])
        return told.isEmpty ? nil : told.joined(separator: "\n")
    }
}

/// Gives the requests of a shell with an identity to the calls whose commands run: of several to the one that began last.
final class ShellTurns: Sendable {
    /// What such requests are called by.
    static let module = "shell"

    private let requests: GrantedRequests
    private let connection: Connection
    private let running = Mutex<[(traffic: ShellTraffic, turn: CallTurn)]>([])

    init(_ requests: GrantedRequests, of connection: Connection) {
        self.requests = requests
        self.connection = connection
    }

    /// A command begins.
    func begin(_ call: String?, _ turn: CallTurn?) -> ShellTraffic {
        guard let turn else { return ShellTraffic(call: call, remedy: "") }
        let traffic = ShellTraffic(call: call, remedy: "") { [requests, name = connection.name] in
            let traffic = requests.traffic
            let held = traffic.report.held.prefix(20).map { "Held back, and not sent: \($0.line)" }
            let way = held.isEmpty ? [] : ["A person says yes to it: mm confirm. Then send exactly the same again."]
            return traffic.notes(connection: name) + held + way + (turn.journal?.told ?? [])
        }
        running.withLock { running in
            running.append((traffic, turn))
            requests.begin(turn)
        }
        return traffic
    }

    /// A command has ended: its requests are those of the one before it that still runs, or of nobody.
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
