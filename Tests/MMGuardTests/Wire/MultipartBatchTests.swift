import MMCore
import MMGuard
import Testing

@Suite("Batches that are written as parts of a message", .timeLimit(.minutes(5)))
struct MultipartBatchTests {
    static let type = "multipart/mixed; boundary=batch_1"

    static func part(_ request: String, _ headers: String = "", _ body: String = "") -> String {
        "--batch_1\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n\(request) HTTP/1.1\r\n\(headers)\r\n\(body)\r\n"
    }

    static let get = part("GET https://contoso.sharepoint.com/_api/web/lists")
    static let change =
        "--batch_1\r\nContent-Type: multipart/mixed; boundary=\"c_1\"\r\n\r\n--c_1\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\nPOST https://contoso.sharepoint.com/_api/web/lists/getbytitle('x')/items(1) HTTP/1.1\r\nX-HTTP-Method: METHOD\r\nContent-Type: application/json\r\n\r\n{\"Title\":\"x\"}\r\n--c_1--\r\n"

    private func verdict(_ body: String, type: String = Self.type, service: RequestService = .sharePoint) -> Verdict {
        let target = service == .sharePoint ? "/sites/x/_api/$batch" : "/api/data/v9.2/$batch"
        return Wire.intent(service, "POST", target, body, headers: [("Content-Type", type)]).verdict(.standard)
    }

    @Test(
        "a batch has the class of its strictest part",
        arguments: [
            (get, "read", "allow"), (get + get, "read", "allow"),
            (get + change.replacing("METHOD", with: "MERGE"), "write", "allow"),
            (get + change.replacing("METHOD", with: "DELETE"), "destructive", "ask"),
            (get + part("POST /_api/web/recycle"), "destructive", "ask"),
            (part("GET /_api/web", "X-HTTP-Method: DELETE\r\n"), "destructive", "ask"),
            (part("GET https://evil.example/_api/web"), "privilege", "ask"),
            (part("GET //evil.example/x"), "privilege", "ask"),
            (part("POST https://contoso.sharepoint.com/_api/$batch"), "privilege", "ask"),
        ])
    func classes(body: String, expected: String, decision: String) {
        let found = verdict(body + "--batch_1--\r\n")
        #expect(found.guardClass == GuardClass(word: expected), "\(found.reason)")
        #expect(found.decision.rawValue == decision, "\(found.reason)")
    }

    @Test("Dataverse's batches are read alike")
    func dataverse() {
        let delete = Self.part("DELETE /api/data/v9.2/accounts(1)") + "--batch_1--\r\n"
        let read = Self.part("GET /api/data/v9.2/accounts") + "--batch_1--\r\n"
        #expect(verdict(delete, service: .dataverse).guardClass == .destructive)
        #expect(verdict(read, service: .dataverse).decision == .allow)
    }

    @Test(
        "what can't be cut in one way is no batch",
        arguments: [
            (get, type), ("", type), ("--batch_1--\r\n" + get, type), ("x\r\n" + get + "--batch_1--\r\n", type),
            (get + "--batch_1--\r\n" + part("POST /_api/web/recycle"), type),
            (get + "--batch_1--\r\n", "application/json"),
            (get + "--batch_1--\r\n", "multipart/mixed"), (get + "--batch_1x\r\n--batch_1--\r\n", type),
            (get.replacing("application/http", with: "text/plain") + "--batch_1--\r\n", type),
            (get.replacing("binary", with: "base64") + "--batch_1--\r\n", type),
            (get.replacing("HTTP/1.1", with: "") + "--batch_1--\r\n", type),
        ])
    func unreadable(body: String, type: String) {
        let found = verdict(body, type: type)
        #expect(found.decision == .ask)
        #expect(found.guardClass == .privilege)
    }
}
