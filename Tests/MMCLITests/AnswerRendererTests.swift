import MMCore
import MMOperations
import Testing

@testable import MMCLI

@Suite("Answers on a terminal")
struct AnswerRendererTests {
    private static let users: JSONValue = [
        "value": [
            ["displayName": "Ada Lovelace", "mail": "ada@contoso.example", "businessPhones": ["1", "2"]],
            ["displayName": "王 芳", "mail": nil, "businessPhones": []],
        ]
    ]

    private func rendered(_ answer: OperationAnswer, _ format: GlobalOptions.Format?) async throws -> String {
        let written = Mutex<[UInt8]>([])
        try await AnswerRenderer(format: format) { (bytes) throws(MMError) in written.withLock { $0 += bytes } }
            .render(answer)
        return String(decoding: written.withLock { $0 }, as: UTF8.self)
    }

    @Test("are tables where columns are declared, and JSON elsewhere")
    func defaults() async throws {
        let table = try await rendered(.value(Self.users, columns: ["displayName", "mail"]), nil)
        #expect(
            table == """
                DISPLAYNAME   MAIL
                Ada Lovelace  ada@contoso.example
                王 芳

                """)
        #expect(try await rendered(.value(["a": 1]), nil) == "{\n  \"a\": 1\n}\n")
    }

    @Test(
        "are written in the format asked for",
        arguments: [
            (.csv, "displayName,mail,businessPhones\nAda Lovelace,ada@contoso.example,\"1, 2\"\n王 芳,,\n"),
            (
                .jsonl,
                #"{"displayName":"Ada Lovelace","mail":"ada@contoso.example","businessPhones":["1","2"]}"# + "\n"
                    + #"{"displayName":"王 芳","mail":null,"businessPhones":[]}"# + "\n"
            ),
            (.text, "Ada Lovelace\tada@contoso.example\t1, 2\n王 芳\t\t\n"),
        ] as [(GlobalOptions.Format, String)])
    func formats(format: GlobalOptions.Format, text: String) async throws {
        let answer = OperationAnswer.value(Self.users, columns: ["displayName", "mail", "businessPhones"])
        #expect(try await rendered(answer, format) == text)
    }

    @Test(
        "that are long lists are written batch by batch", arguments: [GlobalOptions.Format.json, .jsonl, .csv, .table])
    func streams(format: GlobalOptions.Format) async throws {
        let batches = Mutex<[[ArraySlice<UInt8>]]>([
            [ArraySlice(#"{"n":1}"#.utf8), ArraySlice(#"{"n":2}"#.utf8)], [ArraySlice(#"{"n":3}"#.utf8)],
        ])
        let stream = ItemStream { () throws(MMError) in batches.withLock { $0.isEmpty ? nil : $0.removeFirst() } }
        let text = try await rendered(OperationAnswer(.items(stream)), format)
        switch format {
        case .json:
            #expect(try JSONParser.parse(text) == [["n": 1], ["n": 2], ["n": 3]])
        case .jsonl: #expect(text == "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n")
        case .csv: #expect(text == "n\n1\n2\n3\n")
        default: #expect(text == "N\n1\n2\n3\n")
        }
    }

    @Test("can't run formulas in a spreadsheet", arguments: ["=1+1", "+cmd", "-x", "@sum", "\ttab"])
    func formulas(cell: String) {
        #expect(CSVText.line([cell]).hasPrefix("'") || CSVText.line([cell]).hasPrefix("\"'"))
        #expect(CSVText.line(["-12.5"]) == "-12.5")
    }

    @Test("can't redraw the terminal from inside a table")
    func controlCharacters() async throws {
        let answer = OperationAnswer.value([["a": "x\u{1B}[2Jy\nz"]], columns: ["a"])
        let text = try await rendered(answer, .table)
        #expect(!text.contains("\u{1B}"))
        #expect(text.split(separator: "\n").count == 2)
    }
}
