import Glibc
import HeadlessBrowser
import MMCore
import MMSystem
import Testing

@Suite("Ways to sign in besides the device code", .timeLimit(.minutes(5)))
struct SignInWaysTests {
    private static let fixtures = Programs.packageFolder + "/Tests/Fixtures/identity"
    private static let automation = "5a4db0c5-0000-4000-8000-00000000a002"
    private static let nobody = "app \(automation), no person"

    /// Adds a connection of an app that signs in without a person.
    private func addNightly(_ tenant: Tenant, _ auth: JSONObject) async throws {
        let added = try await tenant.mm([
            "connections", "add", "Nightly", "--cloud", "sandbox", "--app-id", Self.automation,
            "--tenant-id", "5a4db0c5-7e11-4c02-9d0e-5a11db0c5e01",
        ])
        #expect(added.code == 0, "\(added)")
        let registry = tenant.home.path + "/.m365-connections.json"
        let bytes = try #require(try ProtectedFile.read(registry))
        var content = try #require(try JSONParser.parse(bytes).object)
        var connections = try #require(content["connections"]?.object)
        var entry = try #require(connections["Nightly"]?.object)
        entry["auth"] = .object(auth)
        connections["Nightly"] = .object(entry)
        content["connections"] = .object(connections)
        try ProtectedFile.replace(registry, with: JSONWriter.bytes(.object(content)))
    }

    @Test(
        "an app signs in with each kind of credential, and all outputs say that no person is behind it",
        arguments: ["secret", "certificate", "federated"])
    func apps(method: String) async throws {
        let tenant = try await Tenant(certificate: Self.fixtures + "/certificates/rsa.cert.pem")
        var auth: JSONObject = ["method": .string(method)]
        switch method {
        case "secret":
            try ProtectedFile.replace(
                tenant.home.path + "/secret", with: Array("sandbox~automation~secret\n".utf8))
            auth["secretFile"] = .string(tenant.home.path + "/secret")
        case "certificate":
            let key = tenant.home.path + "/app.pem"
            try ProtectedFile.replace(
                key, with: try #require(try ProtectedFile.read(Self.fixtures + "/certificates/rsa.both.pem")))
            auth["certificatePath"] = .string(key)
        default:
            let claims = JSONWriter.bytes([
                "iss": "https://ci.contoso-sandbox.example", "sub": "repo:contoso/mm:ref:refs/heads/main",
                "aud": "api://AzureADTokenExchange", "exp": 4_000_000_000,
            ])
            let header = Base64.text(Array(#"{"alg":"RS256"}"#.utf8), alphabet: .url)
            let token = "\(header).\(Base64.text(claims, alphabet: .url)).FAKE"
            try ProtectedFile.replace(tenant.home.path + "/token", with: Array(token.utf8))
            auth["tokenFile"] = .string(tenant.home.path + "/token")
        }
        try await addNightly(tenant, auth)
        let users = try await tenant.mm(["graph", "Nightly", "/users", "--top", "2", "--json"])
        #expect(users.code == 0, "\(users)")
        #expect(users.output.contains("userPrincipalName"))
        let me = try await tenant.mm(["graph", "Nightly", "/me/messages", "--json"])
        let message = me.failure?["message"]?.string ?? ""
        let hint = me.failure?["hint"]?.string ?? ""
        #expect(me.code == 2 && message.contains(Self.nobody) && hint.contains("/users/"), "\(me)")
        let status = try await tenant.mm(["status", "Nightly", "--json"])
        #expect(status.output.contains(Self.nobody), "\(status)")
        let audit = try await tenant.mm(["audit", "show", "--json"])
        #expect(audit.output.contains(Self.nobody), "\(audit)")
        let lena = "/users/lena.vogt@contoso-sandbox.example"
        let asked = try await tenant.mm(["graph", "Nightly", lena, "-X", "DELETE", "--json"])
        #expect(asked.code == 5, "\(asked)")
        let out = try await tenant.mm(["logout", "Nightly", "--json"])
        #expect(out.code == 0, "\(out)")
        for file in try tenant.home.files() where file.path.contains(".mm-graph-tokens") {
            #expect(!String(decoding: file.bytes, as: UTF8.self).contains("eyJ"), "\(file.path)")
        }
    }

    @Test("a person signs in in a browser, and later calls need nobody")
    func browser() async throws {
        let tenant = try await Tenant()
        let page = tenant.home.path + "/last-page"
        let extra = ["MM_BROWSER": Self.fixtures + "/browser_person.py", "LAST_PAGE": page]
        let signedIn = try await tenant.login("Demo", ["--browser"], extra)
        #expect(signedIn.code == 0, "\(signedIn)")
        #expect(signedIn.output.contains("admin@contoso-sandbox.example"), "\(signedIn)")
        let me = try await tenant.mm(["graph", "Demo", "/me", "--json"])
        #expect(me.code == 0 && me.output.contains("admin@contoso-sandbox.example"), "\(me)")
    }

    @Test(
        "a real browser leads the person from the sign-in page back to the program",
        .enabled(if: Chromium.isInstalled, "chromium is not installed (apt-get install chromium)"),
        .timeLimit(.minutes(10)))
    func chromium() async throws {
        let tenant = try await Tenant()
        let (program, file) = (tenant.home.path + "/opener", tenant.home.path + "/address")
        let script = "#!/bin/sh\nprintf %s \"$1\" > \(file).part && mv \(file).part \(file)\n"
        try ProtectedFile.replace(program, with: Array(script.utf8), mode: 0o700)
        let login = Task { try await tenant.login("Demo", ["--browser"], ["MM_BROWSER": program]) }
        while try ProtectedFile.read(file) == nil { try await Task.sleep(for: .milliseconds(20)) }
        let address = String(decoding: try ProtectedFile.read(file) ?? [], as: UTF8.self)
        let isThere = try await Chromium.run {
            guard let browser = Chromium.start(at: address) else { return false }
            try browser.wait(until: "document.getElementById('approve') !== null")
            _ = try browser.value("document.getElementById('approve').click()")
            try browser.wait(until: "document.title === 'Signed in'")
            #expect(try browser.value("location.search") == "", "nothing of the answer stays in the history")
            return true
        }
        guard isThere else { return login.cancel() }
        let signedIn = try await login.value
        #expect(signedIn.code == 0, "\(signedIn)")
    }

    @Test("another person in the browser is refused, which differs from one who declines")
    func wrongPerson() async throws {
        let tenant = try await Tenant()
        let page = tenant.home.path + "/last-page"
        let person = ["MM_BROWSER": Self.fixtures + "/browser_person.py", "LAST_PAGE": page]
        let wrong = try await tenant.login(
            "Demo", ["--browser"], person.merging(["PERSON": "ben.baker@contoso-sandbox.example"]) { $1 })
        #expect(wrong.code != 0, "\(wrong)")
        #expect(wrong.output.contains("wrong account"), "\(wrong)")
        let declined = try await tenant.login("Demo", ["--browser"], person.merging(["DECISION": "decline"]) { $1 })
        #expect(declined.code != 0 && declined.output.contains("declined"), "\(declined)")
        let me = try await tenant.mm(["graph", "Demo", "/me", "--json"])
        #expect(me.code == 3, "\(me)")
    }

    @Test("without a terminal no browser is opened, and the error says where it can be")
    func noTerminal() async throws {
        let tenant = try await Tenant()
        let ran = try await tenant.mm(["login", "Demo", "--browser", "--json"])
        #expect(ran.code == 2 && ran.failure?["hint"]?.string?.contains("mm login Demo --browser") == true, "\(ran)")
    }
}

extension Tenant {
    /// Runs `mm login` at a terminal.
    func login(_ connection: String, _ flags: [String], _ extra: [String: String]) async throws -> Ran {
        let words = [Programs.mm, "login", connection] + flags
        let line = words.map { ShellWord.quoted($0) }.joined(separator: " ")
        return try await Self.run(
            "/usr/bin/script", ["-qec", line, "/dev/null"], home.environment.merging(extra) { $1 })
    }
}
