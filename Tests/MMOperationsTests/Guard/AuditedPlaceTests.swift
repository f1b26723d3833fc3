import MMCore
import Testing

@testable import MMOperations

@Suite("Who and where a line of the audit log says", .timeLimit(.minutes(10)))
struct AuditedPlaceTests {
    private func lines(_ home: ChangesHome, _ operation: String) throws -> [JSONObject] {
        try home.service.services.audit.entries(limit: 500) { $0["operation"]?.string == operation }
    }

    @Test("each line has the tenant, the account and the user of this machine; also the one that a write begins with")
    func place() async throws {
        let home = try await ChangesHome(users: 12)
        try await home.add("Lena", account: "lena.vogt@contoso-sandbox.example")
        for connection in ["Demo", "Lena"] {
            _ = try await home.call(
                "graph_request",
                [
                    "connection": .string(connection), "endpoint": "/me/contacts", "method": "POST",
                    "body": ["givenName": "Ada"], "unlisted": true,
                ])
        }
        let requests = try lines(home, "graph_request")
        #expect(requests.map { $0["outcome"] } == ["begun", "done", "begun", "done"])
        for line in requests {
            #expect(line["tenant"] == "5a4db0c5-7e11-4c02-9d0e-5a11db0c5e01")
            #expect(line["account"]?.string.map(GUID.isValid) == true)
            #expect(line["user"]?.string == ThisProcess.login)
        }
        #expect(requests[0]["accountName"] == "admin@contoso-sandbox.example")
        #expect(requests[2]["accountName"] == "lena.vogt@contoso-sandbox.example")
        #expect(requests[0]["account"] != requests[2]["account"])
        _ = try await home.call("graph_request", ["connection": "Demo", "endpoint": "/me"], as: "somebody")
        let own = try #require(try lines(home, "graph_request").last)
        #expect(own["principal"] == "somebody" && own["user"] == nil)
        await home.stop()
    }

    @Test("a line names each request of a batch, as it was sent")
    func batch() async throws {
        let home = try await ChangesHome(users: 12)
        let user = try #require(try await home.list("/users?$select=id").last?["id"]?.string)
        try await home.graphBatch([
            #"{"url":"/me"}"#, #"{"method":"PATCH","url":"/users/\#(user)","body":{"department":"Finance"}}"#,
        ])
        let line = try #require(try lines(home, "graph_request").last)
        #expect(line["method"] == "PATCH" && line["path"]?.string == "/v1.0/users/\(user)")
        #expect(line["items"]?.array?.map { $0["method"] } == ["GET", "PATCH"])
        #expect(line["items"]?.array?.map { $0["path"] } == ["/v1.0/me", .string("/v1.0/users/\(user)")])
        await home.stop()
    }

    @Test(
        "a line has the beginning of a long list and its count", arguments: [(100, nil), (101, 101)] as [(Int, Int?)])
    func lists(of length: Int, count: Int?) {
        let record = CallRecord()
        record.note("items", .array((0..<length).map { .int(Int64($0)) }))
        #expect(record.written["items"]?.array?.count == CallRecord.longestList)
        #expect(record.written["itemsCount"]?.int == count)
        #expect(record.facts["items"]?.array?.count == length)
    }

    @Test("each write of an undo has a line of its own, with what was sent, where, and what it takes back")
    func steps() async throws {
        let home = try await ChangesHome(users: 12)
        try await home.run("Set-RemoteDomain Default -AutoReplyEnabled $false")
        let user = try #require(try await home.list("/users?$select=id").last?["id"]?.string)
        try await home.graph("PATCH", "/users/\(user)", ["department": "Finance"])
        _ = try await home.call("undo", ["since": "10m"])
        let steps = try lines(home, UndoStep.operation)
        #expect(steps.count == 2, "\(steps)")
        #expect(steps.first?["method"] == "PATCH" && steps.first?["path"]?.string?.hasSuffix("/users/\(user)") == true)
        #expect(steps.last?["commands"] == ["Set-RemoteDomain"] && steps.last?["targets"] == ["Default"])
        let call = try #require(try lines(home, "undo").last)
        let entries = try await home.journal.entries()
        for step in steps {
            #expect(step["call"] == call["call"] && step["outcome"] == "done" && step["tenant"] == call["tenant"])
            #expect(entries.contains { $0.id == step["undoes"]?.string })
            #expect(entries.contains { $0.id == step["change"]?.string && $0.undoes == step["undoes"]?.string })
        }
        let shown = try await home.call("audit_show", ["call": call["call"] ?? ""])
        let rows = ChangesHome.value(shown).array ?? []
        #expect(rows.contains { $0["what"]?.string?.hasPrefix("PATCH ") == true && $0["operation"] == "undo_step" })
        #expect(
            ChangesHome.value(try await home.call("audit_show", [:])).array?.contains { $0["operation"] == "undo_step" }
                == false)
        await home.stop()
    }

    @Test("a write in several tenants names the question that was answered, and who said yes")
    func together() async throws {
        let home = try await ChangesHome(users: 12)
        try await home.add("Lena", account: "lena.vogt@contoso-sandbox.example")
        let answer = try await home.call(
            "graph_request",
            [
                "connection": "Demo,Lena", "endpoint": "/me/contacts", "method": "POST",
                "body": ["givenName": "Ada"], "unlisted": true,
            ])
        if let stream = answer.body.stream { while try await stream.next() != nil {} }
        let writes = try lines(home, "graph_request").filter { $0["outcome"] == "done" }
        #expect(writes.count == 2, "\(writes)")
        let digests = Set(writes.compactMap { $0["confirmedDigest"]?.string })
        #expect(digests.count == 1)
        for line in writes {
            #expect(line["confirmedBy"] == "together")
            #expect(line["approvedBy"]?[0]?.string == "\(ThisProcess.login) (terminal)", "\(line)")
        }
        await home.stop()
    }
}
