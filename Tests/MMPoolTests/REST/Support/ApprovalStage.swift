import Glibc
import HeadlessBrowser
import MMCore
import MMHTTP
import MMOperations
import MMSandbox

@testable import MMPool

/// A pool with the sandbox tenant and a page at localhost, for testing approvals.
final class ApprovalStage: Sendable {
    private static let registry = """
        {"connections": {
          "Contoso": {"cloud": "sandbox", "appId": "5a4db0c5-0000-4000-8000-00000000a001",
            "tenant": "contoso-sandbox.example", "tenantId": "5a4db0c5-7e11-4c02-9d0e-5a11db0c5e01",
            "expectedEmail": "admin@contoso-sandbox.example"},
          "Careful": {"cloud": "sandbox", "appId": "5a4db0c5-0000-4000-8000-00000000a001",
            "tenant": "contoso-sandbox.example", "tenantId": "5a4db0c5-7e11-4c02-9d0e-5a11db0c5e01",
            "expectedEmail": "admin@contoso-sandbox.example", "guard": {"approvals": 2}}}}
        """

    let home: RESTHome
    let tenant: SandboxTenant
    let listener: HTTPListener
    let router: RESTRouter

    init() async throws {
        var options = SandboxOptions()
        options.pollInterval = 1
        tenant = SandboxTenant(options: options)
        home = try RESTHome(registry: Self.registry, extra: ["MM_SANDBOX_URL": try await tenant.start()])
        var settings = RESTRouter.Settings()
        settings.requirePerson = { (process) throws(MMError) in try PersonProof.require(process: process) }
        let router = RESTRouter(
            service: LocalOperationService(services: home.services), handshake: { SocketPool.handshake },
            settings: settings, services: home.services)
        self.router = router
        listener = try HTTPListener.start(.tcp(host: "127.0.0.1", port: 0)) { request in
            await router.respond(to: request, from: .sameUser)
        }
    }

    var page: String { "http://localhost:\(listener.port)/" }

    /// A request to the pool from a peer.
    func send(
        _ method: String, _ path: String, _ body: JSONObject? = nil, headers: HTTPHeaders = [:],
        from peer: AdmittedPeer = .sameUser
    ) async throws -> (status: Int, json: JSONValue) {
        var all = headers
        if body != nil { all.set("Content-Type", "application/json") }
        let answer = await router.respond(
            to: HTTPServerRequest(
                method: method, target: path, headers: all, body: body.map { JSONWriter.bytes(.object($0)) } ?? []),
            from: peer)
        guard case .bytes(let bytes) = answer.body else { return (answer.status, .null) }
        return (answer.status, (try? JSONParser.parse(bytes)) ?? .null)
    }

    /// The code of a link, as the owner's terminal gets it.
    func invitation(_ name: String, owner: String = "ann") async throws -> String {
        let answer = try await send(
            "POST", "/v1/passkeys/invitation", ["name": .string(name), "owner": .string(owner)],
            from: .process(pid: getpid()))
        guard let code = answer.json["code"]?.string else { throw MMError(.internalError, "no code: \(answer)") }
        return code
    }

    /// A call that the guard holds, by a client that can wait.
    func delete(
        _ user: String, on connection: String = "Contoso", waiting seconds: Int? = nil
    ) async throws -> (status: Int, json: JSONValue) {
        var headers: HTTPHeaders = ["MM-Client": "claude-code%202.1", "MM-Model": "model-4"]
        if let seconds { headers.set("MM-Approval-Wait", "\(seconds)") }
        return try await send(
            "POST", "/v1/operations/graph_request",
            ["connection": .string(connection), "method": "DELETE", "endpoint": .string("/users/\(user)")],
            headers: headers)
    }

    /// The newest lines of the audit log for an operation.
    func audited(_ operation: String) throws -> [JSONObject] {
        try home.services.audit.entries { $0["operation"]?.string == operation }
    }

    func stop() async {
        await listener.stop(graceful: .zero)
        await tenant.stop()
    }
}

extension Chromium {
    /// The value of an expression after its promise is fulfilled.
    func outcome(_ expression: String) throws -> JSONValue {
        let answer = try call(
            "Runtime.evaluate",
            ["expression": .string(expression), "returnByValue": true, "awaitPromise": true])
        if let fault = answer["exceptionDetails"] { throw Failure(description: "\(expression): \(fault)") }
        return answer["result"]?["value"] ?? .null
    }

    /// Adds an authenticator to the browser that verifies its person and confirms at once.
    func addAuthenticator() throws -> JSONValue {
        try call("WebAuthn.enable")
        return try call(
            "WebAuthn.addVirtualAuthenticator",
            [
                "options": [
                    "protocol": "ctap2", "transport": "internal", "hasResidentKey": true, "hasUserVerification": true,
                    "isUserVerified": true, "automaticPresenceSimulation": true,
                ]
            ])["authenticatorId"] ?? .null
    }

    /// Registers a passkey with the code of a link.
    func register(_ code: String) throws {
        // Wait until the page listens, or it would miss the link.
        try wait(until: "document.getElementById('summary')?.textContent.startsWith('version') === true")
        _ = try value("location.hash = 'register=\(code)'")
        try wait(until: "!document.getElementById('register').hidden")
        _ = try value("document.getElementById('register-button').click()")
        try wait(until: "/is registered/.test(document.getElementById('message').textContent)")
    }

    /// Stores a picture of the page below `.build`, for people to look at.
    func keepPicture(_ name: String) throws {
        guard let data = try call("Page.captureScreenshot")["data"]?.string.flatMap({ Base64.bytes($0) }) else {
            return
        }
        mkdir(".build/screenshots", 0o755)
        guard let file = fopen(".build/screenshots/\(name).png", "w") else { return }
        defer { fclose(file) }
        fwrite(data, 1, data.count, file)
    }
}
