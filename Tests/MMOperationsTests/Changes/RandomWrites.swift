import MMCore
import TestSupport

@testable import MMOperations

/// Random writes of every kind that can be undone, from a seed.
struct RandomWrites {
    private var random: SeededRandom
    private var serial = 0
    private let users: [String]
    private let leaving: [String]
    private let projects: [String]
    private let standing: [String]
    private let roles: [String]
    private let services: [String]
    private let roleDefinitions: [String]
    private let flows: [String]
    private let mailboxes: [String]
    private var rules: [(mailbox: String, name: String)] = []
    private var transportRules = ["External mail warning", "Bcc legal", "Old disclaimer"]
    private var lists = ["list0"]

    init(seed: UInt64, in tenant: ChangesHome) async throws {
        random = SeededRandom(seed: seed)
        func ids(_ path: String, _ isWanted: (JSONValue) -> Bool = { _ in true }) async throws -> [String] {
            try await tenant.list(path).filter(isWanted).compactMap { $0["id"]?.string }
        }
        let people = try await ids("/users?$select=id,userPrincipalName,usageLocation") {
            $0["userPrincipalName"]?.string?.contains("#") == false && $0["usageLocation"]?.string != nil
        }
        // The first ones sign in and hold roles. Nobody reports to the last ones, who leave; a reference to somebody
        // who has left can't be set again before they are back.
        users = Array(people.dropFirst(10).dropLast(4))
        leaving = Array(people.suffix(4))
        let groups = try await tenant.list("/groups?$select=id,displayName,groupTypes,mailEnabled")
        func named(_ isWanted: (JSONValue) -> Bool) -> [String] {
            groups.filter(isWanted).compactMap { $0["id"]?.string }
        }
        projects = named { $0["displayName"]?.string?.hasPrefix("Project") == true }
        standing = named { $0["groupTypes"]?.array?.isEmpty == true && $0["mailEnabled"] == false }
        roles = Array(try await ids("/directoryRoles").suffix(3))
        services = try await ids("/servicePrincipals?$select=id")
        roleDefinitions = try await tenant.list("/directoryRoles").suffix(3).compactMap { $0["roleTemplateId"]?.string }
        mailboxes = Array(users.prefix(6))
        flows = try await Self.flowRows(of: tenant).compactMap { $0["id"]?.string }
    }

    /// One write: an operation with its input.
    struct Write: CustomStringConvertible {
        let operation: String
        let input: JSONObject

        init(method: String, path: String, body: JSONValue?, resource: String? = nil) {
            operation = "graph_request"
            var input: JSONObject = [
                "connection": "Demo", "endpoint": .string(path), "method": .string(method), "unlisted": true,
            ]
            input["body"] = body
            input["resource"] = resource.map { .string($0) }
            self.input = input
        }

        init(_ script: String) {
            operation = "run"
            input = ["connection": "Demo", "module": "exo", "command": .string(script)]
        }

        var description: String { JSONWriter.string(.object(input)) }
    }

    private mutating func word() -> JSONValue {
        serial += 1
        return .string("word \(serial) \(UInt32.random(in: 0...999, using: &random))")
    }

    private mutating func pick(_ list: [String]) -> String { list.randomElement(using: &random) ?? "" }

    private static func reference(_ id: String) -> JSONValue {
        ["@odata.id": .string("https://graph.microsoft.com/v1.0/directoryObjects/\(id)")]
    }

    /// The next write.
    mutating func next() -> Write {
        switch Int.random(in: 0..<5, using: &random) {
        case 0, 1: cmdlet()
        case 2 where serial % 3 == 0: flow()
        default: request()
        }
    }

    private mutating func flow() -> Write {
        Write(
            method: "POST", path: "\(pick(flows))/\(pick(["start", "stop"]))", body: nil, resource: "flow")
    }

    private mutating func truth() -> String { pick(["$true", "$false"]) }

    private mutating func quoted() -> String { "'\(word().string ?? "")'" }

    private mutating func cmdlet() -> Write {
        let (mailbox, other, group) = (pick(mailboxes), pick(users), pick(lists))
        serial += 1
        switch Int.random(in: 0..<30, using: &random) {
        case 0: return Write("Set-Mailbox \(mailbox) -ForwardingSmtpAddress made\(serial)@fabrikam.example")
        case 1: return Write("Set-Mailbox \(mailbox) -ForwardingSmtpAddress $null -DeliverToMailboxAndForward $false")
        case 2: return Write("Set-Mailbox \(mailbox) -CustomAttribute2 \(quoted()) -Office \(quoted())")
        case 3: return Write("Set-Mailbox \(mailbox) -Type \(pick(["Regular", "Shared", "Room", "Equipment"]))")
        case 4:
            return Write("Set-Mailbox \(mailbox) -EmailAddresses @{Add='smtp:made\(serial)@contoso-sandbox.example'}")
        case 5: return Write("Set-CASMailbox \(mailbox) -ImapEnabled \(truth()) -PopEnabled \(truth())")
        case 6, 7:
            return Write(
                "Add-MailboxPermission \(mailbox) -User \(other) -AccessRights \(pick(["FullAccess", "ReadPermission", "FullAccess, ReadPermission"]))"
            )
        case 8:
            return Write(
                "Remove-MailboxPermission \(mailbox) -User \(other) -AccessRights \(pick(["FullAccess", "ReadPermission"]))"
            )
        case 9: return Write("Add-RecipientPermission \(mailbox) -Trustee \(other) -AccessRights SendAs")
        case 10: return Write("Remove-RecipientPermission \(mailbox) -Trustee \(other) -AccessRights SendAs")
        case 11, 12:
            rules.append((mailbox, "Rule \(serial)"))
            return Write(
                "New-InboxRule -Mailbox \(mailbox) -Name 'Rule \(serial)' -SubjectContainsWords \(quoted()), offer -MarkAsRead \(truth())"
            )
        case 13:
            let rule = rules.randomElement(using: &random) ?? (mailbox, "Newsletters")
            return Write("Set-InboxRule -Mailbox \(rule.0) -Identity '\(rule.1)' -SubjectContainsWords \(quoted())")
        case 14, 15:
            let rule = rules.randomElement(using: &random) ?? (mailbox, "Newsletters")
            return Write("\(pick(["Enable", "Disable"]))-InboxRule -Mailbox \(rule.0) -Identity '\(rule.1)'")
        case 16:
            let rule = rules.randomElement(using: &random) ?? (mailbox, "Invoices")
            return Write("Remove-InboxRule -Mailbox \(rule.0) -Identity '\(rule.1)'")
        case 17:
            transportRules.append("Transport \(serial)")
            return Write(
                "New-TransportRule -Name 'Transport \(serial)' -PrependSubject \(quoted()) -Enabled \(truth())")
        case 18: return Write("Set-TransportRule '\(pick(transportRules))' -Comments \(quoted())")
        case 19: return Write("\(pick(["Enable", "Disable"]))-TransportRule '\(pick(transportRules))'")
        case 20: return Write("Remove-TransportRule '\(pick(transportRules))'")
        case 21:
            lists.append("list\(serial)")
            return Write(
                "New-DistributionGroup -Name list\(serial) -DisplayName \(quoted()) -Members \(other), \(mailbox)")
        case 22: return Write("Remove-DistributionGroup '\(group)'")
        case 23: return Write("Set-DistributionGroup '\(group)' -DisplayName \(quoted())")
        case 24: return Write("Add-DistributionGroupMember '\(group)' -Member \(other)")
        case 25: return Write("Remove-DistributionGroupMember '\(group)' -Member \(other)")
        case 26:
            return Write(
                "Set-MailboxAutoReplyConfiguration \(mailbox) -AutoReplyState \(pick(["Enabled", "Disabled"])) -InternalMessage \(quoted())"
            )
        case 27: return Write("Set-Mailbox \(mailbox) -ForwardingAddress \(other)")
        case 28:
            return Write("Set-Mailbox \(mailbox) -GrantSendOnBehalfTo @{\(pick(["Add", "Add", "Remove"]))='\(other)'}")
        default:
            return Write(
                pick([
                    "Set-OrganizationConfig -CustomerLockboxEnabled \(truth())",
                    "Set-RemoteDomain Default -AutoForwardEnabled \(truth())",
                    "Set-HostedOutboundSpamFilterPolicy Default -AutoForwardingMode Off",
                ]))
        }
    }

    private mutating func request() -> Write {
        let (user, group, security) = (pick(users), pick(projects), pick(standing))
        let sku = pick(["05e9a617-0261-4cee-bb44-138d3ef5d965", "06ebc4ee-1bb5-47dd-8120-11324bc54e06"])
        serial += 1
        switch Int.random(in: 0..<24, using: &random) {
        case 0: return Write(method: "PATCH", path: "/users/\(user)", body: ["department": word(), "jobTitle": word()])
        case 1:
            return Write(method: "PATCH", path: "/users/\(user)", body: ["businessPhones": [word()], "city": .null])
        case 2:
            return Write(method: "PATCH", path: "/users/\(user)", body: ["accountEnabled": .bool(serial % 2 == 0)])
        case 3:
            return Write(
                method: "PATCH", path: "/users/\(user)",
                body: ["userPrincipalName": .string("renamed\(serial)@contoso-sandbox.example")])
        case 4:
            return Write(
                method: "PATCH", path: "/users/\(user)/mailboxSettings",
                body: [
                    "timeZone": word(),
                    "automaticRepliesSetting": ["status": "disabled", "internalReplyMessage": word()],
                ])
        case 5: return Write(method: "PATCH", path: "/groups/\(group)", body: ["description": word()])
        case 6, 7:
            return Write(
                method: "POST", path: "/groups/\(pick([group, security]))/members/$ref", body: Self.reference(user))
        case 8, 9:
            return Write(method: "DELETE", path: "/groups/\(pick([group, security]))/members/\(user)/$ref", body: nil)
        case 10: return Write(method: "POST", path: "/groups/\(group)/owners/$ref", body: Self.reference(user))
        case 11: return Write(method: "PUT", path: "/users/\(user)/manager/$ref", body: Self.reference(pick(users)))
        case 12: return Write(method: "DELETE", path: "/users/\(user)/manager/$ref", body: nil)
        case 13:
            return Write(
                method: "POST", path: "/users/\(user)/assignLicense",
                body: [
                    "addLicenses": [
                        ["skuId": .string(sku), "disabledPlans": ["57ff2da0-773e-42df-b2af-ffb7a2317929"]]
                    ],
                    "removeLicenses": [],
                ])
        case 14:
            return Write(
                method: "POST", path: "/users/\(user)/assignLicense",
                body: ["addLicenses": [], "removeLicenses": [.string(sku)]])
        case 15:
            return Write(
                method: "POST", path: "/users",
                body: [
                    "accountEnabled": true, "displayName": word(), "mailNickname": .string("made\(serial)"),
                    "userPrincipalName": .string("made\(serial)@contoso-sandbox.example"),
                    "passwordProfile": ["password": "S3cret-sentence!"],
                ])
        case 16: return Write(method: "DELETE", path: pick(["/users/\(pick(leaving))", "/groups/\(group)"]), body: nil)
        case 17:
            return Write(
                method: "POST", path: "/groups",
                body: [
                    "displayName": word(), "mailEnabled": .bool(serial % 2 == 0),
                    "mailNickname": .string("team\(serial)"),
                    "securityEnabled": .bool(serial % 2 == 1), "groupTypes": serial % 2 == 0 ? ["Unified"] : [],
                ])
        case 18: return Write(method: "POST", path: "/applications", body: ["displayName": word()])
        case 19:
            return Write(
                method: "POST", path: "/oauth2PermissionGrants",
                body: [
                    "clientId": .string(pick(services)), "resourceId": .string(pick(services)),
                    "consentType": "Principal",
                    "principalId": .string(user), "scope": "User.Read",
                ])
        case 20:
            serial += 1
            return Write(
                method: "POST", path: "/identity/conditionalAccess/policies",
                body: [
                    "displayName": word(), "state": "disabled",
                    "conditions": [
                        "users": ["includeUsers": ["All"]], "applications": ["includeApplications": ["All"]],
                    ],
                    "grantControls": ["operator": "OR", "builtInControls": ["mfa"]],
                ])
        case 21:
            return Write(
                method: "POST", path: "/roleManagement/directory/roleAssignments",
                body: [
                    "principalId": .string(user), "directoryScopeId": "/",
                    "roleDefinitionId": .string(pick(roleDefinitions)),
                ])
        case 22:
            return Write(
                method: "POST", path: "/users/\(user)/mailFolders/inbox/messageRules",
                body: [
                    "displayName": word(), "sequence": 1, "isEnabled": .bool(serial % 2 == 0),
                    "conditions": ["subjectContains": [word()]], "actions": ["markAsRead": true],
                ])
        default:
            return Write(
                method: "POST", path: "/directoryRoles/\(pick(roles))/members/$ref", body: Self.reference(user))
        }
    }

    private static let environment =
        "/providers/Microsoft.ProcessSimple/environments/Default-5a4db0c5-7e11-4c02-9d0e-5a11db0c5e01"

    private static func flowRows(of tenant: ChangesHome) async throws -> [JSONValue] {
        ChangesHome.value(
            try await tenant.call(
                "graph_request",
                ["connection": "Demo", "endpoint": .string("\(environment)/flows"), "resource": "flow"]))["value"]?
            .array ?? []
    }

    /// What Exchange serves, without what is new with each object, each write and each day.
    private func exchangeState(of tenant: ChangesHome) async throws -> [String] {
        // Replies that aren't scheduled are shown with the current day.
        let new: Set<String> = [
            "Guid", "RuleIdentity", "ExternalDirectoryObjectId", "WhenChanged", "WhenChangedUTC", "WhenCreated",
            "StartTime", "EndTime",
        ]
        var scripts = [
            "Get-TransportRule", "Get-DistributionGroup", "Get-OrganizationConfig", "Get-RemoteDomain",
            "Get-HostedOutboundSpamFilterPolicy",
        ]
        for mailbox in mailboxes {
            for noun in [
                "Mailbox", "CASMailbox", "MailboxPermission", "RecipientPermission", "MailboxAutoReplyConfiguration",
            ] {
                scripts.append("Get-\(noun) \(mailbox)")
            }
            scripts.append("Get-InboxRule -Mailbox \(mailbox)")
        }
        for list in lists { scripts.append("Get-DistributionGroupMember '\(list)' -ErrorAction SilentlyContinue") }
        var state: [String] = []
        for script in scripts {
            let rows = try await tenant.run(script).array ?? []
            let isRule = script.hasPrefix("Get-InboxRule")
            state += rows.map { row in
                let kept = (row.object ?? [:]).filter {
                    !new.contains($0.key) && !(isRule && $0.key == "Identity")
                }.map { (key, value) in
                    // A list of addresses has no order.
                    (key, value.array.map { .array($0.sorted { $0.description < $1.description }) } ?? value)
                }
                return "\(script) \(JSONWriter.string(.object(JSONObject(kept))))"
            }.sorted()
        }
        return state
    }

    /// What the tenant serves of all that the writes reach, in an order of its own.
    func state(of tenant: ChangesHome) async throws -> [String] {
        func rows(_ path: String, dropping: [String] = []) async -> [String] {
            // What is deleted for the moment has no rows.
            let items = (try? await tenant.list(path)) ?? []
            return items.map { row in
                let kept = (row.object ?? [:]).filter { !dropping.contains($0.key) }
                return JSONWriter.string(.object(JSONObject(kept.map { ($0.key, $0.value) })))
            }.sorted().map { "\(path) \($0)" }
        }
        var state = await rows(
            "/users?$select=id,displayName,userPrincipalName,department,jobTitle,businessPhones,city,accountEnabled")
        state += await rows("/groups?$select=id,displayName,description,groupTypes,mail")
        state += await rows("/applications?$select=id,displayName")
        state += await rows("/oauth2PermissionGrants", dropping: ["id"])
        for group in projects + standing {
            for list in ["members", "owners"] { state += await rows("/groups/\(group)/\(list)?$select=id") }
        }
        state += try await exchangeState(of: tenant)
        state += try await Self.flowRows(of: tenant).map {
            "\($0["name"]?.string ?? "") \($0["properties"]?["state"]?.string ?? "")"
        }
        state += await rows(
            "/identity/conditionalAccess/policies", dropping: ["id", "createdDateTime", "modifiedDateTime"])
        state += await rows("/roleManagement/directory/roleAssignments")
        for role in roles { state += await rows("/directoryRoles/\(role)/members?$select=id") }
        for user in users {
            let manager = try? await tenant.graph("GET", "/users/\(user)/manager?$select=id")
            state.append("\(user) manager \(manager?["id"]?.string ?? "-")")
            let settings = try await tenant.graph("GET", "/users/\(user)/mailboxSettings")
            state.append("\(user) \(JSONWriter.string(settings))")
            let licenses = try await tenant.graph("GET", "/users/\(user)?$select=assignedLicenses")["assignedLicenses"]
            state.append("\(user) \((licenses?.array ?? []).map { JSONWriter.string($0) }.sorted())")
        }
        return state
    }
}
