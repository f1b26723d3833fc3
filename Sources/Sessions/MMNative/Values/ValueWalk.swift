/// A walk through a value and those in it, which may hold themselves, or one another many times.
package struct ValueWalk {
    private static let deepest = 50
    private static let most = 200_000
    private var depth = 0
    private var count = 0

    /// Creates a walk that hasn't begun.
    package init() {}

    /// Notes that the walk goes into a value.
    /// - Returns: `false` where it is too deep in others, or there are too many; the walk then ends.
    package mutating func enter() -> Bool {
        (depth, count) = (depth + 1, count + 1)
        return depth <= Self.deepest && count <= Self.most
    }

    /// Notes that the walk comes back out of a value.
    package mutating func leave() { depth -= 1 }
}
