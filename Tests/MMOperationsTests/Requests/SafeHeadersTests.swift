import MMCore
import Testing

@testable import MMOperations

@Suite("Headers of a caller", .timeLimit(.minutes(5)))
struct SafeHeadersTests {
    @Test("those that ask for a form or a condition are sent as they are written")
    func allowed() throws {
        let read = try SafeHeaders.read([
            "Prefer: outlook.timezone=\"UTC\", IdType=\"ImmutableId\"", "if-none-match:W/\"1\"", "Accept:  text/csv ",
        ])
        #expect(
            read == [
                "Prefer": "outlook.timezone=\"UTC\", IdType=\"ImmutableId\"", "if-none-match": "W/\"1\"",
                "Accept": "text/csv",
            ])
    }

    @Test(
        "those that say who asks, where or how are refused with what to do instead",
        arguments: [
            "Authorization: Bearer x", "authorization: x", "Cookie: a=b", "Host: evil.example",
            "Content-Type: text/xml",
            "X-HTTP-Method: DELETE", "x-http-method-override: DELETE", "X-Method-Override: PUT",
            "Transfer-Encoding: chunked",
            "X-Forwarded-For: 1.2.3.4", "no header", ": empty",
        ])
    func refused(line: String) throws {
        let error = #expect(throws: MMError.self) { try SafeHeaders.read([line]) }
        #expect(error?.code == .invalidInput && error?.hint != nil)
    }

    @Test("one that stands twice is refused")
    func twice() throws {
        #expect(throws: MMError.self) { try SafeHeaders.read(["Prefer: a", "prefer: b"]) }
    }
}
