import MMCore

extension SessionPool {
    /// Starts and signs in a session, in the background. The turn is released afterwards, whatever the outcome.
    func open(_ key: Key, _ turn: TurnQueue.Turn, _ order: Order) {
        guard var slot = slots[key], slot.turns === turn.queue else { return }
        let wasLost = if case .lost = slot.life.state { true } else { false }
        guard let number = slot.life.beginOpening() else { return }
        counters.starts += 1
        if wasLost { counters.restarts += 1 }
        slot.isFresh = wasLost
        slot.isFirst = true
        slot.missing = nil
        slot.idleLimit = order.limits.idle
        slot.account = nil
        slot.commands = 0
        slot.createdAt = clock.wall.now
        slot.lastUsed = nil
        slot.lastPing = nil
        slot.touched = clock.now()
        slot.checked = slot.touched
        slot.opening = Task {
            await self.bringUp(key, number, order)
            turn.release()
        }
        slots[key] = slot
    }

    private func bringUp(_ key: Key, _ number: Int, _ order: Order) async {
        do throws(MMError) {
            let session: Session
            if let spare = await takeSpare(key) {
                session = spare
            } else {
                session = try await startSession(key, order.start)
            }
            guard let turns = adopt(session, key, number) else { return await session.close() }
            await session.lend(through: turns)
            let account = try await session.connect { prompt in
                Task { await self.prompted(key, number, prompt) }
            }
            connected(key, number, as: account)
        } catch {
            await failed(key, number, error, wasCalledOff: Task.isCancelled)
        }
    }

    /// Returns how the factory opens a session.
    func standardOrder(for key: Key) -> Order {
        let factory = factory
        return Order(limits: settings.limits) { () async throws(MMError) in try await factory.start(key) }
    }

    func startSession(
        _ key: Key, _ start: @escaping @Sendable () async throws(MMError) -> Session
    ) async throws(MMError) -> Session {
        try await Bounded.run(
            until: settings.startTimeout.map { .after($0) } ?? .never, doing: "starting the session \(key)",
            dropping: { await $0.close() }, start)
    }

    private func adopt(_ session: Session, _ key: Key, _ number: Int) -> TurnQueue? {
        guard slots[key]?.life.signIn(nil, in: number) == true else { return nil }
        slots[key]?.session = session
        slots[key]?.touched = clock.now()
        return slots[key]?.turns
    }

    private func prompted(_ key: Key, _ number: Int, _ prompt: JSONObject) {
        let before: JSONObject? = if case .signingIn(let known)? = slots[key]?.life.state { known } else { nil }
        let isNews = before?["userCode"] != prompt["userCode"]
        guard slots[key]?.life.signIn(prompt, in: number) == true, let callers = slots[key]?.callers else { return }
        var prompt = prompt
        if let reason = slots[key]?.reason, !callers.isEmpty {
            // Said once, to who meets the new code first.
            slots[key]?.reason = nil
            prompt["message"] = .string([reason, prompt["message"]?.string].compactMap(\.self).joined(separator: " "))
            prompt["reason"] = .string(reason)
        }
        slots[key]?.touched = clock.now()
        for caller in callers {
            if let onPrompt = caller.onPrompt {
                if isNews { onPrompt(prompt) }
            } else {
                caller.place.dismiss(Self.signInNeeded(prompt))
            }
        }
    }

    private func connected(_ key: Key, _ number: Int, as account: String) {
        guard slots[key]?.life.opened(account, in: number) == true else { return }
        counters.signIns += 1
        slots[key]?.account = account
        slots[key]?.touched = clock.now()
        slots[key]?.checked = clock.now()
    }

    private func failed(_ key: Key, _ number: Int, _ error: MMError, wasCalledOff: Bool) async {
        let wasShown = if case .signingIn(_?)? = slots[key]?.life.state { true } else { false }
        guard slots[key]?.life.failed(error, in: number) == true, var slot = slots[key] else { return }
        let session = slot.session
        slot.session = nil
        guard settings.opensUnattended else {
            // All waiting callers are told why an opening failed, but not that it was cancelled by those who asked
            // first: the next caller opens the session again.
            if wasCalledOff, slot.turns.waiting > 0 {
                slots[key] = slot
            } else {
                slots[key] = nil
                lastGeneration = max(lastGeneration, number)
                slot.turns.close(error)
            }
            await session?.close()
            return
        }
        // Whoever saw the code has gone to sign in. The next call is told of the failure; otherwise it would ask for a
        // sign-in without end.
        let isWaitedFor = slot.turns.waiting > 0
        slot.untold = !isWaitedFor && wasShown && error.code != .cancelled ? error : nil
        slot.touched = clock.now()
        // Who waits where another code mends it gets that one, with why the last came to nothing: the first of them opens the
        // session anew. So does who came while a session was brought back with nobody there; whoever brought it back is told.
        let asksAgain =
            error.code == .signInNeeded && (wasShown || Attendance.isUnattended)
            && slot.callers.contains { !$0.isUnattended }
        if asksAgain, wasShown { slot.reason = error.message }
        slots[key] = slot
        if asksAgain {
            for caller in slot.callers where caller.isUnattended { caller.place.dismiss(error) }
        } else {
            slot.turns.dismiss(error)
        }
        await session?.close()
    }

    /// Ends the longest idle session if the pool, or the share of it that an owner may have, is full.
    func makeRoom(for key: Key, _ limits: SessionLimits) async throws(MMError) {
        let live = slots.filter { $0.key != key && ($0.value.session != nil || $0.value.life.isOpening) }
        let own = live.filter { $0.key.owner == key.owner }
        let isOwnersLimit = limits.perOwner.map { own.count >= $0 } ?? false
        var full = isOwnersLimit || live.count >= limits.total
        if !full, let most = settings.maxMemory { full = await totalMemory() > most }
        guard full else { return }
        // Never ends a working session, and never another owner's session because of an owner's own limit.
        let now = clock.now()
        let idle = (isOwnersLimit ? own : live).filter {
            $0.value.idle != nil && now - $0.value.touched >= limits.evictableAfter
        }
        guard let oldest = idle.min(by: { $0.value.touched < $1.value.touched })?.key else {
            let unused = "none of them has been unused for \(limits.evictableAfter.components.seconds) s"
            throw MMError(
                .limitExceeded,
                isOwnersLimit
                    ? "There are \(own.count) sessions already, the most for one client, and \(unused)."
                    : "There are \(live.count) sessions already, the most there may be, and \(unused).",
                hint:
                    "Use an existing one, wait for one to finish, end one that is no longer needed, or raise "
                    + "the limit.",
                retry: .after(.seconds(10))
            )
        }
        counters.reaped += 1
        await end(oldest, MMError(.cancelled, "The session \(oldest) made room for another."))
    }

    private func totalMemory() async -> Int {
        var sum = 0
        for session in slots.values.compactMap(\.session) { sum += await session.memory ?? 0 }
        return sum
    }
}
