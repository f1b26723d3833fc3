import CMMSystem
import Glibc
import MMCore
import MMSystem

/// Reads a pipe to its end, or until it is stopped.
///
/// Messages are parsed on the thread that reads them, which needs a larger stack than other reader threads have: 256
/// levels of nesting must fit.
final class PipeReader: Sendable {
    private static let stackSize = 4 << 20
    private let descriptor: Int32
    private let stopper: FileDescriptor

    /// Creates a reader.
    /// - Parameter descriptor: the read end; remains the caller's and must stay open until `run` returns.
    /// - Throws: `.unavailable` when no descriptor is left.
    init(_ descriptor: Int32) throws(MMError) {
        let event = mm_eventfd()
        guard event >= 0 else { throw SystemError.error("Creating an event descriptor") }
        self.descriptor = descriptor
        stopper = FileDescriptor(owning: event)
    }

    /// Ends reading soon; may be called from anywhere, any number of times.
    func stop() {
        var one: UInt64 = 1
        _ = Glibc.write(stopper.raw, &one, MemoryLayout<UInt64>.size)
    }

    /// Reads on a thread of its own and waits for the end.
    /// - Parameters:
    ///   - maxLineBytes: the maximum length of a line, in bytes.
    ///   - beforeEach: called before every read; may block to slow the client down.
    ///   - deliver: receives the lines, on the reader thread.
    /// - Throws: `.unavailable` when no thread can be created.
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
