import MMCore
import MMSystem
import Testing

@testable import MMOperations

@Suite("The audit line of an answer that flows", .timeLimit(.minutes(10)))
struct FlowingAnswerTests {
    /// Answers with batches of a test's own.
    private struct Rows: CatalogueOperation {
        let next: @Sendable () async throws(MMError) -> [ArraySlice<UInt8>]?
        var guardClass = "read"
        let declaration = OperationDeclaration(
            "rows", command: ["rows"], title: "Rows", summary: "Streams.",
            effects: .init(readOnly: true, openWorld: true))

        func run(_ input: NoInput, in context: OperationContext, with services: Void) async throws(MMError)
            -> OperationAnswer
        {
            context.record.note("class", .string(guardClass))
            return OperationAnswer(.items(ItemStream(next: next)))
        }
    }

    private let home = JobHome()
    private static let batch = [Array("1".utf8)[...], Array("2".utf8)[...]]

    private func stream(
        class guardClass: String = "read", _ next: @escaping @Sendable (Int) throws(MMError) -> [ArraySlice<UInt8>]?
    ) async throws -> ItemStream {
        let calls = Mutex(0)
        let rows = Rows(
            next: { () async throws(MMError) in
                let call = calls.withLock { count in
                    count += 1
                    return count
                }
                return try next(call)
            }, guardClass: guardClass)
        let service = LocalOperationService(
            catalogue: Catalogue(Catalogue.standard.operations + [AnyOperation(rows)]), services: home.services)
        let answer = try await service.call(
            "rows", [:], in: CallContext(caller: Caller(surface: .terminal, name: "t", server: nil)))
        guard case .items(let stream) = answer.body else { throw MMError(.internalError, "no rows") }
        return stream
    }

    private func outcomes() throws -> [String] {
        try home.services.audit.entries(limit: 10) { $0["operation"] == "rows" }.map { entry in
            "\(entry["outcome"]?.string ?? "") \(entry["rows"]?.description ?? "-")"
        }
    }

    @Test("nothing is claimed before the last row, then done and how many")
    func done() async throws {
        let stream = try await stream { (call) in call <= 3 ? Self.batch : nil }
        #expect(try await stream.next()?.count == 2)
        #expect(try outcomes() == [])
        while try await stream.next() != nil {}
        #expect(try await stream.next() == nil)
        #expect(try outcomes() == ["done 6"])
    }

    @Test("the error that comes instead of a row is the outcome")
    func failed() async throws {
        let stream = try await stream { (call) throws(MMError) in
            if call > 1 { throw MMError(.throttled, "slow down") }
            return Self.batch
        }
        #expect(try await stream.next() != nil)
        await #expect(throws: MMError.self) { try await stream.next() }
        #expect(try outcomes() == ["\(MMErrorCode.throttled.word) 2"])
    }

    @Test("a reader that goes away leaves the rows it had")
    func abandoned() async throws {
        do {
            let stream = try await stream { (_) in Self.batch }
            #expect(try await stream.next() != nil)
        }
        #expect(try outcomes() == ["\(MMErrorCode.cancelled.word) 2"])
    }

    @Test("a line that can't be written is told behind the last row")
    func unwritable() async throws {
        try ProtectedFile.makeDirectory(home.services.audit.path)
        let stream = try await stream { (call) in call == 1 ? Self.batch : nil }
        #expect(stream.end().notes.isEmpty)
        while try await stream.next() != nil {}
        #expect(stream.end().notes.contains { $0.contains("audit log could not be written") })
    }

    @Test("a change stands in the chain from its beginning")
    func begun() async throws {
        let stream = try await stream(class: "write") { (call) in call == 1 ? Self.batch : nil }
        #expect(try outcomes() == ["begun -"])
        while try await stream.next() != nil {}
        #expect(Set(try outcomes()) == ["begun -", "done 2"])
    }
}
