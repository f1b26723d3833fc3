internal import MMCore

/// The files whose PINs a token has refused. A token locks after a few wrong PINs, so each is tried once until its file changes.
final class RefusedPINs: Sendable {
    /// Those of this process.
    static let shared = RefusedPINs()

    private struct Place: Hashable {
        let file: String
        let key: TokenKey
    }

    private let refused = Mutex<[Place: FileStamp]>([:])

    /// Returns whether the PIN that a file still holds was refused for a key.
    func contains(_ file: String, for key: TokenKey) -> Bool {
        guard case .file(let stamp) = FileStamp.lookUp(file) else { return false }
        return refused.withLock { $0[Place(file: file, key: key)] == stamp }
    }

    /// Remembers that a file's PIN was refused for a key.
    func add(_ file: String, for key: TokenKey) {
        guard case .file(let stamp) = FileStamp.lookUp(file) else { return }
        refused.withLock { $0[Place(file: file, key: key)] = stamp }
    }
}
