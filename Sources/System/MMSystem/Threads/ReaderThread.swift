import CMMSystem
import Glibc
package import MMCore

/// Reads a descriptor on its own thread and splits the input into lines. Meant for input that others may share, such as
/// stdin: the descriptor's mode is left alone.
package final class ReaderThread: Sendable {
    /// A unit of input.
    package enum Frame: Sendable, Hashable {
        /// A line without its ending (`\n` or `\r\n`). Text after the last line ending counts as a line.
        case line([UInt8])
        /// A line over the limit, which was skipped, with its size.
        case tooLong(bytes: Int)
        /// The end of the input, or the error number of a failed read.
        case end(error: Int32?)
    }

    private let stopper: FileDescriptor
    private let thread: DedicatedThread

    /// Starts reading.
    /// - Parameters:
    ///   - descriptor: what to read; the caller keeps it and must leave it open until `.end`.
    ///   - maxLineBytes: the maximum length of a line in bytes.
    ///   - name: the thread's name.
    ///   - deliver: called with each frame on the thread; reading pauses while it blocks and stops when it returns
    ///     false.
    /// - Throws: `.unavailable` when there is no descriptor or thread left.
    package static func start(
        _ descriptor: Int32, maxLineBytes: Int = 64 << 20, name: String = "mm-reader",
        deliver: @escaping @Sendable (Frame) -> Bool
    ) throws(MMError) -> ReaderThread {
        let event = mm_eventfd()
        guard event >= 0 else { throw SystemError.error("Creating an event descriptor") }
        let stopper = FileDescriptor(owning: event)
        // The thread has its own copy of the descriptor, so that releasing this object can't close it under the thread.
        let seen = try stopper.duplicate().release()
        do throws(MMError) {
            let thread = try DedicatedThread.start(name, stackSize: 256 << 10) {
                let own = FileDescriptor(owning: seen)
                read(descriptor, stop: own.raw, LineSplitter(maxLineBytes: maxLineBytes), deliver)
            }
            return ReaderThread(stopper: consume stopper, thread: thread)
        } catch {
            close(seen)
            throw error
        }
    }

    private init(stopper: consuming FileDescriptor, thread: DedicatedThread) {
        self.stopper = stopper
        self.thread = thread
    }

    deinit { stop() }

    /// Stops reading after the frame being delivered. No `.end` follows.
    package func stop() {
        var one: UInt64 = 1
        _ = Glibc.write(stopper.raw, &one, MemoryLayout<UInt64>.size)
    }

    /// Waits until the thread has ended.
    package func ended() async {
        await thread.ended()
    }

    private static func read(
        _ descriptor: Int32, stop: Int32, _ splitter: consuming LineSplitter, _ deliver: (Frame) -> Bool
    ) {
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
        defer { room.deallocate() }
        while true {
            guard mm_wait_readable(descriptor, stop) == 1 else { return }
            let count = Glibc.read(descriptor, room.baseAddress, room.count)
            if count > 0 {
                guard splitter.consume(UnsafeRawBufferPointer(rebasing: room[..<count]), deliver) else { return }
            } else if count < 0, errno == EINTR || errno == EAGAIN {
                continue
            } else {
                // A pseudo-terminal reports EIO when its last user has closed it, which is an ordinary end.
                let error = count < 0 && errno != EIO ? errno : nil
                guard splitter.finish(deliver) else { return }
                _ = deliver(.end(error: error))
                return
            }
        }
    }
}
