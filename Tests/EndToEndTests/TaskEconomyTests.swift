import MMCore
import Testing

/// An assistant that knows only the server's tools does an administrator's tasks: it searches in words, calls what the
/// answer names, and may need at most three calls without a write, five with one, and no failed call.
@Suite("Forty tasks of administrators, in calls and bytes", .timeLimit(.minutes(30)))
struct TaskEconomyTests {
    /// One task.
    struct Task: Sendable, CustomTestStringConvertible {
        let question: String
        /// The recipe that answers it; `nil` if the first call that the search names does.
        var ready: String?
        var parameters: JSONObject = [:]
        /// What the answer has to contain.
        var holds = ""
        var writes = false

        var testDescription: String { question }
    }

    /// The cost of a task.
    private struct Bill {
        var calls = 0
        var bytes = 0
    }

    private static let user = "lena.vogt@contoso-sandbox.example"

    /// Tasks with a recipe.
    private static let ready: [Task] = [
        Task(question: "who forwards mail outside", ready: "mail-forwarding", holds: "fabrikam"),
        Task(question: "which accounts have no MFA", ready: "users-without-mfa", holds: "contoso-sandbox"),
        Task(question: "idle guests", ready: "unused-guests"),
        Task(question: "inactive users of the last 90 days", ready: "inactive-users"),
        Task(question: "users who never signed in", ready: "never-signed-in"),
        Task(question: "unused licences of disabled accounts", ready: "disabled-with-licences", holds: "dora"),
        Task(question: "how many licences are free", ready: "licence-counts", holds: "SPE"),
        Task(question: "who are the global admins", ready: "admins-by-role", holds: "Global Administrator"),
        Task(question: "teams without owners", ready: "groups-without-owners"),
        Task(question: "which app secrets expire soon", ready: "expiring-app-secrets"),
        Task(question: "risky consents to apps", ready: "risky-consents"),
        Task(question: "conditional access exclusions", ready: "conditional-access-gaps"),
        Task(question: "failed sign-ins by reason", ready: "failed-sign-ins"),
        Task(question: "users at risk", ready: "risky-users"),
        Task(question: "is there an outage", ready: "service-health", holds: "Exchange"),
        Task(question: "domains of the tenant", ready: "domains", holds: "contoso"),
        Task(question: "who is out of office", ready: "auto-replies"),
        Task(question: "rights on shared mailboxes", ready: "shared-mailbox-rights"),
        Task(question: "meeting rooms", ready: "room-mailboxes"),
        Task(question: "transport rules", ready: "transport-rules"),
        Task(question: "passwords that never expire", ready: "password-never-expires"),
        Task(question: "stale devices", ready: "stale-devices"),
        Task(question: "external sharing of files", ready: "external-sharing"),
        Task(question: "dynamic groups", ready: "dynamic-groups"),
        Task(question: "empty groups", ready: "empty-groups"),
        Task(question: "my last changes", ready: "undo_list"),
        Task(question: "what did this agent do", ready: "audit_mine"),
    ]

    /// Tasks that the first read answers which the search names.
    private static let reads: [Task] = [
        Task(question: "secure score of the tenant", holds: "currentScore"),
        Task(question: "security alerts", holds: "severity"), Task(question: "security incidents", holds: "severity"),
        Task(question: "bitlocker recovery keys", holds: "deviceId"),
        Task(question: "LAPS passwords of devices", holds: "deviceName"),
        Task(question: "windows autopilot devices", holds: "serialNumber"),
        Task(question: "message center posts", holds: "title"),
        Task(question: "access reviews", holds: "displayName"),
        Task(question: "conditional access policies", holds: "state"),
        Task(question: "non-compliant devices", holds: "deviceName"),
        Task(question: "directory audit log", holds: "activity"),
    ]

    private func told(_ answer: JSONValue) -> String { answer.text }

    @Test("take few calls and few bytes, and no call fails")
    func tasks() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        let client = try await MCPClient(tenant.home.environment, arguments: [])
        _ = try await client.initialize()
        var number = 1
        var whole = Bill()
        for task in Self.ready + Self.reads {
            var bill = Bill()
            func call(_ tool: String, _ arguments: JSONObject) async throws -> String {
                number += 1
                bill.calls += 1
                let answer = try await client.call(number, tool, arguments)
                bill.bytes += JSONWriter.string(.object(arguments)).utf8.count + answer.text.utf8.count
                #expect(answer["isError"] != true, "\(task.question): \(tool) \(arguments): \(answer.text.prefix(300))")
                return answer.text
            }
            let found = try JSONParser.parse(try await call("mm__graph_request", ["search": .string(task.question)]))
            let text: String
            if let name = task.ready {
                let names = found["ready"]?.array?.compactMap { $0["request"]?["name"]?.string } ?? []
                guard names.contains(name) else {
                    Issue.record("\(task.question): \(names)")
                    continue
                }
                var arguments: JSONObject = ["name": .string(name), "connection": "Demo"]
                if !task.parameters.isEmpty { arguments["parameters"] = .object(task.parameters) }
                text = try await call("mm__recipe", arguments)
            } else {
                var arguments = found["calls"]?[0]?["request"]?.object ?? [:]
                arguments["connection"] = "Demo"
                text = try await call("mm__graph_request", arguments)
            }
            #expect(text.contains(task.holds) || task.holds.isEmpty, "\(task.question): \(text.prefix(400))")
            #expect(bill.calls <= 3 && bill.bytes <= 26_000, "\(task.question): \(bill)")
            whole.calls += bill.calls
            whole.bytes += bill.bytes
        }
        #expect(whole.calls <= 2 * (Self.ready.count + Self.reads.count))
    }

    @Test("a whole list goes into a file in one call, and a report returns rows")
    func files() async throws {
        let tenant = try await Tenant(users: 1_500)
        try await tenant.signIn()
        let client = try await MCPClient(tenant.home.environment, arguments: [])
        _ = try await client.initialize()
        let stored = try await client.call(
            1, "mm__graph_request",
            [
                "connection": "Demo", "endpoint": "/users", "query": ["$select": "displayName,mail"], "output": "csv",
                "download": "users.csv", "all": true,
            ])
        #expect(stored["isError"] != true, "\(stored.text)")
        let value = try JSONParser.parse(stored.text)
        let path = try #require(value["path"]?.string)
        let rows = try #require(value["rows"]?.int)
        let lines = String(decoding: try #require(try ProtectedFile.read(path, limit: 64 << 20)), as: UTF8.self)
            .split(separator: "\n")
        #expect(rows >= 1_500 && lines.count == rows + 1 && lines.first == "displayName,mail")
        let report = try await client.call(
            2, "mm__graph_request",
            ["connection": "Demo", "endpoint": "/reports/getMailboxUsageDetail(period='D30')", "output": "csv"])
        #expect(report["isError"] != true && report.text.contains("Shown:"), "\(report.text.prefix(300))")
        let handle = try #require(report.text.split(separator: "\"").first { $0.hasPrefix("out_") }.map(String.init))
        let filtered = try await client.call(3, "mm__output", ["handle": .string(handle), "filter": "length"])
        #expect(Int(filtered.text.filter(\.isNumber)) ?? 0 > 1_000, "\(filtered.text)")
        let written = try await client.call(4, "mm__output", ["handle": .string(handle), "download": "usage.jsonl"])
        #expect(written["isError"] != true && written.text.contains("usage.jsonl"), "\(written.text)")
        for (number, form) in ["json", "jsonl", "csv"].enumerated() {
            let endpoint: JSONValue = "/reports/getOffice365ActiveUserDetail(period='D7')"
            let few = try await client.call(
                5 + 2 * number, "mm__graph_request",
                ["connection": "Demo", "endpoint": endpoint, "top": 3, "output": .string(form)])
            #expect(few["isError"] != true && few.text.contains("Report Refresh Date"), "\(few.text.prefix(300))")
            let file = try await client.call(
                6 + 2 * number, "mm__graph_request",
                [
                    "connection": "Demo", "endpoint": endpoint, "top": 3, "output": .string(form),
                    "download": .string("few.\(form)"),
                ])
            #expect(try JSONParser.parse(file.text)["rows"] == 3, "\(file.text)")
        }
    }

    @Test("a count is a number and nobody's words, of one connection and of each of several")
    func counts() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        let client = try await MCPClient(tenant.home.environment, arguments: [])
        _ = try await client.initialize()
        let one = try await client.call(1, "mm__graph_request", ["connection": "Demo", "endpoint": "/users/$count"])
        let count = try #require(Int(one.text), "\(one.text)")
        let each = try await client.call(2, "mm__graph_request", ["connection": "all", "endpoint": "/users/$count"])
        #expect(each["isError"] != true && each.text.contains("\"value\":\(count)"), "\(each.text)")
        #expect(!each.text.contains("written by others") && !each.text.contains("resume"), "\(each.text)")
    }

    @Test("a write names its undo, which a person has to confirm like any change")
    func undo() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        let client = try await MCPClient(tenant.home.environment, arguments: [])
        _ = try await client.initialize()
        let changed = try await client.call(
            1, "mm__graph_request",
            [
                "connection": "Demo", "endpoint": .string("/users/\(Self.user)"), "method": "PATCH",
                "body": ["department": "Economy"],
            ])
        #expect(changed["isError"] != true, "\(changed.text)")
        #expect(changed.text.contains(#"undo: `mm__recipe {"name":"undo","parameters":{"id":"chg_"#), "\(changed.text)")
        let id = try #require(changed.text.split(separator: "\"").first { $0.hasPrefix("chg_") }.map(String.init))
        let undone = try await client.call(
            2, "mm__recipe", ["name": "undo", "parameters": ["id": .string(id)]])
        #expect(undone["isError"] != true, "\(undone.text)")
        let history = try await client.call(
            3, "mm__recipe", ["name": "history", "parameters": ["object": .string(Self.user)]])
        #expect(history.text.contains(id), "\(history.text)")
    }
}
