package import MMCore

/// The wire that a session was given: through it the session reaches the network, and it reads the session's sign-ins there.
package struct SessionWire: Sendable {
    /// What it reads.
    package let signIns: SignInNews
    /// Takes it down; called once the session's processes are gone.
    package let close: @Sendable () async -> Void

    /// A wire.
    package init(signIns: SignInNews, close: @escaping @Sendable () async -> Void) {
        self.signIns = signIns
        self.close = close
    }
}

/// What becomes known on the wire of a sign-in that a module makes by itself.
package enum SignInNote: Sendable {
    /// Somebody must open an address and enter a code.
    case code(DevicePrompt)
    /// Somebody signed in who may not; nothing of the tokens was handed on.
    case refused(MMError)
}

/// Carries what the wire reads of a sign-in to the session that makes it.
package final class SignInNews: Sendable {
    private struct State {
        var listener: AsyncStream<SignInNote>.Continuation?
        var hasCode = false
    }

    private let state = Mutex(State())

    /// Nobody listens yet.
    package init() {}

    /// Something became known. Outside a sign-in nobody listens.
    package func tell(_ note: SignInNote) {
        state.withLock { state in
            if case .code = note { state.hasCode = true }
            state.listener?.yield(note)
        }
    }

    /// Whether a code was told since somebody began to listen.
    var hasCode: Bool { state.withLock { $0.hasCode } }

    /// What becomes known from now on, until `end`.
    func listen() -> AsyncStream<SignInNote> {
        let (notes, listener) = AsyncStream<SignInNote>.makeStream()
        state.withLock { $0 = State(listener: listener) }
        return notes
    }

    /// Nobody listens any more.
    func end() {
        let listener = state.withLock { state in
            defer { state.listener = nil }
            return state.listener
        }
        listener?.finish()
    }
}
