import Glibc
import MMCore
import MMSystem

/// The content to send: bytes, or a file of this machine that is read while it is sent, so that its size needs no
/// memory.
package struct FileSource: Sendable {
    /// The number of bytes.
    package let count: Int
    /// Reads some of them; it may block.
    let read: @Sendable (Range<Int>) throws(MMError) -> [UInt8]

    /// How much of a file is in memory at once.
    static let piece = 1 << 20

    /// Creates a source of bytes.
    package init(_ bytes: [UInt8]) {
        self.init(count: bytes.count) { Array(bytes[$0]) }
    }

    init(count: Int, read: @escaping @Sendable (Range<Int>) throws(MMError) -> [UInt8]) {
        self.count = count
        self.read = read
    }

    /// Creates a source of an opened file.
    init(of file: OwnedDescriptor, count: Int, named path: String) {
        self.init(count: count) { (range) throws(MMError) in
            let bytes = try FileBytes.read(file.raw, at: range.lowerBound, upTo: range.count) {
                SystemError.error("Reading \(path)", $0)
            }
            guard bytes.count == range.count else {
                throw MMError(
                    .conflict, "“\(path)” became shorter while it was sent.", hint: "Send it again.", retry: .now)
            }
            return bytes
        }
    }

    /// Returns all bytes.
    func whole() async throws(MMError) -> [UInt8] {
        try await BlockingWork.run { [self] () throws(MMError) in try read(0..<count) }
    }

    /// Returns a value that differs for nearly all other contents: from the size and both ends, because reading
    /// everything before it is sent would take as long as sending it.
    func mark() async throws(MMError) -> String {
        try await BlockingWork.run { [self] () throws(MMError) in
            var sum = SHA256()
            sum.update("\(count)\n".utf8)
            sum.update(try read(0..<min(count, Self.piece)))
            sum.update(try read(max(min(count, Self.piece), count - Self.piece)..<count))
            return Hex.text(sum.finish())
        }
    }

    /// Reads the content from its start to its end, with the checksum of what was read.
    struct Reading: Sendable {
        private let source: FileSource
        private var sum = SHA256()
        /// The number of bytes read so far.
        private(set) var position = 0

        init(_ source: FileSource) { self.source = source }

        /// Whether everything was read.
        var isOver: Bool { position == source.count }

        /// The checksum of what was read, as hex.
        var digest: String { Hex.text(sum.finish()) }

        /// Reads the next piece. It blocks.
        mutating func nextNow(_ most: Int = FileSource.piece) throws(MMError) -> [UInt8] {
            let bytes = try source.read(position..<min(position + most, source.count))
            sum.update(bytes)
            position += bytes.count
            return bytes
        }

        /// Reads the next piece without blocking a thread of the pool.
        mutating func next(_ most: Int) async throws(MMError) -> [UInt8] {
            let (bytes, after) = try await BlockingWork.run { [self] () throws(MMError) in
                var reading = self
                let bytes = try reading.nextNow(most)
                return (bytes, reading)
            }
            self = after
            return bytes
        }
    }
}
