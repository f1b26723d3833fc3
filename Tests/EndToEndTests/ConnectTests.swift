import HeadlessBrowser
import MMCore
import MMSystem
import Testing

@Suite("Connecting a tenant by its name", .timeLimit(.minutes(10)))
struct ConnectTests {
    private static let domain = "contoso-sandbox.example"
    private static let shared = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"

    /// A person in a browser, signed in with an account.
    private func person(_ tenant: Tenant, _ account: String = "admin") -> [String: String] {
        [
            "MM_BROWSER": Programs.packageFolder + "/Tests/Fixtures/identity/browser_person.py",
            "LAST_PAGE": tenant.home.path + "/last-page", "PERSON": "\(account)@\(Self.domain)",
        ]
    }

    /// The entry in the registry.
    private func entry(_ tenant: Tenant, _ name: String = "ContosoSandbox") throws -> JSONObject? {
        let bytes = try ProtectedFile.read(tenant.home.path + "/.m365-connections.json") ?? []
        return try JSONParser.parse(bytes)["connections"]?[name]?.object
    }

    /// A tenant whose registry has no connection to it yet.
    private func freshTenant() async throws -> Tenant {
        let tenant = try await Tenant()
        let removed = try await tenant.mm(["connections", "remove", "Demo", "--yes"])
        #expect(removed.code == 0, "\(removed)")
        return tenant
    }

    /// How many app registrations of mm the tenant has.
    private func registrations(_ tenant: Tenant) async throws -> Int {
        try await tenant.control("GET", "apps")["apps"]?.array?.count {
            $0["displayName"] == "Microsoft Master (mm)"
        } ?? -1
    }

    @Test(
        "in a terminal it goes from the organisation's name to an app registration with the chosen permissions, and to /me"
    )
    func wholeWay() async throws {
        let tenant = try await freshTenant()
        let ran = try await tenant.dialog(
            ["connect", Self.domain],
            [
                ("Enter: graph", "grpah\n"), ("Did you mean graph?", "graph,powerplatform\n"),
                ("Type yes", "yes\n"),
            ], person(tenant))
        #expect(ran.code == 0, "\(ran.text)")
        for shown in [
            "Register the app", "AuditLog.Read.All", "PowerApps Service", "POST /v1.0/oauth2PermissionGrants",
            "only for",
            "on behalf of a person",
        ] {
            #expect(ran.says(shown), "\(shown) is not in: \(ran.text)")
        }
        #expect(ran.says("ContosoSandbox is connected: Avery Admin"), "\(ran.text)")
        // The permissions are listed once; the requests are on further pages.
        #expect(ran.text.split(separator: "AuditLog.Read.All").count == 2 && ran.says("more to see the rest"))
        #expect(!ran.says("requiredResourceAccess"), "\(ran.text)")
        let entry = try #require(try entry(tenant))
        let appID = try #require(entry["appId"]?.string)
        #expect(appID != Self.shared)
        #expect(entry["uses"] == ["graph", "powerplatform"])
        #expect(entry["tenantId"] == "5a4db0c5-7e11-4c02-9d0e-5a11db0c5e01")
        #expect(entry["expectedEmail"]?.string == "admin@\(Self.domain)" && entry["cloud"] == "sandbox")
        let users = try await tenant.mm(["graph", "ContosoSandbox", "/users", "--top", "2", "--json"])
        #expect(users.code == 0, "\(users)")
        let mail = try await tenant.mm(["graph", "ContosoSandbox", "/me/messages", "--json"])
        #expect(mail.code != 0, "exactly the permissions of the uses were granted: \(mail)")

        let again = try await tenant.dialog(["connect", Self.domain], [], person(tenant))
        #expect(again.code == 0 && !again.says("Type yes"), "\(again.text)")
        #expect(try self.entry(tenant)?["appId"]?.string == appID)
        #expect(try await registrations(tenant) == 1)
    }

    @Test("run again with further uses, it asks only for the additional permissions and keeps the sign-in")
    func further() async throws {
        let tenant = try await freshTenant()
        let first = try await tenant.dialog(
            ["connect", Self.domain, "--uses", "graph"], [("Type yes", "yes\n")], person(tenant))
        #expect(first.code == 0, "\(first.text)")
        let app = try entry(tenant)?["appId"]
        let refused = try await tenant.mm(["graph", "ContosoSandbox", "/applications", "--json"])
        let command = try #require(refused.failure?["details"]?["advice"]?["connect"]?.string)
        #expect(command == "mm connect --name ContosoSandbox --scope Application.Read.All")

        let added = try await tenant.dialog(
            command.split(separator: " ").dropFirst().map(String.init), [("Type yes", "yes\n")], person(tenant))
        #expect(added.code == 0 && added.text.contains("Microsoft Graph: Application.Read.All\r\n"), "\(added.text)")
        #expect(!added.says("AuditLog.Read.All"), "\(added.text)")
        let apps = try await tenant.mm(["graph", "ContosoSandbox", "/applications", "--json"])
        #expect(apps.code == 0, "\(apps)")

        let more = try await tenant.dialog(
            ["connect", "--name", "ContosoSandbox", "--uses", "devices,flow"], [("Type yes", "yes\n")], person(tenant))
        #expect(more.code == 0, "\(more.text)")
        #expect(try entry(tenant)?["uses"] == ["graph", "devices", "flow"])
        #expect(try entry(tenant)?["appId"] == app)
        #expect(try await registrations(tenant) == 1)
        let again = try await tenant.dialog(
            ["connect", "--name", "ContosoSandbox", "--uses", "devices,flow"], [], person(tenant))
        #expect(again.code == 0 && !again.says("Type yes"), "\(again.text)")
        // The shared client leaves no token behind.
        for file in try tenant.home.files() where file.path.contains(".mm-graph-tokens") {
            let tokens = (try? JSONParser.parse(file.bytes))?["RefreshToken"]?.object ?? [:]
            #expect(tokens.allSatisfy { $0.value["client_id"]?.string != Self.shared }, "\(file.path)")
        }
    }

    @Test("a person who may not grant permissions gets a link for an administrator, whose consent suffices")
    func administratorConsents() async throws {
        let tenant = try await freshTenant()
        let ran = try await tenant.dialog(
            ["connect", Self.domain, "--uses", "graph"], [("Type yes", "yes\n")], person(tenant))
        #expect(ran.code == 0, "\(ran.text)")
        let refused = try await tenant.mm(["graph", "ContosoSandbox", "/applications", "--json"])
        let link = try #require(refused.failure?["details"]?["advice"]?["consent"]?.string)
        for (account, isEnough) in [("ben.baker", false), ("admin", true)] {
            let browser = try await Tenant.run(
                "/usr/bin/python3", [Programs.packageFolder + "/Tests/Fixtures/identity/browser_person.py", link],
                ["PERSON": "\(account)@\(Self.domain)", "LAST_PAGE": tenant.home.path + "/last-page"], input: "")
            #expect((browser.code == 0) == isEnough, "\(account): \(browser)")
        }
        let renewed = try await tenant.dialog(["login", "ContosoSandbox", "--renew", "--browser"], [], person(tenant))
        #expect(renewed.code == 0, "\(renewed.text)")
        let apps = try await tenant.mm(["graph", "ContosoSandbox", "/applications", "--json"])
        #expect(apps.code == 0, "\(apps)")
    }

    @Test("with all uses, every recipe that reads works")
    func recipes() async throws {
        let tenant = try await freshTenant()
        let uses =
            "graph,users,mailbox,exchange,teams,sharepoint,security,devices,apps,reports,azure,flow,powerplatform"
        let ran = try await tenant.dialog(
            ["connect", Self.domain, "--uses", uses], [("Type yes", "yes\n")], person(tenant))
        #expect(ran.code == 0 && !ran.says("Missing:"), "\(ran.text)")
        let listed = try await tenant.mm(["recipe", "--json"])
        let names = (listed.json?.array ?? listed.json?["tools"]?.array ?? []).compactMap { $0["name"]?.string }
        #expect(names.count == 34, "\(listed)")
        let arguments: [String: [String]] = [
            "nested-members": ["--group", "All Company"],
            "distribution-list-members": ["--list", "newsletter@\(Self.domain)"],
            "inbox-rules": ["--user", "admin@\(Self.domain)"],
            "message-trace": ["--recipient", "admin@\(Self.domain)"],
        ]
        for name in names where name != "leaver" {
            let line = ["recipe", name, "ContosoSandbox"] + (arguments[name] ?? [])
            let answer = try await tenant.mm(line + ["--json"])
            #expect(answer.code == 0, "\(name): \(answer.error)")
        }
    }

    @Test("without a terminal every missing answer is an error that names its flag, and nothing is written")
    func missingAnswers() async throws {
        let tenant = try await freshTenant()
        let lines: [([String], String)] = [
            ([], "mm connect DOMAIN"), ([Self.domain], "--app own"),
            ([Self.domain, "--app", "own"], "--uses"), ([Self.domain, "--app", "mine"], "--app own"),
            ([Self.domain, "--app", "own", "--uses", "cooking"], "powerplatform"),
            (["5a4db0c5-7e11-4c02-9d0e-5a11db0c5e01", "--app", "shared"], "--name"),
            (["nobody.example", "--cloud", "sandbox", "--app", "shared"], "spelling"),
        ]
        for (words, flag) in lines {
            let ran = try await tenant.mm(["connect"] + words + ["--json"])
            let hint = ran.failure?["hint"]?.string ?? ""
            #expect(ran.code != 0 && hint.contains(flag), "\(words): \(ran)")
        }
        let listed = try await tenant.mm(["connections", "list", "--json"])
        #expect(listed.json?.array?.isEmpty == true, "\(listed)")
    }

    @Test("a script gets through by repeated calls: code, confirmation by a person, code, done")
    func script() async throws {
        let tenant = try await freshTenant()
        let line = ["connect", Self.domain, "--name", "Contoso", "--uses", "graph", "--app", "own", "--json"]
        let first = try await tenant.mm(line)
        #expect(first.code == 3, "\(first)")
        try await tenant.approve(try #require(first.failure?["details"]?["userCode"]?.string))
        let held = try await waitForEnd(line, tenant)
        #expect(held.code == 5, "\(held)")
        #expect(try await registrations(tenant) == 0, "nothing is made before a person has said yes")
        let token = try #require(held.failure?["details"]?["token"]?.string)
        let confirmed = try await tenant.dialog(["confirm", token], [("Type yes", "yes\n")])
        #expect(confirmed.code == 0, "\(confirmed.text)")
        let second = try await tenant.mm(line)
        #expect(second.code == 3, "\(second)")
        try await tenant.approve(try #require(second.failure?["details"]?["userCode"]?.string))
        let done = try await waitForEnd(line, tenant)
        #expect(done.code == 0 && done.json?["app"] == "own", "\(done)")
        #expect(done.json?["me"]?["userPrincipalName"]?.string == "admin@\(Self.domain)", "\(done)")
        #expect(try await registrations(tenant) == 1)
    }

    /// Repeats a command until the sign-in service has processed the approval.
    private func waitForEnd(_ line: [String], _ tenant: Tenant) async throws -> Tenant.Ran {
        while true {
            let ran = try await tenant.mm(line)
            guard ran.code == 3 else { return ran }
            try await Task.sleep(for: .milliseconds(200))
        }
    }

    @Test("an account without the rights gets the steps for an administrator, and a connection that can read")
    func withoutRights() async throws {
        let tenant = try await freshTenant()
        let ran = try await tenant.dialog(
            ["connect", "ben.baker@\(Self.domain)", "--name", "Ben", "--uses", "graph"], [("Type yes", "yes\n")],
            person(tenant, "ben.baker"))
        #expect(ran.code == 0, "\(ran.text)")
        for shown in [
            "may not register", "An administrator", "Allow public client flows", "User.Read.All", "Ben Baker",
        ] {
            #expect(ran.says(shown), "\(shown) is not in: \(ran.text)")
        }
        #expect(try entry(tenant, "Ben")?["appId"]?.string == Self.shared)
        let users = try await tenant.mm(["graph", "Ben", "/users", "--top", "1", "--json"])
        #expect(users.code == 0, "\(users)")
    }

    @Test(
        "missing permissions are determined from the tokens, and shown with the remedy and the modules that the uses need"
    )
    func missingPermissions() async throws {
        let tenant = try await freshTenant()
        let ran = try await tenant.dialog(
            ["connect", Self.domain, "--uses", "graph,azure,sharepoint", "--app", "shared"], [], person(tenant))
        #expect(ran.code == 0, "\(ran.text)")
        // The shared client's tokens for Azure have the needed permissions.
        #expect(!ran.says("Azure Service Management: user_impersonation"), "\(ran.text)")
        #expect(ran.says("--app own --uses graph,azure,sharepoint"), "\(ran.text)")
        #expect(ran.says("Az.Accounts") && ran.says("PnP.PowerShell"), "\(ran.text)")
        #expect(ran.says("mm doctor powershell"), "\(ran.text)")
    }

    @Test("declining the plan gives a connection with the shared client, and registers nothing")
    func refusal() async throws {
        let tenant = try await freshTenant()
        let ran = try await tenant.dialog(
            ["connect", Self.domain, "--uses", "graph"], [("Type yes", "no\n")], person(tenant))
        #expect(ran.code == 0 && ran.says("Nothing was registered"), "\(ran.text)")
        #expect(try entry(tenant)?["appId"]?.string == Self.shared)
        #expect(try await registrations(tenant) == 0)
    }

    @Test(
        "a registration that was interrupted is reported, found again and completed",
        arguments: [
            "/v1.0/servicePrincipals", "/v1.0/oauth2PermissionGrants",
        ])
    func halfMade(path: String) async throws {
        let tenant = try await freshTenant()
        try await tenant.fault(["kind": "status", "status": 400, "method": "POST", "path": .string(path), "count": 1])
        let line = ["connect", Self.domain, "--uses", "graph"]
        let broken = try await tenant.dialog(line, [("Type yes", "yes\n")], person(tenant))
        #expect(broken.code != 0 && broken.says("again to continue"), "\(broken.text)")
        #expect(broken.says("and kept: Register the app"), "\(broken.text)")
        let whole = try await tenant.dialog(line, [("Type yes", "yes\n")], person(tenant))
        #expect(whole.code == 0 && !whole.says("POST /applications"), "\(whole.text)")
        #expect(try await registrations(tenant) == 1)
        let me = try await tenant.mm(["graph", "ContosoSandbox", "/me", "--json"])
        #expect(me.code == 0, "\(me)")
    }

    @Test("a first sign-in that fails leaves neither an entry nor a token behind")
    func failedSignIn() async throws {
        let tenant = try await freshTenant()
        let declined = try await tenant.dialog(
            ["connect", Self.domain, "--app", "shared"], [], person(tenant).merging(["DECISION": "decline"]) { $1 })
        #expect(declined.code != 0, "\(declined.text)")
        #expect(try entry(tenant) == nil)
        let left = try tenant.home.files().filter { $0.path.contains(".mm-graph-tokens") }
        for file in left { #expect(!String(decoding: file.bytes, as: UTF8.self).contains("eyJ"), "\(file.path)") }
    }

    @Test(
        "works with a real browser", .enabled(if: Chromium.isInstalled, "chromium is not installed"))
    func chromium() async throws {
        let tenant = try await freshTenant()
        let (program, file) = (tenant.home.path + "/opener", tenant.home.path + "/address")
        let script = "#!/bin/sh\nprintf %s \"$1\" > \(file).part && mv \(file).part \(file)\n"
        try ProtectedFile.replace(program, with: Array(script.utf8), mode: 0o700)
        let dialog = Task {
            try await tenant.dialog(
                ["connect", Self.domain, "--uses", "graph"], [("Type yes", "yes\n")], ["MM_BROWSER": program])
        }
        for _ in 0..<2 {
            while try ProtectedFile.read(file) == nil { try await Task.sleep(for: .milliseconds(20)) }
            let address = String(decoding: try ProtectedFile.read(file) ?? [], as: UTF8.self)
            try ProtectedFile.remove(file)
            let isThere = try await Chromium.run {
                guard let browser = Chromium.start(at: address) else { return false }
                try browser.wait(until: "document.getElementById('approve') !== null")
                _ = try browser.value("document.getElementById('approve').click()")
                try browser.wait(until: "document.title === 'Signed in'")
                return true
            }
            guard isThere else { return dialog.cancel() }
        }
        let ran = try await dialog.value
        #expect(ran.code == 0 && ran.says("Avery Admin"), "\(ran.text)")
        #expect(try entry(tenant)?["appId"]?.string != Self.shared)
    }
}
