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

    /// How many ticks the zone's standard time is ahead of UTC today.
    static var standardOffset: Int64 { standard * second }

    /// Whether the zone has a summer time.
    static var hasSummer: Bool {
        let now = time(nil)
        return (0..<4).contains { quarter in
            var moment = now + quarter * 91 * 86400
            var parts = tm()
            return localtime_r(&moment, &parts) != nil && parts.tm_isdst > 0
        }
    }

    /// The zone's name in the tables of time zones; `nil` where the machine doesn't say it.
    static var name: String? {
        if let given = getenv("TZ").map({ String(cString: $0) }), !given.isEmpty {
            return given.hasPrefix(":") ? String(given.dropFirst()) : given
        }
        var buffer = [CChar](repeating: 0, count: 512)
        let count = readlink("/etc/localtime", &buffer, buffer.count - 1)
        guard count > 0 else { return nil }
        let path = String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return path.split(separator: "/", omittingEmptySubsequences: true).reversed().prefix { $0 != "zoneinfo" }
            .reversed()
            .joined(separator: "/")
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
