import MMCore
import Testing

@Suite("Request targets", .timeLimit(.minutes(5)))
struct RequestTargetTests {
    @Test(
        "an endpoint is sent with its version and normalised escapes",
        arguments: [
            ("/me", "/v1.0/me"),
            ("me", "/v1.0/me"),
            ("/me/", "/v1.0/me"),
            ("/V1.0/me", "/v1.0/me"),
            ("/BETA/me", "/beta/me"),
            ("  \"/me\" ", "/v1.0/me"),
            ("<https://graph.microsoft.com/v1.0/me>", "/v1.0/me"),
            ("https://GRAPH.microsoft.com:443/beta/me?$select=id", "/beta/me?$select=id"),
            ("https://graph.microsoft.com./me", "/v1.0/me"),
            ("graph.microsoft.com/v1.0/me", "/v1.0/me"),
            ("/users/adele%40contoso.com", "/v1.0/users/adele@contoso.com"),
            ("/users/a b", "/v1.0/users/a%20b"),
            ("/users/caf%C3%A9", "/v1.0/users/caf%C3%A9"),
            ("/users/café", "/v1.0/users/caf%C3%A9"),
            ("/drives/1/root/search(q='a/b')", "/v1.0/drives/1/root/search(q='a%2Fb')"),
            ("/me/drive/root:/C%23 notes.docx", "/v1.0/me/drive/root:/C%23%20notes.docx"),
            ("/users/%2573", "/v1.0/users/%2573"),
            ("/users?$filter=name eq 'a+b'&$top=5", "/v1.0/users?$filter=name%20eq%20'a%2Bb'&$top=5"),
            ("/users?$filter=accountEnabled+eq+false", "/v1.0/users?$filter=accountEnabled%20eq%20false"),
            ("/users?%24filter=name+eq+%27a+b%27+or+x", "/v1.0/users?$filter=name%20eq%20'a%2Bb'%20or%20x"),
            (
                "/users?$filter=created+ge+2026-01-01T00:00:00+02:00+and+x",
                "/v1.0/users?$filter=created%20ge%202026-01-01T00:00:00%2B02:00%20and%20x"
            ),
            ("/users?$search=\"name:a+b\"+AND+\"x\"", "/v1.0/users?$search=%22name:a%2Bb%22%20AND%20%22x%22"),
            ("/users?$skiptoken=a+b", "/v1.0/users?$skiptoken=a%2Bb"),
            ("/users?$filter=a%26b", "/v1.0/users?$filter=a%26b"),
            ("/users?$filter=department eq 'R&D'&$top=5", "/v1.0/users?$filter=department%20eq%20'R%26D'&$top=5"),
            (
                "/users?$filter=name eq 'O''Brien & Söhne & Co'",
                "/v1.0/users?$filter=name%20eq%20'O''Brien%20%26%20S%C3%B6hne%20%26%20Co'"
            ),
            ("/users?$search=\"name:R&D\"&$top=1", "/v1.0/users?$search=%22name:R%26D%22&$top=1"),
            ("/users?$search=\"name:O'Brien\"&flag", "/v1.0/users?$search=%22name:O'Brien%22&flag"),
            ("/users?%24filter=name eq %27R&D%27", "/v1.0/users?$filter=name%20eq%20'R%26D'"),
            ("/users?name=O'Brien&flag", "/v1.0/users?name=O'Brien&flag"),
            ("/users?$filter=name eq 'x&$top=5", "/v1.0/users?$filter=name%20eq%20'x&$top=5"),
            ("?$top=1", "/v1.0?$top=1"),
            ("'/users?$filter=name eq 'x''", "/v1.0/users?$filter=name%20eq%20'x'"),
            ("/users?$filter=name eq 'x'", "/v1.0/users?$filter=name%20eq%20'x'"),
            ("/users('x')", "/v1.0/users('x')"),
            ("/users?flag", "/v1.0/users?flag"),
        ])
    func sent(written: String, onTheWire: String) throws {
        let target = try RequestTarget(parsing: written, service: .graph)
        #expect(target.pathAndQuery == onTheWire)
        let again = try RequestTarget(parsing: target.pathAndQuery, service: .graph)
        #expect(again.segments == target.segments)
        #expect(again.queryItems == target.queryItems)
        #expect(again.pathAndQuery == target.pathAndQuery)
    }

    @Test(
        "an endpoint that the service might read differently is refused",
        arguments: [
            "", "  ", "/users/../me", "/users/./me", "/users//me", "//evil.example/me", "/users/%2e%2e/me",
            "/users/x%2F..%2Fme", "/me\nx", "/m\u{0}e/x", "/me%0d%0aHost:x", "/users\\me", "/users%5Cme", "/me#x",
            "http://graph.microsoft.com/me", "ftp://graph.microsoft.com/me", "https://evil.example/v1.0/me",
            "https://graph.microsoft.com.evil.example/me", "https://user@graph.microsoft.com/me",
            "https://graph.microsoft.com@evil.example/me", "https://graph.microsoft.com:8443/me",
            "https:///me", "/users/%FF", "/users/a\u{7f}", "https://graph.microsoft.us/v1.0/me",
            "user:secret@graph.microsoft.com/me", "/me?x=%0a", "/users/%E2%80%A8x",
        ])
    func refused(written: String) {
        #expect {
            try RequestTarget(parsing: written, service: .graph, allowedHosts: ["graph.microsoft.com"])
        } throws: { error in
            (error as? MMError)?.code == .invalidInput && (error as? MMError)?.hint != nil
        }
    }

    @Test("a dry check judges the normalised form of a path")
    func cleaned() throws {
        let target = try RequestTarget(
            parsing: "//users/./adele@contoso.com/../bob@contoso.com#x", service: .graph, normalization: .clean)
        #expect(target.segments == ["users", "bob@contoso.com"])
    }

    @Test("plain HTTP is allowed only to a loopback address that the connection names")
    func loopback() throws {
        let target = try RequestTarget(
            parsing: "http://127.0.0.1:8080/v1.0/me", service: .graph, allowedHosts: ["http://127.0.0.1:8080"])
        #expect(target.writtenOrigin == "http://127.0.0.1:8080")
        #expect(throws: MMError.self) {
            try RequestTarget(
                parsing: "http://127.0.0.1:8081/v1.0/me", service: .graph, allowedHosts: ["http://127.0.0.1:8080"])
        }
        #expect(throws: MMError.self) {
            try RequestTarget(parsing: "http://intranet/me", service: .graph, allowedHosts: ["http://intranet"])
        }
    }

    @Test("other services get the path unchanged")
    func flow() throws {
        let target = try RequestTarget(
            parsing: "/providers/Microsoft.ProcessSimple/environments", service: .flow)
        #expect(target.version == nil)
        #expect(
            target.addingQuery("api-version", "2016-11-01").pathAndQuery
                == "/providers/Microsoft.ProcessSimple/environments?api-version=2016-11-01")
        #expect(target.addingQuery("api-version", "1").addingQuery("API-Version", "2").queryItems.count == 1)
    }

    @Test("headers that change the method are never sent", arguments: ["X-HTTP-Method", "x-http-method-override"])
    func methodHeaders(name: String) {
        #expect(throws: MMError.self) { try RequestTarget.checkHeader(name) }
    }

    @Test("other headers are allowed", arguments: ["Prefer", "ConsistencyLevel", "If-Match"])
    func ordinaryHeaders(name: String) throws {
        try RequestTarget.checkHeader(name)
    }

    @Test("the request that is sent is always the one that was judged")
    func fuzz() {
        var state: UInt64 = 42
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        let parts = [
            "/", "//", ".", "..", "users", "me", "'", "(", ")", "%2F", "%25", "%", "?", "&", "=", "#", ":", "@", "%27",
            "é", " ", "+", "$select", "v1.0", "beta", "https://", "graph.microsoft.com", "%20", "x", ",",
        ]
        var parsed = 0
        for _ in 0..<20_000 {
            let text = (0..<(1 + next(9))).map { _ in parts[next(parts.count)] }.joined()
            guard let target = try? RequestTarget(parsing: text, service: .graph) else { continue }
            parsed += 1
            guard let again = try? RequestTarget(parsing: target.pathAndQuery, service: .graph) else {
                Issue.record("\(text) became \(target.pathAndQuery), which is refused")
                continue
            }
            #expect(again.segments == target.segments, "\(text) → \(target.pathAndQuery)")
            #expect(again.queryItems == target.queryItems, "\(text) → \(target.pathAndQuery)")
        }
        #expect(parsed > 1_000)
    }
}
