/// A source of the time of day: the system's clock, or a test's own.
public struct WallClock: Sendable {
    private let read: @Sendable () -> Timestamp

    /// Creates a clock that calls `read`.
    public init(_ read: @escaping @Sendable () -> Timestamp) {
        self.read = read
    }

    /// The system's clock.
    public static let system = WallClock { Timestamp.now }

    /// The current time.
    public var now: Timestamp { read() }
}
