import Testing

@testable import MMHTTP

@Suite("Headers", .timeLimit(.minutes(5)))
struct HTTPHeadersTests {
    @Test("names are compared without case and keep their spelling")
    func names() {
        var headers: HTTPHeaders = ["Content-Type": "a", "X-One": "1", "x-one": "2"]
        #expect(headers["content-type"] == "a")
        #expect(headers["X-ONE"] == "1, 2")
        #expect(headers.values(for: "x-One") == ["1", "2"])
        headers["X-one"] = "3"
        #expect(headers.map(\.name) == ["Content-Type", "X-one"])
        headers["content-TYPE"] = nil
        #expect(!headers.contains("Content-Type"))
        #expect(headers.count == 1)
        #expect(HTTPHeaders(dictionaryLiteral: ("A", "1")) == ["a": "1"])
        for other in [["a": "2"], ["b": "1"], ["a": "1", "b": "1"], [:]] as [HTTPHeaders] {
            #expect(other != ["a": "1"])
        }
        #expect(
            HTTPHeaders(dictionaryLiteral: ("A", "1")).hashValue == HTTPHeaders(dictionaryLiteral: ("a", "1")).hashValue
        )
    }

    @Test("a received line adds a field, a folded one goes on with its value, and one without a colon is none")
    func lines() {
        var headers = HTTPHeaders()
        #expect(headers.add(line: Array(" before the first".utf8)) && headers.count == 0)
        let isField = ["A: one: two \t", "\t three", "Empty:", "no field"].map { headers.add(line: Array($0.utf8)) }
        #expect(isField == [true, true, true, false])
        #expect(headers == ["A": "one: two three", "Empty": ""])
    }

    @Test("letters beyond ASCII are not folded")
    func folding() {
        #expect(!HTTPHeaders.sameName("K", "\u{212A}"))
        #expect(!HTTPHeaders.sameName("[", "{"))
    }

    @Test("the description shows no values")
    func description() {
        let headers: HTTPHeaders = ["Authorization": "Bearer secret"]
        #expect("\(headers)" == "[Authorization]")
    }

    @Test(
        "a line break, a control character or an invalid name is an error",
        arguments: [
            ("X", "a\r\nY: b"), ("X", "a\n"), ("X", "\0"), ("X", "\u{7F}"), ("", "a"), ("X Y", "a"), ("X:", "a"),
            ("X\r\n", "a"), ("Ü", "a"), ("X\0", "a"),
        ])
    func faults(name: String, value: String) {
        #expect(HTTPFieldRules.fault(in: HTTPHeaders([HTTPHeaders.Field(name: name, value: value)])) != nil)
    }

    @Test("text, tabs and letters of any script are allowed")
    func noFault() {
        #expect(HTTPFieldRules.fault(in: ["X-A.b_c~1": "one\ttwo", "Y": "", "Z": "Zoë, 東"]) == nil)
    }
}
