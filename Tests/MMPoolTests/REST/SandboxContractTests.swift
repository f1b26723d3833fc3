import MMCore
import MMHTTP
import MMOperations
import MMSandbox
import Testing

@testable import MMPool

@Suite("The standard catalogue behind a socket", .timeLimit(.minutes(5)))
struct SandboxContractTests {
    private static let registry = """
        {"connections": {"Demo": {
          "cloud": "sandbox", "appId": "5a4db0c5-0000-4000-8000-00000000a001", "tenant": "contoso-sandbox.example",
          "tenantId": "5a4db0c5-7e11-4c02-9d0e-5a11db0c5e01", "expectedEmail": "admin@contoso-sandbox.example"}}}
        """

    private func signIn(_ service: LocalOperationService, _ tenant: SandboxTenant, _ base: String) async throws {
        let client = HTTPClient(configuration: HTTPClientConfiguration(environment: [:]))
        let secret = await tenant.controlSecret
        let context = CallContext(caller: Caller(surface: .terminal, name: "test", server: nil))
        var isApproved = false
        while true {
            do throws(MMError) {
                _ = try await service.call("login", ["connection": "Demo"], in: context)
                return
            } catch {
                guard error.code == .signInNeeded, let code = error.details["userCode"] else { throw error }
                if !isApproved {
                    let approval = HTTPRequest(
                        method: "POST", url: base + "/sandbox/approve",
                        headers: ["X-Sandbox-Secret": secret.reveal(), "Content-Type": "application/json"],
                        body: JSONWriter.bytes(["userCode": code]), allowsPlainHTTP: true)
                    guard (try? await client.send(approval))?.status == 200 else {
                        throw MMError(.internalError, "not approved")
                    }
                    isApproved = true
                }
                try? await Task.sleep(for: .milliseconds(200))
            }
        }
    }

    /// Without the id that the service gave to this request.
    private static func comparable(_ ended: Ended) -> Ended {
        guard case .error(var error) = ended, let message = error["message"]?.string,
            let mark = message.firstRange(of: "(request-id")
        else { return ended }
        error["message"] = .string(String(message[..<mark.lowerBound]))
        error["details"] = nil
        return .error(error)
    }

    @Test("Graph's pages, errors and the registry are the same through a socket as in this process")
    func equal() async throws {
        var options = SandboxOptions()
        options.userCount = 2_500
        options.pollInterval = 1
        let tenant = SandboxTenant(options: options)
        let base = try await tenant.start()
        let home = try RESTHome(registry: Self.registry, extra: ["MM_SANDBOX_URL": base])
        let local = LocalOperationService(services: home.services)
        let pool = try SocketPool(home, local)
        try await signIn(local, tenant, base)
        let remote = pool.remote(local.catalogue)
        let context = CallContext(caller: Caller(surface: .terminal, name: "test", server: nil))
        let calls: [(String, JSONObject)] = [
            ("graph_request", ["connection": "Demo", "endpoint": "/users?$select=id,displayName", "all": true]),
            ("graph_request", ["connection": "Demo", "endpoint": "/users", "top": 250]),
            ("graph_request", ["connection": "Demo", "endpoint": "/me"]),
            ("graph_request", ["connection": "Demo", "endpoint": "/users/nobody@nowhere.example"]),
            ("graph_request", ["connection": "Nobody", "endpoint": "/me"]),
            ("graph_request", ["connection": "Demo", "endpoint": "https://evil.example/me"]),
            ("graph_request", [:]), ("connections_list", [:]), ("connections_show", ["name": "Demo"]),
            ("guard_check", ["connection": "Demo", "module": "exo", "command": "Remove-Mailbox x"]),
            ("run", ["connection": "Demo"]), ("sessions", [:]), ("jobs", [:]),
        ]
        var rows = 0
        for (name, arguments) in calls {
            let here = await Ended.of { () async throws(MMError) in
                try await local.call(name, arguments, in: context)
            }
            let there = await Ended.of { () async throws(MMError) in
                try await remote.call(name, arguments, in: context)
            }
            #expect(Self.comparable(here) == Self.comparable(there), "\(name) \(arguments)")
            if case .answer(let answer) = there { rows = max(rows, answer.items.count) }
        }
        #expect(rows == 2_500)
        let denied = try await pool.send(
            "POST", "/v1/operations/graph_request", [:],
            #"{"connection":"Demo","endpoint":"/users/lena.vogt@contoso-sandbox.example","method":"DELETE"}"#)
        #expect(denied.status == 428)
        #expect(denied.json["details"]?["token"]?.string?.isEmpty == false)
        await pool.stop()
        await tenant.stop()
    }
}
