import MMCore
import Testing

@testable import MMGuard

@Suite("Boundaries between a request's parts", .timeLimit(.minutes(5)))
struct MultipartBoundaryTests {
    /// A batch with a set of changes in it, as clients of OData write it.
    static func batch(_ outer: String, _ inner: String, title: String = "x") -> String {
        "--\(outer)\r\nContent-Type: multipart/mixed; boundary=\(inner)\r\n\r\n--\(inner)\r\n"
            + "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
            + "PATCH /api/data/v9.2/accounts(1) HTTP/1.1\r\nContent-Type: application/json\r\n\r\n{\"name\":\"\(title)\"}\r\n"
            + "--\(inner)--\r\n--\(outer)--\r\n"
    }

    static func form(_ boundary: String, _ content: String = "two") -> String {
        "--\(boundary)\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\none\r\n--\(boundary)\r\n"
            + "Content-Disposition: form-data; name=\"b\"\r\n\r\n\(content)\r\n--\(boundary)--\r\n"
    }

    private static func request(_ body: String, _ type: String) -> WireRequest {
        Wire.request(.dataverse, "POST", "/api/data/v9.2/$batch", body, headers: [("Content-Type", type)])
    }

    static func digest(_ body: String, _ type: String) -> String { request(body, type).digest }

    @Test("the same request with other boundaries is the same request")
    func same() {
        let first = Self.digest(Self.batch("batch_a1", "changeset_b2"), "multipart/mixed; boundary=batch_a1")
        let second = Self.digest(Self.batch("batch_9", "changeset_77x"), "multipart/mixed; boundary=batch_9")
        #expect(first == second)
        let form = Self.digest(Self.form("----WebKitA"), "multipart/form-data; boundary=----WebKitA")
        let other = Self.digest(Self.form("----WebKitB2"), "multipart/form-data; boundary=----WebKitB2")
        #expect(form == other)
        #expect(Self.digest(Self.form("q"), "Multipart/Form-Data; BOUNDARY=\"q\"").isEmpty == false)
    }

    @Test(
        "whatever else differs is another request",
        arguments: [
            (batch("a", "b", title: "y"), "multipart/mixed; boundary=a"),
            (batch("a", "b"), "multipart/mixed; boundary=\"a\""), (batch("a", "b"), "multipart/related; boundary=a"),
            (batch("a", "b") + " ", "multipart/mixed; boundary=a"),
            (batch("a", "b").replacing("\r\n--b--", with: "\n--b--"), "multipart/mixed; boundary=a"),
            (batch("a", "b").replacing("application/http", with: "text/plain"), "multipart/mixed; boundary=a"),
        ])
    func different(body: String, type: String) {
        let usual = Self.digest(Self.batch("a", "b"), "multipart/mixed; boundary=a")
        #expect(Self.digest(body, type) != usual)
    }

    @Test(
        "where readers could cut in different ways the boundary counts",
        arguments: [
            // A line that only begins as a boundary does.
            (form("q", "--qx"), "multipart/form-data; boundary=q"),
            // Content that looks like what stands in the boundary's place.
            (form("q", "--mm-boundary-1"), "multipart/form-data; boundary=q"),
            (form("q", "--mm-boundary-1--"), "multipart/form-data; boundary=q"),
            // Two boundaries of which one begins as the other, or that are one.
            (batch("q", "qx"), "multipart/mixed; boundary=q"), (batch("q", "q"), "multipart/mixed; boundary=q"),
            // Two boundaries in the header, none, and no end.
            (form("q"), "multipart/form-data; boundary=q; boundary=r"), (form("q"), "multipart/form-data"),
            (form("q").replacing("--q--", with: ""), "multipart/form-data; boundary=q"),
            (form("q"), "text/plain; boundary=q"),
        ])
    func unclear(body: String, type: String) {
        let other = (body.replacing("q", with: "r"), type.replacing("=q", with: "=r"))
        #expect(Self.digest(body, type) != Self.digest(other.0, other.1))
        #expect(Self.request(body, type).withoutVolatileParts == Self.request(body, type))
    }

    @Test("no two messages that a reader cuts differently become one", arguments: 0..<3)
    func random(_ part: UInt64) {
        var random = SystemRandomNumberGenerator()
        let lines = [
            "--q", "--q--", "--qx", "--r", "--r--", "", "x", "Content-Type: multipart/mixed; boundary=r",
            "--mm-boundary-1",
            "Content-Type: application/http", " --q",
        ]
        var seen: [String: String] = [:]
        for _ in 0..<3_000 {
            let count = Int.random(in: 1...7, using: &random)
            let body = (["--q"] + (0..<count).map { _ in lines.randomElement(using: &random) ?? "" } + ["--q--"])
                .joined(separator: "\r\n")
            let name = ["q", "s"].randomElement(using: &random) ?? "q"
            // With boundary s nothing in it is a delimiter: never the same as one of q.
            let digest = Self.digest(body, "multipart/mixed; boundary=\(name)")
            let key = "\(name) \(body)"
            #expect(seen[digest] == nil || seen[digest] == key)
            seen[digest] = key
        }
    }

    @Test("a person sees the same text whatever the boundary, and a yes is bound to it")
    func confirmed() throws {
        func shown(_ outer: String, title: String) throws -> ConfirmationRequest {
            let intent = GuardEngine.standard.intent(
                of: Self.request(Self.batch(outer, "c", title: title), "multipart/mixed; boundary=\(outer)"))
            var grant = RequestGrantTests.grant("Get-Mailbox")
            guard case .hold(let question) = grant.judge(intent, number: 1) else {
                throw MMError(.internalError, "It was not held.")
            }
            return try question.confirmation(
                on: Connection(name: "Contoso", tenant: "contoso.example"), module: "exo")
        }
        #expect(try shown("a", title: "x").digest == shown("b2", title: "x").digest)
        #expect(try shown("a", title: "x").digest != shown("a", title: "y").digest)
        #expect(try shown("a", title: "x").presentation.pages.joined().contains("accounts(1)"))
    }
}
