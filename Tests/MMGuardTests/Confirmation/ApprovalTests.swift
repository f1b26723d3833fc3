import MMCore
import TestSupport
import Testing

@testable import MMGuard

@Suite("Approvals by several people, and for a while", .timeLimit(.minutes(5)))
struct ApprovalTests {
    private final class Store: Sendable {
        private let folder: TestFolder
        let seconds = Mutex<Int64>(1_000_000)
        var ledger: ConfirmationLedger {
            ConfirmationLedger(
                path: folder["ledger.json"], clock: WallClock { Timestamp(seconds: self.seconds.withLock { $0 }) })
        }

        init() throws { folder = try TestFolder() }
    }

    private let store: Store
    private let ann = Approver(person: "ann", means: "passkey desk")
    private let bob = Approver(person: "bob", means: "passkey bag")

    init() throws { store = try Store() }

    private func request(
        _ script: String = "Remove-Mailbox ann", approvals: Int = 1, checks: PersonCheck = .form
    ) -> ConfirmationRequest {
        ConfirmationRequest(
            connection: "Contoso", module: "exo", title: "run in exo", text: script,
            verdict: GuardEngine().judge(script: script, in: ScriptContext(module: "exo"), policy: .standard),
            checks: ConnectionPersonChecks(checks), approvals: ConnectionApprovals(approvals))
    }

    @Test("where two people are needed, one person's yes counts once, however it is given")
    func two() async throws {
        let wanted = request(approvals: 2)
        let waiting = try await store.ledger.request(wanted)
        let first = try await store.ledger.approve(waiting.token, digest: waiting.digest, by: ann)
        #expect(first.state == .pending && first.approvers == [ann] && first.needed == 2)
        #expect(try await store.ledger.outcome(of: wanted) == nil)
        for again in [ann, Approver(person: "Ann", means: "terminal")] {
            await #expect(throws: MMError.self) {
                _ = try await store.ledger.approve(waiting.token, digest: waiting.digest, by: again)
            }
        }
        #expect(try await !store.ledger.confirms(wanted))
        // Asked again meanwhile, it is the same request with the yes that it has.
        #expect(try await store.ledger.request(wanted).approvers == [ann])
        let second = try await store.ledger.approve(waiting.token, digest: waiting.digest, by: bob)
        #expect(second.state == .approved)
        guard case .approved(let people, _)? = try await store.ledger.outcome(of: wanted) else {
            Issue.record("two people said yes")
            return
        }
        #expect(people == [ann, bob])
        #expect(try await store.ledger.outcome(of: wanted) == nil)
    }

    @Test("rules that were made stricter while a request waits, or after its yes, hold for it")
    func stricter() async throws {
        let waiting = try await store.ledger.request(request())
        #expect(waiting.needed == 1)
        // Asked again under the new rule, it waits for two.
        let raised = try await store.ledger.request(request(approvals: 2))
        #expect(raised.token == waiting.token && raised.needed == 2)
        #expect(try await store.ledger.approve(raised.token, digest: raised.digest, by: ann).state == .pending)
        #expect(try await store.ledger.approve(raised.token, digest: raised.digest, by: bob).state == .approved)
        // Three by the rule that holds when it is used.
        #expect(try await store.ledger.outcome(of: request(approvals: 3)) == nil)
        let reopened = try #require(try await store.ledger.all().first)
        #expect(reopened.state == .pending && reopened.needed == 3 && reopened.approvers == [ann, bob])
        // A yes without the check that is demanded now is none.
        #expect(try await store.ledger.request(request(approvals: 3, checks: .pin)).approvers.isEmpty)
        for one in [ann, bob, Approver(person: "eve", means: "passkey")] {
            _ = try await store.ledger.approve(reopened.token, digest: reopened.digest, by: one)
        }
        #expect(try await store.ledger.outcome(of: request(approvals: 3, checks: .key)) == nil)
        #expect(try await store.ledger.all().first?.approvers.isEmpty == true)
    }

    @Test("a no is told to the next run of exactly this, with its reason, once; then it is asked again")
    func refusal() async throws {
        let wanted = request(approvals: 2)
        let waiting = try await store.ledger.request(wanted)
        _ = try await store.ledger.approve(waiting.token, digest: waiting.digest, by: ann)
        try await store.ledger.refuse(waiting.token, because: "wrong mailbox", by: bob)
        #expect(try await store.ledger.all().isEmpty)
        guard case .refused(let entry)? = try await store.ledger.outcome(of: wanted) else {
            Issue.record("a person said no")
            return
        }
        #expect(entry.refusal == "wrong mailbox" && entry.approvers == [bob])
        #expect(try await store.ledger.outcome(of: wanted) == nil)
        #expect(try await store.ledger.request(wanted).token != waiting.token)
    }

    @Test("what was allowed for a while passes on its connection, in its class, until it ends or is revoked")
    func standing() async throws {
        let wanted = request()
        let classes = try #require(wanted.standingClasses)
        #expect(classes == [.destructive])
        let made = try await store.ledger.allow(
            classes, on: "Contoso", for: .seconds(1800), by: ann, check: .terminal)
        for _ in 0..<2 {
            guard case .allowed(let by, _)? = try await store.ledger.outcome(of: wanted) else {
                Issue.record("it was allowed")
                return
            }
            #expect(by.approver == ann)
        }
        var elsewhere = wanted
        elsewhere.connection = "Fabrikam"
        #expect(try await store.ledger.outcome(of: elsewhere) == nil)
        var renamed = wanted
        renamed.identity = "of another tenant"
        #expect(try await store.ledger.outcome(of: renamed) == nil)
        // Other classes, two people, and a stronger check than was passed.
        #expect(try await store.ledger.outcome(of: request(approvals: 2)) == nil)
        #expect(try await store.ledger.outcome(of: request(checks: .key)) == nil)
        store.seconds.withLock { $0 += 1801 }
        #expect(try await store.ledger.outcome(of: wanted) == nil)
        _ = try await store.ledger.allow(classes, on: "Contoso", for: .seconds(1800), by: ann, check: .terminal)
        let held = try #require(try await store.ledger.standing().first)
        #expect(held.id != made.first?.id)
        _ = try await store.ledger.revoke(held.id)
        #expect(try await store.ledger.outcome(of: wanted) == nil)
        await #expect(throws: MMError.self) { _ = try await store.ledger.revoke(held.id) }
    }

    @Test("secrets, rights, the sign-in, reads and more than 8 hours are never allowed for a while")
    func bounds() async throws {
        for one in [GuardClass.read, .secret, .privilege, .session] {
            await #expect(throws: MMError.self) {
                _ = try await store.ledger.allow([.send, one], on: "C", for: .seconds(60), by: ann, check: .key)
            }
        }
        for seconds in [0, 59, 8 * 3600 + 1] {
            await #expect(throws: MMError.self) {
                _ = try await store.ledger.allow([.send], on: "C", for: .seconds(seconds), by: ann, check: .key)
            }
        }
        #expect(try await store.ledger.standing().isEmpty)
    }

    @Test(
        "what the text doesn't show, or no table knows, is asked about whatever was allowed",
        arguments: ["& $x; Remove-Mailbox ann", "Remove-Mailbox ann; Do-Unknown"])
    func always(_ script: String) {
        #expect(request(script).standingClasses == nil)
    }

    @Test("who asked is kept with what waits, and their own words can't repaint a screen")
    func requester() async throws {
        var wanted = request()
        wanted.requester = Requester(
            surface: "mcp", client: "agent\u{1B}[2J 2.1", model: "m-1", person: "ann@contoso.com")
        let waiting = try await store.ledger.request(wanted)
        let read = try await store.ledger.pending(waiting.token)
        #expect(read.requester == wanted.requester && read.guardClass == .destructive)
        let text = try #require(read.requester).text
        #expect(!text.contains("\u{1B}") && text.hasSuffix("m-1, ann@contoso.com (mcp)"))
    }
}
