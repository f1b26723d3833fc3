import MMCore
import MMEgress
import MMGuard
import MMIdentity
import MMShell
import MMSystem

/// The way of a program to the network: the wire of a connection, and on it an identity that hands out placeholders.
struct ExecWire: Sendable {
    /// The wire.
    let session: EgressSession
    /// What the program asks for, and what became of it.
    let requests: GrantedRequests
    /// Its processes, which alone are served.
    let processes: ShellProcesses
    /// Where what belongs to the program lies: the wire's files, which it reads, and its own.
    let folder: String

    /// Opens the way of a program that is about to be started.
    /// - Parameters:
    ///   - turn: what it may send, and who is asked.
    ///   - account: whose sign-in it has.
    /// - Throws: `.unavailable` when it can't be opened.
    static func open(
        _ turn: CallTurn, for bearer: SessionBearer, as account: SignedInAccount, allowing hosts: [PlainHostName],
        policy: GuardPolicy, with services: ExecServices
    ) async throws(MMError) -> ExecWire {
        let connection = bearer.connection
        let requests = GrantedRequests(guards: services.guarding.guards, policy: policy, connection: connection.name)
        requests.begin(turn)
        let wire = ConnectionWire(
            connection: connection, module: Exec.module, bearer: bearer, identity: services.identity,
            requests: requests, sent: services.sent, pins: services.paths.pinFile,
            log: services.log.scoped(connection.name, Exec.module))
        let folder = try WalledProgram.makeFolder(in: services.environment["TMPDIR"] ?? "/tmp")
        do throws(MMError) {
            var configuration = try wire.configuration(
                "\(connection.name)/\(Exec.module)", allowing: hosts, folder: folder,
                environment: services.environment
            ) { event in
                guard case .over(let error, _)? = wire.record(event) else { return }
                wire.log.warning("the program's sign-in has ended: \(error.message)")
            }
            let processes = ShellProcesses()
            configuration.processes = { processes.all() }
            configuration.likelyProcesses = { processes.main }
            let tokens = IdentityTokens(
                bearer: bearer, cloud: try services.identity.cloud(of: connection), vault: configuration.vault)
            configuration.identity = ProgramIdentity(
                clientID: account.appID ?? connection.appId, names: [account.objectID]
            ) { (audience) async throws(MMError) in
                try await tokens.placeholder(for: audience)
            }
            let session = try await EgressSession.start(configuration)
            return ExecWire(session: session, requests: requests, processes: processes, folder: folder)
        } catch {
            WalledProgram.removeFolder(folder)
            throw error
        }
    }

    /// Takes the way down, and all that is under way.
    /// - Returns: what the program sent, and what was held back.
    func close() async -> CallTraffic {
        await session.close()
        WalledProgram.removeFolder(folder)
        return requests.end()
    }
}

/// What stands for the tokens of an identity: one placeholder for each audience.
private final class IdentityTokens: Sendable {
    private let bearer: SessionBearer
    private let cloud: Cloud
    private let vault: PlaceholderVault
    private let given = Mutex<[ServiceResource: ProgramIdentity.Issued]>([:])

    init(bearer: SessionBearer, cloud: Cloud, vault: PlaceholderVault) {
        self.bearer = bearer
        self.cloud = cloud
        self.vault = vault
    }

    /// The placeholder for an audience that the connection may use.
    func placeholder(for audience: String) async throws(MMError) -> ProgramIdentity.Issued {
        let resource = try resource(audience)
        if let known = given.withLock({ $0[resource] }) { return known }
        // Asked for at each first use: the claims are those of a token that is good now.
        let token = try await bearer.token(for: resource, until: .after(.seconds(60)))
        let text = try vault.placeholder(
            for: token.secret, account: token.account.objectID, audience: cloud.audience(of: resource))
        let issued = ProgramIdentity.Issued(text: text, expiresAt: .now + PlaceholderVault.life)
        return given.withLock { given in
            if let known = given[resource] { return known }
            given[resource] = issued
            return issued
        }
    }

    private func resource(_ audience: String) throws(MMError) -> ServiceResource {
        if let resource = cloud.resource(takingAudience: audience) { return resource }
        return .api(try ConnectionAPI(audience))
    }
}
