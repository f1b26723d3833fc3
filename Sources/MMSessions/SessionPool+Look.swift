public import MMCore

extension SessionPool {
    /// Where one session stands; `nil` when there is none. Unlike `reports`, it asks no process for its memory.
    public func state(of key: SessionKey) async -> SessionState? {
        guard let slot = slots[key] else { return nil }
        return await standing(slot)
    }

    /// Where a slot stands: a process may have ended while nobody used it.
    func standing(_ slot: Slot<Session>) async -> SessionState {
        guard let (session, _) = slot.idle, await !session.isUsable else { return slot.standing }
        return .lost
    }

    /// Clears away an idle session whose process has ended.
    func noticeLoss(of key: SessionKey) async {
        guard let (session, number) = slots[key]?.idle, let turn = slots[key]?.turns.takeIfFree() else { return }
        if await !session.isUsable { await lose(key, number) }
        turn.giveBack()
    }

    /// The session that there is now, ready or not.
    package func current(_ key: SessionKey) -> Session? { slots[key]?.session }

    /// The account that signed in to a session.
    public func account(of key: SessionKey) -> String? { slots[key]?.account }

    /// When idle sessions last answered that they are well.
    public func lastPings() -> [(key: SessionKey, time: Timestamp)] {
        slots.sorted { $0.key < $1.key }.compactMap { key, slot in slot.lastPing.map { (key, $0) } }
    }
}
