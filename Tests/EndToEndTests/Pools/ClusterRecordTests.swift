import MMCore
import Testing

/// State that nodes share: variables, changes, audit lines.
@Suite(
    "The record of several nodes", .timeLimit(.minutes(15)),
    .enabled(if: ClusterTests.missing == nil, "\(ClusterTests.missing ?? "")"))
struct ClusterRecordTests {
    private let name = "Tenant 1"

    /// Repeats a call until no lease has to be waited for.
    private func settled(_ nodes: ClusterNodes, _ node: Int, _ words: [String]) async throws -> Tenant.Ran {
        while true {
            let ran = try await nodes.mm(node, words)
            guard ran.failure?["code"] == "unavailable", ran.failure?["details"]?["ledger"] == nil else { return ran }
            try await Task.sleep(for: .milliseconds(200))
        }
    }

    @Test(
        "a variable that went with a node ends the call that reads it, until it is set again or the session is reset"
    )
    func lostVariables() async throws {
        let nodes = try await ClusterNodes(2)
        try await nodes.hold("Demo", at: 0)
        func run(_ node: Int, _ script: String) async throws -> Tenant.Ran {
            try await settled(nodes, node, ["run", "Demo", "exo", script, "--json"])
        }
        let set = try await run(0, "$users = 'a', 'b'; $count = 2")
        #expect(set.code == 0, "\(set)")
        #expect(try await run(1, "$users.Count").json == [2])
        await nodes.kill(0)
        let lost = try await run(1, "\"n=[$($users.Count)]\"")
        #expect(lost.code == 1 && lost.failure?["code"] == "session_lost", "\(lost)")
        #expect(
            lost.failure?["message"]?.string?.contains("$users was set in a session of Demo/exo") == true, "\(lost)")
        #expect(lost.failure?["details"]?["lostVariables"] == ["users"], "\(lost)")
        // A script that sets the variable first doesn't read the lost one; afterwards it exists again.
        #expect(try await run(1, "$users = 'c'; $users").json == ["c"])
        #expect(try await run(1, "\"n=[$users]\"").json == ["n=[c]"])
        #expect(try await run(1, "$count").failure?["code"] == "session_lost")
        #expect(try await settled(nodes, 1, ["reset", "Demo", "exo", "--json"]).code == 0)
        #expect(try await run(1, "\"x$count\"").json == ["x"])
        await nodes.stop()
    }

    @Test("a change can be listed and undone on any node, even if the node that made it is gone")
    func undo() async throws {
        let nodes = try await ClusterNodes(3)
        try await nodes.hold(name, at: 0)
        let users = try await nodes.mm(1, ["graph", name, "/users?$top=2&$select=id,department", "--json"])
        let ids = (users.json?.array ?? []).compactMap { $0["id"]?.string }
        try #require(ids.count == 2, "\(users)")
        for id in ids {
            let ran = try await nodes.mm(
                1, ["graph", name, "/users/\(id)", "-X", "PATCH", "-d", #"{"department":"Moved"}"#, "--json"])
            #expect(ran.code == 0, "\(ran)")
        }
        func changes(_ node: Int) async throws -> [JSONValue] {
            try await nodes.mm(node, ["undo", "list", "--json"]).json?.array ?? []
        }
        for node in 0..<3 { #expect(try await changes(node).count == 2, "at \(node)") }
        // A program on a node's own machine reads more than that machine's files.
        let there = try await nodes.tenant.mm(["undo", "list", "--json"], extra: nodes.own(1))
        #expect(there.json?.array?.count == 2, "\(there)")
        let first = try #require(try await changes(2).last?["id"]?.string)
        let back = try await settled(nodes, 2, ["undo", first, "--json"])
        #expect(back.code == 0, "\(back)")
        // The node with the lease undid it.
        let held = try await nodes.report(0)?["leases"]?.array?.contains { $0["connection"]?.string == name }
        #expect(held == true)
        await nodes.kill(0)
        let second = try #require(try await changes(1).first { $0["id"]?.string != first && $0["state"] != "undone" })
        #expect(second["connection"]?.string == name)
        let rest = try await settled(nodes, 1, ["undo", "--since", "1h", "--connection", name, "--json"])
        #expect(rest.code == 0, "\(rest)")
        let now = try await settled(nodes, 2, ["graph", name, "/users?$top=2&$select=id,department", "--json"])
        #expect(now.json?.array != nil && now.json == users.json, "\(now)")
        let again = try await nodes.mm(2, ["undo", first, "--json"])
        #expect(again.failure?["message"]?.string?.contains("already undone") == true, "\(again)")
        await nodes.stop()
    }

    @Test(
        "a write that a killed node had begun is unknown, has one name in the logs of all nodes, and isn't reported as denied"
    )
    func killedWrite() async throws {
        let nodes = try await ClusterNodes(2)
        try await nodes.hold(name, at: 0)
        let users = try await nodes.mm(1, ["graph", name, "/users?$top=1&$select=id", "--json"])
        let id = try #require(users.json?[0]?["id"]?.string, "\(users)")
        // The answer is delayed: the node dies after the write.
        _ = try await nodes.tenant.control(
            "POST", "faults?tenant=\(ClusterNodes.id(1))",
            [
                "kind": "latency", "path": .string("/v1.0/users/\(id)"), "method": "PATCH", "milliseconds": 600_000,
                "count": 1,
            ])
        async let sent = nodes.mm(
            1, ["graph", name, "/users/\(id)", "-X", "PATCH", "-d", #"{"department":"Killed"}"#, "--json"])
        try await waitUntil {
            let seen = try await nodes.tenant.control("GET", "requests?tenant=\(ClusterNodes.id(1))")
            return (seen["requests"]?.array ?? []).contains { $0["method"] == "PATCH" }
        }
        await nodes.kill(0)
        let ran = try await sent
        #expect(ran.code != 0 && ran.failure?["details"]?["ledger"] == "unknown", "\(ran)")
        func lines() async throws -> [JSONValue] {
            let shown = try await nodes.mm(1, ["audit", "show", "--operation", "graph_request", "--json"])
            return (shown.json?.array ?? []).filter { $0["method"] == "PATCH" }
        }
        // The killed node's last lines come from Redis, if it still sent them.
        let told = try await lines()
        #expect(!told.contains { $0["outcome"] == "denied" || $0["verdict"] == "deny" }, "\(told)")
        let unknown = try #require(told.first { $0["outcome"] == "unknown" }, "\(told)")
        #expect(unknown["begunBy"] != nil && unknown["writes"]?["unknown"] == 1, "\(unknown)")
        try await nodes.start(0)
        try await waitUntil {
            let lines = try await lines()
            return Set(lines.compactMap { $0["outcome"]?.string }).isSuperset(of: ["begun", "unknown"])
                && lines.contains { $0["outcome"] == "begun" && $0["node"] != nil }
        }
        #expect(Set(try await lines().compactMap { $0["call"]?.string }).count == 1)
        await nodes.stop()
    }
}
