import Testing

@testable import MMShell

@Suite("The end of a stream of frames", .timeLimit(.minutes(10)))
struct FrameReaderEndTests {
    @Test(
        "gives back what only looked like the beginning of a report",
        arguments: [("before", "e0ff"), ("a e0f", "e0ff"), ("plain", "e0ff")])
    func looksLikeOne(text: String, id: String) {
        var reader = FrameReader()
        reader.begin(id)
        let taken = reader.take(Array(text.utf8))
        #expect(String(decoding: taken.output + reader.finish(), as: UTF8.self) == text)
    }

    @Test("keeps a report that was cut off to itself")
    func cutReport() {
        var reader = FrameReader()
        reader.begin("e0ff")
        let taken = reader.take(Array("doneE e0ff 0 ".utf8))
        #expect(String(decoding: taken.output + reader.finish(), as: UTF8.self) == "doneE ")
    }
}
