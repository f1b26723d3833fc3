package import MMCore

extension OperationDeclaration {
    /// The declaration of `connections`.
    package static let connections = OperationDeclaration(
        "connections", aliases: ["mm_connections"], command: ["connections", "list"], title: "Connections",
        summary: "List the available Microsoft 365 connections.",
        description:
            "Lists the connections (name, description). The other tools take a name as `connection`; there is no default.",
        effects: .init(readOnly: true, idempotent: true),
        examples: [.init("mm connections list", "names, tenants and accounts")]
    ).kept(by: .owner).answering(withoutPool: .lists).listing("connections")
}

/// `connections`: lists the names and descriptions of the connections that the caller may use.
package struct ConnectionsList: CatalogueOperation {
    package struct Input: OperationInput {
        @Argument("search", "List those that match words.") package var search: String?
        @Argument("tag", "List only connections with this tag.", .notForModels, .completes(.tags)) package var tag:
            String?

        /// Creates an input without arguments.
        package init() {}
    }

    package let declaration = OperationDeclaration.connections

    package func run(
        _ input: Input, in context: OperationContext, with registry: ConnectionRegistry
    ) async throws(MMError) -> OperationAnswer {
        let snapshot = try registry.snapshot()
        if let tag = input.tag {
            let tags = Self.visible(of: snapshot, in: context).reduce(into: Set<String>()) { $0.formUnion($1.tags) }
            try ListFilter.check(tag, "tag", among: tags.sorted(), of: "connection")
        }
        return Self.answer(of: snapshot, in: context, input)
    }

    private static func visible(of snapshot: RegistrySnapshot, in context: OperationContext) -> [Connection] {
        context.call.caller.server.map { snapshot.visible(to: $0) } ?? snapshot.connections
    }

    /// How many connections a model gets at once: it looks for some of them, and others look at the list.
    static let mostForModels = 50

    /// Returns the list of the connections that the caller may use. `run` and `graph_request` return it as well when
    /// called without arguments.
    package static func answer(
        of snapshot: RegistrySnapshot, in context: OperationContext, _ input: Input = Input()
    ) -> OperationAnswer {
        let server = context.call.caller.server
        let all = visible(of: snapshot, in: context)
        let search = WordSearch(input.search ?? "")
        let chosen = all.filter { connection in
            input.tag.map { connection.tags.contains($0) } ?? true
                && search.matches(
                    [connection.name, connection.description ?? ""] + connection.tags
                        + (server == nil ? [connection.tenant ?? "", connection.expectedEmail ?? ""] : []))
        }
        var notes = notes(on: snapshot, showing: all, isOwner: server == nil)
        if chosen.isEmpty, !all.isEmpty { notes.append("No connection of \(all.count) matches.") }
        let shown = context.call.caller.surface == .mcp ? chosen.prefix(mostForModels) : chosen[...]
        if shown.count < chosen.count {
            notes.append(
                "\(chosen.count) connections, of which \(shown.count) are shown. To find others by words of their "
                    + "names, descriptions and tags: `mm connections list --search WORDS`.")
        }
        let rows = shown.map { connection -> JSONValue in
            var row: JSONObject = ["name": .string(connection.name)]
            row["description"] = .string(connection.description ?? "")
            // Models get only what they need for a choice; the other keys are for the owner.
            if server == nil {
                row["tenant"] = .string(connection.tenant ?? connection.tenantId ?? "")
                row["account"] = .string(connection.expectedEmail ?? "")
                row["cloud"] = .string(connection.cloud)
                row["guard"] = .string(connection.guardPolicy.name.rawValue)
            }
            return .object(row)
        }
        return .value(
            ["connections": .array(rows)], notes: notes,
            columns: server == nil
                ? ["name", "description", "tenant", "account", "cloud", "guard"] : ["name", "description"]
        )
    }

    /// Returns notes for a list of connections: whether it is empty, and the faults of the registry.
    static func notes(on snapshot: RegistrySnapshot, showing shown: [Connection], isOwner: Bool = true) -> [String] {
        var notes: [String] = []
        // A faulty entry is registered too; its fault is reported below.
        if shown.isEmpty, !isOwner || snapshot.problems.isEmpty {
            notes.append("No connection is registered. " + RegistrySnapshot.howToAdd)
        }
        if isOwner {
            for problem in snapshot.problems {
                notes.append("\(problem.severity.rawValue): \(problem.message) \(problem.hint)")
            }
        }
        return notes
    }
}
