import MMCore
import MMHTTP
import MMSandbox
import MMSessions
import MMSystem
import TestSupport
import Testing

@testable import MMOperations

/// A sandbox tenant of a test's own whose sign-ins can be ended, and the sessions of its modules on the stand-in.
final class SignInHome: Sendable {
    let home: TestHome
    let service: LocalOperationService
    let tenant: SandboxTenant
    private let client = HTTPClient(configuration: HTTPClientConfiguration(environment: [:]))
    private let base: String

    /// Whose module takes which command that reads, and where the answer comes from.
    static let commands: [(module: String, command: String, path: String)] = [
        ("exo", "Get-Mailbox -ResultSize 1", "/adminapi"), ("azure", "Get-AzSubscription", "/subscriptions"),
        ("teams", "Get-Team", "/v1.0/groups"), ("pnp", "Get-PnPList", "/_api/web"),
        ("graph", "Get-MgUser -Top 1", "/v1.0/users"),
        ("powerplatform", "pac admin list", "/providers/Microsoft.BusinessAppPlatform"),
    ]

    static func command(_ module: String) -> String {
        commands.first { $0.module == module }?.command ?? ""
    }

    private static let entry: JSONObject = [
        "cloud": "sandbox", "appId": .string(TenantIdentity.demoApp), "tenant": .string(TenantIdentity.domain),
        "tenantId": .string(TenantIdentity.id), "expectedEmail": .string(TenantIdentity.administrator),
        "engine": "pwsh",
    ]

    /// A home.
    /// - Parameters:
    ///   - engine: what runs Exchange's cmdlets.
    ///   - change: how the tenant differs.
    init(engine: String = "pwsh", change: (inout SandboxOptions) -> Void = { _ in }) async throws {
        Signals.ignoreBrokenPipes()
        var options = SandboxOptions()
        options.userCount = 40
        options.pollInterval = 1
        change(&options)
        tenant = SandboxTenant(options: options)
        base = try await tenant.start()
        home = try TestHome()
        var own = Self.entry
        own["engine"] = .string(engine)
        // Without an app of its own: each module signs in with its publisher's.
        var plain = own
        plain["appId"] = nil
        plain["sharepoint_host"] = "contososandbox"
        plain["moduleApps"] = ["pnp": .string(TenantIdentity.demoApp)]
        // An app, which signs in by itself.
        var app = own
        app["appId"] = .string(TenantIdentity.automationApp)
        app["expectedEmail"] = nil
        app["auth"] = ["method": "secret", "secretFile": .string(home.path + "/secret")]
        // One that only reads, with a subscription of its own.
        var looking = own
        looking["guard"] = "readonly"
        looking["subscription"] = "Contoso Sandbox Test"
        // The same with a certificate.
        var certified = app
        // A copy: a checkout's files may be read by everybody, and such a key is refused.
        let key = home.path + "/app.pem"
        let fixture = BuiltPrograms.packageFolder + "/Tests/Fixtures/identity/certificates/rsa.both.pem"
        try ProtectedFile.replace(key, with: try #require(try ProtectedFile.read(fixture)))
        certified["auth"] = ["method": "certificate", "certificatePath": .string(key)]
        try ProtectedFile.replace(home.path + "/secret", with: Array((TenantIdentity.automationSecret + "\n").utf8))
        try ProtectedFile.replace(
            home.paths.registry,
            with: JSONWriter.bytes([
                "connections": [
                    "Demo": .object(own), "Plain": .object(plain), "Nightly": .object(app),
                    "Certified": .object(certified), "Looking": .object(looking),
                ]
            ]))
        service = LocalOperationService(services: try Self.services(home, base))
    }

    /// The same user's next pool.
    init(after other: SignInHome) async throws {
        (tenant, base, home) = (other.tenant, other.base, other.home)
        service = LocalOperationService(services: try Self.services(home, base))
    }

    private static func services(_ home: TestHome, _ base: String) throws -> OperationServices {
        OperationServices(
            environment: home.environment.merging([
                "MM_SANDBOX_URL": base, "XDG_RUNTIME_DIR": "/tmp",
                "MM_SANDBOX": try BuiltPrograms.path("mm-sandbox"),
            ]) { $1 })
    }

    func stop() async {
        await service.services.close()
        await tenant.stop()
    }

    // MARK: Calls

    /// What became of a call.
    enum Outcome: Sendable {
        case answered(OperationAnswer)
        case failed(MMError)

        var code: String? {
            if case .failed(let error) = self { error.details["userCode"]?.string } else { nil }
        }
        var error: MMError? { if case .failed(let error) = self { error } else { nil } }
        var isAnswered: Bool { if case .answered = self { true } else { false } }
    }

    func call(_ name: String, _ arguments: JSONObject) async -> Outcome {
        let context = CallContext(caller: Caller(surface: .terminal, name: "test", server: nil))
        do throws(MMError) { return .answered(try await service.call(name, arguments, in: context)) } catch {
            return .failed(error)
        }
    }

    func run(_ module: String, on connection: String = "Demo", _ command: String? = nil) async -> Outcome {
        await call(
            "run",
            [
                "connection": .string(connection), "module": .string(module),
                "command": .string(command ?? Self.command(module)),
            ])
    }

    /// Runs until nobody has to sign in any more, approving each code as the person would.
    /// - Returns: the codes that were shown, each once.
    func runSignedIn(
        _ module: String, on connection: String = "Demo", as account: String? = nil
    ) async throws -> (codes: [String], last: Outcome) {
        var codes: [String] = []
        while true {
            let outcome = await run(module, on: connection)
            guard let code = outcome.code else { return (codes, outcome) }
            if !codes.contains(code) {
                try #require(codes.count < 3, "asked again and again")
                codes.append(code)
                try await approve(code, as: account)
            }
        }
    }

    /// Signs the connection in, as `mm login` does.
    @discardableResult
    func login(_ connection: String = "Demo") async throws -> [String] {
        var codes: [String] = []
        while true {
            let outcome = await call("login", ["connection": .string(connection)])
            guard let code = outcome.code else {
                if let error = outcome.error { throw error }
                return codes
            }
            if codes.last != code {
                codes.append(code)
                try await approve(code)
            }
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    /// The rows of `status` by session.
    func status(_ connection: String = "Demo") async throws -> [String: JSONObject] {
        guard case .answered(let answer) = await call("status", ["connection": .string(connection)]),
            case .value(let value) = answer.body
        else { throw MMError(.internalError, "no status") }
        var rows: [String: JSONObject] = [:]
        for row in value["sessions"]?.array ?? [] {
            if let object = row.object, let name = object["session"]?.string { rows[name] = object }
        }
        return rows
    }

    // MARK: The tenant

    func approve(_ code: String, as account: String? = nil, decision: String = "approve") async throws {
        var body: JSONObject = ["userCode": .string(code), "decision": .string(decision)]
        body["account"] = account.map { .string($0) }
        _ = try await control("POST", "approve", .object(body))
    }

    func fault(_ fault: JSONObject) async throws { _ = try await control("POST", "faults", .object(fault)) }

    func clearFaults() async throws { _ = try await control("DELETE", "faults", nil) }

    /// How many requests the token endpoint and the one for codes have seen.
    func signInRequests() async throws -> (token: Int, codes: Int) {
        let seen = try await control("GET", "requests", nil)["requests"]?.array ?? []
        return (
            seen.count { $0["path"]?.string?.hasSuffix("/token") == true },
            seen.count { $0["path"]?.string?.hasSuffix("/devicecode") == true }
        )
    }

    private func control(_ method: String, _ name: String, _ body: JSONValue?) async throws -> JSONValue {
        let secret = await tenant.controlSecret
        let answer = try await client.send(
            HTTPRequest(
                method: method, url: "\(base)/sandbox/\(name)",
                headers: ["X-Sandbox-Secret": secret.reveal(), "Content-Type": "application/json"],
                body: body.map { JSONWriter.bytes($0) }, allowsPlainHTTP: true))
        guard answer.status < 300 else {
            throw MMError(.internalError, "\(name): \(String(decoding: answer.body, as: UTF8.self))")
        }
        return answer.body.isEmpty ? [:] : try JSONParser.parse(answer.body)
    }
}
