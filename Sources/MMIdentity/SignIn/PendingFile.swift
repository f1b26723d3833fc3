internal import MMCore
internal import MMSystem

/// Where the pending sign-in of a connection for one resource lies.
struct PendingFile: Sendable {
    let path: String
    let identity: [String]

    /// The pending sign-in; what can't be read as one counts as none: a new code replaces it, nothing is lost with it.
    /// - Throws: when the file is a link, of another user, or can't be reached.
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
