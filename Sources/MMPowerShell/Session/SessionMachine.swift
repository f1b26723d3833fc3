import MMCore

/// The life of a session as a pure value: off, opening, ready, failed, closed, and back.
///
/// Each opening has a number, so that news of an older one change nothing. Commands are admitted in one state only, and
/// that state needs a checked identity.
struct SessionMachine: Sendable {
    /// Where the session stands.
    enum Life: Sendable {
        /// Not started, or lost and not started again.
        case off
        /// Starting and signing in; with a prompt, a person is needed.
        case opening(DevicePrompt?)
        /// Commands are admitted.
        case ready(SessionIdentity)
        /// The last opening failed.
        case failed(MMError)
        /// Closed for good.
        case closed
    }

    /// What a caller with a command should do.
    enum Advice: Sendable {
        /// Run it.
        case run
        /// Begin an opening.
        case open
        /// Wait for news.
        case wait
        /// A person must sign in first.
        case signIn(DevicePrompt)
        /// Give up: the opening that this caller waited for failed.
        case fail(MMError)
    }

    private(set) var life = Life.off
    /// Number of the latest opening.
    private(set) var generation = 0
    /// Why the session was lost last.
    private(set) var lossReason: String?
    /// How often it was lost.
    private(set) var losses = 0

    /// What to do for a caller.
    /// - Parameter awaited: the opening that this caller has waited for, if any.
    func advise(awaited: Int?) -> Advice {
        switch life {
        case .off: .open
        case .opening(let prompt?): .signIn(prompt)
        case .opening(nil): .wait
        case .ready: .run
        case .failed(let error): awaited == generation ? .fail(error) : .open
        case .closed: .fail(MMError(.cancelled, "The session is closed.", hint: "Run it again: a new one is started."))
        }
    }

    /// An opening begins.
    /// - Returns: its number; `nil` when the session is open, opening or closed.
    mutating func beginOpening() -> Int? {
        switch life {
        case .off, .failed:
            generation += 1
            life = .opening(nil)
            return generation
        case .opening, .ready, .closed: return nil
        }
    }

    /// A device code is shown.
    mutating func show(_ prompt: DevicePrompt, in number: Int) {
        if case .opening = life, number == generation { life = .opening(prompt) }
    }

    /// The opening succeeded.
    /// - Returns: whether it still counts.
    mutating func opened(_ identity: SessionIdentity, in number: Int) -> Bool {
        guard case .opening = life, number == generation else { return false }
        life = .ready(identity)
        return true
    }

    /// The opening failed.
    mutating func failed(_ error: MMError, in number: Int) {
        if case .opening = life, number == generation { life = .failed(error) }
    }

    /// The host of an opening was lost.
    /// - Returns: whether the session was ready with it.
    mutating func lost(_ reason: String, in number: Int) -> Bool {
        guard case .ready = life, number == generation else { return false }
        life = .off
        lossReason = reason
        losses += 1
        return true
    }

    /// The sign-in is over while the process lives.
    mutating func signedOut(in number: Int) {
        if case .ready = life, number == generation { life = .off }
    }

    /// The session is closed for good.
    mutating func close() { life = .closed }
}
