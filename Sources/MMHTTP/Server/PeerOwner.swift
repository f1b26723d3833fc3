import MMCore

/// Who is at the far end of one connection: the kernel is asked when somebody wants to know, and not again.
///
/// A socket keeps the user who made it, so the answer holds for as long as the connection.
final class PeerOwner: Sendable {
    private let known = Mutex<(user: UInt32?, processes: [Int32]?)>((nil, nil))
    private let askUser: @Sendable () -> UInt32?
    private let askProcesses: @Sendable () -> [Int32]

    /// An owner who is found out by functions.
    /// - Parameters:
    ///   - user: finds the user.
    ///   - processes: finds the processes that hold the far end.
    init(user: @escaping @Sendable () -> UInt32?, processes: @escaping @Sendable () -> [Int32]) {
        askUser = user
        askProcesses = processes
    }

    /// The user; `nil` for somebody of another machine, or whom the kernel does not know any more.
    var user: UInt32? {
        if let user = known.withLock({ $0.user }) { return user }
        let user = askUser()
        known.withLock { $0.user = user }
        return user
    }

    /// The processes that hold the far end, as far as this user may see them.
    var processes: [Int32] {
        if let processes = known.withLock({ $0.processes }) { return processes }
        let processes = askProcesses()
        known.withLock { $0.processes = processes }
        return processes
    }
}
