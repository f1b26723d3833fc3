import MMCore
import Testing

@Suite("Counted things")
struct CountedNounTests {
    @Test(
        "one is named in the singular, none and several in the plural",
        arguments: [(0, "0 kinds"), (1, "1 kind"), (2, "2 kinds")])
    func regular(count: Int, text: String) {
        #expect(count.counted("kind") == text)
    }

    @Test("the verb and an irregular plural follow the number", arguments: [(1, "1 reply is"), (3, "3 replies are")])
    func irregular(count: Int, text: String) {
        #expect(count.counted("reply is", "replies are") == text)
    }
}
