import MMCore
import MMGuard

/// `allow`: a person lets requests of some classes pass on a connection for a limited time.
struct Allow: CatalogueOperation {
    struct Input: OperationInput {
        @Argument("connection", "The connection; without one: what is allowed at the moment.", .at(0))
        var connection: String?
        @Argument("classes", "What passes: send, write, destructive, …", .at(1)) var classes: [String]
        @Argument("minutes", "For how long (default 30, at most 480).", in: 1...480) var minutes = 30
        @Argument("revoke", "Take this one back.") var revoke: String?
    }

    let declaration = OperationDeclaration(
        "allow", command: ["allow"], title: "Allow a class for a while",
        summary: "Allow a class of requests on a connection for a while, list what is allowed, or take it back.",
        effects: .init(readOnly: false), audience: .person,
        examples: [
            .init("mm allow", "what is allowed at the moment, until when and by whom"),
            .init("mm allow Contoso send --minutes 30", "asks, and then lets messages through for half an hour"),
            .init("mm allow --revoke 4fK2xQ9b", "asks about each again"),
        ]
    )

    func run(
        _ input: Input, in context: OperationContext, with services: GuardServices
    ) async throws(MMError) -> OperationAnswer {
        let requests = HeldRequests(services.ledger, paths: services.paths)
        let runbooks = RunbookShelf(services.paths)
        if let id = input.revoke, id.hasPrefix("rbk_") {
            let gone = try runbooks.revoke(id)
            context.record.note("connection", .string(gone.place.connection))
            context.record.note("outcome", "revoked")
            return .value(gone.row, notes: ["\(gone.subject.title) is asked about again."])
        }
        if let id = input.revoke {
            let gone = try await requests.revoke(id)
            context.record.note("connection", .string(gone.connection))
            context.record.note("outcome", "revoked")
            return .value(
                gone.json, notes: ["\(gone.guardClass.rawValue) on \(gone.connection) is asked about again."])
        }
        guard let name = input.connection else {
            let rows = try await requests.standing().map { Self.row($0.approval) } + runbooks.all().map(\.row)
            return .value(
                .array(rows),
                notes: (rows.isEmpty ? ["Nothing is allowed for a while: each is asked about."] : [])
                    + [await requests.note()].compactMap(\.self),
                columns: ["id", "connection", "class", "by", "until"])
        }
        try PersonProof.require(services.environment)
        guard context.call.caller.surface == .terminal, let person = context.call.person else {
            throw MMError(
                .forbidden, "A person at a terminal allows this, and there is none here.",
                hint: "Open a terminal of your own and run mm allow there, or use the pool's page.")
        }
        let connection = try services.registry.connection(named: name, in: context)
        let classes = try Self.classes(input.classes, on: connection)
        let check = connection.personChecks.strongest(of: classes.map(\.rawValue))
        let title = "\(connection.name): allow \(input.classes.joined(separator: ", ")) for \(input.minutes) minutes"
        let lines = classes.map { "  \($0.rawValue): \($0.meaning)" }
        let digest = Hex.text(SHA256.digest(Array("mm allow 1\n\(title)\n\(RandomBytes.text(bytes: 16))".utf8)))
        guard
            try await person.confirm(
                ConfirmationQuestion(
                    title: title, pages: ["Passes without being asked about:\n" + lines.joined(separator: "\n")],
                    reason: "Everybody who uses this connection may do so, unseen, until it ends.", check: check,
                    digest: digest))
        else { throw MMError(.denied, "The person said no: nothing is allowed.") }
        let made = try await services.ledger.allow(
            classes, on: connection.name, as: connection.identity, for: .seconds(input.minutes * 60),
            by: Approver(person: SecurityKey.login, means: "terminal"), check: check)
        context.record.note("class", .string(input.classes.joined(separator: ",")))
        context.record.note("outcome", "allowed")
        return .value(
            .array(made.map(Self.row)), notes: ["mm allow --revoke ID takes it back."],
            columns: ["id", "connection", "class", "by", "until"])
    }

    private static func classes(_ words: [String], on connection: Connection) throws(MMError) -> [GuardClass] {
        let possible = GuardClass.allCases.filter(StandingApproval.isPossible).map(\.rawValue)
        guard !words.isEmpty else {
            throw MMError(
                .invalidInput, "Which class is to pass?", hint: "Name one of \(possible.joined(separator: ", ")).")
        }
        var classes: [GuardClass] = []
        for word in words {
            guard let one = GuardClass(word: word), StandingApproval.isPossible(one) else {
                throw MMError(
                    .invalidInput, "`\(word.prefix(40))` can't be allowed for a while.",
                    hint: "Classes that can: \(possible.joined(separator: ", ")). All others are asked about each time."
                )
            }
            classes.append(one)
        }
        guard connection.guardPolicy.approvals.most(of: classes.map(\.rawValue)) == 1 else {
            throw MMError(
                .forbidden, "\(connection.name) wants two people for this: it can't be allowed by one for a while.",
                hint: "Each request is approved by both: on the pool's page, or with mm confirm.")
        }
        return classes
    }

    private static func row(_ approval: StandingApproval) -> JSONValue {
        [
            "id": .string(approval.id), "connection": .string(approval.connection),
            "class": .string(approval.guardClass.rawValue), "by": .string(approval.approver.text),
            "until": .string(approval.expiresAt.iso8601),
        ]
    }
}
