import MMCore
package import MMGuard

/// The guard's memory of what scripts have left in a session, kept with the session so that it ends with it.
package final class ScriptMemory: Sendable {
    private let state = Mutex(SessionMemory.fresh)

    package init() {}

    /// The present memory.
    package var value: SessionMemory { state.withLock { $0 } }

    /// Replaces the memory.
    /// - Returns: false, without a change, if the memory is no longer the one that the caller knew.
    package func replace(_ known: SessionMemory, by next: SessionMemory) -> Bool {
        state.withLock { current in
            guard current == known else { return false }
            current = next
            return true
        }
    }
}
