import Glibc
import MMCore
import MMHTTP
import TestSupport
import Testing

@testable import MMIdentity

@Suite("Hostile and broken input", .timeLimit(.minutes(5)))
struct HostileInputTests {
    @Test("random tokens, answers and pending files never crash")
    func fuzz() throws {
        var random = SeededRandom(seed: 23)
        let cloud = try #require(Cloud.table["public"])
        let target = SignInTarget(
            connection: "C", clientID: Contoso.app, authority: try Authority(cloud: cloud, tenant: Contoso.tenant),
            expectedEmail: nil, registryPin: nil)
        let token = Array(Contoso.idToken().utf8)
        let answer = Contoso.tokens().body
        let code = Contoso.deviceCode().body
        let pending = PendingSignIn(
            deviceCode: Secret("d"), userCode: "u", verificationURI: "v", message: "m", startedAt: 1, expiresAt: 1,
            interval: 1, nextPollAt: 1, correlationID: "c", scopes: [], claims: nil, restarts: 0, isRenewal: false,
            refused: nil,
            outcome: nil, identity: ["a"]
        ).bytes
        func damaged(_ bytes: [UInt8]) -> [UInt8] {
            var bytes = bytes
            for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: place)
                case 2: bytes.insert(UInt8.random(in: 0x20...0x7E, using: &random), at: place)
                default: bytes.removeSubrange(place...)
                }
            }
            return bytes
        }
        for _ in 0..<3000 {
            if let read = IDToken(String(decoding: damaged(token), as: UTF8.self)) {
                _ = read.fault(clientID: target.clientID, authority: target.authority, now: Timestamp(seconds: 0))
            }
            if let read = try? TokenAnswer(damaged(answer), requested: []) { #expect(!read.accessToken.isEmpty) }
            if let read = try? DeviceCode(damaged(code), cloud: cloud) { #expect((1...300).contains(read.interval)) }
            if let read = PendingSignIn(damaged(pending), identity: ["a"]) { #expect(read.interval <= 300) }
            let response = HTTPResponse(status: 400, body: damaged(Contoso.refusal("invalid_grant", code: 50173).body))
            _ = EntraError(response, now: Timestamp(seconds: 0)).mmError(for: "X", connection: "C")
            _ = WebAddress(
                String(decoding: damaged(Array("https://u@graph.microsoft.com:443/p?q#f".utf8)), as: UTF8.self))
            _ = HTTPDate.timestamp(
                String(decoding: damaged(Array("Thu, 01 Jan 2026 00:01:00 GMT".utf8)), as: UTF8.self))
            _ = Claims.decoded(challenge: String(decoding: damaged(Array("eyJhIjoxfQ==".utf8)), as: UTF8.self))
        }
    }

    @Test(
        "an invalid success answer is an error, and nothing is written",
        arguments: [
            "", "[]", "{}", "{\"access_token\": \"\"}", "{\"access_token\": \"a b\"}",
            "{\"access_token\": \"a\\r\\nX: y\"}",
            "{\"access_token\": \"a\", \"token_type\": \"pop\"}", "<html>", "{\"access_token\": 5}",
        ])
    func oddSuccess(body: String) async throws {
        let home = try TestHome()
        let clock = TestClock()
        let transport = ScriptedTransport { request, _ in
            request.url.hasSuffix("/devicecode")
                ? Contoso.deviceCode() : HTTPResponse(status: 200, body: Array(body.utf8))
        }
        let service = IdentityService.scripted(home, transport, clock: clock)
        let connection = try Contoso.connection()
        await #expect(throws: MMError.self) { try await service.token(for: connection) }
        clock.advance(5)
        let error = await #expect(throws: MMError.self) { try await service.token(for: connection) }
        #expect(error?.code == .signInNeeded, "the code is still good")
        #expect(try home.read("Contoso.json") == nil)
    }

    @Test("an unreadable cache is reported", .enabled(if: geteuid() != 0, "root reads everything"))
    func unreadable() async throws {
        let home = try TestHome()
        try home.write("Contoso.json", Array("{}".utf8))
        chmod("\(home.tokens)/Contoso.json", 0)
        let service = IdentityService.scripted(home, ScriptedTransport { _, _ in Contoso.deviceCode() })
        let error = await #expect(throws: MMError.self) { try await service.token(for: try Contoso.connection()) }
        #expect(error?.code == .forbidden)
    }

    @Test("a sign-in leaves its secrets in the token folder alone, and none in what it says or logs")
    func secrets() async throws {
        let home = try TestHome()
        let clock = TestClock()
        let log = Log(LogSettings(path: "\(home.paths.logDirectory)/test.log", level: .debug))
        let cursor = Cursor(
            polls: [Contoso.refusal("authorization_pending"), Contoso.tokens(access: "SECRET-a", refresh: "SECRET-r")],
            codes: [Contoso.deviceCode()])
        let transport = ScriptedTransport { request, _ in
            request.url.hasSuffix("/devicecode") ? cursor.nextCode() : cursor.nextPoll()
        }
        let service = IdentityService(paths: home.paths, transport: transport, clock: clock.wall, log: log) {
            clock.advance($0.components.seconds)
        }
        let connection = try Contoso.connection()
        _ = try await service.signIn(connection) { prompt in
            #expect(!"\(prompt) \(prompt.error(now: clock.wall.now).json)".contains("FAKE-device"))
        }
        let token = try await service.token(for: connection)
        #expect(!"\(token) \(token.secret)".contains("SECRET"))
        var dumped = ""
        dump(token, to: &dumped)
        #expect(!dumped.contains("SECRET"))
        for folder in [home.paths.stateDirectory, home.paths.logDirectory] {
            for name in TestFolder.names(in: folder) {
                let text = String(decoding: try home.read("\(folder)/\(name)") ?? [], as: UTF8.self)
                #expect(!text.contains("SECRET") && !text.contains("FAKE-device"), "\(folder)/\(name)")
            }
        }
        #expect(!TestFolder.names(in: home.paths.logDirectory).isEmpty)
    }
}
