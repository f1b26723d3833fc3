import MMCore

extension Session {
    /// Takes no more requests, lets the open calls end for a while, then calls them off.
    ///
    /// Bounded: calls get `grace`; as long as some end all the time (a client wrote many and closed), they get up to
    /// 25 times that. Work that ignores its cancellation is left behind.
    /// - Parameter grace: how long calls may go on without any of them ending.
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
            // Past the first grace only a steady stream of ends keeps the connection open.
            let isSteady = now - lastEnded < grace / 4
            if now - start >= grace, !isSteady || now - start >= grace * 25 { break }
        }
        close()
        let stop = ContinuousClock.now + grace / 2
        while isBusyBesideSubscriptions, ContinuousClock.now < stop {
            try? await Task.sleep(for: .milliseconds(5))
        }
    }

    /// Takes no more requests, calls the open calls off and ends the subscriptions.
    func close() {
        closeSubscriptions()
        let (calls, token): ([LiveCall], Int?) = guarded.withLock { guarded in
            guarded.isClosed = true
            defer {
                guarded.live = [:]
                guarded.changeToken = nil
            }
            return (Array(guarded.live.values), guarded.changeToken)
        }
        if let token { server.changes.remove(token) }
        for call in calls { call.cancel() }
        questions.close()
    }

    private var endedCount: Int { guarded.withLock { $0.endedCount } }

    private var isBusyBesideSubscriptions: Bool {
        guarded.withLock { $0.state.workCount > $0.listens.count }
    }
}
