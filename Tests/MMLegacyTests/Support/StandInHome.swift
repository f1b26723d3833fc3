import Glibc
import MMCore
import MMHTTP
import MMOperations
import MMPool
import MMSessions
import MMSystem
import TestSupport
import Testing

@testable import MMLegacy

/// A home of a user with the stand-in for PowerShell, and a person who approves when the test says so.
final class StandInHome: Sendable {
    let home: ServicesHome
    private let approval: String

    /// The stand-in.
    static var standIn: String { get throws { try BuiltPrograms.path("mm-sandbox") + " pwsh" } }

    /// A registry in the form of the earlier servers' users, with all scripts run in PowerShell as there.
    static let registry: String = {
        let path = BuiltPrograms.packageFolder + "/Tests/Fixtures/registry/registry-example.json"
        return (try? ProtectedFile.read(path)).flatMap { $0 }.map { bytes in
            String(decoding: bytes, as: UTF8.self)
                .replacing("\"appId\": ", with: "\"engine\": \"pwsh\", \"appId\": ")
        } ?? ""
    }()

    /// The recorded answers of the earlier servers.
    static func golden(_ name: String) throws -> JSONObject {
        let bytes = try #require(
            try ProtectedFile.read(BuiltPrograms.packageFolder + "/Tests/Fixtures/session-pool/responses.json"))
        return try #require(try JSONParser.parse(bytes)[name]?.object)
    }

    init(
        account: String = "adele.admin@contoso.example", registry: String = registry, extra: [String: String] = [:]
    ) throws {
        approval = "/tmp/mm-approval-\(RandomBytes.text(bytes: 8))"
        home = try ServicesHome(
            registry: registry,
            extra: [
                "MM_PWSH": "\(try Self.standIn) --approve-when \(approval) --account \(account) "
                    + "--tenant 0f6d1c52-3b8e-4a57-9c41-7be0d2a4f811"
            ].merging(extra) { $1 })
    }

    deinit { unlink(approval) }

    /// Approves pending and future codes.
    func approve() throws { try ProtectedFile.replace(approval, with: []) }

    /// Permits everyone to use the stand-in's own command.
    func allowStandIn() throws {
        let rules = """
            {"version": 1, "rules": [{"id": "stand-in", "cmdlets": ["Invoke-StandIn"], "class": "read", \
            "decision": "allow", "loosens": ["unknown-command"]}]}
            """
        try ProtectedFile.replace(home.path + "/state/guard-rules.json", with: Array(rules.utf8))
    }

    /// Stops approving.
    func withdraw() throws { try ProtectedFile.remove(approval) }

    /// The pool's routes with this home.
    func pool(_ change: (inout SessionPoolRoutes.Settings) -> Void = { _ in }) -> SessionPoolRoutes {
        var settings = SessionPoolRoutes.Settings()
        change(&settings)
        return SessionPoolRoutes(
            service: LocalOperationService(services: home.services), services: home.services, settings: settings)
    }

    /// The session manager with this home.
    func manager(_ settings: TenantSettings = TenantSettings(), clock: PoolClock = .system) -> TenantSessions {
        TenantSessions(
            service: LocalOperationService(services: home.services), services: home.services, settings: settings,
            clock: clock)
    }
}

/// One answer.
struct RouteAnswer {
    let status: Int
    let body: JSONObject

    subscript(_ key: String) -> JSONValue? { body[key] }
}

/// A request as curl sends it.
func routeRequest(_ method: String, _ path: String, _ body: JSONValue?, type: String? = "application/json")
    -> HTTPServerRequest
{
    var headers: HTTPHeaders = ["Host": "localhost"]
    if let type, body != nil { headers.set("Content-Type", type) }
    return HTTPServerRequest(
        method: method, target: path, headers: headers, body: body.map { JSONWriter.bytes($0) } ?? [])
}

/// Reads an answer.
func routeAnswer(_ response: HTTPServerResponse) throws -> RouteAnswer {
    guard case .bytes(let bytes) = response.body else { throw MMError(.internalError, "a stream") }
    return RouteAnswer(
        status: response.status, body: bytes.isEmpty ? [:] : try #require(try JSONParser.parse(bytes).object))
}

/// The answer of routes, or 404 without a body if they pass the request on.
func routedAnswer(of router: Router<AdmittedPeer>, to request: HTTPServerRequest) async -> HTTPServerResponse {
    await HTTPChain([router]) { _, _ in HTTPServerResponse(status: 404) }.respond(to: request, from: .sameUser)
}

extension SessionPoolRoutes {
    func ask(_ method: String, _ path: String, _ body: JSONValue? = nil, type: String? = "application/json")
        async throws
        -> RouteAnswer
    {
        try routeAnswer(await routedAnswer(of: router, to: routeRequest(method, path, body, type: type)))
    }

    /// Repeats a command until no sign-in is needed any more.
    func runSignedIn(_ body: JSONValue) async throws -> RouteAnswer {
        while true {
            let answer = try await ask("POST", "/run", body)
            guard answer["status"] == "auth_required" else { return answer }
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}

extension PwshManagerRoutes {
    func ask(_ method: String, _ path: String, _ body: JSONValue? = nil) async throws -> RouteAnswer {
        try routeAnswer(await routedAnswer(of: router, to: routeRequest(method, path, body)))
    }

    /// Polls the state until the sign-in is done.
    func waitForSignIn(_ body: JSONValue) async throws -> RouteAnswer {
        while true {
            let answer = try await ask("POST", "/status", body)
            if answer["connected"] == true { return answer }
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}
