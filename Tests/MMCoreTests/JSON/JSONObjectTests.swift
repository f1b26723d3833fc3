import MMCore
import TestSupport
import Testing

@Suite("JSON objects", .timeLimit(.minutes(5)))
struct JSONObjectTests {
    @Test(
        "members keep their order and positions, below and above the size with an index",
        arguments: [1, 5, 16, 17, 18, 100])
    func order(count: Int) {
        var object = JSONObject()
        for number in 0..<count { object["k\(number)"] = .int(Int64(number)) }
        #expect(object.keys == (0..<count).map { "k\($0)" })
        object["k0"] = "changed"
        #expect(object.keys.first == "k0")
        #expect(object["k0"] == "changed")
        object["k0"] = nil
        #expect(object.count == count - 1)
        for number in 1..<max(1, count) { #expect(object["k\(number)"] == .int(Int64(number))) }
        #expect(object["nothing"] == nil)
    }

    @Test("an object behaves like a list of pairs and a dictionary under random changes")
    func model() {
        var generator = SeededRandom(seed: 11)
        for _ in 0..<50 {
            var object = JSONObject()
            var keys: [String] = []
            var values: [String: JSONValue] = [:]
            for step in 0..<200 {
                let key = "k\(Int.random(in: 0..<40, using: &generator))"
                if Int.random(in: 0..<3, using: &generator) == 0 {
                    object.remove(key)
                    keys.removeAll { $0 == key }
                    values[key] = nil
                } else {
                    object[key] = .int(Int64(step))
                    if values.updateValue(.int(Int64(step)), forKey: key) == nil { keys.append(key) }
                }
                #expect(object.keys == keys)
            }
            for key in keys { #expect(object[key] == values[key]) }
        }
    }

    @Test("an object in a text is its JSON, as a value is")
    func description() {
        let object: JSONObject = ["connection": "Contoso", "known": ["A", nil]]
        #expect("\(object)" == #"{"connection":"Contoso","known":["A",null]}"#)
        #expect("\(object)" == "\(JSONValue.object(object))")
    }

    @Test("equality and hash ignore only the order")
    func equality() {
        let left: JSONObject = ["a": 1, "b": [2, 3]]
        let right: JSONObject = ["b": [2, 3], "a": 1]
        #expect(left == right)
        #expect(left.hashValue == right.hashValue)
        #expect(left != ["a": 1, "b": [3, 2]])
        #expect(left != ["a": 1])
        #expect(JSONObject([("\u{E9}", 1)]) != JSONObject([("e\u{301}", 1)]))
    }

    @Test("accessors return nil for other types")
    func access() {
        let value: JSONValue = ["list": [1, "two", nil], "flag": true, "text": "x"]
        #expect(value["list"]?[1]?.string == "two")
        #expect(value["list"]?[3] == nil)
        #expect(value["list"]?[-1] == nil)
        #expect(value["list"]?[2]?.isNull == true)
        #expect(value["text"]?["deeper"] == nil)
        #expect(value["flag"]?.bool == true)
        #expect(value["flag"]?.string == nil)
        #expect(value["text"]?.int == nil)
    }
}
