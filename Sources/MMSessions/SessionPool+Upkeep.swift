import MMCore

extension SessionPool {
    /// Returns reports about all sessions, sorted by name.
    public func reports() async -> [SessionReport<Key>] { await reports { _ in true } }

    /// Returns reports about some sessions, sorted by name.
    package func reports(where isMeant: (Key) -> Bool) async -> [SessionReport<Key>] {
        var reports: [SessionReport<Key>] = []
        for (key, slot) in slots.filter({ isMeant($0.key) }).sorted(by: { $0.key < $1.key }) {
            reports.append(
                SessionReport(
                    key: key, state: await standing(slot), account: slot.account, createdAt: slot.createdAt,
                    lastUsed: slot.lastUsed, commands: slot.commands, waiting: slot.turns.waiting,
                    memory: await slot.session?.memory, engine: await slot.session?.engine,
                    idle: slot.turns.isTaken ? .zero : clock.now() - slot.touched))
        }
        return reports
    }

    /// Returns the signed-in accounts. No session is asked, so the call is cheap.
    package func accounts() -> [Key: String] {
        var accounts: [Key: String] = [:]
        for (key, slot) in slots { accounts[key] = slot.life.identity }
        return accounts
    }

    /// Maintains the sessions until the task is cancelled.
    /// - Parameter tick: the interval; `nil` for that of the settings.
    public func runMaintenance(every tick: Duration? = nil) async {
        while !Task.isCancelled {
            await runMaintenancePass()
            try? await Task.sleep(for: tick ?? settings.maintenanceInterval)
        }
    }

    /// Maintains the sessions once: removes unused ones and checks the health of idle ones.
    public func runMaintenancePass() async {
        for key in slots.keys { await noticeLoss(of: key) }
        let now = clock.now()
        for (key, slot) in slots {
            let rest = now - slot.touched
            switch slot.life.state {
            case .off, .starting, .signingIn, .failed, .lost, .closed:
                guard rest >= settings.pendingTimeout else { continue }
                counters.reaped += 1
                await end(key, MMError(.deadlineExceeded, "The sign-in was not finished in time: \(key)."))
            case .ready:
                guard rest >= slot.idleLimit, slot.idle != nil else { continue }
                counters.reaped += 1
                await end(key, MMError(.cancelled, "The session \(key) was idle for too long."))
            }
        }
        await keepAlive(now)
        await fillSpares()
    }

    /// Checks all idle sessions at once, so that one that hangs doesn't delay the others. Each check holds the turn of
    /// its session, and is cut short when a caller arrives.
    private func keepAlive(_ now: Duration) async {
        let limit = settings.healthTimeout
        await withTaskGroup(of: Void.self) { group in
            for (key, slot) in slots where now - slot.checked >= settings.keepAliveAfter {
                guard let (session, number) = slot.idle, let turn = slot.turns.takeIfFree() else { continue }
                counters.keepAlives += 1
                group.addTask {
                    let outcome = await Result { () async throws(MMError) in
                        // A session that doesn't react to cancellation is ended, so that it doesn't delay the others.
                        try await Bounded.run(
                            until: .after(limit), doing: "the health check of \(key)", orElse: { await session.close() }
                        ) { () async throws(MMError) in try await session.checkHealth() }
                    }
                    var fault: MMError?
                    if case .failure(let error) = outcome { fault = error }
                    await self.checked(key, number, fault, isUsable: await session.isUsable)
                    turn.release()
                }
            }
        }
    }

    /// A session that has come to its end is ended at once: no late output of it may reach the next caller. Any other fault
    /// passes, and the session goes on.
    private func checked(_ key: Key, _ number: Int, _ fault: MMError?, isUsable: Bool) async {
        guard slots[key]?.life.generation == number else { return }
        slots[key]?.checked = clock.now()
        guard let fault else {
            slots[key]?.lastPing = clock.wall.now
            return
        }
        counters.keepAliveFailures += 1
        if !isUsable || [.signInNeeded, .sessionLost, .forbidden].contains(fault.code) { await lose(key, number) }
    }
}
