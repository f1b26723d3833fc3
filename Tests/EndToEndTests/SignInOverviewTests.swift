import MMCore
import MMSystem
import Testing

@Suite("Sign-ins of all connections", .timeLimit(.minutes(10)))
struct SignInOverviewTests {
    /// Adds further connections to the tenant, for these accounts.
    private func add(_ accounts: [String], _ tenant: Tenant) async throws {
        for account in accounts {
            let added = try await tenant.mm([
                "connections", "add", account.prefix(1).uppercased() + account.dropFirst(), "--cloud", "sandbox",
                "--app-id", "5a4db0c5-0000-4000-8000-00000000a001", "--tenant-id",
                "5a4db0c5-7e11-4c02-9d0e-5a11db0c5e01", "--expected-email", "\(account)@contoso-sandbox.example",
            ])
            #expect(added.code == 0, "\(added)")
        }
    }

    private func rows(_ ran: Tenant.Ran, _ list: String) -> [String: JSONValue] {
        var rows: [String: JSONValue] = [:]
        for row in ran.json?[list]?.array ?? [] { rows[row["connection"]?.string ?? ""] = row }
        return rows
    }

    @Test("mm login --all signs in where no person is needed, and returns a code for each other connection")
    func script() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        try await add(["lena.vogt", "ben.baker"], tenant)
        let ran = try await tenant.mm(["login", "--all", "--json"])
        #expect(ran.code == 3, "\(ran)")
        let rows = rows(ran, "connections")
        #expect(rows["Demo"]?["state"] == "signed in" && rows["Demo"]?["code"] == nil, "\(ran)")
        // Each row says what the call for this connection alone says.
        #expect(rows["Demo"] == (try await tenant.mm(["login", "Demo", "--json"])).json)
        let alone = try JSONParser.parse(Array(try await tenant.mm(["login", "Ben.baker", "--json"]).error.utf8))
        for name in ["code", "hint"] { #expect(rows["Ben.baker"]?["error"]?[name] == alone["error"]?[name]) }
        for name in ["userCode", "verificationUri", "expiresAt", "account"] {
            let value = rows["Ben.baker"]?["error"]?["details"]?[name]
            #expect(value != nil && value == alone["error"]?["details"]?[name], "\(name)")
        }
        for name in ["Lena.vogt", "Ben.baker"] {
            #expect(ran.error.contains("\(name): open http"), "\(ran)")
            try await tenant.approve(
                try #require(rows[name]?["code"]?.string), as: rows[name]?["account"]?.string)
        }
        var later = try await tenant.mm(["login", "--all", "--json"])
        while later.code == 3 {
            try await Task.sleep(for: .milliseconds(200))
            later = try await tenant.mm(["login", "--all", "--json"])
        }
        #expect(later.code == 0 && later.error.contains("3 signed in"), "\(later)")
    }

    @Test("in a terminal the person signs in to one after the other, and a failure doesn't stop the rest")
    func terminal() async throws {
        let tenant = try await Tenant()
        try await add(["lena.vogt"], tenant)
        _ = try await tenant.mm([
            "connections", "add", "Plain", "--cloud", "sandbox", "--tenant", "contoso-sandbox.example",
        ])
        let person = [
            "MM_BROWSER": Programs.packageFolder + "/Tests/Fixtures/identity/browser_person.py",
            "LAST_PAGE": tenant.home.path + "/last-page", "PERSON": "lena.vogt@contoso-sandbox.example",
        ]
        // The person in the browser is always the same, which is the wrong one for Demo.
        let ran = try await tenant.dialog(["login", "--all", "--browser", "--json"], [], person)
        #expect(ran.code == 1, "\(ran.text)")
        #expect(ran.says("1 signed in") && ran.says("1 failed"), "\(ran.text)")
        // Without an app, only the modules of a connection sign in.
        #expect(ran.says("its modules sign in"), "\(ran.text)")
        let status = try await tenant.mm(["status", "--json"])
        let states = rows(status, "sessions")
        #expect(states["Demo"]?["state"] == "signed out" && states["Lena.vogt"]?["state"] == "signed in", "\(status)")
    }

    @Test("mm login takes a connection or --all, one of the two", arguments: [[], ["Demo", "--all"]])
    func oneOfTwo(words: [String]) async throws {
        let tenant = try await Tenant()
        #expect(try await tenant.mm(["login"] + words).code == 2)
    }

    @Test(
        "mm status --check asks the service: a revoked session is detected, with the remedy")
    func check() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        let good = try await tenant.mm(["status", "--check", "--json"])
        #expect(good.code == 0 && rows(good, "sessions")["Demo"]?["state"] == "signed in", "\(good)")
        _ = try await tenant.control("POST", "revoke", ["account": "admin@contoso-sandbox.example"])
        let unasked = try await tenant.mm(["status", "--json"])
        #expect(unasked.code == 0 && rows(unasked, "sessions")["Demo"]?["state"] == "signed in", "\(unasked)")
        let asked = try await tenant.mm(["status", "--check", "--json"])
        let row = rows(asked, "sessions")["Demo"]
        #expect(asked.code == 3 && row?["state"] == "sign-in needed", "\(asked)")
        #expect(row?["remedy"]?.string?.contains("mm login Demo") == true, "\(asked)")
        #expect(try await tenant.requests(to: "/devicecode") == 1, "a check starts no sign-in")
    }

    @Test("mm status goes on to say that the service refuses the account, until the service accepts it again")
    func refusedForNow() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        _ = try await tenant.mm(["sandbox", "faults", "--add", #"{"kind": "tokenError", "number": 50057}"#])
        let asked = try await tenant.mm(["status", "--check", "--json"])
        #expect(asked.code == 1 && rows(asked, "sessions")["Demo"]?["state"] == "unusable", "\(asked)")
        let later = try await tenant.mm(["status", "--json"])
        let row = rows(later, "sessions")["Demo"]
        #expect(row?["state"] == "unusable" && row?["reason"]?.string?.contains("AADSTS50057") == true, "\(later)")
        #expect(row?["remedy"]?.string?.contains("mm status Demo --check") == true, "\(later)")
        _ = try await tenant.mm(["sandbox", "faults", "--clear"])
        for words in [["--check"], []] {
            let mended = try await tenant.mm(["status", "--json"] + words)
            #expect(rows(mended, "sessions")["Demo"]?["state"] == "signed in", "\(mended)")
        }
    }

    @Test(
        "a new connection's note names the next step that works",
        arguments: [
            ([], "mm connections edit Plain appId=GUID"),
            (["--app-id", "5a4db0c5-0000-4000-8000-00000000a001"], "mm login Plain"),
        ] as [([String], String)])
    func nextStep(flags: [String], step: String) async throws {
        let tenant = try await Tenant()
        let place = ["--cloud", "sandbox", "--tenant", "contoso-sandbox.example"]
        let added = try await tenant.mm(["connections", "add", "Plain"] + place + flags)
        #expect(added.code == 0 && added.error.contains(step), "\(added)")
        #expect(added.error.contains("mm login") == step.hasPrefix("mm login"), "\(added)")
    }

    @Test("mm status --check distinguishes an app with an invalid secret from an account that needs a person")
    func appCheck() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        let secret = tenant.home.path + "/secret"
        try ProtectedFile.replace(secret, with: Array("sandbox~automation~secret\n".utf8))
        let added = try await tenant.mm([
            "connections", "add", "Nightly", "--cloud", "sandbox", "--app-id", "5a4db0c5-0000-4000-8000-00000000a002",
            "--tenant-id", "5a4db0c5-7e11-4c02-9d0e-5a11db0c5e01",
            "--set", #"auth={"method": "secret", "secretFile": "\#(secret)"}"#,
        ])
        #expect(added.code == 0, "\(added)")
        let unasked = try await tenant.mm(["status", "Nightly", "--json"])
        #expect(
            unasked.code == 0 && rows(unasked, "sessions")["Nightly"]?["state"] == "signs in when needed", "\(unasked)")
        let good = try await tenant.mm(["status", "--check", "--json"])
        #expect(good.code == 0 && rows(good, "sessions")["Nightly"]?["state"] == "signed in", "\(good)")
        try ProtectedFile.replace(secret, with: Array("wrong\n".utf8))
        let bad = try await tenant.mm(["status", "--check", "--json"])
        let row = rows(bad, "sessions")["Nightly"]
        #expect(
            bad.code == 1 && row?["state"] == "unusable" && row?["reason"]?.string?.contains("secret") == true, "\(bad)"
        )
    }
}
