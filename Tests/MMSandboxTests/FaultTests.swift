import MMCore
import MMHTTP
import Testing

@testable import MMSandbox

@Suite("Faults on purpose", .timeLimit(.minutes(5)))
struct FaultTests {
    @Test("control needs the secret", arguments: ["health", "users", "faults", "outbox", "pending", "requests"])
    func secret(path: String) async {
        let bench = Bench()
        #expect(await bench.send("GET", "/sandbox/\(path)").status == 401)
        #expect(await bench.send("GET", "/sandbox/\(path)", headers: ["X-Sandbox-Secret": "guess"]).status == 401)
        #expect(await bench.control("GET", path).status == 200)
        #expect(
            await bench.send("GET", "/sandbox/\(path)", headers: ["Authorization": "Bearer \(bench.secret)"]).status
                == 200)
    }

    @Test(
        "faults are those of the named tenant; one that doesn't exist has none",
        arguments: [
            ("contoso-sandbox.example", 200), ("customer-1.example", 200), ("customer-3.example", 404),
            ("nonsense", 404), ("", 404),
        ], ["GET", "POST", "DELETE"])
    func tenants(tenant: (name: String, status: Int), method: String) async {
        let bench = Bench { $0.customerCount = 2 }
        let body: JSONValue? = method == "POST" ? ["kind": "latency"] : nil
        let answer = await bench.control(method, "faults?tenant=\(tenant.name)", body)
        #expect((answer.status == 404) == (tenant.status == 404), "\(answer.status)")
        let own = method == "POST" && tenant.name.hasPrefix("contoso") ? 1 : 0
        #expect(await bench.control("GET", "health").json["faults"]?.int == own)
        let health = await bench.control("GET", "health?tenant=\(tenant.name)")
        #expect(health.json["domain"]?.string == (tenant.status == 200 ? tenant.name : nil))
    }

    @Test(
        "a page elsewhere cannot reach the sandbox under its own name",
        arguments: ["attacker.example", "attacker.example:4711", "127.0.0.1.attacker.example"])
    func rebinding(host: String) async {
        let bench = Bench()
        #expect(await bench.send("GET", "/devicelogin", headers: ["Host": host]).status == 421)
        #expect(await bench.send("GET", "/devicelogin", headers: ["Host": "localhost:4711"]).status == 200)
    }

    @Test("so many requests are throttled, with or without Retry-After", arguments: [nil, 3])
    func throttle(wait: Int?) async {
        let bench = Bench()
        let token = await bench.token()
        _ = await bench.control(
            "POST", "faults",
            [
                "kind": "throttle", "path": "/v1.0/users", "count": 2,
                "retryAfter": wait.map { .int(Int64($0)) } ?? .null,
            ])
        for _ in 0..<2 {
            let answer = await bench.graph("GET", "/v1.0/users?$top=1", token: token)
            #expect(answer.status == 429)
            #expect(answer.errorCode == "TooManyRequests")
            #expect(answer.headers["Retry-After"] == wait.map { "\($0)" })
        }
        #expect(await bench.graph("GET", "/v1.0/users?$top=1", token: token).status == 200)
    }

    @Test(
        "errors of the service have its words",
        arguments: [(500, "generalException"), (503, "serviceNotAvailable"), (504, "UnknownError")])
    func errors(status: Int, code: String) async {
        let bench = Bench()
        let token = await bench.token()
        _ = await bench.control("POST", "faults", ["kind": "status", "status": .int(Int64(status)), "path": "/v1.0"])
        #expect(await bench.graph("GET", "/v1.0/me", token: token).errorCode == code)
        _ = await bench.control("DELETE", "faults")
        #expect(await bench.graph("GET", "/v1.0/me", token: token).status == 200)
    }

    @Test("tokens that were revoked are refused at every service and at the token endpoint; new ones hold")
    func revoked() async throws {
        let bench = Bench()
        let tokens = await bench.signIn()
        let old = try #require(tokens["access_token"]?.string)
        let refresh = try #require(tokens["refresh_token"]?.string)
        #expect(
            await bench.control("POST", "faults", ["kind": "revoked", "account": "nobody@x.example"]).status == 404)
        #expect(await bench.control("POST", "faults", ["kind": "revoked"]).status == 201)
        #expect(await bench.graph("GET", "/v1.0/me", token: old).status == 401)
        let renewed = await bench.refresh(refresh)
        #expect(renewed.status == 400 && String(decoding: renewed.bytes, as: UTF8.self).contains("AADSTS50173"))
        let fresh = await bench.token()
        #expect(await bench.graph("GET", "/v1.0/me", token: fresh).status == 200)
    }

    @Test("a challenge stands until a token comes that was asked for with its claims")
    func challenge() async throws {
        let bench = Bench()
        let tokens = await bench.signIn()
        let old = try #require(tokens["access_token"]?.string)
        let refresh = try #require(tokens["refresh_token"]?.string)
        _ = await bench.control("POST", "faults", ["kind": "challenge", "path": "/v1.0/me"])
        for _ in 0..<2 {
            let refused = await bench.graph("GET", "/v1.0/me", token: old)
            #expect(refused.status == 401)
            #expect(refused.headers["WWW-Authenticate"]?.contains("insufficient_claims") == true)
        }
        let claims = #"{"access_token":{"acrs":{"essential":true,"value":"c1"}}}"#
        let answer = try JSONParser.parse(await bench.refresh(refresh, more: [("claims", claims)]).bytes)
        let token = try #require(answer["access_token"]?.string)
        #expect(await bench.graph("GET", "/v1.0/me", token: token).status == 200)
        #expect(await bench.graph("GET", "/v1.0/me", token: old).status == 401)
    }

    @Test("consent is refused for one service, and for apps that aren't Microsoft's own")
    func refusedConsent() async throws {
        let bench = Bench()
        let refresh = try #require(await bench.signIn()["refresh_token"]?.string)
        _ = await bench.control("POST", "faults", ["kind": "refusedConsent", "resource": "exchange"])
        let exchange = await bench.refresh(refresh, scope: "https://outlook.office365.com/.default")
        #expect(exchange.status == 400 && String(decoding: exchange.bytes, as: UTF8.self).contains("AADSTS65001"))
        #expect(await bench.refresh(refresh, scope: "https://management.azure.com/.default").status == 200)
        #expect(
            await bench.control("POST", "faults", ["kind": "refusedConsent", "resource": "toast"]).status == 400)
    }

    @Test("a bad gateway answers HTML")
    func badGateway() async {
        let bench = Bench()
        let token = await bench.token()
        _ = await bench.control("POST", "faults", ["kind": "status", "status": 502, "path": "/v1.0", "count": 1])
        let answer = await bench.graph("GET", "/v1.0/me", token: token)
        #expect(answer.headers["Content-Type"] == "text/html")
    }

    @Test("a fault spares the first requests, other methods and other paths")
    func aim() async {
        let bench = Bench()
        let token = await bench.token()
        _ = await bench.control(
            "POST", "faults",
            ["kind": "status", "status": 500, "path": "/v1.0/*/messages", "method": "GET", "skip": 1, "count": 1])
        #expect(await bench.graph("GET", "/v1.0/me", token: token).status == 200)
        #expect(await bench.graph("GET", "/v1.0/me/messages", token: token).status == 200)
        #expect(await bench.graph("POST", "/v1.0/me/messages", token: token, body: ["subject": "x"]).status == 201)
        #expect(await bench.graph("GET", "/v1.0/me/messages", token: token).status == 500)
        #expect(await bench.graph("GET", "/v1.0/me/messages", token: token).status == 200)
    }

    @Test("tokens run out, codes run out, somebody else approves")
    func signIn() async {
        let bench = Bench()
        let token = await bench.token()
        _ = await bench.control("POST", "faults", ["kind": "expiredToken", "path": "/v1.0/me", "count": 1])
        #expect(
            await bench.graph("GET", "/v1.0/me", token: token).json["error"]?["message"]
                == "Lifetime validation failed, the token is expired.")
        _ = await bench.control("POST", "faults", ["kind": "claimsChallenge", "path": "/v1.0/me", "count": 1])
        #expect(
            await bench.graph("GET", "/v1.0/me", token: token).headers["WWW-Authenticate"]?.contains(
                "insufficient_claims")
                == true)
        _ = await bench.control("POST", "faults", ["kind": "expiredCode", "path": "*/token", "count": 1])
        let code = await bench.startDeviceCode().json["device_code"]?.string ?? ""
        #expect(await bench.poll(code).errorCode == "expired_token")
        _ = await bench.control("POST", "faults", ["kind": "wrongAccount", "path": "*/token", "count": 1])
        let tokens = await bench.signIn()
        #expect(claims(of: tokens["id_token"])["preferred_username"]?.string == TenantIdentity.wrongAccount)
        _ = await bench.control(
            "POST", "faults", ["kind": "tokenError", "number": 53_003, "path": "*/token", "count": 1])
        let refused = await bench.refresh(tokens["refresh_token"]?.string ?? "")
        #expect(refused.errorCode == "interaction_required")
        #expect(refused.json["suberror"] == "message_only")
    }

    @Test("pages without end, pages elsewhere, redirects elsewhere, torn and broken bodies")
    func paging() async {
        let bench = Bench()
        let token = await bench.token()
        _ = await bench.control("POST", "faults", ["kind": "endlessPaging", "path": "/v1.0/domains", "count": 1])
        #expect(
            await bench.graph("GET", "/v1.0/domains", token: token).json["@odata.nextLink"]?.string?.hasPrefix(
                Bench.base) == true)
        _ = await bench.control(
            "POST", "faults",
            ["kind": "foreignNextLink", "path": "/v1.0/users", "count": 1, "host": "http://127.0.0.1:9"])
        #expect(
            await bench.graph("GET", "/v1.0/users?$top=2", token: token).json["@odata.nextLink"]?.string?.hasPrefix(
                "http://127.0.0.1:9/v1.0/users?") == true)
        _ = await bench.control(
            "POST", "faults", ["kind": "redirect", "path": "/v1.0/me", "count": 1, "to": "https://elsewhere.example/"])
        #expect(await bench.graph("GET", "/v1.0/me", token: token).headers["Location"] == "https://elsewhere.example/")
        _ = await bench.control("POST", "faults", ["kind": "torn", "path": "/v1.0/me", "count": 1, "bytes": 10])
        let torn = await bench.graph("GET", "/v1.0/me", token: token)
        let sent = Mutex<[UInt8]>([])
        await #expect(throws: HTTPError.self) {
            guard case .stream(_, let write) = torn.body else { return }
            try await write(HTTPResponseWriter { part in sent.withLock { $0 += part } })
        }
        #expect(sent.withLock(\.count) == 10)
        _ = await bench.control(
            "POST", "faults", ["kind": "latency", "path": "/v1.0/me", "count": 1, "milliseconds": 250])
        let start = ContinuousClock.now
        #expect(await bench.graph("GET", "/v1.0/me", token: token).status == 200)
        #expect(start.duration(to: .now) >= .milliseconds(250))
        _ = await bench.control("POST", "faults", ["kind": "garbage", "path": "/v1.0/me", "count": 1])
        #expect(await bench.graph("GET", "/v1.0/me", token: token).json == .null)
        _ = await bench.control("POST", "faults", ["kind": "resync", "path": "/v1.0/users/delta", "count": 1])
        #expect(await bench.graph("GET", "/v1.0/users/delta", token: token).status == 410)
    }

    @Test("the token endpoint and the platform fail in their own form")
    func forms() async {
        let bench = Bench()
        _ = await bench.control(
            "POST", "faults", ["kind": "throttle", "path": "*/token", "retryAfter": 60, "count": 1])
        let token = await bench.poll("x")
        #expect(token.errorCode == "temporarily_unavailable")
        #expect(token.headers["Retry-After"] == "60")
        _ = await bench.control("POST", "faults", ["kind": "throttle", "path": "/subscriptions", "count": 1])
        #expect(await bench.send("GET", "/subscriptions?api-version=1").errorCode == "SubscriptionRequestsThrottled")
    }

    @Test(
        "a fault that can't be is refused with what is wrong",
        arguments: [
            ["kind": "flood"], ["kind": "status", "status": 200], ["kind": "latency", "milliseconds": -1],
            ["kind": "redirect"], ["kind": "torn", "colour": 1], ["kind": "status", "number": 403],
            ["kind": "throttle", "path": "v1.0"], ["kind": "throttle", "count": 0], ["kind": "tokenError"], [:],
            ["kind": "foreignNextLink", "host": "elsewhere.example"],
        ] as [JSONValue])
    func refused(description: JSONValue) async {
        let bench = Bench()
        let answer = await bench.control("POST", "faults", description)
        #expect(answer.status == 400)
        #expect(answer.json["error"]?["message"]?.string?.isEmpty == false)
        #expect(await bench.control("GET", "faults").json["faults"] == [])
    }

    @Test("the journal says who was asked for what, and never holds a token")
    func journal() async {
        let bench = Bench()
        let tokens = await bench.signIn()
        let token = tokens["access_token"]?.string ?? "-"
        _ = await bench.graph("GET", "/v1.0/me", token: token)
        let text = await bench.control("GET", "requests").text
        #expect(text.contains("/v1.0/me"))
        #expect(text.contains(#""authorized":true"#))
        #expect(!text.contains(token))
        #expect(!text.contains(tokens["refresh_token"]?.string ?? "-"))
    }
}
