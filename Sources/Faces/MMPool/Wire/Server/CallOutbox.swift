import MMCore
import MMOperations
import MMSystem

/// The events of a running call that the stream's writer has yet to take.
///
/// Only the latest progress report is kept, so that little accumulates however slow the client is.
final class CallOutbox: Sendable {
    private struct State {
        var events: [CallEvent] = []
        var progress: ProgressReport?
        var outcome: Result<OperationAnswer, MMError>?
        /// Rows of a streamed answer: at most one batch waits.
        var rows: [ArraySlice<UInt8>]?
        var end: Result<AnswerEnd, MMError>?
        var reader: OneShot<Void>?
        var writer: OneShot<Void>?
    }

    /// What the writer takes.
    enum Message: Sendable {
        case event(CallEvent)
        case outcome(Result<OperationAnswer, MMError>)
        case rows([ArraySlice<UInt8>])
        case end(Result<AnswerEnd, MMError>)
    }

    private let state = Mutex(State())

    /// Adds an event.
    func tell(_ event: CallEvent) {
        wake { $0.events.append(event) }
    }

    /// Replaces the pending progress report.
    func report(_ progress: ProgressReport) {
        wake { $0.progress = progress }
    }

    /// Adds the outcome of the call.
    func finish(_ outcome: Result<OperationAnswer, MMError>) {
        wake { $0.outcome = outcome }
    }

    /// Adds rows and waits until the writer has taken them.
    /// - Returns: `false` when the task was cancelled.
    func hand(_ batch: [ArraySlice<UInt8>]) async -> Bool {
        let turn = OneShot<Void>()
        wake { state in
            state.rows = batch
            state.writer = turn
        }
        await withTaskCancellationHandler {
            await turn.wait()
        } onCancel: {
            turn.resolve(())
        }
        return !Task.isCancelled
    }

    /// Adds the end of a streamed answer.
    func end(_ end: Result<AnswerEnd, MMError>) {
        wake { $0.end = end }
    }

    /// Returns the next message, waiting for one if necessary. Supports one reader at a time.
    /// - Returns: `nil` when the reader's task was cancelled.
    func next() async -> Message? {
        while !Task.isCancelled {
            let turn = OneShot<Void>()
            let message: Message? = state.withLock { state in
                if let message = Self.take(&state) { return message }
                state.reader = turn
                return nil
            }
            if let message { return message }
            await withTaskCancellationHandler {
                await turn.wait()
            } onCancel: {
                turn.resolve(())
            }
        }
        return nil
    }

    private static func take(_ state: inout State) -> Message? {
        if let event = takeEvent(&state) { return .event(event) }
        if let outcome = state.outcome {
            state.outcome = nil
            return .outcome(outcome)
        }
        if let rows = state.rows {
            state.rows = nil
            state.writer?.resolve(())
            state.writer = nil
            return .rows(rows)
        }
        defer { state.end = nil }
        return state.end.map { .end($0) }
    }

    private static func takeEvent(_ state: inout State) -> CallEvent? {
        if !state.events.isEmpty { return state.events.removeFirst() }
        defer { state.progress = nil }
        return state.progress.map { .progress($0) }
    }

    private func wake(_ change: (inout State) -> Void) {
        let reader: OneShot<Void>? = state.withLock { state in
            change(&state)
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resolve(())
    }
}
