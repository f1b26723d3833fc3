import Synchronization

/// The values that tables, lists and objects held until they ended.
///
/// They are released one after the other, rather than each within the release of the one that held it: scripts link
/// objects into chains longer than the stack of the thread that lets go of them.
enum HeldValues {
    private struct State {
        var waiting: [[PSValue]] = []
        var isReleasing = false
    }

    private static let state = Mutex(State())

    /// Releases the values of a container that ends.
    static func release(_ values: inout [PSValue]) {
        guard values.contains(where: \.holdsOthers) else { return }
        let isFirst = state.withLock { state in
            state.waiting.append(values)
            values = []
            defer { state.isReleasing = true }
            return !state.isReleasing
        }
        guard isFirst else { return }
        // What they hold joins those that wait.
        while let last = next() { _ = consume last }
    }

    private static func next() -> [PSValue]? {
        state.withLock { state in
            let last = state.waiting.popLast()
            state.isReleasing = last != nil
            return last
        }
    }
}

extension PSValue {
    /// Whether this is a container, or an array that holds one: releasing it may release others in turn.
    var holdsOthers: Bool {
        switch self {
        case .table, .list, .object: true
        case .array(let items): items.contains(where: \.holdsOthers)
        default: false
        }
    }
}
