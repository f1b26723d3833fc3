import MMCore
import MMGuard
package import MMOperations
import PowerShellSyntax

extension Catalogue {
    /// Returns the operations of a front-end whose PowerShell sessions live behind the session-pool server's routes.
    /// Operations on sessions are sent there; all others run in this process, as in that server's own front-end.
    package static func over(_ pool: SessionPoolClient) -> Catalogue {
        Catalogue(
            standard.operations.map { own in
                let declaration = own.declaration
                switch declaration.name {
                case OperationDeclaration.run.name:
                    return AnyOperation(SessionPoolRun(pool: pool, declaration: declaration)) { $0.guardServices }
                case OperationDeclaration.connections.name:
                    return AnyOperation(SessionPoolList(pool: pool, declaration: declaration))
                case OperationDeclaration.reset.name:
                    return AnyOperation(SessionPoolReset(pool: pool, declaration: declaration, signsOut: false))
                case OperationDeclaration.disconnect.name:
                    return AnyOperation(SessionPoolReset(pool: pool, declaration: declaration, signsOut: true))
                case OperationDeclaration.status.name:
                    return AnyOperation(SessionPoolStatus(pool: pool, declaration: declaration, showsSignIns: true)) {
                        $0.sessionServices
                    }
                case OperationDeclaration.sessions.name:
                    return AnyOperation(SessionPoolStatus(pool: pool, declaration: declaration, showsSignIns: false)) {
                        $0.sessionServices
                    }
                default: return own
                }
            })
    }
}

/// `run` on such a pool. The guard judges here, as for every other pool; the pool itself judges again.
private struct SessionPoolRun: CatalogueOperation {
    typealias Input = RunInput

    let pool: SessionPoolClient
    let declaration: OperationDeclaration

    func run(
        _ input: RunInput, in context: OperationContext, with services: GuardServices
    ) async throws(MMError) -> OperationAnswer {
        let registry = try await pool.registry()
        guard let name = input.connection, let command = input.command else {
            return ConnectionsList.answer(of: registry, in: context)
        }
        try refuse(input)
        let connection = try registry.connection(named: name, for: context.call.caller.server)
        let parsed = PowerShellParser.parse(command)
        let moduleName = try RunModule.named(input.module, for: parsed)
        context.record.note("connection", .string(connection.name))
        context.record.note("module", .string(moduleName))
        ScriptDigest(command, ScriptFacts(of: parsed)).note(in: context.record)
        let verdict = try services.guards.engine().judge(
            script: command, parsed: parsed, in: ScriptContext(module: moduleName),
            policy: services.policy(of: connection, in: context),
            confirmed: input.confirmed)
        try await Clearance(
            ConfirmationRequest(
                on: connection, module: moduleName, title: "run in \(moduleName)", text: command, verdict: verdict)
        ).settle(in: context, with: services)
        var body: JSONObject = [
            "connection": .string(connection.name), "module": .string(moduleName), "command": .string(command),
            "caller_id": .string(context.call.caller.name),
        ]
        // The pool must not ask again about what a person has confirmed here.
        if verdict.decision == .ask { body["confirmed"] = true }
        context.call.progress(ProgressReport(done: 0, message: "running in \(connection.name)/\(moduleName)"))
        let answer = try await pool.ask("POST", "/run", body, within: context.call.timeLimit + .seconds(30))
        switch answer["status"]?.string {
        case "success":
            return OperationAnswer(
                .text(answer["output"]?.string ?? ""), notes: verdict.warnings, connection: connection.name)
        case "auth_required", "auth_in_progress": throw Self.signIn(answer, connection)
        default:
            var details: JSONObject = [:]
            details["output"] = answer["output"]
            throw MMError(
                .remoteFailed, answer["error"]?.string ?? "The pool's answer has neither output nor error.",
                details: details)
        }
    }

    private static func signIn(_ answer: JSONObject, _ connection: Connection) -> MMError {
        var details: JSONObject = ["connection": .string(connection.name)]
        details["userCode"] = answer["device_code"]
        details["verificationUri"] = answer["auth_url"]
        details["message"] = answer["message"]
        details["account"] = connection.expectedEmail.map { .string($0) }
        return MMError(
            .signInNeeded, answer["message"]?.string ?? "A person must sign in.",
            hint: "Sign in at the address with the code, then repeat the call.", retry: .after(.seconds(5)),
            details: details)
    }

    /// Refuses what those routes don't support: they take only a command's text.
    private func refuse(_ input: RunInput) throws(MMError) {
        let asked: String? =
            if !input.arguments.isEmpty { "param" } else if input.output != "text" {
                "output"
            } else if input.isDryRun { "dryRun" } else if input.engine == .native { "engine" } else { nil }
        guard let asked else { return }
        throw MMError(
            .unsupported, "This pool accepts only commands and returns only text: it does not support `\(asked)`.",
            hint: "Leave it out, or use a pool that `mm pool serve` starts.",
            details: ["field": .string(asked)])
    }
}

/// Lists the connections of such a pool.
private struct SessionPoolList: CatalogueOperation {
    typealias Input = ConnectionsList.Input

    let pool: SessionPoolClient
    let declaration: OperationDeclaration

    func run(
        _ input: Input, in context: OperationContext, with services: Void
    ) async throws(MMError) -> OperationAnswer {
        ConnectionsList.answer(of: try await pool.registry(), in: context, input)
    }
}

/// Ends sessions of such a pool.
private struct SessionPoolReset: CatalogueOperation {
    typealias Input = Reset.Input

    let pool: SessionPoolClient
    let declaration: OperationDeclaration
    /// Whether the caller wants to be signed out, too.
    let signsOut: Bool

    func run(
        _ input: Input, in context: OperationContext, with services: Void
    ) async throws(MMError) -> OperationAnswer {
        let connection = try await pool.registry().connection(named: input.connection, for: context.call.caller.server)
        context.record.note("connection", .string(connection.name))
        var body: JSONObject = ["connection": .string(connection.name)]
        body["module"] = input.module.map { .string($0) }
        let answer = try await pool.ask("POST", "/reset", body, within: .seconds(60))
        guard answer["status"] == "success" else {
            throw MMError(.remoteFailed, answer["error"]?.string ?? "The pool did not report what it reset.")
        }
        guard signsOut else { return .value(.object(answer)) }
        return .value(
            ["status": "success", "disconnected": answer["reset"] ?? [], "count": answer["count"] ?? 0],
            notes: ["This pool only ends sessions. A sign-in that a module stores itself is kept."])
    }
}

/// Lists the sessions of such a pool.
private struct SessionPoolStatus: CatalogueOperation {
    typealias Input = Status.Input

    let pool: SessionPoolClient
    let declaration: OperationDeclaration
    /// Whether the sign-ins of this process are shown as well.
    let showsSignIns: Bool

    func run(
        _ input: Input, in context: OperationContext, with services: SessionServices
    ) async throws(MMError) -> OperationAnswer {
        let registry = try await pool.registry()
        let server = context.call.caller.server
        var shown = server.map { registry.visible(to: $0) } ?? registry.connections
        if let name = input.connection { shown = [try registry.connection(named: name, for: server)] }
        var rows: [SessionRow] = []
        if showsSignIns {
            // Requests are signed in here, and only for connections that are also in this user's own registry.
            let own = try services.registry.snapshot()
            let known = shown.compactMap { try? own.connection(named: $0.name, for: server) }
            rows = await Status.rows(of: known, in: context, services)
        }
        let names = Set(shown.map(\.name))
        for row in try await pool.ask("GET", "/status", within: .seconds(30))["sessions"]?.array ?? [] {
            guard let session = row["session_id"]?.string, let cut = session.lastIndex(of: "/"),
                names.contains(String(session[..<cut]))
            else { continue }
            rows.append(
                SessionRow(
                    session, connection: String(session[..<cut]),
                    module: String(session[session.index(after: cut)...]),
                    state: Self.word(row["state"]?.string ?? "")))
        }
        return .value(
            .object(SessionRow.members(of: rows)), notes: SessionRow.remarks(on: rows), columns: PoolOverview.columns)
    }

    /// Translates the session-pool server's name for a state.
    private static func word(_ theirs: String) -> String {
        switch theirs {
        case "initializing": "starting"
        case "ready": "signing in"
        case "auth_pending": "waiting for a person"
        case "authenticated": "ready"
        case "error": "failed"
        default: theirs
        }
    }
}
