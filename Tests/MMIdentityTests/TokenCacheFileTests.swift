import Glibc
import MMCore
import MMHTTP
import TestSupport
import Testing

@testable import MMIdentity

@Suite("Token cache files", .timeLimit(.minutes(5)))
struct TokenCacheFileTests {
    let home: TestHome
    let clock = TestClock()

    init() throws { home = try TestHome() }

    private func service(_ answer: HTTPResponse = Contoso.deviceCode()) -> IdentityService {
        .scripted(home, ScriptedTransport { _, _ in answer }, clock: clock)
    }

    @Test("the pins of all connections are those that the file has now, and a broken one is that connection's fault")
    func pins() throws {
        let memory = TokenCacheMemory(log: .off, seal: .plain, isAlone: false)
        let store = PinStore(path: home.paths.pinFile)
        #expect(try memory.pin(store, "A") == nil)
        let now = Timestamp(seconds: 1_767_225_600)
        let pins = ["A", "B"].map { AccountPin(tenantId: Contoso.tenant, objectId: "object \($0)", username: nil) }
        try store.pin("A", to: pins[0], now: now)
        #expect(try memory.pin(store, "A") == pins[0] && memory.pin(store, "B") == nil)
        try store.pin("B", to: pins[1], now: now)
        #expect(try memory.pin(store, "A") == pins[0] && memory.pin(store, "B") == pins[1])
        try store.unpin("A")
        #expect(try memory.pin(store, "A") == nil && memory.pin(store, "B") == pins[1])
        let text = #"{"pins": {"A": {"tenantId": "\#(Contoso.tenant)", "objectId": "object A"}, "B": {}}}"#
        try ProtectedFile.replace(store.path, with: Array(text.utf8))
        #expect(try memory.pin(store, "A") == pins[0])
        #expect(throws: MMError.self) { try memory.pin(store, "B") }
    }

    @Test("the pending sign-ins of a folder are those that it has now, however often it is asked")
    func flows() throws {
        let memory = TokenCacheMemory(log: .off, seal: .plain, isAlone: false)
        let folder = home.paths.tokenDirectory
        #expect(try memory.flows(in: folder) == [])
        for round in 0..<40 {
            let name = "C\(round).flow.json"
            try home.write(name, [])
            try home.write("C\(round).json", [])
            // Long enough for the folder's time to count as settled in some of the rounds.
            for _ in 0..<3 {
                #expect(try memory.flows(in: folder) == [name])
                usleep(20_000)
            }
            #expect(unlink("\(folder)/\(name)") == 0)
            #expect(try memory.flows(in: folder) == [])
        }
    }

    @Test(
        "an unusable cache is reported with the remedy and not changed",
        arguments: [
            ("{", "broken"), ("[]", "array"), ("{\"AccessToken\": []}", "AccessToken"),
            ("{\"a\":1}x", "broken"), ("\u{FEFF}", "broken"),
        ])
    func unusable(content: String, word: String) async throws {
        let bytes = Array(content.utf8)
        try home.write("Contoso.json", bytes)
        let connection = try Contoso.connection()
        let error = await #expect(throws: MMError.self) { try await service().token(for: connection) }
        #expect(error?.code == .invalidInput)
        #expect(error?.message.contains(word) == true && error?.message.contains("Contoso.json") == true)
        #expect(error?.hint?.contains("mm logout") == true)
        #expect(try home.read("Contoso.json") == bytes)
        await #expect(throws: MMError.self) { try await service().beginSignIn(connection, renewing: true) }
        #expect(try home.read("Contoso.json") == bytes)
        guard case .unusable = await service().state(of: connection) else {
            Issue.record("the state hides it")
            return
        }
    }

    @Test(
        "an empty file is a cache without a sign-in, because a writer may just have created it",
        arguments: ["", " \n"])
    func empty(content: String) async throws {
        let connection = try Contoso.connection()
        for age in [0, 60] {
            try home.write("Contoso.json", Array(content.utf8))
            var times = [timeval(tv_sec: time(nil) - age, tv_usec: 0), timeval(tv_sec: time(nil) - age, tv_usec: 0)]
            #expect(utimes("\(home.tokens)/Contoso.json", &times) == 0)
            guard case .signedOut = await service().state(of: connection) else {
                Issue.record("there is no sign-in in an empty file")
                return
            }
        }
        guard case .waiting = try await service().beginSignIn(connection) else {
            Issue.record("no sign-in started")
            return
        }
    }

    @Test("a huge cache is reported, not read")
    func huge() async throws {
        try home.write("Contoso.json", [UInt8](repeating: 0x20, count: TokenCacheFile.limit + 1))
        let error = await #expect(throws: MMError.self) { try await service().token(for: try Contoso.connection()) }
        #expect(error?.code == .limitExceeded)
    }

    @Test("a link is neither followed nor replaced")
    func link() async throws {
        try home.write("victim", Array("{}".utf8))
        symlink("\(home.tokens)/victim", "\(home.tokens)/Contoso.json")
        let error = await #expect(throws: MMError.self) { try await service().token(for: try Contoso.connection()) }
        #expect(error?.code == .forbidden && error?.message.contains("symbolic link") == true)
        #expect(try home.read("victim") == Array("{}".utf8))
        var status = stat()
        #expect(lstat("\(home.tokens)/Contoso.json", &status) == 0 && status.st_mode & S_IFMT == S_IFLNK)
    }

    @Test("signing out removes an unreadable cache, because it may contain valid tokens")
    func unusable() async throws {
        try home.write("Contoso.json", Array("{broken, secret".utf8))
        let connection = try Contoso.connection()
        try await service().signOut(connection)
        #expect(home.tokenFiles == [])
        guard case .waiting = try await service().beginSignIn(connection) else {
            Issue.record("no sign-in started")
            return
        }
    }

    @Test("signing out removes a link, but not its target")
    func signOutOfLink() async throws {
        try home.write("victim", Array("{}".utf8))
        symlink("\(home.tokens)/victim", "\(home.tokens)/Contoso.json")
        try await service().signOut(try Contoso.connection())
        #expect(home.tokenFiles == ["victim"])
    }

    @Test("signing out removes the tokens of every app, pending codes, and drafts of killed writers")
    func everything() async throws {
        var cache = try #require(try Fixture.json("graph/msal-cache-user.json").object)
        var refresh = try #require(cache["RefreshToken"]?.object)
        refresh["of-an-earlier-app"] = [
            "client_id": "00000000-aaaa-4000-8000-000000000001", "secret": "FAKE-earlier", "home_account_id": "a.b",
            "environment": "login.microsoftonline.com",
        ]
        cache["RefreshToken"] = .object(refresh)
        try home.write("Contoso.json", JSONWriter.bytes(.object(cache)))
        try home.write("Contoso.flow.json", Array("{}".utf8))
        try home.write(".Contoso.json.mm-1-abcdef", Array("FAKE-draft".utf8))
        try home.write(".Contoso.flow.json.mm-1-abcdef", Array("FAKE-draft".utf8))
        try home.write(".Other.json.mm-1-abcdef", Array("of another connection".utf8))
        // The app has changed meanwhile: entries of the old one are removed too.
        let connection = try Contoso.connection(more: ["appId": "99999999-0000-4000-8000-000000000009"])
        let result = try await service().signOut(connection)
        #expect(result.accounts == [Contoso.email])
        #expect(home.tokenFiles == [".Other.json.mm-1-abcdef", "Contoso.json"])
        let left = String(decoding: try #require(try home.read("Contoso.json")), as: UTF8.self)
        #expect(!left.contains("FAKE"))
    }

    @Test("excessive permissions are removed")
    func tightened() async throws {
        try home.write("Contoso.json", JSONWriter.bytes(try Fixture.json("graph/msal-cache-user.json")))
        chmod("\(home.tokens)/Contoso.json", 0o644)
        _ = try await service().token(for: try Contoso.connection())
        #expect(fileMode("\(home.tokens)/Contoso.json") == 0o600)
    }

    @Test("a cache that everyone may write to is not used, and stays as it is until its owner has looked")
    func writableByAll() async throws {
        try home.write("Contoso.json", JSONWriter.bytes(try Fixture.json("graph/msal-cache-user.json")))
        chmod("\(home.tokens)/Contoso.json", 0o666)
        let error = await #expect(throws: MMError.self) {
            try await service().token(for: try Contoso.connection())
        }
        #expect(error?.code == .forbidden && error?.hint?.contains("chmod o-w") == true, "\(String(describing: error))")
        #expect(fileMode("\(home.tokens)/Contoso.json") == 0o666)
    }

    @Test("names that would share a file get different ones, and plain names stay")
    func names() {
        #expect(TokenFileName(connection: "Contoso-GA").cache == "Contoso-GA.json")
        #expect(TokenFileName(connection: "Contoso_GA").pending(.graph) == "Contoso_GA.flow.json")
        #expect(TokenFileName(connection: "Contoso").pending(.flow) == "Contoso-flow.flow.json")
        let odd = [
            "A.B", "A_B", "A B", "Ä_B", "a_b", "A-flow", "A", "", "..", "../x", String(repeating: "x", count: 300),
        ]
        var seen: [String: String] = [:]
        for name in odd {
            let files = TokenFileName(connection: name)
            for file in [files.cache] + ServiceResource.plain.map({ files.pending($0) }) {
                #expect(seen[file] == nil, "\(name) shares \(file) with \(seen[file] ?? "")")
                #expect(!file.contains("/") && !file.hasPrefix(".") && file.utf8.count < 220)
                seen[file] = name
            }
        }
    }

    @Test("an earlier program's cache under a shared name is used only for the account of the connection")
    func earlierCache() async throws {
        try home.write("A_B.json", JSONWriter.bytes(try Fixture.json("graph/msal-cache-user.json")))
        let named = try Contoso.connection("A.B")
        #expect(try await service().token(for: named).secret.reveal() == "FAKE-graph-access-token")
        let unnamed = try Contoso.connection("A B", expectedEmail: nil)
        let error = await #expect(throws: MMError.self) { try await service().token(for: unnamed) }
        #expect(error?.code == .signInNeeded)
    }

    @Test("after a sign-out the earlier program's cache isn't used again, and stays")
    func earlierCacheSignOut() async throws {
        let earlier = JSONWriter.bytes(try Fixture.json("graph/msal-cache-user.json"))
        try home.write("A_B.json", earlier)
        let connection = try Contoso.connection("A.B")
        _ = try await service().token(for: connection)
        try await service().signOut(connection)
        let error = await #expect(throws: MMError.self) { try await service().token(for: connection) }
        #expect(error?.code == .signInNeeded)
        #expect(try home.read("A_B.json") == earlier)
    }

    @Test("a pin of the connection's former tenant is ignored, one of its own tenant isn't")
    func pinOfOtherTenant() async throws {
        try home.write("Contoso.json", JSONWriter.bytes(try Fixture.json("graph/msal-cache-user.json")))
        let pins = PinStore(path: home.paths.pinFile)
        let before = SignedInAccount(
            username: "x", objectID: "1", tenantID: "6c2e9b14-77d0-4f3a-8b25-91e6a0c3d722", homeAccountID: "h")
        try pins.pin("Contoso", to: before, now: Timestamp(seconds: 0))
        _ = try await service().token(for: try Contoso.connection())
        #expect(try pins.pin(of: "Contoso")?.objectId == Contoso.objectID)
        let other = SignedInAccount(username: "y", objectID: "2", tenantID: Contoso.tenant, homeAccountID: "h")
        try pins.pin("Contoso", to: other, now: Timestamp(seconds: 0))
        #expect(try pins.pin(of: "Contoso")?.objectId == Contoso.objectID)
        try await service().signOut(try Contoso.connection(), forgettingAccount: true)
        #expect(try pins.pin(of: "Contoso") == nil)
    }

    @Test("several accounts without a choice: the error asks for one")
    func ambiguous() async throws {
        let first = try #require(try Fixture.json("graph/msal-cache-user.json").object)
        let text = String(decoding: JSONWriter.bytes(.object(first)), as: UTF8.self)
        // The same entries for another object, without an id_token.
        let other = text.replacing(Contoso.objectID, with: "22222222-0000-4000-8000-000000000009")
            .replacing(Contoso.email, with: "second@contoso.example")
        var merged = first
        for (kind, section) in try #require(try JSONParser.parse(other).object) where kind != "IdToken" {
            var entries = merged[kind]?.object ?? [:]
            for (key, value) in section.object ?? [:] { entries[key] = value }
            merged[kind] = .object(entries)
        }
        try home.write("Contoso.json", JSONWriter.bytes(.object(merged)))
        let error = await #expect(throws: MMError.self) {
            try await service().token(for: try Contoso.connection(expectedEmail: nil))
        }
        #expect(error?.code == .conflict && error?.message.contains("second@contoso.example") == true)
        #expect(try await service().token(for: try Contoso.connection()).account.objectID == Contoso.objectID)
    }

    @Test(
        "entries are identified by their fields: unusual keys, unknown kinds, a refresh token without scopes, other hosts of the cloud"
    )
    func oddKeys() async throws {
        let cache = try #require(try Fixture.json("graph/msal-cache-user.json").object)
        let text = String(decoding: JSONWriter.bytes(.object(cache)), as: UTF8.self)
        var odd = try #require(
            try JSONParser.parse(text.replacing("login.microsoftonline.com\"", with: "login.windows.net\"")).object)
        for kind in odd.keys {
            var entries: JSONObject = [:]
            for (number, member) in (odd[kind]?.object ?? [:]).enumerated() {
                var fields = try #require(member.value.object)
                fields["unknown"] = [1, 2]
                if kind == "RefreshToken" { fields["target"] = nil }
                entries["odd-\(number)"] = .object(fields)
            }
            odd[kind] = .object(entries)
        }
        try home.write("Contoso.json", JSONWriter.bytes(.object(odd)))
        #expect(try await service().token(for: try Contoso.connection()).secret.reveal() == "FAKE-graph-access-token")
        clock.advance(10_000)
        let token = try await service(Contoso.tokens(access: "NEW", refresh: "ROTATED")).token(
            for: try Contoso.connection())
        #expect(token.secret.reveal() == "NEW")
        let after = JSONValue.object(try home.object("Contoso.json"))
        #expect(after["RefreshToken"]?["odd-0"]?["secret"] == "ROTATED")
        #expect(after["RefreshToken"]?["odd-0"]?["unknown"] == [1, 2])
        let environments = (after["AccessToken"]?.object ?? [:]).values.compactMap { $0["environment"]?.string }
        #expect(environments.allSatisfy { $0 == "login.windows.net" }, "the host already used in the file stays in use")
    }

    @Test("tokens of another app, tenant or family are never used")
    func foreignTokens() async throws {
        let text = String(decoding: JSONWriter.bytes(try Fixture.json("graph/msal-cache-user.json")), as: UTF8.self)
        for (from, to) in [
            (Contoso.app, "11111111-2222-4333-8444-555555555555"),
            (Contoso.tenant, "6c2e9b14-77d0-4f3a-8b25-91e6a0c3d722"),
        ] {
            try home.write("Contoso.json", Array(text.replacing(from, with: to).utf8))
            let error = await #expect(throws: MMError.self) { try await service().token(for: try Contoso.connection()) }
            #expect(error?.code == .signInNeeded)
        }
    }

    @Test("an invalid file of pins is reported, and no account is accepted without it")
    func brokenPins() async throws {
        try home.write("Contoso.json", JSONWriter.bytes(try Fixture.json("graph/msal-cache-user.json")))
        try home.write(home.paths.pinFile, Array("{".utf8))
        let error = await #expect(throws: MMError.self) { try await service().token(for: try Contoso.connection()) }
        #expect(error?.code == .invalidInput && error?.message.contains("pins.json") == true)
        #expect(try home.read(home.paths.pinFile) == Array("{".utf8))
    }

    @Test("random damage to a cache never crashes and never loses the file")
    func fuzz() async throws {
        let good = JSONWriter.bytes(try Fixture.json("graph/msal-cache-user.json"), layout: .indented(4))
        var random = SeededRandom(seed: 7)
        for _ in 0..<2000 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: place)
                default: bytes.removeSubrange(place...)
                }
                if bytes.isEmpty { break }
            }
            guard let document = try? TokenCacheDocument(bytes) else { continue }
            let view = TokenCacheView(
                document: document, clientID: Contoso.app,
                authority: try Authority(cloud: try #require(Cloud.table["public"]), tenant: Contoso.tenant),
                foundTenantID: nil)
            for account in view.accounts {
                _ = view.accessToken(of: account, for: .graph)
                _ = view.refreshToken(of: account)
            }
        }
    }
}
