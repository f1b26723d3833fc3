import MMCore

/// `audit_show`: the newest lines of the audit chain.
struct AuditShow: Operation {
    struct Input: OperationInput {
        static let fields: [InputField] = [
            InputField("connection", .text, "Only this connection."),
            InputField("operation", .text, "Only this operation."),
            InputField("outcome", .text, "Only this outcome, such as done or denied."),
            InputField("last", .integer(1...10_000), "How many lines at most (default 50)."),
        ]
        let wanted: [(key: String, value: String)]
        let last: Int

        init(from reader: InputReader) throws(MMError) {
            var wanted: [(key: String, value: String)] = []
            for key in ["connection", "operation", "outcome"] {
                if let value = try reader.text(key) { wanted.append((key, value)) }
            }
            self.wanted = wanted
            last = try reader.integer("last") ?? 50
        }
    }

    let declaration = OperationDeclaration(
        "audit_show", command: ["audit", "show"], title: "Show the audit log",
        summary: "Show what was done: when, by which client, on which connection, with what outcome.",
        effects: .init(readOnly: true, idempotent: true), audience: .person,
        examples: [.init("mm audit show --outcome denied", "what the guard refused")]
    )

    func run(_ input: Input, in context: OperationContext) async throws(MMError) -> OperationAnswer {
        let entries = try context.services.audit.entries(most: input.last) { entry in
            input.wanted.allSatisfy { entry[$0.key]?.string == $0.value }
        }
        return .value(
            .array(entries.map { .object($0) }),
            notes: entries.isEmpty && !input.wanted.isEmpty
                ? ["No line matches. mm audit show shows the newest ones, with the words that stand there."] : [],
            columns: ["time", "operation", "connection", "outcome", "surface", "client", "durationMilliseconds"])
    }
}
