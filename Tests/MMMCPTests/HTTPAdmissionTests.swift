import MMCore
import Testing

@testable import MMMCP

@Suite("Admission over HTTP", .timeLimit(.minutes(5)))
struct HTTPAdmissionTests {
    private let call = JSONWriter.bytes(
        .object(modernRequest(1, "tools/call", ["name": "echo", "arguments": ["text": "x"]]))
    )

    private func headers(_ changes: HTTPTestClient.Headers = []) -> HTTPTestClient.Headers {
        var headers = HTTPTestClient.modernHeaders(modernRequest(1, "tools/call", ["name": "echo"]))
        for change in changes {
            headers.removeAll { $0.name == change.name }
            if !change.value.isEmpty { headers.append(change) }
        }
        return headers
    }

    @Test(
        "names and origins of this machine are admitted, others aren't",
        arguments: [
            ("Host", "localhost", 200), ("Host", "LOCALHOST:1", 200), ("Host", "[::1]:8365", 200),
            ("Host", "127.0.0.1", 200),
            ("Host", "evil.example.com", 421), ("Host", "127.0.0.1.evil.com", 421), ("Host", "localhost:x", 421),
            ("Host", "[::1]evil", 421), ("Host", "", 421), ("Host", "10.0.0.1", 421),
            ("Host", "localhost@evil.com", 421),
            ("Origin", "http://localhost:3000", 200), ("Origin", "https://127.0.0.1", 200),
            ("Origin", "http://[::1]:1", 200),
            ("Origin", "null", 403), ("Origin", "http://evil.example.com", 403),
            ("Origin", "http://localhost.evil.com", 403),
            ("Origin", "file://localhost", 403), ("Origin", "http://localhost:80/path", 403),
            ("Origin", "http://user@localhost", 403),
        ] as [(String, String, Int)]
    )
    func hostsAndOrigins(_ name: String, _ value: String, _ status: Int) async throws {
        let client = HTTPTestClient(try testServer())
        let answer = try await client.send("POST", headers: headers([(name, value)]), body: call)
        #expect(answer.status == status)
        if status == 200 { #expect(answer.message["result"]?["content"]?[0]?["text"] == "x") }
    }

    @Test("all of several origins have to be this machine's own", arguments: [[0, 1], [1, 0], [0, 1, 0], [0, 0]])
    func severalOrigins(order: [Int]) async throws {
        let origins = ["http://localhost:3000", "http://evil.example.com"]
        let client = HTTPTestClient(try testServer())
        let answer = try await client.send(
            "POST", headers: headers() + order.map { ("Origin", origins[$0]) }, body: call)
        #expect(answer.status == (order.contains(1) ? 403 : 200))
    }

    @Test("configured names and, if the network is trusted, numeric addresses are admitted")
    func configuredHosts() async throws {
        var options = HTTPOptions()
        options.allowedHosts = ["mm.Example.org"]
        options.allowsIPAddressHosts = true
        let client = HTTPTestClient(try testServer(), options)
        for host in ["MM.example.org:8365", "10.0.0.1", "192.168.1.300", "[fe80::1]", "other.example.org"] {
            let answer = try await client.send("POST", headers: headers([("Host", host)]), body: call)
            #expect((answer.status == 200) == !["192.168.1.300", "other.example.org"].contains(host), "\(host)")
        }
    }

    @Test("even if every address is admitted, a page of another address is foreign")
    func numericOrigins() async throws {
        var options = HTTPOptions()
        options.allowsIPAddressHosts = true
        let client = HTTPTestClient(try testServer(), options)
        for (origin, status) in [("http://10.0.0.1:3000", 200), ("http://10.0.0.2", 403), ("http://[fe80::1]", 403)] {
            let answer = try await client.send(
                "POST", headers: headers([("Host", "10.0.0.1:8365"), ("Origin", origin)]), body: call)
            #expect(answer.status == status, "\(origin)")
        }
    }

    @Test(
        "the path may end with a slash, no other path works",
        arguments: [("/mcp", 200), ("/mcp/", 200), ("/mcp//", 404), ("/mcp/x", 404), ("/", 404), ("/MCP", 404)])
    func paths(_ path: String, _ status: Int) async throws {
        let client = HTTPTestClient(try testServer())
        #expect(try await client.send("POST", headers: headers(), body: call, path: path).status == status)
    }

    @Test("a bearer secret is required once, and never shown")
    func bearer() async throws {
        var options = HTTPOptions()
        options.secret = Secret("s3cret-value")
        let client = HTTPTestClient(try testServer(), options)
        for wrong in [
            "", "Bearer", "Bearer ", "Bearer s3cret-valuf", "Basic s3cret-value", "Bearer s3cret-value2",
            "s3cret-value",
        ] {
            let answer = try await client.send("POST", headers: headers([("Authorization", wrong)]), body: call)
            #expect(answer.status == 401)
            let isToken = wrong.hasPrefix("Bearer s")
            #expect(
                answer.header("WWW-Authenticate")
                    == (isToken ? #"Bearer realm="mm", error="invalid_token""# : #"Bearer realm="mm""#), "\(wrong)")
            #expect(answer.text.contains(isToken ? "is wrong" : "is needed"))
            #expect(!answer.text.contains("s3cret"))
        }
        for right in ["Bearer s3cret-value", "bearer   s3cret-value "] {
            #expect(
                try await client.send("POST", headers: headers([("Authorization", right)]), body: call).status == 200)
        }
        let known = try await client.send("POST", headers: headers(), body: call, principal: Principal("uid 1000"))
        #expect(known.status == 200)
    }

    @Test("with an authorization server the refusal says where its metadata is")
    func metadata() async throws {
        var options = HTTPOptions()
        options.secret = Secret("x")
        options.resourceMetadata = "https://mm.example.org/.well-known/oauth-protected-resource/mcp"
        let answer = try await HTTPTestClient(try testServer(), options).send("POST", headers: headers(), body: call)
        #expect(
            answer.header("WWW-Authenticate")
                == #"Bearer realm="mm", resource_metadata="https://mm.example.org/.well-known/oauth-protected-resource/mcp""#
        )
    }

    @Test("of several faults the first in the order of checks is reported")
    func order() async throws {
        var options = HTTPOptions()
        options.secret = Secret("secret")
        options.bodyBytes = 1000
        let client = HTTPTestClient(try testServer(), options)
        var wrong: HTTPTestClient.Headers = [
            ("Host", "evil.com"), ("Origin", "null"), ("Content-Type", "text/plain"), ("Accept", "text/html"),
        ]
        func status(
            _ method: String = "PUT", _ path: String = "/mcp", _ body: [UInt8] = [UInt8](repeating: 0x7B, count: 2000)
        )
            async throws -> Int
        {
            try await client.send(method, headers: wrong, body: body, path: path).status
        }
        #expect(try await status("PUT", "/other") == 404)
        #expect(try await status() == 421)
        wrong[0].value = "localhost"
        #expect(try await status() == 403)
        wrong[1].value = "http://localhost"
        #expect(try await status() == 401)
        wrong.append(("Authorization", "Bearer secret"))
        #expect(try await status() == 405)
        #expect(try await status("POST") == 415)
        wrong[2].value = "application/json; charset=utf-8"
        #expect(try await status("POST") == 406)
        wrong[3].value = "text/event-stream;q=0.5, application/*"
        #expect(try await status("POST") == 413)
        let bad = try await client.send("POST", headers: wrong, body: Array("{".utf8))
        #expect(bad.status == 400)
        #expect(bad.message["error"]?["code"] == -32700)
        #expect(bad.message["id"]?.isNull == true)
    }

    @Test(
        "Accept has to name both forms of an answer",
        arguments: [
            ("application/json, text/event-stream", 200), ("*/*", 200), ("", 200),
            ("text/*;q=0.1,application/json", 200),
            ("application/json", 406), ("text/event-stream", 406), ("text/html", 406), ("garbage", 406),
            ("application/json, text/event-stream;q=0", 406),
        ]
    )
    func accept(_ value: String, _ status: Int) async throws {
        let client = HTTPTestClient(try testServer())
        #expect(try await client.send("POST", headers: headers([("Accept", value)]), body: call).status == status)
    }

    @Test("a compressed body is refused with what to do", arguments: ["gzip", "GZIP", "br", "identity, gzip"])
    func contentCoding(_ coding: String) async throws {
        let client = HTTPTestClient(try testServer())
        let answer = try await client.send(
            "POST", headers: headers([("Content-Encoding", coding)]), body: [0x1F, 0x8B, 0x08])
        #expect(answer.status == 415)
        #expect(answer.message["error"]?["message"]?.string?.contains("without Content-Encoding") == true)
        let plain = try await client.send("POST", headers: headers([("Content-Encoding", "identity")]), body: call)
        #expect(plain.status == 200)
    }

    @Test("a wrong path is answered with the right one", arguments: ["/", "/sse", "/mcp/x", "/messages"])
    func wrongPath(_ path: String) async throws {
        var options = HTTPOptions()
        options.path = "/tools"
        let answer = try await HTTPTestClient(try testServer(), options).send(
            "POST", headers: headers(), body: call, path: path)
        #expect(answer.status == 404)
        #expect(answer.message["error"]?["message"]?.string?.contains("/tools") == true)
    }

    @Test("other methods are refused with the allowed ones", arguments: ["PUT", "PATCH", "OPTIONS", "HEAD", "FOO"])
    func methods(_ method: String) async throws {
        let answer = try await HTTPTestClient(try testServer()).send(method, headers: HTTPTestClient.usual)
        #expect(answer.status == 405)
        #expect(answer.header("Allow") == "POST, GET, DELETE")
    }

    @Test("GET and DELETE are not part of the modern era", arguments: ["GET", "DELETE"])
    func modernMethods(_ method: String) async throws {
        let client = HTTPTestClient(try testServer())
        let answer = try await client.send(
            method, headers: HTTPTestClient.usual + [("MCP-Protocol-Version", "2026-07-28")])
        #expect(answer.status == 405)
        #expect(answer.header("Allow") == "POST")
    }
}
