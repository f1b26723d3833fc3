import MMCore
import MMOperations
import TestSupport
import Testing

@testable import MMCLI

@Suite("An answer that can't be shown as requested", .timeLimit(.minutes(5)))
struct PresentedAnswerTests {
    /// Answers every call with the same object, and counts the calls.
    private final class Service: OperationService {
        let catalogue = Catalogue.standard
        private let number = Mutex(0)
        private let arrived = Mutex(0)
        /// Whether the guard judged the calls to be reads.
        let onlyReads: Bool

        init(onlyReads: Bool) { self.onlyReads = onlyReads }

        var calls: Int { number.withLock { $0 } }
        /// How many answers have arrived.
        var deliveries: Int { arrived.withLock { $0 } }

        func call(_ operation: AnyOperation, _ arguments: JSONObject, in context: CallContext) async throws(MMError)
            -> OperationAnswer
        {
            number.withLock { $0 += 1 }
            var answer = OperationAnswer.value(["id": 1])
            answer.isOfRead = onlyReads
            answer.delivery = Delivery { () async throws(MMError) in self.arrived.withLock { $0 += 1 } }
            return answer
        }

        func forget(_ client: CallContext) async {}
    }

    private let home: TestHome
    private let service = Service(onlyReads: false)

    init() throws { home = try TestHome() }

    /// Returns the error of a command line, made by an operation that only reads or that may write.
    private func error(
        reading: Bool, from service: Service? = nil, _ change: (inout GlobalOptions) -> Void
    ) async throws -> MMError {
        let operation = try Catalogue.standard.require(reading ? "drift" : "graph_request")
        let service = service ?? self.service
        let commands = OperationCommands(
            service: { _ in .success(service) }, terminal: CommandStreams(environment: [:]), isPerson: { false },
            proof: OwnerProof(paths: home.paths))
        var scanned = ArgumentScanner.Result()
        scanned.options.quiet = true
        change(&scanned.options)
        do throws(MMError) {
            _ = try await commands.perform(operation, scanned, asJSON: true)
        } catch {
            return error
        }
        throw MMError(.internalError, "The answer was shown.")
    }

    @Test("a wrong filter is refused before a call that may write", arguments: [".[", "import \"a\" as a; ."])
    func wrongFilter(program: String) async throws {
        let error = try await error(reading: false) { $0.jq = program }
        #expect([2, 4].contains(error.exitCode) && service.calls == 0)
    }

    @Test("what fails after such a call is no refusal of it")
    func carriedOut() async throws {
        let filtered = try await error(reading: false) { $0.jq = ".id.name" }
        #expect(filtered.exitCode == 1 && service.calls == 1)
        let chosen = try await error(reading: false) { $0.columns = ["mail"] }
        #expect(chosen.exitCode == 1 && chosen.message.contains("was carried out"))
        let sorted = try await error(reading: false) { $0.order = RowOrder(column: "mail", isDescending: false) }
        #expect(sorted.exitCode == 1)
    }

    @Test("is refused for a column that no row has also before a filter")
    func filteredColumn() async throws {
        let error = try await error(reading: true) { options in
            options.jq = "."
            options.columns = ["mail"]
        }
        #expect(error.exitCode == 2)
    }

    @Test("has not arrived, so that the next call gives again what a call gives only once")
    func undelivered() async throws {
        for reading in [true, false] {
            _ = try await error(reading: reading) { $0.jq = ".id.name" }
            _ = try await error(reading: reading) { $0.columns = ["mail"] }
        }
        #expect(service.calls == 4 && service.deliveries == 0)
    }

    @Test("a read may be repeated, so its wrong column is a wrong command line")
    func read() async throws {
        #expect(try await error(reading: true) { $0.columns = ["mail"] }.exitCode == 2)
        let judged = try await error(reading: false, from: Service(onlyReads: true)) { $0.columns = ["mail"] }
        #expect(judged.exitCode == 2 && !judged.message.contains("carried out"), "\(judged.message)")
    }
}
