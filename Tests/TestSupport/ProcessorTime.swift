import Glibc

/// The processor time of a piece of work, which other work on the machine doesn't increase.
package enum ProcessorTime {
    /// What a body cost the calling thread.
    private static func once(_ body: () throws -> Void) rethrows -> Duration {
        var start = timespec()
        var end = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start)
        try body()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end)
        return .seconds(end.tv_sec - start.tv_sec) + .nanoseconds(end.tv_nsec - start.tv_nsec)
    }

    /// The ratio of the costs of a large piece and a small one: the lowest of several alternating rounds.
    package static func ratio(of large: () throws -> Void, to small: () throws -> Void) rethrows -> Double {
        var least = (large: Duration.seconds(1_000_000), small: Duration.seconds(1_000_000))
        for _ in 0..<5 {
            least.small = min(least.small, try once(small))
            least.large = min(least.large, try once(large))
        }
        return least.large / max(least.small, .microseconds(50))
    }
}
