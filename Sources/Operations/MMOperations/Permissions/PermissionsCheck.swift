import MMCore
import MMGuard
import MMIdentity

/// `permissions_check`: reports what a connection can do with its tokens.
struct PermissionsCheck: CatalogueOperation {
    struct Input: OperationInput {
        @Argument(.connection) var connection: String
    }

    let declaration = OperationDeclaration(
        "permissions_check", command: ["permissions", "check"], title: "Check a connection's permissions",
        summary: "Show what a connection can read and change, and which permission or role is missing.",
        effects: .init(readOnly: true, idempotent: true, openWorld: true),
        examples: [
            .init("mm permissions check Contoso", "for each area: yes, or what is missing"),
            .init(
                "mm permissions check Contoso --json --jq '.areas[] | select(.write==\"no\")'", "what it can't change"),
        ]
    ).unlisted.forSeveral(.init(rows: "areas"))

    func run(
        _ input: Input, in context: OperationContext, with services: PermissionServices
    ) async throws(MMError) -> OperationAnswer {
        let connection = try services.registry.connection(named: input.connection, in: context)
        let options = TokenOptions(interaction: .never)
        let token = try await services.identity.token(
            for: connection, resource: .graph, options: options, deadline: context.deadline)
        guard let claims = token.claims else {
            throw MMError(
                .unsupported, "The access token of \(connection.name) can't be read, so its permissions are unknown.",
                hint: "Try the request: if it is refused, the error names what is missing.")
        }
        let rights = TokenRights(claims: claims)
        var rows = PermissionArea.all.map { Self.row(of: $0, rights) }
        for (name, resource) in [("Exchange cmdlets", ServiceResource.exchange), ("Azure", .arm), ("flows", .flow)] {
            rows.append(await row(of: name, resource, connection, services.identity))
        }
        let roles = rights.roles(in: .standard).map(\.name)
        let value: JSONValue = [
            "connection": .string(connection.name), "kind": .string(rights.kind.rawValue),
            "permissions": .array(rights.permissions.sorted().map { .string($0) }),
            "roles": .array(roles.map { .string($0) }), "areas": .array(rows.map { .object($0) }),
        ]
        var notes = [
            "\(connection.name) signs in \(rights.kind == .application ? "as an app" : "as a person") with "
                + "\(rights.permissions.count) Graph permissions"
                + (roles.isEmpty ? "." : " and the role \(roles.joined(separator: ", ")).")
        ]
        if rights.kind == .work {
            notes.append("A signed-in person reaches only the mail, files, chats and teams that this person may open.")
        }
        return OperationAnswer(
            .value(value), notes: notes,
            text: TableText.text(of: rows, columns: ["area", "read", "write", "missing"]),
            connection: connection.name)
    }

    private static func row(of area: PermissionArea, _ rights: TokenRights) -> JSONObject {
        var row: JSONObject = ["area": .string(area.name)]
        var missing: [String] = []
        for (key, request) in [("read", area.reading), ("write", area.writing)] {
            guard let request, let reach = PermissionReach(request, of: rights) else {
                row[key] = "–"
                continue
            }
            row[key] = .string(reach.outcome.rawValue)
            switch reach.outcome {
            case .yes, .never: break
            case .no: missing.append(reach.permission ?? "")
            case .role: missing.append("role \(reach.role ?? "")")
            }
        }
        var seen: Set<String> = []
        row["missing"] = .string(missing.filter { seen.insert($0).inserted }.joined(separator: "; "))
        return row
    }

    /// Returns the row of a service with roles of its own, for which the token's permissions alone don't decide.
    private func row(
        of name: String, _ resource: ServiceResource, _ connection: Connection, _ identity: IdentityService
    ) async -> JSONObject {
        let rights = await identity.rights(of: connection, on: resource, deadline: .after(.seconds(10)))
        let wanted: [String] =
            switch resource {
            case .exchange: rights?.kind == .application ? ["Exchange.ManageAsApp"] : ["Exchange.Manage"]
            case .arm: rights?.kind == .application ? [] : ["user_impersonation"]
            default: ["Flows.Read.All", "Flows.Manage.All", "User"]
            }
        guard let rights else {
            return ["area": .string(name), "read": "no", "write": "no", "missing": "a person must sign in first"]
        }
        let isThere = wanted.isEmpty || wanted.contains { want in rights.permissions.contains { $0.hasPrefix(want) } }
        return [
            "area": .string(name), "read": isThere ? "by role" : "no", "write": isThere ? "by role" : "no",
            "missing": isThere ? "" : .string(wanted.first ?? ""),
        ]
    }
}

/// An area of administration with Graph, represented by one call each for reading and changing it.
struct PermissionArea: Sendable {
    let name: String
    let reading: String?
    let writing: String?

    private init(_ name: String, _ reading: String?, _ writing: String? = nil) {
        self.name = name
        self.reading = reading
        self.writing = writing
    }

    /// The areas, the most common first.
    static let all: [PermissionArea] = [
        PermissionArea("users", "GET /users", "PATCH /users/{id}"),
        PermissionArea("guests", nil, "POST /invitations"),
        PermissionArea("groups", "GET /groups", "PATCH /groups/{id}"),
        PermissionArea("group members", "GET /groups/{id}/members", "POST /groups/{id}/members/$ref"),
        PermissionArea("licences", "GET /subscribedSkus", "POST /users/{id}/assignLicense"),
        PermissionArea("mail", "GET /users/{id}/messages", "PATCH /users/{id}/messages/{id}"),
        PermissionArea("sending mail", nil, "POST /users/{id}/sendMail"),
        PermissionArea("mailbox settings", "GET /users/{id}/mailboxSettings", "PATCH /users/{id}/mailboxSettings"),
        PermissionArea("calendars", "GET /users/{id}/events", "POST /users/{id}/events"),
        PermissionArea("contacts", "GET /users/{id}/contacts", "POST /users/{id}/contacts"),
        PermissionArea("files", "GET /drives/{id}/items/{id}", "PATCH /drives/{id}/items/{id}"),
        PermissionArea("sites", "GET /sites/{id}/lists", "POST /sites/{id}/lists"),
        PermissionArea("teams", "GET /teams/{id}", "PATCH /teams/{id}"),
        PermissionArea(
            "channel messages", "GET /teams/{id}/channels/{id}/messages", "POST /teams/{id}/channels/{id}/messages"),
        PermissionArea("chats", "GET /chats/{id}/messages", "POST /chats/{id}/messages"),
        PermissionArea("tasks", "GET /users/{id}/todo/lists", "POST /users/{id}/todo/lists"),
        PermissionArea(
            "devices", "GET /deviceManagement/managedDevices", "POST /deviceManagement/managedDevices/{id}/syncDevice"),
        PermissionArea(
            "device settings", "GET /deviceManagement/deviceConfigurations",
            "POST /deviceManagement/deviceConfigurations"),
        PermissionArea("apps", "GET /applications", "PATCH /applications/{id}"),
        PermissionArea("enterprise apps", "GET /servicePrincipals", "PATCH /servicePrincipals/{id}"),
        PermissionArea("app consents", "GET /oauth2PermissionGrants", "DELETE /oauth2PermissionGrants/{id}"),
        PermissionArea(
            "roles", "GET /roleManagement/directory/roleAssignments", "POST /roleManagement/directory/roleAssignments"),
        PermissionArea(
            "sign-in methods", "GET /users/{id}/authentication/methods",
            "DELETE /users/{id}/authentication/phoneMethods/{id}"),
        PermissionArea(
            "conditional access", "GET /identity/conditionalAccess/policies",
            "PATCH /identity/conditionalAccess/policies/{id}"),
        PermissionArea("sign-in log", "GET /auditLogs/signIns"),
        PermissionArea("audit log", "GET /auditLogs/directoryAudits"),
        PermissionArea(
            "risky users", "GET /identityProtection/riskyUsers", "POST /identityProtection/riskyUsers/dismiss"),
        PermissionArea("security alerts", "GET /security/alerts_v2", "PATCH /security/alerts_v2/{id}"),
        PermissionArea("usage reports", "GET /reports/getOffice365ActiveUserDetail(period='D7')"),
        PermissionArea("service health", "GET /admin/serviceAnnouncement/healthOverviews"),
        PermissionArea("domains", "GET /domains", "PATCH /domains/{id}"),
        PermissionArea("organization", "GET /organization", "PATCH /organization/{id}"),
        PermissionArea("SharePoint settings", "GET /admin/sharepoint/settings", "PATCH /admin/sharepoint/settings"),
    ]
}
