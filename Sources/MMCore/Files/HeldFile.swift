import Glibc

/// A protected file that is kept open between writes for as long as its path still leads to it.
///
/// Opening a file with all checks takes a dozen system calls, and a busy pool writes a log line for every call.
struct HeldFile: ~Copyable {
    /// The open file.
    let file: Descriptor
    private let device: dev_t
    private let inode: ino_t

    /// Opens a file with the usual checks, creating it if missing.
    init(_ path: String, _ flags: Int32, to action: String) throws(MMError) {
        guard let place = try FileLocation.resolve(path, creating: true),
            let file = try place.open(flags | O_CREAT, to: action)
        else { throw FileFault.error(ENOENT, action, path) }
        guard let status = file.status() else { throw FileFault.error(errno, action, path) }
        self.file = file
        device = status.st_dev
        inode = status.st_ino
    }

    /// Returns the status of the file at `path`.
    /// - Returns: `nil` when the path no longer leads to this file.
    borrowing func status(at path: String) -> stat? {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_dev == device, status.st_ino == inode else { return nil }
        return status
    }
}
