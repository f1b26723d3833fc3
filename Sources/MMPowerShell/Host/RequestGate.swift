import MMCore

/// The requests that a session's processes have open on its proxy.
package struct OpenRequests: Sendable {
    let cut: @Sendable () -> Void
    let admit: @Sendable () -> Void

    /// Creates the control of a session's requests.
    /// - Parameters:
    ///   - cut: ends those that are open, and refuses further ones.
    ///   - admit: lets requests pass again.
    package init(cut: @escaping @Sendable () -> Void, admit: @escaping @Sendable () -> Void) {
        self.cut = cut
        self.admit = admit
    }
}

/// Cuts off the requests of a process while one of its commands is stopped, and never beyond that command's end.
final class RequestGate: Sendable {
    private struct State {
        var cut: UInt64?
        var ended: UInt64 = 0
    }

    private let requests: OpenRequests
    private let state = Mutex(State())

    init(_ requests: OpenRequests) { self.requests = requests }

    /// Cuts off all requests until the command has ended; does nothing if it already has.
    func cut(for id: UInt64) {
        state.withLock { state in
            guard id > state.ended, state.cut == nil else { return }
            state.cut = id
            requests.cut()
        }
    }

    /// Records that this command and all before it have ended.
    func ended(_ id: UInt64) {
        state.withLock { state in
            state.ended = max(state.ended, id)
            guard let cut = state.cut, cut <= id else { return }
            state.cut = nil
            requests.admit()
        }
    }
}
