import MMCore
import MMHTTP
import MMIdentity
import TestSupport
import Testing

@testable import MMGraph

/// Sign-in service and Graph on one loopback port, scripted; records the requests.
private final class Tenant: Sendable {
    private struct State {
        var requests: [HTTPServerRequest] = []
        var refreshes = 0
        var codes = 0
    }

    private let state = Mutex(State())
    private let listener: Mutex<HTTPListener?> = Mutex(nil)
    let graph: @Sendable (HTTPServerRequest, Tenant) -> HTTPServerResponse

    private let hasDeadRefreshTokens: Bool

    init(
        hasDeadRefreshTokens: Bool = false,
        graph: @escaping @Sendable (HTTPServerRequest, Tenant) -> HTTPServerResponse
    ) throws {
        self.hasDeadRefreshTokens = hasDeadRefreshTokens
        self.graph = graph
        let started = try HTTPListener.start(.tcp(host: "127.0.0.1", port: 0)) { [weak self] request in
            self?.answer(request) ?? HTTPServerResponse(status: 503)
        }
        listener.withLock { $0 = started }
    }

    var base: String { "http://127.0.0.1:\(listener.withLock { $0?.port ?? 0 })" }
    var requests: [HTTPServerRequest] { state.withLock { $0.requests } }
    /// The codes given out.
    var codes: [String] { (0..<state.withLock { $0.codes }).map { "ABCD1234\($0 + 1)" } }
    func stop() async { await listener.withLock { $0 }?.stop(graceful: .milliseconds(200)) }

    private func answer(_ request: HTTPServerRequest) -> HTTPServerResponse {
        let number = state.withLock { state in
            state.requests.append(request)
            if request.path.hasSuffix("/token") { state.refreshes += 1 }
            if request.path.hasSuffix("/devicecode") { state.codes += 1 }
            // A code gives its token only once, however often it is polled.
            return hasDeadRefreshTokens ? state.codes : state.refreshes
        }
        if request.path.hasSuffix("/devicecode") {
            return .json(
                Array(
                    """
                    {"user_code":"\(codes.last ?? "")","device_code":"dc","verification_uri":"\(base)/devicelogin","expires_in":900,\
                    "interval":1,"message":"Enter the code"}
                    """.utf8))
        }
        guard request.path.hasSuffix("/token") else { return graph(request, self) }
        let form = String(decoding: request.body, as: UTF8.self)
        if hasDeadRefreshTokens, form.contains("grant_type=refresh_token") {
            let refusal: JSONValue = ["error": "invalid_grant", "error_description": "AADSTS70008: expired."]
            return HTTPServerResponse(
                status: 400, headers: ["Content-Type": "application/json"], body: .bytes(JSONWriter.bytes(refusal)))
        }
        let claims: JSONObject = [
            "aud": .string(Contoso.app), "iss": .string("\(base)/\(Contoso.tenant)/v2.0"), "exp": 4_000_000_000,
            "oid": .string(Contoso.objectID), "tid": .string(Contoso.tenant),
            "preferred_username": "adele@contoso.example",
        ]
        let token = "e30.\(Base64.text(JSONWriter.bytes(.object(claims)), alphabet: .url))."
        return .json(
            JSONWriter.bytes([
                "token_type": "Bearer", "access_token": .string("token-\(number)"), "expires_in": 3600,
                "refresh_token": .string("refresh-\(number)"), "id_token": .string(token),
                "scope": "https://graph.microsoft.com/.default",
            ]))
    }
}

@Suite("Over real sockets", .timeLimit(.minutes(5)))
struct LoopbackTests {
    private let home: TestHome

    init() throws { home = try TestHome() }

    private func signedIn(_ tenant: Tenant) async throws -> GraphClient {
        let identity = IdentityService(environment: ["HOME": home.path, "MM_SANDBOX_URL": tenant.base])
        let connection = try Connection(
            name: "Loop",
            entry: [
                "appId": .string(Contoso.app), "tenantId": .string(Contoso.tenant), "cloud": "sandbox",
                "expectedEmail": "adele@contoso.example",
            ])
        let account = try await identity.signIn(connection) { _ in }
        #expect(account.objectID == Contoso.objectID)
        return try GraphClient(identity: identity, connection: connection)
    }

    @Test("sign-in, a request, a renewed token, a write with a body")
    func mainPath() async throws {
        let tenant = try Tenant { request, _ in
            guard request.headers["authorization"] == "Bearer token-2" else {
                return HTTPServerResponse(
                    status: 401, headers: ["WWW-Authenticate": "Bearer error=\"invalid_token\""], body: .bytes([]))
            }
            return .json(Array("{\"method\":\"\(request.method)\",\"bytes\":\(request.body.count)}".utf8))
        }
        let client = try await signedIn(tenant)
        let me = try await client.send(GraphRequest(target: try client.target("/me")))
        #expect(try me.json()["method"] == "GET")
        let sent = try await client.send(
            GraphRequest(method: "POST", target: try client.target("/me/messages"), json: ["subject": "x"]))
        #expect(try sent.json()["bytes"] == 15)
        #expect(tenant.requests.last?.target == "/v1.0/me/messages")
        await tenant.stop()
    }

    private struct User: Decodable, Equatable {
        let displayName: String
        let mail: String?
    }

    @Test("a client of a registry's connection shows the code, decodes the caller's types and pages")
    func fewLines() async throws {
        let tenant = try Tenant { request, tenant in
            if request.path == "/v1.0/users" {
                let next =
                    request.target.contains("skip") ? "" : "\"@odata.nextLink\":\"\(tenant.base)/v1.0/users?$skip=2\","
                let (first, second) = next.isEmpty ? ("C", "D") : ("A", "B")
                return .json(
                    Array(
                        "{\(next)\"value\":[{\"displayName\":\"\(first)\",\"mail\":null},{\"displayName\":\"\(second)\"}]}"
                            .utf8))
            }
            return request.method == "DELETE"
                ? HTTPServerResponse(status: 204, headers: [:], body: .bytes([]))
                : .json(Array("{\"displayName\":\"Adele\",\"mail\":\"a@b\",\"more\":[1]}".utf8))
        }
        let environment = [
            "HOME": home.path, "MM_SANDBOX_URL": tenant.base, "MM_CONNECTIONS": home.path + "/connections.json",
        ]
        try home.write(
            home.path + "/connections.json",
            JSONWriter.bytes([
                "connections": [
                    "Loop": [
                        "tenantId": .string(Contoso.tenant), "appId": .string(Contoso.app), "cloud": "sandbox",
                    ]
                ]
            ]))
        let silent = try GraphClient(connection: "Loop", environment: environment)
        let needed = await #expect(throws: MMError.self) { try await silent.get("/me") }
        #expect(needed?.code == .signInNeeded)

        // The same sign-in continues if a caller waits for it.
        let graph = try GraphClient(connection: "Loop", signIn: .deviceCode { _ in }, environment: environment)
        #expect(try await graph.get("/me", as: User.self) == User(displayName: "Adele", mail: "a@b"))
        #expect(try await graph.get("/me", query: ["$select": "more"])["more"] == [1])
        var names: [String] = []
        for try await user in graph.pages("/users", select: ["displayName", "mail"], as: User.self) {
            names.append(user.displayName)
        }
        #expect(names == ["A", "B", "C", "D"])
        #expect(tenant.requests.contains { $0.target.contains("$select=displayName,mail") })
        #expect(try await graph.send("DELETE", "/users/x") == .null)
        let wrong = await #expect(throws: MMError.self) { try await graph.get("/me", as: [String].self) }
        #expect(wrong?.message.contains("an object, not an array") == true)
        let none = #expect(throws: MMError.self) { try GraphClient(connection: "Lop", environment: environment) }
        let known = "\(none?.message ?? "") \(none?.hint ?? "")"
        #expect(known.contains("Loop"))

        let codes = Mutex<[String]>([])
        let before = tenant.codes.count
        let other = try GraphClient(
            tenant: Contoso.tenant, clientID: Contoso.app, cloud: "sandbox",
            signIn: .deviceCode { prompt in codes.withLock { $0.append(prompt.userCode) } }, environment: environment)
        for _ in 0..<2 { #expect(try await other.get("/me", as: User.self).displayName == "Adele") }
        // The code may have been approved before anyone waited.
        #expect(tenant.codes.count == before + 1)
        #expect(codes.withLock { $0.isEmpty || $0 == tenant.codes.suffix(1) })
        await tenant.stop()
    }

    @Test("a refused token in the cache doesn't count as a sign-in: a waiting caller gets a code")
    func refused() async throws {
        // From the second sign-in on the service accepts the token; the refresh token of the first one is invalid.
        let tenant = try Tenant(hasDeadRefreshTokens: true) { request, _ in
            guard request.headers["authorization"] != "Bearer token-1" else {
                return HTTPServerResponse(
                    status: 401, headers: ["WWW-Authenticate": "Bearer error=\"invalid_token\""], body: .bytes([]))
            }
            return .json(Array("{\"displayName\":\"Adele\"}".utf8))
        }
        let shown = Mutex<[String]>([])
        let graph = try GraphClient(
            tenant: Contoso.tenant, clientID: Contoso.app, cloud: "sandbox",
            signIn: .deviceCode { prompt in shown.withLock { $0.append(prompt.userCode) } },
            environment: ["HOME": home.path, "MM_SANDBOX_URL": tenant.base])
        #expect(try await graph.get("/me")["displayName"] == "Adele")
        // The first code may have been approved before anyone waited; the one after the refusal is always shown.
        let last = shown.withLock { $0.last }
        #expect(tenant.codes.count >= 2 && last == tenant.codes.last)
        await tenant.stop()
    }

    @Test("a redirect to another host gets no credential, and its bytes are returned unchanged")
    func redirect() async throws {
        let file = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let other = try Tenant { _, _ in
            HTTPServerResponse(status: 200, headers: ["Content-Type": "application/octet-stream"], body: .bytes(file))
        }
        let place = other.base
        let tenant = try Tenant { _, _ in
            HTTPServerResponse(status: 302, headers: ["Location": "\(place)/download?tempauth=x"], body: .bytes([]))
        }
        let client = try await signedIn(tenant)
        let answer = try await client.send(GraphRequest(target: try client.target("/me/drive/items/1/content")))
        #expect(answer.body == file && answer.contentType == "application/octet-stream")
        let asked = try #require(other.requests.first)
        #expect(asked.headers["authorization"] == nil && asked.headers["cookie"] == nil)
        await tenant.stop()
        await other.stop()
    }

    @Test("pages are read one after the other")
    func pages() async throws {
        let tenant = try Tenant { request, tenant in
            let page = request.query?.split(separator: "=").last.flatMap { Int($0) } ?? 0
            let next = page < 20 ? ",\"@odata.nextLink\":\"\(tenant.base)/v1.0/users?$skiptoken=\(page + 1)\"" : ""
            let items = (0..<100).map { "{\"id\":\(page * 100 + $0)}" }.joined(separator: ",")
            return .json(Array("{\"value\":[\(items)]\(next)}".utf8))
        }
        let client = try await signedIn(tenant)
        var ids: [Int] = []
        for try await page in client.pages(try GraphRequest(target: client.target("/users?$skiptoken=0"))) {
            ids += try page.items.compactMap { try JSONParser.parse($0)["id"]?.int }
        }
        #expect(ids == Array(0..<2100))
        await tenant.stop()
    }

    @Test("a service that is gone is soon reported as an error")
    func gone() async throws {
        let tenant = try Tenant { _, _ in HTTPServerResponse(status: 200) }
        let client = try await signedIn(tenant)
        await tenant.stop()
        let error = await #expect(throws: MMError.self) {
            try await client.send(GraphRequest(target: try client.target("/me")))
        }
        #expect(error?.code == .unavailable)
    }
}
