import MMCore
import MMSystem

/// Work that puts its rows out while it goes on, held by their reader: it ends when nobody reads any more.
final class FlowingWork: Sendable {
    private let task: Task<Void, Never>
    private let channel: RowChannel

    private init(_ work: @escaping @Sendable (RowChannel) async -> Void) {
        let channel = RowChannel()
        self.channel = channel
        task = Task { await work(channel) }
    }

    deinit { stop() }

    /// The rows of work, which begins at once.
    /// - Parameters:
    ///   - end: what is to be told behind them.
    ///   - work: sends rows, and finishes the channel.
    static func stream(
        end: @escaping @Sendable () -> AnswerEnd, _ work: @escaping @Sendable (RowChannel) async -> Void
    ) -> ItemStream {
        let flow = FlowingWork(work)
        return ItemStream(end: end) { () async throws(MMError) in try await flow.next() }
    }

    private func next() async throws(MMError) -> [ArraySlice<UInt8>]? {
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
