import MMCore

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
