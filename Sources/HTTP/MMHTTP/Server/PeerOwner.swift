import MMCore

/// The owner of the peer's end of a connection. The kernel is asked on first use, and only once.
///
/// A socket keeps the user who created it, so the answer is valid for the lifetime of the connection.
final class PeerOwner: Sendable {
    private let known = Mutex<(user: UInt32?, processes: [Int32]?)>((nil, nil))
    private let askUser: @Sendable () -> UInt32?
    private let askProcesses: @Sendable () -> [Int32]

    /// Creates an owner that is looked up with functions.
    /// - Parameters:
    ///   - user: returns the user.
    ///   - processes: returns the processes that hold the peer's end.
    init(user: @escaping @Sendable () -> UInt32?, processes: @escaping @Sendable () -> [Int32]) {
        askUser = user
        askProcesses = processes
    }

    /// The user; `nil` when the peer is on another machine or no longer known to the kernel.
    var user: UInt32? {
        if let user = known.withLock({ $0.user }) { return user }
        let user = askUser()
        known.withLock { $0.user = user }
        return user
    }

    /// The processes that hold the peer's end, as far as this user may see them.
    var processes: [Int32] {
        if let processes = known.withLock({ $0.processes }) { return processes }
        let processes = askProcesses()
        known.withLock { $0.processes = processes }
        return processes
    }
}
