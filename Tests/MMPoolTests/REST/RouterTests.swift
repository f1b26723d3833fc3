import MMCore
import MMHTTP
import MMOperations
import TestSupport
import Testing

@testable import MMPool

@Suite("Operations over plain HTTP", .timeLimit(.minutes(5)))
struct RouterTests {
    private static func operations() -> [ScriptedOperation] {
        [
            ScriptedOperation("value", aliases: ["other"]) { input, _ in
                OperationAnswer(.value(["text": .string(input.text)]), notes: ["a nöte\nof two lines"])
            },
            ScriptedOperation("text") { _, _ in OperationAnswer(.text("plain")) },
            ScriptedOperation("bytes") { _, _ in OperationAnswer(.bytes([0, 1, 255], contentType: "image/x-test")) },
            ScriptedOperation("items") { _, _ in
                let left = Mutex(3)
                return OperationAnswer(
                    .items(
                        ItemStream { () async throws(MMError) in
                            let number: Int? = left.withLock { left in
                                left -= 1
                                return left >= 0 ? left : nil
                            }
                            return number.map { [Array("{\"n\":\n\($0)}".utf8)[...], Array("[]".utf8)[...]] }
                        }))
            },
            ScriptedOperation("torn") { _, _ in
                let left = Mutex(1)
                return OperationAnswer(
                    .items(
                        ItemStream { () async throws(MMError) in
                            guard
                                left.withLock({
                                    $0 -= 1
                                    return $0 >= 0
                                })
                            else {
                                throw MMError(.remoteFailed, "the page is gone")
                            }
                            return [Array("1".utf8)[...]]
                        }))
            },
            ScriptedOperation(
                "confirm-first",
                with: MMError(.confirmationNeeded, "A person must confirm.", details: ["token": "7KQ2M8XAB"])),
            ScriptedOperation("throttled", with: MMError(.throttled, "slowly", retry: .after(.seconds(17)))),
            ScriptedOperation("sign-in", with: MMError(.signInNeeded, "sign in", details: ["userCode": "ABC"])),
            ScriptedOperation("person-reads", audience: .person) { _, _ in .value("seen") },
            ScriptedOperation("person-writes", readOnly: false, audience: .person) { _, _ in .value("written") },
            ScriptedOperation("who") { _, context in
                let caller = context.call.caller
                return .value([
                    "surface": .string(caller.surface.rawValue), "name": .string(caller.name),
                    "server": caller.server.map { .string($0) } ?? .null, "person": .bool(context.call.person != nil),
                ])
            },
        ]
    }

    private func pool(_ peer: AdmittedPeer? = nil) throws -> SocketPool {
        let home = try RESTHome()
        return try SocketPool(home, home.service(Self.operations()), peer: peer)
    }

    @Test(
        "notes made while a list is fetched follow it", arguments: ["application/json", "application/x-ndjson"])
    func closingNotes(accept: String) async throws {
        let rows = Mutex<[ArraySlice<UInt8>]?>([Array("1".utf8)[...]])
        let list = ItemStream(end: {
            var end = AnswerEnd(notes: rows.withLock { $0 == nil ? ["2 pages, ünd a gap"] : [] })
            end.errors = [ReportedError("gone")]
            return end
        }) { () async throws(MMError) in
            rows.withLock { rows in
                defer { rows = nil }
                return rows
            }
        }
        var answer = OperationAnswer(.items(list), notes: ["first"])
        answer.errors = [ReportedError("one ünd two")]
        answer.missing = "a step"
        let response = try await PlainAnswer.response(answer, for: ["Accept": accept])
        #expect(response.headers["MM-Note"] == "first" && response.headers["Trailer"] == "MM-Note, MM-Error")
        #expect(response.headers.values(for: "MM-Error") == ["a step", "one %C3%BCnd two"])
        guard case .stream(_, let write) = response.body else {
            Issue.record("no stream")
            return
        }
        let trailers = Mutex<[String]>([])
        try await write(
            HTTPResponseWriter(
                { (_) async throws(HTTPError) in },
                trail: { name, value in trailers.withLock { $0.append("\(name): \(value)") } }))
        #expect(trailers.withLock { $0 } == ["MM-Error: gone", "MM-Note: 2 pages, %C3%BCnd a gap"])
    }

    @Test("the body is only the answer, the notes are beside it")
    func plain() async throws {
        let pool = try pool()
        let answer = try await pool.send("POST", "/v1/operations/other", [:], #"{"text":"ü"}"#)
        #expect(answer.status == 200)
        #expect(answer.headers["Content-Type"] == "application/json")
        #expect(answer.json == ["text": "ü"])
        #expect(answer.headers["MM-Note"] == "a n%C3%B6te%0Aof two lines")
        #expect(try await pool.send("POST", "/v1/operations/value").json == ["text": ""])
        let list = try await pool.send("GET", "/v1/operations").json["operations"]?.array ?? []
        #expect(list.map { $0["name"]?.string } == Self.operations().map(\.declaration.name))
        await pool.stop()
    }

    @Test(
        "the format is the client's preferred one",
        arguments: [
            ("text", "*/*", "text/plain; charset=utf-8", "plain"),
            ("text", "application/json", "application/json", "\"plain\""),
            ("text", "application/*;q=0.9, text/plain;q=0.8", "application/json", "\"plain\""),
            ("items", "*/*", "application/json", "[{\"n\":\n2},[],{\"n\":\n1},[],{\"n\":\n0},[]]"),
            (
                "items", "application/x-ndjson", "application/x-ndjson",
                "{\"n\": 2}\n[]\n{\"n\": 1}\n[]\n{\"n\": 0}\n[]\n"
            ),
            ("bytes", "*/*", "image/x-test", "\u{0}\u{1}\u{FFFD}"),
        ])
    func forms(_ operation: String, _ accept: String, _ type: String, _ text: String) async throws {
        let pool = try pool()
        let answer = try await pool.send("POST", "/v1/operations/\(operation)", ["Accept": accept])
        #expect(answer.status == 200)
        #expect(answer.headers["Content-Type"] == type)
        #expect(answer.text == text)
        await pool.stop()
    }

    @Test("a list that fails is broken off, so that it can't look complete")
    func torn() async throws {
        let pool = try pool()
        await #expect(throws: HTTPError.self) { _ = try await pool.send("POST", "/v1/operations/torn") }
        await pool.stop()
    }

    @Test(
        "errors are problem documents with the matching status",
        arguments: [
            ("POST", "/v1/operations/value", "application/json", #"{"text":5}"#, 400, "invalid_input"),
            ("POST", "/v1/operations/value", "application/json", #"{"text":"a","text":"b"}"#, 400, "invalid_input"),
            ("POST", "/v1/operations/value", "application/json", "[1]", 400, "invalid_input"),
            ("POST", "/v1/operations/value", "application/json", "{", 400, "invalid_input"),
            ("POST", "/v1/operations/value", "text/plain", "{}", 415, "unsupported_media_type"),
            ("POST", "/v1/operations/value", "application/json; charset=latin1", "{}", 415, "unsupported_media_type"),
            ("POST", "/v1/operations/nothing", "application/json", "{}", 404, "not_found"),
            ("POST", "/v1/operations/%2e%2e%2Fvalue", "application/json", "{}", 404, "not_found"),
            ("POST", "/v1/operations/", "application/json", "{}", 404, "not_found"),
            ("POST", "/nothing", "application/json", "{}", 404, "not_found"),
            ("POST", "/v1/operations/confirm-first", "application/json", "{}", 428, "confirmation_needed"),
            ("POST", "/v1/operations/throttled", "application/json", "{}", 429, "throttled"),
            ("POST", "/v1/operations/sign-in", "application/json", "{}", 401, "sign_in_needed"),
            ("POST", "/v1/operations/person-writes", "application/json", "{}", 403, "forbidden"),
        ])
    func problems(_ method: String, _ path: String, _ type: String, _ body: String, _ status: Int, _ code: String)
        async throws
    {
        let pool = try pool()
        let answer = try await pool.send(method, path, ["Content-Type": type], body)
        #expect(answer.status == status)
        #expect(answer.headers["Content-Type"] == "application/problem+json")
        let problem = answer.json
        #expect(problem["status"]?.int == status)
        #expect(problem["code"]?.string == code)
        #expect(problem["title"]?.string == Problem.title(of: status))
        #expect(problem["detail"]?.string?.isEmpty == false)
        if code == "throttled" { #expect(answer.headers["Retry-After"] == "17") }
        if code == "confirmation_needed" { #expect(problem["details"]?["token"] == "7KQ2M8XAB") }
        if status == 401 { #expect(answer.headers["WWW-Authenticate"] == "MM-Sign-In") }
        await pool.stop()
    }

    @Test(
        "a body is read only if it is declared as JSON in UTF-8",
        arguments: [
            (nil, false), ("", false), ("text/plain", false), ("application/x-www-form-urlencoded", false),
            ("application/jsonp", false), ("text/json", false), ("application/json, text/plain", false),
            ("application/json; charset=latin1", false), ("application/json", true), ("Application/JSON", true),
            ("application/json;charset=UTF-8", true), ("application/json; charset=\"utf-8\"", true),
        ] as [(String?, Bool)])
    func contentType(_ type: String?, _ isRead: Bool) async throws {
        var headers: HTTPHeaders = ["Host": "localhost"]
        if let type { headers.set("Content-Type", type) }
        let request = HTTPServerRequest(
            method: "POST", target: "/v1/operations/value", headers: headers, body: Array(#"{"text":"a"}"#.utf8))
        let home = try RESTHome()
        let router = RESTRouter(
            service: home.service(Self.operations()), handshake: { SocketPool.handshake }, services: home.services)
        let answer = await router.respond(to: request, from: .sameUser)
        #expect(answer.status == (isRead ? 200 : 415))
    }

    @Test("messages to programs are rewritten, except those for a person; messages to front-ends aren't")
    func words() async throws {
        let home = try RESTHome()
        home.services.jobs.setLifetime()
        let goes = ["rest": Gate(), "library": Gate()]
        let operations = [
            ScriptedOperation("failing", with: MMError(.invalidInput, "no", hint: "do")),
            ScriptedOperation("late", readOnly: false) { (input, _) async throws(MMError) in
                await goes[input.text]?.wait()
                throw MMError(.conflict, "no", hint: "do")
            },
            ScriptedOperation("held", with: MMError(.confirmationNeeded, "no", hint: "do")),
            ScriptedOperation("noted") { _, _ in OperationAnswer(.value("mm"), notes: ["do"]) },
            ScriptedOperation("listing") { _, _ in
                OperationAnswer(.items(ItemStream(end: { AnswerEnd(notes: ["do"]) }) { nil }))
            },
            ScriptedOperation("ending") { _, _ in
                OperationAnswer(.items(ItemStream { () throws(MMError) in throw MMError(.conflict, "no", hint: "do") }))
            },
        ]
        let pool = try SocketPool(home, home.service(operations)) { "<\($0)>" }
        func answer(_ name: String, _ surface: String, _ more: HTTPHeaders = [:]) async throws -> HTTPResponse {
            var headers = more
            headers.set("MM-Surface", surface)
            return try await pool.send("POST", "/v1/operations/\(name)", headers, "{\"text\":\"\(surface)\"}")
        }
        func last(_ name: String, _ surface: String) async throws -> JSONValue {
            var parser = SSEParser()
            let body = try await answer(name, surface, ["Accept": "text/event-stream"]).body
            return try JSONParser.parse(try #require(try parser.consume(body).last).data)
        }
        for (surface, no, hint) in [("rest", "<no>", "<do>"), ("library", "no", "do")] {
            let failure = try await answer("failing", surface).json
            #expect(failure["detail"]?.string == no && failure["hint"]?.string == hint, "\(failure)")
            let held = try await answer("held", surface).json
            #expect(held["detail"]?.string == "no" && held["hint"]?.string == "do", "\(held)")
            let noted = try await answer("noted", surface)
            #expect(noted.json == "mm" && noted.headers["MM-Note"] == hint, "\(noted)")
            // As events, too.
            for name in ["failing", "ending"] {
                let problem = try await last(name, surface)
                #expect(problem["message"]?.string == no && problem["hint"]?.string == hint, "\(problem)")
            }
            for name in ["noted", "listing"] {
                let told = try await last(name, surface)
                #expect(told["notes"]?.array == [.string(hint)], "\(told)")
            }
            // And of what continues as a job.
            let job = try #require(try await answer("late", surface, ["Prefer": "respond-async"]).headers["Location"])
            goes[surface]?.open()
            let headers: HTTPHeaders = ["MM-Surface": surface]
            var seen: JSONValue = .null
            repeat { seen = try await pool.send("GET", job, headers).json } while seen["state"] == "running"
            #expect(seen["error"]?["message"]?.string == no, "\(seen)")
            #expect(try await pool.send("GET", job + "/answer", headers).json["hint"]?.string == hint)
        }
        await pool.stop()
    }

    @Test(
        "a compressed body is refused by its coding, not as text that isn't JSON",
        arguments: [("gzip", 415), ("br", 415), ("identity, gzip", 415), ("identity", 200), ("Identity", 200)])
    func contentCoding(_ coding: String, _ status: Int) async throws {
        let pool = try pool()
        let answer = try await pool.send(
            "POST", "/v1/operations/value", ["Content-Type": "application/json", "Content-Encoding": coding],
            #"{"text":"a"}"#)
        #expect(answer.status == status)
        if status == 415 { #expect(answer.json["detail"]?.string?.contains("`\(coding)`") == true, "\(answer.json)") }
        await pool.stop()
    }

    @Test("other methods are answered with the allowed ones")
    func methods() async throws {
        let pool = try pool()
        let wrong = try await pool.send("DELETE", "/v1/operations/value")
        #expect(wrong.status == 405)
        #expect(wrong.headers["Allow"] == "POST, OPTIONS")
        #expect(try await pool.send("PUT", "/v1/handshake").headers["Allow"] == "GET, HEAD, OPTIONS")
        let head = try await pool.send("HEAD", "/v1/handshake")
        #expect(head.status == 200)
        #expect(head.body.isEmpty)
        #expect(try await pool.send("OPTIONS", "/v1/handshake").status == 204)
        let long = String(repeating: "x", count: 17 << 20)
        let large = try await pool.send("POST", "/v1/operations/value", [:], "{\"text\":\"\(long)\"}")
        #expect(large.status == 413)
        await pool.stop()
    }

    @Test(
        "invalid context headers are named",
        arguments: [
            ("MM-Surface", "browser"), ("MM-Time-Limit", "0"), ("MM-Time-Limit", "-1"), ("MM-Time-Limit", "1e3"),
            ("MM-Time-Limit", "1."), ("MM-Time-Limit", "99999999999"), ("MM-Patience", "soon"), ("MM-Person", "yes"),
            ("MM-Client", "%FF"),
        ])
    func headers(_ name: String, _ value: String) async throws {
        let pool = try pool()
        let answer = try await pool.send("POST", "/v1/operations/who", [name: value])
        #expect(answer.status == 400)
        #expect(answer.json["detail"]?.string?.contains(name) == true)
        await pool.stop()
    }

    @Test(
        "the owner's own programs are exempt from `mcps` lists, however they connect; servers and strangers aren't",
        arguments: [
            (AdmittedPeer.process(pid: 1), "library", true), (.bearer, "library", true), (.sameUser, "library", true),
            (.sameUser, nil, false), (.network, "library", false),
        ] as [(AdmittedPeer, String?, Bool)])
    func exempt(_ peer: AdmittedPeer, _ surface: String?, _ isExempt: Bool) async throws {
        let pool = try pool(peer)
        let answer = try await pool.send(
            "POST", "/v1/operations/who", surface.map { ["MM-Surface": $0] } ?? [:])
        #expect(answer.status == 200)
        #expect((answer.json["server"]?.string ?? "") == (isExempt ? "" : "rest"), "\(answer.json)")
        await pool.stop()
    }

    @Test(
        "nobody can act as the owner without proof",
        arguments: [
            (AdmittedPeer.bearer, "terminal", 200), (.bearer, "mcp", 200), (.sameUser, "terminal", 403),
            (.sameUser, "mcp", 200), (.network, "terminal", 403), (.network, "mcp", 200),
            (.process(pid: 1), "terminal", 200),
        ])
    func claims(_ peer: AdmittedPeer, _ surface: String, _ status: Int) async throws {
        let pool = try pool(peer)
        let headers: HTTPHeaders = ["MM-Surface": surface, "MM-Server": "mine", "MM-Client": "cli"]
        let answer = try await pool.send("POST", "/v1/operations/who", headers)
        #expect(answer.status == status)
        if status == 200 {
            let isOwn = peer != .network
            #expect(answer.json["surface"]?.string == (isOwn ? surface : "rest"))
            #expect(answer.json["server"]?.string == (isOwn ? "mine" : "rest"))
            #expect(answer.json["person"] == false)
        }
        let seen = try await pool.send("POST", "/v1/operations/person-reads")
        #expect(seen.status == (peer == .network ? 403 : 200))
        let asked = try await pool.send("POST", "/v1/calls/a/questions/b", [:], #"{"confirmed":true}"#)
        #expect(asked.status == (peer == .sameUser || peer == .network ? 403 : 404))
        await pool.stop()
    }

    @Test("every request is answered, and never with an internal error")
    func fuzz() async throws {
        let home = try RESTHome()
        let router = RESTRouter(
            service: home.service(Self.operations()), handshake: { SocketPool.handshake }, services: home.services)
        var random = SeededRandom(seed: 20_26)
        let methods = ["GET", "POST", "DELETE", "HEAD", "OPTIONS", "PUT", "get", "P\u{1}"]
        let paths = [
            "/", "/v1", "/v1/operations/value", "/v1/operations/who", "/v1/jobs", "/v1/jobs/job-x", "/v1/handshake",
            "/v1/calls/a/questions/b", "/v1/jobs/job-x/answer", "/metrics", "/openapi.json",
        ]
        let names = [
            "Accept", "Content-Type", "Prefer", "MM-Surface", "MM-Client", "MM-Server", "MM-Time-Limit", "MM-Patience",
            "MM-Person", "Last-Event-ID", "Host", "Origin", "Cookie",
        ]
        let values = [
            "application/json", "*/*;q=0", "text/event-stream;q=0", ";;;,,,q=", "respond-async, wait=-1", "terminal",
            "rest", "%", "%00", "1", "-1", "NaN", "\u{FFFF}", String(repeating: ",", count: 4_000), "localhost", "null",
            "application/json;charset", "respond-async;wait=9999999999999999999", "mm-unlock=x",
        ]
        let bodies = [
            "", "{}", "{", "[]", "null", "{\"text\":\"a\"}", "\u{FEFF}{}", String(repeating: "[", count: 5_000),
        ]
        for _ in 0..<4_000 {
            var path = paths.randomElement(using: &random) ?? "/"
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                let at = path.index(path.startIndex, offsetBy: Int.random(in: 0...path.count, using: &random))
                path.insert(
                    contentsOf: ["%2F", "?", "/", "%", "..", "{}", "a", "%00", "%C3"].randomElement(using: &random)
                        ?? "", at: at)
            }
            var request = HTTPServerRequest(
                method: methods.randomElement(using: &random) ?? "GET", target: path,
                body: Array((bodies.randomElement(using: &random) ?? "").utf8))
            if Bool.random(using: &random) { request.peer = .tcp(address: "127.0.0.1", port: 1, localPort: 2) }
            for _ in 0..<Int.random(in: 0...5, using: &random) {
                request.headers.add(
                    names.randomElement(using: &random) ?? "", values.randomElement(using: &random) ?? "")
            }
            let peers: [AdmittedPeer] = [.process(pid: 1), .bearer, .sameUser, .network]
            let answer = await router.respond(to: request, from: peers.randomElement(using: &random) ?? .network)
            #expect(answer.status < 500, "\(request.method) \(request.target) \(answer.status)")
        }
    }
}
