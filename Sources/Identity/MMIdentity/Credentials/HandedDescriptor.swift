internal import Glibc
internal import MMCore
internal import MMSystem

/// A secret that the parent process passed in an open file descriptor (`3< FILE`, `3< <(vault read …)`), named
/// `/dev/fd/3`, so that it is in no file, variable or argument.
///
/// A pipe can be read only once, so its content is kept in memory. The descriptor stays open, so that its number isn't
/// reused for another file while the secret is known by it. Child processes don't inherit it: it is marked
/// close-on-exec when it is read. This process's own descriptors carry that mark from the start, which distinguishes
/// them from those that it was handed.
enum HandedDescriptor {
    private static let prefixes = ["/dev/fd/", "/proc/self/fd/"]
    private static let taken = Mutex<[Int32: [UInt8]]>([:])
    /// The maximum time to wait for the writer of a pipe, in milliseconds.
    private static let patience: Int32 = 30_000

    /// Returns whether a path names a file descriptor.
    static func isNamed(by path: String) -> Bool { prefixes.contains { path.hasPrefix($0) } }

    /// Reads the content of the file descriptor that a path names; may block.
    /// - Returns: `nil` where the path names none.
    /// - Throws: `invalidInput` where this process wasn't handed such a descriptor, or nothing comes; `limitExceeded`.
    static func bytes(_ path: String, limit: Int) throws(MMError) -> [UInt8]? {
        guard let prefix = prefixes.first(where: { path.hasPrefix($0) }) else { return nil }
        guard let number = Int32(path.dropFirst(prefix.count)), number > 2 else {
            throw unusable(path, "must be a descriptor above 2")
        }
        // Two concurrent readers must not each get a part of the content.
        return try taken.withLock { (taken) throws(MMError) in
            if let bytes = taken[number] { return bytes }
            let bytes = try read(number, path, limit)
            taken[number] = bytes
            return bytes
        }
    }

    private static func read(_ number: Int32, _ path: String, _ limit: Int) throws(MMError) -> [UInt8] {
        let flags = fcntl(number, F_GETFD)
        var status = stat()
        guard flags >= 0, flags & FD_CLOEXEC == 0, fstat(number, &status) == 0,
            [S_IFIFO, S_IFREG].contains(status.st_mode & S_IFMT)
        else { throw unusable(path, "is not a descriptor that this process inherited") }
        // Processes that are started from now on don't inherit it.
        _ = fcntl(number, F_SETFD, FD_CLOEXEC)
        var bytes: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 4096)
        while true {
            var waiting = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
            let ready = poll(&waiting, 1, patience)
            if ready < 0, errno == EINTR { continue }
            guard ready > 0 else { throw unusable(path, "provided no data within 30 seconds") }
            let count = Glibc.read(number, &room, room.count)
            if count == 0 { break }
            if count < 0 {
                if errno == EINTR { continue }
                throw unusable(path, "can't be read (\(String(cString: strerror(errno))))")
            }
            bytes.append(contentsOf: room[..<count])
            guard bytes.count <= limit else {
                throw MMError(
                    .limitExceeded, "\(path) contains more than \(limit) bytes.", hint: "Pass only the secret.")
            }
        }
        return bytes
    }

    private static func unusable(_ path: String, _ why: String) -> MMError {
        MMError(
            .invalidInput, "\(path) \(why).",
            hint:
                "Only the process that inherits a descriptor can read it: mm … --embedded … 3< FILE, with /dev/fd/3 in "
                + "the connection. A pool needs a file (0600) or a variable.",
            details: ["path": .string(path)])
    }
}
