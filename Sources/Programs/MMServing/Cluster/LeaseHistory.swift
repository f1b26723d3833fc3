import Glibc
import MMCore
import MMPool

/// What a node's log says of its leases. The times are of the clock that leases go by, which all processes of a machine share, so
/// that the histories of several nodes can be laid side by side.
enum LeaseHistory {
    /// Writes down what became of a lease. Renewals are many and for those who look closely.
    static func note(_ news: LeaseKeeper.News, _ lease: HeldLease, in log: Log) {
        log.write(news == .renewed ? .debug : .info) {
            "the lease of \(lease.name) is \(word(news))"
        } _: {
            let now = milliseconds()
            return [
                "lease": .string(lease.name), "news": .string(news.rawValue), "number": .int(lease.token),
                "boottime": .int(now), "until": .int(now + lease.left.milliseconds),
            ]
        }
    }

    private static func word(_ news: LeaseKeeper.News) -> String {
        switch news {
        case .taken: "taken"
        case .renewed: "renewed"
        case .over: "over"
        case .given: "given back"
        }
    }

    private static func milliseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}
