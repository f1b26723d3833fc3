import MMCore

/// The messages of a call to several connections: its progress while it runs, and its failures at the end.
final class SideBySideReport: Sendable {
    private struct State {
        var running: [String] = []
        var done = 0
        var rows = 0
        var failed: [(name: String, error: MMError)] = []
        var notes: [(text: String, names: [String])] = []
        var exitStatus: Int32 = 0
        /// The errors that connections reported without ending.
        var errors: [ReportedError] = []
        /// What waits until the rows of the connections have arrived.
        var deliveries: [Delivery] = []
        /// Whether other people wrote rows that don't show that.
        var isForeign = false
    }

    private let total: Int
    private let progress: @Sendable (ProgressReport) -> Void
    private let state = Mutex(State())

    /// - Parameters:
    ///   - total: the number of connections.
    ///   - progress: receives the reports.
    init(total: Int, progress: @escaping @Sendable (ProgressReport) -> Void) {
        self.total = total
        self.progress = progress
    }

    /// Notes that something waits until the whole answer has arrived.
    func waits(_ delivery: Delivery) { state.withLock { $0.deliveries.append(delivery) } }

    /// Settles what waited for the arrival of the whole answer.
    func settle() async throws(MMError) {
        for delivery in state.withLock({ $0.deliveries }) { try await delivery.settle() }
    }

    func begins(_ name: String) {
        tell { $0.running.append(name) }
    }

    func ends(_ name: String, _ end: SetFolder.End) {
        tell { state in
            state.running.removeAll { $0 == name }
            state.done += 1
            state.rows += end.rows
            state.exitStatus = max(state.exitStatus, end.exitStatus)
            state.isForeign = state.isForeign || end.isForeign
            let room = max(0, ReportedError.most - state.errors.count)
            state.errors += end.errors.prefix(room).map { $0.about(name) }
            for note in end.notes {
                if let place = state.notes.firstIndex(where: { $0.text == note }) {
                    state.notes[place].names.append(name)
                } else {
                    state.notes.append((note, [name]))
                }
            }
        }
    }

    func fails(_ name: String, _ error: MMError) {
        tell { state in
            state.running.removeAll { $0 == name }
            state.failed.append((name, error))
        }
    }

    /// Whether every connection has answered.
    var isWhole: Bool { state.withLock { $0.done == total } }

    private func tell(_ change: (inout State) -> Void) {
        let report = state.withLock { state -> ProgressReport in
            change(&state)
            let ended = state.done + state.failed.count
            var parts = ["\(ended) of \(total.counted("connection"))"]
            if !state.failed.isEmpty { parts.append("\(state.failed.count) failed") }
            if !state.running.isEmpty {
                parts.append("\(state.running.count) running: \(JointClearance.list(state.running))")
            }
            let waiting = total - ended - state.running.count
            if waiting > 0 { parts.append("\(waiting) waiting") }
            return ProgressReport(done: Double(ended), total: Double(total), message: parts.joined(separator: ", "))
        }
        progress(report)
    }

    /// Returns the messages that follow the rows.
    /// - Parameter resuming: the way to resume with the failed connections.
    func end(resuming: String) -> AnswerEnd {
        let state = state.withLock { $0 }
        var end = AnswerEnd()
        end.errors = state.errors
        end.isForeign = state.isForeign
        for (text, names) in state.notes { end.notes.append("\(JointClearance.list(names)): \(text)") }
        var failures: [(text: String, names: [String])] = []
        for (name, error) in state.failed {
            let text = Self.text(of: error)
            if let place = failures.firstIndex(where: { $0.text == text }) {
                failures[place].names.append(name)
            } else {
                failures.append((text, [name]))
            }
        }
        // The names of failed connections are never shortened.
        for (text, names) in failures {
            let line = "failed: \(names.joined(separator: ", ")): \(text)"
            end.notes.append(line)
            end.errors.append(ReportedError(line))
        }
        let (rows, done) = (state.rows, state.done)
        end.notes.append(
            "\(rows.counted("row")) from \(done) of \(total.counted("connection"))"
                + (state.failed.isEmpty ? "." : "; \(state.failed.count) failed. To repeat only those: \(resuming)"))
        if let first = state.failed.first?.error.code {
            let isOneKind = state.failed.allSatisfy { $0.error.code == first }
            end.exitStatus =
                isOneKind && (first == .signInNeeded || done == 0) ? MMError(first, "").exitCode : 1
        } else {
            end.exitStatus = state.exitStatus
        }
        return end
    }

    private static func text(of error: MMError) -> String {
        if error.code == .signInNeeded, error.details["userCode"] != nil { return SignInText.waiting(error.details) }
        return [error.message, error.hint].compactMap(\.self).joined(separator: " ")
    }
}
