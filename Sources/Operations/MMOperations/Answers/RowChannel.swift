import MMCore

/// Carries rows from work to their reader, one portion at a time: the work stands still until the last one was
/// taken, so that memory stays flat however many there are.
final class RowChannel: Sendable {
    private struct State {
        var portion: [ArraySlice<UInt8>]?
        var end: Result<Void, MMError>?
        var isAbandoned = false
        var reader: CheckedContinuation<Void, Never>?
        var writer: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    /// Puts a portion there once the one before was taken. Nothing happens when nobody reads any more. One sender alone.
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

    /// Nothing comes after what was sent; a failure reaches the reader behind the rows.
    func finish(_ end: Result<Void, MMError>) {
        wake { state in
            if state.end == nil { state.end = end }
            return state.reader.take()
        }
    }

    /// Nobody reads any more; a sender that waits goes on.
    func abandon() {
        wake { state in
            state.isAbandoned = true
            state.portion = nil
            return state.writer.take()
        }
    }

    /// The next portion; `nil` at the end. One reader alone.
    /// - Throws: what ended the work, after all rows that it put out.
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

/// Holds work whose rows flow, for their reader: with the last reference to it the work ends.
final class HeldFlow: Sendable {
    private let task: Task<Void, Never>
    private let channel: RowChannel

    /// - Parameters:
    ///   - task: the work, which goes on by itself.
    ///   - channel: where it puts its rows.
    init(task: Task<Void, Never>, channel: RowChannel) {
        self.task = task
        self.channel = channel
    }

    deinit { stop() }

    /// The next rows; `nil` at the end.
    /// - Throws: what ended the work.
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
