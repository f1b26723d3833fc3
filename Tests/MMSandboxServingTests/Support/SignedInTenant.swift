import MMCore
import MMHTTP
import MMOperations
import MMSandbox
import TestSupport
import Testing

/// A sandbox tenant of a test's own with a connection that is signed in to it.
final class SignedInTenant: Sendable {
    let service: LocalOperationService
    let home: TestHome
    private let tenant: SandboxTenant
    private let base: String
    private let secret: Secret
    private let client = HTTPClient(configuration: HTTPClientConfiguration(environment: [:]))

    /// Starts a tenant and signs the connection `Demo` in.
    init(users: Int) async throws {
        var options = SandboxOptions()
        options.userCount = users
        options.pollInterval = 1
        tenant = SandboxTenant(options: options)
        base = try await tenant.start()
        secret = await tenant.controlSecret
        home = try TestHome()
        let registry = """
            {"connections": {"Demo": {
              "cloud": "sandbox", "appId": "5a4db0c5-0000-4000-8000-00000000a001", "tenant": "contoso-sandbox.example",
              "tenantId": "5a4db0c5-7e11-4c02-9d0e-5a11db0c5e01", "expectedEmail": "admin@contoso-sandbox.example"}}}
            """
        try ProtectedFile.replace(home.paths.registry, with: Array(registry.utf8))
        var environment = home.environment
        environment["MM_SANDBOX_URL"] = base
        environment["XDG_RUNTIME_DIR"] = "/tmp"
        environment["MM_PWSH"] = "\(try BuiltPrograms.path("mm-sandbox")) pwsh"
        // What is tried again is tried again at once.
        let services = OperationServices(environment: environment) {
            try await Task.sleep(for: min($0, .milliseconds(10)))
        }
        service = LocalOperationService(services: services)
        try await signIn()
    }

    private func signIn() async throws {
        var approved: String?
        while true {
            do throws(MMError) {
                _ = try await call("login", ["connection": "Demo"])
                return
            } catch {
                guard error.code == .signInNeeded, let code = error.details["userCode"]?.string else { throw error }
                guard approved != code else {
                    try await Task.sleep(for: .milliseconds(100))
                    continue
                }
                try await control("POST", "approve", ["userCode": .string(code)])
                approved = code
            }
        }
    }

    /// Carries an operation out.
    func call(
        _ name: String, _ arguments: JSONObject, surface: Caller.Surface = .terminal
    ) async throws(MMError) -> OperationAnswer {
        let caller = Caller(surface: surface, name: "test", server: nil)
        return try await service.call(name, arguments, in: CallContext(caller: caller, timeLimit: .seconds(300)))
    }

    /// Steers the tenant.
    @discardableResult
    func control(_ method: String, _ path: String, _ body: JSONObject? = nil) async throws -> JSONValue {
        let request = HTTPRequest(
            method: method, url: base + "/sandbox/\(path)",
            headers: ["X-Sandbox-Secret": secret.reveal(), "Content-Type": "application/json"],
            body: body.map { JSONWriter.bytes(.object($0)) } ?? [], allowsPlainHTTP: true)
        let answer = try await client.send(request)
        guard (200..<300).contains(answer.status) else {
            throw MMError(.internalError, "\(path): \(String(decoding: answer.body, as: UTF8.self))")
        }
        return (try? JSONParser.parse(answer.body)) ?? .null
    }

    /// The paths that were asked for since the last time, without those of sign-ins.
    func takeRequests() async throws -> [String] {
        let rows = try await control("GET", "requests")["requests"]?.array ?? []
        try await control("DELETE", "requests")
        return rows.compactMap { $0["path"]?.string }.filter {
            !$0.contains("/oauth2/") && !$0.contains("/.well-known/")
        }
    }
}

/// A way in which a service gives no answer.
struct Refusal: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let fault: JSONObject

    static let forbidden = Refusal(testDescription: "403", fault: ["kind": "status", "status": 403])
    static let unknown = Refusal(testDescription: "404", fault: ["kind": "status", "status": 404])
    static let broken = Refusal(testDescription: "501", fault: ["kind": "status", "status": 501])
    static let failing = Refusal(testDescription: "500", fault: ["kind": "status", "status": 500])
    static let throttled = Refusal(testDescription: "429", fault: ["kind": "throttle", "retryAfter": 400])
    static let torn = Refusal(testDescription: "cut", fault: ["kind": "torn", "bytes": 5])
    static let garbage = Refusal(testDescription: "garbage", fault: ["kind": "garbage"])
    /// Those that clients report at once.
    static let swift: [Refusal] = [.forbidden, .unknown, .broken, .garbage]
    /// Those after which clients wait and try again.
    static let slow: [Refusal] = [.failing, .throttled, .torn]

    /// The fault on a path, once so many requests to it were served.
    func at(_ path: String, after skipped: Int = 0) -> JSONObject {
        var fault = fault
        fault["path"] = .string(path)
        if skipped > 0 { fault["skip"] = .int(Int64(skipped)) }
        return fault
    }
}

extension SignedInTenant {
    /// What a call says of a refused request; nil where it takes the refusal for an answer.
    func refusal(_ name: String, _ arguments: JSONObject) async -> String? {
        do throws(MMError) {
            let answer = try await call(name, arguments)
            if let stream = answer.body.stream {
                while try await stream.next() != nil {}
                let end = stream.end()
                if end.errors.isEmpty == false, end.exitStatus != 0 { return end.errors[0].message }
            }
            if let missing = answer.missing { return answer.exitStatus == 0 ? nil : missing }
            if let error = answer.errors.first { return answer.exitStatus == 0 ? nil : error.message }
            return nil
        } catch {
            return error.message
        }
    }
}
