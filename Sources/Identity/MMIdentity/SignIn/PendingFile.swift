internal import MMCore
internal import MMSystem

/// The file of a connection's pending sign-in for one resource.
struct PendingFile: Sendable {
    let path: String
    let identity: [String]
    /// The form in which it is stored.
    var seal = TokenSeal.plain

    private var name: String { path.split(separator: "/").last.map(String.init) ?? path }

    /// Reads the pending sign-in. A file that can't be parsed counts as none; a new code replaces it and nothing is
    /// lost.
    /// - Throws: an error when the file is a link, belongs to another user, or can't be reached.
    func read() throws(MMError) -> PendingSignIn? {
        guard let bytes = try ProtectedFile.read(path, limit: 1 << 20) else { return nil }
        // One that can't be decrypted is replaced by a new code as well.
        guard let plain = try? seal.plain(bytes, name: name) else { return nil }
        return PendingSignIn(plain, identity: identity)
    }

    func write(_ pending: PendingSignIn) async throws(MMError) {
        let bytes: [UInt8]
        do {
            if seal.isOn { try await seal.prepare() }
            bytes = try seal.stored(pending.bytes, name: name)
        } catch {
            throw MMError(.invalidInput, "\(path) \(error.text).", hint: error.hint)
        }
        let path = path
        try await BlockingWork.run { () throws(MMError) in try ProtectedFile.replace(path, with: bytes) }
    }

    func remove() throws(MMError) {
        try ProtectedFile.remove(path)
    }
}
