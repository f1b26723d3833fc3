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
