/// Values that were worked out lately, by what they were worked out from: who asks for the same again does not wait for the same
/// work.
///
/// A key must hold everything that its value depends on, so that no value has to be withdrawn. What was asked for lately stays; of
/// the rest, half is forgotten at a time.
package final class RecentValues<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct Generations {
        var young = [Key: Value]()
        var old = [Key: Value]()
    }

    private let generations = Mutex(Generations())
    private let size: Int

    /// Remembers nothing yet.
    /// - Parameter size: how many values are remembered at least before the first is forgotten; twice as many at most.
    package init(size: Int) {
        self.size = size
    }

    /// The value of a key; `nil` where it is not remembered.
    package func value(for key: Key) -> Value? {
        generations.withLock { generations in
            if let value = generations.young[key] { return value }
            guard let value = generations.old[key] else { return nil }
            insert(value, key, &generations)
            return value
        }
    }

    /// Remembers a value.
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
