import Glibc
package import MMCore

/// Reads files that a person names on a command line: any readable file, following links, as other commands do.
package enum ReadableFile {
    /// Returns the contents of a file; `nil` when it doesn't exist.
    /// - Parameters:
    ///   - path: the path of the file.
    ///   - limit: the maximum size in bytes.
    /// - Throws: `MMError.invalidInput` when it is unreadable, not a file, or larger than the limit.
    static func contents(of path: String, limit: Int) throws(MMError) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG { return nil }
            throw MMError(.invalidInput, "The file \(path) can't be read: \(String(cString: strerror(errno))).")
        }
        defer { close(descriptor) }
        return try drain(descriptor, named: "The file \(path)", limit: limit)
    }

    /// Reads a descriptor to its end.
    /// - Parameters:
    ///   - descriptor: an open descriptor, which stays open.
    ///   - name: the input's name in messages.
    ///   - limit: the maximum number of bytes.
    /// - Throws: `MMError.invalidInput` when reading fails or there is more than the limit.
    package static func drain(_ descriptor: Int32, named name: String, limit: Int) throws(MMError) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw MMError(.invalidInput, "\(name) can't be read: \(String(cString: strerror(errno))).")
            }
            if count == 0 { return bytes }
            bytes += buffer[..<count]
            guard bytes.count <= limit else {
                throw MMError(.invalidInput, "\(name) is larger than \(limit >> 20) MiB.")
            }
        }
    }
}
