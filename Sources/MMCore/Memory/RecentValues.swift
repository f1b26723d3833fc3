/// A cache of recently computed values.
///
/// A key must contain everything that its value depends on, so that no entry has to be invalidated. Entries are kept in
/// two generations: when the young one is full, the old one is dropped, and an entry that is read moves back to the
/// young one.
package final class RecentValues<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct Generations {
        var young = [Key: Value]()
        var old = [Key: Value]()
    }

    private let generations = Mutex(Generations())
    private let size: Int

    /// Creates an empty cache.
    /// - Parameter size: the minimum number of values that are kept; at most twice as many are.
    package init(size: Int) {
        self.size = size
    }

    /// Returns the value of a key; `nil` if it isn't cached.
    package func value(for key: Key) -> Value? {
        generations.withLock { generations in
            if let value = generations.young[key] { return value }
            guard let value = generations.old[key] else { return nil }
            insert(value, key, &generations)
            return value
        }
    }

    /// Stores a value.
    package func keep(_ value: Value, for key: Key) {
        generations.withLock { insert(value, key, &$0) }
    }

    private func insert(_ value: Value, _ key: Key, _ generations: inout Generations) {
        if generations.young.count >= size {
            generations.old = generations.young
            generations.young = [:]
        }
        generations.young[key] = value
    }
}
