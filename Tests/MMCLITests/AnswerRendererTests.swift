import MMCore
import MMOperations
import Testing

@testable import MMCLI

@Suite("Answers on a terminal", .timeLimit(.minutes(5)))
struct AnswerRendererTests {
    private static let users: JSONValue = [
        "value": [
            ["displayName": "Ada Lovelace", "mail": "ada@contoso.example", "businessPhones": ["1", "2"]],
            ["displayName": "王 芳", "mail": nil, "businessPhones": []],
        ]
    ]

    private func rendered(
        _ answer: OperationAnswer, _ format: GlobalOptions.Format?, width: Int? = nil
    ) async throws -> String {
        let written = Mutex<[UInt8]>([])
        try await AnswerRenderer(AnswerForm(format: format, width: width)) { (bytes) throws(MMError) in
            written.withLock { $0 += bytes }
        }
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
            (.tsv, "Ada Lovelace\tada@contoso.example\t1, 2\n王 芳\t\t\n"),
            (
                .md,
                "| displayName | mail | businessPhones |\n| --- | --- | --- |\n| Ada Lovelace | ada@contoso.example | 1, 2 |\n"
                    + "| 王 芳 |  |  |\n"
            ),
            (
                .yaml,
                "value:\n- displayName: Ada Lovelace\n  mail: ada@contoso.example\n  businessPhones:\n  - \"1\"\n  - \"2\"\n"
                    + "- displayName: \"王 芳\"\n  mail: null\n  businessPhones: []\n"
            ),
        ] as [(GlobalOptions.Format, String)])
    func formats(format: GlobalOptions.Format, text: String) async throws {
        let answer = OperationAnswer.value(Self.users, columns: ["displayName", "mail", "businessPhones"])
        #expect(try await rendered(answer, format) == text)
    }

    @Test("a column that doesn't exist is refused before anything is written", arguments: GlobalOptions.Format.allCases)
    func noColumn(format: GlobalOptions.Format) async {
        let batches = Mutex<[[ArraySlice<UInt8>]]>([[ArraySlice(#"{"name":1}"#.utf8)]])
        let stream = ItemStream { () throws(MMError) in batches.withLock { $0.popLast() } }
        let written = Mutex(0)
        let error = await #expect(throws: MMError.self) {
            try await AnswerRenderer(AnswerForm(format: format, columns: ["nmae"])) { (bytes) throws(MMError) in
                written.withLock { $0 += bytes.count }
            }
            .render(OperationAnswer(.items(stream)))
        }
        #expect(error?.hint == "Did you mean name?" && written.withLock { $0 } == 0)
    }

    @Test(
        "that are long lists are written batch by batch",
        arguments: [GlobalOptions.Format.json, .jsonl, .csv, .table, .tsv, .yaml, .md])
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
        case .tsv: #expect(text == "1\n2\n3\n")
        case .yaml: #expect(text == "- \"n\": 1\n- \"n\": 2\n- \"n\": 3\n")
        case .md: #expect(text == "| n |\n| --- |\n| 1 |\n| 2 |\n| 3 |\n")
        default: #expect(text == "N\n1\n2\n3\n")
        }
    }

    @Test(
        "rows that wait to be written are left out once the command is stopped",
        arguments: GlobalOptions.Format.allCases)
    func stopped(format: GlobalOptions.Format) async throws {
        let rest = Mutex(20)
        let stream = ItemStream { () throws(MMError) in
            rest.withLock { rest in
                rest -= 1
                return rest < 0 ? nil : [ArraySlice(#"{"n":1}"#.utf8)]
            }
        }
        let work = Task {
            try await AnswerRenderer(AnswerForm(format: format)) { (_: [UInt8]) throws(MMError) in
                withUnsafeCurrentTask { $0?.cancel() }
            }
            .render(OperationAnswer(.items(stream)))
        }
        await #expect { try await work.value } throws: { ($0 as? MMError)?.code == .cancelled }
        #expect(rest.withLock { $0 } >= 18)
    }

    @Test("a long answer is left out from where the command is stopped")
    func stoppedLong() async throws {
        let written = Mutex(0)
        let rows: JSONValue = .array(Array(repeating: ["n": .string(String(repeating: "x", count: 100))], count: 5000))
        let work = Task {
            try await AnswerRenderer(AnswerForm(format: .csv)) { (bytes) throws(MMError) in
                written.withLock { $0 += bytes.count }
                withUnsafeCurrentTask { $0?.cancel() }
            }
            .render(.value(rows))
        }
        await #expect { try await work.value } throws: { ($0 as? MMError)?.code == .cancelled }
        #expect(written.withLock { $0 } < 100_000)
    }

    @Test("lists are tables on a screen, single objects are JSON, and so is everything for a program")
    func onScreen() async throws {
        let list: JSONValue = ["value": [["id": "1"], ["id": "2"]]]
        #expect(try await rendered(.value(list), nil, width: 80) == "ID\n1\n2\n")
        #expect(try await rendered(.value(list), nil).hasPrefix("{"))
        #expect(try await rendered(.value(["id": "1"]), nil, width: 80).hasPrefix("{"))
        #expect(try await rendered(.value([1, 2]), nil, width: 80).hasPrefix("["))
        for (width, text) in [(80, "N\n1\n"), (nil, "[\n{\"n\":1}\n]\n")] as [(Int?, String)] {
            let batches = Mutex<[[ArraySlice<UInt8>]]>([[ArraySlice(#"{"n":1}"#.utf8)]])
            let stream = ItemStream { () throws(MMError) in batches.withLock { $0.popLast() } }
            #expect(try await rendered(OperationAnswer(.items(stream)), nil, width: width) == text)
        }
    }

    @Test(
        "texts stay texts in YAML, even if YAML would read another type",
        arguments: [
            "yes", "null", "1.5", "a: b", "- x", "#", "", " a", "a ", "@at", "true", "x\ny", "0x1F", "2026-01-01", "~",
        ])
    func yamlTexts(text: String) throws {
        let lines = YAMLText.lines(of: ["key": .string(text)])
        #expect(lines == ["key: " + JSONWriter.string(.string(text))])
    }

    @Test(
        "what YAML can't contain is escaped",
        arguments: [
            ("a\u{7F}b", #""a\u007fb""#), ("\u{85}", #""\u0085""#), ("\u{9B}2J", #""\u009b2J""#),
            ("a\u{2028}\u{2029}", #""a\u2028\u2029""#), ("\u{FFFE}\u{FFFF}", #""\ufffe\uffff""#),
            ("ü 王\u{A0}", "\"ü 王\u{A0}\""), ("\u{1F600}", "\"\u{1F600}\""),
        ])
    func yamlEscapes(text: String, written: String) {
        #expect(YAMLText.lines(of: .string(text)) == [written])
        let object: JSONObject = [text: 1]
        #expect(YAMLText.lines(of: .object(object)) == ["\(written): 1"])
    }

    @Test("an empty list is one in YAML, and a row of one empty cell is one in CSV")
    func emptyRows() async throws {
        let nothing = ItemStream { () throws(MMError) in nil }
        #expect(try await rendered(OperationAnswer(.items(nothing)), .yaml) == "[]\n")
        #expect(try await rendered(.value([["a": "x"], ["a": ""]]), .csv) == "a\nx\n\"\"\n")
        #expect(CSVText.line(["", ""]) == ",")
    }

    @Test("Markdown keeps the cells of a table together")
    func markdownCells() { #expect(MarkdownTable.line(["a|b", "c\nd"]) == "| a\\|b | c<br>d |") }

    private static let user: JSONValue = [
        "displayName": "Ada", "businessPhones": ["1", "2"], "manager": ["displayName": "Bob"],
    ]

    @Test(
        "one object is shown completely, even if it contains a list",
        arguments: [
            (.csv, "displayName,businessPhones,manager\nAda,\"1, 2\",\"{\"\"displayName\"\":\"\"Bob\"\"}\"\n"),
            (.jsonl, #"{"displayName":"Ada","businessPhones":["1","2"],"manager":{"displayName":"Bob"}}"# + "\n"),
        ] as [(GlobalOptions.Format, String)])
    func oneObject(format: GlobalOptions.Format, text: String) async throws {
        #expect(try await rendered(.value(Self.user), format) == text)
    }

    @Test("one object is shown as names and values", arguments: [GlobalOptions.Format.table, .text])
    func oneObjectInWords(format: GlobalOptions.Format) async throws {
        let text = try await rendered(.value(Self.user), format)
        for word in ["displayName", "Ada", "businessPhones", "manager", "Bob"] {
            #expect(text.contains(word), "\(text)")
        }
    }

    @Test(
        "an empty list is said in words on a screen and has its header in a pipe",
        arguments: [
            ([], 80, "", ["There is nothing to show."]), (["There are no plans."], 80, "", []), ([], nil, "A  B\n", []),
        ] as [([String], Int?, String, [String])])
    func emptyList(notes: [String], width: Int?, due: String, said: [String]) async throws {
        for value: JSONValue in [.array([]), ["rows": []]] {
            let answer = OperationAnswer.value(value, notes: notes, columns: ["a", "b"])
            let (text, heard) = try await self.notes(answer, nil, width: width)
            #expect(text == due && heard == said, "\(text)")
        }
    }

    /// A format's note about what it leaves out.
    private func notes(
        _ answer: OperationAnswer, _ format: GlobalOptions.Format?, width: Int? = nil
    ) async throws -> (String, [String]) {
        let notes = Mutex<[String]>([])
        let text = Mutex<[UInt8]>([])
        let form = AnswerForm(format: format, width: width)
        try await AnswerRenderer(form, note: { note in notes.withLock { $0.append(note) } }) {
            (bytes) throws(MMError) in text.withLock { $0 += bytes }
        }.render(answer)
        return (String(decoding: text.withLock { $0 }, as: UTF8.self), notes.withLock { $0 })
    }

    @Test("CSV drops no column; a table counts the columns that don't fit")
    func nested() async throws {
        let rows: JSONValue = [["id": 1, "licences": [["sku": "E5"]], "activity": ["last": "today"]], ["id": 2]]
        let (csv, unsaid) = try await notes(.value(rows), .csv)
        #expect(csv == "id,licences,activity\n1,\"[{\"\"sku\"\":\"\"E5\"\"}]\",\"{\"\"last\"\":\"\"today\"\"}\"\n2,,\n")
        #expect(unsaid.count == 1 && unsaid[0].contains("JSON: licences, activity"))
        let (table, said) = try await notes(.value(rows), .table)
        #expect(table == "ID\n 1\n 2\n")
        #expect(said.count == 1 && said[0].contains("2 more columns") && said[0].contains("licences"))
    }

    @Test(
        "formats that don't show the next link say that there is a next page",
        arguments: [GlobalOptions.Format.csv, .table, .jsonl])
    func nextPage(format: GlobalOptions.Format) async throws {
        let page = #"{"value":[{"id":1}],"@odata.nextLink":"https://graph.microsoft.com/v1.0/users?$skiptoken=x"}"#
        let (_, said) = try await notes(OperationAnswer(.json(Array(page.utf8))), format)
        #expect(said.contains { $0.contains("--all") })
        let (_, nothing) = try await notes(OperationAnswer(.json(Array(page.utf8))), .json)
        #expect(nothing == [])
    }

    @Test("values in a long list that exceed its first columns are counted")
    func laterColumns() async throws {
        let batches = Mutex<[[ArraySlice<UInt8>]]>([
            [ArraySlice(#"{"a":1}"#.utf8)], [ArraySlice(#"{"a":2,"b":3}"#.utf8), ArraySlice(#"{"a":4}"#.utf8)],
        ])
        let stream = ItemStream { () throws(MMError) in batches.withLock { $0.isEmpty ? nil : $0.removeFirst() } }
        let (text, said) = try await notes(OperationAnswer(.items(stream)), .csv)
        #expect(text == "a\n1\n2\n4\n")
        #expect(said.count == 1 && said[0].hasPrefix("1 row has properties"))
    }

    @Test("JSON Lines has one line per row, whatever the layout of the service")
    func jsonLines() async throws {
        let item = ArraySlice("{\n  \"a\": 1,\n  \"b\": [\n 2 ]\n}".utf8)
        let batches = Mutex<[[ArraySlice<UInt8>]]>([[item, item]])
        let stream = ItemStream { () throws(MMError) in batches.withLock { $0.isEmpty ? nil : $0.removeFirst() } }
        #expect(
            try await rendered(OperationAnswer(.items(stream)), .jsonl) == "{\"a\":1,\"b\":[2]}\n{\"a\":1,\"b\":[2]}\n")
    }

    @Test("JSON has one member per line on a screen, and is passed on unchanged to a program")
    func screens() async throws {
        func stream() -> ItemStream {
            let item = ArraySlice(#"{"a":1,"b":[2.5]}"#.utf8)
            let batches = Mutex<[[ArraySlice<UInt8>]]>([[item], [item]])
            return ItemStream { () throws(MMError) in batches.withLock { $0.isEmpty ? nil : $0.removeFirst() } }
        }
        let indented = "  {\n    \"a\": 1,\n    \"b\": [\n      2.5\n    ]\n  }"
        #expect(
            try await rendered(OperationAnswer(.items(stream())), .json, width: 80)
                == "[\n\(indented),\n\(indented)\n]\n")
        #expect(
            try await rendered(OperationAnswer(.items(stream())), nil)
                == "[\n{\"a\":1,\"b\":[2.5]},\n{\"a\":1,\"b\":[2.5]}\n]\n")
    }

    @Test("a spreadsheet can't run cells as formulas", arguments: ["=1+1", "+cmd", "-x", "@sum", "\ttab"])
    func formulas(cell: String) {
        #expect(CSVText.line([cell]).hasPrefix("'") || CSVText.line([cell]).hasPrefix("\"'"))
        #expect(CSVText.line(["-12.5"]) == "-12.5")
    }

    @Test("a table can't contain control sequences for the terminal")
    func controlCharacters() async throws {
        let answer = OperationAnswer.value([["a": "x\u{1B}[2Jy\nz"]], columns: ["a"])
        let text = try await rendered(answer, .table)
        #expect(!text.contains("\u{1B}"))
        #expect(text.split(separator: "\n").count == 2)
    }
}
