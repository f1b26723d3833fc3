import Glibc
import MMCore

/// A lock between processes on a folder itself (flock(2)), held for the lifetime of this value. It leaves no file: the folder may
/// lie under git.
struct SnapshotLock: ~Copyable {
    private let number: Int32

    /// Locks a folder.
    /// - Returns: `nil` when another process holds it.
    static func tryAcquire(_ folder: String) throws(MMError) -> SnapshotLock? {
        let number = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard number >= 0 else { throw SnapshotFiles.failed("open", folder) }
        let lock = SnapshotLock(number: number)
        while flock(number, LOCK_EX | LOCK_NB) != 0 {
            switch errno {
            case EINTR: continue
            case EWOULDBLOCK: return nil
            // File systems of other machines may lock no folders; the move that ends the work is whole all the same.
            case EBADF, ENOLCK, EOPNOTSUPP, EINVAL: return lock
            default: throw SnapshotFiles.failed("lock", folder)
            }
        }
        return lock
    }

    /// Whether somebody holds the lock of a folder.
    static func isHeld(_ folder: String) -> Bool {
        let number = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard number >= 0 else { return false }
        defer { close(number) }
        return flock(number, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK
    }

    private init(number: Int32) { self.number = number }

    deinit {
        // A child that was forked meanwhile and has not yet become another program shares the lock: closing alone would leave it.
        flock(number, LOCK_UN)
        close(number)
    }
}
