import MMCore
import Testing

@Suite("The session manager's tools", .timeLimit(.minutes(15)))
struct PwshManagerTests {
    /// An environment in which nothing listens at the manager's usual port.
    private func environment(_ signIn: StandInSignIn) -> [String: String] {
        signIn.environment(account: "admin@contoso.com").merging(["PWSH_MANAGER_PORT": "1"]) { $1 }
    }

    @Test("are the five, with their parameters")
    func tools() async throws {
        let home = try TemporaryHome()
        let client = try await MCPClient(home.environment, arguments: ["--profile", "pwsh-manager"])
        _ = try await client.initialize()
        let tools = try await client.request(1, "tools/list")["result"]?["tools"]?.array ?? []
        #expect(
            tools.compactMap { $0["name"]?.string } == [
                "pwsh_login", "pwsh_status", "pwsh_run", "pwsh_sessions", "pwsh_disconnect",
            ])
        for tool in tools where tool["name"] != "pwsh_sessions" {
            let properties = tool["inputSchema"]?["properties"]
            #expect(properties?["tenant"]?["type"] == "string")
            #expect(properties?["module"]?["enum"] == ["exo", "pnp", "azure", "teams", "powerplatform"])
            #expect(properties?["module"]?["default"] == "exo")
        }
        #expect(tools[2]["inputSchema"]?["required"] == ["tenant", "command"])
        #expect(await client.finish() == 0)
    }

    @Test("sign in, run, list and disconnect a tenant without a registry, with the texts of the original manager")
    func life() async throws {
        let home = try TemporaryHome()
        let signIn = StandInSignIn(home)
        let client = try await MCPClient(environment(signIn), arguments: ["--profile", "pwsh-manager"])
        _ = try await client.initialize()
        #expect(try await client.call(1, "pwsh_sessions").text == "No active sessions")
        let early = try await client.call(2, "pwsh_run", ["tenant": "contoso.com", "command": "Get-Mailbox"])
        #expect(early["isError"] == true)
        #expect(early.text == "Error: Not authenticated. Call /login first.")
        let login = try await client.call(3, "pwsh_login", ["tenant": "contoso.com", "module": "exo"])
        #expect(login["isError"] == false)
        #expect(login.text.hasPrefix("**DEVICE CODE: FXK3T9QMB**\nGo to: https://microsoft.com/devicelogin\n"))
        #expect(try await client.call(4, "pwsh_sessions").text == "⏳ contoso.com (exo) - Authentication pending")
        try signIn.approve()
        var id = 5
        while try await client.call(id, "pwsh_status", ["tenant": "contoso.com"]).text.hasPrefix("⏳") {
            id += 1
            try await Task.sleep(for: .milliseconds(50))
        }
        let connected = "✓ contoso.com (exo) - Connected"
        #expect(try await client.call(900, "pwsh_status", ["tenant": "contoso.com"]).text == connected)
        #expect(try await client.call(901, "pwsh_sessions").text == connected)
        let run = try await client.call(
            902, "pwsh_run", ["tenant": "contoso.com", "module": "exo", "command": "Get-Mailbox -ResultSize 10"])
        #expect(try JSONParser.parse(run.text).array?.count == 10)
        let ended = try await client.call(903, "pwsh_disconnect", ["tenant": "contoso.com"])
        #expect(ended.text == "Disconnected contoso.com (exo)")
        #expect(
            try await client.call(904, "pwsh_status", ["tenant": "contoso.com"]).text
                == "✗ contoso.com (exo) - Not connected")
        #expect(await client.finish() == 0)
    }

    @Test(
        "show a code if the service has ended the sign-in, never “Connected” and “Not authenticated” in turn")
    func ended() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        let client = try await MCPClient(
            tenant.home.environment.merging(["PWSH_MANAGER_PORT": "1"]) { $1 },
            arguments: ["--profile", "pwsh-manager"])
        _ = try await client.initialize()
        var id = 0
        func call(_ name: String, _ more: JSONObject = [:]) async throws -> String {
            id += 1
            var arguments: JSONObject = ["tenant": "contoso-sandbox.example", "module": "exo"]
            for (key, value) in more { arguments[key] = value }
            return try await client.call(id, name, arguments).text
        }
        /// Signs in and approves each code once.
        func connect() async throws -> [String] {
            var codes: [String] = []
            while true {
                let text = try await call("pwsh_login")
                guard let mark = text.firstRange(of: "DEVICE CODE: ") else {
                    if text.contains("Connected") || text.contains("connected") { return codes }
                    try await Task.sleep(for: .milliseconds(100))
                    continue
                }
                let code = String(text[mark.upperBound...].prefix { $0 != "*" })
                if codes.last != code {
                    try #require(codes.count < 2, "asked again and again: \(text)")
                    codes.append(code)
                    try await tenant.approve(code)
                }
                try await Task.sleep(for: .milliseconds(100))
            }
        }
        _ = try await connect()
        let command: JSONObject = ["command": "Get-Mailbox -ResultSize 1"]
        #expect(try await call("pwsh_run", command).contains("PrimarySmtpAddress"))
        try await tenant.fault(["kind": "revoked"])
        let refused = try await call("pwsh_run", command)
        #expect(!refused.contains("PrimarySmtpAddress") && refused.contains("AADSTS50173"), "\(refused)")
        #expect(try await call("pwsh_status").contains("Connected") == false)
        #expect(try await connect().count == 1)
        #expect(try await call("pwsh_run", command).contains("PrimarySmtpAddress"))
        #expect(await client.finish() == 0)
        await tenant.stop()
    }

    @Test("say what to start if the manager doesn't answer")
    func nobodyThere() async throws {
        let home = try TemporaryHome()
        let client = try await MCPClient(
            home.environment.merging(["PWSH_MANAGER_URL": "http://127.0.0.1:1/"]) { $1 },
            arguments: ["--profile", "pwsh-manager"])
        _ = try await client.initialize()
        let answer = try await client.call(1, "pwsh_login", ["tenant": "contoso.com"])
        #expect(answer["isError"] == true)
        #expect(answer.text.hasPrefix("Login failed: Cannot connect to pwsh-manager"))
        #expect(answer.text.contains("mm pool serve --profile pwsh-manager"))
        #expect(await client.finish() == 0)
    }
}
