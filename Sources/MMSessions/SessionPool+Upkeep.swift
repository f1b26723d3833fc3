import MMCore

extension SessionPool {
    /// Every session, by name.
    public func reports() async -> [SessionReport] {
        var reports: [SessionReport] = []
        for (key, slot) in slots.sorted(by: { $0.key < $1.key }) {
            reports.append(
                SessionReport(
                    key: key, state: await standing(slot), account: slot.account, createdAt: slot.createdAt,
                    lastUsed: slot.lastUsed, commands: slot.commands, waiting: slot.waiters.count,
                    memory: await slot.session?.memory, engine: await slot.session?.engine))
        }
        return reports
    }

    /// Who is signed in where. Asks no session anything, so that it costs next to nothing.
    package func accounts() -> [SessionKey: String] {
        var accounts: [SessionKey: String] = [:]
        for (key, slot) in slots {
            switch slot.state {
            case .ready, .busy: accounts[key] = slot.account
            default: continue
            }
        }
        return accounts
    }

    /// Maintains the sessions until the task is cancelled.
    public func runMaintenance() async {
        while !Task.isCancelled {
            await runMaintenancePass()
            try? await Task.sleep(for: settings.tick)
        }
    }

    /// Maintains the sessions once: clears away what nobody uses, asks idle ones how they are.
    public func runMaintenancePass() async {
        for key in slots.keys { await noticeLoss(of: key) }
        let now = clock.now()
        for (key, slot) in slots {
            let rest = now - slot.touched
            switch slot.state {
            case .signingIn, .failed, .lost, .stopped, .starting:
                guard rest >= settings.pendingLimit else { continue }
                counters.reaped += 1
                await end(key, MMError(.deadlineExceeded, "Nobody finished the sign-in of \(key)."))
            case .ready where slot.waiters.isEmpty && rest >= settings.idleLimit:
                counters.reaped += 1
                await end(key, MMError(.cancelled, "The session \(key) was idle for too long."))
            default: continue
            }
        }
        await keepAlive(now)
        await fillSpares()
    }

    /// Asks all idle sessions at once: one that hangs holds up no other.
    func keepAlive(_ now: Duration) async {
        var due: [(SessionKey, Int, Session)] = []
        for (key, slot) in slots {
            guard case .ready = slot.state, slot.waiters.isEmpty, !slot.isUnderCheck, let session = slot.session,
                now - slot.checked >= settings.keepAliveAfter
            else { continue }
            slots[key]?.isUnderCheck = true
            counters.keepAlives += 1
            due.append((key, slot.generation, session))
        }
        let limit = settings.healthLimit
        await withTaskGroup(of: (SessionKey, Int, Session, Bool).self) { group in
            for (key, generation, session) in due {
                group.addTask {
                    do throws(MMError) {
                        // A session that does not listen to a cancel is ended, so that it holds up no other.
                        try await Bounded.run(
                            until: .after(limit), doing: "the health check of \(key)", orElse: { await session.close() }
                        ) { () async throws(MMError) in try await session.checkHealth() }
                        return (key, generation, session, true)
                    } catch {
                        return (key, generation, session, false)
                    }
                }
            }
            for await (key, generation, session, isHealthy) in group {
                await checked(key, generation, session, isHealthy)
            }
        }
    }

    /// A session that failed its check is ended at once: what it still has to say must not reach the next caller.
    func checked(_ key: SessionKey, _ generation: Int, _ session: Session, _ isHealthy: Bool) async {
        guard slots[key]?.generation == generation else { return }
        slots[key]?.isUnderCheck = false
        slots[key]?.checked = clock.now()
        if isHealthy {
            slots[key]?.lastPing = clock.wall.now
            return serve(key)
        }
        counters.keepAliveFailures += 1
        slots[key]?.state = .lost
        await replace(key, session)
    }
}
