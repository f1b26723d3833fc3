import MMCore
import MMGuard

/// `allow`: a person lets requests of some classes pass on a connection for a limited time.
struct Allow: CatalogueOperation {
    struct Input: OperationInput {
        @Argument("connection", "Connection. Without it, list what is currently allowed.", .at(0))
        var connection: String?
        @Argument("classes", "Classes to allow: send, write, destructive, …", .at(1)) var classes: [String]
        @Argument("minutes", "Minutes (default 30, at most 480).", in: 1...480) var minutes = 30
        @Argument("revoke", "ID of the approval to revoke.") var revoke: String?
    }

    let declaration = OperationDeclaration(
        "allow", command: ["allow"], title: "Allow a class for a while",
        summary: "Allow a class of requests on a connection for a limited time, list what is allowed, or revoke it.",
        effects: .init(readOnly: false), audience: .person,
        examples: [
            .init("mm allow", "what is currently allowed, until when and by whom"),
            .init("mm allow Contoso send --minutes 30", "asks you, then allows sending messages for 30 minutes"),
            .init("mm allow --revoke 4fK2xQ9b", "revokes an approval"),
        ]
    ).answeringRequests

    func run(
        _ input: Input, in context: OperationContext, with services: GuardServices
    ) async throws(MMError) -> OperationAnswer {
        let requests = HeldRequests(services.ledger, paths: services.paths)
        let runbooks = RunbookShelf(services.paths)
        if let id = input.revoke, id.hasPrefix("rbk_") {
            let gone = try runbooks.revoke(id)
            context.record.note("connection", .string(gone.place.connection))
            context.record.note("outcome", "revoked")
            return .value(gone.row, notes: ["Revoked: a person is asked about \(gone.subject.title) again."])
        }
        if let id = input.revoke {
            let gone = try await requests.revoke(id)
            context.record.note("connection", .string(gone.connection))
            context.record.note("outcome", "revoked")
            return .value(
                gone.json,
                notes: ["Revoked: a person is asked about \(gone.guardClass.rawValue) on \(gone.connection) again."])
        }
        guard let name = input.connection else {
            let rows = try await requests.standing().map(Self.row) + runbooks.all().map(\.row)
            return .value(
                .array(rows),
                notes: (rows.isEmpty ? ["Nothing is currently allowed: a person is asked about each request."] : [])
                    + [await requests.note()].compactMap(\.self),
                columns: ["id", "connection", "class", "by", "until"])
        }
        let person = try context.personAtTerminal(
            to: "allow this", in: services.environment,
            hint: "Run mm allow in your own terminal, or use the pool's page.")
        let connection = try services.registry.connection(named: name, in: context)
        let classes = try Self.classes(input.classes, on: connection)
        let check = connection.personChecks.most(of: classes.map(\.rawValue))
        let title = "\(connection.name): allow \(input.classes.joined(separator: ", ")) for \(input.minutes) minutes"
        let lines = classes.map { "  \($0.rawValue): \($0.meaning)" }
        let digest = Hex.text(SHA256.digest(Array("mm allow 1\n\(title)\n\(RandomBytes.text(bytes: 16))".utf8)))
        guard
            try await person.confirm(
                ConfirmationQuestion(
                    title: title, pages: ["Allowed without asking:\n" + lines.joined(separator: "\n")],
                    reason:
                        "Until it ends, everyone who uses this connection can send such requests without being asked.",
                    check: check,
                    digest: digest))
        else { throw MMError(.denied, "You answered no: nothing is allowed.") }
        let made = try await requests.allow(
            classes, on: connection, for: .seconds(input.minutes * 60),
            by: Approver(person: ThisProcess.login, means: "terminal"), check: check)
        context.record.note("class", .string(input.classes.joined(separator: ",")))
        context.record.note("outcome", "allowed")
        return .value(
            .array(made.map(Self.row)), notes: ["To revoke it: mm allow --revoke ID"],
            columns: ["id", "connection", "class", "by", "until"])
    }

    private static func classes(_ words: [String], on connection: Connection) throws(MMError) -> [GuardClass] {
        let possible = GuardClass.allCases.filter(StandingApproval.isPossible).map(\.rawValue)
        guard !words.isEmpty else {
            throw MMError(
                .invalidInput, "Name the class to allow.", hint: "It is one of \(possible.joined(separator: ", ")).")
        }
        var classes: [GuardClass] = []
        for word in words {
            guard let one = GuardClass(word: word), StandingApproval.isPossible(one) else {
                throw MMError(
                    .invalidInput, "`\(word.prefix(40))` can't be allowed for a limited time.",
                    hint:
                        "Classes that can: \(possible.joined(separator: ", ")). For all other classes a person is asked each time."
                )
            }
            classes.append(one)
        }
        guard connection.guardPolicy.approvals.most(of: classes.map(\.rawValue)) == 1 else {
            throw MMError(
                .forbidden,
                "\(connection.name) requires two people for this class, so one person can't allow it for a limited time.",
                hint: "Both people must approve each request, on the pool's page or with mm confirm.")
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
