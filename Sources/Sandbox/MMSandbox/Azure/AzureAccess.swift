internal import MMCore
internal import MMHTTP

/// Who may do what in the subscription: the roles and their assignments.
final class AzureAccess {
    private let store: DirectoryStore
    private static let root = AzureContent.root

    init(store: DirectoryStore) { self.store = store }

    // MARK: Roles

    private struct Role {
        let id: String
        let name: String
        var actions: [String] = []
        var refused: [String] = []
        /// What it permits with the data in a resource, which no other role does.
        var data: [String] = []

        /// Returns whether the role permits an action. A pattern has at most one asterisk.
        func permits(_ wanted: AzureAction) -> Bool {
            func fits(_ pattern: String) -> Bool {
                let action = wanted.name.lowercased()
                let parts = pattern.lowercased().split(separator: "*", omittingEmptySubsequences: false)
                guard let first = parts.first, let last = parts.last, parts.count > 1 else {
                    return action == pattern.lowercased()
                }
                return action.utf8.count >= first.utf8.count + last.utf8.count && action.hasPrefix(first)
                    && action.hasSuffix(last)
            }
            guard !wanted.isOfData else { return data.contains(where: fits) }
            return actions.contains(where: fits) && !refused.contains(where: fits)
        }
    }

    private static let roles = [
        Role(id: "8e3af657-a8ff-443c-a75c-2fe8c4bcb635", name: "Owner", actions: ["*"]),
        Role(
            id: "b24988ac-6180-42a0-ab88-20f7382dd24c", name: "Contributor", actions: ["*"],
            refused: ["Microsoft.Authorization/*/Delete", "Microsoft.Authorization/*/Write"]),
        Role(id: "acdd72a7-3385-48ef-bd42-f606fba81ae7", name: "Reader", actions: ["*/read"]),
        Role(
            id: "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9", name: "User Access Administrator",
            actions: ["*/read", "Microsoft.Authorization/*"]),
        Role(
            id: "4633458b-17de-408a-b874-0445c86b69e6", name: "Key Vault Secrets User",
            data: [
                "Microsoft.KeyVault/vaults/secrets/getSecret/action",
                "Microsoft.KeyVault/vaults/secrets/readMetadata/action",
            ]),
        Role(
            id: "00482a5a-887f-4fb3-b363-3b7fe8e74483", name: "Key Vault Administrator",
            data: ["Microsoft.KeyVault/vaults/*"]),
        Role(
            id: "ba92f5b4-2d11-453d-a403-e96b0029c9fe", name: "Storage Blob Data Contributor",
            data: ["Microsoft.Storage/storageAccounts/blobServices/containers/blobs/*"]),
        Role(
            id: "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1", name: "Storage Blob Data Reader",
            data: ["Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"]),
    ]

    static let roleDefinitions: [JSONValue] = roles.map { role in
        [
            "id": .string("\(root)/providers/Microsoft.Authorization/roleDefinitions/\(role.id)"),
            "name": .string(role.id), "type": "Microsoft.Authorization/roleDefinitions",
            "properties": [
                "roleName": .string(role.name), "type": "BuiltInRole",
                "description": .string("Built-in role \(role.name)."), "assignableScopes": ["/"],
                "permissions": [
                    [
                        "actions": .array(role.actions.map { .string($0) }),
                        "notActions": .array(role.refused.map { .string($0) }),
                        "dataActions": .array(role.data.map { .string($0) }), "notDataActions": [],
                    ]
                ],
            ],
        ]
    }

    // MARK: Assignments

    /// The assignments.
    private(set) lazy var assignments: [JSONValue] = firstAssignments

    /// Those of a new tenant: the administrator owns the subscription and the data in it, one user reads it, and the
    /// app that signs in by itself contributes to it.
    private var firstAssignments: [JSONValue] {
        let app = store.servicePrincipalID(ofApp: TenantIdentity.automationApp) ?? ""
        let (owner, reader) = (store.users.row(0).id, store.users.row(3).id)
        let first = [
            ("Owner", owner), ("Reader", reader), ("Contributor", app), ("Key Vault Administrator", owner),
            ("Storage Blob Data Contributor", owner),
        ]
        return first.enumerated().compactMap { place, holder -> JSONValue? in
            guard let role = Self.roles.first(where: { $0.name == holder.0 }), !holder.1.isEmpty else { return nil }
            return Self.assignment(
                "5a4db0c5-a551-4000-8000-00000000a00\(place + 1)", role.id, holder.1,
                holder.1 == app ? "ServicePrincipal" : "User", at: Self.root, created: "2025-03-04T08:00:00.0000000Z")
        }
    }

    /// Returns the assignments at a scope, above and below it, as far as a filter names them: `atScope()` leaves out
    /// those below, `assignedTo('ID')` and `principalId eq 'ID'` name one principal.
    func assignments(_ filter: String, at scope: String) -> [JSONValue] {
        let quoted = filter.split(separator: "'", omittingEmptySubsequences: false)
        let principal = quoted.count > 1 ? quoted[1].lowercased() : nil
        let hasBelow = !filter.lowercased().hasPrefix("atscope()")
        return assignments.filter { row in
            let own = row["properties"]?["scope"]?.string ?? ""
            guard Self.holds(own, scope) || hasBelow && Self.holds(scope, own) else { return false }
            return principal == nil || row["properties"]?["principalId"]?.string?.lowercased() == principal
        }
    }

    private static func assignment(
        _ name: String, _ role: String, _ principal: String, _ type: String, at scope: String, created: String
    ) -> JSONValue {
        [
            "id": .string("\(scope)/providers/Microsoft.Authorization/roleAssignments/\(name)"),
            "name": .string(name), "type": "Microsoft.Authorization/roleAssignments",
            "properties": [
                "roleDefinitionId": .string("\(root)/providers/Microsoft.Authorization/roleDefinitions/\(role)"),
                "scope": .string(scope), "principalType": .string(type), "principalId": .string(principal),
                "createdOn": .string(created), "updatedOn": .string(created),
            ],
        ]
    }

    /// Returns the answer to a request that makes an assignment ("Role Assignments - Create").
    func assign(_ name: String, _ body: JSONObject?, at scope: String, now: Int64) -> HTTPServerResponse {
        let properties = body?["properties"]
        let role = properties?["roleDefinitionId"]?.string?.lowercased().split(separator: "/").last.map(String.init)
        guard let role, let principal = properties?["principalId"]?.string?.lowercased(), GUID.isValid(name) else {
            return .failure(
                400, "InvalidRoleAssignmentRequest",
                "A role assignment needs a GUID as its name, and the properties roleDefinitionId and principalId.")
        }
        guard Self.roles.contains(where: { $0.id == role }) else {
            return .failure(
                404, "RoleDefinitionDoesNotExist", "The specified role definition with ID '\(role)' does not exist.")
        }
        let type: String
        switch store.object(principal)?.0 {
        case .users: type = "User"
        case .groups: type = "Group"
        case .servicePrincipals: type = "ServicePrincipal"
        default:
            return .failure(
                400, "PrincipalNotFound",
                "Principal \(principal) does not exist in the directory \(TenantIdentity.id). Check that you have the "
                    + "correct principal ID.")
        }
        let row = Self.assignment(
            name.lowercased(), role, principal, type, at: scope, created: ServiceTime.longText(now))
        let isKnown = assignments.contains { other in
            ["scope", "principalId", "roleDefinitionId"].allSatisfy { key in
                other["properties"]?[key]?.string?.lowercased() == row["properties"]?[key]?.string?.lowercased()
            }
        }
        guard !isKnown else { return .failure(409, "RoleAssignmentExists", "The role assignment already exists.") }
        guard !assignments.contains(where: { $0["name"] == row["name"] }) else {
            return .failure(
                400, "RoleAssignmentUpdateNotPermitted",
                "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.")
        }
        assignments.append(row)
        return HTTPServerResponse(status: 201, json: row)
    }

    /// Returns the answer to a request that deletes an assignment; one that doesn't exist is no error.
    func unassign(_ name: String) -> HTTPServerResponse {
        guard let place = assignments.firstIndex(where: { $0["name"]?.string == name.lowercased() }) else {
            return HTTPServerResponse(status: 204)
        }
        return HTTPServerResponse(status: 200, json: assignments.remove(at: place))
    }

    /// Returns whether a place is another one or around it.
    private static func holds(_ outer: String, _ inner: String) -> Bool {
        "\(inner.lowercased())/".hasPrefix("\(outer.lowercased())/")
    }

    // MARK: Permission

    /// Returns whether a principal may do something: by a role of its own or of a group that it belongs to, at the
    /// place itself or around it.
    func permits(_ principal: SignedInPrincipal, _ action: AzureAction) -> Bool {
        let holders = Set([principal.objectID] + (principal.isApp ? [] : store.groups(of: principal.objectID)))
        return assignments.contains { row in
            guard let properties = row["properties"], let scope = properties["scope"]?.string,
                holders.contains(properties["principalId"]?.string ?? ""), Self.holds(scope, action.scope),
                let role = properties["roleDefinitionId"]?.string
            else { return false }
            return Self.roles.contains { role.hasSuffix($0.id) && $0.permits(action) }
        }
    }

    /// Returns the refusal of what no role of a principal permits.
    func refusal(_ principal: SignedInPrincipal, _ action: AzureAction) -> HTTPServerResponse {
        .failure(
            403, "AuthorizationFailed",
            "The client '\(name(of: principal))' with object id '\(principal.objectID)' does not have authorization to "
                + "perform action '\(action.name)' over scope '\(action.scope)' or the scope is invalid. If access was "
                + "recently granted, please refresh your credentials.")
    }

    /// Returns the name of a principal in refusals and in the activity log: a person's address, or the id of an app.
    func name(of principal: SignedInPrincipal) -> String {
        principal.isApp
            ? principal.appID : store.user(principal.objectID)?["userPrincipalName"]?.string ?? principal.objectID
    }
}

/// What a request does in the subscription, by the name that roles and the activity log have for it, and where.
struct AzureAction: Sendable {
    /// The name, such as `Microsoft.Compute/virtualMachines/start/action`.
    let name: String
    /// The address of what it is done to.
    let scope: String
    /// Whether it is done to the data in a resource, not to the resource itself.
    let isOfData: Bool

    /// Creates the action of a request.
    /// - Parameter segments: the path below the subscription.
    init(_ method: String, _ segments: [String]) {
        let verb =
            switch method {
            case "GET", "HEAD": "read"
            case "DELETE": "delete"
            case "POST": "action"
            default: "write"
            }
        let place = AzurePath(segments)
        if let place {
            name = "\(place.type)/\(verb)"
        } else {
            let types = segments.enumerated().filter { $0.offset.isMultiple(of: 2) }.map(\.element)
            name = (["Microsoft.Resources/subscriptions"] + types + [verb]).joined(separator: "/")
        }
        // The last word of a list or an action has no name behind it.
        let hasName = place.map { $0.name != nil } ?? segments.count.isMultiple(of: 2)
        isOfData = false
        scope = ([AzureContent.root] + (hasName ? segments : segments.dropLast())).joined(separator: "/")
    }

    /// Reads something of a place; without one, of the whole subscription.
    static func reading(_ type: String, at scope: String = AzureContent.root) -> AzureAction {
        AzureAction(name: "\(type)/read", scope: scope, isOfData: false)
    }

    /// Does something to the data in a resource.
    static func toData(_ name: String, of resource: String) -> AzureAction {
        AzureAction(name: name, scope: resource, isOfData: true)
    }

    private init(name: String, scope: String, isOfData: Bool) {
        (self.name, self.scope, self.isOfData) = (name, scope, isOfData)
    }
}
