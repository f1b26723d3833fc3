import MMCore
import MMHTTP

/// Who may send for a connection, where that is not always this process: asked for sessions' requests, which no task of a
/// call sends.
package final class ConnectionPermits: Sendable {
    /// Those of this process.
    package static let shared = ConnectionPermits()

    private let refusals = Mutex<(@Sendable (String) -> String?)?>(nil)

    private init() {}

    /// Says who tells whether requests of a connection may be sent.
    package func set(_ refusal: @escaping @Sendable (String) -> String?) {
        refusals.withLock { $0 = refusal }
    }

    /// The permit of a connection's requests; `nil` where nobody is asked.
    func permit(of connection: String) -> SendPermit? {
        guard let refusal = refusals.withLock({ $0 }) else { return nil }
        return SendPermit { refusal(connection) }
    }
}
