import MMCore

/// Wakes a task that waits for work, or for a time to pass.
final class WakeSignal: Sendable {
    private let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() { (stream, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1)) }

    /// There is work.
    func set() { continuation.yield() }

    /// Returns when there is work, when the time has passed, or when the task is cancelled.
    func wait(atMost limit: Duration) async {
        let timer = Task { [continuation] in
            if (try? await Task.sleep(for: limit)) != nil { continuation.yield() }
        }
        var iterator = stream.makeAsyncIterator()
        await iterator.next()
        timer.cancel()
    }
}
