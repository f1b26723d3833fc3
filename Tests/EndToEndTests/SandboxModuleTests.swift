import Glibc
import MMCore
import MMSystem
import Testing

@Suite("The sandbox tenant signs in to every module", .timeLimit(.minutes(15)))
struct SandboxModuleTests {
    @Test(
        "each module shows its own code of the tenant, and runs as the right account after the approval",
        arguments: [
            ("pnp", "Get-PnPWeb", "Contoso Sandbox"), ("powerplatform", "pac admin list", "Contoso Sandbox"),
            ("azure", "Get-AzSubscription", "Contoso Sandbox Test"), ("teams", "Get-Team", "All Company"),
        ])
    func module(name: String, command: String, expected: String) async throws {
        let tenant = try await Tenant()
        let asked = try await tenant.mm(["run", "Demo", name, command, "--json"])
        #expect(asked.code == 3)
        let details = try #require(asked.failure?["details"])
        #expect(details["verificationUri"] == .string("\(tenant.base)/devicelogin"))
        let code = try #require(details["userCode"]?.string)
        try await tenant.approve(code)
        let ran = try await Self.answer(to: ["run", "Demo", name, command, "--json"], after: code, tenant)
        #expect(ran.code == 0, "\(ran.error)")
        #expect(ran.output.contains(expected))
        let status = try await tenant.mm(["status", "--json"])
        let session = status.json?["sessions"]?.array?.first { $0["session"] == .string("Demo/\(name)") }
        #expect(session?["state"] == "ready" && session?["account"] == "admin@contoso-sandbox.example")
        await tenant.stop()
    }

    @Test("a module reaches the tenant also from a pool by itself, whose connections are made in its place")
    func isolated() async throws {
        let tenant = try await Tenant()
        var command = ChildCommand(
            Programs.mm, ["pool", "serve", "--isolated", "--listen", "127.0.0.1:0", "--quiet"],
            environment: tenant.home.environment)
        command.error = .null
        let server = try await ChildProcess.start(command)
        defer { server.signalGroup(SIGKILL) }
        var address: [UInt8] = []
        while !address.contains(0x0A), let piece = try await server.output?.read() { address += piece }
        guard let end = address.firstIndex(of: 0x0A) else {
            print("skipped: this machine can't isolate pools")
            return
        }
        let router = ["MM_SESSION_POOL_URL": String(decoding: address[..<end], as: UTF8.self)]
        let line = ["run", "Demo", "azure", "Get-AzSubscription", "--json"]
        let asked = try await tenant.mm(line, extra: router)
        let code = try #require(asked.failure?["details"]?["userCode"]?.string, "\(asked.error)")
        try await tenant.approve(code)
        let ran = try await Self.answer(to: line, after: code, tenant, router)
        #expect(ran.code == 0 && ran.output.contains("Contoso Sandbox Test"), "\(ran.error)")
        _ = await server.terminate(grace: .seconds(60))
        await tenant.stop()
    }

    /// The answer of a call after the service has been asked about a code.
    private static func answer(
        to line: [String], after code: String, _ tenant: Tenant, _ environment: [String: String] = [:]
    ) async throws -> Tenant.Ran {
        while true {
            let ran = try await tenant.mm(line, extra: environment)
            guard ran.failure?["details"]?["userCode"]?.string == code else { return ran }
            try await Task.sleep(for: .milliseconds(200))
        }
    }

    @Test("an approval by another person is refused by name, and a new code admits the right account")
    func wrongAccount() async throws {
        let tenant = try await Tenant()
        func code() async throws -> String {
            let asked = try await tenant.mm(["run", "Demo", "pnp", "Get-PnPWeb", "--json"])
            return try #require(asked.failure?["details"]?["userCode"]?.string, "\(asked.error)")
        }
        let first = try await code()
        try await tenant.approve(first, as: "ben.baker@contoso-sandbox.example")
        let line = ["run", "Demo", "pnp", "Get-PnPWeb", "--json"]
        let refused = try await Self.answer(to: line, after: first, tenant)
        #expect(refused.failure?["code"] == "forbidden", "\(refused.error)")
        #expect(refused.error.contains("ben.baker@contoso-sandbox.example"))
        let second = try await code()
        #expect(second != first)
        try await tenant.approve(second)
        #expect(try await Self.answer(to: line, after: second, tenant).code == 0)
        await tenant.stop()
    }

    @Test("an unknown code gets the list of pending ones")
    func unknownCode() async throws {
        let tenant = try await Tenant()
        let asked = try await tenant.mm(["login", "Demo", "--json"])
        let code = try #require(asked.failure?["details"]?["userCode"]?.string)
        let ran = try await tenant.mm(["sandbox", "approve", "FXK3T9QMB"])
        #expect(ran.code != 0 && ran.error.contains(code))
        await tenant.stop()
    }
}
