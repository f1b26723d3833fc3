import MMCore
import MMSessions

extension OperationDeclaration {
    /// The declaration of `sessions`.
    package static let sessions = OperationDeclaration(
        "sessions", aliases: ["mm_sessions"], command: ["sessions"], title: "Sessions",
        summary: "List the open sessions: PowerShell, your shells and your hosts.",
        description:
            "Lists the open sessions of PowerShell and of your own shells and hosts: state, account, number of commands, "
            + "waiting callers.",
        effects: .init(readOnly: true, idempotent: true), home: .besideSessions,
        examples: [.init("mm sessions --json", "all of them, as an array of rows")]
    ).unlisted.kept(by: .each).listing(SessionRow.list)
}

/// `sessions`: the live sessions of the pool: PowerShell, and the caller's own shells and hosts.
struct Sessions: CatalogueOperation {
    typealias Input = NoInput

    let declaration = OperationDeclaration.sessions

    func run(
        _ input: NoInput, in context: OperationContext, with services: SessionServices
    ) async throws(MMError) -> OperationAnswer {
        var rows = await Self.rows(in: context, services)
        for report in await services.shells.reports(of: context.call.shellOwner) {
            let place = report.key.place.rawValue
            rows.append(Self.row(report, "\(place)/\(report.key)", connection: nil, module: place))
        }
        let pool = services.sessions
        var answer = SessionRow.members(of: rows)
        // The spares and counters cover all callers, so only the user's own terminal sees them.
        if context.call.caller.server == nil {
            answer["spares"] = .array(await pool.readySpares.map { .string($0.description) })
            answer["counters"] = .object(Self.json(await pool.counters))
        }
        return .value(
            .object(answer), columns: ["session", "state", "account", "commands", "waiting", "engine", "memory"])
    }

    private static func json(_ counters: PoolCounters) -> JSONObject {
        [
            "commands": .int(Int64(counters.commands)), "errors": .int(Int64(counters.errors)),
            "signIns": .int(Int64(counters.signIns)), "starts": .int(Int64(counters.starts)),
            "restarts": .int(Int64(counters.restarts)), "keepAlives": .int(Int64(counters.keepAlives)),
            "keepAliveFailures": .int(Int64(counters.keepAliveFailures)), "reaped": .int(Int64(counters.reaped)),
        ]
    }

    /// Returns a row for each session that the caller may see.
    static func rows(in context: OperationContext, _ services: SessionServices) async -> [SessionRow] {
        let server = context.call.caller.server
        let visible = server.map { server in (try? services.registry.snapshot().names(visibleTo: server)) ?? []
        }
        var unrestored = services.restorer.standings
        var rows: [SessionRow] = []
        let signedIn = context.call.caller.signedIn?.id
        for report in await services.sessions.reports() where visible?.contains(report.key.connection) ?? true {
            guard signedIn == nil || report.key.signedIn == signedIn else { continue }
            var row = Self.row(
                report, report.key.description, connection: report.key.connection, module: report.key.module)
            if let standing = unrestored.removeValue(forKey: report.key) { Self.say(standing, report.state, &row) }
            rows.append(row)
        }
        for (key, standing) in unrestored.sorted(by: { $0.key < $1.key })
        where visible?.contains(key.connection) ?? true {
            var row = SessionRow(key.description, connection: key.connection, module: key.module, state: "lost")
            row.account = services.restorer.account(of: key)
            Self.say(standing, .lost, &row)
            rows.append(row)
        }
        return rows
    }

    /// Returns the row for a session of any kind.
    private static func row(
        _ report: SessionReport<some PoolKey>, _ name: String, connection: String?, module: String
    ) -> SessionRow {
        var row = SessionRow(name, connection: connection, module: module, state: report.state.word)
        row.account = report.account.flatMap { $0.isEmpty ? nil : $0 }
        row.commands = report.commands
        row.waiting = report.waiting
        row.engine = report.engine
        row.memory = report.memory
        if case .signingIn(let prompt?) = report.state {
            row.state = "waiting for a person"
            row.code = prompt["userCode"]?.string
            row.address = prompt["verificationUri"]?.string
        }
        if case .failed(let error) = report.state {
            row.reason = error.message
            if error.code == .signInNeeded { row.state = "sign-in needed" }
        }
        return row
    }

    /// Adds the state of a session that has not been restored after a restart.
    private static func say(_ standing: SessionRestorer.Standing, _ state: SessionState, _ row: inout SessionRow) {
        switch (standing, state) {
        case (.restoring, .starting), (.restoring, .signingIn(prompt: nil)), (.restoring, .lost):
            row.state = "restoring"
        case (.needsPerson, .failed): row.state = "sign-in needed"
        case (.needsPerson, .lost):
            row.state = "sign-in needed"
            row.reason = "A restart ended it, and a person must sign in again."
        case (.failed(let reason), .lost):
            row.state = "failed"
            row.reason = reason
        default: break
        }
    }
}
