import MMCore
import MMHTTP
import MMOperations
import MMSandbox
import TestSupport
import Testing

/// A signed-in sandbox tenant that all cases of a suite share.
private actor RecipeTenant {
    static let shared = RecipeTenant()
    private var opened: Task<LocalOperationService, any Error>?
    private var kept: (tenant: SandboxTenant, home: TestHome)?

    func service() async throws -> LocalOperationService {
        if let opened { return try await opened.value }
        let task = Task { try await open() }
        opened = task
        return try await task.value
    }

    private func open() async throws -> LocalOperationService {
        var options = SandboxOptions()
        options.userCount = 400
        let tenant = SandboxTenant(options: options)
        let base = try await tenant.start()
        let home = try TestHome()
        kept = (tenant, home)
        let registry = """
            {"connections": {"Demo": {
              "cloud": "sandbox", "appId": "5a4db0c5-0000-4000-8000-00000000a001", "tenant": "contoso-sandbox.example",
              "tenantId": "5a4db0c5-7e11-4c02-9d0e-5a11db0c5e01", "expectedEmail": "admin@contoso-sandbox.example"}}}
            """
        try ProtectedFile.replace(home.paths.registry, with: Array(registry.utf8))
        var environment = home.environment
        environment["MM_SANDBOX_URL"] = base
        let service = LocalOperationService(services: OperationServices(environment: environment))
        let client = HTTPClient(configuration: HTTPClientConfiguration(environment: [:]))
        let secret = await tenant.controlSecret
        let context = CallContext(caller: Caller(surface: .terminal, name: "test", server: nil))
        var approved: String?
        while true {
            do throws(MMError) {
                _ = try await service.call("login", ["connection": "Demo"], in: context)
                return service
            } catch {
                guard error.code == .signInNeeded, let code = error.details["userCode"]?.string else { throw error }
                guard approved != code else {
                    try await Task.sleep(for: .milliseconds(100))
                    continue
                }
                let approval = HTTPRequest(
                    method: "POST", url: base + "/sandbox/approve",
                    headers: ["X-Sandbox-Secret": secret.reveal(), "Content-Type": "application/json"],
                    body: JSONWriter.bytes(["userCode": .string(code)]), allowsPlainHTTP: true)
                guard try await client.send(approval).status == 200 else {
                    throw MMError(.internalError, "not approved")
                }
                approved = code
            }
        }
    }
}
