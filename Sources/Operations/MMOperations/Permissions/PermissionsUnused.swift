import MMCore
import MMGuard
import MMIdentity

/// `permissions_unused`: lists permissions on Graph that were granted to a connection but not used according to the
/// audit log.
struct PermissionsUnused: CatalogueOperation {
    struct Input: OperationInput {
        @Argument(.connection) var connection: String
        @Argument("last", "Maximum number of audit lines to read (default 100000).", in: 1...1_000_000)
        var last = 100_000
    }

    let declaration = OperationDeclaration(
        "permissions_unused", command: ["permissions", "unused"], title: "Unused permissions",
        summary: "Compare a connection's permissions with their use in the audit log, and propose fewer.",
        effects: .init(readOnly: true, idempotent: true, openWorld: true), audience: .person,
        examples: [.init("mm permissions unused Contoso", "permissions to remove, and lower ones to use instead")]
    )

    func run(
        _ input: Input, in context: OperationContext, with services: PermissionServices
    ) async throws(MMError) -> OperationAnswer {
        let connection = try services.registry.connection(named: input.connection, in: context)
        let token = try await services.identity.token(
            for: connection, resource: .graph, options: TokenOptions(interaction: .never), deadline: context.deadline)
        guard let claims = token.claims else {
            throw MMError(
                .unsupported, "The access token of \(connection.name) can't be read, so its permissions are unknown.")
        }
        let rights = TokenRights(claims: claims)
        let cloud = try services.identity.cloud(of: connection)
        let hosts = cloud.writtenBases(of: .graph).compactMap { WebAddress($0)?.host }
        let entries = try services.audit.entries(limit: input.last) { $0["connection"]?.string == connection.name }
        let used = UsedCalls(entries, graphHosts: hosts)
        let plan = PermissionPlan(for: used.uses.map(\.call), as: rights.kind)
        let wanted = Set(plan.permissions.map(\.name))
        let drop = rights.permissions.subtracting(wanted).sorted()
        let add = wanted.subtracting(rights.permissions).sorted()
        let keep = wanted.intersection(rights.permissions).sorted()
        var members: [(String, JSONValue)] = [
            ("connection", .string(connection.name)), ("kind", .string(rights.kind.rawValue)),
            ("from", used.first.map { .string($0) } ?? .null), ("to", used.last.map { .string($0) } ?? .null),
            ("granted", Self.list(rights.permissions.sorted())), ("proposed", Self.list(wanted.sorted())),
            ("keep", Self.list(keep)), ("drop", Self.list(drop)), ("add", Self.list(add)),
            ("batches", .int(Int64(used.batches))), ("unknown", Self.list(used.unknown.sorted())),
        ]
        members.append(("used", .array(used.uses.map { .object(Self.row(of: $0, rights)) })))
        return OperationAnswer(
            .value(.object(JSONObject(members))), notes: notes(on: used, connection),
            text: Self.text(used, rights, keep: keep, drop: drop, add: add), connection: connection.name)
    }

    /// Returns notes about the reliability of the proposal.
    private func notes(on used: UsedCalls, _ connection: Connection) -> [String] {
        guard let first = used.first, let last = used.last, !used.uses.isEmpty else {
            return [
                "The audit log shows no request of \(connection.name) to Graph, so there is nothing to compare yet."
            ]
        }
        var notes = ["Based on this machine's audit log from \(first) to \(last). Rarer requests are not included."]
        if used.batches > 0 {
            notes.append(
                "\(used.batches) batches were sent. The log doesn't list all their items, so permissions for them may be missing here."
            )
        }
        if !used.unknown.isEmpty {
            notes.append(
                "The permissions for \(used.unknown.count.counted("kind of request", "kinds of requests")) are "
                    + "unknown: see `unknown`."
            )
        }
        notes.append("Other programs and machines that use the same app are not included.")
        return notes
    }

    private static func list(_ names: [String]) -> JSONValue { .array(names.map { .string($0) }) }

    private static func row(of use: UsedCalls.Use, _ rights: TokenRights) -> JSONObject {
        [
            "request": .string(use.line), "count": .int(Int64(use.count)),
            "least": use.call.choice(for: rights.kind)?.advised.map { .string($0.name) } ?? .null,
        ]
    }

    private static func text(
        _ used: UsedCalls, _ rights: TokenRights, keep: [String], drop: [String], add: [String]
    ) -> String {
        guard !used.uses.isEmpty else { return "Granted: \(rights.permissions.sorted().joined(separator: ", "))" }
        func line(_ title: String, _ names: [String]) -> String {
            "\(title)  \(names.isEmpty ? "nothing" : names.joined(separator: ", "))"
        }
        return [
            line("keep", keep), line("drop", drop), line("add ", add), "", "Used permissions:",
            TableText.text(
                of: used.uses.sorted { $0.count > $1.count }.map { row(of: $0, rights) },
                columns: ["request", "count", "least"]),
        ].joined(separator: "\n")
    }
}

/// A connection's calls to Graph in the audit log, and the period covered.
struct UsedCalls: Sendable {
    /// A call, and how often it was made.
    struct Use: Sendable {
        let line: String
        let call: CallPermissions
        var count: Int
    }

    /// The calls with known permissions, by method and template.
    private(set) var uses: [Use] = []
    /// The calls that no table contains.
    private(set) var unknown: Set<String> = []
    /// The number of batches whose items are not all in the audit log: those of PowerShell sessions, and long ones.
    private(set) var batches = 0
    /// The times of the first and the last line of the connection.
    private(set) var first: String?
    private(set) var last: String?

    /// Reads the connection's lines of the audit log.
    /// - Parameters:
    ///   - entries: the lines, oldest first.
    ///   - graphHosts: the hosts of Graph, for requests that PowerShell sessions sent.
    init(_ entries: [JSONObject], graphHosts: [String]) {
        var places: [String: Int] = [:]
        for entry in entries {
            if let time = entry["time"]?.string {
                first = first ?? time
                last = time
            }
            guard let method = entry["method"]?.string, let path = entry["path"]?.string,
                Self.isGraph(entry, graphHosts),
                Self.wasAnswered(entry)
            else { continue }
            guard let target = try? RequestTarget(parsing: path, service: .graph, normalization: .clean) else {
                continue
            }
            if let items = entry["items"] {
                for item in BatchItems(recorded: items).items { add(item.method, item.target, &places) }
                if entry["itemsCount"] != nil { batches += 1 }
            } else if target.segments.last?.lowercased() == "$batch" {
                batches += 1
            } else {
                add(method, target, &places)
            }
        }
    }

    private mutating func add(_ method: String, _ target: RequestTarget, _ places: inout [String: Int]) {
        guard let call = PermissionTable.standard.permissions(method, target) else {
            unknown.insert("\(method) \(target.path)")
            return
        }
        let line = "\(method) \(call.template)"
        if let place = places[line] {
            uses[place].count += 1
        } else {
            places[line] = uses.count
            uses.append(Use(line: line, call: call, count: 1))
        }
    }

    private static func isGraph(_ entry: JSONObject, _ hosts: [String]) -> Bool {
        if let host = entry["host"]?.string { return hosts.contains(host.lowercased()) }
        return entry["module"]?.string == "graph-api"
    }

    /// Whether the request succeeded; a refused request doesn't show that a granted permission is needed.
    private static func wasAnswered(_ entry: JSONObject) -> Bool {
        if let status = entry["status"]?.int { return (200..<400).contains(status) }
        return ["done", CallAudit.withErrors].contains(entry["outcome"]?.string)
    }
}
