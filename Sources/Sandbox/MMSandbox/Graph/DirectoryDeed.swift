internal import MMCore
internal import MMHTTP

/// A write to the directory, as the audit log of the directory tells it.
struct DirectoryDeed {
    private let name: String
    private let category: String
    private let operation: String
    private let principal: SignedInPrincipal
    private let userName: JSONValue
    private let correlation: String
    /// The object before the write: a deleted one has no name afterwards.
    private let target: JSONValue?

    /// The deed that a request is; `nil` for reads, and for what is no part of the directory.
    init?(_ call: GraphCall, _ place: GraphPlace, store: DirectoryStore) {
        guard call.request.method != "GET", place.area.isDirectory else { return nil }
        let key: String?
        let address: TableAddress?
        switch place.node {
        case .row(let table, let id): (address, key) = (table, id)
        case .links(_, let link?): (address, key) = (store.object(link.owner)?.0, link.owner)
        case .collection(let table, _): (address, key) = (table, nil)
        default: return nil
        }
        let noun: String
        switch address {
        case .users, .deletedUsers: (noun, category) = ("user", "UserManagement")
        case .groups, .deletedGroups: (noun, category) = ("group", "GroupManagement")
        case .directoryRoles: (noun, category) = ("role", "RoleManagement")
        case .applications, .deletedApplications: (noun, category) = ("application", "ApplicationManagement")
        case .servicePrincipals, .deletedServicePrincipals:
            (noun, category) = ("service principal", "ApplicationManagement")
        default: return nil
        }
        var isLink = false
        if case .links = place.node { isLink = true }
        switch (call.request.method, place.rest.first?.name) {
        case ("POST", "restore"): (operation, name) = ("Restore", "Restore \(noun)")
        case ("POST", "assignLicense"): (operation, name) = ("Update", "Change user license")
        case ("POST", _) where isLink: (operation, name) = ("Add", "Add member to \(noun)")
        case ("DELETE", _) where isLink: (operation, name) = ("Remove", "Remove member from \(noun)")
        case ("POST", nil): (operation, name) = ("Add", "Add \(noun)")
        case ("DELETE", nil): (operation, name) = ("Delete", "Delete \(noun)")
        case ("PATCH", _), ("PUT", _), ("DELETE", _): (operation, name) = ("Update", "Update \(noun)")
        default: return nil
        }
        principal = call.principal
        userName = store.user(call.principal.objectID)?["userPrincipalName"] ?? .null
        correlation = call.clientRequestID
        let record = key.flatMap { key in address.flatMap { store.table($0).find(key) } }
        target = record.map { Self.target(id: $0.id, name: $0["displayName"], noun: noun) }
    }

    private static let types = [
        "user": "User", "group": "Group", "role": "Role", "application": "Application",
        "service principal": "ServicePrincipal",
    ]

    private static func target(id: String, name: JSONValue?, noun: String) -> JSONValue {
        ["id": .string(id), "displayName": name ?? .null, "type": .string(types[noun] ?? "Other")]
    }

    /// Writes it down when it succeeded.
    func note(_ answer: HTTPServerResponse, in store: DirectoryStore, at now: Int64) {
        guard (200..<300).contains(answer.status) else { return }
        var made: JSONValue?
        if case .bytes(let bytes) = answer.body, let body = try? JSONParser.parse(bytes), let id = body["id"]?.string {
            made = Self.target(id: id, name: body["displayName"], noun: "object")
        }
        let by: JSONValue =
            principal.isApp
            ? ["user": .null, "app": ["servicePrincipalId": .string(principal.objectID), "displayName": .null]]
            : ["user": ["id": .string(principal.objectID), "userPrincipalName": userName], "app": .null]
        store.insert(
            [
                "id": .string("Directory_\(RandomBytes.uuid())"), "category": .string(category),
                "correlationId": .string(correlation), "result": "success", "resultReason": "",
                "activityDisplayName": .string(name), "activityDateTime": .string(ServiceTime.text(now)),
                "loggedByService": "Core Directory", "operationType": .string(operation), "initiatedBy": by,
                "targetResources": .array([target ?? made].compactMap(\.self)), "additionalDetails": [],
            ], into: .directoryAudits)
    }
}
