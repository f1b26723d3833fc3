import Glibc
import TestSupport
import Testing

@testable import MMCore

@Suite("The output budget", .timeLimit(.minutes(5)))
struct OutputBudgetTests {
    @Test("a text is limited by its characters, not by their bytes", arguments: ["a", "é", "😀", "\n"])
    func characters(letter: String) {
        let budget = OutputBudget(characters: 100, tokens: 100_000)
        #expect(budget.allows(String(repeating: letter, count: 100).utf8))
        #expect(!budget.allows(String(repeating: letter, count: 101).utf8))
    }

    @Test("texts with many tokens are limited more strictly")
    func tokens() {
        #expect(OutputBudget.standard.allows(String(repeating: "word ", count: 5000).utf8))
        #expect(!OutputBudget.standard.allows(String(repeating: "日本語の文", count: 2500).utf8))
        #expect(tokens(of: "") == 0)
        let sentence = "The quick brown fox jumps over the lazy dog."
        #expect((9...15).contains(tokens(of: sentence)))
        let id = "0f6d1c52-3b8e-4a57-9c41-7be0d2a4f811"
        #expect((10...26).contains(tokens(of: id)))
    }

    private func tokens(of text: String) -> Int {
        var cost = OutputCost()
        for byte in text.utf8 { cost.add(byte) }
        return cost.tokens
    }

    @Test("a part is reserved for notes")
    func aside() {
        #expect(
            OutputBudget(characters: 1000, tokens: 1000).reserving(characters: 300)
                == OutputBudget(characters: 700, tokens: 900))
        #expect(OutputBudget(characters: 10, tokens: 10).reserving(characters: 300).characters == 1)
    }
}

@Suite("Rows in JSON text", .timeLimit(.minutes(5)))
struct JSONRowsTests {
    @Test(
        "rows are found at the root and under value, unchanged",
        arguments: [
            ("[]", []),
            (" [ 1 , \"a,]\" ,{\"b\":[1,2]},[ ] , null]", ["1", "\"a,]\"", "{\"b\":[1,2]}", "[ ]", "null"]),
            ("{\"value\":[1,2]}", ["1", "2"]),
            (
                "{\"@odata.context\":\"x{[\\\"\",\"n\":-1.5e3,\"t\":true,\"o\":{\"value\":[9]},\"value\":[{},[]],\"z\":1}",
                ["{}", "[]"]
            ),
            ("{ \"value\" : [ ] }", []), ("[\"\\\\\",\"\\\"]\"]", ["\"\\\\\"", "\"\\\"]\""]),
        ] as [(String, [String])])
    func found(text: String, items: [String]) {
        let bytes = Array(text.utf8)
        let rows = JSONRows.find(in: bytes)
        #expect(rows?.items.map { String(decoding: bytes[$0], as: UTF8.self) } == items)
        #expect(rows?.place == (text.contains("value") ? .value : .root))
    }

    @Test(
        "without a list, none is found",
        arguments: [
            "", " ", "{}", "1", "\"[1]\"", "{\"value\":1}", "{\"values\":[1]}", "{\"o\":{\"value\":[1]}}", "[1",
            "{\"value\":[1", "{\"value\"", "{x", "{\"value\":{}}",
        ])
    func none(text: String) {
        #expect(JSONRows.find(in: Array(text.utf8)) == nil)
    }

    @Test("the same rows are found as by the parser, and damaged texts do no harm", arguments: 0..<10)
    func fuzz(seed: Int) throws {
        var generator = SeededRandom(seed: UInt64(seed))
        let pieces: [JSONValue] = [
            1, -2.5, "a\"b\\c]", "}{", nil, true, [], [[1, "]"]], [:], ["value": [1, 2]], ["k": "é,"],
        ]
        for _ in 0..<200 {
            let items = (0..<Int.random(in: 0..<8, using: &generator)).compactMap { _ in
                pieces.randomElement(using: &generator)
            }
            let value: JSONValue =
                Bool.random(using: &generator) ? .array(items) : ["a": [1], "b": "x", "value": .array(items), "c": 1]
            let layout: JSONWriter.Layout = Bool.random(using: &generator) ? .compact : .indented(2)
            var bytes = JSONWriter.bytes(value, layout: layout)
            let rows = try #require(JSONRows.find(in: bytes))
            #expect(try rows.items.map { try JSONParser.parse(bytes[$0]) } == items)
            bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8(truncatingIfNeeded: generator.next())
            bytes.removeLast(Int.random(in: 0..<bytes.count, using: &generator))
            for item in JSONRows.find(in: bytes)?.items ?? [] { #expect(item.upperBound <= bytes.count) }
        }
    }
}

@Suite("Stored outputs", .timeLimit(.minutes(5)))
struct OutputStoreTests {
    let folder: TestFolder
    let store: OutputStore

    init() throws {
        folder = try TestFolder()
        store = OutputStore(directory: folder["state/outputs"])
    }

    private func rows(_ count: Int) -> JSONValue {
        .array((0..<count).map { ["id": .int(Int64($0)), "name": .string("user \($0)")] })
    }

    @Test("handles are random, files are private, and everything can be read again")
    func basics() throws {
        let bytes = JSONWriter.bytes(rows(10))
        let first = try store.put(bytes, connection: "C")
        let second = try store.put(bytes, connection: "C")
        #expect(first.handle != second.handle)
        #expect(first.handle.utf8.count == 28 && first.handle.hasPrefix("out_"))
        #expect(first.unit == .rows && first.total == 10 && first.bytes == bytes.count)
        #expect(try store.read(store.find(first.handle)) == bytes)
        #expect(folder.mode("state/outputs") == 0o700)
        for name in try folder.names("state/outputs") { #expect(folder.mode("state/outputs/\(name)") == 0o600) }
        #expect(Set(try store.list().map(\.handle)) == [first.handle, second.handle])
        try store.remove(first.handle)
        #expect(mmError { _ = try store.find(first.handle) }?.code == .notFound)
        #expect(try store.list().map(\.handle) == [second.handle])
    }

    @Test(
        "an invalid handle isn't found, and reaches no file",
        arguments: [
            "", "out_", "../../etc/passwd", "out_../../../../etc/passwd0000", "out_AAAAAAAAAAAAAAAAAAAAAAAA",
            "out_AAAAAAAAAAAAAAAAAAAAAAA/",
        ])
    func badHandles(handle: String) throws {
        _ = try store.put([1], connection: "C")
        #expect(mmError { _ = try store.find(handle) }?.code == .notFound)
        #expect(mmError { _ = try store.page(handle) }?.code == .notFound)
        try store.remove(handle)
    }

    @Test(
        "an output knows whether other people wrote it: from its rows, or from the one who stores it",
        arguments: [
            (#"[{"id":1},{"subject":"Obey"}]"#, "C", false, true),
            (#"{"value":[{"subject":"Obey"}]}"#, "C", false, true),
            (#"{"uniqueBody":{"content":"Obey"}}"#, "C", false, true), (#"[{"id":1}]"#, "C", false, false),
            (#"[{"subject":"Obey"}]"#, "/mm", false, false),
            (#"[{"connection":"C","tenant":"t","subject":"Obey"}]"#, "/mm", false, true),
            ("Obey", "C", false, false), ("Obey", "C", true, true),
        ])
    func foreign(text: String, connection: String, isTold: Bool, isForeign: Bool) throws {
        let stored = try store.put(Array(text.utf8), connection: connection, isForeign: isTold)
        #expect(try store.find(stored.handle).isForeign == isForeign)
        #expect(StoredOutput(json: stored.json)?.isForeign == isForeign)
        guard let rows = JSONRows.find(in: Array(text.utf8)) else { return }
        var byRow = try store.begin(connection: connection)
        var inOtherForm = try store.begin(connection: connection)
        for item in rows.items {
            try byRow.append(row: Array(text.utf8)[item])
            inOtherForm.look(at: Array(text.utf8)[item])
        }
        try inOtherForm.append(text: [UInt8(ascii: "x")])
        let outputs = [try byRow.finish(), try inOtherForm.finishText()]
        #expect(outputs.map(\.isForeign) == [isForeign, isForeign])
    }

    @Test("an output belongs to its connection")
    func bound() throws {
        let stored = try store.put([1, 2], connection: "C")
        #expect(try store.find(stored.handle, connection: "C").connection == "C")
        #expect(mmError { _ = try store.find(stored.handle, connection: "D") }?.code == .notFound)
        #expect(mmError { _ = try store.page(stored.handle, connection: "c") }?.code == .notFound)
    }

    @Test("rows are paged as JSON lists from any offset", arguments: [0, 1, 255, 256, 257, 511, 512, 999])
    func rowPages(offset: Int) throws {
        for value in [rows(1000), ["@odata.count": 1000, "value": rows(1000), "@odata.nextLink": "x"]] {
            for layout in [JSONWriter.Layout.compact, .indented(2)] {
                let stored = try store.put(JSONWriter.bytes(value, layout: layout), connection: "C")
                let page = try store.page(stored.handle, offset: offset, limit: 5)
                let expected = Array(offset..<min(offset + 5, 1000))
                #expect(try JSONParser.parse(page.text).array?.compactMap { $0["id"]?.int } == expected)
                #expect(page.count == expected.count && page.total == 1000 && page.unit == .rows)
                #expect(page.nextOffset == (offset + 5 < 1000 ? offset + 5 : nil))
            }
        }
    }

    @Test("following the next offsets gives everything exactly once", arguments: [OutputUnit.rows, .lines, .bytes])
    func wholeWalk(unit: OutputUnit) throws {
        let budget = OutputBudget(characters: 700, tokens: 100_000)
        let text: [UInt8] =
            switch unit {
            case .rows: JSONWriter.bytes(rows(300))
            case .lines: Array((0..<600).map { "line \($0) – é\n" }.joined().utf8) + Array("no newline".utf8)
            case .bytes: Array(String(repeating: "añ😀b", count: 2000).utf8)
            }
        let stored = try store.put(text, connection: "C")
        #expect(stored.unit == unit)
        var offset: Int? = 0
        var pieces: [OutputPage] = []
        while let next = offset {
            let page = try store.page(stored.handle, offset: next, budget: budget, layout: .compact)
            #expect(page.text.unicodeScalars.count <= 700 && page.count > 0)
            pieces.append(page)
            offset = page.nextOffset
            try #require(pieces.count < 1000)
        }
        if unit == .rows {
            let all = try pieces.flatMap { try JSONParser.parse($0.text).array ?? [] }
            #expect(JSONValue.array(all) == rows(300))
        } else {
            #expect(pieces.map(\.text).joined().utf8.elementsEqual(text))
        }
        #expect(pieces.map(\.count).reduce(0, +) == stored.total)
    }

    @Test("a row beyond the budget is cut, says where, and continues in bytes")
    func hugeRow() throws {
        let big = String(repeating: "x", count: 5000)
        let stored = try store.put(JSONWriter.bytes([["a": .string(big)], ["b": 1]]), connection: "C")
        let budget = OutputBudget(characters: 1000, tokens: 10_000)
        let page = try store.page(stored.handle, budget: budget)
        #expect(page.text.hasPrefix("{\"a\":\"xxx") && page.text.utf8.count == 1000)
        #expect(page.nextOffset == 1)
        let rest = try store.page(
            stored.handle, offset: try #require(page.cutAtByte), unit: .bytes, budget: OutputBudget(characters: 9000))
        #expect(("[" + page.text + rest.text).utf8.count == stored.bytes)
        #expect(try store.page(stored.handle, offset: 1, budget: budget, layout: .compact).text == "[{\"b\":1}]")
    }

    @Test("characters are never divided")
    func byteOffsets() throws {
        let text = String(repeating: "😀", count: 10)
        let stored = try store.put(Array(text.utf8), connection: "C")
        for offset in 0...40 {
            for limit in 1...9 {
                let page = try store.page(stored.handle, offset: offset, limit: limit)
                #expect(!page.text.unicodeScalars.contains("\u{FFFD}"))
                #expect(page.offset % 4 == 0 && page.offset + page.count <= 40)
            }
        }
    }

    @Test(
        "invalid offsets and units are refused with the valid ones",
        arguments: [(-1, 1, nil), (11, 1, nil), (0, 0, nil), (0, -5, nil), (0, 1, .lines)] as [(Int, Int, OutputUnit?)])
    func badPages(offset: Int, limit: Int, unit: OutputUnit?) throws {
        let stored = try store.put(JSONWriter.bytes(rows(10)), connection: "C")
        let error = mmError { _ = try store.page(stored.handle, offset: offset, limit: limit, unit: unit) }
        #expect(error?.code == .invalidInput)
        #expect(error?.hint?.isEmpty == false)
        let end = try store.page(stored.handle, offset: 10)
        #expect(end.count == 0 && end.nextOffset == nil && end.text == "[]")
    }

    @Test("rows added one by one are stored as a list", arguments: [0, 1, 256, 257, 5000])
    func streamed(count: Int) throws {
        var writer = try store.begin(connection: "C")
        for number in 0..<count { try writer.append(row: Array("{\"id\":\(number)}".utf8)) }
        let stored = try writer.finish()
        #expect(stored.total == count && stored.unit == .rows)
        let value = try JSONParser.parse(store.read(stored))
        #expect(value.array?.count == count)
        if count > 300 {
            #expect(try JSONParser.parse(store.page(stored.handle, offset: 4321, limit: 1).text) == [["id": 4321]])
        }
    }

    @Test("an abandoned writer leaves nothing, one that exceeds the limit stops")
    func unfinished() throws {
        let small = OutputStore(directory: folder["small"], limits: .init(single: 1000))
        func attempt() throws {
            var writer = try small.begin(connection: "C")
            for _ in 0..<1000 { try writer.append(row: Array("\"0123456789\"".utf8)) }
            _ = try writer.finish()
        }
        #expect(mmError { try attempt() }?.code == .limitExceeded)
        #expect(try folder.names("small").isEmpty)
        #expect(
            mmError { _ = try small.put([UInt8](repeating: 0, count: 1001), connection: "C") }?.code == .limitExceeded)
        #expect(try folder.names("small").isEmpty)
    }

    @Test("old outputs are removed, and the oldest if there are too many or they are too large")
    func bounds() throws {
        final class Now: @unchecked Sendable { var seconds: Int64 = 1000 }  // One thread reads and writes it.
        let now = Now()
        let clock = WallClock { Timestamp(seconds: now.seconds) }
        let store = OutputStore(
            directory: folder["b"], limits: .init(single: 1000, total: 2500, count: 4, age: .seconds(100)), clock: clock
        )
        let old = try store.put([1], connection: "C")
        now.seconds += 99
        #expect(try store.find(old.handle) == old)
        now.seconds += 1
        #expect(mmError { _ = try store.find(old.handle) }?.code == .notFound)
        var handles: [String] = []
        for _ in 0..<8 {
            now.seconds += 1
            handles.append(try store.put([2], connection: "C").handle)
        }
        #expect(mmError { _ = try store.find(handles[2]) } != nil)
        #expect(try store.list().map(\.handle) == handles.suffix(5).reversed())
        for _ in 0..<4 {
            now.seconds += 1
            handles.append(try store.put([UInt8](repeating: 0x61, count: 1000), connection: "C").handle)
        }
        #expect(try store.list().map(\.bytes).reduce(0, +) <= 3500)
        #expect(try store.list().first?.handle == handles.last)
        #expect(try folder.names("b").count == store.list().count * 2)
    }

    @Test("leftovers of killed writers and torn descriptions are removed")
    func leftovers() throws {
        let stored = try store.put([1], connection: "C")
        let other = "out_AAAAAAAAAAAAAAAAAAAAAAAA"
        try folder.write("state/outputs/\(other).data", "left over")
        try folder.write("state/outputs/out_BBBBBBBBBBBBBBBBBBBBBBBB.data", "in work")
        try folder.write("state/outputs/\(stored.handle).json", "{\"handle\": \"out")
        var times = [timeval(tv_sec: 1000, tv_usec: 0), timeval(tv_sec: 1000, tv_usec: 0)]
        #expect(utimes(folder["state/outputs/\(other).data"], &times) == 0)
        #expect(mmError { _ = try store.find(stored.handle) }?.code == .notFound)
        let next = try store.put([2], connection: "C")
        #expect(
            try folder.names("state/outputs")
                == ["\(next.handle).data", "\(next.handle).json", "out_BBBBBBBBBBBBBBBBBBBBBBBB.data"].sorted())
    }

    @Test("a linked store is refused")
    func linked() throws {
        let stored = try store.put(Array("mine".utf8), connection: "C")
        try folder.write("victim", "precious")
        #expect(unlink(folder["state/outputs/\(stored.handle).data"]) == 0)
        #expect(symlink(folder["victim"], folder["state/outputs/\(stored.handle).data"]) == 0)
        #expect(mmError { _ = try store.page(stored.handle) }?.code == .forbidden)
    }
}

@Suite("Limited answers", .timeLimit(.minutes(5)))
struct OutputShaperTests {
    let folder: TestFolder
    let store: OutputStore

    init() throws {
        folder = try TestFolder()
        store = OutputStore(directory: folder["outputs"])
    }

    private func shaper(_ characters: Int = 1000, layout: JSONWriter.Layout = .indented(2)) -> OutputTruncator {
        OutputTruncator(store: store, budget: OutputBudget(characters: characters, tokens: 100_000), layout: layout)
    }

    private func users(_ count: Int) -> JSONValue {
        [
            "@odata.context": "c", "value": .array((0..<count).map { ["id": .int(Int64($0)), "tags": ["a", "b"]] }),
            "@odata.nextLink": "n",
        ]
    }

    @Test("a small answer is complete, and nothing is stored")
    func small() throws {
        let shaped = shaper().truncate(json: users(3), connection: "C")
        #expect(shaped.isWhole && shaped.stored == nil && shaped.note() == nil && shaped.json == nil)
        #expect(try JSONParser.parse(shaped.text) == users(3))
        #expect(shaped.text == JSONWriter.string(users(3), layout: .indented(2)))
        #expect(shaped.total == 3 && shaped.unit == .rows)
        #expect(try store.list().isEmpty)
    }

    @Test(
        "a long list is cut between rows, keeps its shape and other members, and continues under the handle",
        arguments: [JSONWriter.Layout.compact, .indented(2)])
    func rows(layout: JSONWriter.Layout) throws {
        for value in [users(500), try #require(users(500)["value"])] {
            let shaped = shaper(layout: layout).truncate(json: value, connection: "C")
            #expect(!shaped.isWhole && shaped.unit == .rows && shaped.total == 500)
            #expect(shaped.text.unicodeScalars.count <= 1000)
            let head = try JSONParser.parse(shaped.text)
            let shown = try #require((head["value"] ?? head).array)
            #expect(shown.count == shaped.shown && shaped.shown > 5)
            #expect(shown.enumerated().allSatisfy { $0.element["id"]?.int == $0.offset })
            if value.object != nil {
                #expect(head["@odata.nextLink"] == "n" && head.object?.keys == value.object?.keys)
            }
            let stored = try #require(shaped.stored)
            let next = try store.page(stored.handle, offset: shaped.shown, limit: 1)
            #expect(try JSONParser.parse(next.text)[0]?["id"]?.int == shaped.shown)
            #expect(shaped.note()?.contains("Shown: \(shaped.shown) of 500 rows") == true)
            #expect(shaped.note()?.contains(stored.handle) == true)
            #expect(shaped.json?["nextOffset"]?.int == shaped.shown)
        }
    }

    @Test("the head uses the whole budget")
    func tight() throws {
        let shaped = shaper().truncate(json: users(500), connection: "C")
        #expect(shaped.text.unicodeScalars.count > 850)
    }

    @Test("a text is cut between lines; the rest is the next page")
    func lines() throws {
        let text = (0..<500).map { "Zeile \($0) – äöü\n" }.joined()
        let shaped = shaper().truncate(text: Array(text.utf8), connection: "C")
        #expect(shaped.unit == .lines && shaped.total == 500 && shaped.text.hasSuffix("\n"))
        #expect(text.hasPrefix(shaped.text))
        let rest = try store.page(
            try #require(shaped.stored).handle, offset: shaped.shown, budget: OutputBudget(characters: 100_000))
        #expect(shaped.text + rest.text == text)
    }

    @Test("text that looks like a JSON list is counted as text")
    func jsonText() throws {
        let text = JSONWriter.bytes(try #require(users(300)["value"]), layout: .indented(2))
        let shaped = shaper().truncate(text: text, connection: "C")
        #expect(shaped.unit == .lines && shaped.stored?.unit == .lines)
    }

    @Test("a text without lines is cut between characters")
    func oneLine() throws {
        let text = String(repeating: "ñ", count: 9000)
        let shaped = shaper().truncate(text: Array(text.utf8), connection: "C")
        #expect(shaped.unit == .bytes && shaped.shown == shaped.text.utf8.count && shaped.shown <= 2000)
        let rest = try store.page(
            try #require(shaped.stored).handle, offset: shaped.shown, budget: OutputBudget(characters: 100_000))
        #expect(shaped.text + rest.text == text)
    }

    @Test("if the first row of a list is too long, its beginning is shown")
    func hugeRow() throws {
        let value: JSONValue = [["text": .string(String(repeating: "x", count: 5000))], 2]
        let shaped = shaper().truncate(json: value, connection: "C")
        #expect(!shaped.isWhole && shaped.shown == 0 && shaped.total == 2)
        #expect(!shaped.text.isEmpty && shaped.text.utf8.count <= 1000)
        #expect(shaped.stored?.total == 2)
    }

    @Test("one large object is paged as lines of its text")
    func object() throws {
        let value = JSONValue.object(JSONObject((0..<500).map { ("key\($0)", .int(Int64($0))) }))
        let shaped = shaper().truncate(json: value, connection: "C")
        #expect(shaped.unit == .lines && shaped.text.hasPrefix("{\n  \"key0\": 0,\n"))
        let rest = try store.page(
            try #require(shaped.stored).handle, offset: shaped.shown,
            budget: OutputBudget(characters: 100_000, tokens: 100_000))
        #expect(try JSONParser.parse(shaped.text + rest.text) == value)
    }

    @Test("a list beside a long member is paged as text")
    func longNeighbour() throws {
        let beside = JSONValue.array((0..<500).map { .int(Int64($0)) })
        for items: JSONValue in [[], [1, 2]] {
            let value: JSONValue = ["value": items, "other": beside]
            let shaped = shaper().truncate(json: value, connection: "C")
            #expect(!shaped.isWhole && shaped.unit == .lines)
            let rest = try store.page(
                try #require(shaped.stored).handle, offset: shaped.shown,
                budget: OutputBudget(characters: 100_000, tokens: 100_000))
            #expect(try JSONParser.parse(shaped.text + rest.text) == value)
        }
    }

    @Test("invalid JSON is treated as text")
    func noJSON() {
        let shaped = shaper().truncate(json: Array("<html>".utf8), connection: "C")
        #expect(shaped.isWhole && shaped.text == "<html>")
        #expect(shaper().truncate(json: Array("[1, 2".utf8), connection: "C").text == "[1, 2")
    }

    @Test("without a store the head is returned anyway")
    func noStore() {
        let shaped = OutputTruncator(store: nil, budget: OutputBudget(characters: 100, tokens: 100)).truncate(
            json: users(100), connection: "C")
        #expect(!shaped.isWhole && shaped.stored == nil && shaped.json?["handle"] == nil)
    }
}

extension OutputTruncator {
    fileprivate func truncate(json value: JSONValue, connection: String) -> TruncatedOutput {
        truncate(json: JSONWriter.bytes(value, layout: .compact), connection: connection)
    }
}
