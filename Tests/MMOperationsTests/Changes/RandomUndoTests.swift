import MMCore
import MMGraph
import MMStates
import Testing

@testable import MMOperations

@Suite("Random writes", .timeLimit(.minutes(15)))
struct RandomUndoTests {
    @Test(
        "undone in reverse leave the tenant as it was, and each dry run said what happened",
        arguments: [11 as UInt64, 12])
    func undone(seed: UInt64) async throws {
        let tenant = try await ChangesHome()
        var writes = try await RandomWrites(seed: seed, in: tenant)
        let first = try await writes.state(of: tenant)
        var (done, predicted, unknown) = (0, 0, 0)
        while done < 120 {
            let write = writes.next()
            let forecast = try await tenant.graph(write.method, write.path, write.body, isDryRun: true)
            do throws(MMError) {
                try await tenant.graph(write.method, write.path, write.body)
            } catch {
                // A user who was deleted, a member who is one already: the service refuses, and nothing is in the journal.
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
            #expect(forecast["undo"] == "mm undo can take it back", "\(write)")
            if entry.change.kind != .creation { #expect(forecast["then"] == entry.change.after, "\(write)") }
            let client = try GraphClient(identity: tenant.service.services.identity, connection: try demo(tenant))
            let watch = WriteWatch(
                client: client, connection: try demo(tenant), requests: tenant.service.services.requestServices,
                context: OperationContext(call: tenant.context(nil), deadline: .never, record: CallRecord()))
            let present = try await watch.present(of: entry.change)
            #expect(entry.change.standing(in: present) == .asLeft, "\(write)")
        }
        #expect(try await writes.state(of: tenant) != first)
        #expect(predicted >= 20 * unknown)
        let answer = try await tenant.call("undo", ["since": "1d"])
        #expect(answer.missing == nil)
        let rows = ChangesHome.value(answer).array ?? []
        #expect(rows.count == done)
        #expect(rows.allSatisfy { $0["result"] == "undone" }, "\(rows.first { $0["result"] != "undone" } ?? .null)")
        let last = try await writes.state(of: tenant)
        #expect(last == first, "\(Set(last).symmetricDifference(first).sorted().prefix(6))")
        await tenant.stop()
    }

    private func demo(_ tenant: ChangesHome) throws(MMError) -> Connection {
        try tenant.service.services.registry.snapshot().connection(named: "Demo", for: nil)
    }
}
