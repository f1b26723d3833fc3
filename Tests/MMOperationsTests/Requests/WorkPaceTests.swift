import MMCore
import Testing

@testable import MMOperations

@Suite("How fast work goes", .timeLimit(.minutes(5)))
struct WorkPaceTests {
    @Test(
        "is said in words: amount, rate and rest",
        arguments: [
            (12_400, 100_000, 6.0, "12,400 of 100,000, 2,000/s, 44 s left"), (1_400, nil, 1.0, "1,400 items, 1,000/s"),
            (100_400, 100_400, 10, "100,400 of 100,400, 10,000/s"),
            (1_400, 900_400, 1, "1,400 of 900,400, 1,000/s, 14 min 59 s left"),
            (500, 5_000, 0.1, "500 of 5,000"), (700, 600, 1, "700 items, 300/s"),
            (1_400, 7_301_400, 1, "1,400 of 7,301,400, 1,000/s, 2 h 1 min left"), (400, 900, 5, "400 of 900"),
        ] as [(Int, Int?, Double, String)])
    func items(done: Int, total: Int?, seconds: Double, expected: String) {
        var pace = WorkPace(counting: .items)
        let start = ContinuousClock.now
        #expect(pace.text(done: 400, total: total, at: start).hasPrefix("400"))
        #expect(pace.text(done: done, total: total, at: start + .seconds(seconds)) == expected)
    }

    @Test("counts bytes with their units")
    func bytes() {
        var pace = WorkPace(counting: .bytes)
        let start = ContinuousClock.now
        #expect(pace.text(done: 0, total: 100 << 20, at: start) == "0 B of 100 MB")
        #expect(
            pace.text(done: 20 << 20, total: 100 << 20, at: start + .seconds(2)) == "20 MB of 100 MB, 10 MB/s, 8 s left"
        )
    }

    @Test("a file tells of each hundredth, of each second, and why it waits; nothing twice")
    func file() {
        let told = Mutex<[String]>([])
        let file = ByteProgress("sent", of: "a.bin") { report in told.withLock { $0.append(report.message) } }
        let start = ContinuousClock.now
        file.came(to: 0, of: 1000, at: start)
        file.came(to: 3, of: 1000, at: start + .milliseconds(1))
        file.came(to: 5, of: 1000, at: start + .seconds(2))
        file.came(to: 2, of: 1000, at: start + .seconds(9))
        file.waits("asked to slow down")
        #expect(
            told.withLock { $0 } == [
                "a.bin: sent 0 B of 1000 B", "a.bin: sent 5 B of 1000 B, 3 B/s, 6 min 38 s left",
                "a.bin: asked to slow down",
            ])
    }

    @Test("a limit of items is the whole where there are more")
    func limited() {
        let told = Mutex<[ProgressReport]>([])
        let progress = ItemProgress(limit: 300) { report in told.withLock { $0.append(report) } }
        progress.came(100, of: 5000)
        progress.came(100)
        #expect(told.withLock { $0.map(\.total) } == [300, 300])
        #expect(told.withLock { $0.first?.message } == "100 of 300")
    }
}
