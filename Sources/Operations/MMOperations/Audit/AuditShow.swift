import MMCore

/// `audit_show`: shows the newest lines of the audit log.
struct AuditShow: CatalogueOperation {
    struct Input: OperationInput {
        /// The number of rows without `last`.
        static let usual = 50

        @Argument("connection", "Show only this connection.") private var connection: String?
        @Argument("operation", "Show only this operation.", .completes(.operations)) private var operation: String?
        @Argument("outcome", "Show only this outcome, such as done or denied.") private var outcome: String?
        @Argument("call", "Show only this call (`call` in its line) and each request that its script sent.")
        private var call: String?
        @Argument("last", "Maximum number of lines (default 50).", in: 1...10_000) var last = Input.usual

        /// The members and values that a line must have to be shown.
        var wanted: [(key: String, value: String)] {
            [("connection", connection), ("operation", operation), ("outcome", outcome), ("call", call)]
                .compactMap { key, value in value.map { (key, $0) } }
        }

        /// Whether the parts of calls are included.
        var includesRequests: Bool {
            call != nil || operation.map(AuditedCall.parts.contains) ?? false
        }

        func check() throws(MMError) {
            if let outcome { try AuditOutcomes.check(outcome) }
            if let operation { try AuditOutcomes.check(operation: operation) }
        }
    }

    let declaration = OperationDeclaration(
        "audit_show", command: ["audit", "show"], title: "Show the audit log",
        summary: "Show the audit log: time, client, connection and outcome of each call.",
        effects: .init(readOnly: true, idempotent: true), audience: .person,
        examples: [
            .init("mm audit show --outcome denied", "what the guard denied"),
            .init("mm audit show --call Zb3kP9xQ2a1L", "one call, and the requests that its script sent"),
            .init(
                "mm audit show --operation request --connection Contoso", "requests that the connection's sessions sent"
            ),
        ]
    ).kept(by: .log(usual: Input.usual))

    func run(
        _ input: Input, in context: OperationContext, with audit: AuditReading
    ) async throws(MMError) -> OperationAnswer {
        let (wanted, includesRequests) = (input.wanted, input.includesRequests)
        var connections: Set<String> = []
        let (entries, missing) = try await audit.entries(limit: input.last) { entry in
            if let name = entry["connection"]?.string { connections.insert(name) }
            return
                (includesRequests || AuditedCall.isCall(entry))
                && wanted.allSatisfy { name, value in
                    // A call is shown with its steps.
                    entry[name]?.string == value
                        || name == "call" && entry["partOf"]?.array?.contains(.string(value)) == true
                }
        }
        if entries.isEmpty, let name = input.wanted.first(where: { $0.key == "connection" })?.value {
            try ListFilter.check(
                connection: name, in: audit.registry, for: context.call.caller.server, written: connections)
        }
        return .value(
            .array(entries.map { .object(Self.row($0)) }),
            notes: missing
                + (entries.isEmpty && !wanted.isEmpty
                    ? ["No line matches. Run mm audit show without filters to see the newest lines."] : []),
            columns: includesRequests
                ? [
                    "time", "operation", "what", "host", "class", "status", "bytesSent", "bytesAnswered",
                    "outcome",
                ]
                : [
                    "time", "client", "person", "connection", "what", "verdict", "confirmedBy", "outcome", "operation",
                    "surface", "durationMilliseconds", "call",
                ])
    }

    /// Returns a line of the log, with a member that describes the action.
    private static func row(_ entry: JSONObject) -> JSONObject {
        var row = entry
        row["what"] = .string(AuditedCall.what(entry))
        row["person"] = row["person"] ?? row["user"]
        return row
    }
}

/// The valid words of the log's lines. A misspelt word is an error, since an empty result would look like good news.
enum AuditOutcomes {
    /// The outcomes that a line can have.
    private static let outcomes: [String] =
        ["done", CallAudit.withErrors, "begun", "unknown", "refused", "confirmed", "allowed", "revoked"]
        + MMErrorCode.known.map(\.word)

    /// The operations of lines that don't belong to a call of an operation.
    private static let parts = AuditedCall.parts + ["confirm", "legacy_confirm"]

    /// - Throws: `invalidInput` with the valid outcomes.
    static func check(_ outcome: String) throws(MMError) {
        guard !outcome.hasPrefix("approved by ") else { return }
        try ListFilter.check(outcome, "outcome", among: outcomes, of: "line")
    }

    /// - Throws: `invalidInput` with the valid operations.
    static func check(operation: String) throws(MMError) {
        let names = Catalogue.standard.operations.map(\.declaration.name)
        try ListFilter.check(operation, "operation", among: (names + parts).sorted(), of: "line")
    }
}
