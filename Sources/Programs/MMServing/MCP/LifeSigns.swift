import MMCore
import MMOperations

/// Tells a client that its call is under way while the call itself has nothing to tell, within its first second and every few
/// seconds from then on: clients with short limits give up on silence.
struct LifeSigns: Sendable {
    private struct State {
        var due: ContinuousClock.Instant
        /// What was told last: the protocol wants it to grow with each report.
        var done = -1.0
        var total: Double?
        var message: String
    }

    /// What a report adds to the count that tells no more than the last: little enough not to overtake the next real one.
    private static let step = 0.001

    private let call: CallContext
    private let doing: String
    private let first: Duration
    private let interval: Duration

    /// Signs for a call.
    /// - Parameters:
    ///   - call: the call.
    ///   - doing: what it does, as long as it says nothing itself.
    ///   - first: how long it may be silent at its beginning.
    ///   - interval: how long it may be silent later on.
    init(
        _ call: CallContext, doing: String, first: Duration = .milliseconds(700), every interval: Duration = .seconds(5)
    ) {
        self.call = call
        self.doing = doing
        self.first = first
        self.interval = interval
    }

    /// Does the work and gives signs until it ends.
    /// - Parameter isWanted: whether anybody hears them.
    func during(
        isWanted: Bool = true, _ work: (CallContext) async throws(MMError) -> OperationAnswer
    ) async throws(MMError) -> OperationAnswer {
        guard isWanted else { return try await work(call) }
        let start = ContinuousClock.now
        let state = Mutex(State(due: start + first, message: doing))
        let report = call.progress
        var watched = call
        watched.progress = { [interval] progress in
            let told = state.withLock { state -> ProgressReport? in
                // What says nothing new is left out, and what says it of as much as before is made to count.
                guard progress.done > state.done || progress.message != state.message else { return nil }
                state.done = max(progress.done, state.done + Self.step)
                state.due = .now + interval
                state.total = progress.total
                state.message = progress.message
                return ProgressReport(done: state.done, total: progress.total, message: progress.message)
            }
            if let told { report(told) }
        }
        let signs = Task { [first, interval] in
            while (try? await Task.sleep(for: min(first, interval) / 4)) != nil {
                let sign = state.withLock { state -> ProgressReport? in
                    guard ContinuousClock.now >= state.due else { return nil }
                    state.due = .now + interval
                    state.done = max(0, state.done + Self.step)
                    let seconds = (ContinuousClock.now - start).components.seconds
                    return ProgressReport(
                        done: state.done, total: state.total,
                        message: "\(state.message) (\(seconds) s)")
                }
                if let sign { report(sign) }
            }
        }
        defer { signs.cancel() }
        return try await work(watched)
    }
}
