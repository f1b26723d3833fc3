import MMCore

/// `audit_mine`: lists the caller's newest calls in the audit log.
struct AuditMine: CatalogueOperation {
    struct Input: OperationInput {
        /// The number of rows without `last`.
        static let usual = 20

        @Argument("connection", "Show only this connection.") var connection: String?
        @Argument("outcome", "Show only this outcome, such as done or denied.") var outcome: String?
        @Argument("last", "Maximum number of calls (default 20).", in: 1...1_000) var last = Input.usual

        func check() throws(MMError) {
            if let outcome { try AuditOutcomes.check(outcome) }
        }
    }

    let declaration = OperationDeclaration(
        "audit_mine", command: ["audit", "mine"], title: "Own calls",
        summary: "Show this client's own calls: time, connection and outcome.",
        effects: .init(readOnly: true, idempotent: true),
        examples: [.init("mm audit mine --outcome denied", "what the guard denied to this terminal")]
    ).kept(by: .log(usual: Input.usual)).unlisted

    func run(
        _ input: Input, in context: OperationContext, with audit: AuditReading
    ) async throws(MMError) -> OperationAnswer {
        let caller = context.call.caller
        var connections: Set<String> = []
        // A call that changes something has two lines.
        let (lines, missing) = try await audit.entries(limit: input.last * 2) { entry in
            // The steps of a recipe are not calls of the client.
            guard Self.isOwn(entry, of: caller), AuditedCall.isCall(entry), entry["step"] == nil else { return false }
            if let name = entry["connection"]?.string { connections.insert(name) }
            return (input.connection.map { entry["connection"]?.string == $0 } ?? true)
                && (input.outcome.map { entry["outcome"]?.string == $0 } ?? true)
        }
        let entries = Self.calls(in: lines).suffix(input.last)
        if entries.isEmpty, let name = input.connection {
            try ListFilter.check(connection: name, in: audit.registry, for: caller.server, written: connections)
        }
        let rows = entries.map { entry -> JSONValue in
            var row: JSONObject = ["time": entry["time"] ?? .null, "what": .string(AuditedCall.what(entry))]
            for name in ["connection", "outcome", "verdict", "class", "confirmedBy", "change", "changes", "call"] {
                row[name] = entry[name]
            }
            return .object(row)
        }
        return OperationAnswer(
            .value(.array(rows)),
            notes: missing + (rows.isEmpty ? ["The audit log has no matching call from this client."] : []),
            columns: ["time", "connection", "what", "outcome", "call"])
    }

    /// Returns one line for each call: the line for its beginning only if it hasn't ended.
    private static func calls(in lines: [JSONObject]) -> [JSONObject] {
        let ended = Set(lines.filter { $0["outcome"] != "begun" }.compactMap { $0["call"]?.string })
        return lines.filter { line in
            line["outcome"] != "begun" || !(line["call"]?.string.map(ended.contains) ?? false)
        }
    }

    /// Returns whether a call belongs to the caller: for a signed-in caller all its own calls, for others those of the
    /// same client.
    private static func isOwn(_ entry: JSONObject, of caller: Caller) -> Bool {
        if let principal = caller.signedIn { return entry["principal"]?.string == principal.id }
        return entry["principal"] == nil && entry["surface"]?.string == caller.surface.rawValue
            && entry["client"]?.string == caller.name
    }
}
