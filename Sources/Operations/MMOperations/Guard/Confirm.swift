import MMCore
import MMGuard

/// `confirm`: a person confirms or declines a request that waits for it.
struct Confirm: CatalogueOperation {
    struct Input: OperationInput {
        @Argument("token", "Token from the refused call. Without it, list the waiting requests.", .at(0))
        var token: String?
        @Argument("reason", "Reason to give the caller if you decline.") var reason: String?
    }

    let declaration = OperationDeclaration(
        "confirm", command: ["confirm"], title: "Confirm a request",
        summary: "Confirm a request that the guard holds back: shows it, asks you, and allows it once.",
        effects: .init(readOnly: false), audience: .person,
        examples: [
            .init("mm confirm", "requests that wait for confirmation"),
            .init("mm confirm 7KQ2M8XAB", "shows the request and asks; no flag can answer for you"),
        ]
    ).kept(by: .confirmation).answeringRequests

    func run(
        _ input: Input, in context: OperationContext, with services: GuardServices
    ) async throws(MMError) -> OperationAnswer {
        let requests = HeldRequests(services.ledger, paths: services.paths)
        guard let token = input.token else {
            let rows = try await requests.all().map { Self.row($0.request) }
            return .value(
                .array(rows),
                notes: (rows.isEmpty ? ["Nothing waits for a confirmation."] : [])
                    + [await requests.note()].compactMap(\.self),
                columns: ["token", "connection", "module", "request", "by", "why", "approvals", "until"])
        }
        let person = try context.personAtTerminal(
            to: "confirm", in: services.environment,
            hint: "Run `mm confirm \(token)` in your own terminal.")
        let held = try await requests.held(token)
        let pending = held.request
        context.record.note("connection", .string(pending.connection))
        context.record.note("rule", .string(pending.rule))
        context.record.note("module", .string(pending.module))
        context.record.note("digest", .string(pending.digest))
        let approver = Approver(person: ThisProcess.login, means: "terminal")
        guard try await person.confirm(Self.question(pending)) else {
            try await held.ledger.refuse(token, because: input.reason, by: approver)
            context.record.note("outcome", "refused")
            return .value(
                ["confirmed": false, "connection": .string(pending.connection)],
                notes: ["Declined. The request no longer waits."]
            )
        }
        let now = try await held.ledger.approve(token, digest: pending.digest, by: approver)
        context.record.note("approvedBy", .array(now.approvers.map { .string($0.text) }))
        guard now.state == .approved else {
            context.record.note("outcome", .string("approved by \(now.approvers.count) of \(now.needed)"))
            return .value(
                [
                    "confirmed": false, "connection": .string(now.connection),
                    "approvals": .int(Int64(now.approvers.count)), "approvalsNeeded": .int(Int64(now.needed)),
                ],
                notes: ["Approved by \(now.approvers.count) of \(now.needed) people. The others must approve it too."])
        }
        context.record.note("outcome", "confirmed")
        return .value(
            ["confirmed": true, "connection": .string(pending.connection)],
            notes: ["Repeat the same call within ten minutes: it is allowed once."])
    }

    /// Returns the question for the person: what the request does, and who asked for it.
    static func question(_ pending: PendingConfirmation) -> ConfirmationQuestion {
        let shown = pending.presentation
        let reason = [shown.furtherReason, pending.requester.map { "Asked by \($0.text)." } ?? ""]
            .filter { !$0.isEmpty }.joined(separator: "\n")
        return ConfirmationQuestion(
            title: shown.title, pages: shown.pages, lines: shown.lines, reason: reason, check: pending.check,
            digest: pending.digest)
    }

    private static func row(_ pending: PendingConfirmation) -> JSONValue {
        [
            "token": .string(pending.token), "connection": .string(pending.connection),
            "module": .string(pending.module), "request": .string(pending.summary),
            "by": .string(pending.requester?.text ?? ""), "why": .string(pending.presentation.reason),
            "approvals": .string("\(pending.approvers.count) of \(pending.needed)"),
            "until": .string(pending.expiresAt.iso8601),
        ]
    }
}
