import Glibc

/// A log file shared by several processes and rotated when it is full.
final class LogFile: Sendable {
    enum Form: Sendable { case plain, json }

    let path: String
    let form: Form
    private let size: Int
    private let backups: Int
    /// Kept open between lines until some process rotates the file.
    private let held = Mutex<HeldFile?>(nil)

    init(path: String, form: Form, _ settings: LogSettings) {
        self.path = path
        self.form = form
        size = max(1, settings.fileSize)
        backups = max(0, settings.backups)
    }

    /// Appends a line, rotating the file first if the line would exceed its size.
    ///
    /// The path is checked for every line, because another process may have rotated the file meanwhile.
    func append(_ line: [UInt8]) {
        held.withLock { held in
            var length = held?.status(at: path).map { Int($0.st_size) }
            if length == nil {
                held = nil
                length = self.length()
            }
            if let length, length > 0, length + line.count > size {
                rotateIfNeeded(for: line.count)
                if held?.status(at: path) == nil { held = nil }
            }
            if held == nil { held = try? HeldFile(path, O_WRONLY | O_APPEND, to: "write to") }
            guard let number = held?.file.number else { return }
            try? ProtectedFile.write(line, to: number, path: path)
        }
    }

    private func length() -> Int? {
        var status = stat()
        return lstat(path, &status) == 0 ? Int(status.st_size) : nil
    }

    /// Renames `path.4` to `path.5` and so on, and `path` to `path.1`. One process does this; the others keep writing
    /// to whatever they find, so at worst a file exceeds its size by a few lines.
    private func rotateIfNeeded(for coming: Int) {
        guard let lock = try? FileLock.tryAcquire(path), let length = length(), length + coming > size else { return }
        if backups == 0 {
            try? ProtectedFile.remove(path)
        } else {
            for number in stride(from: backups - 1, through: 1, by: -1) {
                _ = rename("\(path).\(number)", "\(path).\(number + 1)")
            }
            _ = rename(path, "\(path).1")
        }
        _ = consume lock
    }
}
