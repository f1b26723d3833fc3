import Glibc
package import MMCore

/// Writes whole frames to a descriptor, one after the other, on its own thread. Meant for output that others may share,
/// such as stdout: the descriptor's mode is left alone.
package final class SerialWriter: Sendable {
    private let queue: FrameQueue
    private let thread: DedicatedThread

    /// Starts the writer.
    /// - Parameters:
    ///   - descriptor: where to write; the caller keeps it and must leave it open until the thread has ended.
    ///   - capacity: how many bytes may be queued before callers wait.
    ///   - name: the thread's name.
    ///   - onFailure: called once, on the thread, when the peer is gone.
    /// - Throws: `.unavailable` when there is no thread left.
    package static func start(
        _ descriptor: Int32, capacity: Int = 1 << 20, name: String = "mm-writer",
        onFailure: @escaping @Sendable () -> Void = {}
    ) throws(MMError) -> SerialWriter {
        let queue = FrameQueue(capacity: capacity)
        let thread = try DedicatedThread.start(name, stackSize: 256 << 10) {
            while let batch = queue.take() {
                let number = writeAll(batch, to: descriptor)
                queue.written(error: number)
                if number != 0 { onFailure() }
            }
        }
        return SerialWriter(queue: queue, thread: thread)
    }

    private init(queue: FrameQueue, thread: DedicatedThread) {
        self.queue = queue
        self.thread = thread
    }

    deinit { queue.close() }

    /// Queues a frame, which is written whole. Waits while the queue is full; a wait that is cancelled throws without
    /// queuing the frame.
    /// - Throws: `.unavailable` when the peer is gone or the writer has finished; `.cancelled`.
    package func write(_ frame: [UInt8]) async throws(MMError) {
        try await queue.put(frame)
    }

    /// Queues a frame without waiting, however full the queue is; for the few frames that a reader's thread sends
    /// itself.
    /// - Returns: false when the peer is gone or the writer has finished.
    @discardableResult
    package func writeNow(_ frame: [UInt8]) -> Bool {
        queue.putNow(frame)
    }

    /// Stops accepting frames and waits until the queued ones are written.
    /// - Parameter limit: how long to wait; a peer that doesn't read would block it forever.
    /// - Returns: whether everything was written.
    package func finish(within limit: Duration) async -> Bool {
        queue.close()
        let outcome = OneShot<Bool>()
        // The thread's end can't be awaited with a time limit, so race it against a timer.
        let end = Task { [thread, queue] in
            await thread.ended()
            outcome.resolve(queue.isIntact)
        }
        defer { end.cancel() }
        return await outcome.wait(until: .after(limit), late: false)
    }

    /// Writes all bytes with as few calls as possible; returns 0 or the error number.
    private static func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Int32 {
        bytes.withUnsafeBytes { source in
            var done = 0
            while done < source.count {
                let count = Glibc.write(descriptor, source.baseAddress.map { $0 + done }, source.count - done)
                if count >= 0 {
                    done += count
                } else if errno == EAGAIN {
                    // Someone else made the descriptor non-blocking; wait here as a blocking write would.
                    var room = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    _ = poll(&room, 1, -1)
                } else if errno != EINTR {
                    return errno
                }
            }
            return 0
        }
    }
}

/// The frames that wait for the writer's thread.
private final class FrameQueue: Sendable {
    private struct State {
        var frames: [[UInt8]] = []
        var bytes = 0
        var isClosed = false
        /// Whether the thread is waiting for work.
        var isIdle = false
        var inFlight = 0
        var error: Int32 = 0
        var waiting: [OneShot<Void>] = []

        /// Removes frames from the front and joins them: one, or as many as fit.
        mutating func popBatch(upTo limit: Int) -> [UInt8] {
            var batch = frames[0]
            var count = 1
            while count < frames.count, batch.count + frames[count].count <= limit {
                batch += frames[count]
                count += 1
            }
            frames.removeFirst(count)
            return batch
        }
    }

    private static let batchBytes = 64 << 10

    private let capacity: Int
    private let state = Mutex(State())
    private let work = ThreadSemaphore()

    init(capacity: Int) {
        self.capacity = max(1, capacity)
    }

    var isIntact: Bool { state.withLock { $0.error == 0 && $0.frames.isEmpty } }

    func put(_ frame: [UInt8]) async throws(MMError) {
        while true {
            enum Step {
                case done
                case gone(Int32)
                case closed
                case wait(OneShot<Void>)
            }
            if Task.isCancelled { throw MMError(.cancelled, "Writing was cancelled.") }
            let step: Step = state.withLock { state in
                if state.error != 0 { return .gone(state.error) }
                if state.isClosed { return .closed }
                // A frame over the capacity is queued alone.
                if state.bytes == 0 || state.bytes + frame.count <= capacity {
                    add(frame, &state)
                    return .done
                }
                let turn = OneShot<Void>()
                state.waiting.append(turn)
                return .wait(turn)
            }
            switch step {
            case .done: return
            case .gone(let number):
                throw MMError(.unavailable, "The peer has closed the connection: \(SystemError.text(number)).")
            case .closed: throw MMError(.unavailable, "The writer has finished.")
            case .wait(let turn):
                await withTaskCancellationHandler {
                    await turn.wait()
                } onCancel: {
                    turn.resolve(())
                }
            }
        }
    }

    func putNow(_ frame: [UInt8]) -> Bool {
        state.withLock { state in
            guard state.error == 0, !state.isClosed else { return false }
            add(frame, &state)
            return true
        }
    }

    private func add(_ frame: [UInt8], _ state: inout State) {
        if frame.isEmpty { return }
        state.frames.append(frame)
        state.bytes += frame.count
        wake(&state)
    }

    private func wake(_ state: inout State) {
        guard state.isIdle else { return }
        state.isIdle = false
        work.post()
    }

    func close() {
        state.withLock { state in
            state.isClosed = true
            wake(&state)
        }
    }

    /// Returns the next frames joined into one batch, on the writer's thread; nil at the end.
    func take() -> [UInt8]? {
        while true {
            let (batch, isOver): ([UInt8], Bool) = state.withLock { state in
                if state.error != 0 { return ([], true) }
                guard !state.frames.isEmpty else {
                    state.isIdle = !state.isClosed
                    return ([], state.isClosed)
                }
                let batch = state.popBatch(upTo: Self.batchBytes)
                state.inFlight = batch.count
                return (batch, false)
            }
            if isOver { return nil }
            if !batch.isEmpty { return batch }
            work.wait()
        }
    }

    /// Reports that the last batch was written, or failed.
    func written(error: Int32) {
        let waiting = state.withLock { state in
            state.bytes -= state.inFlight
            state.inFlight = 0
            state.error = error
            if error != 0 {
                state.frames = []
                state.bytes = 0
            }
            defer { state.waiting = [] }
            return state.waiting
        }
        for turn in waiting { turn.resolve(()) }
    }
}
