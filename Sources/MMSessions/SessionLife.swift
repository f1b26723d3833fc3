package import MMCore

/// The life of a session as a pure value: off, starting, signing in, ready, and then lost, failed or closed.
///
/// Each opening has a number, so that news of an older one change nothing. Commands are admitted in one state only, and
/// that state needs a checked identity.
package struct SessionLife<Prompt: Sendable, Identity: Sendable>: Sendable {
    /// Where the session stands.
    package enum State: Sendable {
        /// Not started, or signed out.
        case off
        /// Its process or connection comes up.
        case starting
        /// It signs in; with a prompt, a person is needed.
        case signingIn(Prompt?)
        /// Commands are admitted.
        case ready(Identity)
        /// The last opening failed.
        case failed(MMError)
        /// Its process or connection ended by itself.
        case lost
        /// Closed for good.
        case closed
    }

    /// What a caller with a command should do.
    package enum Advice: Sendable {
        /// Run it.
        case run(Identity)
        /// Begin an opening.
        case open
        /// Wait for news.
        case wait
        /// A person must sign in first.
        case signIn(Prompt)
        /// Give up: the opening that this caller waited for failed.
        case fail(MMError)
    }

    /// Where the session stands.
    package private(set) var state = State.off
    /// Number of the latest opening.
    package private(set) var generation: Int
    /// Why the session was lost last.
    package private(set) var lossReason: String?
    /// How often it was lost.
    package private(set) var losses = 0

    /// A session that was never opened.
    /// - Parameter generation: the last number that openings of another session in its place had.
    package init(after generation: Int = 0) { self.generation = generation }

    /// Who is signed in.
    package var identity: Identity? {
        guard case .ready(let identity) = state else { return nil }
        return identity
    }

    /// Whether an opening goes on.
    package var isOpening: Bool {
        switch state {
        case .starting, .signingIn: true
        case .off, .ready, .failed, .lost, .closed: false
        }
    }

    /// Whether it is closed for good.
    package var isClosed: Bool {
        if case .closed = state { true } else { false }
    }

    /// Whether this opening goes on.
    package func isOpening(_ number: Int) -> Bool { isOpening && number == generation }

    /// What to do for a caller.
    /// - Parameter awaited: the opening that this caller has waited for, if any.
    package func advise(awaited: Int? = nil) -> Advice {
        switch state {
        case .off, .lost: .open
        case .starting, .signingIn(nil): .wait
        case .signingIn(let prompt?): .signIn(prompt)
        case .ready(let identity): .run(identity)
        case .failed(let error): awaited == generation ? .fail(error) : .open
        case .closed: .fail(MMError(.cancelled, "The session is closed.", hint: "Run it again: a new one is started."))
        }
    }

    /// An opening begins.
    /// - Returns: its number; `nil` when the session is open, opening or closed.
    package mutating func beginOpening() -> Int? {
        switch state {
        case .off, .failed, .lost:
            generation += 1
            state = .starting
            return generation
        case .starting, .signingIn, .ready, .closed: return nil
        }
    }

    /// It has started and signs in.
    /// - Parameter prompt: what a person has to do.
    /// - Returns: whether the opening still counts.
    @discardableResult
    package mutating func signIn(_ prompt: Prompt?, in number: Int) -> Bool {
        guard isOpening(number) else { return false }
        state = .signingIn(prompt)
        return true
    }

    /// The opening succeeded.
    /// - Returns: whether it still counts.
    @discardableResult
    package mutating func opened(_ identity: Identity, in number: Int) -> Bool {
        guard isOpening(number) else { return false }
        state = .ready(identity)
        return true
    }

    /// The opening failed.
    /// - Returns: whether it still counts.
    @discardableResult
    package mutating func failed(_ error: MMError, in number: Int) -> Bool {
        guard isOpening(number) else { return false }
        state = .failed(error)
        return true
    }

    /// The process or connection of an opening was lost.
    /// - Returns: whether the session was ready with it.
    @discardableResult
    package mutating func lost(_ reason: String, in number: Int) -> Bool {
        guard case .ready = state, number == generation else { return false }
        state = .lost
        lossReason = reason
        losses += 1
        return true
    }

    /// The sign-in is over while the process lives.
    package mutating func signedOut(in number: Int) {
        if case .ready = state, number == generation { state = .off }
    }

    /// The session is closed for good.
    package mutating func close() { state = .closed }
}
