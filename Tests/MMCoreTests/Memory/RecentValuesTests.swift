import Testing

@testable import MMCore

@Suite("A cache of recent values", .timeLimit(.minutes(5)))
struct RecentValuesTests {
    @Test("a value is found only for its key, and the last one counts")
    func remembered() {
        let values = RecentValues<String, Int>(size: 4)
        #expect(values.value(for: "a") == nil)
        values.keep(1, for: "a")
        #expect(values.value(for: "a") == 1)
        #expect(values.value(for: "A") == nil)
        values.keep(2, for: "a")
        #expect(values.value(for: "a") == 2)
    }

    @Test("old values make room for new ones unless they are still used")
    func room() {
        let values = RecentValues<Int, Int>(size: 8)
        values.keep(-1, for: -1)
        values.keep(-2, for: -2)
        for number in 0..<100 {
            values.keep(number, for: number)
            #expect(values.value(for: -1) == -1)
        }
        #expect(values.value(for: -2) == nil)
        #expect(values.value(for: 99) == 99)
        #expect((-2..<100).count { values.value(for: $0) != nil } <= 16)
    }

    @Test("an old value that is replaced isn't found any more")
    func replaced() {
        let values = RecentValues<Int, String>(size: 2)
        values.keep("old", for: 1)
        values.keep("other", for: 2)
        values.keep("third", for: 3)
        values.keep("new", for: 1)
        #expect(values.value(for: 1) == "new")
    }
}
