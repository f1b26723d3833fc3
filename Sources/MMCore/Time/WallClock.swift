/// Where the time of day comes from: the system's, or a test's own.
public struct WallClock: Sendable {
    private let read: @Sendable () -> Timestamp

    /// A clock that asks `read`.
    public init(_ read: @escaping @Sendable () -> Timestamp) {
        self.read = read
    }

    /// The system's clock.
    public static let system = WallClock { Timestamp.now }

    /// The moment it is.
    public var now: Timestamp { read() }
}
