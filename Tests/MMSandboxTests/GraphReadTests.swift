import Glibc
import MMCore
import MMHTTP
import Testing

@testable import MMSandbox

@Suite("Reading from Graph", .timeLimit(.minutes(5)))
struct GraphReadTests {
    @Test("one's own profile has the default properties and the context")
    func me() async {
        let bench = Bench()
        let token = await bench.token()
        let answer = await bench.graph("GET", "/v1.0/me", token: token)
        #expect(answer.status == 200)
        #expect(answer.json["userPrincipalName"]?.string == TenantIdentity.administrator)
        #expect(answer.json["@odata.context"] == "http://127.0.0.1:4711/v1.0/$metadata#users/$entity")
        #expect(answer.json.object?.keys.filter { !$0.hasPrefix("@") }.sorted() == EntityKind.user.selected?.sorted())
        #expect(answer.headers["request-id"] != nil)
        #expect(answer.headers["Content-Type"]?.hasPrefix("application/json;odata.metadata=minimal") == true)
    }

    @Test(
        "names of properties are taken in any case, and one that isn't there in none",
        arguments: [
            "$select=Id,userprincipalname", "$filter=USERTYPE%20eq%20'Guest'", "$orderby=displayname",
            "$expand=MemberOf", "$filter=SignInActivity/LastSignInDateTime%20ge%202020-01-01T00:00:00Z",
        ])
    func cases(query: String) async {
        let bench = Bench()
        let token = await bench.token()
        #expect(await bench.graph("GET", "/v1.0/users?\(query)&$top=2", token: token).status == 200)
        let wrong = query.replacing("=", with: "=nope")
        #expect(await bench.graph("GET", "/v1.0/users?\(wrong)&$top=2", token: token).status == 400)
    }

    @Test("a declared property that this tenant's objects lack can be selected")
    func declared() async {
        let bench = Bench()
        let token = await bench.token()
        let empty: [(list: String, select: String, values: JSONValue)] = [
            ("groups", "onPremisesLastSyncDateTime", ["onPremisesLastSyncDateTime": .null]),
            ("devices", "mdmAppId", ["mdmAppId": .null]),
            ("users", "FaxNumber,provisionedPlans", ["faxNumber": .null, "provisionedPlans": []]),
        ]
        for (list, select, values) in empty {
            let answer = await bench.graph("GET", "/v1.0/\(list)?$select=id,\(select)&$top=2", token: token)
            var row = answer.json["value"]?[0]?.object ?? [:]
            let id = row["id"]?.string
            row["id"] = nil
            #expect(answer.status == 200 && id != nil && .object(row) == values, "\(answer.text)")
        }
    }

    @Test("users and groups have the security identifier that their id yields, also new ones")
    func securityIdentifiers() async {
        #expect(
            Guid.securityIdentifier("b9f5ad2f-7a86-4a7f-8a2c-0c3b7d3e5f61")
                == "S-1-12-1-3119885615-1249868422-990653578-1633631869")
        let bench = Bench()
        let token = await bench.token()
        let body: JSONObject = [
            "displayName": "New", "mailNickname": "new-group", "mailEnabled": false, "securityEnabled": true,
        ]
        let created = await bench.graph("POST", "/v1.0/groups", token: token, body: .object(body)).json
        var rows = [created]
        for list in ["users", "groups"] {
            let answer = await bench.graph("GET", "/v1.0/\(list)?$select=id,securityIdentifier&$top=3", token: token)
            rows += answer.json["value"]?.array ?? []
        }
        #expect(rows.count == 7)
        for row in rows {
            #expect(row["securityIdentifier"]?.string == Guid.securityIdentifier(row["id"]?.string ?? ""), "\(row)")
        }
    }

    @Test("an object of the directory tells its type", arguments: ["users", "groups", "servicePrincipals"])
    func typed(collection: String) async {
        let bench = Bench()
        let token = await bench.token()
        let rows = await bench.graph("GET", "/v1.0/\(collection)?$select=id&$top=1", token: token)
        let id = rows.json["value"]?[0]?["id"]?.string ?? ""
        let answer = await bench.graph("GET", "/v1.0/directoryObjects/\(id)", token: token)
        #expect(answer.json["@odata.type"]?.string == "#microsoft.graph.\(collection.dropLast())")
    }

    @Test("the only address of a user, guests too, is the primary one")
    func addresses() async {
        let bench = Bench()
        let token = await bench.token()
        let users = await bench.everyItem("/v1.0/users?$select=id,mail,userType,proxyAddresses", token: token)
        #expect(users.contains { $0["userType"] == "Guest" })
        for user in users where user["mail"]?.isNull == false {
            #expect(user["proxyAddresses"]?[0]?.string == "SMTP:\(user["mail"]?.string ?? "")")
        }
    }

    @Test("a relationship can be selected, and shows nothing", arguments: ["licenseDetails", "managedDevices"])
    func relationship(name: String) async {
        let bench = Bench()
        let token = await bench.token()
        let answer = await bench.graph("GET", "/v1.0/users?$select=id,\(name)&$top=2", token: token)
        #expect(answer.status == 200, "\(answer.text)")
        #expect(answer.json["value"]?[0]?["id"] != nil && answer.json["value"]?[0]?[name] == nil)
    }

    @Test("the activity of a user comes with the user's id, as the service answers")
    func activity() async {
        let bench = Bench()
        let token = await bench.token()
        let answer = await bench.graph("GET", "/v1.0/users?$select=signInActivity&$top=2", token: token)
        #expect(answer.json["value"]?.array?.allSatisfy { $0["id"]?.string != nil } == true)
        let plain = await bench.graph("GET", "/v1.0/users?$select=displayName&$top=2", token: token)
        #expect(plain.json["value"]?.array?.allSatisfy { $0["id"] == nil } == true)
    }

    @Test(
        "one method of signing in is read by its name, and all relations of an assignment are expanded at once",
        arguments: [
            ("/v1.0/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/sms", ["id", "state"]),
            ("/v1.0/roleManagement/directory/roleAssignmentSchedules?$expand=*", ["principal", "roleDefinition"]),
            ("/v1.0/roleManagement/directory/roleAssignments?$expand=*", ["principal", "roleDefinition"]),
        ])
    func oneMethod(path: String, names: [String]) async throws {
        let bench = Bench()
        let answer = await bench.graph("GET", path, token: await bench.token())
        let row = try #require(answer.json["value"]?.array.map { $0.first } ?? answer.json)
        for name in names { #expect(row[name] != nil, "\(name) of \(path)") }
    }

    @Test("the permissions that apps hold on a resource are listed at the resource, and in an expansion")
    func appRoles() async throws {
        let bench = Bench()
        let token = await bench.token()
        let graph = await bench.graph(
            "GET", "/v1.0/servicePrincipals?$filter=appId%20eq%20'00000003-0000-0000-c000-000000000000'", token: token)
        let id = try #require(graph.json["value"]?.array?.first?["id"]?.string)
        let groups = await bench.graph("GET", "/beta/servicePrincipals/\(id)/memberOf", token: token)
        #expect(groups.json["value"]?.array != nil)
        let held = await bench.graph("GET", "/v1.0/servicePrincipals/\(id)/appRoleAssignedTo", token: token)
        let rows = try #require(held.json["value"]?.array)
        #expect(!rows.isEmpty && rows.allSatisfy { $0["resourceId"]?.string == id })
        let principals = await bench.graph(
            "GET", "/v1.0/servicePrincipals?$expand=appRoleAssignments&$top=999", token: token)
        let expanded = principals.json["value"]?.array?.flatMap { $0["appRoleAssignments"]?.array ?? [] } ?? []
        #expect(expanded.count >= rows.count)
        #expect(
            await bench.graph("GET", "/v1.0/servicePrincipals?$expand=owners&$top=1", token: token).status == 200)
    }

    @Test("beta answers more without $select than v1.0 does")
    func beta() async {
        let bench = Bench()
        let token = await bench.token()
        let user = await bench.graph("GET", "/beta/users?$top=1", token: token).json["value"]?[0]
        #expect(user?["createdDateTime"]?.string != nil && user?["signInActivity"] == nil)
    }

    @Test("paging through the users gives each one once", arguments: [7, 100, 999])
    func paging(size: Int) async {
        let bench = Bench(users: 1203)
        let token = await bench.token()
        let items = await bench.everyItem("/v1.0/users?$select=id,userPrincipalName&$top=\(size)", token: token)
        #expect(items.count == 1203)
        #expect(Set(items.compactMap { $0["id"]?.string }).count == 1203)
        #expect(Set(items.compactMap { $0["userPrincipalName"]?.string?.lowercased() }).count == 1203)
    }

    @Test("a next link keeps the other options, is on the same host and carries a token")
    func nextLink() async {
        let bench = Bench()
        let token = await bench.token()
        let page = await bench.graph("GET", "/v1.0/users?$select=id,displayName&$top=3", token: token).json
        let link = page["@odata.nextLink"]?.string ?? ""
        #expect(link.hasPrefix("http://127.0.0.1:4711/v1.0/users?$select=id,displayName&$top=3&$skiptoken="))
        #expect(page["@odata.context"] == "http://127.0.0.1:4711/v1.0/$metadata#users(id,displayName)")
        #expect(page["value"]?[0]?.object?.keys == ["id", "displayName"])
    }

    @Test("mail is paged with $skip")
    func mailPaging() async {
        let bench = Bench()
        let token = await bench.token()
        let page = await bench.graph("GET", "/v1.0/me/messages?$top=2&$select=subject", token: token).json
        #expect(page["@odata.nextLink"] == "http://127.0.0.1:4711/v1.0/me/messages?$top=2&$select=subject&$skip=2")
        let first = page["value"]?[0]?.object
        #expect(first?.keys == ["@odata.etag", "id", "subject"])
        let all = await bench.everyItem("/v1.0/me/messages?$top=9", token: token)
        #expect(all.count >= 40)
        #expect(Set(all.compactMap { $0["id"]?.string }).count == all.count)
    }

    @Test(
        "a token is asked for and looked at",
        arguments: ["", "Bearer ", "Basic abc", "Bearer nonsense", "Bearer a.b.c"])
    func tokens(header: String) async {
        let bench = Bench()
        let answer = await bench.send("GET", "/v1.0/me", headers: header.isEmpty ? [:] : ["Authorization": header])
        #expect(answer.status == 401)
        #expect(answer.errorCode == "InvalidAuthenticationToken")
        #expect(answer.headers["WWW-Authenticate"]?.hasPrefix("Bearer realm=\"\"") == true)
    }

    @Test("a token that ran out, or is for another service, is refused")
    func wrongTokens() async {
        let bench = Bench()
        let flow = await bench.token(scope: "https://service.flow.microsoft.com/.default")
        #expect(
            await bench.graph("GET", "/v1.0/me", token: flow).json["error"]?["message"]
                == "Access token validation failure. Invalid audience.")
        let token = await bench.token()
        bench.clock.advance(by: 4822)
        #expect(
            await bench.graph("GET", "/v1.0/me", token: token).json["error"]?["message"]
                == "Lifetime validation failed, the token is expired.")
    }

    @Test(
        "what is not there is said in the words of its service",
        arguments: [
            ("/v1.0/users/nobody@contoso.example", 404, "Request_ResourceNotFound"),
            ("/v1.0/groups/11111111-1111-4111-8111-111111111111", 404, "Request_ResourceNotFound"),
            ("/v1.0/me/messages/nothing", 404, "ErrorItemNotFound"),
            ("/v1.0/me/drive/items/nothing", 404, "itemNotFound"),
            ("/v1.0/sites/nothing", 404, "itemNotFound"),
            ("/v1.0/nonsense", 400, "BadRequest"),
            ("/v1.0/users?$filter=colour eq 'red'", 400, "BadRequest"),
            ("/v1.0/users?$select=colour", 400, "BadRequest"),
            ("/v1.0/users?$filter=(", 400, "BadRequest"),
            ("/v1.0/users?$top=1000", 400, "Request_BadRequest"),
            ("/v1.0/users?$top=x", 400, "BadRequest"),
            ("/v1.0/users?$skip=3", 400, "Request_UnsupportedQuery"),
            ("/v1.0/users?$filter=endswith(mail,'@contoso.example')", 400, "Request_UnsupportedQuery"),
            ("/v1.0/users?$search=\"displayName:a\"", 400, "Request_UnsupportedQuery"),
            ("/v1.0/users/$count", 400, "Request_BadRequest"),
            ("/v1.0/users?$skiptoken=old", 400, "Directory_ExpiredPageToken"),
            ("/v1.0/users?$filter=accountEnabled eq 'yes'", 400, "BadRequest"),
        ])
    func missing(target: String, status: Int, code: String) async {
        let bench = Bench()
        let token = await bench.token()
        let target = target.split(separator: " ").joined(separator: "%20")
        let answer = await bench.graph("GET", target, token: token)
        #expect(answer.status == status)
        #expect(answer.errorCode == code)
        #expect(answer.json["error"]?["innerError"]?["request-id"]?.string == answer.headers["request-id"])
    }

    @Test("an advanced query works with the header and the count")
    func advanced() async {
        let bench = Bench()
        let token = await bench.token()
        let answer = await bench.graph(
            "GET", "/v1.0/users?$count=true&$filter=endswith(mail,'@\(TenantIdentity.domain)')&$top=1", token: token,
            headers: ["ConsistencyLevel": "eventual"])
        #expect(answer.status == 200)
        #expect((answer.json["@odata.count"]?.int ?? 0) > 200)
        let count = await bench.graph(
            "GET", "/v1.0/users/$count", token: token, headers: ["ConsistencyLevel": "eventual"])
        #expect(count.text == "300")
        #expect(count.headers["Content-Type"] == "text/plain")
    }

    @Test("every user is found by id and by name")
    func lookups() async {
        let bench = Bench(users: 9_000)
        let token = await bench.token()
        let items = await bench.everyItem("/v1.0/users?$select=id,userPrincipalName&$top=999", token: token)
        for item in items.enumerated().filter({ $0.offset % 61 == 0 }).map(\.element) {
            let id = item["id"]?.string ?? ""
            let name = item["userPrincipalName"]?.string?.uppercased() ?? ""
            #expect(await bench.inside { $0.store.user(id)?.id } == id)
            #expect(await bench.inside { $0.store.user(name)?.id } == id)
        }
    }

    @Test(
        "the parts of the tenant answer",
        arguments: [
            "/v1.0/groups", "/v1.0/applications", "/v1.0/servicePrincipals", "/v1.0/directoryRoles",
            "/v1.0/organization", "/v1.0/domains",
            "/v1.0/subscribedSkus", "/v1.0/auditLogs/signIns", "/v1.0/auditLogs/directoryAudits",
            "/v1.0/sites?search=*", "/v1.0/sites?$search=*", "/v1.0/sites?$search=\"project\"", "/v1.0/me/events",
            "/v1.0/me/calendars", "/v1.0/me/contacts", "/v1.0/me/mailFolders", "/v1.0/me/mailFolders/inbox/messages",
            "/v1.0/me/drive/root/children",
            "/v1.0/me/drives", "/v1.0/me/memberOf", "/v1.0/me/directReports", "/v1.0/me/joinedTeams", "/v1.0/me/chats",
            "/v1.0/me/licenseDetails",
            "/v1.0/sites/root/lists", "/beta/users", "/v1.0/sites/contososandbox.sharepoint.com:/sites/hr:/lists",
            "/v1.0/me/calendarView?startDateTime=2025-12-25T00:00:00Z&endDateTime=2026-01-10T00:00:00Z",
            "/v1.0/users('\(TenantIdentity.administrator)')/messages",
        ])
    func parts(target: String) async {
        let bench = Bench()
        let token = await bench.token()
        let answer = await bench.graph("GET", target, token: token)
        #expect(answer.status == 200, "\(answer.text.prefix(300))")
        #expect((answer.json["value"]?.array?.count ?? 0) > 0)
    }

    @Test("starting a directory of a hundred thousand users costs next to nothing")
    func lazily() async {
        // In processor time: what else the machine does is not the directory's doing.
        var start = timespec()
        var end = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start)
        let bench = Bench(users: 100_000)
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end)
        #expect(await bench.inside { $0.store.table(.users).count } == 100_000)
        #expect(end.tv_sec - start.tv_sec < 3)
    }
}
