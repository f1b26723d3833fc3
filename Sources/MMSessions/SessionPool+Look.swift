public import MMCore

extension SessionPool {
    /// Where one session stands; `nil` when there is none. Unlike `reports`, it asks no process for its memory.
    public func state(of key: SessionKey) async -> SessionState? {
        guard let slot = slots[key] else { return nil }
        return await standing(slot)
    }

    /// Where a slot stands: a process may have ended while nobody used it.
    func standing(_ slot: Slot<Session>) async -> SessionState {
        guard case .ready = slot.state, let session = slot.session, await !session.isUsable else { return slot.state }
        return .lost
    }

    /// Clears away a free session whose process has ended, so that nobody is lent it: a sign-in that it began would end
    /// with it, and the person would be asked twice.
    func noticeLoss(of key: SessionKey) async {
        guard let slot = slots[key], case .ready = slot.state, !slot.isUnderCheck, let session = slot.session,
            await !session.isUsable, slots[key]?.generation == slot.generation, case .ready? = slots[key]?.state
        else { return }
        slots[key]?.state = .lost
        await replace(key, session)
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
