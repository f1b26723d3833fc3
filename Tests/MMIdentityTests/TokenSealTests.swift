import Glibc
import MMCore
import MMHTTP
import TestSupport
import Testing

@testable import MMIdentity

@Suite("Encrypted token caches", .timeLimit(.minutes(5)))
struct TokenSealTests {
    let home: TestHome
    let clock = TestClock()

    init() throws {
        home = try TestHome()
        try home.write("key", Array("0123456789abcdef0123456789abcdef\n".utf8))
        try home.write(
            "Contoso.json", JSONWriter.bytes(try Fixture.json("graph/msal-cache-user.json"), layout: .indented(4)))
    }

    private func service(
        key: String? = "key", encryption: String? = nil,
        _ transport: ScriptedTransport = ScriptedTransport { _, _ in
            HTTPResponse(status: 599)
        }
    ) -> IdentityService {
        var environment = encryption.map { ["MM_TOKEN_ENCRYPTION": $0] } ?? [:]
        environment["MM_TOKEN_KEY_FILE"] = key.map { "\(home.tokens)/\($0)" }
        var paths = home.paths
        paths.tokenKeyFile = StatePaths(environment: environment).tokenKeyFile
        return IdentityService(paths: paths, environment: environment, transport: transport, clock: clock.wall) { _ in }
    }

    private func text(_ name: String = "Contoso.json") throws -> String {
        String(decoding: try #require(try home.read(name)), as: UTF8.self)
    }

    private func token(_ service: IdentityService, _ name: String = "Contoso") async throws -> String {
        try await service.token(for: try Contoso.connection(name)).secret.reveal()
    }

    @Test(
        "enabling it encrypts existing caches at first use, and disabling it writes plain files again",
        arguments: ["off", "0", "No"])
    func onAndOff(off: String) async throws {
        let before = try home.object("Contoso.json")
        #expect(try await token(service()) == "FAKE-graph-access-token")
        let sealed = try text()
        #expect(
            !sealed.contains("FAKE-graph") && !sealed.contains(Contoso.email)
                && fileMode("\(home.tokens)/Contoso.json") == 0o600)
        #expect(try await token(service()) == "FAKE-graph-access-token", "it is read by the next process")
        #expect(try await token(service(encryption: off)) == "FAKE-graph-access-token")
        #expect(try home.object("Contoso.json") == before)
        #expect(try await token(service(key: nil)) == "FAKE-graph-access-token")
    }

    @Test("renewed tokens are written encrypted, each time differently")
    func renewed() async throws {
        clock.advance(10_000)
        let transport = ScriptedTransport { _, _ in
            Contoso.tokens(access: "NEW-access-token", refresh: "ROTATED-refresh-token")
        }
        #expect(try await token(service(transport)) == "NEW-access-token")
        let first = try text()
        // Longer words than may occur by chance in what is encrypted.
        #expect(!first.contains("NEW-access") && !first.contains("ROTATED-refresh"))
        clock.advance(10_000)
        #expect(try await token(service(transport)) == "NEW-access-token")
        #expect(try text() != first)
        let sent = transport.requests.map { $0.form["refresh_token"] }
        #expect(sent == ["FAKE-refresh-token-2", "ROTATED-refresh-token"])
    }

    @Test(
        "without the right key the error says so, and nothing is changed or requested",
        arguments: [nil, "other", "short", "missing"])
    func wrongKey(key: String?) async throws {
        _ = try await token(service())
        let before = try home.read("Contoso.json")
        try home.write("other", [UInt8](repeating: 7, count: 32))
        try home.write("short", Array("too short".utf8))
        let transport = ScriptedTransport { _, _ in Contoso.deviceCode() }
        let service = service(key: key, transport)
        let error = await #expect(throws: MMError.self) { try await token(service) }
        let told = "\(error?.message ?? "") \(error?.hint ?? "")"
        #expect(error?.code == .invalidInput && told.contains("key") && !told.contains("0123456789abcdef"), "\(told)")
        #expect(told.contains("MM_TOKEN_KEY_FILE") || told.contains("openssl rand"))
        #expect(try home.read("Contoso.json") == before && transport.requests.isEmpty)
        guard case .unusable = await service.state(of: try Contoso.connection()) else {
            Issue.record("the status must say so")
            return
        }
    }

    @Test("another word than on or off is told before anything is stored", arguments: ["plain", "2"])
    func unknownWord(word: String) async throws {
        let transport = ScriptedTransport { _, _ in Contoso.deviceCode() }
        let error = await #expect(throws: MMError.self) {
            try await service(encryption: word, transport).beginSignIn(try Contoso.connection("New"))
        }
        #expect(error?.message.contains("MM_TOKEN_ENCRYPTION is “\(word)”") == true, "\(String(describing: error))")
        #expect(error?.hint?.hasPrefix("Give 1 or 0.") == true && transport.requests.isEmpty)
    }

    @Test("a missing key is reported before a person signs in")
    func missingAtFirst() async throws {
        let transport = ScriptedTransport { _, _ in Contoso.deviceCode() }
        let error = await #expect(throws: MMError.self) {
            try await service(key: "missing", transport).beginSignIn(try Contoso.connection("New"))
        }
        #expect(error?.message.contains("missing") == true && transport.requests.isEmpty)
    }

    @Test("a change, or the file of another connection in its place, is found out")
    func tampered() async throws {
        _ = try await token(service())
        let sealed = try #require(try home.read("Contoso.json"))
        try home.write("Other.json", sealed)
        let moved = await #expect(throws: MMError.self) { try await token(service(), "Other") }
        #expect(moved?.code == .invalidInput && moved?.message.contains("another connection") == true)
        var changed = sealed
        changed[changed.count - 10] ^= 1
        try home.write("Contoso.json", changed)
        await #expect(throws: MMError.self) { try await token(service()) }
    }

    @Test("a pending sign-in is encrypted too, and continues in another process")
    func pending() async throws {
        let cursor = Cursor(polls: [Contoso.tokens(access: "APPROVED")], codes: [Contoso.deviceCode()])
        let transport = ScriptedTransport { request, _ in
            request.url.hasSuffix("/devicecode") ? cursor.nextCode() : cursor.nextPoll()
        }
        let connection = try Contoso.connection("New")
        _ = try await service(transport).beginSignIn(connection)
        #expect(try !text("New.flow.json").contains("FAKE-device"))
        clock.advance(6)
        guard case .signedIn = try await service(transport).beginSignIn(connection) else {
            Issue.record("not signed in")
            return
        }
        #expect(try await token(service(), "New") == "APPROVED")
        #expect(transport.requests.count == 2)
    }

    @Test("signing out needs no key")
    func signOut() async throws {
        _ = try await token(service())
        try await service(key: nil).signOut(try Contoso.connection())
        #expect(!home.tokenFiles.contains("Contoso.json"))
    }

    @Test("the key may be a systemd credential")
    func credential() {
        let environment = ["MM_TOKEN_KEY_CREDENTIAL": "mm-key", "CREDENTIALS_DIRECTORY": "/run/credentials/mm.service"]
        let paths = StatePaths(environment: environment)
        #expect(paths.tokenKeyFile == "/run/credentials/mm.service/mm-key")
        #expect(paths.ownFiles.contains("/run/credentials/mm.service/mm-key"), "no script may read it")
        #expect(StatePaths(environment: ["HOME": "/h", "MM_TOKEN_KEY_FILE": "~/key"]).tokenKeyFile == "/h/key")
        #expect(StatePaths(environment: [:]).tokenKeyFile == nil)
    }
}
