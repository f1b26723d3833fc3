public import MMCore

/// The records of a running command, one by one, of all streams: an error or a warning is a record too, as
/// ``PowerShellRecord/stream`` says. An error that ends the command is thrown after the last record.
public struct PowerShellRecords: AsyncSequence, Sendable {
    /// A record.
    public typealias Element = PowerShellRecord
    /// The errors that reading may throw: `remoteFailed` with PowerShell's message, `deadlineExceeded`, `cancelled`,
    /// `sessionLost`.
    public typealias Failure = MMError

    let run: PowerShellRun

    /// Returns an iterator that starts at the first record.
    public func makeAsyncIterator() -> Iterator { Iterator(events: run.makeAsyncIterator()) }

    /// Reads records in order.
    public struct Iterator: AsyncIteratorProtocol {
        private var events: PowerShellRun.Iterator

        init(events: PowerShellRun.Iterator) { self.events = events }

        /// Returns the next record, or `nil` after the last.
        /// - Throws: `.remoteFailed` with PowerShell's message for an error that ended the command; `.cancelled`,
        ///   `.deadlineExceeded`; `.sessionLost` if the process is gone.
        public mutating func next() async throws(MMError) -> PowerShellRecord? { try await next(isolation: nil) }

        /// Returns the next record, or `nil` after the last.
        /// - Throws: `.remoteFailed` with PowerShell's message for an error that ended the command; `.cancelled`,
        ///   `.deadlineExceeded`; `.sessionLost` if the process is gone.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws(MMError) -> PowerShellRecord? {
            while let event = try await events.next(isolation: actor) {
                switch event {
                case .record(let record): return record
                case .console: continue
                case .end(let end):
                    guard end.state != .completed else { continue }
                    var answer = PowerShellAnswer()
                    answer.add(event, limit: 0)
                    throw MMError(.remoteFailed, answer.problem ?? "The command ended as \(end.state.rawValue).")
                }
            }
            return nil
        }
    }
}
