import MMCore
import Testing

@testable import MMNative

@Suite("Recorded evaluations", .timeLimit(.minutes(5)))
struct RecordedEvaluations {
    @Test("every recorded script gives the recorded result or is handed over", arguments: ["eval", "eval2", "eval4"])
    func recorded(file: String) async throws {
        let lines = try #require(NativeFixtures.lines("eval/\(file).jsonl"))
        #expect(lines.count > 100)
        let batch = EvaluationBatch()
        var evaluated: [String: Int] = [:]
        var counted: [String: Int] = [:]
        for line in lines {
            let recorded = try JSONParser.parse(line)
            let category = try #require(recorded["cat"]?.string)
            counted[category, default: 0] += 1
            let answer = try JSONParser.parse(try await batch.answer(line))
            guard let result = answer["result"] else {
                #expect(answer["handedOver"]?.string?.isEmpty == false)
                if NativeFixtures.isTalkative {
                    print("HANDED", recorded["id"]?.string ?? "", answer["handedOver"]?.string ?? "")
                }
                continue
            }
            evaluated[category, default: 0] += 1
            let expected = try #require(recorded["result"])
            let source = recorded["src"]?.string?.suffix(120) ?? ""
            let id = recorded["id"]?.string ?? ""
            #expect(NativeFixtures.same(result["out"], expected["out"]), "\(id) \(source): \(result)")
            #expect(result["types"] == expected["types"], "\(id) \(source): \(result["types"] ?? .null)")
            let ids = expected["errors"]?.array?.compactMap { $0["id"]?.string } ?? []
            #expect(result["errors"]?.array?.compactMap { $0["id"]?.string } == ids, "\(id) \(source): \(result)")
            #expect(result["fatal"] == (expected["fatal"].flatMap { $0.isNull ? nil : $0 }), "\(id) \(source)")
            #expect((result["warnings"]?.array ?? []) == (expected["warnings"]?.array ?? []), "\(id) \(source)")
        }
        for (category, count) in counted.sorted(by: { $0.key < $1.key }) {
            print("evaluated \(category): \(evaluated[category, default: 0]) of \(count)")
        }
        // Handing everything over would pass as well: most of what was recorded lies inside the language.
        #expect(evaluated.values.reduce(0, +) * 10 > lines.count * 8)
    }
}

@Suite("Evaluations worked out from PowerShell's sources", .timeLimit(.minutes(5)))
struct WorkedEvaluations {
    @Test("every worked-out script gives its result")
    func worked() async throws {
        let lines = try #require(NativeFixtures.lines("eval/worked.jsonl"))
        #expect(lines.count > 60)
        let batch = EvaluationBatch()
        for line in lines {
            let worked = try JSONParser.parse(line)
            let expected = try #require(worked["result"])
            let answer = try JSONParser.parse(try await batch.answer(line))
            let source = worked["src"]?.string?.suffix(120) ?? ""
            let result = answer["result"]
            #expect(result != nil, "\(source): \(answer)")
            #expect(NativeFixtures.same(result?["out"], expected["out"]), "\(source): \(answer)")
            #expect(result?["types"] == expected["types"], "\(source): \(answer)")
            let ids = expected["errors"]?.array?.compactMap { $0["id"]?.string }
            #expect(result?["errors"]?.array?.compactMap { $0["id"]?.string } == ids, "\(source): \(answer)")
            #expect(result?["warnings"] == expected["warnings"], "\(source): \(answer)")
        }
    }

    @Test("recorded scripts with pieces cut, doubled and swapped are answered, twice in the same way")
    func mutated() async throws {
        let sources = try #require(NativeFixtures.lines("eval/worked.jsonl")).compactMap { line in
            (try? JSONParser.parse(line))?["src"]?.string
        }
        let batch = EvaluationBatch()
        var state: UInt64 = 11
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % max(bound, 1)
        }
        for _ in 0..<1500 {
            var text = Array(sources[next(sources.count)].unicodeScalars)
            for _ in 0...next(3) {
                let place = next(text.count)
                let end = min(text.count, place + 1 + next(6))
                switch next(3) {
                case 0: text.removeSubrange(place..<end)
                case 1: text.insert(contentsOf: text[place..<end], at: next(text.count))
                default:
                    let other = Array(sources[next(sources.count)].unicodeScalars)
                    let start = next(other.count)
                    text.insert(contentsOf: other[start..<min(other.count, start + 1 + next(12))], at: place)
                }
            }
            var script = ""
            script.unicodeScalars.append(contentsOf: text)
            let line = JSONWriter.string(.object(JSONObject([("id", .int(1)), ("src", .string(script))])))
            let first = try await batch.answer(line)
            #expect(first.contains("\"result\"") || first.contains("\"handedOver\""))
            guard !script.lowercased().contains("get-date"), !script.lowercased().contains("now") else { continue }
            #expect(try await batch.answer(line) == first, "\(script)")
        }
    }
}

/// Recordings in Tests/Fixtures.
enum NativeFixtures {
    static let isTalkative = false

    /// The lines of a recording; `nil` when it is not there.
    static func lines(_ name: String) -> [String]? {
        let parts = #filePath.split(separator: "/", omittingEmptySubsequences: false).prefix {
            $0 != "MMNativeTests"
        }
        let path = (parts + ["Fixtures", Substring(name)]).joined(separator: "/")
        guard let bytes = try? ProtectedFile.read(path, limit: 16 << 20) else { return nil }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// Whether two values are the same but for the order of members; `1` and `1.0` are one number.
    static func same(_ left: JSONValue?, _ right: JSONValue?) -> Bool {
        switch (left, right) {
        case (.array(let items)?, .array(let others)?):
            items.count == others.count && zip(items, others).allSatisfy { same($0, $1) }
        case (.object(let members)?, .object(let others)?):
            members.count == others.count && members.allSatisfy { same($0.value, others[$0.key]) }
        default: left == right || left?.double != nil && left?.double == right?.double
        }
    }
}
