import Glibc
import MMCore
import MMSystem

/// What is sent: bytes, or a file of this machine that is read while it is sent, so that its size costs no memory.
package struct FileSource: Sendable {
    /// How many bytes there are.
    package let count: Int
    /// Their SHA-256, as hex.
    package let digest: String
    /// Reads some of them; it may block.
    let read: @Sendable (Range<Int>) throws(MMError) -> [UInt8]

    /// How much of a file is in memory at a time.
    static let piece = 1 << 20

    /// Bytes.
    package init(_ bytes: [UInt8]) {
        self.init(count: bytes.count, digest: Hex.text(SHA256.digest(bytes))) { Array(bytes[$0]) }
    }

    init(count: Int, digest: String, read: @escaping @Sendable (Range<Int>) throws(MMError) -> [UInt8]) {
        self.count = count
        self.digest = digest
        self.read = read
    }

    /// An opened file. It blocks while the file is read once for its checksum.
    init(of file: OwnedDescriptor, count: Int, named path: String) throws(MMError) {
        let read: @Sendable (Range<Int>) throws(MMError) -> [UInt8] = { (range) throws(MMError) in
            var bytes = [UInt8](repeating: 0, count: range.count)
            var done = 0
            while done < range.count {
                let start = done
                let count = bytes.withUnsafeMutableBytes {
                    pread(
                        file.raw, $0.baseAddress.map { $0 + start }, $0.count - start, off_t(range.lowerBound + start))
                }
                if count < 0, errno == EINTR { continue }
                guard count >= 0 else { throw SystemError.error("Reading \(path)") }
                guard count > 0 else {
                    throw MMError(
                        .conflict, "“\(path)” became shorter while it was sent.", hint: "Send it again.", retry: .now)
                }
                done += count
            }
            return bytes
        }
        var sum = SHA256()
        var start = 0
        while start < count {
            let range = start..<min(start + Self.piece, count)
            sum.update(try read(range))
            start = range.upperBound
        }
        self.init(count: count, digest: Hex.text(sum.finish()), read: read)
    }

    /// All of it.
    func whole() async throws(MMError) -> [UInt8] {
        try await BlockingWork.run { [self] () throws(MMError) in try read(0..<count) }
    }
}
