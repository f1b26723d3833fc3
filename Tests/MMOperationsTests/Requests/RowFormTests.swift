import MMCore
import Testing

@testable import MMOperations

@Suite("Rows in files", .timeLimit(.minutes(5)))
struct RowFormTests {
    private static let rows: [ArraySlice<UInt8>] = [
        Array(#"{"name":"Ann","note":"a, \"b\""}"#.utf8)[...], Array(#"{"name":"=SUM(A1)","note":null}"#.utf8)[...],
    ]

    private func text(_ form: RowForm) -> String {
        var text = RowText(form, columns: ["name", "note"])
        var bytes = text.beginning
        bytes += text.text(of: [Self.rows[0]])
        bytes += text.text(of: [Self.rows[1]])
        bytes += text.end
        #expect(text.count == 2)
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test("stand there in the form that was asked for")
    func forms() throws {
        #expect(text(.csv) == "name,note\nAnn,\"a, \"\"b\"\"\"\n'=SUM(A1),\n")
        #expect(text(.jsonl).split(separator: "\n").count == 2)
        #expect(try JSONParser.parse(text(.json)).array?.count == 2)
    }

    @Test(
        "have the form that the call says, else the one that the file's name says",
        arguments: [
            ("csv", "users.json", "csv"), (nil, "users.csv", "csv"), (nil, "USERS.CSV", "csv"),
            (nil, "a.jsonl", "jsonl"),
            (nil, "/me/drive/root:/users.csv:/content", "csv"), (nil, "users", "json"), (nil, "handle", "json"),
        ] as [(String?, String, String)])
    func named(word: String?, file: String, form: String) throws {
        #expect(try RowForm.of(word, file: file).rawValue == form)
    }

    @Test("no file has the form of a table on a screen")
    func table() throws {
        #expect(throws: MMError.self) { try RowForm.of("table", file: "a") }
    }

    @Test("a report of comma-separated values is rows, whatever stands in its cells")
    func reports() throws {
        let text = "\u{FEFF}User,Size,Note\r\nann@x,5,\"a, b\"\r\nben@x,6,\"he said \"\"no\"\"\nand left\"\r\n"
        let rows = try #require(CSVRows.read(Array(text.utf8)))
        #expect(rows.count == 2)
        #expect(rows[0] == ["User": "ann@x", "Size": "5", "Note": "a, b"])
        #expect(rows[1]["Note"] == "he said \"no\"\nand left")
        #expect(CSVRows.read(Array("just words".utf8)) == nil)
        #expect(CSVRows.read(Array("a,b\n1,2,3\n".utf8)) == nil)
        #expect(CSVRows.read([0xFF, 0xFE, 0x00]) == nil)
    }

    @Test(
        "a count is a number, also behind a byte order mark, and another text is none",
        arguments: [
            ("5013", 5013), ("\u{FEFF}5013", 5013), ("0\r\n", 0), ("five", nil), ("", nil), ("{}", nil), ("12 34", nil),
        ] as [(String, Int64?)])
    func counts(text: String, count: Int64?) {
        #expect(CountText.read(Array(text.utf8)) == count)
    }
}
