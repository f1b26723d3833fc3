import Glibc
import MMCore
import MMSystem

/// Where a session's processes find the one authority that they trust. A folder of its own, because some clients take every
/// file of it for a certificate, and of a fresh name, because a session and its successor may share a home.
struct TrustFolder: Sendable {
    private static let parent = "trust"

    /// The folder.
    let path: String
    private let home: String

    /// A folder's name; nothing is made yet.
    /// - Parameter home: a folder that the session's processes may read.
    init(in home: String) {
        self.home = home + "/" + Self.parent
        path = self.home + "/" + OwnedFolder.name()
    }

    /// The file of the authority's certificate.
    var certificateFile: String { path + "/session-ca.pem" }

    /// Makes the folder and writes the certificate. What processes left that are gone is cleared away.
    func write(_ certificate: String) throws(MMError) {
        for left in (try? OwnedFolder.abandoned(in: home)) ?? [] { Self.remove(left) }
        try ProtectedFile.makeDirectory(path)
        try ProtectedFile.replace(certificateFile, with: Array(certificate.utf8))
    }

    /// Takes it away.
    func remove() { Self.remove(path) }

    private static func remove(_ path: String) {
        try? ProtectedFile.remove(path + "/session-ca.pem")
        rmdir(path)
    }
}
