import Glibc

/// An open file descriptor with one owner: it is closed exactly once, when its owner goes.
struct Descriptor: ~Copyable {
    /// The number the kernel knows it by.
    let number: Int32

    /// Takes over a descriptor that somebody just opened.
    init(owning number: Int32) {
        self.number = number
    }

    deinit { _ = close(number) }

    /// A piece of the open file; shorter where that ends first.
    /// - Parameter name: the file, for messages.
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

    /// What the kernel says about the open file.
    func status() -> stat? {
        var status = stat()
        return fstat(number, &status) == 0 ? status : nil
    }
}
