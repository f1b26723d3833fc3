import Glibc
import MMCore
import MMSystem

/// The writing end of a pipe for tests: takes everything at once, and writes what does not fit on a thread of its own.
///
/// A test that waited for room itself would hold one of the few threads that the server needs to make room.
final class TestWriter: Sendable {
    private struct State {
        var end: Int32?
        var waiting: [UInt8] = []
        var isWriting = false
        var closes = false
    }

    private let state: Mutex<State>

    /// Takes ownership of a descriptor.
    init(_ end: Int32) {
        _ = fcntl(end, F_SETFL, O_NONBLOCK)
        state = Mutex(State(end: end))
    }

    /// Queues bytes for writing.
    func write(_ bytes: [UInt8]) {
        let startsThread = state.withLock { state in
            guard let end = state.end, !state.closes else { return false }
            if state.isWriting {
                state.waiting += bytes
                return false
            }
            let done = Self.push(bytes[...], end)
            state.waiting = Array(bytes[done...])
            state.isWriting = !state.waiting.isEmpty
            return state.isWriting
        }
        if startsThread { _ = try? DedicatedThread.start("test-writer") { self.drain() } }
    }

    /// Closes the end as soon as everything is written.
    func close() {
        state.withLock { state in
            state.closes = true
            if !state.isWriting { Self.finish(&state) }
        }
    }

    private static func finish(_ state: inout State) {
        if let end = state.end { Glibc.close(end) }
        state.end = nil
    }

    /// Writes as much as possible now; bytes that nobody will read count as written.
    private static func push(_ bytes: ArraySlice<UInt8>, _ end: Int32) -> Int {
        var done = 0
        while done < bytes.count {
            let count = bytes.dropFirst(done).withUnsafeBytes { Glibc.write(end, $0.baseAddress, $0.count) }
            if count > 0 {
                done += count
            } else if errno == EAGAIN {
                return done
            } else if errno != EINTR {
                return bytes.count
            }
        }
        return done
    }

    private func drain() {
        while true {
            let (end, bytes) = state.withLock { state -> (Int32?, [UInt8]) in
                guard let end = state.end, !state.waiting.isEmpty else {
                    state.isWriting = false
                    if state.closes { Self.finish(&state) }
                    return (nil, [])
                }
                defer { state.waiting = [] }
                return (end, state.waiting)
            }
            guard let end else { return }
            var rest = bytes[...]
            while !rest.isEmpty {
                var room = pollfd(fd: end, events: Int16(POLLOUT), revents: 0)
                _ = poll(&room, 1, -1)
                rest = rest.dropFirst(Self.push(rest, end))
            }
        }
    }
}
