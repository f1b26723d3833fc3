import MMGuard
import Testing

@testable import MMOperations

@Suite("What is known of scripts that ran lately", .timeLimit(.minutes(5)))
struct ScriptReadingTests {
    @Test("a kept reading is the one that the same text has, to the letter")
    func kept() {
        let readings = ScriptReadings()
        let first = readings.reading(of: "$m = Get-Mailbox ann")
        #expect(readings.reading(of: "$m = Get-Mailbox ann") !== first)
        readings.keep(first, of: "$m = Get-Mailbox ann")
        #expect(readings.reading(of: "$m = Get-Mailbox ann") === first)
        let other = readings.reading(of: "$n = Get-Mailbox bob")
        #expect(other.variables.sets == ["n"])
        #expect(other.digest.targets == ["bob"])
        #expect(other.digest.digest != first.digest.digest)
    }

    @Test("a text whose letters only look the same is read by itself")
    func looksTheSame() {
        let readings = ScriptReadings()
        let one = "Get-Mailbox ann\u{37e} $n = 1"
        readings.keep(readings.reading(of: one), of: one)
        #expect(one == "Get-Mailbox ann; $n = 1")
        #expect(readings.reading(of: "Get-Mailbox ann; $n = 1").variables.sets == ["n"])
    }

    @Test("a long script is read each time")
    func long() {
        let readings = ScriptReadings()
        let text = "Get-Mailbox ann #" + String(repeating: "x", count: 5_000)
        let reading = readings.reading(of: text)
        readings.keep(reading, of: text)
        #expect(readings.reading(of: text) !== reading)
    }
}
