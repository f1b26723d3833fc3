import MMCore
import TestSupport
import Testing

@testable import MMPowerShell

@Suite("Frames from the host", .timeLimit(.minutes(5)))
struct WireDecoderTests {
    private func frames(_ text: String, limit: Int = 64 << 20) throws -> [HostFrame] {
        var decoder = WireDecoder(lineLimit: limit)
        decoder.append(Array(text.utf8))
        var frames: [HostFrame] = []
        while let frame = try decoder.next() { frames.append(frame) }
        return frames
    }

    @Test("a record is read with its stream, id and value")
    func record() throws {
        let read = try frames(#"{"t":"out","id":7,"v":{"a":[1,2.50,"x"]}}"# + "\n")
        #expect(read == [.record(id: 7, PowerShellRecord(.output, ["a": [1, 2.5, "x"]]))])
    }

    @Test("members may be in another order, with blanks and a carriage return")
    func otherOrder() throws {
        let read = try frames(
            "{ \"v\": \"w\", \"id\": 3, \"t\": \"warning\" }\r\n\n{\"t\":\"end\",\"id\":3,\"state\":\"Busy\"}\n")
        #expect(read == [.record(id: 3, PowerShellRecord(.warning, "w")), .busy(id: 3)])
    }

    @Test("the end of a command names what went wrong while its records were converted")
    func conversionFaults() throws {
        let read = try frames(#"{"t":"end","id":1,"state":"Completed","sink":["no memory"]}"# + "\n")
        #expect(read == [.end(id: 1, CommandEnd(.completed, conversionFaults: ["no memory"]))])
    }

    @Test("a value with bytes after it isn't a record's value")
    func trailingMember() throws {
        let read = try frames(#"{"t":"out","id":1,"v":1,"x":{}}"# + "\n")
        #expect(read == [.record(id: 1, PowerShellRecord(.output, 1))])
    }

    @Test(
        "invalid lines are faults",
        arguments: [
            "nonsense", "[1]", "7", "{}", #"{"t":"out","v":1}"#, #"{"t":"out","id":-1,"v":1}"#,
            #"{"t":"out","id":"1","v":1}"#, #"{"t":"out","id":1}"#, #"{"t":"gossip","id":1,"v":1}"#,
            #"{"t":"end","id":1}"#, #"{"t":"end","id":1,"state":"Happy"}"#, #"{"t":"hello","protocol":1}"#,
            #"{"t":"out","id":1,"v":1}}"#, #"{"t":"out","id":99999999999999999999,"v":1}"#,
            "{\"t\":\"out\",\"id\":1,\"v\":\"\u{1}\"}",
        ])
    func faults(line: String) {
        #expect(throws: HostWireFault.self) { try frames(line + "\n") }
    }

    @Test("invalid UTF-8 is a fault")
    func invalidText() {
        var decoder = WireDecoder()
        decoder.append(Array(#"{"t":"out","id":1,"v":""#.utf8) + [0xFF, 0xFE] + Array("\"}\n".utf8))
        #expect(throws: HostWireFault.self) { try decoder.next() }
    }

    @Test("an incomplete line isn't a frame yet, and is recognised as incomplete")
    func halfLine() throws {
        var decoder = WireDecoder()
        decoder.append(Array(#"{"t":"out","id":1,"#.utf8))
        #expect(try decoder.next() == nil)
        #expect(decoder.isInsideLine)
        decoder.append(Array("\"v\":null}\n".utf8))
        #expect(try decoder.next() == .record(id: 1, PowerShellRecord(.output, nil)))
        #expect(try decoder.next() == nil)
        #expect(!decoder.isInsideLine)
        #expect(decoder.pendingBytes == 0)
    }

    @Test("a record over the limit is skipped and reported; the next one is read", arguments: [1, 7, 100, 100_000])
    func oversized(piece: Int) throws {
        let long = #"{"t":"out","id":4,"v":""# + String(repeating: "x", count: 5000) + "\"}\n"
        let bytes = Array((long + #"{"t":"text","id":4,"v":"next"}"# + "\n").utf8)
        var decoder = WireDecoder(lineLimit: 1000)
        var read: [HostFrame] = []
        for start in stride(from: 0, to: bytes.count, by: piece) {
            decoder.append(bytes[start..<min(start + piece, bytes.count)])
            while let frame = try decoder.next() { read.append(frame) }
            #expect(decoder.pendingBytes <= 1000)
        }
        #expect(
            read == [
                .leftOut(id: 4, .bytes(long.utf8.count - 1)), .record(id: 4, PowerShellRecord(.text, "next")),
            ])
    }

    @Test("a value that is nested too deeply is skipped and reported; the next one is read", arguments: [257, 5000])
    func nested(depth: Int) throws {
        let opening = String(repeating: #"{"a":"#, count: depth)
        let line = #"{"t":"out","id":4,"v":"# + opening + "1" + String(repeating: "}", count: depth + 1) + "\n"
        let read = try frames(line + #"{"t":"text","id":4,"v":"next"}"# + "\n")
        #expect(read == [.leftOut(id: 4, .depth(256)), .record(id: 4, PowerShellRecord(.text, "next"))])
    }

    @Test("an endless line that isn't a record is a fault and doesn't fill the memory")
    func endlessLine() {
        var decoder = WireDecoder(lineLimit: 1000)
        #expect(throws: HostWireFault.self) {
            for _ in 0..<100 {
                decoder.append([UInt8](repeating: 0x78, count: 100))
                while try decoder.next() != nil {}
            }
            decoder.append([0x0A])
            while try decoder.next() != nil {}
        }
    }

    @Test("the same frames are read however the bytes are divided")
    func anyCut() throws {
        let lines = Transcript.all.enumerated().flatMap { number, transcript in
            transcript.frames.map { line($0, id: number + 1) }
        }
        let bytes = Array(lines.joined().utf8)
        let whole = try frames(lines.joined())
        #expect(whole.count == lines.count)
        var numbers = SeededRandom(seed: 11)
        for _ in 0..<20 {
            var decoder = WireDecoder()
            var read: [HostFrame] = []
            var start = 0
            while start < bytes.count {
                let end = min(bytes.count, start + Int.random(in: 1...97, using: &numbers))
                decoder.append(bytes[start..<end])
                while let frame = try decoder.next() { read.append(frame) }
                start = end
            }
            #expect(read == whole)
        }
    }

    @Test("damaged lines are frames or faults, never a trap")
    func damaged() {
        var numbers = SeededRandom(seed: 5)
        let lines = Transcript.all.flatMap { transcript in transcript.frames.map { Array(line($0, id: 1).utf8) } }
        var faults = 0
        for _ in 0..<5000 {
            var bytes = lines.randomElement(using: &numbers) ?? []
            for _ in 0..<Int.random(in: 1...4, using: &numbers) where !bytes.isEmpty {
                let place = Int.random(in: 0..<bytes.count, using: &numbers)
                switch Int.random(in: 0..<3, using: &numbers) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &numbers)
                case 1: bytes.remove(at: place)
                default: bytes.insert(UInt8.random(in: 0...255, using: &numbers), at: place)
                }
            }
            var decoder = WireDecoder(lineLimit: 4096)
            decoder.append(bytes + [0x0A])
            do { while try decoder.next() != nil {} } catch { faults += 1 }
        }
        #expect(faults > 1000)
    }

    private func line(_ frame: JSONObject, id: Int) -> String {
        var members: JSONObject = ["t": frame["t"] ?? nil, "id": .int(Int64(id))]
        for member in frame where member.key != "t" { members[member.key] = member.value }
        return JSONWriter.string(.object(members)) + "\n"
    }
}
