import Glibc

/// One log file of several processes, put aside when it is full.
final class LogFile: Sendable {
    enum Form: Sendable { case plain, json }

    let path: String
    let form: Form
    private let size: Int
    private let backups: Int
    /// Open from one line to the next, for as long as nobody has put the file aside.
    private let held = Mutex<HeldFile?>(nil)

    init(path: String, form: Form, _ settings: LogSettings) {
        self.path = path
        self.form = form
        size = max(1, settings.fileSize)
        backups = max(0, settings.backups)
    }

    /// Adds a line, first putting the file aside when the line would make it too long.
    ///
    /// The file's name is looked up for each line: another process may have put it aside meanwhile.
    func append(_ line: [UInt8]) {
        held.withLock { held in
            var length = held?.status(at: path).map { Int($0.st_size) }
            if length == nil {
                held = nil
                length = self.length()
            }
            if let length, length > 0, length + line.count > size {
                turn(for: line.count)
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

    /// Renames `path.4` to `path.5` and so on, `path` to `path.1`. One process does it; the others go on writing to what they
    /// find, and a file grows a few lines over its size at worst.
    private func turn(for coming: Int) {
        guard let lock = try? FileLock.attempt(path), let length = length(), length + coming > size else { return }
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
