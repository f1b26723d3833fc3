import MMCore
import MMGuard
import TestSupport
import Testing

@Suite("Requests to Graph, looked up", .timeLimit(.minutes(5)))
struct LookupTests {
    private let engine = GuardEngine()

    @Test("recorded requests have their template and class")
    func recorded() throws {
        var count = 0
        for line in try Fixture.jsonLines("guard/lookup-cases.jsonl") {
            let method = line["method"]?.string ?? "GET"
            let url = line["url"]?.string ?? ""
            let expected = line["class"]?.string ?? ""
            count += 1
            guard let target = try? RequestTarget(parsing: url, service: .graph, normalization: .clean) else {
                #expect(expected == "refused", "\(url) was refused")
                continue
            }
            #expect(expected != "refused", "\(url) was accepted")
            let body = line["body"].map(RequestBody.json) ?? .none
            let found = engine.classify(GuardedRequest(method: method, target: target, body: body))
            #expect(found.template == line["template"]?.string, "\(method) \(url)")
            #expect(found.classes.strictest == GuardClass(word: expected), "\(method) \(url): \(found.rule)")
        }
        #expect(count == 150)
    }

    @Test("the items of a batch are judged one by one")
    func batches() throws {
        let cases = try JSONParser.parse(Fixture.text("guard/batch-cases.json")).array ?? []
        #expect(!cases.isEmpty)
        for one in cases {
            let target = try RequestTarget(parsing: "/$batch", service: .graph)
            let found = engine.classify(GuardedRequest(method: "POST", target: target, body: .json(one["body"] ?? [:])))
            let expected = one["expect"]?.array?.first?.string ?? "read"
            #expect(found.classes.strictest == GuardClass(word: expected), "\(one["name"] ?? "")")
        }
    }

    @Test(
        "a batch that hides something is no harmless batch",
        arguments: [
            #"{"requests":[{"id":"1","method":"POST","url":"/$batch","body":{"requests":[]}}]}"#,
            #"{"requests":[{"id":"1","method":"GET","url":"https://graph.microsoft.com/v1.0/me"}]}"#,
            #"{"requests":[{"id":"1","method":"GET","url":"//evil.example/me"}]}"#,
            #"{"requests":[{"id":"1","method":"GET","url":"/me","headers":{"X-HTTP-Method":"DELETE"}}]}"#,
            #"{"requests":[{"id":"1","method":"GET","url":"/me","headers":{},"Headers":{"X-HTTP-Method":"DELETE"}}]}"#,
            #"{"requests":[{"id":"1","method":"GET","url":"/me","headers":["X-HTTP-Method: DELETE"]}]}"#,
            #"{"requests":[{"id":"1","method":"GET"}]}"#,
            #"{"requests":[7]}"#,
            #"{"requests":{}}"#,
            #"{"requests":[],"Requests":[{"id":"1","method":"POST","url":"/me/sendMail"}]}"#,
            #"{"requests":[{"id":"1","method":"GET","Method":"DELETE","url":"/users/1"}]}"#,
            #"{"requests":[{"id":"1","method":"MERGE","url":"/users/1"}]}"#,
            #"[1]"#,
        ])
    func hidden(body: String) throws {
        let target = try RequestTarget(parsing: "/$batch", service: .graph)
        let found = engine.classify(
            GuardedRequest(method: "POST", target: target, body: RequestBody(bytes: Array(body.utf8))))
        #expect(found.classes.strictest == .privilege)
    }

    @Test("a batch of more than twenty, an opaque one and one with duplicate keys are no reads")
    func unreadable() throws {
        let target = try RequestTarget(parsing: "/$batch", service: .graph)
        let item = #"{"id":"1","method":"GET","url":"/me"}"#
        let many = "{\"requests\":[" + Array(repeating: item, count: 21).joined(separator: ",") + "]}"
        let twice = #"{"requests":[],"requests":[]}"#
        for body in [many, twice, "not json"] {
            let found = engine.classify(
                GuardedRequest(method: "POST", target: target, body: RequestBody(bytes: Array(body.utf8))))
            #expect(found.classes.strictest == .privilege)
        }
    }
}
