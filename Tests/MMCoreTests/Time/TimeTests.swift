import Glibc
import MMCore
import Testing

@Suite("Time", .timeLimit(.minutes(5)))
struct TimeTests {
    @Test(
        "moments are read and written",
        arguments: [
            ("1970-01-01T00:00:00Z", 0, 0, "1970-01-01T00:00:00Z"), ("2000-02-29T12:34:56Z", 951_827_696, 0, nil),
            ("2026-03-01T12:00:00.1234567Z", 1_772_366_400, 123_456_700, "2026-03-01T12:00:00Z"),
            ("2026-03-01T12:00:00+01:30", 1_772_361_000, 0, "2026-03-01T10:30:00Z"),
            ("2026-03-01T12:00:00-08:00", 1_772_395_200, 0, "2026-03-01T20:00:00Z"),
            ("2026-03-01 12:00:00", 1_772_366_400, 0, "2026-03-01T12:00:00Z"),
            ("2026-03-01", 1_772_323_200, 0, "2026-03-01T00:00:00Z"), ("1969-12-31T23:59:59Z", -1, 0, nil),
            ("0001-01-01T00:00:00Z", -62_135_596_800, 0, nil), ("9999-12-31T23:59:59Z", 253_402_300_799, 0, nil),
            ("2016-12-31T23:59:60Z", 1_483_228_799, 0, "2016-12-31T23:59:59Z"),
        ] as [(String, Int64, Int, String?)])
    func moments(text: String, seconds: Int64, nanoseconds: Int, back: String?) {
        let moment = Timestamp(iso8601: text)
        #expect(moment == Timestamp(seconds: seconds, nanoseconds: nanoseconds))
        #expect(moment?.iso8601 == back ?? text)
    }

    @Test(
        "invalid times are refused",
        arguments: [
            "", "2026", "2026-13-01", "2026-02-29", "2026-00-10", "2026-01-32", "2026-01-01T24:00:00Z",
            "2026-01-01T00:60:00Z", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00Zx", "2026-01-01T00:00:00+1:00",
            "2026-01-01T00:00", "26-01-01T00:00:00Z", "2026-01-01T00:00:00+25:00", "x026-01-01",
        ])
    func noMoments(text: String) {
        #expect(Timestamp(iso8601: text) == nil)
    }

    @Test(
        "a number that others wrote becomes the nearest time that can be written",
        arguments: [
            (1_772_366_400.9, "2026-03-01T12:00:00Z"), (-1, "1970-01-01T00:00:00Z"),
            (-.infinity, "1970-01-01T00:00:00Z"), (1e300, "9999-12-31T23:59:59Z"),
            (Double(Int64.max), "9999-12-31T23:59:59Z"),
        ] as [(Double, String)])
    func clamped(seconds: Double, text: String) {
        #expect(Timestamp(clamping: seconds).iso8601 == text)
    }

    @Test("every day of 800 years survives, and agrees with the C library")
    func calendar() {
        for day in stride(from: Int64(-100_000), to: 200_000, by: 7) {
            let moment = Timestamp(seconds: day * 86_400 + 4242)
            #expect(Timestamp(iso8601: moment.iso8601) == moment)
            var seconds = time_t(moment.seconds)
            var parts = tm()
            gmtime_r(&seconds, &parts)
            #expect(moment.iso8601.hasPrefix("\(parts.tm_year + 1900)-") && moment.iso8601.contains("T01:10:42Z"))
        }
    }

    @Test("local times agree with the C library")
    func local() {
        let moment = Timestamp(seconds: 1_772_366_400, nanoseconds: 12_345_678)
        var seconds = time_t(moment.seconds)
        var parts = tm()
        localtime_r(&seconds, &parts)
        var text = [CChar](repeating: 0, count: 64)
        let length = strftime(&text, text.count, "%Y-%m-%d %H:%M:%S", &parts)
        let expected = String(decoding: text[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        #expect(moment.localLog == expected)
        #expect(moment.localISO == expected.replacing(" ", with: "T") + ".012345")
        #expect(moment.iso8601Milliseconds == "2026-03-01T12:00:00.012Z")
    }

    @Test("durations can be added and subtracted")
    func arithmetic() {
        let moment = Timestamp(seconds: 100, nanoseconds: 900_000_000)
        #expect(moment + .milliseconds(200) == Timestamp(seconds: 101, nanoseconds: 100_000_000))
        #expect(moment + .milliseconds(-1000) == Timestamp(seconds: 99, nanoseconds: 900_000_000))
        #expect(moment + .milliseconds(-950) == Timestamp(seconds: 99, nanoseconds: 950_000_000))
        #expect((moment + .seconds(5)) - moment == .seconds(5))
        #expect(Timestamp(seconds: 1) < Timestamp(seconds: 1, nanoseconds: 1))
        #expect(WallClock { Timestamp(seconds: 5) }.now.seconds == 5)
        #expect(WallClock.system.now.seconds > 1_700_000_000)
    }

    @Test("a deadline passes, an infinite one doesn't, and the earlier of two is first")
    func deadlines() {
        #expect(Deadline.after(.zero).hasPassed)
        #expect(!Deadline.after(.seconds(3600)).hasPassed)
        #expect(!Deadline.never.hasPassed)
        #expect(Deadline.after(.seconds(3600)) < .never)
        #expect(!(Deadline.never < .after(.seconds(1))))
        #expect(Deadline.after(.seconds(1)) < .after(.seconds(1000)))
        let error = #expect(throws: MMError.self) { try Deadline.after(.seconds(-1)).check("waiting for the tenant") }
        #expect(error?.code == .deadlineExceeded)
        #expect(error?.message.contains("waiting for the tenant") == true)
        #expect(throws: Never.self) { try Deadline.never.check("x") }
    }
}
