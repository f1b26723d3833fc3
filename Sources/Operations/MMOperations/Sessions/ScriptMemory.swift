import MMCore
package import MMGuard

/// What a session's scripts have left behind, kept with the session itself so that it ends with it.
package final class ScriptMemory: Sendable {
    private let state = Mutex(SessionMemory.fresh)

    package init() {}

    /// What is remembered now.
    package var value: SessionMemory { state.withLock { $0 } }

    /// Replaces what is remembered.
    /// - Returns: false, with nothing changed, when it is no longer what the caller knew.
    package func replace(_ known: SessionMemory, by next: SessionMemory) -> Bool {
        state.withLock { current in
            guard current == known else { return false }
            current = next
            return true
        }
    }
}
