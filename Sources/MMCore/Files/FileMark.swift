import Glibc

/// What tells whether a file is still the one that was read.
package struct FileMark: Equatable, Sendable {
    private let device: dev_t
    private let inode: ino_t
    /// Bytes of the file.
    package let size: Int
    /// When it was last written.
    package let modified: Timestamp
    private let changed: Timestamp

    /// The mark of a file of ours now; `nil` when there is none.
    static func of(_ path: String) throws(MMError) -> FileMark? {
        guard let place = try FilePlace.of(path, creating: false), let status = try place.status(to: "read") else {
            return nil
        }
        return FileMark(status)
    }

    /// What a short look at a file tells.
    package enum Glance: Sendable {
        /// There is none.
        case missing
        /// This one lies there.
        case file(FileMark)
        /// Nothing for sure: only an attempt to read it says why.
        case unclear
    }

    /// Looks what lies under a name now, in one system call: enough to tell whether what was once read with all care is
    /// still the same. Nothing may be read on the strength of it.
    package static func glance(_ path: String) -> Glance {
        var status = stat()
        guard lstat(path, &status) == 0 else { return errno == ENOENT ? .missing : .unclear }
        guard status.st_mode & S_IFMT == S_IFREG else { return .unclear }
        return .file(FileMark(status))
    }

    private init(_ status: stat) {
        device = status.st_dev
        inode = status.st_ino
        size = Int(status.st_size)
        modified = Timestamp(seconds: Int64(status.st_mtim.tv_sec), nanoseconds: status.st_mtim.tv_nsec)
        changed = Timestamp(seconds: Int64(status.st_ctim.tv_sec), nanoseconds: status.st_ctim.tv_nsec)
    }

    /// Whether a later change is sure to show: file times move in steps of some milliseconds.
    package var isSettled: Bool {
        Timestamp.now - changed > .milliseconds(50)
    }
}
