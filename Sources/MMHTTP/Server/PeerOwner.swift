import MMCore

/// The user at the far end of one connection: the kernel is asked when somebody wants to know, and not again.
///
/// A socket keeps the user who made it, so the answer holds for as long as the connection.
final class PeerOwner: Sendable {
    private let known = Mutex<UInt32?>(nil)
    private let ask: @Sendable () -> UInt32?

    /// An owner who is found out by a function.
    init(_ ask: @escaping @Sendable () -> UInt32?) {
        self.ask = ask
    }

    /// The user; `nil` for somebody of another machine, or whom the kernel does not know any more.
    var user: UInt32? {
        if let user = known.withLock({ $0 }) { return user }
        let user = ask()
        known.withLock { $0 = user }
        return user
    }
}
