import Glibc

/// A file of ours that stays open from one line to the next, for as long as its name leads to it.
///
/// Opening a file the careful way takes a dozen system calls, and a log gets a line for every call of a busy pool.
struct HeldFile: ~Copyable {
    /// The open file.
    let file: Descriptor
    private let device: dev_t
    private let inode: ino_t

    /// Opens a file as every file of ours is opened, and makes it where it is missing.
    init(_ path: String, _ flags: Int32, to action: String) throws(MMError) {
        guard let place = try FilePlace.of(path, creating: true),
            let file = try place.open(flags | O_CREAT, to: action)
        else { throw FileFault.error(ENOENT, action, path) }
        guard let status = file.status() else { throw FileFault.error(errno, action, path) }
        self.file = file
        device = status.st_dev
        inode = status.st_ino
    }

    /// What is known of the file under its name.
    /// - Returns: `nil` when the name leads elsewhere by now, or nowhere.
    borrowing func status(at path: String) -> stat? {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_dev == device, status.st_ino == inode else { return nil }
        return status
    }
}
