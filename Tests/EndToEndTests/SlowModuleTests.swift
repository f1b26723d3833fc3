import MMCore
import Testing

@Suite("Sessions of slow and unusual modules", .timeLimit(.minutes(15)))
struct SlowModuleTests {
    @Test(
        "after a deadline on a slow service the cmdlet fails, but the process, its variables and its sign-in stay",
        arguments: [("azure", "Get-AzSubscription", "/subscriptions"), ("teams", "Get-Team", "/v1.0/groups")])
    func deadline(module: String, command: String, path: String) async throws {
        let tenant = try await Tenant()
        try tenant.allowStandIn()
        try await tenant.signIn()
        #expect(try await tenant.mm(["run", "Demo", module, "$kept = 'five'"]).code == 0)
        let process = try await tenant.sessionProcess(module)
        try await tenant.fault(["kind": "latency", "milliseconds": 300_000, "path": .string(path), "count": 1])
        let late = try await tenant.mm(["run", "Demo", module, command, "--timeout", "6", "--json"])
        #expect(late.code == 6 && late.failure?["details"]?["sessionRestarted"] == false, "\(late)")
        #expect(try await tenant.sessionProcess(module) == process)
        #expect(try await tenant.mm(["run", "Demo", module, "$kept"]).output.contains("five"))
        let again = try await tenant.mm(["run", "Demo", module, command, "--json"])
        #expect(again.code == 0 && again.json?.array?.isEmpty == false, "\(again)")
        await tenant.stop()
    }

    @Test("Teams signs in with the connection's own tokens, and without a second code")
    func teams() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        let ran = try await tenant.mm(["run", "Demo", "teams", "Get-Team", "--json"])
        #expect(ran.code == 0 && ran.output.contains("All Company"), "\(ran)")
        await tenant.stop()
    }

    @Test("the native engine needs no PowerShell, even if a configured one doesn't exist")
    func nativeAlone() async throws {
        let tenant = try await Tenant()
        let extra = ["MM_PWSH": "/nowhere/pwsh"]
        let command = ["run", "Demo", "exo", "Get-Mailbox -ResultSize 1", "--json"]
        let asked = try await tenant.mm(command, extra: extra)
        #expect(asked.code == 3, "\(asked)")
        try await tenant.approve(try #require(asked.failure?["details"]?["userCode"]?.string))
        var ran = asked
        while ran.code == 3 { ran = try await tenant.mm(command, extra: extra) }
        #expect(ran.code == 0 && ran.json?.array?.count == 1, "\(ran)")
        let beyond = try await tenant.mm(["run", "Demo", "exo", "Get-Process", "--json"], extra: extra)
        #expect(beyond.code != 0 && beyond.error.contains("pwsh"), "\(beyond)")
        await tenant.stop()
    }

    // MARK: Jobs

    private static let user = "/users/ben.baker@contoso-sandbox.example"

    private static func signedIn() async throws -> Tenant {
        let tenant = try await Tenant()
        try tenant.allowStandIn(toChange: true)
        try await tenant.signIn()
        return tenant
    }

    private static func job(after milliseconds: Int, _ path: String = user) -> String {
        "Invoke-StandIn job graph PATCH /v1.0\(path) '{\"jobTitle\":\"Later\"}' \(milliseconds)"
    }

    private static func title(_ tenant: Tenant) async throws -> String? {
        try await tenant.mm(["graph", "Demo", user + "?$select=jobTitle", "--json"]).json?["jobTitle"]?.string
    }

    @Test(
        "a call lasts as long as the jobs that it started: their changes belong to the call, which reports how they ended"
    )
    func job() async throws {
        let tenant = try await Self.signedIn()
        let ran = try await tenant.mm(["run", "Demo", "graph", Self.job(after: 1500), "--json"])
        #expect(ran.code == 0 && ran.error.contains("has ended: Completed"), "\(ran)")
        #expect(try await Self.title(tenant) == "Later")
        // A job of an earlier call isn't part of this one.
        let next = try await tenant.mm(["run", "Demo", "graph", "Invoke-StandIn token none", "--json"])
        #expect(next.code == 0 && !next.error.contains("has ended"), "\(next)")
        let failed = try await tenant.mm(["run", "Demo", "graph", Self.job(after: 100, "/users/nobody"), "--json"])
        #expect(failed.code == 1 && failed.error.contains("has ended: Failed"), "\(failed)")
        await tenant.stop()
    }

    @Test("a job that outlasts its call's deadline is named, and can't change anything from then on")
    func lateJob() async throws {
        let tenant = try await Self.signedIn()
        let before = try await Self.title(tenant)
        // A session that has to be started could use up the call's time.
        _ = try await tenant.sessionProcess("graph")
        let ran = try await tenant.mm(
            ["run", "Demo", "graph", Self.job(after: 30_000), "--timeout", "8", "--json"])
        #expect(ran.code == 6 && ran.error.contains("still runs"), "\(ran)")
        var state: String?
        while state != "Failed" {
            let listed = try await tenant.mm(["run", "Demo", "graph", "Get-Job", "--json", "-q"])
            // A request of the job during this call is held, and this call reports it.
            if listed.code == 5 { continue }
            state = try #require(listed.json?.array?.first?["State"]?.string, "\(listed)")
            try #require(state != "Completed")
        }
        #expect(try await Self.title(tenant) == before)
        await tenant.stop()
    }
}
