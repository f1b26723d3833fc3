/// The name of a session in a pool.
public protocol PoolKey: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The owner; all sessions of an owner count towards one limit.
    var owner: String { get }
}
