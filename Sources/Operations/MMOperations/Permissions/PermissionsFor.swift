import MMCore
import MMGuard
import MMIdentity

/// `permissions_for`: which permissions requests to Graph need, from the table that is part of the program.
struct PermissionsFor: CatalogueOperation {
    struct Input: OperationInput {
        static let fields: [InputField] = [
            InputField(
                "request", .text,
                "The request, such as GET /users; several one a line, or the body of a batch. Standard input when left out.",
                isRequired: true, at: .positional(0), readsFiles: true, namesFile: true, readsInputUnless: []),
            InputField(
                "connection", .text, "Also say whether this connection's token holds it.", at: .option("c")),
        ]
        let requests: PermissionRequests
        let connection: String?

        init(from reader: InputReader) throws(MMError) {
            requests = try PermissionRequests(parsing: reader.requiredText("request"), field: "request")
            connection = try reader.text("connection")
        }
    }

    let declaration = OperationDeclaration(
        "permissions_for", command: ["permissions", "for"], title: "Permissions of a request",
        summary: "Say which permissions a request to Graph needs, with ids and consent; sends nothing.",
        effects: .init(readOnly: true, idempotent: true),
        examples: [
            .init("mm permissions for 'GET /users'", "the least permission for people and for apps"),
            .init("mm permissions for 'PATCH /beta/users/{id}' -c Contoso", "and whether the connection has it"),
            .init("mm permissions for --file requests.txt --json", "many, one a line, and the smallest list for all"),
        ]
    ).unlisted

    func run(
        _ input: Input, in context: OperationContext, with services: PermissionServices
    ) async throws(MMError) -> OperationAnswer {
        var rights: TokenRights?
        var notes: [String] = []
        if let name = input.connection {
            let connection = try services.registry.connection(named: name, in: context)
            rights = await services.identity.rights(of: connection)
            if rights == nil { notes.append("Nobody is signed in to \(connection.name): mm login \(connection.name).") }
        }
        let sheets = input.requests.requests.map { request in
            PermissionSheet(
                request: request, call: PermissionTable.standard.permissions(request.method, request.target),
                rights: rights)
        }
        guard sheets.count > 1 else {
            return OperationAnswer(
                .value(sheets.first?.json ?? .null), notes: notes, text: sheets.first?.text)
        }
        let calls = sheets.compactMap(\.call)
        let plans = [SignInKind.work, .application].map { ($0, PermissionPlan(for: calls, as: $0)) }
        var all: JSONObject = [:]
        var lines = ["", "For all of them:"]
        for (kind, plan) in plans {
            let names = plan.permissions.map(\.name)
            all[kind == .work ? "delegated" : "application"] = .array(names.map { .string($0) })
            let closed = plan.closed.isEmpty ? "" : "; \(plan.closed.count) not possible"
            lines.append("  \(kind.title): \(names.isEmpty ? "nothing" : names.joined(separator: ", "))\(closed)")
        }
        return OperationAnswer(
            .value(["requests": .array(sheets.map(\.json)), "all": .object(all)]), notes: notes,
            text: sheets.map(\.text).joined(separator: "\n") + lines.joined(separator: "\n"))
    }
}
