import MMCore
import MMHTTP
import MMIdentity
import MMMCP
import MMOperations
import OAuthFixtures
import Testing

@testable import MMServing

@Suite("mm-mcp with access tokens", .timeLimit(.minutes(10)))
struct OAuthFaceTests {
    private let home: ServingHome
    private let fixture: OAuthFixture
    private let stub: SignInServiceStub
    private let principals = PrincipalTable()

    init() throws {
        home = try ServingHome()
        fixture = try OAuthFixture()
        stub = SignInServiceStub(
            metadata: OAuthFixture.metadata(
                of: OAuthFixture.issuer, more: ["client_id_metadata_document_supported": true]),
            keys: fixture.keySet("first"))
    }

    private func face(_ more: [String] = [], server: MCPServer? = nil) throws -> HTTPFace {
        let words =
            ["--http", "127.0.0.1:0", "--oauth-issuer", OAuthFixture.issuer, "--oauth-audience", OAuthFixture.audience]
            + more
        let options = try MCPFaceOptions(words: words)
        let http = try #require(options.http)
        let oauth = try #require(http.oauth)
        let gate = OAuthGate(
            oauth, scheme: http.isBehindProxy ? "https" : http.scheme,
            TokenVerifier(oauth.policy, IssuerDirectory(issuer: oauth.issuer, transport: stub)),
            principals: principals)
        let made = try CatalogueServer(
            service: LocalOperationService(services: home.services), services: home.services, options: options,
            principals: principals
        ).server()
        return try HTTPFace.start(server ?? made, http, secret: nil, gate: gate, log: home.services.log)
    }

    private func bearer(_ name: String) throws -> HTTPHeaders {
        ["Authorization": "Bearer \(try fixture.token(name))"]
    }

    private func get(_ path: String, _ face: HTTPFace) async throws -> HTTPResponse {
        try await HTTPClient(configuration: HTTPClientConfiguration(environment: [:])).send(
            HTTPRequest(url: "http://127.0.0.1:\(face.port)\(path)", allowsPlainHTTP: true))
    }

    @Test("refers callers without a token to the metadata, which refer to the sign-in service")
    func discovery() async throws {
        let face = try face(["--oauth-scopes", "mm.use"])
        let refused = try await HTTPCaller(face).post(HTTPCaller.initialize)
        #expect(refused.status == 401)
        let address = "http://127.0.0.1:\(face.port)"
        #expect(
            refused.headers["WWW-Authenticate"]
                == "Bearer scope=\"mm.use\", resource_metadata=\"\(address)/.well-known/oauth-protected-resource/mcp\"")
        _ = try await HTTPCaller(face).initialize(try bearer("rs256"))
        for path in ["/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp"] {
            let answer = try await get(path, face)
            #expect(answer.status == 200)
            let metadata = try JSONParser.parse(answer.body)
            #expect(metadata["resource"]?.string == "\(address)/mcp")
            #expect(metadata["authorization_servers"] == [.string(OAuthFixture.issuer)])
            #expect(metadata["scopes_supported"] == ["mm.use"])
            #expect(metadata["bearer_methods_supported"] == ["header"])
            #expect(metadata["client_id_metadata_document_supported"] == true)
        }
        await face.stop(graceful: .zero)
    }

    @Test("uses the public name of a proxy for itself and its metadata")
    func behindProxy() async throws {
        let face = try face(["--behind-proxy", "--oauth-resource", "https://tools.example/m365/mcp"])
        let refused = try await HTTPCaller(face).post(HTTPCaller.initialize)
        let challenge = try #require(refused.headers["WWW-Authenticate"])
        let path = "/.well-known/oauth-protected-resource/m365/mcp"
        #expect(challenge.contains("resource_metadata=\"https://tools.example\(path)\""))
        let metadata = try JSONParser.parse(try await get(path, face).body)
        #expect(metadata["resource"] == "https://tools.example/m365/mcp")
        await face.stop(graceful: .zero)
    }

    @Test("admits neither programs of this user as such, nor anything but one valid token")
    func refusals() async throws {
        let face = try face()
        let caller = HTTPCaller(face)
        let good = try fixture.token("rs256")
        for headers: HTTPHeaders in [
            [:], ["Authorization": "Bearer"], ["Authorization": "Basic \(good)"], ["Authorization": good],
            try bearer("expired"), try bearer("unsigned"), try bearer("unknown key"),
            ["Authorization": "Bearer " + String(repeating: "a", count: 30_000)],
        ] {
            let answer = try await caller.post(HTTPCaller.initialize, headers)
            #expect(answer.status == 401)
            #expect(try JSONParser.parse(answer.body)["error"]?["message"]?.string?.isEmpty == false)
        }
        // A proxy may have checked the other one of two header fields.
        for other in [good, try fixture.token("expired"), ""] {
            for pair in [[good, other], [other, good]] {
                var twice = HTTPHeaders()
                for token in pair { twice.add("Authorization", "Bearer \(token)") }
                let answer = try await caller.post(HTTPCaller.initialize, twice)
                #expect(answer.status == 401)
                #expect(String(decoding: answer.body, as: UTF8.self).contains("once"))
            }
        }
        #expect(try await caller.post(HTTPCaller.initialize, try bearer("rs256")).status == 200)
        let log = try ProtectedFile.read(home.services.paths.poolLog()) ?? []
        let signature = good.split(separator: ".")[2]
        #expect(!String(decoding: log, as: UTF8.self).contains(String(signature)))
        await face.stop(graceful: .zero)
    }

    @Test("refuses a foreign name and a foreign page before it checks the token, also for its metadata")
    func rebinding() async throws {
        let face = try face()
        let token = try fixture.token("rs256")
        let wellKnown = "/.well-known/oauth-protected-resource"
        for (line, head, status) in [
            ("POST /mcp", "Host: evil.example", 421), ("GET \(wellKnown)", "Host: evil.example", 421),
            ("POST /mcp", "Host: localhost\r\nOrigin: http://evil.example", 403),
            ("GET \(wellKnown)", "Host: localhost\r\nOrigin: null", 403),
        ] {
            let text =
                "\(line) HTTP/1.1\r\n\(head)\r\nAuthorization: Bearer \(token)\r\nConnection: close\r\n"
                + "Content-Length: 0\r\n\r\n"
            #expect(try await HTTPCaller.raw(text, port: face.port).hasPrefix("HTTP/1.1 \(status) "))
        }
        await face.stop(graceful: .zero)
    }

    @Test("refuses a caller at once, before a large body is read")
    func bodies() async throws {
        let face = try face(["--oauth-groups", "g2"])
        for (token, status) in [("expired", 401), ("other group", 403)] {
            _ = try await HTTPCaller(face).post(HTTPCaller.initialize, try bearer(token))
            let text =
                "POST /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(try fixture.token(token))\r\n"
                + "Content-Length: 16000000\r\n\r\n"
            #expect(try await HTTPCaller.raw(text, port: face.port).hasPrefix("HTTP/1.1 \(status) "))
        }
        await face.stop(graceful: .zero)
    }

    @Test("reports that it can't check tokens if the sign-in service was never reachable")
    func down() async throws {
        stub.state.withLock { $0.isDown = true }
        let face = try face()
        let answer = try await HTTPCaller(face).post(HTTPCaller.initialize, try bearer("rs256"))
        #expect(answer.status == 503)
        #expect(answer.headers["Retry-After"] == "10")
        #expect(answer.headers["WWW-Authenticate"] == nil)
        await face.stop(graceful: .zero)
    }

    @Test("keeps a session to the person who opened it, through every new token")
    func sessions() async throws {
        let face = try face()
        let caller = HTTPCaller(face)
        let session = try await caller.initialize(try bearer("rs256"))
        let ping: JSONValue = ["jsonrpc": "2.0", "id": 1, "method": "ping"]
        func status(_ token: String) async throws -> Int {
            var headers = try bearer(token)
            headers.set("Mcp-Session-Id", session)
            return try await caller.post(ping, headers).status
        }
        #expect(try await status("rs256") == 200)
        #expect(try await status("es256") == 200)
        #expect(try await status("bob") == 404)
        #expect(try await status("expired") == 401)
        await face.stop(graceful: .zero)
    }

    @Test("records callers in the audit log, shows each person only their calls, and keeps their answers apart")
    func principals() async throws {
        let face = try face()
        let caller = HTTPCaller(face)
        for token in ["rs256", "bob"] {
            let answer = try await caller.post(
                OAuthCalls.modern("tools/call", ["name": "mm__reset", "arguments": ["connection": "Contoso"]]),
                OAuthCalls.headers("tools/call", "mm__reset", try bearer(token)))
            #expect(answer.status == 200)
        }
        let entries = try home.services.audit.entries(limit: 10) { $0["principal"] != nil }
        #expect(
            Set(entries.compactMap { $0["principal"]?.string }) == [
                "\(OAuthFixture.issuer) alice", "\(OAuthFixture.issuer) bob",
            ])
        #expect(Set(entries.compactMap { $0["person"]?.string }) == ["alice@example.com", "bob@example.com"])
        let seen = try await caller.post(
            OAuthCalls.modern("resources/read", ["uri": "mm://audit/recent"]),
            OAuthCalls.headers("resources/read", "mm://audit/recent", try bearer("bob")))
        let text = try #require(try JSONParser.parse(seen.body)["result"]?["contents"]?[0]?["text"]?.string)
        #expect(try JSONParser.parse(Array(text.utf8))["calls"]?.array?.count == 1)
        await face.stop(graceful: .zero)
    }

    @Test("keeps a long answer to the person who asked for it")
    func outputs() async throws {
        let face = try face()
        let caller = HTTPCaller(face)
        var alice = Caller(surface: .mcp, name: "test", server: "mm")
        alice.signedIn = Caller.Principal(id: "\(OAuthFixture.issuer) alice", name: nil)
        let stored = try home.services.outputs.of(alice).put(Array("a\nb\n".utf8), connection: "Contoso")
        for (token, isSeen) in [("rs256", true), ("bob", false)] {
            let read = try await caller.post(
                OAuthCalls.modern(
                    "tools/call", ["name": "mm__output", "arguments": ["handle": .string(stored.handle)]]),
                OAuthCalls.headers("tools/call", "mm__output", try bearer(token)))
            #expect(try JSONParser.parse(read.body)["result"]?["isError"] == (isSeen ? false : true))
            let listed = try await caller.post(
                OAuthCalls.modern("resources/list"), OAuthCalls.headers("resources/list", nil, try bearer(token)))
            #expect(String(decoding: listed.body, as: UTF8.self).contains(stored.handle) == isSeen)
        }
        await face.stop(graceful: .zero)
    }

    @Test("passes on a demand of a service once, to the client that has to sign in again")
    func demands() async throws {
        let face = try face()
        let caller = HTTPCaller(face)
        _ = try await caller.initialize(try bearer("rs256"))
        let claims = #"{"access_token":{"acrs":{"essential":true,"value":"c1"}}}"#
        let alice = Principal("oauth:\(OAuthFixture.issuer) alice")
        principals.note(
            MMError(.signInNeeded, "step up", details: ["challenge": "Bearer", "claims": .string(claims)]), of: alice)
        // Another token of the same person may fulfil it.
        _ = try await caller.initialize(try bearer("bob"))
        let refused = try await caller.post(HTTPCaller.initialize, try bearer("rs256"))
        #expect(refused.status == 401)
        let challenge = try #require(refused.headers["WWW-Authenticate"])
        #expect(challenge.contains("error=\"insufficient_claims\""))
        #expect(challenge.contains("claims=\"\(Base64.text(Array(claims.utf8)))\""))
        _ = try await caller.initialize(try bearer("rs256"))
        await face.stop(graceful: .zero)
    }

    @Test("limits each person's calls, and says when to return")
    func limits() async throws {
        let face = try face(["--calls-per-minute", "1"])
        let caller = HTTPCaller(face)
        func call(_ token: String) async throws -> HTTPResponse {
            try await caller.post(
                OAuthCalls.modern("tools/call", ["name": "mm__run", "arguments": [:]]),
                OAuthCalls.headers("tools/call", "mm__run", try bearer(token)))
        }
        #expect(try await call("rs256").status == 200)
        // Both tokens are the same person's. On a machine that needed a minute so far, the next call is refused.
        var refused = try await call("es256")
        while refused.status == 200 { refused = try await call("es256") }
        #expect(refused.status == 429)
        let seconds = try #require(try JSONParser.parse(refused.body)["error"]?["data"]?["retryAfterSeconds"]?.int)
        #expect((1...60).contains(seconds))
        #expect(refused.headers["Retry-After"] == "\(seconds)")
        #expect(try await call("bob").status == 200)
        await face.stop(graceful: .zero)
    }
}

/// Requests of the modern era.
private enum OAuthCalls {
    static func modern(_ method: String, _ params: JSONObject = [:]) -> JSONValue {
        var params = params
        params["_meta"] = [
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": ["name": "test", "version": "1"],
            "io.modelcontextprotocol/clientCapabilities": [:],
        ]
        return ["jsonrpc": "2.0", "id": 1, "method": .string(method), "params": .object(params)]
    }

    static func headers(_ method: String, _ name: String?, _ more: HTTPHeaders) -> HTTPHeaders {
        var headers = more
        headers.set("MCP-Protocol-Version", "2026-07-28")
        headers.set("Mcp-Method", method)
        if let name { headers.set("Mcp-Name", name) }
        return headers
    }
}
