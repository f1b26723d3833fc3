import MMCore
import MMEgress
import MMIdentity
import MMPowerShell
import MMSessions

/// Puts the wire into a session's settings: its processes reach the network through it alone, and hold placeholders in the
/// place of tokens.
struct ModuleWire: Sendable {
    let key: SessionKey
    let connection: Connection
    let bearer: SessionBearer
    let identity: IdentityService
    let environment: [String: String]
    let requests: GrantedRequests
    let sent: SentRequests
    /// Where the accounts that signed in first are written down.
    let pins: String
    let log: Log
    /// What is seen of the end of the session's sign-in.
    let watch: SignInWatch

    /// Opens the wire of a session that is about to be started; the session's end closes it.
    /// - Throws: `.unavailable` when it can't be opened, with what to install or change.
    func open(for settings: inout PowerShellSessionSettings, allowing hosts: [PlainHostName]) async throws(MMError) {
        let cloud = try identity.cloud(of: connection)
        let (processes, news) = (SessionProcesses(), SignInFeed())
        let cloudPages = settings.target?.cloud
        let wire = ConnectionWire(
            connection: connection, module: key.module, bearer: bearer, identity: identity, requests: requests,
            sent: sent, pins: pins, log: log)
        var configuration = try wire.configuration(
            key.description, allowing: hosts, folder: settings.host.home, environment: environment
        ) { event in
            if let step = wire.record(event) { note(step, telling: news, cloudPages) }
        }
        configuration.signIns.current = { news.current }
        configuration.processes = { processes.all() }
        configuration.likelyProcesses = { processes.main }
        let expected = settings
        configuration.identityCheck = { identity in
            guard let error = expected.refusal(of: TokenClaims(identity)) else { return nil }
            news.post(.refused(error))
            return RequestRefusal(code: "wrong_account", message: error.message)
        }
        let vault = configuration.vault
        let session: EgressSession
        do throws(MMError) { session = try await EgressSession.start(configuration) } catch {
            var told = error
            let way =
                "mm connections edit \(ShellWord.quoted(connection.name)) egress=off lets its sessions go without."
            told.message = "The session's way to the network can't be opened: \(error.message)"
            told.hint = [error.hint, way].compactMap(\.self).joined(separator: "; or: ")
            throw told
        }
        settings.host.processes = processes
        settings.host.requests = OpenRequests(cut: { session.cutRequests() }, admit: { session.admitRequests() })
        settings.host.walls?.egressPort = session.port
        settings.host.walls?.takesListener = { session.serve(inside: $0) }
        settings.host.environment.merge(session.environment) { _, wire in wire }
        settings.tokens = ConnectionTokens(of: bearer, cloud: cloud, vault: vault)
        settings.wire = SessionWire(signIns: news) { await session.close() }
    }

    // MARK: What happens

    private func note(_ step: SignInEvent, telling news: SignInFeed, _ pages: ModuleCloud?) {
        switch step {
        case .code(let code): news.post(.code(DevicePrompt(code, pages)))
        case .pending: news.post(.pending)
        case .failed(let error):
            news.post(.refused(told(error)))
        case .refreshToken(let grant, let account):
            // What a script signed in to beside its session's own sign-in is not kept.
            guard account == nil || news.current != nil else { return }
            let (bearer, log) = (bearer, log)
            let known = account.map {
                IdentityService.ModuleAccount(
                    tenantID: $0.tenantID, objectID: $0.objectID, username: $0.username ?? "")
            }
            Task {
                do throws(MMError) {
                    try await bearer.keep(grant.refreshToken, app: grant.clientID, scope: grant.scope, known)
                } catch {
                    log.warning("the module's sign-in can't be kept: \(error.message)")
                }
            }
        case .over(let error, let isModules):
            if watch.over(error, ofModule: isModules) {
                log.warning("the session's sign-in has ended: \(error.message)")
            }
        case .signedIn, .refused: break
        }
    }

    /// Why a module's sign-in came to nothing, and what helps.
    private func told(_ error: EntraError) -> MMError {
        var told = error.mmError(for: "Signing in to \(connection.name)", connection: connection.name)
        let name = ShellWord.quoted(connection.name)
        guard told.details["nextWay"] != nil else { return told }
        let app =
            connection.appId == nil
            ? "give the connection an app of its own first: mm connections edit \(name) appId=ID; then " : ""
        told.hint =
            (error.advice.map { $0.advice + " " } ?? "")
            + "Another code would be refused as well. A browser of this machine may be allowed (\(app)mm login \(name) "
            + "--browser), or an app that signs in by itself: mm connections edit \(name) auth=certificate."
        return told
    }
}

extension TokenClaims {
    /// Who signed in, as the sign-in service says. Apps have no name to sign in by.
    fileprivate init(_ identity: SignedInIdentity) {
        self.init(
            account: identity.username, objectID: identity.objectID, tenantID: identity.tenantID,
            appID: identity.clientID, isApp: identity.username == nil)
    }
}

extension DevicePrompt {
    /// What a person needs, as the sign-in service says it.
    fileprivate init(_ code: SignInCode, _ cloud: ModuleCloud?) {
        let page = cloud.map { $0.shows(page: code.address) ? code.address : $0.devicePage } ?? code.address
        self.init(
            userCode: code.userCode, page: page,
            message: "To sign in, open the page \(page) and enter the code \(code.userCode).",
            expiresAt: code.expiresAt)
    }
}
