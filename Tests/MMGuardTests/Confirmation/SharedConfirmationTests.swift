import MMCore
import TestSupport
import Testing

@testable import MMGuard

@Suite("Confirmations that nodes share", .timeLimit(.minutes(5)))
struct SharedConfirmationTests {
    /// What nodes share, in memory, and whether it can be reached.
    private final class Board: SharedConfirmations {
        private let documents = Mutex<[String: SharedConfirmationDocument]>([:])
        let isAway = Mutex(false)

        private func reach() throws(MMError) {
            guard isAway.withLock({ $0 }) else { return }
            throw MMError(.unavailable, "Redis can't be reached.", details: ["cluster": "away"])
        }

        func read(_ connection: String) async throws(MMError) -> SharedConfirmationDocument? {
            try reach()
            return documents.withLock { $0[connection] }
        }

        func all() async throws(MMError) -> [SharedConfirmationDocument] {
            try reach()
            return documents.withLock { Array($0.values) }
        }

        func replace(
            _ connection: String, from read: SharedConfirmationDocument?, with bytes: [UInt8], for lifetime: Duration,
            underLease: Bool
        ) async throws(MMError) -> Bool {
            try reach()
            await Task.yield()
            return documents.withLock { documents in
                guard documents[connection] == read else { return false }
                documents[connection] = SharedConfirmationDocument(
                    connection: connection, bytes: bytes, revision: RandomBytes.text(bytes: 9))
                return true
            }
        }
    }

    /// Two nodes with a folder each and one board.
    private final class Nodes: Sendable {
        private let folder: TestFolder
        let board = Board()
        let seconds = Mutex<Int64>(1_000_000)

        init() throws { folder = try TestFolder() }

        func ledger(_ name: String) -> ConfirmationLedger {
            var ledger = ConfirmationLedger(
                path: folder[name], clock: WallClock { Timestamp(seconds: self.seconds.withLock { $0 }) })
            ledger.shared = board
            return ledger
        }
    }

    private let nodes: Nodes
    private var a: ConfirmationLedger { nodes.ledger("a") }
    private var b: ConfirmationLedger { nodes.ledger("b") }
    private let ann = Approver(person: "ann", means: "passkey desk")
    private let bob = Approver(person: "bob", means: "passkey bag")

    init() throws { nodes = try Nodes() }

    private func request(
        _ script: String = "Remove-Mailbox ann", connection: String = "Contoso", approvals: Int = 1,
        principal: String? = nil
    ) -> ConfirmationRequest {
        var request = ConfirmationRequest(
            connection: connection, module: "exo", title: "run in exo", text: script,
            verdict: GuardEngine().judge(script: script, in: ScriptContext(module: "exo"), policy: .standard),
            approvals: ConnectionApprovals(approvals))
        request.principal = principal
        return request
    }

    @Test("are asked on one, given on another, and used on either, once")
    func once() async throws {
        let wanted = request()
        let waiting = try await a.request(wanted)
        #expect(try await b.all().map(\.token) == [waiting.token])
        // Asked again on another node it is the same question.
        #expect(try await b.request(wanted).token == waiting.token)
        try await b.approve(waiting.token, digest: waiting.digest)
        let other = [
            request("Remove-Mailbox bob"), request(connection: "Fabrikam"), request(principal: "somebody else"),
        ]
        for other in other { #expect(try await b.outcome(of: other) == nil) }
        let used = try await withThrowingTaskGroup(of: Bool.self) { tasks in
            for number in 0..<16 {
                let ledger = nodes.ledger(number.isMultiple(of: 2) ? "a" : "b")
                tasks.addTask { try await ledger.outcome(of: wanted) != nil }
            }
            return try await tasks.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(used == 1)
        await #expect(throws: MMError.self) { _ = try await a.pending(waiting.token) }
    }

    @Test("count each person once, wherever they say yes, and a no is told to the next call on any")
    func people() async throws {
        let wanted = request(approvals: 2)
        let waiting = try await a.request(wanted)
        #expect(try await a.approve(waiting.token, digest: waiting.digest, by: ann).state == .pending)
        await #expect(throws: MMError.self) {
            _ = try await b.approve(waiting.token, digest: waiting.digest, by: ann)
        }
        #expect(try await b.approve(waiting.token, digest: waiting.digest, by: bob).state == .approved)
        guard case .approved(let people, _)? = try await a.outcome(of: wanted) else {
            Issue.record("two people said yes")
            return
        }
        #expect(people == [ann, bob])
        let refused = request("Remove-Mailbox carl")
        let asked = try await b.request(refused)
        try await a.refuse(asked.token, because: "not today", by: ann)
        guard case .refused(let entry)? = try await b.outcome(of: refused) else {
            Issue.record("a person said no")
            return
        }
        #expect(entry.refusal == "not today")
        #expect(try await a.outcome(of: refused) == nil)
    }

    @Test("allow for a while on all, until they are taken back on one")
    func standing() async throws {
        let wanted = request()
        let classes = try #require(wanted.standingClasses)
        _ = try await a.allow(classes, on: "Contoso", for: .seconds(1800), by: ann, check: .key)
        guard case .allowed(let held, _)? = try await b.outcome(of: wanted) else {
            Issue.record("it was allowed")
            return
        }
        #expect(try await b.outcome(of: request(connection: "Fabrikam")) == nil)
        _ = try await b.revoke(held.id)
        #expect(try await a.outcome(of: wanted) == nil)
    }

    @Test("go on with this node's own while the others can't be reached, and nothing is used twice after that")
    func away() async throws {
        let wanted = request()
        let shared = try await b.request(wanted)
        try await b.approve(shared.token, digest: shared.digest)
        nodes.seconds.withLock { $0 += 10 }
        nodes.board.isAway.withLock { $0 = true }
        #expect(await a.absence()?.details["cluster"] == "away")
        // What others know can't be used, and a token of theirs is not called unknown.
        #expect(try await a.outcome(of: wanted) == nil)
        let error = await #expect(throws: MMError.self) { _ = try await a.pending(shared.token) }
        #expect(error?.details["cluster"] == "away")
        let own = try await a.request(wanted)
        #expect(own.token != shared.token)
        try await a.approve(own.token, digest: own.digest)
        guard case .approved? = try await a.outcome(of: wanted) else {
            Issue.record("it goes on here")
            return
        }
        let kept = try await a.request(request("Remove-Mailbox dora"))
        nodes.board.isAway.withLock { $0 = false }
        #expect(await a.absence() == nil)
        // The yes that could not be seen was for what has been done since.
        #expect(try await a.outcome(of: wanted) == nil)
        #expect(try await b.outcome(of: wanted) == nil)
        // What waits here goes on waiting here, under its token.
        #expect(try await a.request(request("Remove-Mailbox dora")).token == kept.token)
        try await a.approve(kept.token, digest: kept.digest)
        #expect(try await a.outcome(of: request("Remove-Mailbox dora")) != nil)
        #expect(try await a.outcome(of: request("Remove-Mailbox dora")) == nil)
    }

    @Test("of a call that is a part of more are for the node that carries it out, and are taken back unused")
    func granted() async throws {
        let wanted = request()
        try await a.grant(wanted, by: ann)
        #expect(try await b.outcome(of: wanted) != nil)
        #expect(try await b.outcome(of: wanted) == nil)
        try await a.grant(wanted, by: Approver(person: "ann", means: "together"))
        await a.withdraw(wanted)
        #expect(try await b.outcome(of: wanted) == nil)
        var alone = a
        alone.shared = nil
        let single = alone
        await #expect(throws: MMError.self) { try await single.grant(wanted, by: ann) }
    }
}
