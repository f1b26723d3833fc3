import MMCore
import MMHTTP
import MMOperations
import Testing

@testable import MMPool

@Suite("Rows in the form that a call asks for", .timeLimit(.minutes(5)))
struct FormedRowsTests {
    private static let page = #"""
        {"@odata.nextLink":"https://graph.microsoft.com/v1.0/users?$skiptoken=x","value":[{"id":"1","name":"a, b"},{"id":"2"}]}
        """#

    /// Returns the type, the text and the notes of a response.
    private func response(
        _ answer: OperationAnswer, _ form: String?, accept: String = "application/json"
    ) async throws -> (type: String?, text: String, notes: String?) {
        let response = try await PlainAnswer.response(answer, asked: form, for: ["Accept": accept])
        guard case .bytes(let bytes) = response.body else { throw MMError(.internalError, "a stream") }
        return (response.headers["Content-Type"], String(decoding: bytes, as: UTF8.self), response.headers["MM-Note"])
    }

    @Test(
        "are CSV, a table or lines, whatever the client accepts",
        arguments: [
            ("csv", "text/csv; charset=utf-8", "id,name\n1,\"a, b\"\n2,\n"),
            ("table", "text/plain; charset=utf-8", "id  name\n1   a, b\n2\n"),
            ("jsonl", "application/x-ndjson", "{\"id\":\"1\",\"name\":\"a, b\"}\n{\"id\":\"2\"}\n"),
        ])
    func page(form: String, type: String, text: String) async throws {
        for accept in ["application/json", "*/*"] {
            let told = try await response(OperationAnswer(.json(Array(Self.page.utf8))), form, accept: accept)
            #expect(told.type == type && told.text == text, "\(told)")
            #expect(told.notes?.contains("first rows") == true, "\(told)")
        }
    }

    @Test("are those of a whole list, with the notes of its end, and of an answer that was kept with its form")
    func list() async throws {
        let rows = Mutex<[ArraySlice<UInt8>]?>([Array(#"{"n":1}"#.utf8)[...], Array(#"{"n":2,"m":3}"#.utf8)[...]])
        let stream = ItemStream(end: { AnswerEnd(notes: ["2 pages"]) }) { () async throws(MMError) in
            rows.withLock { rows in
                defer { rows = nil }
                return rows
            }
        }
        var answer = OperationAnswer(.items(stream))
        answer.form = "csv"
        let told = try await response(answer, nil)
        #expect(told.text == "n,m\n1,\n2,3\n" && told.notes == "2 pages", "\(told)")
    }

    @Test("are left as they are where nothing, JSON or something else is asked for, and texts always")
    func others() async throws {
        for form in [nil, "json", "text"] {
            let told = try await response(OperationAnswer(.json(Array(Self.page.utf8))), form)
            #expect(told.text == Self.page && told.notes == nil, "\(told)")
        }
        let file = try await response(OperationAnswer(.value(["path": "/tmp/users.csv", "rows": 2])), "csv")
        #expect(file.text == #"{"path":"/tmp/users.csv","rows":2}"#, "\(file)")
        let torn = try await response(OperationAnswer(.json(Array("{".utf8))), "csv")
        #expect(torn.text == "{", "\(torn)")
        let told = try await response(OperationAnswer(.text("plain")), "csv", accept: "*/*")
        #expect(told.text == "plain", "\(told)")
    }
}
