import MMCore
import MMMCP
import TestSupport
import Testing

@testable import MMServing

@Suite("Watched resources", .timeLimit(.minutes(5)))
struct WatchedResourceTests {
    /// The content, and how often it was read.
    private final class Source: Sendable {
        private let state = Mutex<(text: String?, reads: Int)>((nil, 0))

        var reads: Int { state.withLock { $0.reads } }

        func set(_ text: String?) { state.withLock { $0.text = text } }

        func read() throws -> [ResourceContents] {
            let text = state.withLock { state in
                state.reads += 1
                return state.text
            }
            guard let text else { throw MMError(.notFound, "Nothing is there.") }
            return [.text(text, uri: "mm://x")]
        }

        /// Waits until it was read again.
        func readAgain() async {
            let before = reads
            // The first of the two reads may have begun before.
            _ = await eventually { self.reads >= before + 2 }
        }
    }

    @Test("report when they appear, change and disappear, and not if only a time has changed")
    func changes() async throws {
        let source = Source()
        let told = Mutex(0)
        let watching = Task {
            for await _ in await WatchedResource(every: .milliseconds(2), { try source.read() }).changes {
                told.withLock { $0 += 1 }
            }
        }
        await source.readAgain()
        var wanted = 0
        for (text, isNews) in [
            (#"{"state":"running","seconds":1}"#, true), (#"{"state":"running","seconds":2}"#, false),
            (#"{"rows":[{"memory":5,"state":"busy"}]}"#, true), (#"{"rows":[{"memory":6,"state":"busy"}]}"#, false),
            ("plain words", true), (nil, true),
        ] as [(String?, Bool)] {
            source.set(text)
            await source.readAgain()
            wanted += isNews ? 1 : 0
            let found = await eventually { told.withLock { $0 } >= wanted }
            #expect(found)
            #expect(told.withLock { $0 } == wanted, "\(text ?? "nothing")")
        }
        watching.cancel()
    }

    @Test("report a change that happens as soon as they are watched, before any other read")
    func firstReading() async throws {
        let source = Source()
        source.set("before")
        let changes = await WatchedResource(every: .milliseconds(2), { try source.read() }).changes
        source.set("after")
        var told = changes.makeAsyncIterator()
        let news: Void? = await told.next()
        #expect(news != nil)
    }
}
