import MMCore
import MMHTTP
import MMIdentity
import TestSupport
import Testing

@testable import MMGraph

@Suite("Retries", .timeLimit(.minutes(5)))
struct RetryTests {
    private func send(
        _ network: FakeNetwork, method: String = "GET", headers: [String: String] = [:], mayRepeat: Bool = false
    ) async throws -> (answer: Result<GraphResponse, MMError>, contoso: Contoso) {
        let contoso = try Contoso(network)
        let client = try contoso.client()
        let request = try GraphRequest(
            method: method, target: try client.target("/me/messages"), headers: headers,
            body: method == "GET" ? nil : [0x7B, 0x7D],
            mayRepeat: mayRepeat)
        do throws(MMError) {
            return (.success(try await client.send(request)), contoso)
        } catch {
            return (.failure(error), contoso)
        }
    }

    @Test(
        "throttled requests wait as long as the service says, writes too",
        arguments: ["GET", "POST", "PATCH", "DELETE"])
    func throttled(method: String) async throws {
        let (answer, contoso) = try await send(
            FakeNetwork(.recorded(try Fixture.json("graph/graph-error-429.json")), .json("{}")), method: method)
        #expect(try answer.get().status == 200)
        #expect(contoso.waits.told == [.seconds(11)])
    }

    @Test("a date in Retry-After is understood")
    func date() async throws {
        let busy = HTTPResponse(status: 503, headers: ["Retry-After": "Thu, 01 Jan 2026 00:00:42 GMT"])
        let (answer, contoso) = try await send(FakeNetwork(busy, .json("{}")))
        #expect(try answer.get().status == 200)
        #expect(contoso.waits.told == [.seconds(43)])
    }

    @Test("without a useful Retry-After the pauses double, with five attempts at most", arguments: [nil, "0"])
    func backoff(retryAfter: String?) async throws {
        let busy =
            try retryAfter.map { HTTPResponse(status: 429, headers: ["Retry-After": $0]) }
            ?? .recorded(try Fixture.json("graph/graph-error-429-no-retry-after.json"))
        let (answer, contoso) = try await send(FakeNetwork(busy))
        let error = try #require(answer.failure)
        #expect(error.code == .throttled)
        #expect(contoso.waits.told == [1100, 2200, 4400, 8800, 17000].map { .milliseconds($0) })
        #expect(contoso.network.requests.count == 6)
        #expect(Set(contoso.network.requests.compactMap { $0.headers["client-request-id"] }).count == 1)
    }

    @Test("the longest single wait is five minutes, however much time there is", arguments: [429, 503, 500])
    func ceiling(status: Int) async throws {
        let contoso = try Contoso(FakeNetwork(HTTPResponse(status: status, headers: ["Retry-After": "301"])))
        let client = try contoso.client()
        let request = try GraphRequest(target: try client.target("/me"))
        let error = await #expect(throws: MMError.self) {
            try await client.send(request, deadline: .after(.seconds(5000)))
        }
        #expect(error?.retry == .after(.seconds(301)))
        #expect(contoso.network.requests.count == 1 && contoso.waits.all.isEmpty)
    }

    @Test("a service may ask for a wait of five minutes at most", arguments: [429, 503, 500])
    func longestWait(status: Int) {
        func wait(_ seconds: Int) -> Duration? {
            RetryPolicy.wait(
                after: .status(status, asked: .seconds(seconds)), method: "GET", repetition: 1, isGuarded: false,
                mayRepeat: false, jitter: 0)
        }
        #expect(wait(299) == .seconds(299) && wait(300) == .seconds(300))
        #expect(wait(301) == nil && wait(86_400) == nil)
    }

    @Test("a longer wait is left to the caller, who is told how long it is", arguments: [429, 503])
    func tooLong(status: Int) async throws {
        let busy = HTTPResponse(status: status, headers: ["Retry-After": "301"])
        let (answer, contoso) = try await send(FakeNetwork(busy))
        let error = try #require(answer.failure)
        #expect(error.retry == .after(.seconds(301)) && contoso.waits.all.isEmpty)
        #expect(error.hint == "The service asks to wait 301 s: try again then.")
    }

    @Test(
        "a write is repeated only if it certainly didn't run",
        arguments: [
            ("GET", 500, false, false, 6), ("GET", 502, false, false, 6), ("GET", 504, false, false, 6),
            ("POST", 500, false, false, 1), ("POST", 504, false, false, 1), ("POST", 503, false, false, 1),
            ("PATCH", 502, false, false, 1), ("PATCH", 502, true, false, 6), ("PUT", 500, false, false, 1),
            ("PUT", 500, false, true, 6), ("DELETE", 504, false, true, 6), ("POST", 500, false, true, 1),
            ("GET", 400, false, false, 1), ("GET", 404, false, false, 1), ("GET", 409, false, false, 1),
            ("POST", 429, false, false, 6),
        ])
    func writes(method: String, status: Int, isGuarded: Bool, mayRepeat: Bool, requests: Int) async throws {
        let (answer, contoso) = try await send(
            FakeNetwork(HTTPResponse(status: status)), method: method, headers: isGuarded ? ["If-Match": "*"] : [:],
            mayRepeat: mayRepeat)
        #expect(answer.failure != nil)
        #expect(contoso.network.requests.count == requests)
    }

    @Test(
        "after a lost connection reads are repeated, and writes only if nothing was sent",
        arguments: [
            ("GET", HTTPError.Kind.connectionLost, 6), ("POST", .connectionLost, 1), ("POST", .connect, 3),
            ("GET", .connect, 3), ("GET", .tls, 1), ("GET", .proxy, 1), ("GET", .cancelled, 1), ("POST", .timeout, 1),
            ("GET", .tooLarge, 1),
        ])
    func network(method: String, kind: HTTPError.Kind, requests: Int) async throws {
        let (answer, contoso) = try await send(
            FakeNetwork { _, _ throws(HTTPError) in throw HTTPError(kind, "gone") }, method: method)
        let error = try #require(answer.failure)
        #expect(contoso.network.requests.count == requests)
        if method == "POST", kind == .connectionLost { #expect(error.hint?.contains("check before") == true) }
    }

    @Test("if the connection broke before anything was sent, writes are repeated too")
    func brokenOff() async throws {
        let network = FakeNetwork { _, number throws(HTTPError) in
            guard number > 1 else { throw HTTPError(.connectionLost, "reset", mayHaveBeenSent: false) }
            return .json("{}")
        }
        let (answer, contoso) = try await send(network, method: "POST")
        #expect(try answer.get().status == 200)
        #expect(contoso.network.requests.map { $0.headers["Retry-Attempt"] } == [nil, "1", "2"])
    }

    @Test(
        "a service that says how long to wait gets more attempts than one that doesn't",
        arguments: [("5", 21), ("200", 21), ("301", 1)])
    func patience(retryAfter: String, requests: Int) async throws {
        let busy = HTTPResponse(status: 429, headers: ["Retry-After": retryAfter])
        let (answer, contoso) = try await send(FakeNetwork(busy))
        #expect(answer.failure?.code == .throttled && contoso.network.requests.count == requests)
    }

    @Test("an expired token is renewed once and the request repeated, even a write")
    func expired() async throws {
        let refusal = HTTPResponse.recorded(try Fixture.json("graph/graph-error-401-expired.json"))
        let (answer, contoso) = try await send(FakeNetwork(refusal, .json("{}")), method: "POST")
        #expect(try answer.get().status == 200)
        #expect(contoso.network.tokenRequests.count == 1)
        let sent = contoso.network.requests.compactMap { $0.headers["Authorization"] }
        #expect(sent == ["Bearer FAKE-graph-access-token", "Bearer renewed-1"])
    }

    @Test("a claims challenge is answered with a token that has the claims")
    func claims() async throws {
        let refusal = HTTPResponse.recorded(try Fixture.json("graph/graph-error-401-claims.json"))
        let (answer, contoso) = try await send(FakeNetwork(refusal, .json("{}")))
        #expect(try answer.get().status == 200)
        let form = String(decoding: contoso.network.tokenRequests.first?.body ?? [], as: UTF8.self)
        let claims = try #require(form.split(separator: "&").first { $0.hasPrefix("claims=") })
        let sent = try JSONParser.parse(try #require(PercentCoding.decode(claims.dropFirst(7).utf8)))
        #expect(sent["access_token"]?["nbf"]?["value"] == "1767225600")
        #expect(sent["access_token"]?["xms_cc"]?["values"] == ["CP1"])
    }

    @Test("a service that refuses the new token too gets no third one")
    func refusedTwice() async throws {
        let refusal = HTTPResponse.recorded(try Fixture.json("graph/graph-error-401-expired.json"))
        let (answer, contoso) = try await send(FakeNetwork(refusal))
        #expect(answer.failure?.code == .forbidden)
        #expect(contoso.network.requests.count == 2 && contoso.network.tokenRequests.count == 1)
    }

    @Test(
        "challenges are read in every form",
        arguments: [
            (["Bearer error=\"invalid_token\""], "invalid_token", nil),
            (
                ["Basic realm=\"a, Bearer claims=\\\"x\\\"\", Bearer error=insufficient_claims, claims=\"e30=\""],
                "insufficient_claims", "{}"
            ),
            (
                ["Negotiate", "Bearer realm=\"\", claims=\"e30\", error=\"insufficient_claims\""],
                "insufficient_claims", "{}"
            ),
            (["bearer claims=e30="], nil, "{}"), (["Bearer claims=\"!!\""], nil, nil), (["Bearer"], nil, nil),
            (["Bearer error=\"a\\\"b\""], "a\"b", nil), (["Bearer claims=\"eyJhIjoiP_8-In0\""], nil, nil),
        ] as [([String], String?, String?)])
    func challenges(values: [String], error: String?, claims: String?) throws {
        let challenge = try #require(BearerChallenge(values))
        #expect(challenge.error == error && challenge.claims == claims)
    }

    @Test("unusual challenge headers never crash")
    func oddChallenges() {
        var random = SeededRandom(seed: 3)
        let letters = Array("Bearer=\", \\claims\t=e30\u{0}é".unicodeScalars)
        for _ in 0..<5000 {
            let text = String(
                String.UnicodeScalarView(
                    (0..<Int.random(in: 0..<40, using: &random)).map { _ in letters.randomElement(using: &random) ?? "a"
                    }))
            _ = BearerChallenge([text])
        }
        #expect(BearerChallenge([]) == nil && BearerChallenge(["Basic x"]) == nil)
    }
}

extension Result {
    /// The error, if it is one.
    var failure: Failure? {
        if case .failure(let error) = self { error } else { nil }
    }
}
