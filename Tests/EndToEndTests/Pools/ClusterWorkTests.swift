import MMCore
import MMHTTP
import Testing

@Suite(
    "Waits, jobs and stored answers of several nodes", .timeLimit(.minutes(15)),
    .enabled(if: ClusterTests.missing == nil, "\(ClusterTests.missing ?? "")"))
struct ClusterWorkTests {
    private let name = "Tenant 1"

    @Test("if a service tells one node to slow down, the others don't call it either")
    func waits() async throws {
        let nodes = try await ClusterNodes(2)
        try await nodes.hold(name, at: 0)
        try await nodes.hold(ClusterNodes.again, at: 1)
        let place = "tenant=\(ClusterNodes.id(1))"
        _ = try await nodes.tenant.control(
            "POST", "faults?\(place)", ["kind": "throttle", "path": "/v1.0/groups", "retryAfter": 900])
        func asked() async throws -> Int {
            let seen = try await nodes.tenant.control("GET", "requests?\(place)")
            return (seen["requests"]?.array ?? []).count { $0["path"]?.string?.hasSuffix("/groups") == true }
        }
        let told = try await nodes.mm(0, ["graph", name, "/groups", "--json"])
        #expect(told.failure?["code"] == "throttled", "\(told)")
        try await waitUntil { try await nodes.report(1)?["waits"]?.array?.isEmpty == false }
        let before = try await asked()
        #expect(before > 0)
        let held = try await nodes.mm(1, ["graph", ClusterNodes.again, "/groups", "--json"])
        #expect(held.failure?["code"] == "throttled", "\(held)")
        #expect(try await asked() == before)
        await nodes.stop()
    }

    @Test("a job can be seen, read and ended from any node, and is still known when its node is gone")
    func jobs() async throws {
        let nodes = try await ClusterNodes(2)
        try await nodes.hold(name, at: 0)
        let place = "faults?tenant=\(ClusterNodes.id(1))"
        // A job that ends within two seconds would be answered at once.
        _ = try await nodes.tenant.control(
            "POST", place, ["kind": "latency", "path": "/v1.0/users", "milliseconds": 4000, "count": 1])
        let done = try await begin(nodes, "/users?$top=5&$select=displayName")
        let read = try await nodes.mm(1, ["output", done, "--action", "wait", "--json"])
        #expect(read.code == 0 && read.output.contains("displayName"), "\(read)")
        _ = try await nodes.tenant.control(
            "POST", place, ["kind": "latency", "path": "/v1.0/groups", "milliseconds": 600_000])
        let running = try await begin(nodes, "/groups?$select=id")
        let ended = try await begin(nodes, "/groups?$select=mail")
        let rows = try await rows(nodes)
        #expect(rows[running]?["state"] == "running" && rows[running]?["node"]?.string == nodes.address(0), "\(rows)")
        #expect(rows[done]?["state"] == "done")
        let cancelled = try await nodes.mm(1, ["output", ended, "--action", "cancel", "--json"])
        #expect(cancelled.json?["status"] == "cancelled", "\(cancelled)")
        // A program that asks the second node can control the job on the first.
        let begun = try await nodes.rest(
            1, "POST", "/v1/operations/graph_request",
            ["connection": .string(name), "endpoint": "/groups?$select=displayName"])
        let location = try #require(begun.headers["Location"], "\(begun)")
        func shown(_ method: String, _ path: String) async throws -> JSONValue {
            try JSONParser.parse(try await nodes.rest(1, method, path).body)
        }
        let job = try await shown("GET", location)
        #expect(job["state"] == "running" && job["node"]?.string == nodes.address(0), "\(job)")
        let listed = try await shown("GET", "/v1/jobs")
        #expect(listed["jobs"]?.array?.contains { $0["location"]?.string == location } == true, "\(listed)")
        #expect(try await nodes.rest(1, "GET", location + "/answer").status == 202)
        #expect(try await shown("DELETE", location)["state"] == "cancelled")

        func filter() async throws -> Tenant.Ran {
            try await nodes.mm(1, ["output", done, "--filter", "length", "--json"])
        }
        let here = try await filter()
        await nodes.kill(0)
        try await waitUntil { try await self.rows(nodes)[running]?["state"] == "gone" }
        #expect(try await self.rows(nodes)[done]?["state"] == "done")
        let kept = try await nodes.mm(1, ["output", done, "--json"])
        #expect(kept.code == 0 && kept.output.contains("displayName"), "\(kept)")
        let filtered = try await filter()
        #expect(filtered.code == 0 && filtered.json == here.json, "\(filtered), \(here)")
        // Each further read uses the copy that the first one stored.
        let outputs = "\(nodes.own(1)["MM_STATE_DIR"] ?? "")/outputs"
        let stored = try FolderListing.names(in: outputs).count { $0.hasSuffix(".json") }
        #expect(try await filter().json == here.json)
        #expect(try FolderListing.names(in: outputs).count { $0.hasSuffix(".json") } == stored)
        #expect(stored > 0)
        let file = "\(nodes.tenant.home.path)/kept.json"
        let downloaded = try await nodes.mm(1, ["output", done, "--download", file])
        #expect(downloaded.code == 0 && downloaded.error.contains("a stored copy"), "\(downloaded)")
        let written = try JSONParser.parse(try #require(try ProtectedFile.read(file)))
        #expect(written.array?.count == 5, "\(written)")
        let lost = try await nodes.mm(1, ["output", running, "--json"])
        let message = lost.failure?["message"]?.string ?? ""
        #expect(message.contains("its outcome is unknown") && message.contains(nodes.address(0)), "\(lost)")
        await nodes.stop()
    }

    @Test("a long answer can be read further on any node, a small one even if its node is gone")
    func answers() async throws {
        let nodes = try await ClusterNodes(2, users: 300)
        try await nodes.hold("Demo", at: 0)
        let client = try await MCPClient(nodes.tenant.home.environment.merging(nodes.own(0)) { $1 })
        _ = try await client.initialize()
        let small = try await handle(client, 1, "/users?$select=id,displayName,mail")
        let large = try await handle(client, 2, "/users")
        for handle in [small, large] {
            let page = try await self.page(nodes, handle)
            #expect(page.code == 0 && page.json?.array?.count == 3, "\(page)")
        }
        // The rest of what a front-end on another machine shortened is stored there.
        let far = try await MCPClient(nodes.tenant.home.environment.merging(nodes.front(1)) { $1 })
        _ = try await far.initialize()
        let own = try await handle(far, 3, "/users?$select=id,displayName,mail,jobTitle")
        let rest = try await far.call(
            4, "mm__output", ["handle": .string(own), "action": "read", "offset": 100, "limit": 3])
        #expect(rest["isError"]?.bool != true, "\(rest)")
        await far.kill()
        await nodes.kill(0)
        try await waitUntil {
            (try await nodes.report(1)?["nodes"]?.array ?? []).contains {
                $0["address"]?.string == nodes.address(0) && $0["state"] == "silent"
            }
        }
        let kept = try await page(nodes, small)
        #expect(kept.code == 0 && kept.json?.array?.count == 3, "\(kept)")
        let lost = try await page(nodes, large)
        #expect(lost.failure?["message"]?.string?.contains(nodes.address(0)) == true, "\(lost)")
        await client.kill()
        await nodes.stop()
    }

    private func page(_ nodes: ClusterNodes, _ handle: String) async throws -> Tenant.Ran {
        try await nodes.mm(1, ["output", handle, "--offset", "100", "--limit", "3", "--json"])
    }

    /// Starts a request in the background through the second node.
    private func begin(_ nodes: ClusterNodes, _ endpoint: String) async throws -> String {
        let ran = try await nodes.mm(1, ["graph", name, endpoint, "--detach", "--json"])
        return try #require(ran.json?["handle"]?.string, "\(ran)")
    }

    private func rows(_ nodes: ClusterNodes) async throws -> [String: JSONValue] {
        let ran = try await nodes.mm(1, ["jobs", "--json"])
        let rows = ran.json?.array ?? []
        return Dictionary(rows.map { ($0["job"]?.string ?? "", $0) }) { first, _ in first }
    }

    /// The handle of a long answer.
    private func handle(_ client: MCPClient, _ id: Int, _ endpoint: String) async throws -> String {
        let answer = try await client.call(
            id, "mm__graph_request", ["connection": "Demo", "endpoint": .string(endpoint), "all": true])
        let text = JSONWriter.string(answer)
        let start = try #require(text.firstRange(of: "out_"), "\(text.prefix(600))")
        return String(text[start.lowerBound...].prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "-" })
    }
}
