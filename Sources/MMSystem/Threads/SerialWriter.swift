import Glibc
package import MMCore

/// One thread that writes whole frames to a descriptor, one after the other, for output that others may also hold,
/// such as stdout: its mode is left alone.
package final class SerialWriter: Sendable {
    private let queue: FrameQueue
    private let thread: DedicatedThread

    /// Starts to write.
    /// - Parameters:
    ///   - descriptor: where to; it stays the caller's and must stay open until the thread has ended.
    ///   - capacity: how many bytes may wait; then writers wait.
    ///   - name: the thread's name.
    ///   - onFailure: called once on the thread when the far end is gone.
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

    /// Hands over a frame, which is written whole. Waits while too much is waiting; a cancelled wait throws and has
    /// not handed over anything.
    /// - Throws: `.unavailable` when the far end is gone, `.cancelled`.
    package func write(_ frame: [UInt8]) async throws(MMError) {
        try await queue.put(frame)
    }

    /// Hands over a frame without waiting, however much is waiting: for the few frames that a reader's thread sends
    /// itself.
    /// - Returns: false when the far end is gone.
    @discardableResult
    package func writeNow(_ frame: [UInt8]) -> Bool {
        queue.putNow(frame)
    }

    /// Takes no more frames and waits until what was handed over is written.
    /// - Parameter limit: how long; a far end that reads nothing would hold it for ever.
    /// - Returns: whether everything was written.
    package func finish(within limit: Duration) async -> Bool {
        queue.close()
        let outcome = OneShot<Bool>()
        // The thread's end can't be waited for with a limit, so a race of two decides.
        let end = Task { [thread, queue] in
            await thread.ended()
            outcome.give(queue.isIntact)
        }
        let timer = Task {
            try? await Task.sleep(for: limit)
            outcome.give(false)
        }
        defer {
            timer.cancel()
            end.cancel()
        }
        return await outcome.wait()
    }

    /// Writes all of these bytes with as few calls as possible: 0, or the error number.
    private static func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Int32 {
        bytes.withUnsafeBytes { source in
            var done = 0
            while done < source.count {
                let count = Glibc.write(descriptor, source.baseAddress.map { $0 + done }, source.count - done)
                if count >= 0 {
                    done += count
                } else if errno == EAGAIN {
                    // Somebody else made it non-blocking. Waiting here is what a blocking write would do.
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
        /// Whether the thread waits for work.
        var isIdle = false
        var inFlight = 0
        var error: Int32 = 0
        var waiting: [OneShot<Void>] = []

        /// Takes frames from the front as one piece: one, or as many as fit.
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
                // A frame over the capacity goes alone.
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
                throw MMError(.unavailable, "The far end takes no more: \(SystemError.text(number)).")
            case .closed: throw MMError(.unavailable, "The writer has finished.")
            case .wait(let turn):
                await withTaskCancellationHandler {
                    await turn.wait()
                } onCancel: {
                    turn.give(())
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

    /// The next frames as one piece, on the writer's thread; nil at the end.
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

    /// The last piece was written, or failed.
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
        for turn in waiting { turn.give(()) }
    }
}
