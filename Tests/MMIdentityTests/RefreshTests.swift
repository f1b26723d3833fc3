import MMCore
import MMHTTP
import TestSupport
import Testing

@testable import MMIdentity

@Suite("Refreshing", .timeLimit(.minutes(5)))
struct RefreshTests {
    let home: TestHome
    let clock: TestClock

    init() throws {
        home = try TestHome()
        // The fixtures' tokens end at 1767230421.
        clock = TestClock()
        try home.write(
            "Contoso.json", JSONWriter.bytes(try Fixture.json("graph/msal-cache-user.json"), layout: .indented(4)))
    }

    private func service(_ transport: ScriptedTransport) -> IdentityService {
        .scripted(home, transport, clock: clock)
    }

    private func nobody() -> ScriptedTransport { ScriptedTransport { _, _ in HTTPResponse(status: 599) } }

    @Test("a cache written by MSAL for Python is used unchanged, for both resources")
    func readsMSAL() async throws {
        let transport = nobody()
        let service = service(transport)
        let connection = try Contoso.connection()
        #expect(try await service.token(for: connection).secret.reveal() == "FAKE-graph-access-token")
        #expect(try await service.token(for: connection, resource: .flow).secret.reveal() == "FAKE-flow-access-token")
        #expect(transport.requests.isEmpty)
    }

    @Test("a token with less than five minutes left is refreshed", arguments: [(301, 0), (299, 1), (-1, 1)])
    func refreshesEarly(left: Int64, requests: Int) async throws {
        clock.advance(1_767_230_421 - clock.now - left)
        let transport = ScriptedTransport { _, _ in Contoso.tokens(access: "NEW") }
        let service = service(transport)
        _ = try await service.token(for: try Contoso.connection())
        await service.finishRenewals(within: .seconds(120))
        #expect(transport.requests.count == requests)
    }

    @Test("the recorded refresh for Flow keeps Graph's token and replaces the refresh token in place")
    func recordedRefresh() async throws {
        let recorded = try Fixture.json("graph/entra-token-refresh-flow-resource.json")
        var cache = try #require(try Fixture.json("graph/msal-cache-user.json").object)
        var access = try #require(cache["AccessToken"]?.object)
        for key in access.keys where key.contains("flow") { access[key] = nil }
        cache["AccessToken"] = .object(access)
        cache["SomethingNew"] = ["kept": true]
        try home.write("Contoso.json", JSONWriter.bytes(.object(cache)))
        let body = try #require(recorded["response"]?["body"])
        let transport = ScriptedTransport { _, _ in .json(body) }
        let token = try await service(transport).token(for: try Contoso.connection(), resource: .flow)
        #expect(token.secret.reveal() == "FAKE-flow-access-token")
        let sent = try #require(transport.requests.first)
        #expect(sent.url == recorded["request"]?["url"]?.string)
        #expect(sent.form["refresh_token"] == "FAKE-refresh-token-2")
        let after = try home.object("Contoso.json")
        var expected = try #require(try Fixture.json("graph/msal-cache-user.json").object)
        expected["SomethingNew"] = ["kept": true]
        #expect(after == expected, "exactly what MSAL would have written")
    }

    @Test("the new refresh token is on disk before the access token is handed out")
    func writtenFirst() async throws {
        clock.advance(10_000)
        let transport = ScriptedTransport { _, _ in Contoso.tokens(access: "NEW", refresh: "ROTATED") }
        _ = try await service(transport).token(for: try Contoso.connection())
        let text = String(decoding: try #require(try home.read("Contoso.json")), as: UTF8.self)
        #expect(text.contains("ROTATED") && !text.contains("FAKE-refresh-token-2"))
        #expect(fileMode("\(home.tokens)/Contoso.json") == 0o600)
    }

    @Test("simultaneous callers share one refresh")
    func singleFlight() async throws {
        clock.advance(10_000)
        let transport = ScriptedTransport { _, _ in Contoso.tokens(access: "NEW") }
        let service = service(transport)
        let connection = try Contoso.connection()
        let tokens = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<50 { group.addTask { try await service.token(for: connection).secret.reveal() } }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(tokens == ["NEW"])
        #expect(transport.requests.count == 1)
    }

    @Test("two services with the same folder refresh once, like two processes")
    func twoServices() async throws {
        clock.advance(10_000)
        let transport = ScriptedTransport { _, _ in Contoso.tokens(access: "NEW") }
        let connection = try Contoso.connection()
        let services = (0..<8).map { _ in service(transport) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for service in services {
                group.addTask {
                    let token = try await service.token(for: connection)
                    #expect(token.secret.reveal() == "NEW")
                }
            }
            try await group.waitForAll()
        }
        #expect(transport.requests.count == 1)
    }

    @Test("while one process refreshes, another sends nothing, and names it if the deadline passes")
    func refreshLock() async throws {
        clock.advance(10_000)
        let gate = Gate()
        let transport = NumberingTransport(gate: gate, life: 3600)
        let (one, other) = (
            IdentityService(paths: home.paths, transport: transport, clock: clock.wall),
            IdentityService(paths: home.paths, transport: transport, clock: clock.wall)
        )
        let connection = try Contoso.connection()
        let first = Task { try await one.token(for: connection).secret.reveal() }
        await gate.untilReached()
        let error = await #expect(throws: MMError.self) {
            try await other.token(for: connection, deadline: .after(.milliseconds(300)))
        }
        #expect(error?.code == .conflict || error?.code == .deadlineExceeded)
        #expect(transport.count == 1)
        await gate.open()
        #expect(try await first.value == "token-1")
        #expect(try await other.token(for: connection).secret.reveal() == "token-1")
        #expect(transport.count == 1)
    }

    @Test("a token of a short lifetime is shared by waiting callers, and renewed in the background for later ones")
    func shortLived() async throws {
        clock.advance(10_000)
        let counter = Shown()
        let gate = Gate()
        let transport = NumberingTransport(gate: gate, life: 60)
        let connection = try Contoso.connection()
        let services = (0..<4).map { _ in IdentityService(paths: home.paths, transport: transport, clock: clock.wall) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for service in services {
                group.addTask { counter.add(try await service.token(for: connection).secret.reveal()) }
            }
            await gate.untilReached()
            // The others have seen the old token by now or will find the new one: both end with one request.
            await gate.open()
            try await group.waitForAll()
        }
        #expect(transport.count >= 1 && Set(counter.codes).count == transport.count)
        let before = transport.count
        let last = try #require(counter.codes.last)
        #expect(try await services[0].token(for: connection).secret.reveal() == last)
        await services[0].finishRenewals(within: .seconds(120))
        #expect(transport.count == before + 1)
    }

    @Test("a caller who leaves doesn't cancel the refresh")
    func cancelledCaller() async throws {
        clock.advance(10_000)
        let gate = Gate()
        let transport = GatedTransport(gate: gate, answer: Contoso.tokens(access: "NEW", refresh: "ROTATED"))
        let service = IdentityService(paths: home.paths, transport: transport, clock: clock.wall)
        let connection = try Contoso.connection()
        let caller = Task { try await service.token(for: connection) }
        await gate.untilReached()
        caller.cancel()
        let result = await caller.result
        #expect(throws: MMError.self) { try result.get() }
        await gate.open()
        #expect(try await service.token(for: connection).secret.reveal() == "NEW")
        let text = String(decoding: try #require(try home.read("Contoso.json")), as: UTF8.self)
        #expect(text.contains("ROTATED"))
    }

    @Test("a refused token is replaced once, with the requested claims merged with ours")
    func claimsChallenge() async throws {
        let transport = ScriptedTransport { _, _ in Contoso.tokens(access: "NEW") }
        let service = service(transport)
        let connection = try Contoso.connection()
        let old = try await service.token(for: connection)
        let claims = #"{"access_token":{"nbf":{"essential":true,"value":"1767225600"}}}"#
        let new = try await service.token(insteadOf: old, for: connection, claims: claims)
        #expect(new.secret.reveal() == "NEW")
        let sentClaims = try #require(transport.requests.first?.form["claims"])
        let sent = try JSONParser.parse(sentClaims)
        #expect(sent["access_token"]?["nbf"]?["value"] == "1767225600")
        #expect(sent["access_token"]?["xms_cc"]?["values"] == ["CP1"])
        // A later caller with the same refused token gets the new one without a request.
        #expect(try await service.token(insteadOf: old, for: connection).secret.reveal() == "NEW")
        #expect(transport.requests.count == 1)
    }

    @Test("a refresh that needs a person starts a sign-in with the answer's claims, and isn't repeated")
    func interactionRequired() async throws {
        clock.advance(10_000)
        let claims = #"{"access_token":{"capolids":{"essential":true,"values":["x"]}}}"#
        let transport = ScriptedTransport { request, _ in
            if request.url.hasSuffix("/devicecode") { return Contoso.deviceCode() }
            return request.form["grant_type"] == "refresh_token"
                ? Contoso.refusal("interaction_required", code: 50076, suberror: "basic_action", claims: claims)
                : Contoso.refusal("authorization_pending")
        }
        let service = service(transport)
        let connection = try Contoso.connection()
        for _ in 0..<4 {
            await #expect(throws: MMError.self) { try await service.token(for: connection) }
            clock.advance(5)
        }
        let refreshes = transport.requests.filter { $0.form["grant_type"] == "refresh_token" }
        #expect(refreshes.count == 1)
        let start = try #require(transport.requests.first { $0.url.hasSuffix("/devicecode") })
        let sentClaims = try #require(start.form["claims"])
        let sent = try JSONParser.parse(sentClaims)
        #expect(sent["access_token"]?["capolids"] != nil && sent["access_token"]?["xms_cc"] != nil)
    }

    @Test("a failed refresh leaves the refresh token in the cache")
    func keepsRefreshToken() async throws {
        clock.advance(10_000)
        let before = try home.read("Contoso.json")
        let transport = ScriptedTransport { request, _ in
            request.url.hasSuffix("/devicecode") ? Contoso.deviceCode() : Contoso.refusal("invalid_grant", code: 50173)
        }
        await #expect(throws: MMError.self) { try await service(transport).token(for: try Contoso.connection()) }
        #expect(try home.read("Contoso.json") == before)
    }

    @Test(
        "during trouble of the sign-in service the old token is used until it expires",
        arguments: [HTTPResponse(status: 503), HTTPResponse(status: 200, body: Array("<html>".utf8)), nil])
    func usesUpOldToken(answer: HTTPResponse?) async throws {
        clock.advance(1_767_230_421 - clock.now - 120)
        let transport = ScriptedTransport { _, _ throws(HTTPError) in
            guard let answer else { throw HTTPError(.connect, "no route") }
            return answer
        }
        // The pauses between attempts must not exceed the token's lifetime.
        let service = IdentityService(paths: home.paths, transport: transport, clock: clock.wall) { _ in }
        #expect(try await service.token(for: try Contoso.connection()).secret.reveal() == "FAKE-graph-access-token")
        clock.advance(200)
        await #expect(throws: MMError.self) { try await service.token(for: try Contoso.connection()) }
    }

    @Test("a busy sign-in service is asked again after the time that it names")
    func retryAfter() async throws {
        clock.advance(10_000)
        let transport = ScriptedTransport { _, number in
            number == 0
                ? Contoso.refusal("temporarily_unavailable", code: 90033, status: 503, headers: ["Retry-After": "5"])
                : Contoso.tokens(access: "NEW")
        }
        let before = clock.now
        #expect(try await service(transport).token(for: try Contoso.connection()).secret.reveal() == "NEW")
        #expect(clock.now - before >= 5 && transport.requests.count == 2)
    }

    @Test(
        "a renewal without an answer is repeated like one that meets a fault of the service",
        arguments: [
            (HTTPError(.connectionLost, "reset", mayHaveBeenSent: false), 5), (HTTPError(.connect, "no route"), 3),
            (HTTPError(.connectionLost, "torn"), 5), (HTTPError(.timeout, "slow"), 5), (HTTPError(.tls, "expired"), 1),
            (HTTPError(.proxy, "407"), 1), (HTTPError(.timeout, "nobody answers", mayHaveBeenSent: false), 3),
        ])
    func networkFaults(fault: HTTPError, requests: Int) async throws {
        clock.advance(10_000)
        let transport = ScriptedTransport { _, _ throws(HTTPError) in throw fault }
        let service = IdentityService(paths: home.paths, transport: transport, clock: clock.wall) { _ in }
        let connection = try Contoso.connection()
        let error = await #expect(throws: MMError.self) { try await service.token(for: connection) }
        #expect(error?.code == .unavailable || error?.code == .deadlineExceeded)
        #expect(transport.requests.count == requests)
    }

    @Test("a refresh names the app and the region of the account")
    func headers() async throws {
        clock.advance(10_000)
        let transport = ScriptedTransport { _, _ in Contoso.tokens(access: "NEW") }
        let service = IdentityService(paths: home.paths, transport: transport, clock: clock.wall) { _ in }
        _ = try await service.token(for: try Contoso.connection())
        let headers = try #require(transport.requests.first?.headers)
        #expect(headers["X-AnchorMailbox"] == "Oid:\(Contoso.objectID)@\(Contoso.tenant)")
        #expect(headers["x-ms-lib-capability"] == "retry-after, h429")
        #expect(headers["x-client-SKU"] == "mm" && headers["x-client-VER"] == ProductVersion.text)
        #expect(headers["x-client-OS"] == "linux" && headers["x-client-CPU"]?.isEmpty == false)
    }

    @Test("the pinned account under another name is refused and its tokens stay")
    func renamed() async throws {
        let transport = nobody()
        let connection = try Contoso.connection()
        _ = try await service(transport).token(for: connection)
        let before = try home.read("Contoso.json")
        let renamed = try Contoso.connection(expectedEmail: "adele.new@contoso.example")
        let error = await #expect(throws: MMError.self) { try await service(transport).token(for: renamed) }
        #expect(error?.code == .forbidden)
        #expect(error?.message.contains("adele.admin@contoso.example") == true)
        #expect(try home.read("Contoso.json") == before)
        #expect(transport.requests.isEmpty)
    }

    @Test("an account with the expected name that isn't the pinned one is refused")
    func anotherAccountOfThatName() async throws {
        let pin = AccountPin(tenantId: Contoso.tenant, objectId: "99999999-0000-4000-8000-000000000001")
        let cursor = Cursor(polls: [Contoso.tokens()], codes: [Contoso.deviceCode()])
        let transport = ScriptedTransport { request, _ in
            request.url.hasSuffix("/devicecode") ? cursor.nextCode() : cursor.nextPoll()
        }
        let service = service(transport)
        let connection = try Contoso.connection(pin: pin)
        let first = await #expect(throws: MMError.self) { try await service.token(for: connection) }
        #expect(first?.code == .signInNeeded, "the cached account is not the pinned one")
        clock.advance(5)
        let second = await #expect(throws: MMError.self) { try await service.token(for: connection) }
        #expect(second?.code == .forbidden)
    }

    @Test("a refresh answered for another account is refused and not stored")
    func refreshOfAnother() async throws {
        clock.advance(10_000)
        let before = try home.read("Contoso.json")
        let transport = ScriptedTransport { _, _ in
            Contoso.tokens(access: "NEW", claims: ["oid": "66666666-0000-4000-8000-000000000001"])
        }
        let error = await #expect(throws: MMError.self) {
            try await service(transport).token(for: try Contoso.connection(expectedEmail: nil))
        }
        #expect(error?.code == .forbidden)
        #expect(try home.read("Contoso.json") == before)
    }

    @Test("signing out removes this app's tokens and account, and nothing else")
    func signOut() async throws {
        var cache = try #require(try Fixture.json("graph/msal-cache-user.json").object)
        cache["SomethingNew"] = ["kept": true]
        try home.write("Contoso.json", JSONWriter.bytes(.object(cache)))
        let service = service(nobody())
        let connection = try Contoso.connection()
        let result = try await service.signOut(connection)
        #expect(result.accounts == [Contoso.email])
        let after = try home.object("Contoso.json")
        #expect(after["SomethingNew"] == ["kept": true])
        #expect(after["AppMetadata"] == cache["AppMetadata"])
        for kind in ["AccessToken", "RefreshToken", "IdToken", "Account"] {
            #expect(after[kind]?.object?.isEmpty == true)
        }
        guard case .signedOut = await service.state(of: connection) else {
            Issue.record("still signed in")
            return
        }
    }

    @Test(
        "a proxy's error page instead of the service doesn't discard a valid token",
        arguments: [302, 400, 403, 407, 451])
    func answeredByProxy(status: Int) async throws {
        clock.advance(1_767_230_421 - clock.now - 200)
        let page = HTTPResponse(
            status: status, headers: ["Content-Type": "text/html"], body: Array("<html>Log in</html>".utf8))
        let service = service(ScriptedTransport { _, _ in page })
        #expect(try await service.token(for: try Contoso.connection()).secret.reveal() == "FAKE-graph-access-token")
        clock.advance(300)
        let error = await #expect(throws: MMError.self) { try await service.token(for: try Contoso.connection()) }
        #expect(error?.code == .remoteFailed && error?.message.contains("HTTP \(status)") == true)
    }

    @Test(
        "after a refresh whose id_token is refused the refresh token is kept, and no call uses the access token",
        arguments: [
            ["preferred_username": "renamed@contoso.example"], ["exp": 1_767_220_000], ["nbf": 4_000_000_000],
        ] as [JSONObject])
    func refusedIdentity(claims: JSONObject) async throws {
        clock.advance(1_767_230_421 - clock.now + 10)
        let transport = ScriptedTransport { _, _ in Contoso.tokens(access: "NEW", refresh: "RENEWED", claims: claims) }
        for _ in 0..<2 {
            let error = await #expect(throws: MMError.self) {
                try await service(transport).token(for: try Contoso.connection())
            }
            #expect(error?.code == .forbidden && error?.hint?.contains("discarded") == false)
        }
        let kept = String(decoding: try #require(try home.read("Contoso.json")), as: UTF8.self)
        #expect(kept.contains("RENEWED") && !kept.contains("FAKE-refresh-token") && !kept.contains("NEW\""))
    }

    @Test("tokens for another account are not written")
    func otherAccount() async throws {
        clock.advance(1_767_230_421 - clock.now + 10)
        let transport = ScriptedTransport { _, _ in
            Contoso.tokens(refresh: "OF-ANOTHER", claims: ["oid": "22222222-0000-4000-8000-000000000009"])
        }
        let error = await #expect(throws: MMError.self) {
            try await service(transport).token(for: try Contoso.connection())
        }
        #expect(error?.code == .forbidden)
        #expect(!String(decoding: try #require(try home.read("Contoso.json")), as: UTF8.self).contains("OF-ANOTHER"))
    }

    @Test("the state is read from the files alone")
    func state() async throws {
        let transport = ScriptedTransport { _, _ in Contoso.deviceCode() }
        let service = service(transport)
        guard case .signedIn(let account, let expiresAt) = await service.state(of: try Contoso.connection()) else {
            Issue.record("not signed in")
            return
        }
        #expect(account.username == Contoso.email && expiresAt == Timestamp(seconds: 1_767_230_421))
        #expect(transport.requests.isEmpty)
        let other = try Contoso.connection("Other")
        guard case .signedOut = await service.state(of: other) else {
            Issue.record("signed in?")
            return
        }
        _ = try await service.beginSignIn(other)
        guard case .pending(let prompt) = await service.state(of: other) else {
            Issue.record("no code")
            return
        }
        #expect(prompt.userCode == "CTSO7K9QX")
    }
}
