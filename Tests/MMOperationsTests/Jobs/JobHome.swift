import Glibc
import MMCore
import MMOperations
import MMSystem
import TestSupport

/// A user's files of a test's own, gone with it.
final class JobHome: Sendable {
    let path: String
    let services: OperationServices

    /// A home.
    /// - Parameter more: further variables, by the home's path.
    init(_ more: (String) -> [String: String] = { _ in [:] }) {
        let path = "/tmp/mm-jobs-\(getpid())-\(RandomBytes.text(bytes: 9))"
        self.path = path
        let environment = [
            "HOME": path, "MM_CONNECTIONS": path + "/connections.json", "MM_TOKEN_DIR": path + "/tokens",
            "MM_STATE_DIR": path + "/state", "MM_LOG_DIR": path + "/logs",
        ]
        services = OperationServices(environment: environment.merging(more(path)) { _, own in own })
    }

    deinit { TestFolder.remove(path) }
}
