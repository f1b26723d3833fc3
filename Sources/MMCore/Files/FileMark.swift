import Glibc

/// What tells whether a file is still the one that was read.
struct FileMark: Equatable {
    private let device: dev_t
    private let inode: ino_t
    private let size: Int
    private let modified: Timestamp
    private let changed: Timestamp

    /// The mark of a file of ours now; `nil` when there is none.
    static func of(_ path: String) throws(MMError) -> FileMark? {
        guard let place = try FilePlace.of(path, creating: false), let status = try place.status(to: "read") else {
            return nil
        }
        return FileMark(
            device: status.st_dev, inode: status.st_ino, size: Int(status.st_size),
            modified: Timestamp(seconds: Int64(status.st_mtim.tv_sec), nanoseconds: status.st_mtim.tv_nsec),
            changed: Timestamp(seconds: Int64(status.st_ctim.tv_sec), nanoseconds: status.st_ctim.tv_nsec))
    }

    /// Whether a later change is sure to show: file times move in steps of some milliseconds.
    var isSettled: Bool {
        Timestamp.now - changed > .milliseconds(50)
    }
}
