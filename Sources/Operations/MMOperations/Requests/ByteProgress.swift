import MMCore

/// Reports the progress of a file transfer: at each percent, at least once a second, and whenever it waits.
final class ByteProgress: Sendable {
    private struct State {
        var hundredth = -1
        var done = 0
        var total: Int?
        var pace = WorkPace(counting: .bytes)
        var told: ContinuousClock.Instant?
    }

    private let verb: String
    private let name: String
    private let state = Mutex(State())
    private let report: @Sendable (ProgressReport) -> Void

    /// Creates the progress of a file.
    /// - Parameters:
    ///   - verb: the participle of the action: "sent", "fetched".
    ///   - name: the file's name.
    ///   - report: receives the reports.
    init(_ verb: String, of name: String, to report: @escaping @Sendable (ProgressReport) -> Void) {
        self.verb = verb
        self.name = name
        self.report = report
    }

    /// Reports how many bytes have been transferred.
    func came(to done: Int, of total: Int?, at moment: ContinuousClock.Instant = .now) {
        let told = state.withLock { state -> ProgressReport? in
            guard done >= state.done else { return nil }
            let hundredth = total.map { $0 == 0 ? 100 : done * 100 / $0 } ?? done >> 20
            let isDue = state.told.map { moment - $0 >= .seconds(1) } ?? true
            (state.done, state.total) = (done, total)
            guard hundredth > state.hundredth || isDue else { return nil }
            (state.hundredth, state.told) = (hundredth, moment)
            return ProgressReport(
                done: Double(done), total: total.map(Double.init),
                message: "\(name): \(verb) \(state.pace.text(done: done, total: total, at: moment))")
        }
        if let told { report(told) }
    }

    /// Reports that the transfer waits.
    func waits(_ reason: String) {
        let (done, total) = state.withLock { ($0.done, $0.total) }
        report(ProgressReport(done: Double(done), total: total.map(Double.init), message: "\(name): \(reason)"))
    }
}
