import MMCore
import MMHTTP

/// The permits that this process has to send requests for connections, where leases decide that. They are checked for
/// the requests of sessions, which are not sent from the task of a call.
package final class ConnectionPermits: Sendable {
    /// The permits of this process.
    package static let shared = ConnectionPermits()

    private let refusals = Mutex<(@Sendable (String) -> String?)?>(nil)

    private init() {}

    /// Sets the closure that returns why requests of a connection must not be sent; it returns `nil` if they may.
    package func set(_ refusal: @escaping @Sendable (String) -> String?) {
        refusals.withLock { $0 = refusal }
    }

    /// Returns the permit for a connection's requests; `nil` if no closure is set.
    func permit(of connection: String) -> SendPermit? {
        guard let refusal = refusals.withLock({ $0 }) else { return nil }
        return SendPermit { refusal(connection) }
    }
}
