import MMCore
import MMHTTP
import TestSupport
import Testing

@testable import MMGraph

@Suite("Batches", .timeLimit(.minutes(5)))
struct BatchTests {
    /// A Graph that answers the parts of batches by script, in reverse order.
    private static func network(
        _ answer: @escaping @Sendable (_ part: JSONValue, _ time: Int) -> (status: Int, headers: JSONObject)
    ) -> FakeNetwork {
        let times = Mutex<[String: Int]>([:])
        return FakeNetwork { (request, _) throws(HTTPError) in
            let parts = (try? JSONParser.parse(request.body ?? []))?["requests"]?.array ?? []
            var failed: Set<String> = []
            let answers = parts.map { part -> JSONValue in
                let id = part["id"]?.string ?? ""
                if part["dependsOn"]?.array?.contains(where: { failed.contains($0.string ?? "") }) == true {
                    failed.insert(id)
                    return ["id": .string(id), "status": 424]
                }
                let time = times.withLock { times in
                    times[part["url"]?.string ?? "", default: 0] += 1
                    return times[part["url"]?.string ?? "", default: 0]
                }
                let (status, headers) = answer(part, time)
                if status >= 400 { failed.insert(id) }
                return [
                    "id": .string(id), "status": .int(Int64(status)), "headers": .object(headers),
                    "body": ["url": part["url"] ?? .null],
                ]
            }
            return .json(JSONWriter.string(["responses": .array(answers.reversed())]))
        }
    }

    private func parts(_ client: GraphClient, _ endpoints: [String], method: String = "GET") throws -> [BatchPart] {
        try endpoints.enumerated().map { index, endpoint in
            BatchPart(id: "r\(index)", request: try GraphRequest(method: method, target: try client.target(endpoint)))
        }
    }

    @Test("have twenty parts at most, and the answers are in order", arguments: [1, 20, 21, 45])
    func order(count: Int) async throws {
        let contoso = try Contoso(Self.network { _, _ in (200, [:]) })
        let client = try contoso.client()
        let answers = try await client.batch(try parts(client, (0..<count).map { "/users/\($0)" }))
        #expect(answers.map(\.id) == (0..<count).map { "r\($0)" })
        #expect(answers.map { $0.body["url"]?.string } == (0..<count).map { "/users/\($0)" })
        #expect(contoso.network.requests.count == (count + 19) / 20)
    }

    @Test("the answer of a part is its body, or the error that the request alone would have thrown")
    func json() async throws {
        let contoso = try Contoso(
            Self.network { part, _ in part["url"] == "/users/1" ? (404, ["request-id": "r-7"]) : (200, [:]) })
        let client = try contoso.client()
        let answers = try await client.batch(try parts(client, ["/users/0", "/users/1"]))
        #expect(try answers[0].json()["url"] == "/users/0")
        let error = #expect(throws: MMError.self) { try answers[1].json() }
        #expect(error?.code == .notFound && error?.details["requestId"] == "r-7", "\(String(describing: error))")
        #expect(error?.message.contains("GET /v1.0/users/1") == true, "\(String(describing: error))")
    }

    @Test("a throttled part is repeated alone, a write that may have run isn't")
    func retries() async throws {
        let contoso = try Contoso(
            Self.network { part, time in
                switch part["url"]?.string {
                case "/users/1": time < 3 ? (429, ["Retry-After": "7"]) : (200, [:])
                case "/users/2": time < 2 ? (503, [:]) : (200, [:])
                case "/groups": (500, [:])
                default: (200, [:])
                }
            })
        let client = try contoso.client()
        var all = try parts(client, (0..<4).map { "/users/\($0)" })
        all.append(
            BatchPart(
                id: "write", request: try GraphRequest(method: "POST", target: try client.target("/groups"), json: [:]))
        )
        let answers = try await client.batch(all, deadline: .after(.seconds(5000)))
        #expect(answers.map(\.status) == [200, 200, 200, 200, 500])
        let sizes = contoso.network.requests.map {
            (try? JSONParser.parse($0.body ?? []))?["requests"]?.array?.count ?? 0
        }
        #expect(sizes == [5, 2, 1])
        #expect(contoso.waits.told.contains { $0 >= .seconds(7) })
    }

    @Test("dependencies apply within a batch, across batches and after a retry")
    func dependencies() async throws {
        let contoso = try Contoso(
            Self.network { part, time in
                switch part["url"]?.string {
                case "/users/0": time == 1 ? (429, ["Retry-After": "1"]) : (200, [:])
                case "/users/5": (404, [:])
                default: (200, [:])
                }
            })
        let client = try contoso.client()
        let all = try parts(client, (0..<50).map { "/users/\($0)" }).enumerated().map { index, part in
            let needs =
                index == 1 ? ["r0"] : index == 6 ? ["r5"] : index == 49 ? ["r1", "r48"] : index == 7 ? ["R6"] : []
            return BatchPart(id: part.id, request: part.request, dependsOn: needs)
        }
        let answers = try await client.batch(all, deadline: .after(.seconds(5000)))
        #expect(answers.count == 50)
        for (index, answer) in answers.enumerated() {
            #expect(answer.status == (index == 5 ? 404 : index == 6 || index == 7 ? 424 : 200), "\(index)")
        }
    }

    @Test("a ladder of dependencies is followed step by step, however many paths lead through it")
    func ladder() async throws {
        let contoso = try Contoso(
            Self.network { part, time in part["url"]?.string == "/users/70" && time == 1 ? (503, [:]) : (200, [:]) })
        let client = try contoso.client()
        // Each pair depends on both parts of the pair before it: more than 2^30 paths lead down from part 70.
        let all = try parts(client, (0..<80).map { "/users/\($0)" }).enumerated().map { index, part in
            let pair = index / 2 * 2
            return BatchPart(
                id: part.id, request: part.request, dependsOn: pair == 0 ? [] : ["r\(pair - 1)", "r\(pair - 2)"])
        }
        #expect(try await client.batch(all).allSatisfy { $0.status == 200 })
    }

    @Test("what depends on a failed part is not sent, in whatever order the parts are listed")
    func failedChain() async throws {
        let contoso = try Contoso(Self.network { _, _ in (404, [:]) })
        let client = try contoso.client()
        let all = try parts(client, (0..<2000).map { "/users/\($0)" }).enumerated().map { index, part in
            BatchPart(id: part.id, request: part.request, dependsOn: index == 0 ? [] : ["r\(index - 1)"])
        }
        let answers = try await client.batch(all.reversed())
        #expect(answers.map(\.status) == Array(repeating: 424, count: 1999) + [404])
        #expect(contoso.network.requests.count == 1)
    }

    @Test("at most four requests to a mailbox are under way at once")
    func mailboxes() async throws {
        let contoso = try Contoso(Self.network { _, _ in (200, [:]) })
        let client = try contoso.client()
        let endpoints = (0..<10).map { "/me/messages/\($0)" } + (0..<6).map { "/users/a@b.example/events/\($0)" }
        let answers = try await client.batch(try parts(client, endpoints))
        #expect(answers.map { $0.body["url"]?.string } == endpoints)
        for request in contoso.network.requests {
            let urls = (try? JSONParser.parse(request.body ?? []))?["requests"]?.array?.compactMap { $0["url"]?.string }
            let all = try #require(urls)
            #expect(all.count { $0.hasPrefix("/me/") } <= 4 && all.count { $0.hasPrefix("/users/") } <= 4)
        }
    }

    @Test("repeated ids and unknown or circular dependencies are refused, and nothing is sent")
    func refused() async throws {
        let contoso = try Contoso(Self.network { _, _ in (200, [:]) })
        let client = try contoso.client()
        let request = try GraphRequest(target: try client.target("/me"))
        for wrong in [
            [BatchPart(id: "a", request: request), BatchPart(id: "A", request: request)],
            [BatchPart(id: "a", request: request, dependsOn: ["b"])],
            [BatchPart(id: "a", request: request, dependsOn: ["a"])],
            [
                BatchPart(id: "a", request: request, dependsOn: ["c"]),
                BatchPart(id: "b", request: request, dependsOn: ["a"]),
                BatchPart(id: "c", request: request, dependsOn: ["b"]),
            ],
        ] {
            let error = await #expect(throws: MMError.self) { try await client.batch(wrong) }
            #expect(error?.code == .invalidInput)
        }
        #expect(contoso.network.requests.isEmpty)
    }

    @Test(
        "if the answer is lost or unreadable, reads are repeated, and the results of writes are unknown",
        arguments: [nil, "<html>"] as [String?])
    func lost(page: String?) async throws {
        let isLost = Mutex(true)
        let network = Self.network { _, _ in (200, [:]) }
        let contoso = try Contoso(
            FakeNetwork { (request, number) throws(HTTPError) in
                let loses = isLost.withLock { value in
                    defer { value = false }
                    return value
                }
                if loses, let page { return HTTPResponse(status: 200, headers: [:], body: Array(page.utf8)) }
                if loses { throw HTTPError(.connectionLost, "The connection ended.") }
                return try network.answer(request, number)
            })
        let client = try contoso.client()
        var all = try parts(client, ["/users/1"])
        all += try parts(client, ["/users/2"], method: "DELETE").map { BatchPart(id: "gone", request: $0.request) }
        let answers = try await client.batch(all, deadline: .after(.seconds(5000)))
        #expect(answers[0].status == 200)
        #expect(answers[1].status >= 400)
        let message = answers[1].body["error"]?["message"]?.string ?? ""
        #expect(message.contains("isn't known whether"))
    }

    @Test(
        "once the sign-in has ended in the middle, nothing more is sent, and the sign-in service is asked once",
        arguments: [(50_173, 401), (50_057, 403), (53_003, 403)])
    func signInEnds(number: Int, status: Int) async throws {
        let refusal = HTTPResponse.json(
            #"{"error": "invalid_grant", "error_description": "AADSTS\#(number): Refused."}"#, status: 400)
        let network = Self.network { _, _ in (200, [:]) }
        let contoso = try Contoso(
            FakeNetwork(signIn: refusal) { (request, number) throws(HTTPError) in
                number == 0 ? try network.answer(request, number) : .json("{}", status: 401)
            })
        let client = try contoso.client()
        let (answers, end) = try await client.batchToItsEnd(
            try parts(client, (0..<90).map { "/users/\($0)" }), deadline: .after(.seconds(5000))
        ) { _ in }
        #expect(answers.map(\.status) == Array(repeating: 200, count: 20) + Array(repeating: status, count: 70))
        #expect(end?.details["aadsts"] == .int(Int64(number)), "\(String(describing: end))")
        #expect(contoso.network.requests.count == 2)
        #expect(contoso.network.tokenRequests.count { $0.url.hasSuffix("/token") } == 1)
    }

    @Test("parts for which the token is refused are sent again with a new one, once", arguments: [true, false])
    func refusedToken(isMended: Bool) async throws {
        let challenge: JSONObject = ["WWW-Authenticate": #"Bearer error="insufficient_claims", claims="e30=""#]
        let contoso = try Contoso(
            Self.network { part, time in
                part["url"] == "/users/1" && (time == 1 || !isMended) ? (401, challenge) : (200, [:])
            })
        let client = try contoso.client()
        var all = try parts(client, ["/users/0", "/users/1"])
        all += try parts(client, ["/users/2"]).map {
            BatchPart(id: "after", request: $0.request, dependsOn: ["r1"])
        }
        let answers = try await client.batch(all)
        #expect(answers.map(\.status) == (isMended ? [200, 200, 200] : [200, 401, 424]))
        #expect(contoso.network.tokenRequests.count == 1)
        #expect(contoso.network.requests.count == 2)
    }

    @Test("a part without an answer stays in doubt, also if the others were refused because the sign-in has ended")
    func refusedBesideMissing() async throws {
        let refusal = HTTPResponse.json(
            #"{"error": "invalid_grant", "error_description": "AADSTS50173: Refused."}"#, status: 400)
        let contoso = try Contoso(
            FakeNetwork(signIn: refusal) { (_, _) throws(HTTPError) in
                .json(#"{"responses": [{"id": "0", "status": 401}]}"#)
            })
        let client = try contoso.client()
        let answers = try await client.batch(try parts(client, ["/groups", "/groups"], method: "POST"))
        #expect(answers[0].status == 401)
        let message = answers[1].body["error"]?["message"]?.string ?? ""
        #expect(answers[1].arrival == .unknown && message.contains("isn't known whether"), "\(answers)")
    }

    @Test("a part is sent again with the one that it depends on, if that one's answer is missing")
    func missing() async throws {
        let contoso = try Contoso(
            FakeNetwork { (request, number) throws(HTTPError) in
                let parts = (try? JSONParser.parse(request.body ?? []))?["requests"]?.array ?? []
                let answers = parts.compactMap { part -> JSONValue? in
                    guard number == 0 else { return ["id": part["id"] ?? .null, "status": 200] }
                    return part["dependsOn"] == nil ? nil : ["id": part["id"] ?? .null, "status": 424]
                }
                return .json(JSONWriter.string(["responses": .array(answers)]))
            })
        let client = try contoso.client()
        let reads = try parts(client, ["/users/1", "/users/2"])
        let answers = try await client.batch([
            reads[0], BatchPart(id: "b", request: reads[1].request, dependsOn: ["r0"]),
        ])
        #expect(answers.map(\.status) == [200, 200])
        #expect(contoso.network.requests.count == 2)
    }

    @Test("parts whose turn never came were not sent, and say so; those that were sent keep their answers")
    func unsent() async throws {
        let network = Self.network { _, _ in (204, [:]) }
        let contoso = try Contoso(
            FakeNetwork { (request, number) throws(HTTPError) in
                // Nobody can be reached any more after the first twenty.
                if number > 0 { throw HTTPError(.tls, "The certificate has expired.") }
                return try network.answer(request, number)
            })
        let client = try contoso.client()
        let all = try parts(client, (0..<45).map { "/users/\($0)" }, method: "DELETE")
        let answers = try await client.batch(all, deadline: .after(.seconds(5000)))
        #expect(answers.prefix(20).allSatisfy { $0.status == 204 && $0.arrival == .answered })
        #expect(answers.count == 45 && answers.dropFirst(20).allSatisfy { $0.arrival == .unsent })
        let message = answers[20].body["error"]?["message"]?.string ?? ""
        #expect(message.contains("It was not sent.") && !message.contains("isn't known"), "\(message)")
        let error = #expect(throws: MMError.self) { try answers[20].json() }
        #expect(error?.message == message, "\(String(describing: error))")
        #expect(error?.code.word == answers[20].body["error"]?["code"]?.string)
    }

    @Test(
        "a cancelled batch keeps the answers that came, and knows which parts were never sent",
        arguments: [(isBetween: true, doubtful: 0), (isBetween: false, doubtful: 20)])
    func cancelled(isBetween: Bool, doubtful: Int) async throws {
        let network = Self.network { _, _ in (204, [:]) }
        let contoso = try Contoso(
            FakeNetwork { (request, number) throws(HTTPError) in
                if isBetween { withUnsafeCurrentTask { $0?.cancel() } }
                if number > 0 { throw HTTPError(.cancelled, "The request was cancelled.") }
                return try network.answer(request, number)
            })
        let client = try contoso.client()
        let all = try parts(client, (0..<45).map { "/users/\($0)" }, method: "DELETE")
        let (answers, end) = try await Task {
            try await client.batchToItsEnd(all, deadline: .after(.seconds(5000))) { _ in }
        }.value
        let unsent = 25 - doubtful
        #expect(
            answers.map(\.arrival) == Array(repeating: .answered, count: 20)
                + Array(repeating: .unknown, count: doubtful) + Array(repeating: .unsent, count: unsent))
        #expect(end?.code == .cancelled && end?.isUnsent == false, "\(String(describing: end))")
        #expect(contoso.network.requests.count == (isBetween ? 1 : 2))
    }

    @Test("a batch of which nothing was sent is one error, and says so")
    func nothingSent() async throws {
        let contoso = try Contoso(
            FakeNetwork { (_, _) throws(HTTPError) in throw HTTPError(.tls, "The certificate has expired.") })
        let client = try contoso.client()
        let all = try parts(client, ["/users/1", "/users/2"], method: "DELETE")
        let error = await #expect(throws: MMError.self) { try await client.batch(all) }
        #expect(error?.isUnsent == true, "\(error as Any)")
    }

    @Test("a part whose answer was lost stays in doubt, also if its repetition is never sent")
    func lostBeforeTheEnd() async throws {
        let contoso = try Contoso(
            FakeNetwork { (_, number) throws(HTTPError) in
                if number == 0 { throw HTTPError(.connectionLost, "The connection ended.") }
                throw HTTPError(.connect, "Nobody is there.")
            })
        let client = try contoso.client()
        let part = BatchPart(
            id: "a",
            request: try GraphRequest(
                method: "PATCH", target: try client.target("/users/1"), headers: ["If-Match": "W/1"], json: [:]))
        let answers = try await client.batch([part], deadline: .after(.seconds(5000)))
        let message = answers[0].body["error"]?["message"]?.string ?? ""
        #expect(answers[0].arrival == .unknown && message.contains("isn't known whether"), "\(message)")
    }
}
