import MMCore
import MMOperations

/// The state that the dashboard shows, collected once for all watchers, and only while there are any.
actor DashboardFeed {
    /// A state and its id.
    struct Frame: Sendable {
        let id: String
        let data: String
    }

    private let look: @Sendable () async -> JSONObject
    private let pause: Duration
    /// Distinguishes this process's ids from another's.
    private let mark = RandomBytes.text(bytes: 6)
    private var count = 0
    private var frame: Frame?
    private var watchers: [Int: AsyncStream<Frame>.Continuation] = [:]
    private var lastWatcher = 0
    private var work: Task<Void, Never>?

    /// Creates a feed.
    /// - Parameters:
    ///   - pause: the time between two collections.
    ///   - look: collects the current state.
    init(pause: Duration, look: @escaping @Sendable () async -> JSONObject) {
        self.pause = pause
        self.look = look
    }

    /// Returns the states from now on, each once. A slow reader skips to the newest.
    /// - Parameter last: the id of the last state that the watcher has seen, which isn't repeated.
    func frames(after last: String?) -> AsyncStream<Frame> {
        let (stream, continuation) = AsyncStream.makeStream(of: Frame.self, bufferingPolicy: .bufferingNewest(1))
        lastWatcher += 1
        let number = lastWatcher
        watchers[number] = continuation
        continuation.onTermination = { [weak self] _ in
            guard let self else { return }
            Task { await self.leave(number) }
        }
        if work == nil {
            work = Task { [weak self, pause] in
                while !Task.isCancelled {
                    await self?.tick()
                    try? await Task.sleep(for: pause)
                }
            }
        } else if let frame, frame.id != last {
            continuation.yield(frame)
        }
        return stream
    }

    /// The number of watchers.
    var watching: Int { watchers.count }

    private func leave(_ number: Int) {
        watchers[number] = nil
        guard watchers.isEmpty else { return }
        work?.cancel()
        work = nil
        frame = nil
    }

    private func tick() async {
        let data = JSONWriter.string(.object(await look()))
        guard data != frame?.data else { return }
        count += 1
        let next = Frame(id: "\(mark)-\(count)", data: data)
        frame = next
        for watcher in watchers.values { watcher.yield(next) }
    }
}
