/// What names a session in a pool.
public protocol PoolKey: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Whose it is: all sessions of an owner count towards one limit.
    var owner: String { get }
}
