import MMCore
import MMGuard

/// `confirm`: a person says yes to a request that waits.
struct Confirm: Operation {
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

    func run(_ input: Input, in context: OperationContext) async throws(MMError) -> OperationAnswer {
        let ledger = context.services.ledger
        guard let token = input.token else {
            let rows = try await ledger.all().filter { $0.state == .pending }.map { pending -> JSONValue in
                [
                    "token": .string(pending.token), "connection": .string(pending.connection),
                    "module": .string(pending.module), "request": .string(String(pending.text.prefix(80))),
                    "why": .string(pending.reason), "until": .string(pending.expiresAt.iso8601),
                ]
            }
            return .value(
                .array(rows), notes: rows.isEmpty ? ["Nothing waits for a confirmation."] : [],
                columns: ["token", "connection", "module", "request", "why", "until"])
        }
        try SessionAncestry.refuseInside(context.services.environment)
        guard context.call.caller.surface == .terminal, let person = context.call.person else {
            throw MMError(
                .forbidden, "A confirmation is given by a person at a terminal, and there is none here.",
                hint: "Open a terminal of your own and run `mm confirm \(token)` there.")
        }
        let pending = try await ledger.pending(token)
        context.record.note("connection", .string(pending.connection))
        context.record.note("rule", .string(pending.rule))
        let question = ConfirmationQuestion(
            title: "Confirm for \(pending.connection)", request: pending.lines.joined(separator: "\n"),
            reason: pending.reason)
        guard try await person.confirms(question) else {
            try await ledger.refuse(token)
            return .value(
                ["confirmed": false, "connection": .string(pending.connection)], notes: ["Refused; it waits no longer."]
            )
        }
        try await ledger.approve(token, digest: pending.digest)
        return .value(
            ["confirmed": true, "connection": .string(pending.connection)],
            notes: ["The same call goes through now, once, within ten minutes."])
    }
}
