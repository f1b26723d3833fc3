import Glibc
import MMCore
import MMHTTP
import TestSupport
import Testing

@testable import MMIdentity

@Suite("Signing in as an app", .timeLimit(.minutes(5)))
struct AppSignInTests {
    let home: TestHome
    let clock = TestClock()
    let secretFile: String

    init() throws {
        home = try TestHome()
        secretFile = "\(home.path)/secret"
        try home.write(secretFile, Array("FAKE-client-secret\n".utf8))
    }

    private func connection(_ more: JSONObject = [:]) throws -> Connection {
        try Contoso.app(["method": "secret", "secretFile": .string(secretFile)], more: more)
    }

    private func service(_ transport: ScriptedTransport) -> IdentityService {
        .scripted(home, transport, clock: clock)
    }

    @Test("a client secret gets a token of the app, without a person")
    func secret() async throws {
        let transport = ScriptedTransport { _, _ in Contoso.appTokens() }
        let token = try await service(transport).token(for: try connection())
        #expect(token.secret.reveal() == Contoso.accessToken())
        #expect(token.account.isApp && token.account.appID == Contoso.app)
        #expect(token.account.title == "app \(Contoso.app), no person")
        let request = try #require(transport.requests.first)
        #expect(request.url == "https://login.microsoftonline.com/\(Contoso.tenant)/oauth2/v2.0/token")
        #expect(request.form["grant_type"] == "client_credentials")
        #expect(request.form["client_id"] == Contoso.app)
        #expect(request.form["client_secret"] == "FAKE-client-secret")
        #expect(request.form["scope"] == "https://graph.microsoft.com/.default")
        #expect(request.form["claims"] == #"{"access_token":{"xms_cc":{"values":["CP1"]}}}"#)
    }

    @Test("the secret and the token are removed from all output")
    func redaction() async throws {
        let transport = ScriptedTransport { _, _ in Contoso.appTokens(number: 4711) }
        _ = try await service(transport).token(for: try connection())
        let redactor = Redactor(held: .shared)
        let text = redactor.text("secret FAKE-client-secret, token \(Contoso.accessToken(number: 4711))")
        #expect(!text.contains("FAKE-client-secret") && !text.contains(Contoso.accessToken(number: 4711)))
    }

    @Test(
        "a standalone service uses no stored tokens, and stores none",
        arguments: [Contoso.tenant, "contoso.com"])
    func alone(_ tenant: String) async throws {
        let transport = ScriptedTransport { _, number in Contoso.appTokens(number: number) }
        let connection = try connection(["tenantId": .string(tenant)])
        let alone = service(transport).standingAlone()
        let first = try await alone.token(for: connection)
        #expect(try await alone.token(for: connection).secret == first.secret)
        #expect((try? FolderListing.names(in: home.paths.tokenDirectory)) ?? [] == [])
        #expect(try ProtectedFile.read(home.paths.pinFile) == nil)
        let sent = transport.requests.count
        // A refused token is replaced, as elsewhere.
        let second = try await alone.token(insteadOf: first, for: connection)
        #expect(second.secret != first.secret && transport.requests.count == sent + 1)
        #expect(try await service(transport).standingAlone().token(for: connection).secret != second.secret)
    }

    @Test("the token is stored in MSAL's form without a home account, and is used until shortly before it expires")
    func cache() async throws {
        let transport = ScriptedTransport { _, number in Contoso.appTokens(number: number) }
        let service = service(transport)
        let first = try await service.token(for: try connection())
        #expect(try await self.service(transport).token(for: try connection()).secret == first.secret)
        #expect(transport.requests.count == 1)
        let document = try home.object("Contoso.json")
        let entries = try #require(document["AccessToken"]?.object)
        let key =
            "-login.microsoftonline.com-accesstoken-\(Contoso.app)-\(Contoso.tenant)-"
            + "https://graph.microsoft.com/.default"
        let entry = try #require(entries[key]?.object)
        #expect(entry["home_account_id"] == .null)
        #expect(entry["realm"] == .string(Contoso.tenant) && entry["client_id"] == .string(Contoso.app))
        #expect(document["Account"] == nil && document["RefreshToken"] == nil && document["IdToken"] == nil)
        #expect(document["AppMetadata"]?["appmetadata-login.microsoftonline.com-\(Contoso.app)"] != nil)
        clock.advance(3599 - 299)
        #expect(try await service.token(for: try connection()).secret == first.secret, "it is still good")
        await service.finishRenewals(within: .seconds(120))
        #expect(try await service.token(for: try connection()).secret != first.secret)
        #expect(transport.requests.count == 2)
        #expect(try home.object("Contoso.json")["AccessToken"]?.object?.count == 1, "the old one is gone")
    }

    @Test("simultaneous calls share one request")
    func singleFlight() async throws {
        let gate = Gate()
        let transport = GatedTransport(gate: gate, answer: Contoso.appTokens())
        let service = IdentityService(paths: home.paths, transport: transport, clock: clock.wall)
        let connection = try connection()
        async let first = service.token(for: connection)
        await gate.untilReached()
        async let second = service.token(for: connection)
        await gate.open()
        #expect(try await first.secret == second.secret)
    }

    @Test(
        "a token of another tenant or app, or of a person, is neither used nor stored",
        arguments: [
            (["tid": "11111111-2222-3333-4444-555555555555"], "tenant"),
            (["appid": "11111111-2222-3333-4444-555555555555"], "app 11111111"),
            (["appid": .null], "which app"), (["tid": .null], "no tenant"),
            (["idtyp": "user", "scp": "User.Read"], "person"),
        ] as [(JSONObject, String)])
    func foreign(changes: JSONObject, word: String) async throws {
        let transport = ScriptedTransport { _, _ in Contoso.appTokens(changes) }
        let error = await #expect(throws: MMError.self) { try await service(transport).token(for: try connection()) }
        let message = error?.message ?? ""
        #expect(error?.code == .forbidden && message.contains(word))
        #expect(!home.tokenFiles.contains("Contoso.json"))
    }

    @Test("a token in the cache is checked too, because anyone may have put it there")
    func foreignInCache() async throws {
        _ = try await service(ScriptedTransport { _, _ in Contoso.appTokens() }).token(for: try connection())
        let text = String(decoding: try #require(try home.read("Contoso.json")), as: UTF8.self)
        let other = Contoso.accessToken(["appid": "11111111-2222-3333-4444-555555555555"])
        try home.write("Contoso.json", Array(text.replacing(Contoso.accessToken(), with: other).utf8))
        let error = await #expect(throws: MMError.self) {
            try await service(ScriptedTransport { _, _ in Contoso.appTokens() }).token(for: try connection())
        }
        #expect(error?.code == .forbidden)
    }

    @Test("an app token with `azp` instead of `appid` is accepted")
    func secondVersion() async throws {
        let transport = ScriptedTransport { _, _ in
            Contoso.appTokens(["appid": .null, "azp": .string(Contoso.app), "idtyp": .null])
        }
        #expect(try await service(transport).token(for: try connection()).account.appID == Contoso.app)
    }

    @Test("an outage doesn't matter while the token is valid")
    func outage() async throws {
        _ = try await service(ScriptedTransport { _, _ in Contoso.appTokens() }).token(for: try connection())
        clock.advance(3599 - 200)
        let away = ScriptedTransport { _, _ throws(HTTPError) in throw HTTPError(.connect, "away") }
        let token = try await service(away).token(for: try connection())
        #expect(token.secret.reveal() == Contoso.accessToken())
    }

    @Test("a refused token is replaced by one with the requested claims")
    func refused() async throws {
        let transport = ScriptedTransport { _, number in Contoso.appTokens(number: number) }
        let service = service(transport)
        let connection = try connection()
        let token = try await service.token(for: connection)
        let claims = #"{"access_token":{"nbf":{"essential":true,"value":"1"}}}"#
        let next = try await service.token(insteadOf: token, for: connection, claims: claims)
        #expect(next.secret != token.secret)
        #expect(transport.requests.last?.form["claims"]?.contains("nbf") == true)
    }

    @Test(
        "an error about the secret has the remedy, but not the secret",
        arguments: [
            (7_000_215, MMErrorCode.invalidInput, "secret"), (7_000_222, .invalidInput, "expired"),
            (700_016, .invalidInput, "not found"),
        ])
    func refusals(code: Int, kind: MMErrorCode, word: String) async throws {
        let transport = ScriptedTransport { _, _ in Contoso.refusal("invalid_client", code: code, status: 401) }
        let error = await #expect(throws: MMError.self) { try await service(transport).token(for: try connection()) }
        let told = "\(error?.message ?? "") \(error?.hint ?? "")"
        #expect(error?.code == kind && told.lowercased().contains(word) && !told.contains("FAKE-client-secret"))
        #expect(transport.requests.count == 1, "a wrong secret is not tried again")
    }

    @Test("a missing or empty secret file is reported before any request")
    func missingFile() async throws {
        let transport = ScriptedTransport { _, _ in Contoso.appTokens() }
        try home.write(secretFile, Array(" \n".utf8))
        let empty = await #expect(throws: MMError.self) { try await service(transport).token(for: try connection()) }
        #expect(empty?.message.contains(secretFile) == true)
        try ProtectedFile.remove(secretFile)
        let missing = await #expect(throws: MMError.self) { try await service(transport).token(for: try connection()) }
        #expect(missing?.code == .invalidInput && missing?.message.contains(secretFile) == true)
        #expect(transport.requests.isEmpty)
        guard case .unusable(let error) = await service(transport).state(of: try connection()) else {
            Issue.record("the status must say so")
            return
        }
        #expect(error.message.contains(secretFile))
    }

    @Test(
        "a secret that others may read is refused with the remedy, before any request",
        arguments: [0o644, 0o640, 0o604, 0o602] as [mode_t])
    func readable(mode: mode_t) async throws {
        let transport = ScriptedTransport { _, _ in Contoso.appTokens() }
        try #require(chmod(secretFile, mode) == 0)
        let connections = [
            try connection(),
            try Contoso.app(["method": "federated", "tokenFile": .string(secretFile)]),
            try Contoso.app(["method": "token", "tokenFile": .string(secretFile)]),
            try Contoso.app(["method": "certificate", "certificatePath": .string(secretFile)]),
            try Contoso.app([
                "method": "certificate", "certificatePath": .string(Certificates.path("rsa.cert.pem")),
                "privateKeyPath": .string(secretFile),
            ]),
            try Contoso.app([
                "method": "certificate", "certificatePath": .string(Certificates.path("ec.p12")),
                "certificatePasswordFile": .string(secretFile),
            ]),
        ]
        for connection in connections {
            let error = await #expect(throws: MMError.self) { try await service(transport).token(for: connection) }
            let hint = error?.hint ?? ""
            #expect(error?.code == .forbidden && error?.message.contains(secretFile) == true)
            #expect(hint.contains("chmod 600 \(secretFile)"))
        }
        #expect(transport.requests.isEmpty)
        try #require(chmod(secretFile, 0o600) == 0)
        _ = try await service(transport).token(for: try connection())
    }

    @Test("the public part of a certificate may be readable by anyone")
    func publicPart() async throws {
        let shown = "\(home.path)/shown.pem"
        try home.write(shown, try #require(try home.read(Certificates.path("rsa.cert.pem"))))
        try #require(chmod(shown, 0o644) == 0)
        let transport = ScriptedTransport { _, _ in Contoso.appTokens() }
        _ = try await service(transport).token(
            for: try Contoso.app([
                "method": "certificate", "certificatePath": .string(shown),
                "privateKeyPath": .string(Certificates.path("rsa.key.pem")),
            ]))
        #expect(transport.requests.count == 1)
    }

    @Test("a secret can be read once from an inherited descriptor, and used repeatedly")
    func descriptor() async throws {
        let ends = try Pipe()
        try ends.write("FAKE-handed-secret\n")
        let named = try Contoso.app(["method": "secret", "secretFile": .string("/dev/fd/\(ends.reading)")])
        let transport = ScriptedTransport { _, number in Contoso.appTokens(number: number) }
        let service = service(transport)
        let token = try await service.token(for: named)
        #expect(transport.requests.last?.form["client_secret"] == "FAKE-handed-secret")
        _ = try await service.token(insteadOf: token, for: named, claims: nil)
        #expect(transport.requests.count == 2 && transport.requests.last?.form["client_secret"] == "FAKE-handed-secret")
        #expect(ends.isWhole, "the number that names the secret must not come to mean another file")
    }

    @Test("the program's own descriptors, closed ones and standard input are refused")
    func foreignDescriptor() async throws {
        let own = open("/dev/null", O_RDONLY | O_CLOEXEC)
        defer { close(own) }
        let transport = ScriptedTransport { _, _ in Contoso.appTokens() }
        for path in ["/dev/fd/\(own)", "/dev/fd/0", "/dev/fd/99999", "/proc/self/fd/x"] {
            let named = try Contoso.app(["method": "secret", "secretFile": .string(path)])
            let error = await #expect(throws: MMError.self) { try await service(transport).token(for: named) }
            #expect(error?.code == .invalidInput && error?.message.contains(path) == true)
            #expect(error?.hint?.contains("--embedded") == true)
        }
        #expect(transport.requests.isEmpty)
    }

    @Test("the state of an app is ready before the first token, and has its expiry afterwards")
    func state() async throws {
        let transport = ScriptedTransport { _, _ in Contoso.appTokens() }
        let service = service(transport)
        guard case .signedIn(let account, nil) = await service.state(of: try connection()) else {
            Issue.record("ready without a token")
            return
        }
        #expect(account.title.contains("no person"))
        #expect(transport.requests.isEmpty)
        _ = try await service.token(for: try connection())
        guard case .signedIn(_, let end?) = await service.state(of: try connection()) else {
            Issue.record("ready with a token")
            return
        }
        #expect(end == Timestamp(seconds: clock.now + 3599))
    }

    @Test("signing in returns at once, and signing out removes the token")
    func signInAndOut() async throws {
        let transport = ScriptedTransport { _, number in Contoso.appTokens(number: number) }
        let service = service(transport)
        let account = try await service.signIn(try connection()) { _ in Issue.record("nobody is to be asked") }
        #expect(account.isApp)
        try await service.signOut(try connection())
        #expect(try home.object("Contoso.json")["AccessToken"]?.object?.isEmpty == true)
        _ = try await service.signIn(try connection(), renewing: true) { _ in }
        #expect(transport.requests.count == 2)
    }

    @Test("a tenant known by its domain is pinned by the first token, and another one is refused afterwards")
    func domain() async throws {
        let named: JSONObject = ["tenantId": .null, "tenant": "contoso.example"]
        _ = try await service(ScriptedTransport { _, _ in Contoso.appTokens(life: 10) }).token(
            for: try connection(named))
        clock.advance(60)
        let other = ScriptedTransport { _, _ in Contoso.appTokens(["tid": "11111111-2222-3333-4444-555555555555"]) }
        let error = await #expect(throws: MMError.self) { try await service(other).token(for: try connection(named)) }
        #expect(error?.code == .forbidden)
    }

    @Test("a program may pass its secret in memory, and only the token is written")
    func inMemory() async throws {
        let transport = ScriptedTransport { _, _ in Contoso.appTokens() }
        let service = IdentityService.scripted(
            home, transport, clock: clock, methods: ["Contoso": .app(.secret(.value(Secret("FAKE-in-memory"))))])
        _ = try await service.token(for: try Contoso.connection(expectedEmail: nil))
        #expect(transport.requests.first?.form["client_secret"] == "FAKE-in-memory")
        let written = String(decoding: try #require(try home.read("Contoso.json")), as: UTF8.self)
        #expect(!written.contains("FAKE-in-memory"))
    }
}

/// A pipe as a shell passes one to a program: its end stays open for children.
private struct Pipe {
    let reading: Int32
    private let writing: Int32
    private let inode: ino_t?

    init() throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        (reading, writing) = (ends[0], ends[1])
        inode = Self.inode(of: reading)
    }

    /// Whether the reading end still belongs to this pipe.
    var isWhole: Bool { inode != nil && Self.inode(of: reading) == inode }

    private static func inode(of descriptor: Int32) -> ino_t? {
        var status = stat()
        return fstat(descriptor, &status) == 0 ? status.st_ino : nil
    }

    /// Writes a text and closes the pipe.
    func write(_ text: String) throws {
        try #require(Glibc.write(writing, text, text.utf8.count) == text.utf8.count)
        close(writing)
    }
}
