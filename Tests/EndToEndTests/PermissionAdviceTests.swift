import MMCore
import Testing

@Suite("Advice on permissions", .timeLimit(.minutes(15)))
struct PermissionAdviceTests {
    private static let demoApp = "5a4db0c5-0000-4000-8000-00000000a001"
    private static let readerApp = "5a4db0c5-0000-4000-8000-00000000a003"
    private static let log = "/auditLogs/signIns"

    private func connect(_ name: String, app: String, to tenant: Tenant, as account: String) async throws {
        let address = "\(account)@contoso-sandbox.example"
        let added = try await tenant.mm([
            "connections", "add", name, "--cloud", "sandbox", "--app-id", app, "--tenant", "contoso-sandbox.example",
            "--tenant-id", "5a4db0c5-7e11-4c02-9d0e-5a11db0c5e01", "--expected-email", address,
        ])
        #expect(added.code == 0, "\(added)")
        #expect(try await tenant.signIn(name, as: address).code == 0)
    }

    @Test("a refused request names the missing permission, equally in a terminal and for a model")
    func missingPermission() async throws {
        let tenant = try await Tenant()
        try await connect("Narrow", app: Self.readerApp, to: tenant, as: "admin")
        let refused = try await tenant.mm(["graph", "Narrow", Self.log, "--json"])
        #expect(refused.code == 1)
        let advice = refused.failure?["details"]?["advice"]
        #expect(advice?["reason"] == "permission")
        #expect(advice?["missing"] == ["AuditLog.Read.All"])
        let link = try #require(advice?["consent"]?.string)
        #expect(link.hasPrefix(tenant.base) && link.contains("client_id=\(Self.readerApp)"))
        let hint = try #require(refused.failure?["hint"]?.string)
        #expect(hint.contains("AuditLog.Read.All") && hint.contains(link))

        let batch =
            #"{"requests":[{"id":"7","method":"GET","url":"/auditLogs/signIns"},{"id":"8","method":"GET","url":"/me"}]}"#
        let batched = try await tenant.mm(["graph", "Narrow", "/$batch", "-X", "POST", "-d", batch])
        #expect(batched.error.contains("Item 7, GET /v1.0/auditLogs/signIns: Missing"), "\(batched)")

        let client = try await MCPClient(tenant.home.environment)
        _ = try await client.initialize()
        let answer = try await client.call(
            1, "mm__graph_request", ["connection": "Narrow", "endpoint": .string(Self.log)])
        #expect(answer["isError"] == true)
        #expect(answer.text.contains("AuditLog.Read.All"))
        await client.kill()
    }

    @Test("if the permission exists, the missing role is named, or the one to activate")
    func missingRole() async throws {
        let tenant = try await Tenant()
        try await connect("Lena", app: Self.demoApp, to: tenant, as: "lena.vogt")
        let lena = try await tenant.mm(["graph", "Lena", Self.log, "--json"])
        #expect(lena.failure?["details"]?["advice"]?["reason"] == "directoryRole")
        #expect(lena.failure?["details"]?["advice"]?["role"] == "Reports Reader")
        try await connect("Ben", app: Self.demoApp, to: tenant, as: "ben.baker")
        let ben = try await tenant.mm(["graph", "Ben", Self.log, "--json"])
        #expect(ben.failure?["details"]?["advice"]?["reason"] == "inactiveRole")
        let hint = try #require(ben.failure?["hint"]?.string)
        #expect(hint.contains("Activate the role Global Reader"))
        let cmdlet = try await tenant.mm(["run", "Ben", "exo", "Set-Mailbox lena.vogt -CustomAttribute1 x", "--json"])
        let exchange = cmdlet.failure?["details"]?["advice"]
        #expect(exchange?["roleGroup"] == "Recipient Management", "\(cmdlet)")
    }

    @Test("permissions are shown for requests, checked for a connection, and compared with their use")
    func operations() async throws {
        let tenant = try await Tenant()
        #expect(try await tenant.signIn().code == 0)
        let one = try await tenant.mm(["permissions", "for", "GET /users", "--json"])
        #expect(one.json?["delegated"]?["least"]?[0]?["name"] == "User.ReadBasic.All")
        let many = try await tenant.mm(["permissions", "for", "GET /users\nPATCH /users/1", "--json"])
        #expect(many.json?["requests"]?.array?.count == 2)
        #expect(try await tenant.mm(["permissions", "for", "GET /users"]).code == 0)

        let checked = try await tenant.mm(["permissions", "check", "Demo", "--json"])
        let areas = try #require(checked.json?["areas"]?.array)
        let users = areas.first { $0["area"] == "users" }
        #expect(users?["read"] == "yes" && users?["write"] == "yes")

        #expect(try await tenant.mm(["graph", "Demo", "/users", "--query", "$top=1"]).code == 0)
        let unused = try await tenant.mm(["permissions", "unused", "Demo", "--json"])
        #expect(unused.json?["used"]?.array?.contains { $0["request"] == "GET /users" } == true, "\(unused)")
        #expect(unused.json?["proposed"] == ["User.ReadBasic.All"])
        #expect(unused.json?["drop"]?.array?.contains("Mail.Send") == true)
    }
}
