import MMCore
import MMGuard
import Testing

@testable import MMOperations

@Suite("What Microsoft Graph offers, as it is answered", .timeLimit(.minutes(5)))
struct EndpointsTests {
    private func target(_ path: String) throws -> RequestTarget {
        try RequestTarget(parsing: path, service: .graph)
    }

    private func value(_ answer: OperationAnswer) -> JSONValue? {
        guard case .value(let value) = answer.body else { return nil }
        return value
    }

    private func caller(_ surface: Caller.Surface) -> Caller { Caller(surface: surface, name: "test", server: nil) }

    @Test(
        "an answer to a question stays below 2,000 bytes, each call with its permission, class and request",
        arguments: [
            "inbox rules of a user", "guests", "assign license", "conditional access", "reset password",
            "mailbox sizes",
        ])
    func answers(question: String) throws {
        let answer = try CallSheet.answer(to: question, method: nil, beta: false, top: 25)
        let found = try #require(value(answer))
        #expect(JSONWriter.bytes(found).count <= 2000)
        let calls = try #require(found["calls"]?.array)
        #expect(calls.count >= 2)
        let first = try #require(calls.first)
        #expect(first["least"]?.string?.isEmpty == false)
        #expect(first["class"]?.string?.isEmpty == false)
        let path = try #require(first["request"]?["endpoint"]?.string)
        #expect(throws: Never.self) { try target(path) }
        #expect(answer.text?.contains("mm graph CONNECTION \(ShellWord.quoted(path))") == true)
    }

    @Test(
        "a cmdlet that matches far worse than the best call isn't named",
        arguments: [
            ("create a meeting", nil), ("send a teams message", nil), ("groups of a user", nil), ("create a team", nil),
            ("create a shared mailbox", "New-Mailbox"),
            ("add a user to a distribution list", "Add-DistributionGroupMember"),
            ("out of office of a colleague", "Get-MailboxAutoReplyConfiguration"),
        ] as [(String, String?)])
    func cmdlets(question: String, name: String?) throws {
        let cmdlets = try value(CallSheet.answer(to: question, method: nil, beta: false, top: 5))?["cmdlets"]?.array
        let first = cmdlets?.first?["request"]?["command"]?.string?.split(separator: " ").first.map(String.init)
        #expect(first == name)
    }

    @Test(
        "the body of every request that an answer names is an object, as the tool takes it, and a count selects nothing",
        arguments: ["batch", "what if of conditional access", "create many users", "how many groups", "flow of a user"])
    func takenBodies(question: String) throws {
        let calls = try value(CallSheet.answer(to: question, method: nil, beta: false, top: 10))?["calls"]?.array
        for request in try #require(calls).compactMap({ $0["request"] }) {
            #expect(request["body"] == nil || request["body"]?.object != nil, "\(request)")
            #expect(request["endpoint"]?.string?.contains("$count?$select") != true, "\(request)")
        }
    }

    @Test(
        "a count answers a number, which can be filtered and searched, and nothing else",
        arguments: ["count users", "/users/$count"])
    func counts(question: String) throws {
        let answer =
            question.hasPrefix("/")
            ? try CallSheet.answer(about: question, method: nil, beta: false)
            : try CallSheet.answer(to: question, method: nil, beta: false, top: 1)
        let call = try #require(value(answer)?["calls"]?[0])
        #expect(value(answer)?["calls"]?.array?.count == 1)
        #expect(call["call"] == "GET /users/$count" && call["answers"] == "number")
        #expect(call["query"] == "$filter $search" && call["request"] == ["endpoint": "/users/$count"])
    }

    @Test("the example body of every call of another service is data")
    func serviceBodies() throws {
        for call in ServiceCallTable.calls where !call.body.isEmpty {
            #expect(throws: Never.self, "\(call.path)") { try JSONParser.parse(call.body) }
        }
    }

    @Test("words that match nothing are told so, with what to try")
    func nothing() throws {
        let error = #expect(throws: MMError.self) {
            try CallSheet.answer(to: "zzqqxx", method: nil, beta: false, top: 5)
        }
        #expect(error?.code == .notFound)
        let hint = try #require(error?.hint)
        #expect(hint.contains("other words") && hint.contains("--properties"))
    }

    @Test(
        "a full address is a path, in every cloud and any case",
        arguments: [
            "https://graph.microsoft.com/v1.0/users", "HTTPS://Graph.Microsoft.com/v1.0/users",
            "https://graph.microsoft.us/v1.0/users", "GET https://graph.microsoft.com/v1.0/users",
        ])
    func fullAddress(address: String) throws {
        let path = try #require(CallSheet.path(in: address))
        let calls = try value(CallSheet.answer(about: path, method: "GET", beta: false))?["calls"]?.array
        #expect(calls?.first?["call"] == "GET /users")
    }

    @Test("the requests within a batch are looked at like one alone, and the wrong one is named")
    func batch() throws {
        let body: JSONValue = [
            "requests": [
                ["id": "a", "method": "GET", "url": "/users"], ["id": "b", "method": "GET", "url": "/usres/1"],
            ]
        ]
        let items = try #require(BatchItems(of: body, at: try target("/$batch"))).items
        let error = #expect(throws: MMError.self) { try PathFault.check(items) }
        #expect(error?.message.hasPrefix("Item b of the batch: ") == true)
        #expect(error?.details["item"] == "b")
        #expect(error?.hint?.contains("/users") == true)
        #expect(throws: Never.self) { try PathFault.check(Array(items.prefix(1))) }
    }

    @Test("a path is told with all its methods, with keys in any form")
    func paths() throws {
        for path in ["/users/{id}/messages", "/v1.0/users/ada@contoso.com/messages", "GET /me/messages"] {
            let read = try #require(CallSheet.path(in: path))
            let answer = try CallSheet.answer(about: read, method: nil, beta: false)
            let calls = value(answer)?["calls"]?.array?.compactMap { $0["call"]?.string }
            #expect(calls == ["GET /users/{user-id}/messages", "POST /users/{user-id}/messages"])
        }
        #expect(CallSheet.path(in: "get messages of a user") == nil)
        let error = #expect(throws: MMError.self) {
            try CallSheet.answer(about: "/users/{id}/mesages", method: nil, beta: false)
        }
        #expect(error?.hint?.contains("/users/{id}/messages") == true)
    }

    @Test("a type is told with what a query may ask of it, a wrong one with the near names")
    func types() throws {
        let user = try #require(value(try TypeSheet.answer(about: "users")))
        #expect(user["type"]?.string == "user")
        #expect(user["filter"]?.object?.contains { $0.value.string?.contains("displayName") == true } == true)
        #expect(user["expand"]?.string?.contains("manager") == true)
        let error = #expect(throws: MMError.self) { try TypeSheet.answer(about: "usr") }
        #expect(error?.hint?.contains("user") == true)
    }

    @Test("a wrong path, method or property is refused with what to do next, a right one is not")
    func faults() throws {
        for (method, path, part) in [
            ("GET", "/usres", "/users"), ("DELETE", "/users", "GET, POST"),
            ("POST", "/groups/1/members", "POST, DELETE of /groups/{group-id}/members/$ref change its links"),
            ("GET", "/deviceManagement/configurationPolicies", "/beta/deviceManagement/configurationPolicies"),
            ("PATCH", "/users/{user-id}", "{user-id} in the path stands for a value"),
            ("GET", "/groups/{id}/members", "{id} in the path stands for a value"),
            ("GET", "/groups/:id/members", ":id in the path stands for a value"),
            ("GET", "/users/%3Cuser-id%3E", "<user-id> in the path stands for a value"),
            ("GET", "/users?$filter=displayName = 'x'", "Write `eq`."),
            ("GET", "/users?$filter=mail like '%25x'", "no operator `like`"),
            ("GET", "/users?$select=dispalyName", "displayName"), ("POST", "/users", "--method POST"),
        ] {
            let error = #expect(throws: MMError.self) {
                try PathFault.check(method, try target(path), hasBody: false)
            }
            #expect(error?.code == .invalidInput)
            let text = error.map { "\($0.message) \($0.hint ?? "")" } ?? ""
            #expect(text.contains(part), "\(text)")
            #expect(text.contains("unlisted"), "\(text)")
        }
        for (method, path, hasBody) in [
            ("GET", "/users?$select=id,displayName", false), ("POST", "/users", true),
            ("GET", "/sites/root/lists/{b57af081-936c-4803-a120-d94887b03864}", false),
            ("GET", "/me/drive/root:/{final}:/content", false),
            ("POST", "/users/1/revokeSignInSessions", false),
        ] {
            #expect(throws: Never.self) { try PathFault.check(method, try target(path), hasBody: hasBody) }
        }
    }

    @Test("a list is no body of a call that takes an object, and is one of the few that take a list")
    func listBody() throws {
        let error = #expect(throws: MMError.self) {
            try PathFault.check("POST", try target("/users"), hasBody: true, body: [["displayName": "Ann"]])
        }
        #expect(error?.details["field"] == "body" && error?.hint?.contains("--batch") == true)
        let page = try target("/me/onenote/pages/1-5a4d/content")
        #expect(throws: Never.self) {
            try PathFault.check("PATCH", page, hasBody: true, body: [["target": "body", "action": "append"]])
        }
    }

    @Test(
        "a model's bare list asks for the usual properties and says so; people, scripts and own choices are left alone")
    func usual() throws {
        let users = try target("/users?$top=5")
        let added = try #require(UsualProperties.added(to: users, "GET", for: caller(.mcp)))
        #expect(added.target.queryValue("$select")?.contains("displayName") == true)
        #expect(added.note.contains("$select=*"))
        for surface in [Caller.Surface.terminal, .rest, .library] {
            #expect(UsualProperties.added(to: users, "GET", for: caller(surface)) == nil)
        }
        for path in ["/users?$select=id", "/users/1", "/users/$count", "/groups/1/members", "/users?$expand=manager"] {
            #expect(UsualProperties.added(to: try target(path), "GET", for: caller(.mcp)) == nil, "\(path)")
        }
        let star = UsualProperties.withoutStar([("$select", "*"), ("$top", "5")], for: caller(.mcp))
        #expect(star.isStar && star.query.map(\.name) == ["$top"])
    }
}
