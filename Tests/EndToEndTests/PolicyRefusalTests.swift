import MMCore
import MMSystem
import Testing

@Suite("Sign-ins that a tenant's policies refuse", .timeLimit(.minutes(10)))
struct PolicyRefusalTests {
    private func person(_ tenant: Tenant) -> [String: String] {
        [
            "MM_BROWSER": Programs.packageFolder + "/Tests/Fixtures/identity/browser_person.py",
            "LAST_PAGE": tenant.home.path + "/last-page",
        ]
    }

    private func add(_ policy: String, _ tenant: Tenant) async throws {
        let added = try await tenant.mm(["sandbox", "policies", "--add", policy])
        #expect(added.code == 0, "\(added)")
    }

    @Test(
        "if a policy refuses a code, the browser is suggested, which then works",
        arguments: [
            ("block", 53_003), ("registeredDevice", 50_097), ("compliantDevice", 530_003), ("joinedDevice", 53_001),
            ("external", 50_158),
        ])
    func codeRefused(grant: String, number: Int) async throws {
        let tenant = try await Tenant()
        try await add(
            grant == "block" ? #"{"grant": "block", "flows": ["device"]}"# : #"{"grant": "\#(grant)"}"#, tenant)
        let device = grant == "joinedDevice" ? "joined" : "compliant"
        let placed = try await tenant.mm(["sandbox", "policies", "--surroundings", #"{"device": "\#(device)"}"#])
        #expect(placed.code == 0, "\(placed)")
        let started = try await tenant.mm(["login", "Demo", "--json"])
        try await tenant.approve(try #require(started.failure?["details"]?["userCode"]?.string))
        var refused = try await tenant.mm(["login", "Demo", "--json"])
        while refused.failure?["details"]?["userCode"] != nil {
            refused = try await tenant.mm(["login", "Demo", "--json"])
        }
        let details = refused.failure?["details"]
        #expect(details?["aadsts"]?.int == number && details?["nextWay"] == "browser", "\(refused)")
        #expect(refused.failure?["hint"]?.string?.contains("mm login Demo --browser") == true, "\(refused)")
        let signedIn = try await tenant.dialog(["login", "Demo", "--browser"], [], person(tenant))
        #expect(signedIn.code == 0, "\(signedIn.text)")
    }

    @Test("a browser on an unmanaged device gets the remaining ways to sign in")
    func browserRefused() async throws {
        let tenant = try await Tenant()
        try await add(#"{"grant": "compliantDevice"}"#, tenant)
        let refused = try await tenant.dialog(["login", "Demo", "--browser"], [], person(tenant))
        #expect(refused.code != 0, "\(refused.text)")
        for word in ["AADSTS530003", "a device that the tenant manages", "certificate"] {
            #expect(refused.says(word), "\(word) is not in: \(refused.text)")
        }
    }

    @Test("mm connect continues in the browser if a policy refuses its code")
    func connect() async throws {
        let tenant = try await Tenant()
        _ = try await tenant.mm(["connections", "remove", "Demo", "--yes"])
        try await add(#"{"grant": "block", "flows": ["device"]}"#, tenant)
        let ran = try await tenant.dialog(
            ["connect", "contoso-sandbox.example", "--app", "shared"], [], person(tenant))
        #expect(ran.code == 0 && ran.says("Avery Admin"), "\(ran.text)")
    }

    @Test(
        "a session that a policy ends is noticed by a check, which says what to do",
        arguments: [
            (#"{"grant": "mfa"}"#, 3, "mm login Demo"), (#"{"frequency": 0}"#, 3, "mm login Demo"),
            (#"{"grant": "block", "exceptLocations": ["office"]}"#, 1, "administrator"),
        ])
    func laterPolicy(policy: String, code: Int32, remedy: String) async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        #expect(try await tenant.mm(["status", "--check"]).code == 0)
        try await add(policy, tenant)
        _ = try await tenant.mm(["sandbox", "policies", "--surroundings", #"{"location": "station"}"#])
        var asked = try await tenant.mm(["status", "--check", "--json"])
        // The clock has to advance before a session is older than the shortest allowed time.
        while asked.code == 0 { asked = try await tenant.mm(["status", "--check", "--json"]) }
        let row = asked.json?["sessions"]?[0]
        #expect(asked.code == code, "\(asked)")
        #expect(row?["remedy"]?.string?.contains(remedy) == true, "\(asked)")
    }

    @Test("an app that a policy refuses is told who can change that")
    func app() async throws {
        let tenant = try await Tenant()
        try ProtectedFile.replace(tenant.home.path + "/secret", with: Array("sandbox~automation~secret\n".utf8))
        let added = try await tenant.mm([
            "connections", "add", "Nightly", "--cloud", "sandbox", "--app-id", "5a4db0c5-0000-4000-8000-00000000a002",
            "--tenant-id", "5a4db0c5-7e11-4c02-9d0e-5a11db0c5e01",
            "--set", #"auth={"method": "secret", "secretFile": "\#(tenant.home.path)/secret"}"#,
        ])
        #expect(added.code == 0, "\(added)")
        try await add(#"{"grant": "block", "flows": ["app"]}"#, tenant)
        let refused = try await tenant.mm(["graph", "Nightly", "/users", "--json"])
        #expect(refused.failure?["details"]?["aadsts"] == 53_003, "\(refused)")
        #expect(refused.failure?["hint"]?.string?.contains("workload identities") == true, "\(refused)")
    }
}
