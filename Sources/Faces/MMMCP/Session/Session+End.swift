import MMCore

extension Session {
    /// Refuses further requests, gives the open calls time to end, then cancels them.
    ///
    /// The wait is bounded: calls get `grace`, or up to 25 times that while they keep ending steadily (a client wrote
    /// many requests and closed the pipe). Work that ignores its cancellation is left behind.
    /// - Parameter grace: how long to wait without any call ending.
    func drain(grace: Duration) async {
        let start = ContinuousClock.now
        var lastEnded = start
        var count = endedCount
        while isBusyBesideSubscriptions, !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(5))
            let now = ContinuousClock.now
            let current = endedCount
            if current != count {
                count = current
                lastEnded = now
            }
            // After the first grace period, only a steady stream of ending calls keeps the connection open.
            let isSteady = now - lastEnded < grace / 4
            if now - start >= grace, !isSteady || now - start >= grace * 25 { break }
        }
        close()
        let stop = ContinuousClock.now + grace / 2
        while isBusyBesideSubscriptions, ContinuousClock.now < stop {
            try? await Task.sleep(for: .milliseconds(5))
        }
    }

    /// Refuses further requests, cancels the open calls and ends the subscriptions.
    func close() {
        closeSubscriptions()
        let (calls, followers, token): ([LiveCall], [Task<Void, Never>], Int?) = guarded.withLock { guarded in
            guarded.isClosed = true
            defer {
                guarded.live = [:]
                guarded.followers = [:]
                guarded.changeToken = nil
            }
            return (Array(guarded.live.values), Array(guarded.followers.values), guarded.changeToken)
        }
        for follower in followers { follower.cancel() }
        if let token { server.changes.remove(token) }
        for call in calls { call.cancel() }
        questions.close()
    }

    private var endedCount: Int { guarded.withLock { $0.endedCount } }

    private var isBusyBesideSubscriptions: Bool {
        guarded.withLock { $0.state.workCount > $0.listens.count }
    }
}
