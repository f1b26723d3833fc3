import Glibc

/// The machine's time zone.
enum PSZone {
    private static let second: Int64 = 10_000_000
    /// The ticks of 1970-01-01.
    private static let epoch: Int64 = 621_355_968_000_000_000

    /// Returns how many ticks local time is ahead of UTC at a moment given in UTC.
    static func offset(ofUniversal ticks: Int64) -> Int64 {
        var moment = time_t((ticks - epoch) / second)
        var parts = tm()
        guard localtime_r(&moment, &parts) != nil else { return 0 }
        let seconds = Int64(parts.tm_gmtoff)
        guard seconds % 60 != 0 else { return seconds * second }
        // .NET keeps whole minutes of the difference to the zone's standard time.
        return (standard + (seconds - standard) / 60 * 60) * second
    }

    /// How many seconds the zone's standard time is ahead of UTC today.
    private static var standard: Int64 {
        var now = time(nil)
        for _ in 0..<2 {
            var parts = tm()
            guard localtime_r(&now, &parts) != nil else { return 0 }
            if parts.tm_isdst == 0 { return Int64(parts.tm_gmtoff) }
            now += 182 * 86400
        }
        return 0
    }

    /// Returns how many ticks local time is ahead of UTC at a moment given in local time.
    static func offset(ofLocal ticks: Int64) -> Int64 {
        let guess = offset(ofUniversal: ticks)
        return offset(ofUniversal: ticks - guess)
    }

    /// `+01:00`, or `+01`.
    static func text(_ offset: Int64, hasColon: Bool) -> String {
        let minutes = Int(offset.magnitude) / 600_000_000
        let sign = offset < 0 ? "-" : "+"
        return sign + PSDate.padded(minutes / 60) + (hasColon ? ":" + PSDate.padded(minutes % 60) : "")
    }

    /// The current moment in local time.
    static var now: PSDate {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let ticks = epoch + Int64(now.tv_sec) * second + Int64(now.tv_nsec) / 100
        return PSDate(ticks: ticks, kind: .utc).asLocal
    }
}
