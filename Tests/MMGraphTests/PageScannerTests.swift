import MMCore
import TestSupport
import Testing

@testable import MMGraph

@Suite("Finding the items of a page", .timeLimit(.minutes(5)))
struct PageScannerTests {
    @Test(
        "the scanner accepts the same JSON as the parser",
        arguments: [
            "{}", "{\"value\":[]}",
            " {\"a\":[1,{\"value\":[2]}],\"value\":[{\"x\":\"]}\"},[[]],\"\\\"\",null,true,-1.5e+3]} ",
            "{\"value\":[1,]}", "{\"value\":[1 2]}", "{\"value\":[01]}", "{\"value\":[1.]}", "{\"value\":[.5]}",
            "{\"value\":[-]}",
            "{\"value\":[tru]}", "{\"value\":[\"\\x\"]}", "{\"value\":[\"\\u12G4\"]}", "{\"value\":[\"\n\"]}",
            "{\"value\":[}",
            "{\"value\"[]}", "{,}", "{\"a\":1,}", "{\"value\":[]}x", "[]", "[1,2]", "\"x\"", "nul", "",
            "{\"value\":[{\"a\" 1}]}",
            "{\"value\":[{\"a\":1,}]}", "{\"value\":[{1:1}]}", "{\"value\":1}", "{\"value\":{\"value\":[1]}}",
            "{\"value\":[1e]}",
            "\u{FEFF}{\"value\":[1]}", "{\"value\":[\"\u{1F600}é\"]}", "{\"v\\u0061lue\":[1]}",
            "{\"value\":[0,-0,0.0,1E5]}",
        ])
    func agreesWithReader(text: String) throws {
        try compare(Array(text.utf8))
    }

    @Test("scanner and parser agree on randomly damaged text")
    func fuzz() throws {
        var random = SeededRandom(seed: 11)
        let good = JSONWriter.bytes(try #require(try Fixture.json("graph/graph-users-page1.json")["response"]?["body"]))
        for _ in 0..<20_000 {
            var bytes = Array(good.prefix(Int.random(in: 1...good.count, using: &random)))
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes[place] = Array("{}[],:\"\\0e-".utf8).randomElement(using: &random) ?? 0
                case 2: bytes.append(contentsOf: Array("]}".utf8))
                default: bytes.insert(UInt8(ascii: "]"), at: place)
                }
            }
            try compare(bytes)
        }
    }

    @Test(
        "the members before the items are read without the items",
        arguments: [
            (#"{"@odata.nextLink":"https://x/y","value":[1,"#, "https://x/y"),
            (#"{"@odata.nextLink":"https://x/y","value":{}}"#, nil), (#"{"@odata.nextLink":"https://x/y"}"#, nil),
            (#"{"value":[1],"@odata.nextLink":"https://x/y"}"#, nil), (#"{"@odata.nextLink":"https://x"#, nil),
        ] as [(String, String?)])
    func head(text: String, link: String?) {
        #expect(PageScanner.head(of: Array(text.utf8))["@odata.nextLink"]?.string == link)
    }

    @Test("depth is limited")
    func depth() {
        let deep = Array(("{\"value\":[" + String(repeating: "[", count: 100_000)).utf8)
        #expect(PageScanner.scan(deep) == nil)
    }

    @Test("members beside the items are kept, large ones separately")
    func envelope() throws {
        let large = String(repeating: "x", count: 70 << 10)
        let text = "{\"@odata.count\":5,\"large\":\"\(large)\",\"value\":[1],\"@odata.nextLink\":\"https:\\/\\/x\\/y\"}"
        let findings = try #require(PageScanner.scan(Array(text.utf8)))
        #expect(findings.envelope["@odata.count"] == 5 && findings.envelope["@odata.nextLink"] == "https://x/y")
        #expect(findings.envelope["large"] == nil)
    }

    private func compare(_ bytes: [UInt8]) throws {
        let read = try? JSONParser.parse(bytes)
        let findings = PageScanner.scan(bytes)
        #expect((read == nil) == (findings == nil), "\(String(decoding: bytes, as: UTF8.self))")
        guard let findings, let items = findings.items else { return }
        let values = try items.map { try JSONParser.parse(bytes[$0]) }
        // The parser keeps the last of repeated keys; so does a page with one array.
        if case .array(let expected)? = read?["value"] { #expect(values == expected) }
    }
}
