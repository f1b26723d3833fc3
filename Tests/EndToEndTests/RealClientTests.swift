import MMCore
import Testing

@Suite("Real clients", .timeLimit(.minutes(15)))
struct RealClientTests {
    @Test(
        "of the Python MCP SDK list and call the tools",
        .enabled(if: Programs.python != nil, "needs the MCP SDK for Python (Scripts/python-clients)"))
    func pythonSDK() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        let python = try #require(Programs.python)
        let ran = try await Tenant.run(
            python, [Programs.packageFolder + "/Scripts/demo-mcp-client", Programs.mmMCP], tenant.home.environment)
        #expect(ran.code == 0, "\(ran.error)")
        #expect(ran.output.contains("mm__graph_request"))
        #expect(ran.output.contains("admin@contoso-sandbox.example"))
        #expect(ran.output.contains("mm confirm"))
    }

    @Test("without any SDK get the same from plain JSON-RPC lines")
    func plainJSONRPC() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        let ran = try await Tenant.run(
            "/usr/bin/python3", [Programs.packageFolder + "/Scripts/demo-json-rpc", Programs.mmMCP],
            tenant.home.environment)
        #expect(ran.code == 0, "\(ran.error)")
        #expect(ran.output.contains("admin@contoso-sandbox.example"))
    }

    @Test(
        "of MSAL read the cache that mm wrote",
        .enabled(if: Programs.python != nil, "needs MSAL for Python (Scripts/python-clients)"))
    func msal() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        let script = """
            import msal, sys
            cache = msal.SerializableTokenCache()
            cache.deserialize(open(sys.argv[1]).read())
            accounts = list(cache.search(msal.TokenCache.CredentialType.ACCOUNT))
            tokens = list(cache.search(msal.TokenCache.CredentialType.ACCESS_TOKEN))
            refresh = list(cache.search(msal.TokenCache.CredentialType.REFRESH_TOKEN))
            print(accounts[0]["username"], len(tokens) > 0, len(refresh) > 0)
            """
        let python = try #require(Programs.python)
        let ran = try await Tenant.run(
            python, ["-c", script, "\(tenant.home.path)/.mm-graph-tokens/Demo.json"], tenant.home.environment)
        #expect(ran.output == "admin@contoso-sandbox.example True True\n", "\(ran.error)")
    }

    @Test(
        "of a person approve in a browser",
        .enabled(if: Programs.chromium != nil, "needs headless Chromium (Debian package chromium)"))
    func browser() async throws {
        let tenant = try await Tenant()
        let started = try await tenant.mm(["login", "Demo", "--json"])
        let details = try #require(started.failure?["details"])
        let address = try #require(details["verificationUri"]?.string)
        let code = try #require(details["userCode"]?.string)
        let chromium = try #require(Programs.chromium)
        let page = try await Tenant.run(
            chromium,
            [
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--dump-dom",
                "\(address)?otc=\(code)",
            ],
            tenant.home.environment)
        #expect(page.code == 0, "\(page.error.suffix(400))")
        #expect(page.output.contains(code))
        #expect(page.output.contains("<form"))
    }
}
