import Glibc
import MMCore
import MMGuard
import Testing

@Suite("Confirmations", .timeLimit(.minutes(5)))
struct ConfirmationLedgerTests {
    /// A clock that tests move.
    private final class Hands: Sendable {
        private let seconds = Mutex<Int64>(1_000_000)
        var clock: WallClock { WallClock { Timestamp(seconds: self.seconds.withLock { $0 }) } }
        func move(_ by: Int64) { seconds.withLock { $0 += by } }
    }

    private let folder = Folder()
    private let hands = Hands()

    /// A folder that goes with the test.
    private final class Folder: Sendable {
        let path: String
        init() {
            path = "/tmp/mm-ledger-\(RandomBytes.text(bytes: 8))"
            try? ProtectedFile.makeDirectory(path)
        }
        deinit {
            for name in ["ledger.json", "ledger.json.lock"] { _ = unlink(path + "/" + name) }
            _ = rmdir(path)
        }
    }

    private var ledger: ConfirmationLedger {
        ConfirmationLedger(path: folder.path + "/ledger.json", clock: hands.clock)
    }

    private func request(
        _ script: String = "Remove-Mailbox ann", connection: String = "Contoso", module: String = "exo",
        body: String = "", parameters: JSONObject = [:]
    ) -> ConfirmationRequest {
        let verdict = GuardEngine().judge(script: script, policy: .standard)
        return ConfirmationRequest(
            connection: connection, module: module, title: "run in \(module)", text: script, body: Array(body.utf8),
            parameters: parameters,
            verdict: verdict)
    }

    @Test(
        "a yes is none where the connection's name stands for another tenant, app, account or cloud by then",
        arguments: [
            ("tenant", "fabrikam.example"), ("tenantId", "22222222-0000-4000-8000-000000000000"),
            ("appId", "33333333-0000-4000-8000-000000000000"), ("expectedEmail", "bob@contoso.example"),
            ("cloud", "gcchigh"),
        ] as [(String, JSONValue)])
    func anotherPlace(key: String, value: JSONValue) async throws {
        let entry: JSONObject = [
            "appId": "11111111-0000-4000-8000-000000000000", "tenant": "contoso.example",
            "expectedEmail": "Ann@contoso.example",
        ]
        let verdict = GuardEngine().judge(script: "Remove-Mailbox ann", policy: .standard)
        func request(_ entry: JSONObject) throws -> ConfirmationRequest {
            ConfirmationRequest(
                on: try Connection(name: "Contoso", entry: entry), module: "exo", title: "run in exo",
                text: "Remove-Mailbox ann", verdict: verdict)
        }
        var (changed, described) = (entry, entry)
        changed[key] = value
        described["description"] = "The tenant of Contoso"
        let waiting = try await ledger.request(try request(entry))
        try await ledger.approve(waiting.token, digest: waiting.digest)
        #expect(try await !ledger.confirms(try request(changed)))
        #expect(try await ledger.confirms(try request(described)))
    }

    @Test("a request of several lines is listed as such")
    func severalLines() async throws {
        let verdict = GuardEngine().judge(script: "Remove-Mailbox ann", policy: .standard)
        let waiting = try await ledger.request(
            ConfirmationRequest(
                on: try Connection(name: "Contoso", entry: ["tenant": "contoso.example"]), module: "exo",
                title: "run in exo", text: "$x = 1\nRemove-Mailbox ann\u{7}", verdict: verdict))
        #expect(waiting.summary == "$x = 1 ⏎ Remove-Mailbox ann\\u{7}")
    }

    @Test("a person's yes holds once, for exactly what was shown")
    func once() async throws {
        let wanted = request()
        let waiting = try await ledger.request(wanted)
        #expect(try await !ledger.confirms(wanted))
        let shown = try await ledger.pending(waiting.token)
        #expect(shown.summary == "Remove-Mailbox ann")
        #expect(shown.presentation == wanted.presentation)
        #expect(shown.presentation.whole == ["Remove-Mailbox ann"])
        try await ledger.approve(waiting.token, digest: shown.digest)
        #expect(try await !ledger.confirms(request("Remove-Mailbox bob")))
        #expect(try await ledger.confirms(wanted))
        #expect(try await !ledger.confirms(wanted))
    }

    @Test("the digest changes with every part that changes what happens")
    func digests() {
        let digests = [
            request(), request("Remove-Mailbox ann "), request(connection: "Fabrikam"), request(module: "azure"),
            request(body: "x"), request(parameters: ["timeout": 1]), request(connection: "Contosoe", module: "xo"),
        ].map(\.digest)
        #expect(Set(digests).count == digests.count)
        #expect(request(parameters: ["a": 1, "b": 2]).digest == request(parameters: ["b": 2, "a": 1]).digest)
    }

    @Test("asked again while it waits, a request keeps its token; after a yes it gets a new one")
    func sameToken() async throws {
        let first = try await ledger.request(request())
        let second = try await ledger.request(request())
        #expect(first.token == second.token)
        try await ledger.approve(first.token, digest: first.digest)
        let third = try await ledger.request(request())
        #expect(third.token != first.token)
    }

    @Test("a question and a yes both expire")
    func expiry() async throws {
        let waiting = try await ledger.request(request())
        hands.move(901)
        await #expect(throws: MMError.self) { try await ledger.pending(waiting.token) }
        await #expect(throws: MMError.self) { try await ledger.approve(waiting.token, digest: waiting.digest) }
        let again = try await ledger.request(request())
        try await ledger.approve(again.token, digest: again.digest)
        hands.move(601)
        #expect(try await !ledger.confirms(request()))
    }

    @Test("a no ends the request, and a token does not confirm another content")
    func refusing() async throws {
        let waiting = try await ledger.request(request())
        await #expect(throws: MMError.self) { try await ledger.approve(waiting.token, digest: "0000") }
        try await ledger.refuse(waiting.token, because: nil, by: nil)
        await #expect(throws: MMError.self) { try await ledger.approve(waiting.token, digest: waiting.digest) }
        await #expect(throws: MMError.self) { try await ledger.pending("NOSUCHONE") }
    }

    @Test("the store is a file of its user alone, and a broken one confirms nothing")
    func store() async throws {
        let waiting = try await ledger.request(request())
        var status = stat()
        #expect(lstat(ledger.path, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
        #expect(try await ledger.all().map(\.token) == [waiting.token])
        try ProtectedFile.replace(ledger.path, with: Array("{\"version\":1,".utf8))
        await #expect(throws: MMError.self) { try await ledger.confirms(request()) }
        await #expect(throws: MMError.self) { try await ledger.request(request()) }
    }

    @Test("many front-ends at once lose no request, and only one of them uses a yes")
    func concurrency() async throws {
        let ledger = ledger
        let requests = (0..<20).map { request("Remove-Mailbox user\($0)") }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for wanted in requests { group.addTask { _ = try await ledger.request(wanted) } }
            try await group.waitForAll()
        }
        let all = try await ledger.all()
        #expect(Set(all.map(\.token)).count == 20)
        let one = try #require(all.first)
        let wanted = try #require(requests.first { $0.digest == one.digest })
        try await ledger.approve(one.token, digest: one.digest)
        let used = try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<10 { group.addTask { try await ledger.confirms(wanted) } }
            return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(used == 1)
    }

    @Test("requests that fill the store make room for new ones, the oldest first")
    func overflow() async throws {
        var ledger = ledger
        ledger.largestFile = 1 << 20
        let filling = "# " + String(repeating: "\u{1B}", count: 10 << 10) + "\nRemove-Mailbox user"
        let first = try await ledger.request(request(filling + "0"))
        var last = first
        for number in 1...24 { last = try await ledger.request(request(filling + "\(number)")) }
        #expect(try await ledger.pending(last.token).digest == last.digest)
        await #expect(throws: MMError.self) { try await ledger.pending(first.token) }
    }

    @Test("the error of an asked request names the token, the place and what to do")
    func error() async throws {
        let verdict = GuardEngine().judge(script: "Remove-Mailbox ann", policy: .standard)
        let waiting = try await ledger.request(request())
        let error = try #require(verdict.error(pending: waiting))
        #expect(error.code == .confirmationNeeded)
        #expect(error.hint?.contains("mm confirm \(waiting.token)") ?? false)
        #expect(error.details["token"]?.string == waiting.token)
        #expect(error.details["expiresAt"]?.string == waiting.expiresAt.iso8601)
        let denied = try #require(GuardEngine().judge(script: "Install-Module x", policy: .standard).error())
        #expect(denied.code == .denied)
        #expect(GuardEngine().judge(script: "Get-Mailbox", policy: .standard).error() == nil)
    }

    @Test(
        "the error of an asked request offers an alternative only where there is one beside asking",
        arguments: [
            ("Remove-Mailbox ann", nil), ("Send-MgUserMail -UserId ann", nil),
            ("Frobnicate-Thing ann", "Check the spelling."), ("Remove-MailboxPermission ann", nil),
        ] as [(String, String?)])
    func alternative(script: String, due: String?) async throws {
        let verdict = GuardEngine().judge(script: script, policy: .standard)
        let waiting = try await ledger.request(request())
        let hint = try #require(verdict.error(pending: waiting)?.hint)
        let asked = "Ask them to run: mm confirm \(waiting.token). Then repeat exactly this call."
        #expect(hint == asked + (due.map { " Or: \($0)" } ?? ""))
    }
}
