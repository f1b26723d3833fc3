import MMCore
import MMStates
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

    init(seed: UInt64, in tenant: ChangesHome) async throws {
        random = SeededRandom(seed: seed)
        func ids(_ path: String, _ isWanted: (JSONValue) -> Bool = { _ in true }) async throws -> [String] {
            try await tenant.list(path).filter(isWanted).compactMap { $0["id"]?.string }
        }
        let people = try await ids("/users?$select=id,userPrincipalName,usageLocation") {
            $0["userPrincipalName"]?.string?.contains("#") == false && $0["usageLocation"]?.string != nil
        }
        // The first ones sign in and hold roles. Nobody reports to the last ones, who leave; a reference to somebody who has
        // left can't be set again before they are back.
        users = Array(people.dropFirst(10).dropLast(4))
        leaving = Array(people.suffix(4))
        let groups = try await tenant.list("/groups?$select=id,displayName,groupTypes")
        func named(_ isWanted: (JSONValue) -> Bool) -> [String] {
            groups.filter(isWanted).compactMap { $0["id"]?.string }
        }
        projects = named { $0["displayName"]?.string?.hasPrefix("Project") == true }
        standing = named { $0["groupTypes"]?.array?.isEmpty == true }
        roles = Array(try await ids("/directoryRoles").suffix(3))
        services = try await ids("/servicePrincipals?$select=id")
    }

    /// One write.
    struct Write {
        let method: String
        let path: String
        let body: JSONValue?
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
        let (user, group, security) = (pick(users), pick(projects), pick(standing))
        let sku = pick(["05e9a617-0261-4cee-bb44-138d3ef5d965", "06ebc4ee-1bb5-47dd-8120-11324bc54e06"])
        serial += 1
        switch Int.random(in: 0..<21, using: &random) {
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
        default:
            return Write(
                method: "POST", path: "/directoryRoles/\(pick(roles))/members/$ref", body: Self.reference(user))
        }
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
