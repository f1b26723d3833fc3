import MMCore
import MMHTTP
import Testing

@testable import MMSandbox

@Suite("Requests in the forms that Microsoft documents", .timeLimit(.minutes(5)))
struct DocumentedRequestTests {
    @Test("expansions within expansions show what they ask for")
    func nested() async throws {
        let bench = Bench()
        let token = await bench.token()
        let policies = await bench.graph(
            "GET",
            "/v1.0/policies/roleManagementPolicyAssignments?$filter=scopeId%20eq%20'/'%20and%20scopeType%20eq%20"
                + "'DirectoryRole'&$expand=policy($expand=rules)", token: token)
        let policy = try #require(policies.json["value"]?[0]?["policy"]?.object, "\(policies.text)")
        #expect(policy["id"] == policies.json["value"]?[0]?["policyId"])
        let rules = policy["rules"]?.array ?? []
        #expect(rules.contains { $0["maximumDuration"] == "PT8H" && $0["target"]?["caller"] == "EndUser" })
        #expect(rules.allSatisfy { $0["@odata.type"]?.string?.hasSuffix("Rule") == true })
        let lists = await bench.graph(
            "GET", "/v1.0/sites/root/lists?$expand=columns,items($expand=fields;$top=2)", token: token)
        let items = lists.json["value"]?.array?.flatMap { $0["items"]?.array ?? [] } ?? []
        #expect(!items.isEmpty && items.allSatisfy { $0["fields"]?.object?.isEmpty == false }, "\(lists.text)")
        #expect(lists.json["value"]?.array?.allSatisfy { ($0["items"]?.array?.count ?? 0) <= 2 } == true)
        let chats = await bench.graph("GET", "/v1.0/me/chats?$expand=members&$top=1", token: token)
        #expect((chats.json["value"]?[0]?["members"]?.array?.count ?? 0) > 1, "\(chats.text)")
    }

    @Test("an expansion is narrowed by a filter, and one of the directory takes neither that nor another expansion")
    func filtered() async throws {
        let bench = Bench()
        let token = await bench.token()
        let (color, size) = ("String {00020329-0000-0000-C000-000000000046} Name Color", "Integer 0x0001")
        let made = await bench.graph(
            "POST", "/v1.0/me/messages", token: token,
            body: [
                "subject": "A",
                "singleValueExtendedProperties": [
                    ["id": .string(color), "value": "Green"], ["id": .string(size), "value": "1"],
                ],
            ])
        let id = try #require(made.json["id"]?.string)
        let filter = Bench.escaped("id eq '\(color)'")
        let message = await bench.graph(
            "GET", "/v1.0/me/messages/\(id)?$expand=singleValueExtendedProperties($filter=\(filter))", token: token)
        #expect(
            message.json["singleValueExtendedProperties"] == [["id": .string(color), "value": "Green"]],
            "\(message.text)")
        for option in ["$expand=memberOf", "$filter=accountEnabled%20eq%20true"] {
            let groups = await bench.graph("GET", "/v1.0/groups?$top=1&$expand=members(\(option))", token: token)
            #expect(groups.status == 400 && groups.errorCode == "Request_UnsupportedQuery", "\(groups.text)")
        }
    }

    @Test(
        "a property that a row has anyway is there once if it is expanded",
        arguments: [
            "lists/Tasks/items?$expand=fields", "lists?$expand=items($expand=fields)",
            "lists/Tasks/items/1?$expand=fields",
        ])
    func onlyOnce(path: String) async throws {
        let bench = Bench()
        let answer = await bench.graph("GET", "/v1.0/sites/root/\(path)", token: await bench.token())
        #expect(answer.status == 200 && answer.text.contains("\"fields\":"))
        #expect(throws: Never.self) { try JSONParser.parse(answer.bytes, limits: .strict) }
        let alone = await bench.graph(
            "GET", "/v1.0/users?$select=manager&$expand=manager&$top=2", token: await bench.token())
        #expect(throws: Never.self) { try JSONParser.parse(alone.bytes, limits: .strict) }
    }

    @Test("a list tells the fields of its items only if they are expanded or selected, and one item always has them")
    func itemFields() async throws {
        let bench = Bench()
        let token = await bench.token()
        let items = "/v1.0/sites/root/lists/Tasks/items"
        func first(_ query: String) async -> JSONValue? {
            await bench.graph("GET", items + query, token: token).json["value"]?[0]
        }
        let plain = await first("")
        #expect(plain?["id"]?.string != nil && plain?["fields"] == nil, "\(String(describing: plain))")
        for query in ["?$expand=fields", "?$select=id,fields", "?expand=fields(select=Title)"] {
            let fields = await first(query)?["fields"]
            #expect(fields?["Title"]?.string != nil, "\(query)")
        }
        let one = await bench.graph("GET", items + "/1", token: token).json
        #expect(one["fields"]?["Title"]?.string != nil, "\(one)")
    }

    @Test(
        "each object of a list that belongs to another object is read by its id",
        arguments: [
            "/v1.0/me/managedDevices", "/v1.0/me/chats/{first}/members", "/v1.0/me/joinedTeams/{first}/members",
            "/v1.0/roleManagement/directory/roleEligibilityScheduleInstances",
        ])
    func belonging(path: String) async throws {
        let bench = Bench()
        let token = await bench.token()
        func first(_ path: String) async throws -> String {
            let list = await bench.graph("GET", path, token: token)
            return try #require(list.json["value"]?[0]?["id"]?.string, "\(list.text)")
        }
        var list = path
        if let mark = path.firstRange(of: "/{first}") {
            let owner = try await first(String(path[..<mark.lowerBound]))
            list = path.replacing("{first}", with: Bench.escaped(owner))
        }
        let id = try await first(list)
        let one = await bench.graph("GET", "\(list)/\(Bench.escaped(id))", token: token)
        #expect(one.status == 200 && one.json["id"]?.string == id, "\(one.text)")
        let none = await bench.graph("GET", "\(list)/00000000-0000-0000-0000-00000000abcd", token: token)
        #expect(none.status >= 400)
    }

    @Test("an object is named by another key within or behind its collection's step")
    func alternateKeys() async throws {
        let bench = Bench()
        let token = await bench.token()
        let role = "62e90394-69f5-4237-9190-012177145e10"
        let within = await bench.graph("GET", "/v1.0/directoryRoles(roleTemplateId='\(role)')/members", token: token)
        let behind = await bench.graph("GET", "/v1.0/directoryRoles/roleTemplateId=\(role)/members", token: token)
        #expect(within.json["value"]?.array?.isEmpty == false)
        #expect(within.json["value"] == behind.json["value"], "\(behind.text)")
        #expect(GraphSegment.all(in: "/me/drive/root:/a=\(role)")?.last?.name == "a=\(role)")
    }

    @Test("a filter may name any property that Graph's description has, also one that nobody here has a value of")
    func declared() async {
        let bench = Bench()
        let answer = await bench.graph(
            "GET", "/v1.0/users?$filter=employeeLeaveDateTime%20le%202030-01-01T00:00:00Z&$count=true",
            token: await bench.token(), headers: ["ConsistencyLevel": "eventual"])
        #expect(answer.status == 200 && answer.json["value"]?.array?.isEmpty == true, "\(answer.text)")
    }

    @Test(
        "what somebody has none of is an empty list, by either address of the person, and an app has none",
        arguments: ["contactFolders", "calendarGroups", "onenote/notebooks"])
    func ownLists(name: String) async {
        let bench = Bench()
        let token = await bench.token()
        for person in ["me", "users/\(TenantIdentity.administrator)"] {
            let answer = await bench.graph("GET", "/v1.0/\(person)/\(name)", token: token)
            #expect(answer.status == 200 && answer.json["value"] == [], "\(answer.text)")
        }
        let app = await bench.post(
            "\(Bench.authority)/token",
            [
                ("grant_type", "client_credentials"), ("client_id", TenantIdentity.automationApp),
                ("scope", "https://graph.microsoft.com/.default"), ("client_secret", TenantIdentity.automationSecret),
            ])
        let refused = await bench.graph(
            "GET", "/v1.0/me/\(name)", token: app.json["access_token"]?.string ?? "")
        #expect(refused.status == 400 && refused.text.contains("delegated"), "\(refused.text)")
    }

    @Test("the changes of a list's items are told since the last time")
    func itemChanges() async throws {
        let bench = Bench()
        let token = await bench.token()
        let items = "/v1.0/sites/root/lists/Tasks/items"
        var page = await bench.graph("GET", "\(items)/delta", token: token).json
        while let next = page["@odata.nextLink"]?.string {
            page = await bench.graph("GET", String(next.dropFirst(Bench.base.count)), token: token).json
        }
        let link = try #require(page["@odata.deltaLink"]?.string)
        let changed = await bench.graph("PATCH", "\(items)/1/fields", token: token, body: ["Title": "New"])
        #expect(changed.status == 200)
        let changes = await bench.graph("GET", String(link.dropFirst(Bench.base.count)), token: token)
        #expect(changes.json["value"]?.array?.compactMap { $0["id"]?.string } == ["1"], "\(changes.text)")
    }

    @Test("a photo is given in the sizes of the service")
    func photoSizes() async {
        let bench = Bench()
        let token = await bench.token()
        let headers = ["Authorization": "Bearer \(token)", "Content-Type": "image/jpeg"]
        func get(_ path: String) async -> HTTPServerResponse { await bench.graph("GET", path, token: token) }
        #expect(await get("/v1.0/me/photos/48x48/$value").status == 404)
        _ = await bench.tenant.answer(
            HTTPServerRequest("PUT", "/v1.0/me/photo/$value", headers: headers, body: [0xFF, 0xD8]))
        #expect(await get("/v1.0/me/photos/48x48/$value").headers["content-type"] == "image/jpeg")
        #expect(await get("/v1.0/me/photos/47x47/$value").status == 404)
        #expect(await get("/v1.0/me/photos").json["value"]?.array != nil)
    }

    @Test("a report of details is given for a day, and no other report is")
    func reportOfDay() async throws {
        let bench = Bench()
        let token = await bench.token()
        func report(_ function: String) async -> HTTPServerResponse {
            await bench.graph("GET", "/v1.0/reports/\(function)", token: token)
        }
        let answer = await report("getEmailActivityUserDetail(date=2025-12-20)")
        let place = try #require(answer.headers["location"])
        let file = await bench.send("GET", String(place.dropFirst(Bench.base.count)))
        #expect(answer.status == 302 && file.status == 200 && file.text.contains("User Principal Name"))
        #expect(await report("getEmailActivityUserDetail(date=2020-01-01)").status == 400)
        #expect(await report("getOffice365ActiveUserCounts(date=2025-12-20)").status == 400)
    }
}

@Suite("Secrets that apps are given", .timeLimit(.minutes(5)))
struct AppSecretTests {
    private static let app = "/v1.0/applications(appId='\(TenantIdentity.automationApp)')"

    private func signIn(_ bench: Bench, secret: String) async -> HTTPServerResponse {
        await bench.post(
            "\(Bench.authority)/token",
            [
                ("grant_type", "client_credentials"), ("client_id", TenantIdentity.automationApp),
                ("scope", "https://graph.microsoft.com/.default"), ("client_secret", secret),
            ])
    }

    @Test("serve from then on, are shown once, and no more once they are taken away")
    func life() async throws {
        let bench = Bench()
        let token = await bench.token()
        let made = await bench.graph(
            "POST", "\(Self.app)/addPassword", token: token, body: ["passwordCredential": ["displayName": "Nightly"]])
        let secret = try #require(made.json["secretText"]?.string, "\(made.text)")
        let key = try #require(made.json["keyId"]?.string)
        #expect(made.status == 200 && made.json["endDateTime"] == "2028-01-01T00:00:00Z")
        #expect(await signIn(bench, secret: secret).status == 200)
        let listed = await bench.graph("GET", "\(Self.app)?$select=passwordCredentials", token: token)
        let row = listed.json["passwordCredentials"]?.array?.first { $0["keyId"]?.string == key }
        #expect(row?["displayName"] == "Nightly" && row?["secretText"]?.isNull == true)
        #expect(!listed.text.contains(secret))
        let removal: JSONValue = ["keyId": .string(key)]
        #expect(
            await bench.graph("POST", "\(Self.app)/removePassword", token: token, body: removal).status == 204)
        #expect(await signIn(bench, secret: secret).number == 7_000_215)
        #expect(
            await bench.graph("POST", "\(Self.app)/removePassword", token: token, body: removal).status == 400)
    }

    @Test("are refused once they have expired, as no secret of the app is")
    func expired() async throws {
        let bench = Bench()
        let made = await bench.graph(
            "POST", "\(Self.app)/addPassword", token: await bench.token(),
            body: ["passwordCredential": ["endDateTime": "2026-01-02T00:00:00Z"]])
        let secret = try #require(made.json["secretText"]?.string, "\(made.text)")
        #expect(await signIn(bench, secret: secret).status == 200)
        bench.clock.advance(by: 2 * 86_400)
        #expect(await signIn(bench, secret: secret).number == 7_000_222)
        #expect(await signIn(bench, secret: TenantIdentity.automationSecret).status == 200)
    }

    @Test("of a service principal serve too, without any words about them")
    func principal() async throws {
        let bench = Bench()
        let made = await bench.graph(
            "POST", "/v1.0/servicePrincipals(appId='\(TenantIdentity.automationApp)')/addPassword",
            token: await bench.token())
        let secret = try #require(made.json["secretText"]?.string, "\(made.text)")
        #expect(await signIn(bench, secret: secret).status == 200)
    }
}
