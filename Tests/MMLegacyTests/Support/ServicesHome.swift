import MMCore
import MMOperations
import MMSystem
import TestSupport

/// A temporary home of a user and the operations' services in it.
final class ServicesHome: Sendable {
    let services: OperationServices
    private let home: TestHome

    init(registry: String = #"{"connections": {}}"#, extra: [String: String] = [:]) throws {
        Signals.ignoreBrokenPipes()
        home = try TestHome()
        let path = home.path
        services = OperationServices(
            environment: [
                "HOME": path, "MM_CONNECTIONS": path + "/connections.json", "MM_TOKEN_DIR": path + "/tokens",
                "MM_STATE_DIR": path + "/state", "MM_LOG_DIR": path + "/logs", "PATH": "/usr/bin:/bin",
            ].merging(extra) { $1 })
        try ProtectedFile.replace(path + "/connections.json", with: Array(registry.utf8))
    }

    var path: String { home.path }
}
