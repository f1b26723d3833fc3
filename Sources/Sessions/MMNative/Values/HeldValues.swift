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
    /// Whether releasing the value may release containers: it is one, or an array that holds one or another array.
    var holdsOthers: Bool {
        guard case .array(let items) = self else { return isContainer }
        return items.contains { item in
            if case .array = item { true } else { item.isContainer }
        }
    }

    private var isContainer: Bool {
        switch self {
        case .table, .list, .object: true
        default: false
        }
    }
}
