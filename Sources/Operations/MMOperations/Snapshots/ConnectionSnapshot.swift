import MMCore
import MMDesk
import MMGuard
import MMIdentity
import MMPowerShell
import MMSessions

/// Takes snapshots of a connection's tenant: judged by the guard, with the connection's own sign-in, and with a reason
/// for each kind that is left out.
struct ConnectionSnapshot {
    let connection: Connection
    let services: RequestServices
    let context: OperationContext

    /// Writes a snapshot.
    /// - Parameters:
    ///   - kinds: the kinds to read.
    ///   - destination: the folder to write to.
    /// - Returns: the snapshot's header, and the number of its objects.
    func take(
        _ kinds: [SnapshotKind], to destination: SnapshotDestination
    ) async throws(MMError) -> (header: SnapshotHeader, objects: Int) {
        let progress = context.call.progress
        let report: @Sendable (String) -> Void = { progress(ProgressReport(done: 0, message: $0)) }
        let source = try TenantSnapshotSource(
            identity: services.identity, connection: connection, deadline: context.deadline, report: report,
            cmdlet: { (cmdlet) throws(MMError) in try await teams(cmdlet, report) })
        let held = try heldBack(kinds)
        let (connection, identity) = (connection, services.identity)
        let taking = SnapshotTaking(
            from: source, kinds: kinds,
            explain: { await Self.reason(for: $0, $1, connection, identity) },
            progress: { report("\($0.title): \($1)") })
        return try await identity.waitingForSignIn(to: connection, resource: .graph, in: context) {
            () async throws(MMError) in
            try await destination.replace { (folder) async throws(MMError) in
                try await taking.write(to: folder, connection: connection.name, excluding: held)
            }
        }
    }

    /// Returns the output of a Teams cmdlet, run in the connection's own session of the module.
    private func teams(
        _ cmdlet: String, _ report: @escaping @Sendable (String) -> Void
    ) async throws(MMError) -> [JSONValue] {
        let key = SessionKey(
            connection: connection.name, module: "teams", signedIn: context.call.caller.signedIn?.id)
        let policy = services.guarding.policy(of: connection, in: context)
        let verdict = try services.guarding.guards.engine().judge(
            script: cmdlet, in: ScriptContext(module: key.module), policy: policy)
        // A snapshot never asks for a confirmation.
        let judged = Judged(
            JudgedAgain(guarding: services.guarding, policy: policy, name: "a snapshot", script: cmdlet),
            ConfirmationRequest(
                on: connection, module: key.module, title: "snapshot in \(key.module)", text: cmdlet, verdict: verdict))
        guard let cleared = judged.allowed else {
            throw verdict.error()
                ?? MMError(.denied, "\(cmdlet) needs a confirmation, and a snapshot does not run such cmdlets.")
        }
        let turn = CallTurn(
            of: context, CallAuthority(verdict: verdict, text: cmdlet), connection: connection, module: key.module,
            with: services.guarding)
        let (connection, deadline) = (connection, context.deadline)
        let answer = try await services.sessions.withSession(key, until: deadline) {
            (lease: SessionLease<ModuleSessionFactory>) async throws(MMError) -> PowerShellAnswer in
            guard case .powerShell(let session) = lease.session.runner else {
                throw MMError(.internalError, "Teams has no separate session.")
            }
            var command = PowerShellCommand(cmdlet)
            command.isLocal = true
            let run = command
            let ran = try await lease.session.sending(turn, of: connection, deadline: deadline, report: report) {
                () async throws(MMError) in
                SessionAnswer(output: .powerShell(try await session.answer(run, by: cleared, deadline: deadline).0))
            }
            if let error = ran.traffic?.error { throw error }
            guard case .powerShell(let left) = ran.output else {
                throw MMError(.internalError, "Teams has no separate session.")
            }
            return left
        }
        guard answer.isClean else { throw MMError(.remoteFailed, answer.problem(in: cmdlet)) }
        return answer.values
    }

    /// Returns the kinds that the guard doesn't allow for this connection without a confirmation, which a snapshot
    /// never asks for.
    private func heldBack(_ kinds: [SnapshotKind]) throws(MMError) -> [String: SnapshotHeader.LeftOut] {
        let policy = services.guarding.policy(of: connection, in: context)
        let engine = try services.guarding.guards.engine()
        let graph = try GuardedClient(identity: services.identity, connection: connection)
        var held: [String: SnapshotHeader.LeftOut] = [:]
        for kind in kinds {
            var verdicts: [Verdict] = []
            switch kind.service {
            case .graph:
                verdicts = try TenantSnapshotSource.requests(of: kind, with: graph)
                    .map { engine.judge($0.guarded, policy: policy) }
            case .flow:
                guard
                    let client = try? GuardedClient(
                        identity: services.identity, connection: connection, service: .flow)
                else { continue }
                verdicts = try TenantSnapshotSource.requests(of: kind, with: client)
                    .map { engine.judge($0.guarded, policy: policy) }
            case .exchange, .compliance:
                let module = kind.service == .compliance ? "compliance" : PowerShellModule.exchangeOnline.rawValue
                verdicts = ([kind.path] + kind.relations.map(\.path)).map { path in
                    engine.judge(
                        script: TenantSnapshotSource.command(path).cmdlet, in: ScriptContext(module: module),
                        policy: policy)
                }
            case .teams:
                verdicts = [engine.judge(script: kind.path, in: ScriptContext(module: "teams"), policy: policy)]
            }
            if !kind.references.isEmpty {
                let names = try TenantSnapshotSource.namesRequest([], with: graph)
                verdicts.append(engine.judge(names.guarded, policy: policy))
            }
            guard let verdict = verdicts.first(where: { $0.decision != .allow }) else { continue }
            held[kind.name] = SnapshotHeader.LeftOut(reason: "the guard does not allow it (rule \(verdict.rule))")
        }
        return held
    }

    /// Returns the reason for leaving a kind out, in words that are always the same, and the missing permission.
    private static func reason(
        for error: MMError, _ kind: SnapshotKind, _ connection: Connection, _ identity: IdentityService
    ) async -> SnapshotHeader.LeftOut {
        if error.code == .signInNeeded {
            return SnapshotHeader.LeftOut(reason: "\(connection.name) isn't signed in to \(kind.service.title)")
        }
        guard let status = error.details["status"]?.int else { return SnapshotHeader.LeftOut(reason: error.message) }
        let code = error.details["code"]?.string.map { " \($0)" } ?? ""
        let reason = "\(kind.service.title) answered \(status)\(code)"
        guard kind.service == .graph, let rights = await identity.rights(of: connection, deadline: .after(.seconds(8)))
        else { return SnapshotHeader.LeftOut(reason: reason) }
        for path in [kind.collection] + kind.relations.map({ String($0.path.prefix { $0 != "?" }) }) {
            guard let reach = PermissionReach("GET \(path)", of: rights) else { continue }
            switch reach.outcome {
            case .no: return SnapshotHeader.LeftOut(reason: reason, missing: reach.permission)
            case .role: return SnapshotHeader.LeftOut(reason: reason, missing: reach.role.map { "role \($0)" })
            case .yes, .never: continue
            }
        }
        return SnapshotHeader.LeftOut(reason: reason)
    }
}

extension SnapshotKind.Service {
    /// The service's name for people.
    fileprivate var title: String {
        switch self {
        case .graph: "Microsoft Graph"
        case .exchange: "Exchange Online"
        case .compliance: "Purview"
        case .flow: "Power Automate"
        case .teams: "Teams"
        }
    }
}
