public import MMCore

extension SessionPool {
    /// Where one session stands; `nil` when there is none. Unlike `reports`, it asks no process for its memory.
    public func state(of key: SessionKey) -> SessionState? { slots[key]?.state }

    /// The account that signed in to a session.
    public func account(of key: SessionKey) -> String? { slots[key]?.account }

    /// When idle sessions last answered that they are well.
    public func lastPings() -> [(key: SessionKey, time: Timestamp)] {
        slots.sorted { $0.key < $1.key }.compactMap { key, slot in slot.lastPing.map { (key, $0) } }
    }
}
