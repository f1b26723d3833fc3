import MMCore

/// A channel that passes rows from running work to their reader, one portion at a time. The work waits until the
/// previous portion was taken, so that the number of rows doesn't affect memory use.
final class RowChannel: Sendable {
    private struct State {
        var portion: [ArraySlice<UInt8>]?
        var end: Result<Void, MMError>?
        var isAbandoned = false
        var reader: CheckedContinuation<Void, Never>?
        var writer: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    /// Sends a portion once the previous one was taken. Does nothing after `abandon`. There must be only one sender.
    func send(_ rows: [ArraySlice<UInt8>]) async {
        await withCheckedContinuation { continuation in
            let isFree = state.withLock { state in
                guard !state.isAbandoned, state.portion != nil else { return true }
                state.writer = continuation
                return false
            }
            if isFree { continuation.resume() }
        }
        wake { state in
            guard !state.isAbandoned else { return nil }
            state.portion = rows
            return state.reader.take()
        }
    }

    /// Marks the end of the rows. A failure reaches the reader after the rows that were sent.
    func finish(_ end: Result<Void, MMError>) {
        wake { state in
            if state.end == nil { state.end = end }
            return state.reader.take()
        }
    }

    /// Marks that the reader has stopped. A waiting sender resumes.
    func abandon() {
        wake { state in
            state.isAbandoned = true
            state.portion = nil
            return state.writer.take()
        }
    }

    /// Returns the next portion; `nil` at the end. There must be only one reader.
    /// - Throws: the error that ended the work, after all its rows.
    func next() async throws(MMError) -> [ArraySlice<UInt8>]? {
        await withCheckedContinuation { continuation in
            let isReady = state.withLock { state in
                guard state.portion == nil, state.end == nil else { return true }
                state.reader = continuation
                return false
            }
            if isReady { continuation.resume() }
        }
        let (rows, end, writer) = state.withLock { state in
            (state.portion.take(), state.end, state.writer.take())
        }
        writer?.resume()
        if let rows { return rows }
        if case .failure(let error) = end { throw error }
        return nil
    }

    private func wake(_ change: (inout State) -> CheckedContinuation<Void, Never>?) {
        let waiting = state.withLock { change(&$0) }
        waiting?.resume()
    }
}

/// The owner of the work behind streamed rows, held by their reader. The work is cancelled when the last reference is
/// released.
final class HeldFlow: Sendable {
    private let task: Task<Void, Never>
    private let channel: RowChannel

    /// - Parameters:
    ///   - task: the task that does the work.
    ///   - channel: the channel for the work's rows.
    init(task: Task<Void, Never>, channel: RowChannel) {
        self.task = task
        self.channel = channel
    }

    deinit { stop() }

    /// Returns the next rows; `nil` at the end.
    /// - Throws: the error that ended the work.
    func next() async throws(MMError) -> [ArraySlice<UInt8>]? {
        try await withTaskCancellationHandler {
            await Result { () async throws(MMError) in try await channel.next() }
        } onCancel: {
            stop()
        }.get()
    }

    private func stop() {
        task.cancel()
        channel.abandon()
    }
}
