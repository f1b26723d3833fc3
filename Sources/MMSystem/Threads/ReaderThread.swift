import CMMSystem
import Glibc
package import MMCore

/// One thread that reads a descriptor and cuts it into lines, for input that others may also hold, such as stdin:
/// its mode is left alone.
package final class ReaderThread: Sendable {
    /// What was read.
    package enum Frame: Sendable, Hashable {
        /// A line without its end (`\n` or `\r\n`). What follows the last line end counts as a line.
        case line([UInt8])
        /// A line over the limit was skipped; it had so many bytes.
        case tooLong(bytes: Int)
        /// There is no more: the end, or the error number of a failed read.
        case end(error: Int32?)
    }

    private let stopper: FileDescriptor
    private let thread: DedicatedThread

    /// Starts to read.
    /// - Parameters:
    ///   - descriptor: what to read; it stays the caller's and must stay open until `.end`.
    ///   - maxLineBytes: the longest line.
    ///   - name: the thread's name.
    ///   - deliver: takes each frame on the thread; while it blocks nothing more is read. False stops reading.
    /// - Throws: `.unavailable` when there is no descriptor or thread left.
    package static func start(
        _ descriptor: Int32, maxLineBytes: Int = 64 << 20, name: String = "mm-reader",
        deliver: @escaping @Sendable (Frame) -> Bool
    ) throws(MMError) -> ReaderThread {
        let event = mm_eventfd()
        guard event >= 0 else { throw SystemError.error("Making an event descriptor") }
        let stopper = FileDescriptor(owning: event)
        // The thread has a descriptor of its own, so that letting go of this object can't close it under the thread.
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

    /// Stops reading; a frame being delivered is finished first. No `.end` follows.
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
                // A pseudo-terminal says EIO when its last user has closed it: an end like another.
                let error = count < 0 && errno != EIO ? errno : nil
                guard splitter.finish(deliver) else { return }
                _ = deliver(.end(error: error))
                return
            }
        }
    }
}
