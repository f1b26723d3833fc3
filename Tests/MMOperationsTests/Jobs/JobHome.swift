import Glibc
import MMCore
import MMOperations
import MMSystem

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

    deinit { Self.remove(path) }

    private static func remove(_ folder: String) {
        if let handle = opendir(folder) {
            while let entry = readdir(handle) {
                // An entry is as long as its name: reading it by value would read past its end.
                let offset = MemoryLayout<dirent>.offset(of: \.d_name) ?? 0
                let name = String(cString: (UnsafeRawPointer(entry) + offset).assumingMemoryBound(to: CChar.self))
                if name == "." || name == ".." { continue }
                let path = "\(folder)/\(name)"
                if unlink(path) != 0 { remove(path) }
            }
            closedir(handle)
        }
        rmdir(folder)
    }
}
