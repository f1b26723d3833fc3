import MMCore
import MMSystem
import Testing

@Suite("The main path, through real processes and sockets", .timeLimit(.minutes(15)))
struct MainPathTests {
    @Test("continues with the same code after the process that showed it has ended")
    func signInSurvivesItsProcess() async throws {
        let tenant = try await Tenant()
        let first = try await tenant.mm(["graph", "Demo", "/me", "--json"])
        #expect(first.code == 3)
        let code = try #require(first.failure?["details"]?["userCode"]?.string)
        let second = try await tenant.mm(["graph", "Demo", "/me", "--json"])
        #expect(second.failure?["details"]?["userCode"]?.string == code)
        // Another front-end shows the same code.
        let client = try await MCPClient(tenant.home.environment)
        _ = try await client.initialize()
        let third = try await client.call(1, "mm__graph_request", ["connection": "Demo", "endpoint": "/me"])
        #expect(third.text.contains(code))
        #expect(third["isError"] == false)
        #expect(third["structuredContent"]?["status"] == "auth_required")

        try await tenant.approve(code)
        #expect(try await tenant.login().code == 0)
        let me = try await tenant.mm(["graph", "Demo", "/me"])
        #expect(me.code == 0)
        #expect(me.json?["userPrincipalName"] == "admin@contoso-sandbox.example")
    }

    @Test("signs in once for Graph and Power Automate")
    func oneSignIn() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        let flows = try await tenant.mm(
            ["graph", "Demo", "/providers/Microsoft.ProcessSimple/environments", "--resource", "flow"])
        #expect(flows.code == 0)
        #expect(flows.json?["value"]?.array?.isEmpty == false)
    }

    @Test("refuses a wrong account by name, stores nothing of it, and admits the right one")
    func wrongAccount() async throws {
        let tenant = try await Tenant()
        let wrong = try await tenant.signIn(as: "ben.baker@contoso-sandbox.example")
        #expect(wrong.code == 1)
        #expect(wrong.error.contains("ben.baker@contoso-sandbox.example"))
        #expect(wrong.error.contains("admin@contoso-sandbox.example"))
        let status = try await tenant.mm(["status", "--json"])
        #expect(status.json?["sessions"]?[0]?["state"] != "signed in")
        #expect(try await tenant.signIn().code == 0)
    }

    @Test("reports that a sign-in was declined")
    func declined() async throws {
        let tenant = try await Tenant()
        let started = try await tenant.mm(["login", "Demo", "--json"])
        let code = try #require(started.failure?["details"]?["userCode"]?.string)
        #expect(try await tenant.mm(["sandbox", "approve", code, "--decline"]).code == 0)
        var ended = started
        while ended.failure?["code"] == "sign_in_needed", ended.failure?["details"]?["userCode"]?.string == code {
            ended = try await tenant.mm(["graph", "Demo", "/me", "--json"])
        }
        #expect(ended.code != 0)
        #expect(ended.error.lowercased().contains("declined"))
    }

    @Test("pages through all users, in every format")
    func paging() async throws {
        let tenant = try await Tenant(users: 2500)
        try await tenant.signIn()
        let lines = try await tenant.mm(["graph", "Demo", "/users", "--all", "--output", "jsonl"])
        #expect(lines.output.split(separator: "\n").count == 2500)
        let all = try await tenant.mm(["graph", "Demo", "/users", "--all"])
        let items = try #require(all.json?.array)
        #expect(Set(items.compactMap { $0["id"]?.string }).count == 2500)
        let top = try await tenant.mm([
            "graph", "Demo", "/users", "--top", "1200", "-o", "csv", "--query", "$select=id,mail",
        ])
        #expect(top.output.split(separator: "\n").count == 1201)
        #expect(top.output.hasPrefix("id,mail\n") || top.output.hasPrefix("mail,id\n"))
        let jq = try await tenant.mm(["graph", "Demo", "/users", "--all", "--jq", "length"])
        #expect(jq.output == "2500\n")
    }

    @Test("fails if the tenant is gone")
    func tenantGone() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        await tenant.stop()
        let ran = try await tenant.mm(["graph", "Demo", "/me", "--json"])
        #expect(ran.code != 0)
        #expect(ran.failure?["code"] == "unavailable")
    }

    @Test("keeps secrets out of all its files except the token cache")
    func secrets() async throws {
        let tenant = try await Tenant()
        let started = try await tenant.mm(["login", "Demo", "--json"])
        let code = try #require(started.failure?["details"]?["userCode"]?.string)
        let pending = try tenant.home.files().first { $0.path.contains(".flow.json") }
        let deviceCode = try #require(
            pending.flatMap { try? JSONParser.parse($0.bytes) }.flatMap { Self.text(named: "device_code", in: $0) })
        try await tenant.approve(code)
        _ = try await tenant.login()
        let secretMail = "the-body-that-nobody-may-log"
        _ = try await tenant.mm(
            [
                "graph", "Demo", "/me/sendMail", "-X", "POST", "-d",
                #"{"message":{"subject":"s","body":{"content":"\#(secretMail)"},"toRecipients":[]}}"#,
            ])
        _ = try await tenant.mm(["graph", "Demo", "/me"])
        let cache = try #require(try tenant.home.files().first { $0.path.hasSuffix("/.mm-graph-tokens/Demo.json") })
        let document = try JSONParser.parse(cache.bytes)
        var secrets = [deviceCode]
        for section in ["AccessToken", "RefreshToken", "IdToken"] {
            for (_, entry) in document[section]?.object ?? [:] {
                if let secret = entry["secret"]?.string { secrets.append(secret) }
            }
        }
        #expect(secrets.count >= 3)
        for file in try tenant.home.files() where file.path != cache.path {
            let text = String(decoding: file.bytes, as: UTF8.self)
            for secret in secrets { #expect(!text.contains(secret), "\(file.path) contains a secret") }
            if !file.path.hasSuffix("confirmations.json") {
                #expect(!text.contains(secretMail), "\(file.path) holds mail")
            }
        }
    }

    private static func text(named key: String, in value: JSONValue) -> String? {
        switch value {
        case .object(let members):
            if let text = members[key]?.string { return text }
            return members.values.lazy.compactMap { text(named: key, in: $0) }.first
        case .array(let items): return items.lazy.compactMap { text(named: key, in: $0) }.first
        default: return nil
        }
    }
}
