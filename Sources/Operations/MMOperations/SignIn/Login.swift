import MMCore
import MMIdentity

extension OperationDeclaration {
    /// The declaration of `login`.
    package static let login = OperationDeclaration(
        "login", aliases: ["mm_login"], command: ["login"], title: "Sign in",
        summary: "Sign in to a connection. If a person is needed, shows a code and an address.",
        description:
            "Signs in to a connection. If a person is needed, it returns code, address and account: show them, then call "
            + "again. Other tools sign in by themselves.",
        effects: .init(readOnly: false, idempotent: true, openWorld: true),
        examples: [
            .init("mm login Contoso", "shows the code and waits for the approval"),
            .init("mm login Contoso --renew", "signs in again, for example after a password change"),
            .init("mm login Contoso --browser", "opens a browser, if a policy refuses device codes"),
            .init("mm login Contoso --resource azure", "signs in to Azure first, if a policy differs for it"),
            .init("mm login --connections tag:msp", "connections with a tag that need it"),
            .init("mm login --all", "every connection that needs it; exit code 1 when one failed"),
        ]
    )
}

/// `login`: signs a connection in, or returns the device code that a person must enter.
struct Login: CatalogueOperation {
    struct Input: OperationInput {
        /// The connection; `nil` for all connections.
        @Argument(InputField.connection.with(.orSeveral)) var connection: String?
        @Argument(
            "resource",
            "First service: graph (default), flow, azure, powerplatform, sharepoint, exchange, an address, or an API.",
            .notForModels, .completes(.services))
        var resource = SignInResource.graph
        @Argument("all", "Sign in every connection that needs it.", .notForModels) private var isForAll: Bool
        @Argument("renew", "Start again with a new code.") var renew: Bool
        /// The requested sign-in method; `nil` for the one of the connection's entry.
        @Argument(
            [
                InputField(
                    "browser", .flag,
                    "Sign in with a browser on this machine, even if the connection is set to another way.",
                    .notForModels),
                InputField(
                    "deviceCode", .flag, "Sign in with a device code, even if the connection is set to another way.",
                    .notForModels),
            ], absent: .some(nil), reading: SignInMethod.chosen)
        var method: SignInMethod?

        func check() throws(MMError) {
            switch (connection, isForAll) {
            case (nil, false):
                throw MMError(
                    .invalidInput, "login needs the argument `connection`.",
                    hint: "Usage: mm login CONNECTION (`mm connections list` shows the names), or mm login --all.",
                    details: ["field": "connection"])
            case (_?, true):
                throw MMError(
                    .invalidInput, "`all` can't be combined with a connection.", hint: "Leave out one of the two.",
                    details: ["field": "all"])
            default: break
            }
        }
    }

    let declaration = OperationDeclaration.login

    func run(
        _ input: Input, in context: OperationContext, with services: ConnectionServices
    ) async throws(MMError) -> OperationAnswer {
        if context.call.waitsForSignIn, context.call.person != nil { try services.identity.checkSurroundings() }
        guard let name = input.connection else {
            return try await LoginAll(input: input, context: context, services: services).run()
        }
        if try ConnectionSelection(name, in: try services.registry.snapshot()) != nil {
            let chosen = try ConnectionSelection.connections(name, in: services.registry, context)
            return try await LoginAll(input: input, context: context, services: services, chosen: chosen).run()
        }
        let connection = try services.registry.connection(named: name, in: context)
        let identity = services.identity
        let resource = try input.resource.resource(of: connection, in: identity)
        let account: SignedInAccount
        if context.call.waitsForSignIn, let person = context.call.person {
            account = try await identity.signIn(
                to: connection, resource: resource, renewing: input.renew, by: input.method,
                deadline: context.deadline,
                telling: { prompt in await person.showSignIn(await identity.details(of: prompt, for: connection)) })
        } else if case .browser = input.method {
            throw MMError(
                .invalidInput, "A browser can only be opened for a person at a terminal.",
                hint: "In a terminal: mm login \(ShellWord.quoted(connection.name)) --browser.",
                details: ["connection": .string(connection.name), "field": "browser"])
        } else {
            switch try await identity.continueSignIn(
                connection, resource: resource, renewing: input.renew, deadline: context.deadline)
            {
            case .signedIn(let signedIn): account = signedIn
            case .waiting(let prompt): throw await Self.waiting(prompt, for: connection, identity)
            }
        }
        return .value(.object(Self.row(of: account, on: connection)))
    }

    /// Returns the error of a call that a person has to complete.
    fileprivate static func waiting(
        _ prompt: SignInPrompt, for connection: Connection, _ identity: IdentityService
    ) async -> MMError {
        var error = prompt.error(now: .now)
        if let warning = await identity.pinWarning(of: connection) {
            error.message += " " + warning
            error.details["warning"] = .string(warning)
        }
        return error
    }

    /// Returns the answer for a connection that is signed in.
    fileprivate static func row(of account: SignedInAccount, on connection: Connection) -> JSONObject {
        [
            "connection": .string(connection.name), "state": .string(SessionRow.signedIn),
            "account": .string(account.title),
            "tenantId": .string(account.tenantID),
        ]
    }
}

/// The service that a sign-in is for, as a person names it: one that `graph_request` takes, the URL of one, a service
/// of the cloud by its own name, or an API that the connection's entry defines.
struct SignInResource: ArgumentValue {
    private let text: String

    static let graph = SignInResource(text: "graph")

    static var kind: InputField.Kind { .text }

    static func read(_ name: String, from reader: InputReader) throws(MMError) -> SignInResource? {
        try reader.text(name).map { SignInResource(text: $0) }
    }

    /// Returns the service for a connection.
    /// - Throws: `.invalidInput` for a service that neither the connection nor its cloud has.
    func resource(of connection: Connection, in identity: IdentityService) throws(MMError) -> ServiceResource {
        let cloud = try identity.cloud(of: connection)
        if let word = RequestResource(rawValue: text.lowercased()) {
            let place = try RequestResource.place(word, of: "/", connection: connection, cloud: cloud)
            if let resource = ServiceResource(place.service, sharePointLabel: place.sharePointLabel) { return resource }
            throw MMError(
                .invalidInput, "\(connection.name) has no SharePoint host.",
                hint: "mm connections edit \(ShellWord.quoted(connection.name)) sharepoint_host=contoso, or give the "
                    + "address: --resource https://contoso.sharepoint.com.",
                details: ["connection": .string(connection.name), "field": "sharepoint_host"])
        }
        if let address = WebAddress(text),
            let place = RequestResource.place(of: address, among: RequestResource.allCases, connection, cloud),
            let resource = ServiceResource(place.service, sharePointLabel: place.sharePointLabel)
        {
            return resource
        }
        return try connection.resource(named: text)
    }
}

/// `login --all`: signs in every connection that needs it, concurrently, but one after the other where a person waits
/// at a terminal.
struct LoginAll: Sendable {
    let input: Login.Input
    let context: OperationContext
    let services: ConnectionServices
    /// The connections that are meant; `nil` for all.
    var chosen: [Connection]?

    private enum Outcome: Sendable {
        case signedIn(SignedInAccount)
        /// A person has to complete it; the error is that of a call for this connection alone.
        case waiting(SignInPrompt, MMError)
        case failed(MMError)
        /// It has no sign-in of its own.
        case lacking(IdentityService.SignInLack)
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
        report("Checking \(connections.count.counted("connection"))…")
        let standings = await check.standings(of: connections)
        var outcomes: [Outcome] = []
        var queue: [Int] = []
        for (place, standing) in standings.enumerated() {
            let isPersons = connections[place].auth.method.asksPerson
            switch standing {
            case .signedIn(let account, _):
                outcomes.append(.signedIn(account))
                if input.renew, isPersons { queue.append(place) }
            case .lacking(let lack): outcomes.append(.lacking(lack))
            case .failed(let error):
                outcomes.append(.failed(error))
                if isPersons, error.code == .signInNeeded { queue.append(place) }
            }
        }
        // A person approves one code after the other; who only passes the codes on gets many at once.
        let width = waitingPerson == nil ? SignInCheck.width : 1
        for start in stride(from: 0, to: queue.count, by: width) {
            let places = Array(queue[start...].prefix(width))
            let names = places.map { connections[$0].name }.joined(separator: ", ")
            report("\(start + places.count) of \(queue.count): \(names)")
            let signedIn = await places.map { connections[$0] }.concurrentMap { await signIn($0) }
            for (place, outcome) in zip(places, signedIn) {
                if case .failed(let error) = outcome, error.code == .cancelled { throw error }
                outcomes[place] = outcome
            }
        }
        return answer(connections, outcomes, faulty: server == nil && chosen == nil ? snapshot.problems : [])
    }

    /// The person who waits at a terminal for each sign-in; `nil` if the codes are only passed on.
    private var waitingPerson: (any ConfirmingPerson)? { context.call.waitsForSignIn ? context.call.person : nil }

    private func signIn(_ connection: Connection) async -> Outcome {
        do throws(MMError) {
            let resource = try input.resource.resource(of: connection, in: services.identity)
            guard let person = waitingPerson else {
                try context.deadline.check("signing in to \(connection.name)")
                switch try await services.identity.continueSignIn(
                    connection, resource: resource, renewing: input.renew, deadline: context.deadline)
                {
                case .signedIn(let account): return .signedIn(account)
                case .waiting(let prompt):
                    return .waiting(prompt, await Login.waiting(prompt, for: connection, services.identity))
                }
            }
            // Each sign-in has the whole time limit, however long the earlier ones took.
            let account = try await services.identity.signIn(
                to: connection, resource: resource, renewing: input.renew, by: input.method,
                deadline: .after(context.call.timeLimit), telling: { await person.showSignIn($0.details) })
            return .signedIn(account)
        } catch {
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
                row = Login.row(of: account, on: connection)
            case .waiting(let prompt, let error):
                waiting += 1
                row["error"] = .object(error.json)
                row["state"] = "waiting for a person"
                row["account"] = prompt.account.map { .string($0) }
                row["until"] = .string(prompt.expiresAt.iso8601)
                row["code"] = .string(prompt.userCode)
                row["address"] = .string(prompt.verificationURI)
                notes.append(
                    SignInText.waiting(
                        prompt.userCode, at: prompt.verificationURI, for: connection.name, as: prompt.account))
            case .lacking(let lack): row["state"] = .string(lack.word)
            case .failed(let error):
                failed += 1
                row["state"] = "failed"
                row["error"] = .object(error.json)
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
        summary = rows.isEmpty ? "No connection is registered. " + RegistrySnapshot.howToAdd : summary + "."
        var answer = OperationAnswer.value(
            ["connections": .array(rows)], notes: notes + [summary],
            columns: ["connection", "state", "account", "until", "code", "address"])
        answer.exitStatus = failed > 0 ? 1 : waiting > 0 ? MMError(.signInNeeded, "").exitCode : 0
        return answer
    }

    private func report(_ text: String) { context.call.progress(ProgressReport(done: 0, message: text)) }
}
