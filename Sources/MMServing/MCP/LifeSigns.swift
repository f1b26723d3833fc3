import MMCore
import MMOperations

/// Tells a client every few seconds that its call is still under way while the call itself has nothing to tell: clients with
/// short limits give up on silence.
struct LifeSigns: Sendable {
    private struct State {
        var lastSign: ContinuousClock.Instant
        var done = 0.0
        var total: Double?
        var message = "at work"
    }

    /// What a sign adds to the count, which has to grow with each report (Model Context Protocol, progress) and must not
    /// overtake the next real one.
    private static let step = 0.001

    private let call: CallContext
    private let interval: Duration

    /// Signs for a call.
    /// - Parameters:
    ///   - call: the call.
    ///   - interval: how long it may be silent.
    init(_ call: CallContext, every interval: Duration = .seconds(5)) {
        self.call = call
        self.interval = interval
    }

    /// Does the work and gives signs until it ends.
    func during(
        _ work: (CallContext) async throws(MMError) -> OperationAnswer
    ) async throws(MMError) -> OperationAnswer {
        let start = ContinuousClock.now
        let state = Mutex(State(lastSign: start))
        let report = call.progress
        var watched = call
        watched.progress = { progress in
            state.withLock { state in
                state.lastSign = .now
                state.done = max(state.done, progress.done)
                state.total = progress.total
                state.message = progress.message
            }
            report(progress)
        }
        let signs = Task { [interval] in
            while (try? await Task.sleep(for: interval / 4)) != nil {
                let sign = state.withLock { state -> ProgressReport? in
                    guard ContinuousClock.now - state.lastSign >= interval else { return nil }
                    state.lastSign = .now
                    state.done += Self.step
                    let seconds = (ContinuousClock.now - start).components.seconds
                    return ProgressReport(
                        done: state.done, total: state.total, message: "\(state.message) (\(seconds) s)")
                }
                if let sign { report(sign) }
            }
        }
        defer { signs.cancel() }
        return try await work(watched)
    }
}
