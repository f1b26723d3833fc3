import CMMSystem
import Glibc
package import MMCore

/// Passes the lines of a reader thread to an async consumer, reading ahead by a bounded number of bytes.
package final class LineMailbox: Sendable {
    private let box: FrameBox
    private let reader: ReaderThread

    /// Starts reading.
    /// - Parameters:
    ///   - descriptor: what to read; the caller keeps it and must leave it open until the thread has ended.
    ///   - maxLineBytes: the maximum length of a line in bytes.
    ///   - capacity: how many bytes of lines may wait before reading pauses.
    ///   - name: the thread's name.
    /// - Throws: `.unavailable` when there is no descriptor or thread left.
    package static func start(
        _ descriptor: Int32, maxLineBytes: Int = 64 << 20, capacity: Int = 1 << 20, name: String = "mm-reader"
    ) throws(MMError) -> LineMailbox {
        let box = FrameBox(capacity: capacity)
        let reader = try ReaderThread.start(descriptor, maxLineBytes: maxLineBytes, name: name) { box.put($0) }
        return LineMailbox(box: box, reader: reader)
    }

    private init(box: FrameBox, reader: ReaderThread) {
        self.box = box
        self.reader = reader
    }

    deinit { close() }

    /// Returns all waiting frames, at least one; empty only after the end was delivered or when the task is cancelled.
    /// Supports one consumer.
    package func next() async -> [ReaderThread.Frame] {
        await box.next()
    }

    /// Stops reading; waiting frames can still be taken.
    package func close() {
        box.close()
        reader.stop()
    }

    /// Waits until the reader's thread has ended.
    package func ended() async {
        await reader.ended()
    }
}

/// Holds frames between the reader's thread and the consumer.
private final class FrameBox: Sendable {
    private struct State {
        var frames: [ReaderThread.Frame] = []
        var bytes = 0
        var isFull = false
        var isClosed = false
        var consumer: OneShot<Void>?
    }

    private let capacity: Int
    private let state = Mutex(State())
    private let room = ThreadSemaphore()

    init(capacity: Int) {
        self.capacity = max(1, capacity)
    }

    func next() async -> [ReaderThread.Frame] {
        while true {
            let (frames, turn): ([ReaderThread.Frame], OneShot<Void>?) = state.withLock { state in
                if !state.frames.isEmpty {
                    let frames = state.frames
                    state.frames = []
                    state.bytes = 0
                    if state.isFull {
                        state.isFull = false
                        room.post()
                    }
                    return (frames, nil)
                }
                if state.isClosed || Task.isCancelled { return ([], nil) }
                let turn = OneShot<Void>()
                state.consumer = turn
                return ([], turn)
            }
            guard let turn else { return frames }
            await withTaskCancellationHandler {
                await turn.wait()
            } onCancel: {
                turn.resolve(())
            }
        }
    }

    func close() {
        let consumer = state.withLock { state in
            state.isClosed = true
            if state.isFull {
                state.isFull = false
                room.post()
            }
            defer { state.consumer = nil }
            return state.consumer
        }
        consumer?.resolve(())
    }

    /// Adds a frame on the reader's thread, and blocks it while too much is waiting.
    func put(_ frame: ReaderThread.Frame) -> Bool {
        let (mustWait, isClosed, consumer): (Bool, Bool, OneShot<Void>?) = state.withLock { state in
            if state.isClosed { return (false, true, nil) }
            state.frames.append(frame)
            switch frame {
            case .line(let line): state.bytes += line.count + 64
            case .tooLong: state.bytes += 64
            case .end: state.isClosed = true
            }
            state.isFull = state.bytes >= capacity && !state.isClosed
            defer { state.consumer = nil }
            return (state.isFull, false, state.consumer)
        }
        if isClosed { return false }
        consumer?.resolve(())
        if mustWait { room.wait() }
        return true
    }
}

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

/// Splits chunks of any size into lines.
package struct LineSplitter: Sendable {
    private let maxLineBytes: Int
    private var rest: [UInt8] = []
    private var skipped = 0

    /// Creates a splitter at the start of its input.
    /// - Parameter maxLineBytes: the maximum length of a line; longer ones are skipped and reported with their size.
    package init(maxLineBytes: Int) {
        self.maxLineBytes = maxLineBytes
    }

    /// Consumes a chunk and delivers the lines that it completes.
    /// - Returns: false as soon as `deliver` returns false.
    package mutating func consume(
        _ piece: UnsafeRawBufferPointer, _ deliver: (ReaderThread.Frame) -> Bool
    ) -> Bool {
        guard let base = piece.baseAddress else { return true }
        var start = 0
        while start < piece.count {
            guard let found = memchr(base + start, 0x0A, piece.count - start) else {
                keep(UnsafeRawBufferPointer(rebasing: piece[start...]))
                return true
            }
            let end = UnsafeRawPointer(found) - base
            let line = UnsafeRawBufferPointer(rebasing: piece[start..<end])
            start = end + 1
            guard deliver(complete(line)) else { return false }
        }
        return true
    }

    /// Ends the input and delivers what follows the last line ending.
    package mutating func finish(_ deliver: (ReaderThread.Frame) -> Bool) -> Bool {
        guard !rest.isEmpty || skipped > 0 else { return true }
        return deliver(complete(UnsafeRawBufferPointer(start: nil, count: 0)))
    }

    private mutating func keep(_ piece: UnsafeRawBufferPointer) {
        if skipped > 0 {
            skipped += piece.count
        } else if rest.count + piece.count > maxLineBytes + 1 {
            // Allow one byte more than the limit, because the last one may be a carriage return.
            skipped = rest.count + piece.count
            rest = []
        } else {
            rest.append(contentsOf: piece)
        }
    }

    private mutating func complete(_ piece: UnsafeRawBufferPointer) -> ReaderThread.Frame {
        keep(piece)
        if skipped > 0 {
            defer { skipped = 0 }
            return .tooLong(bytes: skipped)
        }
        var line: [UInt8] = []
        swap(&line, &rest)
        if line.last == 0x0D { line.removeLast() }
        return line.count > maxLineBytes ? .tooLong(bytes: line.count) : .line(line)
    }
}
