internal import MMCore
internal import MMSystem

/// The file of a connection's pending sign-in for one resource.
struct PendingFile: Sendable {
    let path: String
    let identity: [String]

    /// Reads the pending sign-in. A file that can't be parsed counts as none; a new code replaces it and nothing is
    /// lost.
    /// - Throws: an error when the file is a link, belongs to another user, or can't be reached.
    func read() throws(MMError) -> PendingSignIn? {
        guard let bytes = try ProtectedFile.read(path, limit: 1 << 20) else { return nil }
        return PendingSignIn(bytes, identity: identity)
    }

    func write(_ pending: PendingSignIn) async throws(MMError) {
        let (path, bytes) = (path, pending.bytes)
        try await BlockingWork.run { () throws(MMError) in try ProtectedFile.replace(path, with: bytes) }
    }

    func remove() throws(MMError) {
        try ProtectedFile.remove(path)
    }
}
