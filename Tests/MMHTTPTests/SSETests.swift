import TestSupport
import Testing

@testable import MMHTTP

@Suite("Server-Sent Events", .timeLimit(.minutes(5)))
struct SSETests {
    private func parse(_ text: String, pieces: [Int] = []) throws -> [SSEEvent] {
        var parser = SSEParser()
        var events: [SSEEvent] = []
        var rest = Array(text.utf8)[...]
        var sizes = pieces.makeIterator()
        while !rest.isEmpty {
            let piece = Array(rest.prefix(sizes.next() ?? rest.count))
            rest = rest.dropFirst(piece.count)
            events += try parser.consume(piece)
        }
        return events
    }

    @Test("the standard's own examples are read as it says")
    func standard() throws {
        #expect(
            try parse("data: YHOO\ndata: +2\ndata: 10\n\n") == [SSEEvent(data: "YHOO\n+2\n10")])
        #expect(
            try parse(": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n") == [
                SSEEvent(data: "first event", id: "1"), SSEEvent(data: "second event", id: ""),
            ])
        #expect(try parse("data\n\ndata\ndata\n\ndata:") == [SSEEvent(data: ""), SSEEvent(data: "\n")])
        #expect(try parse("data:test\n\ndata: test\n\n") == [SSEEvent(data: "test"), SSEEvent(data: "test")])
    }

    @Test("every kind of line end counts, a leading byte order mark is ignored")
    func lineEnds() throws {
        let expected = [SSEEvent(data: "a\nb", event: "x"), SSEEvent(data: "c")]
        for end in ["\n", "\r", "\r\n"] {
            let text = ["event: x", "data: a", "data: b", "", "data: c", "", ""].joined(separator: end)
            #expect(try parse("\u{FEFF}" + text) == expected)
            #expect(try parse(text) == expected)
        }
        #expect(try parse("\u{FEFF}\u{FEFF}data: a\n\n") == [])
    }

    @Test("unknown fields are ignored, and an unfinished event at the end is dropped")
    func odd() throws {
        #expect(try parse("foo: bar\ndata : a\nDATA: b\n\n") == [])
        #expect(try parse("event: only\n\ndata: a\n\n") == [SSEEvent(data: "a")])
        #expect(try parse("id: a\0b\ndata: x\n\n") == [SSEEvent(data: "x")])
        #expect(try parse("retry: 5\n\nretry: x\nretry:\nretry: -1\ndata: a\n\n") == [SSEEvent(data: "a")])
        #expect(try parse("retry: 99999999999999999999\ndata: a\n\n") == [SSEEvent(data: "a")])
        #expect(try parse("retry: 5\ndata: a\n\n") == [SSEEvent(data: "a", retry: 5)])
        #expect(try parse("data: a\n") == [])
    }

    @Test("the last id stays, even without an event")
    func memory() throws {
        var parser = SSEParser()
        #expect(try parser.consume(Array("id: 7\nretry: 100\n\n".utf8)) == [])
        #expect(parser.lastEventID == "7")
        #expect(try parser.consume(Array("data: a\n\n".utf8)) == [SSEEvent(data: "a", id: "7")])
    }

    @Test("endless lines and data are refused")
    func limits() {
        var parser = SSEParser(limit: 100)
        #expect(throws: SSEParser.Fault.tooLong(limit: 100)) {
            try parser.consume([UInt8](repeating: 0x61, count: 101))
        }
        var other = SSEParser(limit: 100)
        #expect(throws: SSEParser.Fault.tooLong(limit: 100)) {
            for _ in 0..<20 { _ = try other.consume(Array("data: 0123456789\n".utf8)) }
        }
    }

    @Test("written events can be read in pieces of any size", arguments: 0..<300)
    func roundTrip(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let letters = ["a", ":", " ", "é", "😀", "data", "id", "\u{FEFF}", "\n", "{\"x\":1}"]
        func word(_ lines: Bool) -> String {
            (0..<Int.random(in: 0...6, using: &random)).map { _ in letters.randomElement(using: &random) ?? "" }
                .filter { lines || $0 != "\n" }.joined()
        }
        var id: String?
        let events = (0..<Int.random(in: 1...10, using: &random)).map { _ in
            if Bool.random(using: &random) { id = word(false) }
            let name = word(false)
            return SSEEvent(
                data: word(true), event: name.isEmpty ? nil : name, id: id,
                retry: Bool.random(using: &random) ? Int.random(in: 0...9_999, using: &random) : nil)
        }
        let wire = events.flatMap(\.encoded)
        let pieces = (0..<wire.count).map { _ in Int.random(in: 1...9, using: &random) }
        #expect(try parse(String(decoding: wire, as: UTF8.self), pieces: pieces) == events)
    }

    @Test("random bytes give the same events at once and byte by byte", arguments: 0..<200)
    func fuzz(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let alphabet = Array("data: id:event\n\n\r\u{FEFF}\0x".utf8)
        let bytes = (0..<300).map { _ in alphabet.randomElement(using: &random) ?? 0 }
        var whole = SSEParser()
        var single = SSEParser()
        let expected = try whole.consume(bytes)
        #expect(try bytes.flatMap { try single.consume([$0]) } == expected)
        #expect(whole.lastEventID == single.lastEventID)
    }

    @Test("data that would break the framing isn't sent")
    func injection() throws {
        let event = SSEEvent(data: "a\r\nb\rc\nd", event: "x\ndata: evil", id: "1\0", retry: -5)
        #expect(String(decoding: event.encoded, as: UTF8.self) == "data: a\ndata: b\ndata: c\ndata: d\n\n")
    }
}
