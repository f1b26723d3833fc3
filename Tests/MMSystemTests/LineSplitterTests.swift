import TestSupport
import Testing

@testable import MMSystem

@Suite("Dividing input into lines", .timeLimit(.minutes(5)))
struct LineSplitterTests {
    private func frames(_ text: String, pieces: [Int], limit: Int = 1_000) -> [LineSplitter.Frame] {
        var splitter = LineSplitter(maxLineBytes: limit)
        var frames: [LineSplitter.Frame] = []
        let deliver: (LineSplitter.Frame) -> Void = { frames.append($0) }
        var rest = Array(text.utf8)[...]
        var sizes = pieces.makeIterator()
        while !rest.isEmpty {
            let piece = Array(rest.prefix(sizes.next() ?? rest.count))
            rest = rest.dropFirst(piece.count)
            piece.withUnsafeBytes { splitter.consume($0, deliver) }
        }
        splitter.finish(deliver)
        return frames
    }

    private func line(_ text: String) -> LineSplitter.Frame { .line(Array(text.utf8)) }

    @Test("both kinds of line end count, blank lines stay, and the last line needs no end")
    func ends() {
        #expect(frames("a\r\n\nb\n\r\nc", pieces: []) == [line("a"), line(""), line("b"), line(""), line("c")])
        #expect(frames("", pieces: []) == [])
        #expect(frames("\n", pieces: []) == [line("")])
    }

    @Test("a line over the limit is reported by its size and the next one is complete")
    func tooLong() {
        let long = String(repeating: "x", count: 11)
        #expect(frames("\(long)\nok\n", pieces: [], limit: 10) == [.tooLong(bytes: 11), line("ok")])
        #expect(
            frames("\(long.dropLast())\r\nok", pieces: [3, 3, 3, 1, 1], limit: 10) == [
                line(String(long.dropLast())), line("ok"),
            ])
        #expect(frames(long, pieces: [4, 4], limit: 10) == [.tooLong(bytes: 11)])
    }

    @Test("the division into pieces doesn't matter", arguments: 0..<200)
    func fuzz(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let alphabet: [Character] = ["a", "é", "\n", "\r", "\n", "z"]
        let text = String(
            (0..<Int.random(in: 0...300, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? "a" })
        let pieces = (0..<400).map { _ in Int.random(in: 1...7, using: &random) }
        let limit = Int.random(in: 1...20, using: &random)
        #expect(frames(text, pieces: pieces, limit: limit) == frames(text, pieces: [], limit: limit))
    }
}
