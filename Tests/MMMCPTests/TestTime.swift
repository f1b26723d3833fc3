import MMCore

/// A clock that tests set.
final class TestTime: Sendable {
    private let seconds = Mutex<Int64>(1_800_000_000)

    func advance(_ amount: Int64) { seconds.withLock { $0 += amount } }

    var clock: WallClock { WallClock { Timestamp(seconds: self.seconds.withLock { $0 }) } }
}
