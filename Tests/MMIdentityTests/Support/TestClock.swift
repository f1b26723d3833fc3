import MMCore

/// A clock that tests set.
final class TestClock: Sendable {
    private let seconds: Mutex<Int64>

    init(_ seconds: Int64 = 1_767_225_600) {
        self.seconds = Mutex(seconds)
    }

    var now: Int64 { seconds.withLock { $0 } }

    func advance(_ by: Int64) { seconds.withLock { $0 += by } }

    var wall: WallClock { WallClock { Timestamp(seconds: self.now) } }
}

/// A clock with nanoseconds that tests set.
final class Moment: Sendable {
    private let moment: Mutex<Timestamp>

    init(_ moment: Timestamp) {
        self.moment = Mutex(moment)
    }

    var now: Timestamp { moment.withLock { $0 } }

    func set(_ now: Timestamp) { moment.withLock { $0 = now } }
}
