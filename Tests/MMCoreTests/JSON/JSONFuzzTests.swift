import MMCore
import TestSupport
import Testing

@Suite("JSON under random input", .timeLimit(.minutes(5)))
struct JSONFuzzTests {
    @Test("random values survive writing and reading in both layouts", arguments: 0..<20)
    func roundTrip(seed: Int) throws {
        var generator = SeededRandom(seed: UInt64(seed))
        for _ in 0..<100 {
            let value = Self.value(depth: 5, &generator)
            let compact = JSONWriter.bytes(value)
            #expect(try JSONParser.parse(compact, limits: .strict) == value)
            let indented = JSONWriter.bytes(value, layout: .indented(2))
            let back = try JSONParser.parse(indented, limits: .strict)
            #expect(back == value)
            #expect(JSONWriter.bytes(back) == compact)
        }
    }

    @Test("changed, cut and joined texts are read or refused, and what is read survives writing", arguments: 0..<20)
    func mutations(seed: Int) throws {
        var generator = SeededRandom(seed: UInt64(1000 + seed))
        for _ in 0..<300 {
            var text = JSONWriter.bytes(Self.value(depth: 4, &generator))
            for _ in 0..<Int.random(in: 1...4, using: &generator) { Self.damage(&text, &generator) }
            do throws(JSONError) {
                let value = try JSONParser.parse(text)
                let again = JSONWriter.bytes(value)
                #expect(try JSONParser.parse(again) == value)
            } catch {
                #expect((0...text.count).contains(error.offset))
                #expect(error.line >= 1 && error.column >= 1)
            }
        }
    }

    @Test("random bytes never crash the reader", arguments: 0..<10)
    func noise(seed: Int) {
        var generator = SeededRandom(seed: UInt64(5000 + seed))
        let alphabet = Array("{}[]\",:\\u0123456789abcdefE+-.truefalsn \n\t\u{7F}".utf8) + [0, 0x80, 0xC3, 0xFF]
        for _ in 0..<2000 {
            let text = (0..<Int.random(in: 0..<60, using: &generator)).map { _ in
                alphabet.randomElement(using: &generator) ?? 0
            }
            if let value = try? JSONParser.parse(text) {
                #expect((try? JSONParser.parse(JSONWriter.bytes(value))) == value)
            }
        }
    }

    @Test("the reader agrees with the strict grammar on every byte that may follow a value")
    func trailing() {
        for byte in UInt8.min...UInt8.max {
            let isBlank = [0x20, 0x09, 0x0A, 0x0D].contains(byte)
            #expect(((try? JSONParser.parse(Array("[]".utf8) + [byte])) != nil) == isBlank)
        }
    }

    @Test("time is linear in the length of the text")
    func linear() throws {
        func text(_ rows: Int) -> [UInt8] {
            let row: JSONValue = [
                "id": "0f6d1c52-3b8e-4a57-9c41-7be0d2a4f811", "name": "Adèle \"A\" Ångström", "n": 12.5,
            ]
            return JSONWriter.bytes(.array(Array(repeating: row, count: rows)))
        }
        let (small, large) = (text(1000), text(8000))
        let ratio = try ProcessorTime.ratio(
            of: { _ = try JSONParser.parse(large) }, to: { _ = try JSONParser.parse(small) })
        #expect(ratio < 40, "eight times the text took \(ratio) times as long")
    }

    @Test("a key in a large object takes no longer than in a small one")
    func manyKeys() throws {
        func text(_ keys: Int) -> String { "{" + (0..<keys).map { "\"k\($0)\":1" }.joined(separator: ",") + "}" }
        let (small, large) = (text(2000), text(16_000))
        let ratio = try ProcessorTime.ratio(
            of: { _ = try JSONParser.parse(large) }, to: { _ = try JSONParser.parse(small) })
        #expect(ratio < 40, "eight times the keys took \(ratio) times as long")
    }

    private static func value(depth: Int, _ generator: inout SeededRandom) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 9 : 7), using: &generator) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &generator))
        case 2: return .int(Int64(bitPattern: generator.next()))
        case 3: return .double(Double(Int.random(in: -999_999...999_999, using: &generator)) / 64)
        case 4: return .number("1234567890123456789\(generator.next())")
        case 5, 6: return .string(string(&generator))
        case 7:
            return .array(
                (0..<Int.random(in: 0..<6, using: &generator)).map { _ in value(depth: depth - 1, &generator) })
        default:
            let pairs = (0..<Int.random(in: 0..<25, using: &generator)).map { _ in
                (string(&generator), value(depth: depth - 1, &generator))
            }
            return .object(JSONObject(pairs))
        }
    }

    private static func string(_ generator: inout SeededRandom) -> String {
        var scalars = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0..<12, using: &generator) {
            let ranges: [ClosedRange<UInt32>] = [
                0...0x1F, 0x20...0x7F, 0x80...0x7FF, 0x800...0xD7FF, 0xE000...0x10FFFF,
            ]
            let range = ranges.randomElement(using: &generator) ?? 0x20...0x7F
            scalars.append(Unicode.Scalar(UInt32.random(in: range, using: &generator)) ?? "?")
        }
        return String(scalars)
    }

    private static func damage(_ text: inout [UInt8], _ generator: inout SeededRandom) {
        guard !text.isEmpty else { return }
        let place = Int.random(in: 0..<text.count, using: &generator)
        switch Int.random(in: 0..<5, using: &generator) {
        case 0: text[place] = UInt8(truncatingIfNeeded: generator.next())
        case 1: text.remove(at: place)
        case 2: text.insert(UInt8(truncatingIfNeeded: generator.next()), at: place)
        case 3: text.removeSubrange(place...)
        default: text += text[place...]
        }
    }
}
