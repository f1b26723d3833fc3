import Glibc
import MMCore
import MMHTTP
import TestSupport
import Testing

@testable import MMIdentity

@Suite("A token cache of another program", .timeLimit(.minutes(5)))
struct SharedCacheTests {
    private let home: TestHome
    private let clock = TestClock()
    private let live: String

    init() throws {
        home = try TestHome()
        live = "\(home.path)/.azure/msal_token_cache.json"
        try home.write(live, JSONWriter.bytes(try Fixture.json("graph/msal-cache-user.json"), layout: .indented(4)))
    }

    private func service(
        _ environment: [String: String] = [:],
        _ transport: ScriptedTransport = ScriptedTransport { _, _ in HTTPResponse(status: 599) }
    ) -> IdentityService {
        IdentityService.scripted(home, transport, clock: clock, environment: environment)
    }

    private func connection(_ path: String?) throws -> Connection {
        try Contoso.connection(more: path.map { ["tokenCache": .string($0)] } ?? [:])
    }

    @Test("is used in place, named by the entry or by MM_TOKEN_FILE", arguments: [true, false])
    func used(byEntry: Bool) async throws {
        let entry = try connection(byEntry ? "~/.azure/msal_token_cache.json" : nil)
        let service = service(byEntry ? [:] : ["MM_TOKEN_FILE": live])
        #expect(try await service.token(for: entry).secret.reveal() == "FAKE-graph-access-token")
        #expect(try home.read("Contoso.json") == nil, "there is no copy")
        guard case .signedIn = await service.state(of: entry) else {
            Issue.record("the other program's sign-in counts")
            return
        }
    }

    @Test("gets renewed tokens in its plain form, even if this program's caches are encrypted")
    func renewed() async throws {
        clock.advance(10_000)
        try home.write("key", Array("0123456789abcdef0123456789abcdef".utf8))
        let transport = ScriptedTransport { _, _ in Contoso.tokens(access: "NEW", refresh: "ROTATED") }
        var paths = home.paths
        paths.tokenKeyFile = "\(home.tokens)/key"
        let service = IdentityService(paths: paths, transport: transport, clock: clock.wall) { _ in }
        #expect(try await service.token(for: try connection(live)).secret.reveal() == "NEW")
        let text = String(decoding: try #require(try home.read(live)), as: UTF8.self)
        #expect(text.contains("\"ROTATED\"") && fileMode(live) == 0o600)
        #expect(try home.read("Contoso.json") == nil)
    }

    @Test("stays when a connection signs out, because it belongs to the other program")
    func signedOut() async throws {
        let before = try home.read(live)
        try await service().signOut(try connection(live))
        #expect(try home.read(live) == before)
    }

    @Test("isn't read through a link")
    func link() async throws {
        let link = "\(home.path)/link.json"
        #expect(symlink(live, link) == 0)
        let error = await #expect(throws: MMError.self) { try await service().token(for: try connection(link)) }
        #expect(error?.code == .forbidden)
    }
}
