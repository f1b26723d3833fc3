import MMCore
import MMGraph
import TestSupport
import Testing

@testable import MMOperations

@Suite("Undo", .timeLimit(.minutes(10)))
struct UndoTests {
    /// A user who is neither the signed-in one nor a guest.
    private func user(_ tenant: ChangesHome) async throws -> (id: String, name: String) {
        let users = try await tenant.list("/users?$select=id,userPrincipalName,usageLocation")
        let user = try #require(users.dropFirst(8).first { $0["userPrincipalName"]?.string?.contains("#") == false })
        return (user["id"]?.string ?? "", user["userPrincipalName"]?.string ?? "")
    }

    @Test("writes back exactly the properties that were changed, also when the user was renamed by the change")
    func properties() async throws {
        let tenant = try await ChangesHome()
        let user = try await user(tenant)
        let path = "/users/\(user.id)?$select=department,jobTitle,userPrincipalName"
        let before = try await tenant.graph("GET", path)
        try await tenant.graph(
            "PATCH", "/users/\(user.name)", ["userPrincipalName": "new.name@contoso-sandbox.example"])
        try await tenant.graph("PATCH", "/users/\(user.id)", ["department": "Elsewhere"])
        let entries = try await tenant.journal.entries()
        #expect(entries.count == 2)
        _ = try await tenant.call("undo", ["id": .string(entries[0].id)])
        #expect(try await tenant.graph("GET", path)["userPrincipalName"] == before["userPrincipalName"])
        #expect(try await tenant.graph("GET", path)["department"] == "Elsewhere")
        _ = try await tenant.call("undo", ["id": .string(entries[1].id)])
        #expect(try await tenant.graph("GET", path) == before)
        await tenant.stop()
    }

    @Test("is itself a change that can be undone, and is not done twice")
    func redo() async throws {
        let tenant = try await ChangesHome()
        let user = try await user(tenant)
        try await tenant.graph("PATCH", "/users/\(user.id)", ["jobTitle": "Cook"])
        let first = try #require(try await tenant.newest())
        _ = try await tenant.call("undo", ["id": .string(first.id)])
        let again = await #expect(throws: MMError.self) { try await tenant.call("undo", ["id": .string(first.id)]) }
        #expect(again?.code == .conflict)
        let undo = try #require(try await tenant.newest())
        #expect(undo.undoes == first.id)
        _ = try await tenant.call("undo", ["id": .string(undo.id)])
        #expect(try await tenant.graph("GET", "/users/\(user.id)?$select=jobTitle")["jobTitle"] == "Cook")
        // What was undone stands again.
        _ = try await tenant.call("undo", ["id": .string(first.id)])
        #expect(try await tenant.graph("GET", "/users/\(user.id)?$select=jobTitle")["jobTitle"] != "Cook")
        await tenant.stop()
    }

    @Test("says that a line of the journal is damaged")
    func damagedJournal() async throws {
        let tenant = try await ChangesHome()
        let user = try await user(tenant)
        try await tenant.graph("PATCH", "/users/\(user.id)", ["city": "Rome"])
        #expect(try await tenant.call("undo_list", [:]).notes.isEmpty)
        let path = tenant.home.paths.stateDirectory + "/journal/1.jsonl"
        let text = String(decoding: try #require(try ProtectedFile.read(path)), as: UTF8.self)
        try ProtectedFile.replace(path, with: Array(text.replacing("Rome", with: "Roma").utf8))
        let note = try #require(try await tenant.journal.contents().damage)
        #expect(try await tenant.call("undo_list", [:]).notes.contains(note))
        let error = await #expect(throws: MMError.self) { try await tenant.call("undo", ["since": "1h"]) }
        #expect(error?.message.contains(note) == true, "\(error as Any)")
        await tenant.stop()
    }

    @Test("leaves alone what was changed again, and says what and by whom")
    func changedSince() async throws {
        let tenant = try await ChangesHome()
        let user = try await user(tenant)
        try await tenant.graph("PATCH", "/users/\(user.id)", ["city": "Rome"])
        let first = try #require(try await tenant.newest())
        try await tenant.graph("PATCH", "/users/\(user.id)", ["city": "Oslo"])
        let error = await #expect(throws: MMError.self) { try await tenant.call("undo", ["id": .string(first.id)]) }
        #expect(error?.code == .conflict)
        let text = try #require(error?.message)
        #expect(text.contains("Oslo") && text.contains("admin@contoso-sandbox.example"))
        let second = try #require(try await tenant.newest())
        #expect(error?.hint?.contains("mm undo \(second.id)") == true)
        let all = ChangesHome.value(try await tenant.call("undo", ["since": "1d", "dryRun": true])).array ?? []
        #expect(all.count == 2 && all.allSatisfy { $0["since"] == nil })
        #expect(try await tenant.graph("GET", "/users/\(user.id)?$select=city")["city"] == "Oslo")
        await tenant.stop()
    }

    @Test("a dry run of several changes names the later one that one of them is left alone for")
    func later() async throws {
        let tenant = try await ChangesHome()
        let user = try await user(tenant)
        let bodies: [JSONValue] = [["city": "Rome"], ["jobTitle": "Cook"]]
        let items = bodies.enumerated().map { number, body -> JSONValue in
            [
                "id": .string(String(number)), "method": "PATCH", "url": .string("/users/\(user.id)"),
                "headers": ["Content-Type": "application/json"], "body": body,
            ]
        }
        try await tenant.graph("POST", "/$batch", ["requests": .array(items)])
        let call = try #require(try await tenant.newest()).call
        try await tenant.graph("PATCH", "/users/\(user.id)", ["city": "Oslo"])
        let other = try #require(try await tenant.newest())
        func since() async throws -> [String?] {
            let answer = try await tenant.call("undo", ["call": .string(call), "dryRun": true])
            #expect(answer.text?.contains("would be undone: ") == true)
            return ChangesHome.value(answer).array?.map { $0["since"]?.string } ?? []
        }
        let told = try await since()
        #expect(told.count == 2 && told[0] == nil && told[1]?.contains(other.id) == true, "\(told)")
        _ = try await tenant.call("undo", ["id": .string(other.id)])
        #expect(try await since() == [nil, nil])
        await tenant.stop()
    }

    @Test("keeps no password, and says before and after that it can't be taken back")
    func secrets() async throws {
        let tenant = try await ChangesHome()
        let user = try await user(tenant)
        let body: JSONValue = [
            "passwordProfile": ["password": "S3cret-sentence!", "forceChangePasswordNextSignIn": true], "city": "Rome",
        ]
        let shown = try await tenant.graph("PATCH", "/users/\(user.id)", body, isDryRun: true)
        let lines = JSONWriter.string(shown)
        #expect(lines.contains("passwordProfile: a new value, which is not shown") && !lines.contains("S3cret"))
        try await tenant.graph("PATCH", "/users/\(user.id)", body)
        for name in try FolderListing.names(in: tenant.home.paths.stateDirectory + "/journal") {
            let path = "\(tenant.home.paths.stateDirectory)/journal/\(name)"
            let text = String(decoding: try ProtectedFile.read(path) ?? [], as: UTF8.self)
            #expect(!text.contains("S3cret"))
        }
        let entry = try #require(try await tenant.newest())
        _ = try await tenant.call("undo", ["id": .string(entry.id)])
        #expect(try await tenant.graph("GET", "/users/\(user.id)?$select=city")["city"] != "Rome")
        await tenant.stop()
    }

    @Test("shows a person the difference and its consequences before a write that needs a yes")
    func confirmation() async throws {
        let tenant = try await ChangesHome()
        let groups = try await tenant.list("/groups?$select=id,displayName,groupTypes,resourceProvisioningOptions")
        let team = try #require(groups.first { $0["displayName"]?.string?.hasPrefix("Project") == true })
        let id = team["id"]?.string ?? ""
        let forecast = try await tenant.graph("DELETE", "/groups/\(id)", isDryRun: true)
        let first = try #require(forecast["consequences"]?[0]?.string)
        #expect(first.contains("the group's access: "))
        let requests = try await tenant.requests(of: "/")
        try await tenant.graph("DELETE", "/groups/\(id)")
        // One read beside the question, and the write.
        #expect(try await tenant.requests(of: "/") - requests == 2)
        let page = try #require(tenant.person.pages.last)
        #expect(page.contains("deletes group \(team["displayName"]?.string ?? "?")"))
        #expect(page.contains("mailbox") && page.contains("30 days"))
        let entry = try #require(try await tenant.newest())
        _ = try await tenant.call("undo", ["id": .string(entry.id)])
        #expect(
            try await tenant.graph("GET", "/groups/\(id)?$select=displayName")["displayName"] == team["displayName"])
        await tenant.stop()
    }

    @Test("names before a write what can't be taken back, and shows it afterwards")
    func irreversible() async throws {
        let tenant = try await ChangesHome()
        let user = try await user(tenant)
        let shown = try await tenant.graph("POST", "/users/\(user.id)/revokeSignInSessions", isDryRun: true)
        #expect(shown["undo"]?.string?.contains("stay ended") == true)
        try await tenant.graph("POST", "/users/\(user.id)/revokeSignInSessions")
        let entry = try #require(try await tenant.newest())
        let sheet = ChangesHome.value(try await tenant.call("undo_show", ["id": .string(entry.id)]))
        #expect(sheet["state"] == "can't be undone")
        let error = await #expect(throws: MMError.self) { try await tenant.call("undo", ["id": .string(entry.id)]) }
        #expect(error?.message.contains("stay ended") == true)
        await tenant.stop()
    }

    @Test("a dry run sends nothing but reads, and the write is not in the journal")
    func dryRun() async throws {
        let tenant = try await ChangesHome()
        let user = try await user(tenant)
        let before = try await tenant.graph("GET", "/users/\(user.id)?$select=city")
        for (method, path, body) in [
            ("PATCH", "/users/\(user.id)", ["city": "Rome"] as JSONValue?), ("DELETE", "/users/\(user.id)", nil),
            (
                "POST", "/groups",
                ["displayName": "X", "mailEnabled": false, "mailNickname": "x", "securityEnabled": true]
            ),
        ] {
            let shown = try await tenant.graph(method, path, body, isDryRun: true)
            #expect(shown["change"]?.string != nil)
        }
        #expect(try await tenant.graph("GET", "/users/\(user.id)?$select=city") == before)
        #expect(try await tenant.journal.entries().isEmpty)
        #expect(tenant.person.pages.isEmpty)
        await tenant.stop()
    }

    @Test("takes back each item of a batch, the last one first, also where items follow each other")
    func batch() async throws {
        let tenant = try await ChangesHome()
        let user = try await user(tenant)
        let before = try await tenant.graph("GET", "/users/\(user.id)?$select=city,jobTitle")
        let requests = ["Rome", "Oslo"].enumerated().map { number, city -> JSONValue in
            var item: JSONObject = [
                "id": .string(String(number)), "method": "PATCH", "url": .string("/users/\(user.id)"),
                "headers": ["Content-Type": "application/json"], "body": ["city": .string(city)],
            ]
            if number > 0 { item["dependsOn"] = ["0"] }
            return .object(item)
        }
        try await tenant.graph("POST", "/$batch", ["requests": .array(requests)])
        let call = try #require(try await tenant.newest()).call
        let list = ChangesHome.value(try await tenant.call("undo_list", ["call": .string(call)])).array ?? []
        #expect(list.count == 2)
        _ = try await tenant.call("undo", ["call": .string(call)])
        #expect(try await tenant.graph("GET", "/users/\(user.id)?$select=city,jobTitle") == before)
        let undo = try #require(try await tenant.newest()).wholeCall
        let redone = ChangesHome.value(try await tenant.call("undo", ["call": .string(undo)])).array ?? []
        #expect(redone.count == 2 && redone.allSatisfy { $0["result"] == "undone" }, "\(redone)")
        #expect(try await tenant.graph("GET", "/users/\(user.id)?$select=city")["city"] == "Oslo")
        await tenant.stop()
    }

    @Test(
        "finds out whether a write was sent whose process was killed in the middle", arguments: [true, false])
    func killed(wasSent: Bool) async throws {
        let tenant = try await ChangesHome()
        let user = try await user(tenant)
        let path = "/users/\(user.id)?$select=city"
        let before = try await tenant.graph("GET", path)
        try await tenant.graph("PATCH", "/users/\(user.id)", ["city": "Rome"])
        let sent = try #require(try await tenant.newest())
        if !wasSent { _ = try await tenant.call("undo", ["id": .string(sent.id)]) }
        let open = JournalEntry(
            connection: "Demo", call: "killed", session: nil, client: "test", request: "PATCH /v1.0/users/x",
            change: sent.change)
        try await tenant.journal.begin(open)
        let list = ChangesHome.value(try await tenant.call("undo_list", ["call": "killed"]))
        #expect(list[0]?["state"] == "unknown whether it was sent")
        let answer = ChangesHome.value(try await tenant.call("undo", ["id": .string(open.id)]))
        let result = try #require(answer[0]?["result"]?.string)
        #expect(result.hasPrefix(wasSent ? "undone" : "nothing to do"))
        #expect(try await tenant.graph("GET", path) == before)
        await tenant.stop()
    }

    @Test(
        "leaves a member who may have been one before the write whose process was killed, and goes on with the others")
    func killedMembership() async throws {
        let tenant = try await ChangesHome()
        let user = try await user(tenant)
        let group = try await tenant.graph(
            "POST", "/groups",
            ["displayName": "Choir", "mailEnabled": false, "mailNickname": "choir", "securityEnabled": true])
        let members = "/groups/\(group["id"]?.string ?? "")/members"
        let city = try await tenant.graph("GET", "/users/\(user.id)?$select=city")
        try await tenant.graph("PATCH", "/users/\(user.id)", ["city": "Rome"])
        let patch = try #require(try await tenant.newest())
        try await tenant.graph(
            "POST", "\(members)/$ref", ["@odata.id": .string("https://x/v1.0/directoryObjects/\(user.id)")])
        let link = try #require(try await tenant.newest())
        for change in [patch.change, link.change] {
            try await tenant.journal.begin(
                JournalEntry(
                    connection: "Demo", call: "killed", session: nil, client: "test", request: "POST", change: change))
        }
        let open = try #require(try await tenant.newest())
        let error = await #expect(throws: MMError.self) { try await tenant.call("undo", ["id": .string(open.id)]) }
        #expect(error?.code == .conflict && error?.message.contains("it is unknown") == true)
        for isDryRun in [true, false] {
            let answer = try await tenant.call("undo", ["call": "killed", "dryRun": .bool(isDryRun)])
            let word = ChangesHome.value(answer)[0]?[isDryRun ? "undo" : "result"]?.string
            #expect(word?.hasPrefix("can't be undone: it is unknown") == true, "\(word ?? "")")
        }
        #expect(try await tenant.graph("GET", "/users/\(user.id)?$select=city") == city)
        #expect(try await tenant.list("\(members)?$select=id").map { $0["id"] } == [.string(user.id)])
        // What the service said yes to is taken back.
        _ = try await tenant.call("undo", ["id": .string(link.id)])
        #expect(try await tenant.list("\(members)?$select=id").isEmpty)
        await tenant.stop()
    }

    @Test("goes on where an undo was killed between its request and the note of its end")
    func resumed() async throws {
        let tenant = try await ChangesHome()
        let user = try await user(tenant)
        for city in ["Rome", "Oslo", "Bern"] {
            try await tenant.graph("PATCH", "/users/\(user.id)", ["city": .string(city)])
        }
        let entries = try await tenant.journal.entries()
        // The undo of the last change was sent, and its end is not in the journal.
        let undo = JournalEntry(
            connection: "Demo", call: "killed", session: nil, client: "test", request: "PATCH",
            change: entries[2].change,
            undoes: entries[2].id)
        try await tenant.journal.begin(undo)
        try await tenant.graph("PATCH", "/users/\(user.id)", ["city": "Oslo"])
        let outside = try #require(try await tenant.newest())
        try await tenant.journal.end(outside, .refused)
        let rows = ChangesHome.value(try await tenant.call("undo", ["session": "session-1"])).array ?? []
        #expect(
            rows.compactMap { $0["result"]?.string }.map { String($0.prefix(7)) } == ["nothing", "undone", "undone"])
        #expect(
            try await tenant.graph("GET", "/users/\(user.id)?$select=city")["city"] == entries[0].change.before?["city"]
        )
        await tenant.stop()
    }

    @Test("starts again the flow that was stopped, and the dry run said what it would do")
    func flow() async throws {
        let tenant = try await ChangesHome()
        let flows = "/providers/Microsoft.ProcessSimple/environments/Default-5a4db0c5-7e11-4c02-9d0e-5a11db0c5e01/flows"
        func rows() async throws -> [JSONValue] {
            try await tenant.flow("GET", flows)["value"]?.array ?? []
        }
        let flow = try #require(try await rows().first { $0["properties"]?["state"] == "Started" })
        let path = "\(flows)/\(flow["name"]?.string ?? "")"
        let before = try await rows()
        let forecast = try await tenant.flow("POST", "\(path)/stop", isDryRun: true)
        let line = try #require(forecast["lines"]?[0]?.string)
        #expect(line == "state: \"Started\" → \"Stopped\"")
        #expect(try await rows() == before)
        try await tenant.flow("POST", "\(path)/stop")
        #expect(try await rows() != before)
        let entry = try #require(try await tenant.newest())
        _ = try await tenant.call("undo", ["id": .string(entry.id)])
        #expect(try await rows() == before)
        await tenant.stop()
    }

    @Test(
        "creates anew what was deleted, and takes earlier changes back on the new object",
        arguments: [
            (
                "/identity/conditionalAccess/policies",
                [
                    "displayName": "Policy", "state": "disabled",
                    "conditions": [
                        "users": ["includeUsers": ["All"]], "applications": ["includeApplications": ["All"]],
                    ],
                    "grantControls": ["operator": "OR", "builtInControls": ["mfa"]],
                ], ["displayName": "Other policy"]
            ),
            (
                "/me/mailFolders/inbox/messageRules",
                [
                    "displayName": "Rule", "sequence": 1, "isEnabled": false,
                    "conditions": ["subjectContains": ["offer"]], "actions": ["markAsRead": true],
                ], ["displayName": "Other rule"]
            ),
        ] as [(String, JSONValue, JSONValue)])
    func anew(collection: String, body: JSONValue, change: JSONValue) async throws {
        let tenant = try await ChangesHome()
        func state() async throws -> [JSONValue] {
            try await tenant.list(collection).map { row in
                .object(
                    JSONObject(
                        (row.object ?? [:]).filter { !["id", "createdDateTime", "modifiedDateTime"].contains($0.key) }
                            .map { ($0.key, $0.value) }))
            }
        }
        let made = try await tenant.graph("POST", collection, body)
        let id = try #require(made["id"]?.string)
        let first = try await state()
        try await tenant.graph("PATCH", "\(collection)/\(id)", change)
        try await tenant.graph("DELETE", "\(collection)/\(id)")
        let entries = try await tenant.journal.entries()
        _ = try await tenant.call("undo", ["id": .string(entries[2].id)])
        _ = try await tenant.call("undo", ["id": .string(entries[1].id)])
        #expect(Set(try await state()) == Set(first))
        _ = try await tenant.call("undo", ["id": .string(entries[0].id)])
        #expect(try await state().count == first.count - 1)
        await tenant.stop()
    }

    @Test(
        "restores what was deleted from the deleted items, with its id and with what it was linked to",
        arguments: ["user", "app", "team"])
    func restored(what: String) async throws {
        let tenant = try await ChangesHome()
        let path: String
        switch what {
        case "user": path = "/users/\(try await user(tenant).id)"
        case "app":
            let made = try await tenant.graph("POST", "/applications", ["displayName": "Expenses"])
            path = "/applications/\(made["id"]?.string ?? "")"
        default:
            let groups = try await tenant.list("/groups?$select=id,displayName")
            let team = try #require(groups.first { $0["displayName"]?.string?.hasPrefix("Project") == true })
            path = "/groups/\(team["id"]?.string ?? "")"
        }
        func state() async throws -> [JSONValue] {
            var state = [try await tenant.graph("GET", path)]
            if what == "team" {
                state += Set(try await tenant.list("\(path)/members?$select=id")).sorted { "\($0)" < "\($1)" }
            }
            if what == "user" { state.append(try await tenant.graph("GET", "\(path)?$select=assignedLicenses")) }
            return state
        }
        let before = try await state()
        let shown = try await tenant.graph("DELETE", path, isDryRun: true)
        #expect(shown["undo"] == "can be taken back")
        try await tenant.graph("DELETE", path)
        let gone = await #expect(throws: MMError.self) { try await tenant.graph("GET", path) }
        #expect(gone?.code == .notFound)
        let entry = try #require(try await tenant.newest())
        let answer = ChangesHome.value(try await tenant.call("undo", ["id": .string(entry.id)]))
        #expect(answer[0]?["result"] == "undone")
        #expect(try await state() == before)
        // The undo of the undo deletes again.
        let undo = try #require(try await tenant.newest())
        #expect(undo.change.kind == .restoration)
        _ = try await tenant.call("undo", ["id": .string(undo.id)])
        let again = await #expect(throws: MMError.self) { try await tenant.graph("GET", path) }
        #expect(again?.code == .notFound)
        await tenant.stop()
    }

    @Test("shows those who signed in to the server their own changes alone, and takes back no others for them")
    func principals() async throws {
        let tenant = try await ChangesHome()
        let user = try await user(tenant)
        let write: JSONObject = [
            "connection": "Demo", "endpoint": .string("/users/\(user.id)"), "method": "PATCH", "unlisted": true,
        ]
        func list(_ principal: String?) async throws -> [JSONValue] {
            ChangesHome.value(try await tenant.call("undo_list", [:], as: principal)).array ?? []
        }
        for (principal, city) in [("tenant/ada", "Rome"), ("tenant/bea", "Oslo")] {
            var write = write
            write["body"] = ["city": .string(city)]
            _ = try await tenant.call("graph_request", write, as: principal)
        }
        var mine = write
        mine["body"] = ["jobTitle": "Cook"]
        _ = try await tenant.call("graph_request", mine)
        let all = try await list(nil)
        #expect(all.count == 3)
        let (bea, ada) = (all[1]["id"] ?? .null, all[2]["id"] ?? .null)
        #expect(try await list("tenant/ada").map { $0["id"] } == [ada])
        #expect(try await list("tenant/bea").map { $0["id"] } == [bea])
        for name in ["undo", "undo_show"] {
            let refusal = await #expect(throws: MMError.self) {
                try await tenant.call(name, ["id": bea], as: "tenant/ada")
            }
            #expect(refusal?.code == .notFound)
        }
        // The owner sees all, and what the owner undid is undone for everybody.
        _ = try await tenant.call("undo", ["id": bea])
        #expect(try await list("tenant/bea").first?["state"] == "undone")
        let answer = ChangesHome.value(try await tenant.call("undo", ["since": "1d"], as: "tenant/ada"))
        #expect(answer.array?.map { $0["id"] } == [ada])
        #expect(try await tenant.graph("GET", "/users/\(user.id)?$select=jobTitle")["jobTitle"] == "Cook")
        let histories = ChangesHome.value(
            try await tenant.call("history", ["object": .string(user.name)], as: "tenant/bea"))
        #expect(histories.array?.map { $0["id"] } == [bea])
        await tenant.stop()
    }

    @Test("assigns a role again that was taken, and takes one that was assigned")
    func roleAssignment() async throws {
        let tenant = try await ChangesHome()
        let user = try await user(tenant)
        let path = "/roleManagement/directory/roleAssignments"
        let first = Set(try await tenant.list(path))
        let role = try #require(first.first?["roleDefinitionId"])
        let made = try await tenant.graph(
            "POST", path, ["principalId": .string(user.id), "roleDefinitionId": role, "directoryScopeId": "/"])
        let second = Set(try await tenant.list(path))
        try await tenant.graph("DELETE", "\(path)/\(made["id"]?.string ?? "")")
        #expect(Set(try await tenant.list(path)) == first)
        let entries = try await tenant.journal.entries()
        _ = try await tenant.call("undo", ["id": .string(entries[1].id)])
        #expect(Set(try await tenant.list(path)) == second)
        _ = try await tenant.call("undo", ["id": .string(entries[0].id)])
        #expect(Set(try await tenant.list(path)) == first)
        await tenant.stop()
    }

    @Test("tells the history of an object across its names")
    func history() async throws {
        let tenant = try await ChangesHome()
        let user = try await user(tenant)
        try await tenant.graph("PATCH", "/users/\(user.name)", ["city": "Rome"])
        try await tenant.graph(
            "PATCH", "/users/\(user.id)", ["userPrincipalName": "other.name@contoso-sandbox.example"])
        try await tenant.graph("PATCH", "/users/other.name@contoso-sandbox.example", ["city": "Oslo"])
        let rows = ChangesHome.value(try await tenant.call("history", ["object": .string(user.name)])).array ?? []
        #expect(rows.count == 3)
        for path in ["/users/\(user.id)", "users/\(user.name)", "v1.0/users/\(user.id)/manager"] {
            let answer = ChangesHome.value(try await tenant.call("history", ["object": .string(path)]))
            #expect(answer.array?.count == 3, "\(path)")
        }
        let none = ChangesHome.value(try await tenant.call("history", ["object": "nobody"])).array ?? []
        #expect(none.isEmpty)
        await tenant.stop()
    }
}
