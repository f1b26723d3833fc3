import CMMSystem
import Glibc
import MMCore
import MMSystem

/// Reads a pipe to its end, or until somebody stops it.
///
/// Messages are taken apart where they are read, which takes more stack than the house's reader threads have: 256
/// levels of nesting have to fit.
final class PipeReader: Sendable {
    private static let stackSize = 4 << 20
    private let descriptor: Int32
    private let stopper: FileDescriptor

    /// A reader.
    /// - Parameter descriptor: the read end; stays the caller's and must stay open until `run` returns.
    /// - Throws: `.unavailable` when there is no descriptor left.
    init(_ descriptor: Int32) throws(MMError) {
        let event = mm_eventfd()
        guard event >= 0 else { throw SystemError.error("Making an event descriptor") }
        self.descriptor = descriptor
        stopper = FileDescriptor(owning: event)
    }

    /// Ends the reading soon; may be called from anywhere, any number of times.
    func stop() {
        var one: UInt64 = 1
        _ = Glibc.write(stopper.raw, &one, MemoryLayout<UInt64>.size)
    }

    /// Reads on a thread of its own and waits for its end.
    /// - Parameters:
    ///   - maxLineBytes: the longest line.
    ///   - beforeEach: called before every read; may block to hold the client back.
    ///   - deliver: takes the lines, on the thread.
    /// - Throws: `.unavailable` when there is no thread left.
    func run(
        maxLineBytes: Int, beforeEach: @escaping @Sendable () -> Void,
        deliver: @escaping @Sendable (ReaderThread.Frame) -> Void
    ) async throws(MMError) {
        let thread = try DedicatedThread.start("mcp-reader", stackSize: Self.stackSize) {
            var splitter = LineSplitter(maxLineBytes: maxLineBytes)
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
            defer { buffer.deallocate() }
            while true {
                beforeEach()
                guard mm_wait_readable(self.descriptor, self.stopper.raw) == 1 else { break }
                let count = read(self.descriptor, buffer.baseAddress, buffer.count)
                if count > 0 {
                    _ = splitter.consume(UnsafeRawBufferPointer(rebasing: buffer[..<count])) { frame in
                        deliver(frame)
                        return true
                    }
                } else if count == 0 || (errno != EINTR && errno != EAGAIN) {
                    break
                }
            }
            _ = splitter.finish { frame in
                deliver(frame)
                return true
            }
        }
        await thread.ended()
    }
}
