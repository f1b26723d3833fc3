/// A source of the time of day: the system's clock, or a test's own.
package struct WallClock: Sendable {
    private let read: @Sendable () -> Timestamp

    /// Creates a clock that calls `read`.
    package init(_ read: @escaping @Sendable () -> Timestamp) {
        self.read = read
    }

    /// The system's clock.
    package static let system = WallClock { Timestamp.now }

    /// The current time.
    package var now: Timestamp { read() }
}
