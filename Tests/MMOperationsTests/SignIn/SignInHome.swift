import MMCore
import MMHTTP
import MMIdentity
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
    /// What gives this machine's own identity its tokens.
    private let machine: HTTPListener

    /// The connections whose app signs in by itself, each with another kind of credential.
    static let apps = ["Nightly", "Certified", "Federated", "Managed"]

    /// The file of the certificate that the app has, and its key.
    private static let certificate =
        BuiltPrograms.packageFolder + "/Tests/Fixtures/identity/certificates/rsa.both.pem"

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
    ///   - surroundings: further variables of the user's environment.
    ///   - longestPause: how long a refused request waits at most before it is repeated.
    ///   - change: how the tenant differs.
    init(
        engine: String = "pwsh", surroundings: [String: String] = [:], longestPause: Duration = .seconds(300),
        change: (inout SandboxOptions) -> Void = { _ in }
    ) async throws {
        Signals.ignoreBrokenPipes()
        var options = SandboxOptions()
        options.userCount = 40
        options.pollInterval = 1
        options.certificates = AppCertificate.read(pem: try #require(try ProtectedFile.read(Self.certificate)))
        change(&options)
        tenant = SandboxTenant(options: options)
        base = try await tenant.start()
        home = try TestHome()
        var own = Self.entry
        own["engine"] = .string(engine)
        // Without an app of its own: each module signs in with its publisher's.
        var plain = own
        plain["appId"] = nil
        plain["scopes"] = "User.Read.All"
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
        // One that names a subscription which its person can't reach.
        var astray = own
        astray["subscription"] = "Fabrikam Production"
        // The same with a certificate.
        var certified = app
        // A copy: a checkout's files may be read by everybody, and such a key is refused.
        let key = home.path + "/app.pem"
        try ProtectedFile.replace(key, with: try #require(try ProtectedFile.read(Self.certificate)))
        certified["auth"] = ["method": "certificate", "certificatePath": .string(key)]
        // With a token of another issuer, and as the machine itself.
        var federated = app
        federated["auth"] = ["method": "federated", "tokenFile": .string(home.path + "/token")]
        try ProtectedFile.replace(home.path + "/token", with: Self.outsideToken)
        var managed = app
        managed["auth"] = ["method": "managed-identity"]
        machine = try Self.startMachine(for: base)
        // One whose sessions reach the network by themselves.
        var open = own
        open["egress"] = "off"
        // A person who signs in in a browser of their own machine.
        var browsing = own
        browsing["auth"] = ["method": "browser"]
        try ProtectedFile.replace(home.path + "/secret", with: Array((TenantIdentity.automationSecret + "\n").utf8))
        try ProtectedFile.replace(
            home.paths.registry,
            with: JSONWriter.bytes([
                "connections": [
                    "Demo": .object(own), "Plain": .object(plain), "Nightly": .object(app),
                    "Certified": .object(certified), "Federated": .object(federated), "Managed": .object(managed),
                    "Looking": .object(looking), "Astray": .object(astray), "Browsing": .object(browsing),
                    "Open": .object(open),
                ]
            ]))
        service = LocalOperationService(services: try Self.services(home, base, machine, surroundings, longestPause))
    }

    /// The same user's next pool.
    init(after other: SignInHome) async throws {
        (tenant, base, home, machine) = (other.tenant, other.base, other.home, other.machine)
        service = LocalOperationService(services: try Self.services(home, base, machine, [:], .seconds(300)))
    }

    /// A token of the issuer that stands for the app's own credential.
    private static let outsideToken: [UInt8] = {
        let claims = JSONWriter.bytes([
            "iss": "https://ci.contoso-sandbox.example", "sub": "repo:contoso/mm:ref:refs/heads/main",
            "aud": "api://AzureADTokenExchange", "exp": 4_000_000_000,
        ])
        let header = Base64.text(Array(#"{"alg":"RS256"}"#.utf8), alphabet: .url)
        return Array("\(header).\(Base64.text(claims, alphabet: .url)).FAKE".utf8)
    }()

    /// Serves the tokens of the machine's own identity, as a machine of Azure does: those of the tenant's app.
    private static func startMachine(for base: String) throws -> HTTPListener {
        try HTTPListener.start(.tcp(host: "127.0.0.1", port: 0)) { request in
            let resource =
                request.target.split(separator: "&").first { $0.contains("resource=") }?
                .split(separator: "=").last.flatMap { PercentCoding.decode($0.utf8) } ?? ""
            let form = [
                "grant_type=client_credentials", "client_id=\(TenantIdentity.automationApp)",
                "client_secret=\(TenantIdentity.automationSecret)",
                "scope=\(PercentCoding.encode(resource + "/.default", isPlain: PercentCoding.isQueryByte))",
            ]
            let answer = try? await HTTPClient(configuration: HTTPClientConfiguration(environment: [:])).send(
                HTTPRequest(
                    method: "POST", url: "\(base)/\(TenantIdentity.id)/oauth2/v2.0/token",
                    headers: ["Content-Type": "application/x-www-form-urlencoded"],
                    body: Array(form.joined(separator: "&").utf8), allowsPlainHTTP: true))
            guard let answer, var token = (try? JSONParser.parse(answer.body))?.object else {
                return HTTPServerResponse(status: 500, body: .bytes([]))
            }
            token["expires_on"] = .string("\(Timestamp.now.seconds + 3_600)")
            token["resource"] = .string(resource)
            return HTTPServerResponse(
                status: answer.status, headers: ["Content-Type": "application/json"],
                body: .bytes(JSONWriter.bytes(.object(token))))
        }
    }

    private static func services(
        _ home: TestHome, _ base: String, _ machine: HTTPListener, _ surroundings: [String: String],
        _ longestPause: Duration
    ) throws -> OperationServices {
        OperationServices(
            environment: home.environment.merging([
                "MM_SANDBOX_URL": base, "XDG_RUNTIME_DIR": "/tmp",
                "MM_SANDBOX": try BuiltPrograms.path("mm-sandbox"),
                "IDENTITY_ENDPOINT": "http://127.0.0.1:\(machine.port)/msi/token", "IDENTITY_HEADER": "machine",
            ]) { $1 }.merging(surroundings) { $1 }
        ) { try await Task.sleep(for: min($0, longestPause)) }
    }

    func stop() async {
        await service.services.close()
        await tenant.stop()
        await machine.stop(graceful: .zero)
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

    func call(_ name: String, _ arguments: JSONObject, person: (any ConfirmingPerson)? = nil) async -> Outcome {
        let context = CallContext(caller: Caller(surface: .terminal, name: "test", server: nil), person: person)
        do throws(MMError) { return .answered(try await service.call(name, arguments, in: context)) } catch {
            // Who is told a code at once, and asks again and again, leaves room for what is asked of the service
            // meanwhile.
            if error.details["userCode"] != nil { try? await Task.sleep(for: .milliseconds(100)) }
            return .failed(error)
        }
    }

    func run(
        _ module: String, on connection: String = "Demo", _ command: String? = nil,
        person: (any ConfirmingPerson)? = nil
    ) async -> Outcome {
        await call(
            "run",
            [
                "connection": .string(connection), "module": .string(module),
                "command": .string(command ?? Self.command(module)),
            ], person: person)
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

    /// Signs a connection's person in in the place of the browser that it opens.
    func signIn(_ connection: String) async throws {
        let services = service.services
        let entry = try services.registry.snapshot().connection(named: connection)
        _ = try await services.identity.signIn(entry, by: .deviceCode) { prompt in
            try? await self.approve(prompt.userCode)
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
