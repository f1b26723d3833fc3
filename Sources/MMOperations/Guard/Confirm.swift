import MMCore
import MMGuard

/// `confirm`: a person says yes to a request that waits.
struct Confirm: CatalogueOperation {
    struct Input: OperationInput {
        static let fields: [InputField] = [
            InputField(
                "token", .text, "The token that came with the refused call; without one: what waits.",
                at: .positional(0))
        ]
        let token: String?

        init(from reader: InputReader) throws(MMError) {
            token = try reader.text("token")
        }
    }

    let declaration = OperationDeclaration(
        "confirm", command: ["confirm"], title: "Confirm a request",
        summary: "Confirm a request that the guard holds back: shows it, asks, and lets it through once.",
        effects: .init(readOnly: false), audience: .person,
        examples: [
            .init("mm confirm", "what waits for a person"),
            .init("mm confirm 7KQ2M8XAB", "shows the request and asks; there is no flag that says yes"),
        ]
    )

    func run(
        _ input: Input, in context: OperationContext, with services: GuardServices
    ) async throws(MMError) -> OperationAnswer {
        guard let token = input.token else {
            var rows = try await Self.waiting(in: services.ledger)
            for ledger in Self.isolatedLedgers(services) { rows += (try? await Self.waiting(in: ledger)) ?? [] }
            return .value(
                .array(rows), notes: rows.isEmpty ? ["Nothing waits for a confirmation."] : [],
                columns: ["token", "connection", "module", "request", "why", "until"])
        }
        try PersonProof.require(services.environment)
        guard context.call.caller.surface == .terminal, let person = context.call.person else {
            throw MMError(
                .forbidden, "A confirmation is given by a person at a terminal, and there is none here.",
                hint: "Open a terminal of your own and run `mm confirm \(token)` there.")
        }
        let (ledger, pending) = try await Self.pending(token, services)
        context.record.note("connection", .string(pending.connection))
        context.record.note("rule", .string(pending.rule))
        context.record.note("module", .string(pending.module))
        context.record.note("digest", .string(pending.digest))
        let question = ConfirmationQuestion(pending.presentation, check: pending.check, digest: pending.digest)
        guard try await person.confirm(question) else {
            try await ledger.refuse(token)
            context.record.note("outcome", "refused")
            return .value(
                ["confirmed": false, "connection": .string(pending.connection)], notes: ["Refused; it waits no longer."]
            )
        }
        try await ledger.approve(token, digest: pending.digest)
        context.record.note("outcome", "confirmed")
        return .value(
            ["confirmed": true, "connection": .string(pending.connection)],
            notes: ["The same call goes through now, once, within ten minutes."])
    }

    private static func waiting(in ledger: ConfirmationLedger) async throws(MMError) -> [JSONValue] {
        try await ledger.all().filter { $0.state == .pending }.map { pending -> JSONValue in
            [
                "token": .string(pending.token), "connection": .string(pending.connection),
                "module": .string(pending.module), "request": .string(pending.summary),
                "why": .string(pending.presentation.reason), "until": .string(pending.expiresAt.iso8601),
            ]
        }
    }

    /// The entry of a token, and the ledger that holds it.
    /// - Throws: `notFound` when no such request waits.
    private static func pending(_ token: String, _ services: GuardServices) async throws(MMError) -> (
        ConfirmationLedger, PendingConfirmation
    ) {
        do throws(MMError) {
            let pending = try await services.ledger.pending(token)
            return (services.ledger, pending)
        } catch {
            guard error.code == .notFound else { throw error }
            for ledger in isolatedLedgers(services) {
                if let pending = try? await ledger.pending(token) { return (ledger, pending) }
            }
            throw error
        }
    }

    /// The ledgers of the pools that serve one connection each: what they hold back waits for the same person. A session
    /// may have spoilt its own; that is no reason not to show the others.
    private static func isolatedLedgers(_ services: GuardServices) -> [ConfirmationLedger] {
        let root = services.paths.isolatedDirectory
        let folders = (try? FolderListing.names(in: root))?.sorted() ?? []
        return folders.map { ConfirmationLedger(path: "\(root)/\($0)/home/.m365-state/confirmations.json") }
    }
}
