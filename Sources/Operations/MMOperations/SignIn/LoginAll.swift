import MMCore
import MMIdentity

/// `login --all`: signs in every connection that needs it, side by side where nobody is needed, and with the person one
/// after the other.
struct LoginAll: Sendable {
    let input: Login.Input
    let context: OperationContext
    let services: ConnectionServices
    /// Those that are meant; `nil` for every one.
    var chosen: [Connection]?

    private enum Outcome: Sendable {
        case signedIn(SignedInAccount)
        case waiting(SignInPrompt)
        case failed(MMError)
    }

    func run() async throws(MMError) -> OperationAnswer {
        let snapshot = try services.registry.snapshot()
        let server = context.call.caller.server
        let connections = chosen ?? server.map { snapshot.visible(to: $0) } ?? snapshot.connections
        let check = SignInCheck(
            identity: services.identity, asks: false, deadline: context.deadline
        ) { [input, services] (connection) throws(MMError) in
            try input.resource.resource(of: connection, in: services.identity)
        }
        report("Checking \(connections.count) connections…")
        let standings = await check.standings(of: connections)
        var outcomes: [Outcome] = []
        var queue: [Int] = []
        for (place, standing) in standings.enumerated() {
            let isPersons = connections[place].auth.method.asksPerson
            switch standing {
            case .signedIn(let account, _):
                outcomes.append(.signedIn(account))
                if input.renew, isPersons { queue.append(place) }
            case .failed(let error):
                outcomes.append(.failed(error))
                if isPersons, error.code == .signInNeeded { queue.append(place) }
            }
        }
        for (turn, place) in queue.enumerated() {
            report("\(turn + 1) of \(queue.count): \(connections[place].name)")
            outcomes[place] = try await signIn(connections[place])
        }
        return answer(connections, outcomes, faulty: server == nil && chosen == nil ? snapshot.problems : [])
    }

    private func signIn(_ connection: Connection) async throws(MMError) -> Outcome {
        do throws(MMError) {
            let resource = try input.resource.resource(of: connection, in: services.identity)
            guard context.call.waitsForSignIn, let person = context.call.person else {
                switch try await services.identity.beginSignIn(
                    connection, resource: resource, renewing: input.renew)
                {
                case .signedIn(let account): return .signedIn(account)
                case .waiting(let prompt): return .waiting(prompt)
                }
            }
            // Each has the whole time: who sits through ten of them isn't late for the last.
            let account = try await services.identity.signIn(
                connection, resource: resource, renewing: input.renew, by: input.method,
                deadline: .after(context.call.timeLimit)
            ) { await person.showSignIn($0.details) }
            return .signedIn(account)
        } catch {
            guard error.code != .cancelled else { throw error }
            return .failed(error)
        }
    }

    private func answer(
        _ connections: [Connection], _ outcomes: [Outcome], faulty: [RegistryProblem]
    ) -> OperationAnswer {
        var rows: [JSONValue] = []
        var notes: [String] = []
        var (signedIn, waiting, failed) = (0, 0, 0)
        for (connection, outcome) in zip(connections, outcomes) {
            var row: JSONObject = ["connection": .string(connection.name)]
            switch outcome {
            case .signedIn(let account):
                signedIn += 1
                row["state"] = "signed in"
                row["account"] = .string(account.title)
            case .waiting(let prompt):
                waiting += 1
                row["state"] = "waiting for a person"
                row["account"] = prompt.account.map { .string($0) }
                row["until"] = .string(prompt.expiresAt.iso8601)
                row["code"] = .string(prompt.userCode)
                row["address"] = .string(prompt.verificationURI)
            case .failed(let error):
                failed += 1
                row["state"] = "failed"
                row["reason"] = .string(error.message)
                row["remedy"] = error.hint.map { .string($0) }
                notes.append(
                    "\(connection.name): \([error.message, error.hint].compactMap(\.self).joined(separator: " "))")
            }
            rows.append(.object(row))
        }
        for problem in faulty where problem.severity == .error {
            failed += 1
            rows.append([
                "connection": .string(problem.connection ?? ""), "state": "failed",
                "reason": .string(problem.message),
            ])
            notes.append(problem.message)
        }
        var summary = "\(signedIn) signed in"
        if waiting > 0 { summary += ", \(waiting) waiting for a person" }
        if failed > 0 { summary += ", \(failed) failed" }
        if rows.isEmpty { summary = "No connection is registered. " + RegistrySnapshot.howToAdd }
        var answer = OperationAnswer.value(
            ["connections": .array(rows)], notes: notes + [summary + "."],
            columns: ["connection", "state", "account", "until", "code", "address"])
        answer.exitStatus = failed > 0 ? 1 : waiting > 0 ? MMError(.signInNeeded, "").exitCode : 0
        return answer
    }

    private func report(_ text: String) { context.call.progress(ProgressReport(done: 0, message: text)) }
}
