package import MMCore
import MMIdentity

extension OperationDeclaration {
    /// The declaration of `status`.
    package static let status = OperationDeclaration(
        "status", aliases: ["mm_status"], command: ["status"], title: "Status",
        summary: "Show which connections are signed in, with which account, and which sign-ins are pending.",
        description: "Shows each connection's sessions: state, account, code and address of a pending sign-in.",
        effects: .init(readOnly: true, idempotent: true), home: .besideSessions,
        examples: [
            .init("mm status", "all connections"), .init("mm status Contoso --json", "one connection, for a script"),
            .init(
                "mm status --check --connections tag:msp", "connections with a tag, checked with the sign-in service"),
            .init("mm status --check", "ends with 3 if a person must sign in, with 1 if something else is wrong"),
        ]
    ).kept(by: .eachConnection)
}

/// `status`: shows which connections are signed in, as whom, and which wait for a person.
package struct Status: CatalogueOperation {
    package struct Input: OperationInput {
        @Argument("connection", "Show only this connection.", .at(0), .orSeveral) package var connection: String?
        /// Whether the sign-in service is asked as well.
        @Argument(
            "check", "Also check with the sign-in service, not only with this machine's files.", .notForModels)
        var checks: Bool

        /// Creates an input without arguments.
        package init() {}
    }

    package let declaration = OperationDeclaration.status

    package func run(
        _ input: Input, in context: OperationContext, with services: SessionServices
    ) async throws(MMError) -> OperationAnswer {
        let connections: [Connection]
        var notes: [String] = []
        if let text = input.connection {
            connections = try ConnectionSelection.connections(text, in: services.registry, context)
        } else {
            let snapshot = try services.registry.snapshot()
            let server = context.call.caller.server
            connections = server.map { snapshot.visible(to: $0) } ?? snapshot.connections
            notes = ConnectionsList.notes(on: snapshot, showing: connections, isOwner: server == nil)
        }
        let check = SignInCheck(identity: services.identity, asks: true, deadline: context.deadline)
        let found = input.checks ? await check.states(of: connections) : [:]
        var rows = await Self.rows(of: connections, in: context, services, found)
        if input.connection == nil, context.call.caller.surface == .mcp, rows.count > ConnectionsList.mostForModels {
            // A model looks for what is signed in and what waits.
            let told = rows.filter { $0.isInUse || $0.remark != nil }
            if told.count < rows.count {
                notes.append(
                    (rows.count - told.count).counted(
                        "connection that isn't signed in is", "connections that aren't signed in are") + " left out. "
                        + "A call signs in to them.")
            }
            rows = told
        }
        var answer = OperationAnswer.value(
            .object(SessionRow.members(of: rows)), notes: notes + SessionRow.remarks(on: rows),
            columns: PoolOverview.columns)
        let faults = found.values.compactMap { state in
            if case .unusable(let error) = state { error.code } else { nil }
        }
        if let first = faults.first {
            let needPersonAlone = faults.allSatisfy { $0 == .signInNeeded }
            answer.exitStatus = needPersonAlone ? MMError(first, "").exitCode : 1
        }
        return answer
    }

    /// Returns rows for the sign-ins and sessions of some connections.
    package static func rows(
        of connections: [Connection], in context: OperationContext, _ services: SessionServices
    ) async -> [SessionRow] {
        await rows(of: connections, in: context, services, [:])
    }

    /// - Parameter found: the state according to the sign-in service, where it was asked.
    private static func rows(
        of connections: [Connection], in context: OperationContext, _ services: SessionServices,
        _ found: [String: SignInState]
    ) async -> [SessionRow] {
        var rows: [SessionRow] = []
        for connection in connections {
            if let lack = services.identity.lackOfSignIn(of: connection) {
                let name = connection.name
                rows.append(
                    SessionRow("\(name)/graph-api", connection: name, module: "graph-api", state: lack.word))
                continue
            }
            let own = await Self.state(of: connection, .graph, services.identity, until: context.deadline)
            let service = await SignInCheck.serviceState(
                found[connection.name], of: connection, by: services.identity)
            rows.append(row(connection, "graph-api", own.corrected(by: service)))
            // Power Automate shares Graph's sign-in; it has a row of its own only while it waits for a person
            // separately.
            let flow = await Self.state(of: connection, .flow, services.identity, until: context.deadline)
            if case .pending(let prompt) = flow, prompt.resource == .flow {
                rows.append(row(connection, "flow-api", flow))
            }
        }
        let names = Set(connections.map(\.name))
        return rows
            + (await Sessions.rows(in: context, services)).filter { names.contains($0.connection ?? "") }
    }

    /// Returns the state of a sign-in; a pending one is completed if the person has approved it meanwhile.
    private static func state(
        of connection: Connection, _ resource: ServiceResource, _ identity: IdentityService, until deadline: Deadline
    ) async -> SignInState {
        let state = await identity.state(of: connection, resource: resource)
        guard case .pending = state else { return state }
        do throws(MMError) {
            _ = try await identity.beginSignIn(
                connection, resource: resource, deadline: min(deadline, .after(.seconds(60))))
        } catch {
            // Whether somebody has approved it is unknown then.
            return error.code == .deadlineExceeded ? state : .unusable(error)
        }
        return await identity.state(of: connection, resource: resource)
    }

    private static func row(_ connection: Connection, _ module: String, _ state: SignInState) -> SessionRow {
        var row = SessionRow(
            "\(connection.name)/\(module)", connection: connection.name, module: module, state: "signed out")
        switch state {
        case .signedIn(let account, let expiresAt):
            // An app without a token can get one at any time, but nobody knows yet whether the service gives it one.
            row.state = account.isApp && expiresAt == nil ? "signs in when needed" : SessionRow.signedIn
            row.account = account.title
            row.until = expiresAt
        case .pending(let prompt):
            row.state = "waiting for a person"
            row.account = prompt.account
            row.until = prompt.expiresAt
            row.code = prompt.userCode
            row.address = prompt.verificationURI
        case .signedOut: break
        case .unusable(let error):
            if error.code != .signInNeeded {
                row.state = "unusable"
            } else if error.details["ended"] == true {
                row.state = "sign-in needed"
            }
            row.reason = error.message
            row.remedy = error.hint
        }
        return row
    }
}
