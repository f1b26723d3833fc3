import MMCore
import MMGuard
import MMIdentity

/// `permissions_for`: returns the permissions that requests to Graph need, from the built-in table.
struct PermissionsFor: CatalogueOperation {
    struct Input: OperationInput {
        @Argument(
            "request",
            "A request, such as GET /users; several requests, one a line; or a batch body (default: standard input).",
            .at(0), .readsFiles, .namesFile, .readsInput(unless: []))
        var requests: PermissionRequests
        @Argument("connection", "Also show whether this connection's access token has them.", .short("c"))
        var connection: String?
    }

    let declaration = OperationDeclaration(
        "permissions_for", command: ["permissions", "for"], title: "Permissions of a request",
        summary: "Show which permissions a Graph request needs, with ids and consent. Nothing is sent.",
        effects: .init(readOnly: true, idempotent: true),
        examples: [
            .init("mm permissions for 'GET /users'", "the least permission, delegated and for apps"),
            .init("mm permissions for 'PATCH /beta/users/{id}' -c Contoso", "also whether the connection has it"),
            .init(
                "mm permissions for --file requests.txt --json",
                "many requests, one a line, and the fewest permissions for all"),
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
            if rights == nil {
                notes.append(
                    "Nobody is signed in to \(connection.name): mm login \(ShellWord.quoted(connection.name)).")
            }
        }
        let sheets = input.requests.requests.map { request in
            PermissionSheet(
                request: request, call: PermissionTable.standard.permissions(request.method, request.target),
                rights: rights)
        }
        var answer = Self.answer(sheets)
        answer.notes = notes
        // Requests that no table contains are missing from the lists, so the incomplete result has a failure status.
        if sheets.contains(where: { $0.call == nil }) { answer.exitStatus = 1 }
        return answer
    }

    private static func answer(_ sheets: [PermissionSheet]) -> OperationAnswer {
        guard sheets.count > 1 else {
            return OperationAnswer(.value(sheets.first?.json ?? .null), text: sheets.first?.text)
        }
        let calls = sheets.compactMap(\.call)
        let plans = [SignInKind.work, .application].map { ($0, PermissionPlan(for: calls, as: $0)) }
        var all: JSONObject = [:]
        var lines = ["", "For all requests:"]
        for (kind, plan) in plans {
            let names = plan.permissions.map(\.name)
            all[kind == .work ? "delegated" : "application"] = .array(names.map { .string($0) })
            let closed = plan.closed.isEmpty ? "" : "; \(plan.closed.count) not possible"
            lines.append("  \(kind.title): \(names.isEmpty ? "nothing" : names.joined(separator: ", "))\(closed)")
        }
        return OperationAnswer(
            .value(["requests": .array(sheets.map(\.json)), "all": .object(all)]),
            text: sheets.map(\.text).joined(separator: "\n") + lines.joined(separator: "\n"))
    }
}

/// The permissions that a call needs, for people and programs.
struct PermissionSheet: Sendable {
    let request: PermissionRequests.Request
    let call: CallPermissions?
    /// The rights of the connection's token, if a connection was given.
    let rights: TokenRights?

    private static let kinds: [SignInKind] = [.work, .application, .personal]
    private static let mostAlternatives = 8

    /// The answer for programs.
    var json: JSONValue {
        var sheet: JSONObject = ["request": .string(request.line), "known": .bool(call != nil)]
        guard let call else { return .object(sheet) }
        sheet["template"] = .string(call.template)
        if call.isBetaOnly { sheet["betaOnly"] = true }
        for kind in Self.kinds {
            let key = kind == .work ? "delegated" : kind == .personal ? "personal" : "application"
            sheet[key] = call.choice(for: kind).map { Self.json(of: $0, kind, call) } ?? .null
        }
        if let rights {
            sheet["held"] = call.satisfied(by: rights.permissions, for: rights.kind).map { .string($0.name) } ?? false
        }
        return .object(sheet)
    }

    private static func json(of choice: PermissionChoice, _ kind: SignInKind, _ call: CallPermissions) -> JSONValue {
        var value: JSONObject = [
            "least": .array(choice.least.map { json(of: $0, kind, call) }),
            "higher": .array(choice.higher.map { .string($0.name) }),
        ]
        if choice.isInferred { value["inferred"] = true }
        return .object(value)
    }

    private static func json(of permission: Permission, _ kind: SignInKind, _ call: CallPermissions) -> JSONValue {
        var value: JSONObject = [
            "name": .string(permission.name), "adminConsent": .bool(permission.needsAdministrator(for: kind)),
        ]
        if let id = permission.id(for: kind) { value["id"] = .string(id) }
        if permission.level(for: kind) > 0 { value["level"] = .int(Int64(permission.level(for: kind))) }
        if permission.isResourceSpecific { value["resourceSpecific"] = true }
        if let others = call.besides[permission.name] { value["alsoNeeds"] = .array(others.map { .string($0.name) }) }
        return .object(value)
    }

    /// The answer in words.
    var text: String {
        guard let call else {
            return
                "\(request.line)\n  The permission for this request is unknown. Check the spelling of the path and the method; "
                + "`mm endpoints WORDS` finds paths, `mm cmdlets NAME` describes cmdlets."
        }
        var lines = ["\(request.line)   (\(call.template)\(call.isBetaOnly ? ", in beta only" : ""))"]
        for kind in Self.kinds {
            let title = Self.title(kind)
            guard let choice = call.choice(for: kind) else {
                if kind != .personal { lines.append("  \(title)not possible") }
                continue
            }
            for (number, permission) in choice.least.enumerated() {
                lines.append(
                    (number == 0 ? "  \(title)" : "  or           ") + Self.text(of: permission, kind, call, choice))
            }
            let others = choice.higher.filter { !$0.isResourceSpecific }.map(\.name)
            if !others.isEmpty {
                let more = others.count - Self.mostAlternatives
                lines.append(
                    "               higher permissions: " + others.prefix(Self.mostAlternatives).joined(separator: ", ")
                        + (more > 0 ? " and \(more) more" : ""))
            }
        }
        if let rights { lines.append("  " + held(call, rights)) }
        return lines.joined(separator: "\n")
    }

    private static func title(_ kind: SignInKind) -> String {
        switch kind {
        case .work: "delegated    "
        case .application: "application  "
        case .personal: "personal     "
        }
    }

    private static func text(
        of permission: Permission, _ kind: SignInKind, _ call: CallPermissions, _ choice: PermissionChoice
    ) -> String {
        var text = permission.name
        if permission.isResourceSpecific { text += " (for an app installed in that team or chat)" }
        if choice.isInferred { text += " (inferred)" }
        text += permission.needsAdministrator(for: kind) ? ", admin consent" : ", no admin consent"
        if let id = permission.id(for: kind) { text += ", id \(id)" }
        if let others = call.besides[permission.name] {
            text += "; together with one of " + others.map(\.name).joined(separator: ", ")
        }
        return text
    }

    private func held(_ call: CallPermissions, _ rights: TokenRights) -> String {
        if let held = call.satisfied(by: rights.permissions, for: rights.kind) {
            return "The connection has \(held.name)."
        }
        guard let wanted = call.choice(for: rights.kind)?.advised else {
            return "This call is not possible with the connection's kind of sign-in."
        }
        return "The connection lacks the permission. The least one is \(wanted.name)."
    }
}

/// Requests as people write them: one on each line, or the body of a batch.
struct PermissionRequests: ArgumentValue {
    struct Request: Sendable {
        let method: String
        let target: RequestTarget

        /// Method and path.
        var line: String { "\(method) \(target.path)" }
    }

    let requests: [Request]

    private static let methods: Set<String> = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
    private static let most = 500

    static var kind: InputField.Kind { .text }

    static func read(_ name: String, from reader: InputReader) throws(MMError) -> PermissionRequests? {
        try reader.text(name).map { text throws(MMError) in try PermissionRequests(parsing: text, field: name) }
    }

    /// Reads the requests.
    /// - Parameters:
    ///   - text: `GET /users`, several such lines, JSON lines, or a batch with `requests`.
    ///   - field: the argument, for errors.
    /// - Throws: `invalidInput` with the line.
    init(parsing text: String, field: String) throws(MMError) {
        let trimmed = text.drop { $0.isWhitespace }
        var found: [Request] = []
        if trimmed.hasPrefix("{") || trimmed.hasPrefix("["), let value = try? JSONParser.parse(text) {
            for item in value.array ?? value["requests"]?.array ?? [value] {
                found.append(try Self.request(item, field))
            }
        } else {
            for line in text.split(whereSeparator: \.isNewline) {
                let words = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
                guard let first = words.first, !first.hasPrefix("#") else { continue }
                if first.hasPrefix("{"), let value = try? JSONParser.parse(String(line)) {
                    found.append(try Self.request(value, field))
                } else if words.count == 2, Self.methods.contains(first.uppercased()) {
                    found.append(try Self.request(String(first), String(words[1]), field))
                } else {
                    found.append(try Self.request("GET", String(line), field))
                }
            }
        }
        guard !found.isEmpty else {
            throw MMError(
                .invalidInput, "`\(field)` contains no request.", hint: "For example: mm permissions for 'GET /users'")
        }
        guard found.count <= Self.most else {
            throw MMError(.limitExceeded, "`\(field)` contains \(found.count) requests; the limit is \(Self.most).")
        }
        requests = found
    }

    private static func request(_ item: JSONValue, _ field: String) throws(MMError) -> Request {
        guard let url = item["url"]?.string ?? item["path"]?.string ?? item["endpoint"]?.string else {
            throw MMError(
                .invalidInput, "A request in `\(field)` has no `url`.",
                hint: #"For example: {"method": "GET", "url": "/users"}"#)
        }
        return try request(item["method"]?.string ?? "GET", url, field)
    }

    private static func request(_ method: String, _ path: String, _ field: String) throws(MMError) -> Request {
        let method = method.uppercased()
        guard methods.contains(method) else {
            throw MMError(
                .invalidInput, "`\(field)`: \(method.prefix(20)) is not an HTTP method.",
                hint: "GET, POST, PUT, PATCH or DELETE.")
        }
        return Request(method: method, target: try RequestTarget(parsing: path, service: .graph, normalization: .clean))
    }
}
