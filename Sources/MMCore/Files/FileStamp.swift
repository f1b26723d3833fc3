import Glibc

/// The identity and timestamps of a file, for telling whether it is still the one that was read.
package struct FileStamp: Equatable, Sendable {
    private let device: dev_t
    private let inode: ino_t
    /// The file's size in bytes.
    package let size: Int
    /// When the file was last written.
    package let modified: Timestamp
    private let changed: Timestamp

    /// Returns the stamp of a protected file as it is now; `nil` when there is none.
    static func of(_ path: String) throws(MMError) -> FileStamp? {
        guard let place = try FileLocation.resolve(path, creating: false), let status = try place.status(to: "read")
        else {
            return nil
        }
        return FileStamp(status)
    }

    /// The result of a quick look at a file.
    package enum Lookup: Equatable, Sendable {
        /// No such file.
        case missing
        /// A regular file with this stamp.
        case file(FileStamp)
        /// Undetermined; only an attempt to read the file gives the reason.
        case undetermined
    }

    /// Returns whether there may be a file: `false` only where there certainly is none. For files whose existence is
    /// itself a fact, such as that a change was sent: one that can't be looked at counts.
    package static func mayExist(_ path: String) -> Bool {
        if case .missing = lookUp(path) { false } else { true }
    }

    /// Looks at a file with a single lstat(2): enough to tell whether a file that was once read with all checks is
    /// unchanged, but no substitute for those checks before reading.
    package static func lookUp(_ path: String) -> Lookup {
        var status = stat()
        guard lstat(path, &status) == 0 else { return errno == ENOENT ? .missing : .undetermined }
        guard status.st_mode & S_IFMT == S_IFREG else { return .undetermined }
        return .file(FileStamp(status))
    }

    /// Returns the stamp of a folder, which changes whenever a name in it does; `nil` where there is none, and on file
    /// systems that keep whole seconds, where it may stay the same.
    package static func folder(_ path: String) -> FileStamp? {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, status.st_mtim.tv_nsec != 0 else {
            return nil
        }
        return FileStamp(status)
    }

    init(_ status: stat) {
        device = status.st_dev
        inode = status.st_ino
        size = Int(status.st_size)
        modified = Timestamp(seconds: Int64(status.st_mtim.tv_sec), nanoseconds: status.st_mtim.tv_nsec)
        changed = Timestamp(seconds: Int64(status.st_ctim.tv_sec), nanoseconds: status.st_ctim.tv_nsec)
    }

    /// Whether a later change is certain to alter the stamp; file times advance in steps of a few milliseconds.
    package var isStable: Bool {
        Timestamp.now - changed > .milliseconds(50)
    }
}
