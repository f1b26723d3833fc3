public import MMCore

extension SessionPool {
    /// Where one session stands; `nil` when there is none. Unlike `reports`, it asks no process for its memory.
    public func state(of key: Key) async -> SessionState? {
        guard let slot = slots[key] else { return nil }
        return await standing(slot)
    }

    /// Where a slot stands: a process may have ended while nobody used it.
    func standing(_ slot: Slot<Session>) async -> SessionState {
        guard let (session, _) = slot.idle, await !session.isUsable else { return slot.standing }
        return .lost
    }

    /// Clears away an idle session whose process has ended.
    func noticeLoss(of key: Key) async {
        guard let (session, number) = slots[key]?.idle, let turn = slots[key]?.turns.takeIfFree() else { return }
        if await !session.isUsable { await lose(key, number) }
        turn.giveBack()
    }

    /// The session that there is now, ready or not.
    package func current(_ key: Key) -> Session? { slots[key]?.session }

    /// The session that there is now, if it is ready, whoever uses it; it counts as used.
    package func ready(_ key: Key) -> Session? {
        guard let slot = slots[key], slot.life.identity != nil else { return nil }
        slots[key]?.touched = clock.now()
        return slot.session
    }

    /// The sessions that are ready.
    package func readySessions(where isMeant: (Key) -> Bool) -> [Session] {
        slots.filter { isMeant($0.key) && $0.value.life.identity != nil }.compactMap(\.value.session)
    }

    /// A share in the turn of a session that is ready, for what goes on in it by itself: the session is no idle one until the
    /// share is given back.
    /// - Parameter isCommand: whether it counts as a command.
    package func share(_ key: Key, isCommand: Bool) -> TurnQueue.Turn? {
        guard let slot = slots[key], slot.life.identity != nil else { return nil }
        slots[key]?.touched = clock.now()
        if isCommand {
            slots[key]?.commands += 1
            counters.commands += 1
        }
        return slot.turns.share()
    }

    /// A session is used at this moment.
    package func touch(_ key: Key) { slots[key]?.touched = clock.now() }

    /// How many callers wait for a session.
    package func waiting(for key: Key) -> Int { slots[key]?.turns.waiting ?? 0 }

    /// The account that signed in to a session.
    public func account(of key: Key) -> String? { slots[key]?.account }

    /// When idle sessions last answered that they are well.
    public func lastPings() -> [(key: Key, time: Timestamp)] {
        slots.sorted { $0.key < $1.key }.compactMap { key, slot in slot.lastPing.map { (key, $0) } }
    }
}
