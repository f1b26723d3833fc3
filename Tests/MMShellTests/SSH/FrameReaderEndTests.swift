import Testing

@testable import MMShell

@Suite("The end of a stream of frames", .timeLimit(.minutes(10)))
struct FrameReaderEndTests {
    @Test(
        "returns bytes that only looked like the beginning of a report",
        arguments: [("before", "e0ff"), ("a e0f", "e0ff"), ("plain", "e0ff")])
    func looksLikeOne(text: String, id: String) {
        var reader = FrameReader()
        reader.begin(id)
        let taken = reader.take(Array(text.utf8))
        #expect(String(decoding: taken.output + reader.finish(), as: UTF8.self) == text)
    }

    @Test("finds the shell's own end in pieces of any size", arguments: [1, 2, 7, 64])
    func shellsEnd(size: Int) {
        var reader = FrameReader(promptMark: "mm-prompt-1 ", endMark: "mm-ended-1 ")
        reader.begin("e0ff")
        let bytes = Array("out mm-ended-2 mm-ended-1 137\0late".utf8)
        var (output, ended): ([UInt8], [Int32]) = ([], [])
        for start in stride(from: 0, to: bytes.count, by: size) {
            let taken = reader.take(Array(bytes[start..<min(start + size, bytes.count)]))
            output += taken.output
            ended += [taken.ended].compactMap(\.self)
        }
        #expect(String(decoding: output + reader.finish(), as: UTF8.self) == "out mm-ended-2 late" && ended == [137])
    }

    @Test("discards an incomplete report")
    func cutReport() {
        var reader = FrameReader()
        reader.begin("e0ff")
        let taken = reader.take(Array("doneE e0ff 0 ".utf8))
        #expect(String(decoding: taken.output + reader.finish(), as: UTF8.self) == "doneE ")
    }
}
