package import MMCore

/// The proxy of a session: the session reaches the network through it, and learns of its sign-ins from it.
package struct SessionWire: Sendable {
    /// The session's sign-ins, as the proxy sees them.
    package let signIns: SignInFeed
    /// The function that shuts the proxy down; called once the session's processes are gone.
    package let close: @Sendable () async -> Void

    /// Creates the proxy of a session.
    package init(signIns: SignInFeed, close: @escaping @Sendable () async -> Void) {
        self.signIns = signIns
        self.close = close
    }
}

/// An event that the proxy observes in a sign-in that a module performs by itself.
package enum SignInUpdate: Sendable {
    /// A person must open a URL and enter a code.
    case code(DevicePrompt)
    /// The service waits for the person; `trouble` says why it currently can't be asked.
    case pending(trouble: String?)
    /// The person has approved, and the service has issued tokens.
    case approved
    /// The service refused the sign-in, or a person signed in who isn't permitted: there are no tokens.
    case refused(MMError)
}

/// Passes the proxy's events of a sign-in to the session that performs it.
package final class SignInFeed: Sendable {
    private struct State {
        var listener: AsyncStream<SignInUpdate>.Continuation?
        var hasCode = false
        /// The number of sign-ins so far.
        var number = 0
    }

    private let state = Mutex(State())

    /// Creates a feed without a listener.
    package init() {}

    /// Posts an update. Outside a sign-in there is no listener.
    package func post(_ note: SignInUpdate) {
        state.withLock { state in
            if case .code = note { state.hasCode = true }
            state.listener?.yield(note)
        }
    }

    /// The number of the current sign-in; `nil` for none.
    package var current: Int? { state.withLock { $0.listener == nil ? nil : $0.number } }

    /// Whether a code was posted since listening began.
    var hasCode: Bool { state.withLock { $0.hasCode } }

    /// Returns the updates from now on, until `end`.
    func listen() -> AsyncStream<SignInUpdate> {
        let (notes, listener) = AsyncStream<SignInUpdate>.makeStream()
        state.withLock { $0 = State(listener: listener, number: $0.number + 1) }
        return notes
    }

    /// Ends listening.
    func end() {
        let listener = state.withLock { state in
            defer { state.listener = nil }
            return state.listener
        }
        listener?.finish()
    }
}
