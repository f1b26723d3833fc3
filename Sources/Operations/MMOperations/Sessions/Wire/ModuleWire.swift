import MMCore
import MMEgress
import MMGuard
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
        let (processes, news, vault) = (SessionProcesses(), SignInFeed(), PlaceholderVault())
        let cloudPages = settings.target?.cloud
        var configuration = EgressConfiguration(
            session: key.description,
            hosts: EgressHosts(cloud: cloud, sharePoint: connection.sharepointHost, allow: hosts), judge: requests,
            tokens: FreshTokens(bearer: bearer, cloud: cloud), vault: vault,
            folder: settings.host.home, environment: environment,
            events: { event in record(event, telling: news, cloudPages) })
        configuration.signIns = SignInRules(tenants: tenants(hosts), current: { news.current })
        configuration.processes = { processes.all() }
        configuration.likelyProcesses = { processes.main }
        // Reads do no harm, whoever holds the lease. What a web socket is for no table says: it is no read.
        configuration.permit = { [name = connection.name] requestClass in
            requestClass == GuardClass.read.rawValue ? nil : ConnectionPermits.shared.permit(of: name)
        }
        let expected = settings
        configuration.identityCheck = { identity in
            guard let error = expected.refusal(of: TokenClaims(identity)) else { return nil }
            news.post(.refused(error))
            return RequestRefusal(code: "wrong_account", message: error.message)
        }
        let (connection, identity, log) = (connection, identity, log)
        configuration.pace = { service in
            guard case .resource(let resource) = service else { return nil }
            return identity.pace(of: connection, service: resource.name, clock: .system, log: log)
        }
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

    /// The tenants at which a session may sign in: the connection's own, by all its names, and those that its owner lists.
    private func tenants(_ listed: [PlainHostName]) -> Set<String> {
        let pin = bearer.account ?? (try? PinStore(path: pins).pin(of: connection.name))
        let names =
            [connection.tenantId, connection.tenant, connection.authorityTenant, pin?.tenantId]
            + [connection.sharepointHost.map { $0 + ".onmicrosoft.com" }]
            + [connection.expectedEmail?.split(separator: "@").last.map(String.init)] + listed.map(\.host)
        return Set(names.compactMap { $0?.lowercased() })
    }

    // MARK: What happens

    private func record(_ event: EgressEvent, telling news: SignInFeed, _ pages: ModuleCloud?) {
        switch event {
        case .request(let record): sent.add(record, facts(requests.ended(record)))
        case .refusedConnection(let fault, let host): refused(fault, host)
        case .placeholderElsewhere(let host, let audience):
            let what = audience.map { " of \($0)" } ?? ""
            log.warning("a placeholder\(what) was carried to \(host); nothing was sent")
            sent.add(fault: MMEgress.WireFault.Kind.placeholderElsewhere.rawValue, host: host, facts(requests.call))
        case .foreignCredential(let host):
            log.warning("a credential that the session was not given was on its way to \(host); nothing was sent")
            sent.add(fault: MMEgress.WireFault.Kind.foreignCredential.rawValue, host: host, facts(requests.call))
        case .held: break
        case .signIn(let step): note(step, telling: news, pages)
        }
    }

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

    private func refused(_ fault: MMEgress.WireFault, _ host: String?) {
        if fault.kind == .foreignHost, let host, !TelemetryHosts.contains(host) {
            let name = host.hasSuffix(":443") ? String(host.dropLast(4)) : host
            requests.refused(host: name)
            log.info("the session may not reach \(host)")
        } else if fault.kind != .foreignHost {
            log.warning("a connection to the session's wire was refused: \(fault.message)")
        }
        sent.add(fault: fault.kind.rawValue, host: host, facts(requests.call))
    }

    private func facts(_ call: String?) -> JSONObject {
        var facts: JSONObject = [
            "operation": .string(SentRequests.operation), "surface": "session", "connection": .string(connection.name),
            "module": .string(key.module),
        ]
        facts["call"] = call.map { .string($0) }
        return facts
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
