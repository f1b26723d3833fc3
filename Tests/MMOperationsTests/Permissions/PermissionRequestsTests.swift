import MMCore
import MMGuard
import Testing

@testable import MMOperations

@Suite("Requests that permissions are asked for", .timeLimit(.minutes(5)))
struct PermissionRequestsTests {
    private func lines(_ text: String) throws -> [String] {
        try PermissionRequests(parsing: text, field: "request").requests.map(\.line)
    }

    @Test(
        "are read from lines, JSON lines and batches",
        arguments: [
            ("GET /users", ["GET /v1.0/users"]),
            ("/me/messages", ["GET /v1.0/me/messages"]),
            ("patch /beta/users/1\n# a remark\n\nDELETE /groups/2", ["PATCH /beta/users/1", "DELETE /v1.0/groups/2"]),
            (#"{"method": "POST", "url": "/users"}"#, ["POST /v1.0/users"]),
            (
                "{\"url\": \"/users\"}\n{\"method\":\"DELETE\",\"url\":\"/users/1\"}",
                ["GET /v1.0/users", "DELETE /v1.0/users/1"]
            ),
            (
                #"{"requests": [{"id": "1", "method": "GET", "url": "/me"}, {"id": "2", "url": "/groups"}]}"#,
                ["GET /v1.0/me", "GET /v1.0/groups"]
            ),
        ])
    func read(text: String, expected: [String]) throws {
        #expect(try lines(text) == expected)
    }

    @Test(
        "what can't be read is refused with an example", arguments: ["", "# nothing", #"{"requests": [{"id": "1"}]}"#])
    func refused(text: String) {
        #expect {
            try lines(text)
        } throws: {
            ($0 as? MMError)?.code == .invalidInput && ($0 as? MMError)?.hint != nil
        }
    }

    @Test("the audit log tells what was used, and what it can't tell is counted")
    func used() {
        let entries: [JSONObject] = [
            [
                "time": "2026-01-01T00:00:00Z", "module": "graph-api", "method": "GET", "path": "/v1.0/users",
                "outcome": "done",
            ],
            [
                "time": "2026-01-02T00:00:00Z", "module": "graph-api", "method": "GET", "path": "/v1.0/users",
                "outcome": "done",
            ],
            [
                "time": "2026-01-03T00:00:00Z", "module": "graph-api", "method": "POST", "path": "/v1.0/$batch",
                "outcome": "done",
            ],
            [
                "time": "2026-01-04T00:00:00Z", "module": "graph-api", "method": "GET", "path": "/v1.0/groups",
                "outcome": "forbidden",
            ],
            [
                "time": "2026-01-05T00:00:00Z", "host": "graph.microsoft.com", "method": "GET", "path": "/v1.0/devices",
                "status": 200,
            ],
            [
                "time": "2026-01-06T00:00:00Z", "host": "outlook.office365.com", "method": "POST",
                "path": "/adminapi/x", "status": 200,
            ],
            [
                "time": "2026-01-07T00:00:00Z", "module": "graph-api", "method": "GET", "path": "/v1.0/no/such",
                "outcome": "done",
            ],
        ]
        let used = UsedCalls(entries, graphHosts: ["graph.microsoft.com"])
        #expect(used.uses.map(\.line) == ["GET /users", "GET /devices"])
        #expect(used.uses.first?.count == 2)
        #expect(used.batches == 1)
        #expect(used.unknown == ["GET /v1.0/no/such"])
        #expect(used.first == "2026-01-01T00:00:00Z")
        #expect(used.last == "2026-01-07T00:00:00Z")
    }

    @Test("the items of a batch are told to the audit log without their content, and counted as used")
    func batches() throws {
        let body: JSONValue = [
            "requests": [
                ["id": "1", "method": "GET", "url": "/users?$top=1"],
                ["id": "2", "method": "post", "url": "/users", "body": ["passwordProfile": ["password": "x"]]],
            ]
        ]
        let target = try RequestTarget(parsing: "/beta/$batch", service: .graph)
        let items = try #require(BatchItems(of: body, at: target))
        #expect(
            items.json == [
                ["id": "1", "method": "GET", "path": "/beta/users"],
                ["id": "2", "method": "POST", "path": "/beta/users"],
            ])
        #expect(BatchItems(of: body, at: try RequestTarget(parsing: "/users", service: .graph)) == nil)
        let line: JSONObject = [
            "time": "2026-01-01T00:00:00Z", "module": "graph-api", "method": "POST", "path": "/beta/$batch",
            "outcome": "done", "items": items.json,
        ]
        let used = UsedCalls([line], graphHosts: [])
        #expect(used.uses.map(\.line) == ["GET /users", "POST /users"])
        #expect(used.batches == 0)
        var long = line
        long["itemsCount"] = 150
        #expect(UsedCalls([long], graphHosts: []).batches == 1)
    }

    @Test("every area stands for calls that the table knows")
    func areas() {
        let rights = TokenRights(kind: .work, permissions: [], roleIDs: [])
        for area in PermissionArea.all {
            for request in [area.reading, area.writing].compactMap(\.self) {
                #expect(PermissionReach(request, of: rights) != nil, "\(area.name): \(request)")
            }
        }
    }

    @Test("all uses of a connection together open each area for reading")
    func opened() throws {
        let graph = ConnectionUseTests.every.first { $0.service == .graph }?.names ?? []
        let closed = try PermissionArea.all.filter { area in
            guard let words = area.reading?.split(separator: " "), words.count == 2 else { return false }
            return try !ConnectionUseTests.opens(graph, String(words[0]), String(words[1]))
        }
        #expect(closed.map(\.name).isEmpty)
    }
}
