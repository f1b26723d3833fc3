import MMCore
import MMIdentity

/// Checks the cloud file that a connection's `cloud` names.
enum ConnectionCloudCheck {
    /// Throws for keys that name an unusable cloud file, before anything is written or signed out.
    /// - Throws: the fault of the file.
    static func check(_ values: [(key: String, text: String?)], paths: StatePaths) throws(MMError) {
        for (key, text) in values where key == "cloud" {
            if let text, Connection.isCloudFile(text) { _ = try Cloud.named(text, paths: paths) }
        }
    }

    /// Returns the faults of the cloud files that connections name.
    static func problems(of connections: [Connection], paths: StatePaths) -> [RegistryProblem] {
        connections.compactMap { connection in
            guard Connection.isCloudFile(connection.cloud) else { return nil }
            do throws(MMError) {
                _ = try Cloud.named(connection.cloud, paths: paths)
                return nil
            } catch {
                return RegistryProblem(
                    .error, connection: connection.name, key: "cloud",
                    message: "Connection '\(connection.name)': \(error.message)", hint: error.hint ?? "")
            }
        }
    }
}
