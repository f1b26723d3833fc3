import MMCore
import MMMCP

/// The streams that only wait for news: they never end by themselves, so a server that stops ends them first.
final class WatchingStreams: Sendable {
    private struct State {
        var streams: [Int: EventStream] = [:]
        var next = 0
        var isOver = false
    }
    private let state = Mutex(State())

    func add(_ stream: EventStream) -> Int {
        let (token, isOver) = state.withLock { state in
            state.next += 1
            if !state.isOver { state.streams[state.next] = stream }
            return (state.next, state.isOver)
        }
        if isOver { stream.close() }
        return token
    }

    func remove(_ token: Int) {
        // The stream may go with it: let it go outside the lock.
        _ = state.withLock { $0.streams.removeValue(forKey: token) }
    }

    func end() {
        let streams = state.withLock { state in
            state.isOver = true
            defer { state.streams = [:] }
            return Array(state.streams.values)
        }
        for stream in streams { stream.close() }
    }
}
