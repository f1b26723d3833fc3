import Glibc
import MMCore
import MMSystem
import Testing

@Suite("Many tenants", .timeLimit(.minutes(10)))
struct ManyTenantsTests {
    private static let count = 6

    private static func id(_ number: Int) -> String { "5a4db0c5-7e11-4c02-9d0e-c0570000000\(number)" }

    /// The rows by connection; each has to be from its own tenant.
    private func rows(_ output: String) throws -> [String: Int] {
        var rows: [String: Int] = [:]
        for line in output.split(separator: "\n") {
            let row = try JSONParser.parse(String(line))
            let name = row["connection"]?.string ?? ""
            let number = try #require(Int(name.split(separator: " ").last ?? ""), "\(line)")
            #expect(row["tenant"]?.string == Self.id(number))
            let user = row["userPrincipalName"]?.string ?? ""
            #expect(user.hasSuffix("@customer-\(number).example"), "\(line)")
            rows[name, default: 0] += 1
        }
        return rows
    }

    @Test("a killed call can be continued, and asks no tenant again that has answered")
    func killed() async throws {
        let tenant = try await Tenant(users: 20, customers: Self.count)
        try await tenant.signIn()
        _ = try await tenant.control(
            "POST", "faults?tenant=\(Self.id(4))",
            ["kind": "latency", "milliseconds": 600_000, "path": "/v1.0/users", "count": 1])
        let words = [
            "graph", "--connections", "customers:Demo", "/users?$select=userPrincipalName", "--all", "-o", "jsonl",
        ]
        var command = ChildCommand(Programs.mm, words, environment: tenant.home.environment)
        command.output = .null
        command.error = .null
        let child = try await ChildProcess.start(command)
        let root = "\(tenant.home.path)/.m365-state/connection-sets"
        var name: String?
        while true {
            try #require(child.exited == nil, "it ended too early")
            name = try FolderListing.names(in: root).first
            if let name {
                // A connection that is done has an end.
                let files = try FolderListing.names(in: "\(root)/\(name)")
                let done = files.count { $0.hasSuffix(".json") && $0 != "call.json" }
                if done == Self.count - 1 { break }
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        child.signalGroup(SIGKILL)
        _ = await child.exit()

        let before = try await requests(tenant, 1)
        let ran = try await tenant.mm(["graph", "--resume", try #require(name), "-o", "jsonl"])
        #expect(ran.code == 0, "\(ran.error)")
        let rows = try rows(ran.output)
        #expect(rows.count == Self.count)
        #expect(rows.values.allSatisfy { $0 == 12 }, "\(rows)")
        #expect(try await requests(tenant, 1) == before)
        #expect(try FolderListing.names(in: root).isEmpty)
        await tenant.stop()
    }

    private func requests(_ tenant: Tenant, _ number: Int) async throws -> Int {
        try await tenant.control("GET", "requests?tenant=\(Self.id(number))")["requests"]?.array?.count ?? 0
    }

    @Test("failures are reported by name after the rows, in every format, and in the exit code")
    func failures() async throws {
        let tenant = try await Tenant(users: 20, customers: 3)
        try await tenant.signIn()
        _ = try await tenant.control(
            "POST", "faults?tenant=\(Self.id(2))", ["kind": "status", "status": 403, "path": "/v1.0/users"])
        for form in ["json", "jsonl", "csv", "table"] {
            let ran = try await tenant.mm(["graph", "customers:Demo", "/users", "--top", "1", "-o", form])
            #expect(ran.code == 1)
            #expect(ran.error.contains("failed: Demo:Customer 2: "), "\(ran.error)")
            #expect(ran.output.contains("Demo:Customer 1") && ran.output.contains("Demo:Customer 3"), "\(ran.output)")
            #expect(!ran.output.contains("Demo:Customer 2"))
        }
        await tenant.stop()
    }

    @Test("a model may name several connections instead of one, and gets their rows in one answer")
    func model() async throws {
        let tenant = try await Tenant(users: 20, customers: 2)
        try await tenant.signIn()
        let client = try await MCPClient(tenant.home.environment)
        _ = try await client.initialize()
        let answer = try await client.call(
            1, "mm__graph_request",
            ["connection": "customers:Demo", "endpoint": "/organization", "query": ["$select": "displayName"]])
        let text = JSONWriter.string(answer)
        for number in 1...2 {
            #expect(text.contains("Demo:Customer \(number)") && text.contains(Self.id(number)), "\(text)")
        }
        let change = try await client.call(
            2, "mm__graph_request",
            [
                "connection": "customers:Demo", "endpoint": "/groups", "method": "POST",
                "body": ["displayName": "x", "mailNickname": "x", "mailEnabled": false, "securityEnabled": true],
            ])
        let question = JSONWriter.string(change)
        #expect(question.contains("mm confirm") && question.contains("Demo:Customer 2 ("), "\(question)")
        _ = await client.finish()
        await tenant.stop()
    }
}
