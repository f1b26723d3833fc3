import MMCore
import MMHTTP

@testable import MMSandbox

/// A clock that tests move.
final class HandClock: Sendable {
    private let seconds = Mutex<Int64>(1_767_225_600)

    var clock: WallClock { WallClock { Timestamp(seconds: self.seconds.withLock { $0 }) } }

    func advance(by step: Int64) { seconds.withLock { $0 += step } }
}

/// A tenant without a socket, and what a client of it does.
struct Bench {
    let clock = HandClock()
    let tenant: SandboxTenant
    let secret: String

    init(users: Int = 300, _ change: (inout SandboxOptions) -> Void = { _ in }) {
        var options = SandboxOptions()
        options.userCount = users
        options.clock = clock.clock
        change(&options)
        secret = options.controlSecret.reveal()
        tenant = SandboxTenant(options: options, base: Self.base)
    }

    static let base = "http://127.0.0.1:4711"

    static let everything = "https://graph.microsoft.com/.default openid profile offline_access"

    func send(_ method: String, _ target: String, headers: [String: String] = [:], body: JSONValue? = nil) async
        -> HTTPServerResponse
    {
        await tenant.answer(
            HTTPServerRequest(method, target, headers: headers, body: body.map { JSONWriter.bytes($0) } ?? []))
    }

    func post(_ path: String, _ fields: [(String, String)], headers: [String: String] = [:]) async -> HTTPServerResponse
    {
        let text = fields.map { "\(Self.escaped($0.0))=\(Self.escaped($0.1))" }.joined(separator: "&")
        return await tenant.answer(HTTPServerRequest("POST", path, headers: headers, body: Array(text.utf8)))
    }

    /// Looks at the services, or changes them.
    func inside<Answer: Sendable>(_ work: @Sendable (isolated TenantServices) -> Answer) async -> Answer {
        await tenant.services.use(work)
    }

    static func escaped(_ text: String) -> String {
        PercentCoding.encode(text, isPlain: PercentCoding.isUnreservedByte)
    }

    static let authority = "/\(TenantIdentity.id)/oauth2/v2.0"

    func startDeviceCode(scope: String = Bench.everything, app: String = TenantIdentity.demoApp) async
        -> HTTPServerResponse
    {
        await post("\(Self.authority)/devicecode", [("client_id", app), ("scope", scope)])
    }

    func poll(_ deviceCode: String, app: String = TenantIdentity.demoApp, more: [(String, String)] = []) async
        -> HTTPServerResponse
    {
        await post(
            "\(Self.authority)/token",
            [
                ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), ("client_id", app),
                ("device_code", deviceCode),
                ("client_info", "1"),
            ] + more)
    }

    func control(_ method: String, _ path: String, _ body: JSONValue? = nil) async -> HTTPServerResponse {
        await send(method, "/sandbox/\(path)", headers: ["X-Sandbox-Secret": secret], body: body)
    }

    func refresh(_ token: String, scope: String = Bench.everything, more: [(String, String)] = []) async
        -> HTTPServerResponse
    {
        await post(
            "\(Self.authority)/token",
            [
                ("grant_type", "refresh_token"), ("client_id", TenantIdentity.demoApp), ("refresh_token", token),
                ("scope", scope),
            ] + more)
    }

    /// The token answer of a whole sign-in.
    func signIn(
        _ account: String = TenantIdentity.administrator, scope: String = Bench.everything,
        app: String = TenantIdentity.demoApp,
        claims: String? = nil
    ) async -> JSONValue {
        let start = await startDeviceCode(scope: scope, app: app).json
        _ = await control("POST", "approve", ["userCode": start["user_code"] ?? .null, "account": .string(account)])
        return await poll(start["device_code"]?.string ?? "", app: app, more: claims.map { [("claims", $0)] } ?? [])
            .json
    }

    func token(_ account: String = TenantIdentity.administrator, scope: String = Bench.everything) async -> String {
        await signIn(account, scope: scope)["access_token"]?.string ?? ""
    }

    func graph(
        _ method: String = "GET", _ target: String, token: String, headers: [String: String] = [:],
        body: JSONValue? = nil
    ) async -> HTTPServerResponse {
        var headers = headers
        headers["Authorization"] = "Bearer \(token)"
        if body != nil { headers["Content-Type"] = "application/json" }
        return await send(method, target, headers: headers, body: body)
    }

    /// All items of a list, page after page.
    func everyItem(_ target: String, token: String, headers: [String: String] = [:]) async -> [JSONValue] {
        var items: [JSONValue] = []
        var next: String? = target
        var pages = 0
        while let target = next, pages < 2_000 {
            let page = await graph("GET", target, token: token, headers: headers).json
            items += page["value"]?.array ?? []
            next = page["@odata.nextLink"]?.string.map { String($0.dropFirst(Self.base.count)) }
            pages += 1
        }
        return items
    }
}

extension HTTPServerResponse {
    /// The body as JSON; null where it is none.
    var json: JSONValue { (try? JSONParser.parse(bytes)) ?? .null }

    var text: String { String(decoding: bytes, as: UTF8.self) }

    var errorCode: String? { json["error"]?["code"]?.string ?? json["error"]?.string }

    /// The number of a token error.
    var number: Int? { json["error_codes"]?[0]?.int }
}

extension HTTPServerRequest {
    init(_ method: String, _ target: String, headers: [String: String] = [:], body: [UInt8] = []) {
        self.init(
            method: method, target: target,
            headers: HTTPHeaders(headers.map { HTTPHeaders.Field(name: $0.key, value: $0.value) }), body: body)
    }
}

/// The claims of a token, unsealed.
func claims(of token: JSONValue?) -> JSONValue {
    let parts = token?.string?.split(separator: ".") ?? []
    guard parts.count == 3, let bytes = Base64.bytes(String(parts[1]), alphabet: .url) else { return .null }
    return (try? JSONParser.parse(bytes)) ?? .null
}
