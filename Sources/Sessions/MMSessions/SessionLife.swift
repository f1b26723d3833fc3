package import MMCore

/// The life cycle of a session as a pure value: off, starting, signing in, ready, and then lost, failed or closed.
///
/// Every opening has a number, so that late news of an earlier one changes nothing. Commands are only admitted in the
/// ready state, which requires a checked identity.
package struct SessionLife<Prompt: Sendable, Identity: Sendable>: Sendable {
    /// The state of the session.
    package enum State: Sendable {
        /// Not started, or signed out.
        case off
        /// Its process or connection is starting.
        case starting
        /// It is signing in; if there is a prompt, a person is needed.
        case signingIn(Prompt?)
        /// Commands are admitted.
        case ready(Identity)
        /// The last opening failed.
        case failed(MMError)
        /// Its process or connection ended unexpectedly.
        case lost
        /// Closed permanently.
        case closed
    }

    /// What a caller with a command should do.
    package enum Advice: Sendable {
        /// Run the command.
        case run(Identity)
        /// Begin an opening.
        case open
        /// Wait for a change.
        case wait
        /// A person must sign in first.
        case signIn(Prompt)
        /// Give up: the opening that this caller waited for has failed.
        case fail(MMError)
    }

    /// The state of the session.
    package private(set) var state = State.off
    /// The number of the latest opening.
    package private(set) var generation: Int
    /// Why the session was last lost.
    package private(set) var lossReason: String?
    /// How often the session was lost.
    package private(set) var losses = 0

    /// Creates the life cycle of a session that was never opened.
    /// - Parameter generation: the last opening number of the session that this one replaces.
    package init(after generation: Int = 0) { self.generation = generation }

    /// The signed-in identity.
    package var identity: Identity? {
        guard case .ready(let identity) = state else { return nil }
        return identity
    }

    /// Whether an opening is in progress.
    package var isOpening: Bool {
        switch state {
        case .starting, .signingIn: true
        case .off, .ready, .failed, .lost, .closed: false
        }
    }

    /// Whether the session is closed permanently.
    package var isClosed: Bool {
        if case .closed = state { true } else { false }
    }

    /// Returns whether this opening is in progress.
    package func isOpening(_ number: Int) -> Bool { isOpening && number == generation }

    /// Returns what a caller should do.
    /// - Parameter awaited: the opening that this caller has waited for, if any.
    package func advise(awaited: Int? = nil) -> Advice {
        switch state {
        case .off, .lost: .open
        case .starting, .signingIn(nil): .wait
        case .signingIn(let prompt?): .signIn(prompt)
        case .ready(let identity): .run(identity)
        case .failed(let error): awaited == generation ? .fail(error) : .open
        case .closed: .fail(MMError(.cancelled, "The session is closed.", hint: "Run it again to start a new session."))
        }
    }

    /// Begins an opening.
    /// - Returns: its number; `nil` if the session is open, opening or closed.
    package mutating func beginOpening() -> Int? {
        switch state {
        case .off, .failed, .lost:
            generation += 1
            state = .starting
            return generation
        case .starting, .signingIn, .ready, .closed: return nil
        }
    }

    /// Records that the session has started and is signing in.
    /// - Parameter prompt: what a person has to do.
    /// - Returns: whether the opening is still the current one.
    @discardableResult
    package mutating func signIn(_ prompt: Prompt?, in number: Int) -> Bool {
        guard isOpening(number) else { return false }
        state = .signingIn(prompt)
        return true
    }

    /// Records that the opening succeeded.
    /// - Returns: whether it is still the current one.
    @discardableResult
    package mutating func opened(_ identity: Identity, in number: Int) -> Bool {
        guard isOpening(number) else { return false }
        state = .ready(identity)
        return true
    }

    /// Records that the opening failed.
    /// - Returns: whether it is still the current one.
    @discardableResult
    package mutating func failed(_ error: MMError, in number: Int) -> Bool {
        guard isOpening(number) else { return false }
        state = .failed(error)
        return true
    }

    /// Records that the process or connection of an opening was lost.
    /// - Returns: whether the session was ready in that opening.
    @discardableResult
    package mutating func lost(_ reason: String, in number: Int) -> Bool {
        guard case .ready = state, number == generation else { return false }
        state = .lost
        lossReason = reason
        losses += 1
        return true
    }

    /// Records that the session signed out while its process lives.
    package mutating func signedOut(in number: Int) {
        if case .ready = state, number == generation { state = .off }
    }

    /// Closes the session permanently.
    package mutating func close() { state = .closed }
}
