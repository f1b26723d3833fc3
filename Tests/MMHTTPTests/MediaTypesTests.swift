import MMHTTP
import Testing

@Suite("The Accept header")
struct MediaTypesTests {
    private static let offered = ["application/json", "text/event-stream", "text/html"]

    @Test(
        "the client's preferred type is chosen, an exact range before a wide one",
        arguments: [
            (nil, "application/json"), ("", "application/json"), ("*/*", "application/json"),
            ("text/html", "text/html"), ("TEXT/HTML", "text/html"), ("text/*", "text/event-stream"),
            ("text/html, application/json;q=0.9", "text/html"), ("text/html;q=0.5,*/*;q=0.8", "application/json"),
            ("application/json;q=0, */*", "text/event-stream"), ("text/html;level=1;q=0.3,text/*;q=0.2", "text/html"),
            ("image/png", nil), ("text/html;q=0", nil), ("text/plain, */*;q=0", nil), ("text/html;q=wrong", nil),
            ("text/html;q=0.5, application/json;q=nan", "text/html"),
            ("application/json;q=0.4, text/html;q=0.4", "application/json"), (" \ttext/html\t", "text/html"),
            ("text", nil), ("application/jsonx", nil), ("application/j*", nil),
        ] as [(String?, String?)])
    func best(accept: String?, expected: String?) {
        let headers: HTTPHeaders = accept.map { ["Accept": $0] } ?? [:]
        #expect(MediaTypes.best(of: Self.offered, for: headers) == expected)
    }

    @Test(
        "a type counts as named only by its exact name",
        arguments: [
            ("text/event-stream", true), ("application/json, text/event-stream", true), ("text/*", false),
            ("*/*", false), ("text/event-stream;q=0", false), ("", false), ("text/event-stream-x", false),
        ])
    func names(accept: String, expected: Bool) {
        #expect(MediaTypes.names("text/event-stream", in: ["Accept": accept]) == expected)
    }

    @Test(
        "JSON is recognised by its type, and only in UTF-8",
        arguments: [
            ("application/json", true), ("Application/JSON ; charset=UTF-8", true),
            ("application/json; charset=\"utf-8\"", true), ("application/json; charset=latin1", false),
            ("application/json; charset=utf-8; charset=utf-16", false), ("text/json", false), ("", false),
            ("application/json2", false), ("application/json; profile=x", true),
        ])
    func json(type: String, expected: Bool) { #expect(MediaTypes.isJSON(type) == expected) }
}
