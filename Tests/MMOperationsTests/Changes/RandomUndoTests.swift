import Glibc
import MMCore
import MMGraph
import TestSupport
import Testing

@testable import MMOperations

@Suite("Random writes", .timeLimit(.minutes(15)))
struct RandomUndoTests {
    /// How many writes of each seed: few in the usual run, as many as one wants by MM_RANDOM_WRITES.
    private static let count = getenv("MM_RANDOM_WRITES").flatMap { Int(String(cString: $0)) } ?? 150

    @Test(
        "undone in reverse leave the tenant as it was, and each dry run said what happened",
        arguments: [11 as UInt64, 12])
    func undone(seed: UInt64) async throws {
        // The first state is of the day before, as midnight may pass during the writes. Tokens are of today: those of
        // Graph and flows come with the writes, this one with a first cmdlet.
        let isDayBefore = Mutex(false)
        let tenant = try await ChangesHome(
            clock: WallClock { .now + .seconds(isDayBefore.withLock { $0 } ? -86_400 : 0) })
        var writes = try await RandomWrites(seed: seed, in: tenant)
        _ = try await tenant.run("Get-RemoteDomain")
        isDayBefore.withLock { $0 = true }
        let first = try await writes.state(of: tenant)
        isDayBefore.withLock { $0 = false }
        var (done, predicted, unknown) = (0, 0, 0)
        while done < Self.count {
            let write = writes.next()
            var rehearsed = write.input
            rehearsed["dryRun"] = true
            let forecast: JSONValue
            do throws(MMError) {
                forecast = ChangesHome.value(try await tenant.call(write.operation, rehearsed))
                _ = try await tenant.call(write.operation, write.input)
            } catch {
                // A user who was deleted, a member who is one already: the service refuses, and nothing is in the
                // journal.
                continue
            }
            done += 1
            let entry = try #require(try await tenant.newest())
            guard forecast["isBeforeKnown"] == true else {
                unknown += 1
                continue
            }
            predicted += 1
            #expect(entry.change.reasonAgainstUndo == nil, "\(write)")
            #expect(forecast["undo"] == "can be taken back", "\(write)")
            if entry.change.kind != .creation { #expect(forecast["then"] == entry.change.after, "\(write)") }
            let channels = UndoChannels(
                connection: try demo(tenant), services: tenant.service.services.requestServices,
                context: OperationContext(call: tenant.context(nil), deadline: .never, record: CallRecord()),
                confirmed: false)
            // What was so already is as before and as left.
            let standing = try await channels.present(of: entry.change).standing
            #expect(
                standing == (entry.change.changesNothing && entry.change.cmdlet != nil ? .asBefore : .asLeft),
                "\(write)")
        }
        #expect(try await writes.state(of: tenant) != first)
        #expect(predicted >= 20 * unknown)
        let answer = try await tenant.call("undo", ["since": "1d"])
        #expect(answer.missing == nil)
        let rows = ChangesHome.value(answer).array ?? []
        #expect(rows.count == done)
        let left = rows.first { row in
            row["result"] != "undone" && row["result"]?.string?.hasPrefix("nothing to do") != true
        }
        #expect(left == nil, "\(left ?? .null)")
        if Self.count > 300 { print("seed \(seed): \(done) writes, \(predicted) predicted, \(unknown) unknown") }
        let last = try await writes.state(of: tenant)
        let isAsBefore = last == first
        #expect(isAsBefore, "\(Set(last).symmetricDifference(first).sorted().prefix(6))")
        await tenant.stop()
    }

    private func demo(_ tenant: ChangesHome) throws(MMError) -> Connection {
        try tenant.service.services.registry.snapshot().connection(named: "Demo", for: nil)
    }
}
