import MMCore
import MMNative
import Testing

@testable import MMOperations

@Suite("What a native script puts out on its way to its reader", .timeLimit(.minutes(10)))
struct NativeFlowTests {
    /// Says that something has happened.
    private final class Flag: Sendable {
        private let state = Mutex(false)

        var isSet: Bool { state.withLock { $0 } }

        func set() { state.withLock { $0 = true } }
    }

    private func begin(_ flow: NativeFlow, _ script: String, ended: Flag? = nil) async -> NativeFlow.Start {
        await flow.begin { () async throws(MMError) in
            var session = NativeSession()
            let outcome = flow.completed(await NativeEngine().run(script, in: &session) { await flow.take($0) })
            ended?.set()
            guard case .completed(let result) = outcome else { throw MMError(.cancelled, "called off") }
            return SessionAnswer(
                output: .native(NativeAnswer(result: result, account: "adele", information: [])))
        }
    }

    @Test("little is gathered and answered whole", arguments: [0, 1, 2000])
    func little(count: Int) async throws {
        let flow = NativeFlow(depth: 3)
        guard
            case .ended(.success(let whole)) = await begin(flow, "@(1..2000) | Select-Object -First \(count)"),
            case .native(let answer) = whole.output
        else {
            Issue.record("it flowed, or failed")
            return
        }
        #expect(answer.result.objects.count == count)
        #expect(!flow.isFlowing)
    }

    @Test("much flows, whole and in order, and the script waits for its reader")
    func much() async throws {
        let ended = Flag()
        let flow = NativeFlow(depth: 3)
        guard case .flowing(let stream, _) = await begin(flow, "1..50000", ended: ended) else {
            Issue.record("it did not flow")
            return
        }
        #expect(!ended.isSet)
        var next = 1
        while let batch = try await stream.next() {
            for row in batch {
                #expect(String(decoding: row, as: UTF8.self) == "\(next)")
                next += 1
            }
        }
        #expect(next == 50_001)
        #expect(try await stream.next() == nil)
        #expect(ended.isSet)
    }

    @Test("a failure behind rows reaches the reader behind them")
    func failure() async throws {
        let flow = NativeFlow(depth: 3)
        guard case .flowing(let stream, _) = await begin(flow, "1..5000; throw 'no more'") else {
            Issue.record("it did not flow")
            return
        }
        var count = 0
        var error: MMError?
        do throws(MMError) {
            while let batch = try await stream.next() { count += batch.count }
        } catch let thrown {
            error = thrown
        }
        #expect(count == 5000)
        #expect(error?.message.contains("no more") == true)
        #expect(error?.details["rows"] == 5000)
    }

    @Test("errors that end nothing are told behind the rows")
    func notes() async throws {
        let flow = NativeFlow(depth: 3)
        guard
            case .flowing(let stream, let opening) = await begin(
                flow, "Write-Warning early; 1..5000; Write-Warning late")
        else {
            Issue.record("it did not flow")
            return
        }
        while try await stream.next() != nil {}
        #expect(opening == ["WARNING: early"])
        #expect(stream.end().notes == ["WARNING: late"])
    }

    @Test("errors before and among the rows stand at their end, with the exit that they mean")
    func errors() async throws {
        let early = "Write-Error early; 1..5000; Write-Error late"
        for (script, status) in [(early, 1), (early + "; exit 0", 0), ("1..5000", nil)] as [(String, Int32?)] {
            let flow = NativeFlow(depth: 3)
            guard case .flowing(let stream, _) = await begin(flow, script) else {
                Issue.record("it did not flow")
                return
            }
            while try await stream.next() != nil {}
            #expect(stream.end().errors.map(\.message) == (status == nil ? [] : ["early", "late"]))
            #expect(stream.end().exitStatus == status)
        }
    }

    @Test("a reader that goes ends the script")
    func dropped() async throws {
        let ended = Flag()
        do {
            guard case .flowing(let stream, _) = await begin(NativeFlow(depth: 3), "1..1000000", ended: ended) else {
                Issue.record("it did not flow")
                return
            }
            #expect(try await stream.next() != nil)
        }
        while !ended.isSet { try await Task.sleep(for: .milliseconds(5)) }
    }
}
