import MMCore
import MMHTTP
import TestSupport
import Testing

@testable import MMIdentity

@Suite("Signing in by device code", .timeLimit(.minutes(5)))
struct DeviceSignInTests {
    let home: TestHome
    let clock = TestClock()

    init() throws { home = try TestHome() }

    /// Answers device codes and, by script, polls.
    private func entra(_ polls: [HTTPResponse], codes: [HTTPResponse] = [Contoso.deviceCode()]) -> ScriptedTransport {
        let cursor = Cursor(polls: polls, codes: codes)
        return ScriptedTransport { request, _ in
            request.url.hasSuffix("/devicecode") ? cursor.nextCode() : cursor.nextPoll()
        }
    }

    private func signInNeeded(_ service: IdentityService, _ connection: Connection) async -> MMError? {
        do {
            _ = try await service.token(for: connection)
            return nil
        } catch {
            return error
        }
    }

    @Test("the first call answers at once with code, address, account and expiry")
    func firstCall() async throws {
        let transport = entra([])
        let service = IdentityService.scripted(home, transport, clock: clock)
        let error = try #require(await signInNeeded(service, try Contoso.connection()))
        #expect(error.code == .signInNeeded)
        #expect(error.details["userCode"] == "CTSO7K9QX")
        #expect(error.details["verificationUri"] == "https://microsoft.com/devicelogin")
        #expect(error.details["account"] == .string(Contoso.email))
        #expect(error.details["connection"] == "Contoso")
        #expect(error.details["expiresAt"] == "2026-01-01T00:15:00Z")
        #expect(error.message.contains("CTSO7K9QX") && error.message.contains(Contoso.email))
        #expect(!"\(error.json)".contains("FAKE-device"))
        let form = try #require(transport.requests.first).form
        #expect(form["client_id"] == Contoso.app)
        #expect(form["claims"] == #"{"access_token":{"xms_cc":{"values":["CP1"]}}}"#)
        #expect(form["scope"] == "https://graph.microsoft.com/.default offline_access openid profile")
    }

    @Test("a call before the interval has passed returns the same code at once; a later one asks the service")
    func honoursInterval() async throws {
        let transport = entra([Contoso.tokens()])
        let service = IdentityService.scripted(home, transport, clock: clock)
        let connection = try Contoso.connection()
        let start = clock.now
        _ = await signInNeeded(service, connection)
        clock.advance(2)
        let early = try #require(await signInNeeded(service, connection))
        #expect(early.details["userCode"] == "CTSO7K9QX")
        #expect(clock.now == start + 2 && transport.requests.count == 1)
        clock.advance(3)
        #expect(try await service.token(for: connection).secret.reveal() == "FAKE-access")
        #expect(transport.requests.count == 2)
    }

    @Test("each later call polls once, with one correlation id for the whole sign-in")
    func pollsOncePerCall() async throws {
        let pending = Contoso.refusal("authorization_pending", code: 70016)
        let transport = entra([pending, pending])
        let service = IdentityService.scripted(home, transport, clock: clock)
        let connection = try Contoso.connection()
        for _ in 0..<3 {
            _ = await signInNeeded(service, connection)
            clock.advance(5)
        }
        #expect(transport.requests.count == 3)
        let polls = transport.requests.dropFirst()
        #expect(polls.allSatisfy { $0.form["grant_type"] == "urn:ietf:params:oauth:grant-type:device_code" })
        #expect(polls.allSatisfy { $0.form["device_code"] == "FAKE-device-CTSO7K9QX" && $0.form["client_info"] == "1" })
        #expect(Set(transport.requests.compactMap { $0.headers["client-request-id"] }).count == 1)
    }

    @Test("another process continues with the code, and after the approval the call just returns the token")
    func otherProcess() async throws {
        let connection = try Contoso.connection()
        _ = await signInNeeded(IdentityService.scripted(home, entra([]), clock: clock), connection)
        clock.advance(30)
        let transport = entra([Contoso.tokens()])
        let token = try await IdentityService.scripted(home, transport, clock: clock).token(for: connection)
        #expect(token.secret.reveal() == "FAKE-access")
        #expect(token.account.username == Contoso.email)
        #expect(transport.requests.count == 1, "no second code was asked for")
        #expect(home.tokenFiles == ["Contoso.json"], "the pending sign-in is gone")
        // From here on no request is sent.
        let quiet = entra([])
        _ = try await IdentityService.scripted(home, quiet, clock: clock).token(for: connection)
        #expect(quiet.requests.isEmpty)
    }

    @Test("files of a sign-in are readable by their owner alone, in a folder of 0700")
    func modes() async throws {
        _ = await signInNeeded(IdentityService.scripted(home, entra([]), clock: clock), try Contoso.connection())
        #expect(fileMode(home.tokens) == 0o700)
        #expect(fileMode("\(home.tokens)/Contoso.flow.json") == 0o600)
    }

    @Test("slow_down makes the interval five seconds longer, for other processes too")
    func slowDown() async throws {
        let connection = try Contoso.connection()
        let transport = entra([Contoso.refusal("slow_down"), Contoso.tokens()])
        let service = IdentityService.scripted(home, transport, clock: clock)
        _ = await signInNeeded(service, connection)
        clock.advance(5)
        let slowed = try #require(await signInNeeded(service, connection))
        #expect(slowed.details["interval"] == 10)
        let slow = clock.now
        let other = IdentityService.scripted(home, transport, clock: clock)
        clock.advance(9)
        _ = await signInNeeded(other, connection)
        #expect(transport.requests.count == 2 && clock.now == slow + 9)
        clock.advance(1)
        #expect(try await other.token(for: connection).secret.reveal() == "FAKE-access")
    }

    @Test(
        "a new code says of the one before why it failed: it wasn't approved in time, or what the service said",
        arguments: [
            ("expired_token", 70_020, "expired before it was approved"), ("invalid_grant", 70_019, "expired before"),
            ("invalid_grant", 500_121, "AADSTS500121"), ("invalid_grant", 50_134, "AADSTS50134"),
        ])
    func fateOfCode(error: String, number: Int, words: String) async throws {
        let connection = try Contoso.connection()
        let transport = entra(
            [Contoso.refusal(error, code: number)], codes: [Contoso.deviceCode(), Contoso.deviceCode("ANOTHER77")])
        let service = IdentityService.scripted(home, transport, clock: clock)
        _ = await signInNeeded(service, connection)
        clock.advance(5)
        let told = try #require(await signInNeeded(service, connection))
        #expect(told.details["userCode"] == "ANOTHER77")
        #expect(told.message.contains(words), "\(told.message)")
        #expect(told.message.contains("expired") == words.contains("expired"), "\(told.message)")
    }

    @Test("a code that is open for one service is the state of all, since they share its sign-in")
    func stateOfAll() async throws {
        let connection = try Contoso.connection()
        let transport = entra([Contoso.refusal("authorization_pending")])
        let service = IdentityService.scripted(home, transport, clock: clock)
        await #expect(throws: MMError.self) { try await service.token(for: connection, resource: .exchange) }
        for resource in [ServiceResource.graph, .flow, .exchange] {
            guard case .pending(let prompt) = await service.state(of: connection, resource: resource) else {
                Issue.record("\(resource.name) knows of no code")
                continue
            }
            #expect(prompt.userCode == "CTSO7K9QX" && prompt.resource == .exchange)
        }
        clock.advance(1_000)
        guard case .signedOut = await service.state(of: connection) else {
            Issue.record("the code has expired")
            return
        }
    }

    @Test("a poll without an answer keeps the code and halves the rate")
    func networkFailure() async throws {
        let connection = try Contoso.connection()
        let cursor = Cursor(polls: [Contoso.tokens()], codes: [Contoso.deviceCode()])
        let transport = ScriptedTransport { request, number throws(HTTPError) in
            if number == 1 { throw HTTPError(.connect, "no route") }
            return request.url.hasSuffix("/devicecode") ? cursor.nextCode() : cursor.nextPoll()
        }
        let service = IdentityService.scripted(home, transport, clock: clock)
        _ = await signInNeeded(service, connection)
        clock.advance(5)
        let error = try #require(await signInNeeded(service, connection))
        #expect(error.code == .signInNeeded && error.message.contains("no route"))
        clock.advance(9)
        _ = await signInNeeded(service, connection)
        #expect(transport.requests.count == 2)
        clock.advance(1)
        #expect(try await service.token(for: connection).secret.reveal() == "FAKE-access")
    }

    @Test(
        "an answer that isn't from the sign-in service keeps the code, and the error says what may intercept it",
        arguments: [302, 307, 400, 403, 404, 407, 408, 451])
    func answeredByProxy(status: Int) async throws {
        let page = HTTPResponse(
            status: status, headers: ["Content-Type": "text/html", "Via": "1.1 proxy.example"],
            body: Array("<html>Log in to the network</html>".utf8))
        let transport = entra([page, Contoso.tokens()])
        let service = IdentityService.scripted(home, transport, clock: clock)
        let connection = try Contoso.connection()
        _ = await signInNeeded(service, connection)
        clock.advance(6)
        let error = try #require(await signInNeeded(service, connection))
        #expect(error.code == .signInNeeded && error.details["userCode"] == "CTSO7K9QX")
        #expect(error.message.contains("proxy.example") || "\(error.json)".contains("proxy.example"), "\(error)")
        clock.advance(60)
        #expect(try await service.token(for: connection).secret.reveal() == "FAKE-access")
    }

    @Test("a declined sign-in is reported, stays declined for automatic callers, and starts again if a person asks")
    func declined() async throws {
        let connection = try Contoso.connection()
        let transport = entra(
            [Contoso.refusal("authorization_declined", code: 70018)],
            codes: [Contoso.deviceCode("FIRST1234"), Contoso.deviceCode("SECOND234")])
        let service = IdentityService.scripted(home, transport, clock: clock)
        _ = await signInNeeded(service, connection)
        clock.advance(5)
        let declined = try #require(await signInNeeded(service, connection))
        #expect(declined.code == .forbidden && declined.message.contains("declined"))
        #expect(declined.message.contains(Contoso.email))
        let again = try #require(await signInNeeded(service, connection))
        #expect(again.code == .forbidden)
        // A call for another service reports it too: the code was for that one as well.
        do throws(MMError) {
            _ = try await service.token(for: connection, resource: .arm)
            Issue.record("nobody has signed in")
        } catch {
            #expect(error.code == .forbidden && error.message.contains("declined"), "\(error)")
        }
        #expect(transport.requests.count == 2)
        let file = String(decoding: try #require(try home.read("Contoso.flow.json")), as: UTF8.self)
        #expect(!file.contains("FAKE-device"), "a code that is over isn't kept")
        guard case .waiting(let prompt) = try await service.beginSignIn(connection) else {
            Issue.record("a new code was due")
            return
        }
        #expect(prompt.userCode == "SECOND234")
    }

    @Test("the requests of a sign-in that is continued have no more time than its caller", arguments: [7, 600])
    func limitedTime(seconds: Int) async throws {
        let transport = entra([], codes: [Contoso.deviceCode()])
        let service = IdentityService.scripted(home, transport, clock: clock)
        _ = try await service.continueSignIn(try Contoso.connection(), deadline: .after(.seconds(seconds)))
        let times = transport.requests.map(\.timeout)
        #expect(!times.isEmpty && times.allSatisfy { $0 <= .seconds(min(seconds, 30)) }, "\(times)")
    }

    @Test("an expired code is replaced once; after the second a person has to ask")
    func expired() async throws {
        let connection = try Contoso.connection()
        let expired = Contoso.refusal("expired_token", code: 70020)
        let transport = entra(
            [expired, expired], codes: ["ONE111111", "TWO222222", "THREE3333"].map { Contoso.deviceCode($0) })
        let service = IdentityService.scripted(home, transport, clock: clock)
        _ = await signInNeeded(service, connection)
        clock.advance(5)
        let second = try #require(await signInNeeded(service, connection))
        #expect(second.details["userCode"] == "TWO222222")
        clock.advance(5)
        let third = try #require(await signInNeeded(service, connection))
        #expect(third.code == .signInNeeded && third.details["userCode"] == nil)
        #expect(third.hint?.contains("mm login") == true)
        guard case .waiting(let prompt) = try await service.beginSignIn(connection) else {
            Issue.record("a new code was due")
            return
        }
        #expect(prompt.userCode == "THREE3333")
    }

    @Test("who asks for a sign-in gets a new code at once, however many have expired")
    func expiredAgain() async throws {
        let connection = try Contoso.connection()
        let expired = Contoso.refusal("expired_token", code: 70020)
        let transport = entra(
            [expired, expired, expired],
            codes: ["ONE111111", "TWO222222", "THREE3333", "FOUR44444"].map { Contoso.deviceCode($0) })
        let service = IdentityService.scripted(home, transport, clock: clock)
        _ = await signInNeeded(service, connection)
        for code in ["TWO222222", "THREE3333", "FOUR44444"] {
            clock.advance(5)
            guard case .waiting(let prompt) = try await service.beginSignIn(connection) else {
                Issue.record("a new code was due")
                return
            }
            #expect(prompt.userCode == code && prompt.note?.contains("expired") == true, "\(prompt)")
        }
    }

    @Test(
        "a code that the service no longer accepts is replaced once, with the reason and the requested claims",
        arguments: [
            ("invalid_grant", 50_173, nil),
            ("interaction_required", 50_076, #"{"access_token":{"acrs":{"essential":true,"value":"c1"}}}"#),
        ] as [(String, Int, String?)])
    func unwanted(word: String, number: Int, claims: String?) async throws {
        let connection = try Contoso.connection()
        let refusal = Contoso.refusal(word, code: number, claims: claims)
        let transport = entra([refusal, refusal], codes: ["ONE111111", "TWO222222"].map { Contoso.deviceCode($0) })
        let service = IdentityService.scripted(home, transport, clock: clock)
        _ = await signInNeeded(service, connection)
        clock.advance(5)
        let second = try #require(await signInNeeded(service, connection))
        #expect(second.details["userCode"] == "TWO222222")
        #expect(second.message.contains("AADSTS\(number)") && !second.message.contains("ran out"), "\(second)")
        let asked = try #require(transport.requests.last { $0.url.hasSuffix("/devicecode") })
        if claims != nil { #expect(String(decoding: asked.body ?? [], as: UTF8.self).contains("acrs")) }
        clock.advance(5)
        let third = try #require(await signInNeeded(service, connection))
        #expect(third.code == .signInNeeded && third.details["userCode"] == nil)
        #expect(third.message.contains("AADSTS\(number)") && !third.message.contains("expired"), "\(third)")
        // Until a person asks for another one.
        let again = try #require(await signInNeeded(service, connection))
        #expect(again.message == third.message)
    }

    @Test("a code that expired hours ago doesn't count")
    func expiredLongAgo() async throws {
        let connection = try Contoso.connection()
        let transport = entra([], codes: ["ONE111111", "TWO222222", "THREE3333"].map { Contoso.deviceCode($0) })
        let service = IdentityService.scripted(home, transport, clock: clock)
        for code in ["ONE111111", "TWO222222", "THREE3333"] {
            let error = try #require(await signInNeeded(service, connection))
            #expect(error.details["userCode"] == .string(code))
            clock.advance(7200)
        }
        #expect(transport.requests.allSatisfy { $0.url.hasSuffix("/devicecode") })
    }

    @Test("a wrong account is named, nothing of it is stored, and other accounts stay")
    func wrongAccount() async throws {
        let connection = try Contoso.connection()
        let before = try #require(try Fixture.json("graph/msal-cache-user.json").object)
        var other = before
        // Another app's account in the same file.
        let text = String(decoding: JSONWriter.bytes(.object(other)), as: UTF8.self)
            .replacing(Contoso.app, with: "11111111-2222-4333-8444-555555555555")
        other = try #require(try JSONParser.parse(text).object)
        try home.write("Contoso.json", JSONWriter.bytes(.object(other)))
        let ben: JSONObject = [
            "preferred_username": "ben.baker@fabrikam.example", "oid": "66666666-0000-4000-8000-000000000001",
        ]
        let transport = entra([Contoso.tokens(access: "BEN-access", refresh: "BEN-refresh", claims: ben)])
        let service = IdentityService.scripted(home, transport, clock: clock)
        _ = await signInNeeded(service, connection)
        clock.advance(5)
        let error = try #require(await signInNeeded(service, connection))
        #expect(error.code == .forbidden)
        #expect(error.message.contains("ben.baker@fabrikam.example") && error.message.contains(Contoso.email))
        #expect(try home.object("Contoso.json") == other)
        let left = String(decoding: try #require(try home.read("Contoso.flow.json")), as: UTF8.self)
        #expect(!left.contains("FAKE-device") && !left.contains("BEN-"), "a code that is over isn't kept")
    }

    @Test(
        "a code that comes to nothing is reported to one who waits for it, and to all others with the next code",
        arguments: [
            (Contoso.tokens(claims: ["preferred_username": "ben@fabrikam.example"]), "ben@fabrikam.example"),
            (Contoso.refusal("consent_required", code: 65_001), "AADSTS65001"),
            (Contoso.refusal("interaction_required", code: 53_003), "AADSTS53003"),
            (Contoso.refusal("bad_verification_code"), "no longer knows"),
        ] as [(HTTPResponse, String)])
    func failureForAll(answer: HTTPResponse, reason: String) async throws {
        let connection = try Contoso.connection()
        let transport = entra(
            [answer, Contoso.tokens()], codes: [Contoso.deviceCode("FIRST1234"), Contoso.deviceCode("SECOND234")])
        let service = IdentityService.scripted(home, transport, clock: clock)
        #expect(await signInNeeded(service, connection)?.details["userCode"] == "FIRST1234")
        clock.advance(5)
        let told = await #expect(throws: MMError.self) {
            try await service.token(for: connection, resource: .exchange)
        }
        let said = [told?.message, told?.hint].compactMap(\.self).joined(separator: " ")
        #expect(said.contains(reason), "\(said)")
        #expect(told?.details["userCode"] == nil)
        let next = try #require(await signInNeeded(service, connection))
        #expect(next.details["userCode"] == "SECOND234" && next.message.contains(reason), "\(next)")
        #expect(next.details["note"]?.string?.contains(reason) == true)
        clock.advance(5)
        #expect(try await service.token(for: connection).secret.reveal() == "FAKE-access")
        #expect(home.tokenFiles == ["Contoso.json"])
    }

    @Test("a refusal that doesn't name the account says which one it had to be")
    func refusedAccount() async throws {
        let connection = try Contoso.connection()
        let transport = entra([Contoso.refusal("consent_required", code: 65_001)])
        let service = IdentityService.scripted(home, transport, clock: clock)
        _ = await signInNeeded(service, connection)
        clock.advance(5)
        let error = try #require(await signInNeeded(service, connection))
        #expect(error.code == .forbidden && error.hint?.contains(Contoso.email) == true, "\(error)")
    }

    @Test("whoever waits for a new sign-in isn't told that it succeeded when its code failed elsewhere")
    func renewalFailsElsewhere() async throws {
        try home.write("Contoso.json", JSONWriter.bytes(try Fixture.json("graph/msal-cache-user.json")))
        let connection = try Contoso.connection()
        let wrong = Contoso.tokens(claims: ["preferred_username": "ben@fabrikam.example"])
        let transport = entra(
            [wrong, Contoso.tokens(access: "ANEW")], codes: ["ONE111111", "TWO222222"].map { Contoso.deviceCode($0) })
        let service = IdentityService.scripted(home, transport, clock: clock)
        let other = IdentityService.scripted(home, transport, clock: clock)
        let shown = Shown()
        let account = try await service.signIn(connection, renewing: true) { prompt in
            shown.add(prompt.userCode)
            guard prompt.userCode == "ONE111111" else { return }
            clock.advance(5)
            await #expect(throws: MMError.self) { try await other.beginSignIn(connection, renewing: true) }
        }
        #expect(account.username == Contoso.email && shown.codes == ["ONE111111", "TWO222222"])
        #expect(try await service.token(for: connection).secret.reveal() == "ANEW")
    }

    @Test("a sign-in leaves no code behind that another service showed")
    func obsolete() async throws {
        let connection = try Contoso.connection()
        let transport = entra([Contoso.tokens()], codes: ["FIRST1234", "SECOND234"].map { Contoso.deviceCode($0) })
        let service = IdentityService.scripted(home, transport, clock: clock)
        await #expect(throws: MMError.self) { try await service.token(for: connection, resource: .exchange) }
        _ = try await service.beginSignIn(connection, renewing: true)
        #expect(home.tokenFiles == ["Contoso-exchange.flow.json", "Contoso.flow.json"])
        clock.advance(5)
        _ = try await service.beginSignIn(connection, renewing: true)
        #expect(home.tokenFiles == ["Contoso.json"])
    }

    @Test("a person may start a new sign-in, whichever service's code was declined")
    func declinedForOther() async throws {
        let connection = try Contoso.connection()
        let transport = entra(
            [Contoso.refusal("authorization_declined")],
            codes: [Contoso.deviceCode("FIRST1234"), Contoso.deviceCode("SECOND234")])
        let service = IdentityService.scripted(home, transport, clock: clock)
        for _ in 0..<2 {
            _ = await #expect(throws: MMError.self) { try await service.token(for: connection, resource: .exchange) }
            clock.advance(5)
        }
        guard case .waiting(let prompt) = try await service.beginSignIn(connection) else {
            Issue.record("a new code was due")
            return
        }
        #expect(prompt.userCode == "SECOND234")
    }

    @Test(
        "a code shown for any service serves every other one",
        arguments: [
            ServiceResource.flow, .teams, .sharePoint("contoso-admin"), ServiceResource(name: "api://contoso-hr"),
        ].compactMap(\.self))
    func anyServicesCode(resource: ServiceResource) async throws {
        let connection = try Contoso.connection()
        let transport = entra([Contoso.refusal("authorization_pending"), Contoso.tokens()])
        let service = IdentityService.scripted(home, transport, clock: clock)
        for asked in [resource, .exchange] {
            let error = await #expect(throws: MMError.self) {
                try await service.token(for: connection, resource: asked)
            }
            #expect(error?.details["userCode"] == "CTSO7K9QX")
            clock.advance(5)
        }
        #expect(transport.requests.filter { $0.url.hasSuffix("/devicecode") }.count == 1)
    }

    @Test(
        "an identity that can't be verified is refused",
        arguments: [
            ["preferred_username": nil], ["oid": nil], ["tid": nil], ["tid": "6c2e9b14-77d0-4f3a-8b25-91e6a0c3d722"],
            ["aud": "another"], ["aud": ["another", "a third"]], ["aud": []],
            ["aud": [.string(Contoso.app), "another"]], ["aud": [.string(Contoso.app), "another"], "azp": "another"],
            ["iss": "https://login.microsoftonline.com/6c2e9b14-77d0-4f3a-8b25-91e6a0c3d722/v2.0"],
            ["iss": "https://evil.example/0f6d1c52-3b8e-4a57-9c41-7be0d2a4f811/v2.0"],
            ["exp": 1_767_225_000], ["exp": nil], ["nbf": 1_767_226_200],
        ] as [JSONObject])
    func unverified(changes: JSONObject) async throws {
        let transport = entra([Contoso.tokens(claims: changes)])
        let service = IdentityService.scripted(home, transport, clock: clock)
        let connection = try Contoso.connection()
        _ = await signInNeeded(service, connection)
        clock.advance(5)
        let error = try #require(await signInNeeded(service, connection))
        #expect(error.code == .forbidden)
        #expect(try home.read("Contoso.json") == nil)
        #expect(try PinStore(path: home.paths.pinFile).pin(of: "Contoso") == nil)
    }

    @Test(
        "an id token for several apps is accepted if it was issued to ours, and so is one of any permitted size",
        arguments: [
            ["aud": [.string(Contoso.app)]], ["aud": [.string(Contoso.app), "another"], "azp": .string(Contoso.app)],
            ["tid": .string(Contoso.tenant.uppercased())],
            ["groups": .array((0..<9_000).map { .string("00000000-0000-4000-8000-00000000\($0 + 1000)") })],
        ] as [JSONObject])
    func verified(changes: JSONObject) async throws {
        let transport = entra([Contoso.tokens(access: "NEW", claims: changes)])
        let service = IdentityService.scripted(home, transport, clock: clock)
        let connection = try Contoso.connection()
        _ = await signInNeeded(service, connection)
        clock.advance(5)
        #expect(try await service.token(for: connection).secret.reveal() == "NEW")
    }

    @Test("the pin consists of account and tenant: the same object id in another tenant is another account")
    func pinnedTenant() async throws {
        let pin = AccountPin(tenantId: "6c2e9b14-77d0-4f3a-8b25-91e6a0c3d722", objectId: Contoso.objectID)
        let transport = entra([Contoso.tokens()])
        let service = IdentityService.scripted(home, transport, clock: clock)
        let connection = try Contoso.connection(pin: pin)
        _ = await signInNeeded(service, connection)
        clock.advance(5)
        #expect(await signInNeeded(service, connection)?.code == .forbidden)
        #expect(try home.read("Contoso.json") == nil)
    }

    @Test(
        "the error about another account than the pinned one names that one",
        arguments: [
            (nil, "another account"), ("ben.baker@fabrikam.example", "ben.baker@fabrikam.example"),
            (Contoso.email, "another account of that name"),
        ] as [(String?, String)])
    func pinnedName(username: String?, words: String) {
        let pin = AccountPin(
            tenantId: Contoso.tenant, objectId: "66666666-0000-4000-8000-000000000001", username: username)
        #expect(pin.name(beside: Contoso.email) == words)
    }

    @Test(
        "signing out ends a pending code: approving it later signs nobody in",
        arguments: [ServiceResource.graph, .flow, .exchange, .sharePoint("contoso"), .sharePoint("contoso-admin")],
        ["Contoso", "Contoso.flow", "Contoso-flow"])
    func signOutEndsCodes(resource: ServiceResource, name: String) async throws {
        let transport = entra(
            [Contoso.tokens()], codes: ["FIRST", "OTHER", "SECOND"].map { Contoso.deviceCode($0) })
        let service = IdentityService.scripted(home, transport, clock: clock)
        let connection = try Contoso.connection(name)
        // The names of its files begin like those of the connection that signs out.
        let other = try Contoso.connection(name + "-sharepoint-contoso")
        func code(of connection: Connection) async -> String? {
            let error = await #expect(throws: MMError.self) {
                try await service.token(for: connection, resource: resource)
            }
            return error?.details["userCode"]?.string
        }
        #expect(await code(of: connection) == "FIRST")
        #expect(await code(of: other) == "OTHER")
        try await service.signOut(connection)
        #expect(home.tokenFiles.filter { $0.hasSuffix(".flow.json") }.count == 1)
        #expect(await code(of: connection) == "SECOND")
        #expect(transport.requests.filter { $0.url.hasSuffix("/token") }.isEmpty)
    }

    @Test("asking for a code twice is harmless, so a request without an answer is repeated")
    func lostCode() async throws {
        let transport = ScriptedTransport { _, number throws(HTTPError) in
            guard number > 0 else { throw HTTPError(.connectionLost, "torn") }
            return Contoso.deviceCode()
        }
        let service = IdentityService.scripted(home, transport, clock: clock)
        #expect(await signInNeeded(service, try Contoso.connection())?.details["userCode"] == "CTSO7K9QX")
        #expect(transport.requests.count == 2)
    }

    @Test("an answer without id_token is refused")
    func noIDToken() async throws {
        let transport = entra([Contoso.tokens(more: ["id_token": .null])])
        let service = IdentityService.scripted(home, transport, clock: clock)
        let connection = try Contoso.connection()
        _ = await signInNeeded(service, connection)
        clock.advance(5)
        #expect(await signInNeeded(service, connection)?.code == .forbidden)
    }

    @Test("names are compared without case and in any Unicode form")
    func nameForms() async throws {
        let connection = try Contoso.connection(expectedEmail: "J\u{FC}rgen@Contoso.example")
        let transport = entra([Contoso.tokens(claims: ["preferred_username": "ju\u{308}rgen@contoso.EXAMPLE"])])
        let service = IdentityService.scripted(home, transport, clock: clock)
        _ = await signInNeeded(service, connection)
        clock.advance(5)
        #expect(try await service.token(for: connection).account.objectID == Contoso.objectID)
    }

    @Test("one sign-in serves Graph and Flow")
    func twoResources() async throws {
        let connection = try Contoso.connection()
        let flow = Contoso.tokens(
            access: "FLOW-access", refresh: "FAKE-refresh-2", scope: "https://service.flow.microsoft.com/.default")
        let transport = entra([Contoso.tokens(), flow])
        let service = IdentityService.scripted(home, transport, clock: clock)
        _ = await signInNeeded(service, connection)
        clock.advance(5)
        let token = try await service.token(for: connection, resource: .flow)
        #expect(token.secret.reveal() == "FLOW-access")
        let refresh = try #require(transport.requests.last).form
        #expect(refresh["grant_type"] == "refresh_token" && refresh["refresh_token"] == "FAKE-refresh")
        #expect(refresh["scope"] == "https://service.flow.microsoft.com/.default offline_access openid profile")
        #expect(try await service.token(for: connection).secret.reveal() == "FAKE-access")
        #expect(transport.requests.count == 3)
    }

    @Test("a terminal waits, shows each code once, and ends with the account")
    func waits() async throws {
        let pending = Contoso.refusal("authorization_pending")
        let transport = entra(
            [pending, Contoso.refusal("expired_token"), pending, Contoso.tokens()],
            codes: [Contoso.deviceCode("ONE111111"), Contoso.deviceCode("TWO222222")])
        let service = IdentityService.scripted(home, transport, clock: clock)
        let shown = Shown()
        let account = try await service.signIn(try Contoso.connection()) { prompt in shown.add(prompt.userCode) }
        #expect(account.username == Contoso.email)
        #expect(shown.codes == ["ONE111111", "TWO222222"])
    }

    @Test(
        "a new sign-in keeps the old tokens in use until it is approved, and repeating the call continues with its code"
    )
    func renewing() async throws {
        try home.write("Contoso.json", JSONWriter.bytes(try Fixture.json("graph/msal-cache-user.json")))
        let connection = try Contoso.connection()
        let transport = entra(
            [Contoso.refusal("authorization_pending"), Contoso.tokens(access: "ANEW")],
            codes: [Contoso.deviceCode("ONE111111"), Contoso.deviceCode("TWO222222")])
        let service = IdentityService.scripted(home, transport, clock: clock)
        for _ in 0..<2 {
            guard case .waiting(let prompt) = try await service.beginSignIn(connection, renewing: true) else {
                Issue.record("nobody is asked")
                return
            }
            #expect(prompt.userCode == "ONE111111")
            #expect(try await service.token(for: connection).secret.reveal() == "FAKE-graph-access-token")
            clock.advance(5)
        }
        guard case .signedIn(let account) = try await service.beginSignIn(connection, renewing: true) else {
            Issue.record("not signed in")
            return
        }
        #expect(account.username == Contoso.email)
        #expect(try await service.token(for: connection).secret.reveal() == "ANEW")
    }

    @Test(
        "who asks right after the approval is shown no code: the call waits until the service may be asked",
        arguments: [false, true])
    func rightAfter(renewing: Bool) async throws {
        let connection = try Contoso.connection()
        let transport = entra([Contoso.tokens()])
        let service = IdentityService.scripted(home, transport, clock: clock)
        let start = clock.now
        guard case .waiting = try await service.continueSignIn(connection, renewing: renewing, deadline: .never) else {
            Issue.record("nobody is asked")
            return
        }
        #expect(clock.now == start && transport.requests.count == 1)
        clock.advance(2)
        guard case .signedIn = try await service.continueSignIn(connection, renewing: renewing, deadline: .never)
        else {
            Issue.record("not signed in")
            return
        }
        #expect(clock.now == start + 5)
    }

    @Test("a call that shows a new code answers at once; repeated after the approval, it waits and does its work")
    func repeated() async throws {
        let connection = try Contoso.connection()
        let transport = entra([Contoso.refusal("authorization_pending"), Contoso.tokens()])
        let service = IdentityService.scripted(home, transport, clock: clock)
        let start = clock.now
        func call() async throws(MMError) -> AccessToken {
            try await service.awaitingApproval(of: connection, until: .never) { () async throws(MMError) in
                try await service.token(for: connection)
            }
        }
        let new = await #expect(throws: MMError.self) { _ = try await call() }
        #expect(new?.details["userCode"] != nil && clock.now == start && transport.requests.count == 1)
        clock.advance(2)
        let early = await #expect(throws: MMError.self) { _ = try await call() }
        #expect(early?.details["userCode"] == new?.details["userCode"])
        #expect(clock.now == start + 5 && transport.requests.count == 2)
        clock.advance(1)
        #expect(try await call().account.username == Contoso.email)
        #expect(clock.now == start + 10)
    }

    @Test("a poll never happens before the interval has passed, to the fraction of a second")
    func fractions() async throws {
        let connection = try Contoso.connection()
        let transport = entra([Contoso.refusal("authorization_pending")])
        let moment = Moment(Timestamp(seconds: 1_767_225_600, nanoseconds: 900_000_000))
        let service = IdentityService(paths: home.paths, transport: transport, clock: WallClock { moment.now }) { _ in }
        _ = await signInNeeded(service, connection)
        moment.set(Timestamp(seconds: 1_767_225_605, nanoseconds: 800_000_000))
        _ = await signInNeeded(service, connection)
        #expect(transport.requests.count == 1)
        moment.set(Timestamp(seconds: 1_767_225_606))
        _ = await signInNeeded(service, connection)
        #expect(transport.requests.count == 2)
    }

    @Test("an earlier program's pending sign-in is continued")
    func earlierFlow() async throws {
        try home.write(
            "Contoso.flow.json",
            JSONWriter.bytes([
                "user_code": "PRIOR1234", "device_code": "FAKE-device-earlier", "interval": 5, "expires_in": 900,
                "verification_uri": "https://microsoft.com/devicelogin", "expires_at": 1_767_226_000.25,
                "_correlation_id": "11111111-0000-4000-8000-000000000001", "message": "Enter PRIOR1234",
            ]))
        let transport = entra([Contoso.tokens()])
        let token = try await IdentityService.scripted(home, transport, clock: clock).token(
            for: try Contoso.connection())
        #expect(token.secret.reveal() == "FAKE-access")
        #expect(transport.requests.first?.form["device_code"] == "FAKE-device-earlier")
    }
}
