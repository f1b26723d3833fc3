import CMMSystem
import Glibc
import MMCore
import MMSystem

/// Knows when the client of a connection leaves, while nobody reads from it.
final class ClientPresence: Sendable {
    private struct State {
        var watch: PollLoop.Watch?
        var hasLeft = false
        var handler: (@Sendable () -> Void)?
        /// Given back when the connection is closed.
        var raw: Int32?
    }

    private let loop: PollLoop
    private let state: Mutex<State>

    /// Watches a socket's own descriptor for it.
    /// - Throws: `.unavailable` when the poll loop can't be started.
    init(_ socket: consuming FileDescriptor) throws(MMError) {
        loop = try PollLoop.shared()
        let raw = socket.release()
        state = Mutex(State(raw: raw))
        do throws(MMError) {
            let watch = try loop.watch(raw, for: .peerClosed, once: true) { [weak self] _ in self?.depart() }
            state.withLock { $0.watch = watch }
        } catch {
            close()
            throw error
        }
    }

    deinit { close() }

    /// Whether the client has left.
    var hasLeft: Bool { state.withLock { $0.hasLeft } }

    /// Whether one of these processes holds the far end.
    func isHeld(heldBy processes: [Int32], inTheirNetwork: Bool) -> Bool {
        guard let raw = state.withLock({ $0.raw }) else { return false }
        return LoopbackPeer.isPeer(of: raw, heldBy: processes, inTheirNetwork: inTheirNetwork)
    }

    /// Tells the client that no more comes.
    /// - Returns: a descriptor by which to read what it still sends; nil where the connection is gone.
    func finishAnswers() -> FileDescriptor? {
        let copy: Int32 = state.withLock { state in
            guard let raw = state.raw, shutdown(raw, Int32(SHUT_WR)) == 0 else { return -1 }
            return mm_duplicate(raw)
        }
        return copy < 0 ? nil : FileDescriptor(owning: copy)
    }

    /// Calls a handler when the client leaves, at once where it has; nil removes the handler.
    func onDeparture(_ handler: (@Sendable () -> Void)?) {
        let hasLeft = state.withLock { state in
            state.handler = handler
            return state.hasLeft
        }
        if hasLeft { handler?() }
    }

    /// Watches no more.
    func close() {
        let (watch, raw) = state.withLock { state in
            defer {
                state.watch = nil
                state.raw = nil
                state.handler = nil
            }
            return (state.watch, state.raw)
        }
        if let watch { loop.forget(watch) }
        if let raw { _ = FileDescriptor(owning: raw) }
    }

    private func depart() {
        let handler = state.withLock { state in
            state.hasLeft = true
            return state.handler
        }
        handler?()
    }
}
