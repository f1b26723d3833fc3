public import MMCore

extension SessionPool {
    /// Returns the state of one session; `nil` if there is none. Unlike `reports`, it doesn't measure the process's
    /// memory.
    public func state(of key: Key) async -> SessionState? {
        guard let slot = slots[key] else { return nil }
        return await standing(slot)
    }

    /// Returns the state of a slot; its process may have ended while it was unused.
    func standing(_ slot: Slot<Session>) async -> SessionState {
        guard let (session, _) = slot.idle, await !session.isUsable else { return slot.standing }
        return await session.missingSignIn.map { SessionState.failed($0) } ?? .lost
    }

    /// Removes an idle session whose process has ended.
    func noticeLoss(of key: Key) async {
        guard let (session, number) = slots[key]?.idle, let turn = slots[key]?.turns.takeIfFree() else { return }
        if await !session.isUsable { await lose(key, number) }
        turn.release()
    }

    /// Returns the current session, ready or not.
    package func current(_ key: Key) -> Session? { slots[key]?.session }

    /// Returns the current session if it is ready, whoever uses it; it counts as used.
    package func ready(_ key: Key) -> Session? {
        guard let slot = slots[key], slot.life.identity != nil else { return nil }
        slots[key]?.touched = clock.now()
        return slot.session
    }

    /// Returns the sessions that are ready.
    package func readySessions(where isMeant: (Key) -> Bool) -> [Session] {
        slots.filter { isMeant($0.key) && $0.value.life.identity != nil }.compactMap(\.value.session)
    }

    /// Returns a share in the turn of a ready session, for work that runs in it without a caller: the session doesn't
    /// count as idle until the share is released.
    /// - Parameter isCommand: whether the work counts as a command.
    package func share(_ key: Key, isCommand: Bool) -> TurnQueue.Turn? {
        guard let slot = slots[key], slot.life.identity != nil else { return nil }
        slots[key]?.touched = clock.now()
        if isCommand {
            slots[key]?.commands += 1
            counters.commands += 1
        }
        return slot.turns.share()
    }

    /// Marks a session as used just now.
    package func touch(_ key: Key) { slots[key]?.touched = clock.now() }

    /// Returns how many callers wait for a session.
    package func waiting(for key: Key) -> Int { slots[key]?.turns.waiting ?? 0 }

    /// Returns the account that signed in to a session.
    public func account(of key: Key) -> String? { slots[key]?.account }

    /// Returns when idle sessions last passed a health check.
    public func lastPings() -> [(key: Key, time: Timestamp)] {
        slots.sorted { $0.key < $1.key }.compactMap { key, slot in slot.lastPing.map { (key, $0) } }
    }
}
