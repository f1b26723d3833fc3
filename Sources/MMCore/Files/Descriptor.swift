import Glibc

/// An open file descriptor with a single owner, closed exactly once when its owner is destroyed.
struct Descriptor: ~Copyable {
    /// The kernel's number for the descriptor.
    let number: Int32

    /// Takes ownership of a newly opened descriptor.
    init(owning number: Int32) {
        self.number = number
    }

    deinit { _ = close(number) }

    /// Reads up to `limit` bytes at `offset`; returns fewer where the file ends first.
    /// - Parameter name: the file's name, for error messages.
    func bytes(from offset: Int, limit: Int, of name: String) throws(MMError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: max(0, limit))
        var done = 0
        while done < bytes.count {
            let start = done
            let count = bytes.withUnsafeMutableBytes { buffer in
                pread(
                    number, buffer.baseAddress.map { $0 + start }, buffer.count - start, off_t(offset + start))
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw FileFault.error(errno, "read", name) }
            if count == 0 { break }
            done += count
        }
        return Array(bytes.prefix(done))
    }

    /// Returns the result of fstat(2); `nil` when it fails.
    func status() -> stat? {
        var status = stat()
        return fstat(number, &status) == 0 ? status : nil
    }
}
