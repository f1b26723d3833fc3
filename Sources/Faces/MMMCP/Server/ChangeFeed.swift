import MMCore

/// Announces changes to what clients may have cached.
///
/// Every connection of the server observes the feed and passes on the changes that its client asked for.
package final class ChangeFeed: Sendable {
    enum Change: Sendable, Hashable {
        case list(ListKind)
        case resource(String)
    }

    private struct Listeners: Sendable {
        var next = 0
        var all: [Int: @Sendable (Change) -> Void] = [:]
    }

    private let listeners = Mutex(Listeners())

    init() {}

    /// Announces that the contents of a list have changed.
    package func listChanged(_ kind: ListKind) { tell(.list(kind)) }

    /// Announces that the contents of a resource have changed.
    package func resourceChanged(_ uri: String) { tell(.resource(uri)) }

    private func tell(_ change: Change) {
        let all = listeners.withLock { Array($0.all.values) }
        for listener in all { listener(change) }
    }

    func add(_ listener: @escaping @Sendable (Change) -> Void) -> Int {
        listeners.withLock { state in
            state.next += 1
            state.all[state.next] = listener
            return state.next
        }
    }

    func remove(_ token: Int) {
        // The closure may own what it captured: release it outside the lock.
        _ = listeners.withLock { $0.all.removeValue(forKey: token) }
    }
}
