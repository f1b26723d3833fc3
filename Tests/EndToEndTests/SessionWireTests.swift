import Glibc
import MMCore
import MMHTTP
import MMSystem
import TestSupport
import Testing

@Suite("PowerShell sessions behind their proxy", .timeLimit(.minutes(15)))
struct SessionWireTests {
    /// A tenant with a session of Graph, signed in with the module's own code.
    private static func signedIn(_ words: [String] = []) async throws -> Tenant {
        let tenant = try await Tenant()
        try tenant.allowStandIn()
        if !words.isEmpty { try tenant.write(words) }
        let asked = try await tenant.mm(["run", "Demo", "graph", "Get-MgUser", "--json"])
        try await tenant.approve(try #require(asked.failure?["details"]?["userCode"]?.string, "\(asked)"))
        var ran = asked
        while ran.code == 3 { ran = try await tenant.mm(["run", "Demo", "graph", "Get-MgUser", "--json"]) }
        try #require(ran.code == 0, "\(ran)")
        return tenant
    }

    private static func value(
        _ tenant: Tenant, _ script: String, in module: String = "graph"
    ) async throws -> JSONValue {
        let ran = try await tenant.mm(["run", "Demo", module, script, "--json", "-q"])
        return try #require(ran.json?.array?.first, "\(ran)")
    }

    /// The port of a session's proxy, from its environment.
    private static func port(_ tenant: Tenant) async throws -> UInt16 {
        let proxy = try await value(tenant, "Invoke-StandIn environment")["HTTPS_PROXY"]?.string ?? ""
        return try #require(UInt16(proxy.split(separator: ":").last ?? ""), "\(proxy)")
    }

    private static func isListening(_ port: UInt16) async throws -> Bool {
        let ran = try await Tenant.run(
            "/usr/bin/curl", ["-s", "-o", "/dev/null", "http://127.0.0.1:\(port)/"], [:])
        return ran.code != 7
    }

    @Test(
        "code, address and expiry come from the sign-in service's answer, and the module has only a worthless token"
    )
    func ownSignIn() async throws {
        let tenant = try await Tenant()
        try tenant.allowStandIn()
        let asked = try await tenant.mm(["run", "Demo", "pnp", "Get-PnPWeb", "--json"])
        let details = try #require(asked.failure?["details"], "\(asked)")
        // The console's text comes with a duration of ours; the service's code has its own expiry.
        let end = try #require(details["expiresAt"]?.string.flatMap { Timestamp(iso8601: $0) })
        #expect(end > Timestamp.now && details["message"]?.string?.hasPrefix("To sign in, open the page") == true)
        try await tenant.approve(try #require(details["userCode"]?.string))
        var ran = asked
        while ran.code == 3 { ran = try await tenant.mm(["run", "Demo", "pnp", "Get-PnPWeb", "--json"]) }
        let token = try #require(try await Self.value(tenant, "Invoke-StandIn token pnp", in: "pnp").string)
        // A token for SharePoint works only there.
        for (path, status) in [("/_api/web", 200), ("/v1.0/me", 401)] {
            let answer = try await Self.value(tenant, "Invoke-StandIn request pnp GET \(path)", in: "pnp")
            #expect(answer["Status"] == .int(Int64(status)), "\(path): \(answer)")
        }
        let outside = try await Tenant.run(
            "/usr/bin/curl",
            [
                "-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Authorization: Bearer \(token)",
                "\(tenant.base)/v1.0/me",
            ],
            [:])
        #expect(outside.output == "401")
        await tenant.stop()
    }

    @Test("no process of a session, nor its environment and files, holds the token that its module is fed")
    func memory() async throws {
        let tenant = try await Tenant()
        try tenant.allowStandIn()
        try await tenant.signIn()
        let process = try await tenant.sessionProcess("azure")
        let fed = try await tenant.mm(["run", "Demo", "azure", "Invoke-StandIn token azure", "--json", "-q"])
        let placeholder = try #require(fed.json?.array?.first?.string, "\(fed)")
        #expect(try await tenant.mm(["run", "Demo", "azure", "Get-AzSubscription"]).code == 0)
        let caches = try tenant.home.files().filter { $0.path.contains("/.mm-graph-tokens/") }
        let secrets = caches.compactMap { try? JSONParser.parse($0.bytes) }.flatMap(TokenSecrets.of)
        try #require(secrets.count > 1)
        var places = [
            try ProcessMemory.bytes(of: process), ProcFile.read("/proc/\(process)/environ", limit: 1 << 20) ?? [],
        ]
        #expect(Self.holds(places[0], placeholder))
        for file in try tenant.home.files() where file.path.contains("/powershell/") { places.append(file.bytes) }
        for secret in secrets {
            #expect(!placeholder.hasSuffix(secret))
            for place in places { #expect(!Self.holds(place, secret)) }
        }
        await tenant.stop()
    }

    @Test(
        "what a call was not judged for is held back, with all behind it that changes something, and the audit names each request"
    )
    func heldBack() async throws {
        let tenant = try await Self.signedIn()
        let script = """
            Invoke-StandIn request graph GET /v1.0/me
            Invoke-StandIn request graph DELETE /v1.0/users/ben.baker@contoso-sandbox.example
            Invoke-StandIn request graph PATCH /v1.0/users/ben.baker@contoso-sandbox.example '{"jobTitle":"x"}'
            """
        let ran = try await tenant.mm(["run", "Demo", "graph", script, "--json"])
        #expect(ran.code == 5, "\(ran)")
        let failure = try #require(ran.failure)
        let held = failure["details"]?["heldBack"]?.array?.compactMap { $0["method"]?.string } ?? []
        #expect(held == ["DELETE", "PATCH"])
        #expect(
            try await Self.value(
                tenant, "Invoke-StandIn request graph GET /v1.0/users/ben.baker@contoso-sandbox.example")["Status"]
                == 200
        )

        let calls = try await tenant.mm([
            "audit", "show", "--operation", "run", "--outcome", "confirmation_needed", "--json",
        ])
        let call = try #require(calls.json?.array?.last?["call"]?.string, "\(calls)")
        let lines = try #require(try await tenant.mm(["audit", "show", "--call", call, "--json"]).json?.array)
        let requests = lines.filter { $0["operation"] == "request" }
        #expect(requests.map { $0["method"]?.string } == ["GET", "DELETE", "PATCH"])
        #expect(requests.map { $0["status"]?.int } == [200, 403, 403])
        #expect(requests.map { $0["sent"] } == [true, false, false])
        #expect(requests.allSatisfy { $0["path"]?.string?.contains("ben.baker") == false })
        let others = try await tenant.mm(["audit", "show", "--json"])
        #expect(others.json?.array?.contains { $0["operation"] == "request" } == false)
        #expect(try await tenant.mm(["audit", "verify"]).code == 0)
        await tenant.stop()
    }

    @Test("a dry run in PowerShell reads, holds changes, and shows both in order")
    func dryRun() async throws {
        let tenant = try await Self.signedIn()
        let user = "/v1.0/users/ben.baker@contoso-sandbox.example"
        let script = """
            Invoke-StandIn request graph GET /v1.0/me
            Invoke-StandIn request graph PATCH \(user) '{"jobTitle":"x"}'
            Invoke-StandIn request graph DELETE \(user)
            Invoke-StandIn request graph GET \(user)
            """
        let ran = try await tenant.mm(["run", "Demo", "graph", script, "--dry-run", "--json"])
        #expect(ran.code == 0, "\(ran)")
        let shown = try #require(ran.json?.array)
        #expect(shown.map { $0["method"]?.string } == ["GET", "PATCH", "DELETE", "GET"])
        #expect(shown.map { $0["sent"] } == [true, false, false, true])
        #expect(shown.map { $0["status"]?.int } == [200, nil, nil, 200])
        #expect(shown.map { $0["class"]?.string } == ["read", "write", "destructive", "read"])
        #expect(shown.map { $0["verdict"]?.string } == ["allow", "ask", "ask", "allow"])
        #expect(shown[1]["body"] == ["jobTitle": "x"] && shown[1]["template"]?.string?.contains("ben") == false)
        #expect(ran.error.contains("held back") && ran.error.contains("behave differently"))

        let client = try await MCPClient(tenant.home.environment)
        _ = try await client.initialize()
        let told = try await client.call(
            1, "mm__run", ["connection": "Demo", "module": "graph", "command": .string(script), "dryRun": true])
        let text = told.text
        #expect(told["isError"] == false && text.contains("DELETE") && text.contains("behave differently"), "\(text)")
        #expect(await client.finish() == 0)
        #expect(try await Self.value(tenant, "Invoke-StandIn request graph GET \(user)")["Status"] == 200)
        let calls = try await tenant.mm(["audit", "show", "--operation", "run", "--json"])
        let call = try #require(calls.json?.array?.last { $0["dryRun"] == true }?["call"]?.string, "\(calls)")
        let lines = try await tenant.mm(["audit", "show", "--call", call, "--json"]).json?.array ?? []
        #expect(lines.contains { $0["method"] == "DELETE" && $0["sent"] == false }, "\(lines)")
        await tenant.stop()
    }

    @Test("without the proxy there is no dry run in PowerShell")
    func dryRunWithoutWire() async throws {
        let tenant = try await Tenant()
        try tenant.write("egress=off")
        let ran = try await tenant.mm(["run", "Demo", "azure", "Get-AzSubscription", "--dry-run", "--json"])
        #expect(ran.failure?["code"] == "unsupported", "\(ran)")
        #expect(ran.failure?["details"]?["field"] == "dryRun", "\(ran)")
        await tenant.stop()
    }

    @Test("another host is refused, and the answer says how its owner adds it")
    func foreignHost() async throws {
        let tenant = try await Self.signedIn()
        let ran = try await tenant.mm([
            "run", "Demo", "graph", "Invoke-StandIn request graph GET https://files.example/",
        ])
        #expect(ran.error.contains("egress.allow=files.example"), "\(ran)")
        let telemetry = "Invoke-StandIn request graph GET https://dc.services.visualstudio.com/"
        #expect(try await !tenant.mm(["run", "Demo", "graph", telemetry]).error.contains("egress.allow"))
        await tenant.stop()
    }

    @Test("a connection without egress says so once, and its sessions have their own tokens")
    func off() async throws {
        let tenant = try await Tenant()
        try tenant.allowStandIn()
        try tenant.write("egress=off")
        try await tenant.signIn()
        let first = try await tenant.mm(["run", "Demo", "azure", "Invoke-StandIn environment", "--json"])
        #expect(first.error.contains("not judged") && first.json?.array?.first?["HTTPS_PROXY"] == nil, "\(first)")
        let second = try await tenant.mm([
            "run", "Demo", "azure", "Invoke-StandIn request azure DELETE /v1.0/users/none", "--json",
        ])
        #expect(second.code == 0 && !second.error.contains("not judged"), "\(second)")
        await tenant.stop()
    }

    @Test("a connection that requires confinement starts no PowerShell with direct access to the network")
    func confinement() async throws {
        let tenant = try await Tenant()
        try tenant.write("confinement=required", "egress=off")
        let ran = try await tenant.mm(["run", "Demo", "azure", "Get-AzSubscription", "--json"])
        #expect(ran.failure?["code"] == "unsupported" && ran.error.contains("confinement=preferred"), "\(ran)")
        await tenant.stop()
    }

    @Test("the proxy survives a killed process, and ends with its session")
    func end() async throws {
        let tenant = try await Tenant()
        try tenant.allowStandIn()
        try await tenant.signIn()
        func port() async throws -> UInt16 {
            let ran = try await tenant.mm(["run", "Demo", "azure", "Invoke-StandIn environment", "--json", "-q"])
            let proxy = ran.json?.array?.first?["HTTPS_PROXY"]?.string ?? ""
            return try #require(UInt16(proxy.split(separator: ":").last ?? ""), "\(ran)")
        }
        let first = try await port()
        kill(try await tenant.sessionProcess("azure"), SIGKILL)
        // A call that arrives before the process is gone is told that the session was lost.
        try await waitUntil { try await tenant.mm(["run", "Demo", "azure", "Get-AzSubscription"]).code == 0 }
        let second = try await port()
        #expect(try await Self.isListening(second))
        #expect(try await tenant.mm(["reset", "Demo"]).code == 0)
        for port in [first, second] { #expect(try await !Self.isListening(port)) }
        let third = try await port()
        #expect(try await tenant.mm(["pool", "stop"]).code == 0)
        #expect(try await !Self.isListening(third))
        let left = try tenant.home.files().filter { $0.path.hasSuffix("session-ca.pem") }.map(\.path)
        #expect(left.isEmpty, "\(left)")
        await tenant.stop()
    }

    // MARK: Secrets

    private static func holds(_ bytes: [UInt8], _ text: String) -> Bool {
        ByteSearch.find(Array(text.utf8), in: bytes) != nil
    }
}
