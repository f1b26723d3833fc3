import MMCore
import Testing

@Suite(
    "What nodes share", .timeLimit(.minutes(15)),
    .enabled(if: ClusterTests.missing == nil, "\(ClusterTests.missing ?? "")"))
struct ClusterStateTests {
    private static let send = [
        "graph", "Demo", "/me/sendMail", "-X", "POST", "-d",
        #"{"message":{"subject":"Hello","body":{"content":"Text"},"toRecipients":[{"emailAddress":{"address":"a@b.example"}}]}}"#,
    ]

    /// Repeats a call until no lease has to be waited for: Redis has just started, or a node is gone.
    private func settled(_ nodes: ClusterNodes, _ node: Int, _ words: [String]) async throws -> Tenant.Ran {
        while true {
            let ran = try await nodes.mm(node, words)
            guard ran.failure?["code"] == "unavailable" else { return ran }
            try await Task.sleep(for: .milliseconds(200))
        }
    }

    @Test("a confirmation asked on one node is given on another after the first is gone, and used once on a third")
    func confirmation() async throws {
        let nodes = try await ClusterNodes()
        let asked = try await settled(nodes, 0, Self.send + ["--json"])
        #expect(asked.code == 5, "\(asked.error)")
        let token = try #require(asked.failure?["details"]?["token"]?.string, "\(asked.error)")
        let waiting = try await nodes.waiting()
        #expect(waiting.output.contains(token), "\(waiting)")
        await nodes.kill(0)
        let given = try await nodes.confirm(token)
        #expect(given.code == 0, "\(given.text)")
        let other = try await settled(
            nodes, 2, ["graph", "Demo", "/me/sendMail", "-X", "POST", "-d", #"{"message":{"subject":"x"}}"#, "--json"])
        #expect(other.code == 5, "\(other)")
        #expect(try await nodes.tenant.requests(to: "/sendMail") == 0)
        let done = try await settled(nodes, 2, Self.send + ["--json"])
        #expect(done.code == 0, "\(done.error)")
        #expect(try await settled(nodes, 1, Self.send + ["--json"]).code == 5)
        #expect(try await nodes.tenant.requests(to: "/sendMail") == 1)

        // It takes a while until the directory of nodes notices that one is gone.
        while try await !nodes.mm(1, ["status"]).error.contains("This node is one of 2 ") {
            try await Task.sleep(for: .milliseconds(200))
        }
        await nodes.killRedis()
        let alone = try await nodes.waiting()
        #expect(alone.code == 0 && alone.error.contains("can't be reached"), "\(alone)")
        #expect(try await nodes.mm(1, ["status"]).error.contains("can't be reached"))
        #expect(try await nodes.mm(1, Self.send + ["--json"]).code != 0)
        #expect(try await nodes.tenant.requests(to: "/sendMail") == 1)
        await nodes.stop()
    }

    @Test("a sign-in begun on one node is visible on the others, and continues when the first is gone")
    func signIn() async throws {
        let nodes = try await ClusterNodes()
        let added = try await nodes.tenant.mm([
            "connections", "add", "Late", "--cloud", "sandbox", "--app-id", "5a4db0c5-0000-4000-8000-00000000a001",
            "--tenant", "contoso-sandbox.example", "--tenant-id", "5a4db0c5-7e11-4c02-9d0e-5a11db0c5e01",
            "--expected-email", "admin@contoso-sandbox.example",
        ])
        #expect(added.code == 0, "\(added.error)")
        let begun = try await settled(nodes, 0, ["login", "Late", "--json"])
        let code = try #require(begun.failure?["details"]?["userCode"]?.string, "\(begun.error)")
        #expect(try await nodes.mm(1, ["status", "Late", "--json"]).output.contains(code))
        let again = try await settled(nodes, 2, ["login", "Late", "--json"])
        #expect(again.failure?["details"]?["userCode"]?.string == code, "\(again.error)")
        await nodes.kill(0)
        try await nodes.tenant.approve(code)
        var ran = again
        while ran.failure?["code"] == "sign_in_needed" {
            ran = try await settled(nodes, 1, ["login", "Late", "--json"])
            try await Task.sleep(for: .milliseconds(200))
        }
        #expect(ran.code == 0, "\(ran.error)")
        #expect(try await nodes.mm(2, ["status", "Late", "--json"]).output.contains("signed in"))
        await nodes.stop()
    }

    @Test("a person on a node's machine without the nodes' key is told what to set")
    func withoutKey() async throws {
        let nodes = try await ClusterNodes(1)
        let asked = try await settled(nodes, 0, Self.send + ["--json"])
        let token = try #require(asked.failure?["details"]?["token"]?.string, "\(asked.error)")
        for words in [["confirm"], ["confirm", token], ["allow"]] {
            let told = try await nodes.tenant.mm(words, extra: nodes.own(0))
            #expect(told.code != 0 && told.error.contains("MM_CLUSTER_KEY_FILE"), "\(told)")
        }
        // A pool never takes a caller's word that it is a person.
        let claimed = try await nodes.mm(0, ["confirm", token])
        #expect(claimed.code != 0, "\(claimed)")
        #expect(try await settled(nodes, 0, Self.send + ["--json"]).code == 5)
        await nodes.stop()
    }

    private func rows(_ output: String) throws -> [String: Int] {
        var rows: [String: Int] = [:]
        for line in output.split(separator: "\n") {
            let row = try JSONParser.parse(String(line))
            let name = row["connection"]?.string ?? ""
            let number = try #require(Int(name.split(separator: " ").last ?? ""), "\(line)")
            #expect(row["tenant"]?.string == ClusterNodes.id(number))
            #expect(row["userPrincipalName"]?.string?.hasSuffix("@customer-\(number).example") == true, "\(line)")
            rows[name, default: 0] += 1
        }
        return rows
    }

    @Test("a call for several connections is answered completely, whichever nodes hold them")
    func several() async throws {
        let nodes = try await ClusterNodes()
        let words = [
            "graph", "--connections", "Tenant*", "/users?$select=userPrincipalName", "--all", "-o", "jsonl",
        ]
        // Each node holds two.
        for number in 1...ClusterNodes.tenants {
            let ran = try await settled(nodes, number % 3, ["graph", "Tenant \(number)", "/organization", "--json"])
            #expect(ran.code == 0, "\(ran.error)")
        }
        let whole = try await nodes.mm(0, words)
        #expect(whole.code == 0, "\(whole.error)")
        let counts = try rows(whole.output)
        #expect(counts.count == ClusterNodes.tenants && Set(counts.values).count == 1, "\(counts)")
        #expect(try await nodes.report(0)?["forwardedCalls"]?.int ?? 0 >= 4)

        // A failure on another node is reported by name, and a third node can continue the call.
        _ = try await nodes.tenant.control(
            "POST", "faults?tenant=\(ClusterNodes.id(4))",
            ["kind": "status", "status": 403, "path": "/v1.0/users", "count": 1])
        let part = try await nodes.mm(0, words)
        #expect(part.code == 1 && part.error.contains("failed: Tenant 4: "), "\(part.error)")
        #expect(try rows(part.output).count == ClusterNodes.tenants - 1)
        let name = try #require(part.error.split(separator: " ").last { $0.hasPrefix("set_") })
        let set = String(name.prefix { !$0.isNewline && $0 != "." })
        let rest = try await nodes.mm(2, ["graph", "--resume", set, "-o", "jsonl"])
        #expect(rest.code == 0, "\(rest.error)")
        #expect(try rows(rest.output) == counts)
        await nodes.stop()
    }

    @Test("a change of several tenants is confirmed once, on any node, and done once in each")
    func severalChanges() async throws {
        let nodes = try await ClusterNodes()
        for number in 1...ClusterNodes.tenants {
            _ = try await settled(nodes, number % 3, ["graph", "Tenant \(number)", "/organization", "--json"])
        }
        let words = [
            "graph", "--connections", "Tenant*", "/groups", "-X", "POST", "-d",
            #"{"displayName":"x","mailNickname":"x","mailEnabled":false,"securityEnabled":true}"#, "--json",
        ]
        let asked = try await nodes.mm(0, words)
        #expect(asked.code == 5, "\(asked.error)")
        let token = try #require(asked.failure?["details"]?["token"]?.string)
        let given = try await nodes.confirm(token)
        #expect(given.code == 0, "\(given.text)")
        let done = try await nodes.mm(0, words)
        #expect(done.code == 0, "\(done.error)")
        for number in 1...ClusterNodes.tenants {
            let seen = try await nodes.tenant.control("GET", "requests?tenant=\(ClusterNodes.id(number))")
            let writes = (seen["requests"]?.array ?? []).count {
                $0["method"] == "POST" && $0["path"]?.string?.hasSuffix("/groups") == true
            }
            #expect(writes == 1, "Tenant \(number): \(seen)")
        }
        #expect(try await nodes.mm(0, words).code == 5)
        // Nothing is left that another call could use.
        let single = try await nodes.waiting()
        #expect(!single.output.contains("\"approved\""))
        await nodes.stop()
    }
}
