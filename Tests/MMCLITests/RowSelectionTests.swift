import MMCore
import MMOperations
import Testing

@testable import MMCLI

@Suite("Selected columns and order", .timeLimit(.minutes(5)))
struct RowSelectionTests {
    private static let rows: JSONValue = [
        "@odata.context": "c",
        "value": [
            ["name": "b", "size": 10, "by": ["user": ["displayName": "Ada"]]],
            ["name": "A", "size": 9, "by": ["user": ["displayName": "Grace"]]], ["name": "c", "size": nil],
        ],
    ]

    private func rendered(_ answer: OperationAnswer, _ form: AnswerForm) async throws -> String {
        let written = Mutex<[UInt8]>([])
        try await AnswerRenderer(form) { (bytes) throws(MMError) in written.withLock { $0 += bytes } }.render(answer)
        return String(decoding: written.withLock { $0 }, as: UTF8.self)
    }

    @Test(
        "apply to every format",
        arguments: [
            (.csv, "size,by.user.displayName\n9,Grace\n10,Ada\n,\n"),
            (.text, "9\tGrace\n10\tAda\n\t\n"),
            (
                .jsonl,
                #"{"size":9,"by.user.displayName":"Grace"}"# + "\n" + #"{"size":10,"by.user.displayName":"Ada"}"# + "\n"
                    + #"{"size":null,"by.user.displayName":null}"# + "\n"
            ),
            (.table, "SIZE  BY.USER.DISPLAYNAME\n 9 B  Grace\n10 B  Ada\n\n"),
        ] as [(GlobalOptions.Format, String)])
    func formats(format: GlobalOptions.Format, text: String) async throws {
        let form = AnswerForm(
            format: format, columns: ["Size", "by.user.displayname"], order: try RowOrder("size"))
        #expect(try await rendered(.value(Self.rows), form) == text)
    }

    @Test("leave the members around the rows in JSON unchanged")
    func around() async throws {
        let form = AnswerForm(format: .json, columns: ["name"], order: try RowOrder("-name"))
        let shown = try JSONParser.parse(try await rendered(.value(Self.rows), form))
        #expect(shown == ["@odata.context": "c", "value": [["name": "c"], ["name": "b"], ["name": "A"]]])
    }

    @Test("don't change the usual format: JSON for programs, a table on a screen, for one page and for a long list")
    func usualFormat() async throws {
        let lines = [#"{"name":"b","size":10}"#, #"{"name":"A","size":9}"#].map { ArraySlice($0.utf8) }
        let orders: [RowOrder?] = [nil, try RowOrder("name")]
        for order in orders {
            let list = OperationAnswer(.items(ItemStream(startingWith: lines) { nil }))
            for answer in [OperationAnswer.value(Self.rows), list] {
                let piped = try await rendered(answer, AnswerForm(format: nil, columns: ["name"], order: order))
                let shown = try JSONParser.parse(piped)
                #expect((shown["value"] ?? shown).array?.first?.object?.keys == ["name"], "\(piped)")
            }
            let screen = AnswerForm(format: nil, columns: ["name"], order: order, width: 80)
            #expect(try await rendered(.value(Self.rows), screen).hasPrefix("NAME"))
        }
    }

    @Test("apply to long lists", arguments: [GlobalOptions.Format.csv, .jsonl])
    func streams(format: GlobalOptions.Format) async throws {
        func answer() -> OperationAnswer {
            let batches = Mutex<[[ArraySlice<UInt8>]]>([
                [ArraySlice(#"{"n":3,"m":1}"#.utf8)], [ArraySlice(#"{"n":1,"m":2}"#.utf8)],
            ])
            return OperationAnswer(
                .items(ItemStream { () throws(MMError) in batches.withLock { $0.isEmpty ? nil : $0.removeFirst() } }))
        }
        let chosen = try await rendered(answer(), AnswerForm(format: format, columns: ["n"]))
        #expect(chosen == (format == .csv ? "n\n3\n1\n" : "{\"n\":3}\n{\"n\":1}\n"))
        let sorted = try await rendered(answer(), AnswerForm(format: format, columns: ["n"], order: try RowOrder("n")))
        #expect(sorted == (format == .csv ? "n\n1\n3\n" : "{\"n\":1}\n{\"n\":3}\n"))
    }

    @Test("an object that has the first column itself is the row, whatever lists it holds")
    func ownRow() async throws {
        let forecast: JSONValue = ["request": "PATCH /users/x", "lines": [["a": 1]], "verdict": "ask"]
        let answer = OperationAnswer.value(forecast, columns: ["request", "verdict"])
        #expect(try await rendered(answer, AnswerForm(format: .csv)) == "request,verdict\nPATCH /users/x,ask\n")
        #expect(try await rendered(answer, AnswerForm(format: .table)).contains("PATCH /users/x"))
    }

    @Test("suggest similar columns if no row has the given one", arguments: [["siez"], ["by.user.displayNam"]])
    func unknown(columns: [String]) async throws {
        let error = await #expect(throws: MMError.self) {
            _ = try await rendered(.value(Self.rows), AnswerForm(format: .csv, columns: columns))
        }
        #expect(error?.code == .invalidInput)
        let message = try #require(error?.message)
        #expect(message.contains(columns[0]))
        #expect(error?.hint != nil)
    }

    @Test("tell how to ask for further properties where the operation can", arguments: ["--query", nil])
    func request(flag: String?) async throws {
        let error = await #expect(throws: MMError.self) {
            _ = try await rendered(
                .value(Self.rows), AnswerForm(format: .csv, columns: ["department"], queryFlag: flag))
        }
        let hint = try #require(error?.hint)
        #expect(hint.contains("The rows have name, size, by."))
        let offersMore = hint.contains("--query '$select=…'")
        #expect(offersMore == (flag != nil))
    }

    @Test("sort texts without regard to case, numbers by size, and missing values last", arguments: [false, true])
    func order(isDescending: Bool) throws {
        let order = RowOrder(column: "v", isDescending: isDescending)
        let rows: [JSONValue] = [["v": "b"], ["v": nil], ["v": 10], ["v": "A"], ["v": 9], [:]]
        let sorted = order.sorted(rows)
        let ascending: [JSONValue] = [["v": 9], ["v": 10], ["v": "A"], ["v": "b"]]
        #expect(Array(sorted.prefix(4)) == (isDescending ? ascending.reversed() : ascending))
        #expect(Array(sorted.suffix(2)) == [["v": nil], [:]])
    }

    @Test(
        "sort sizes by their bytes, and names by their letters before their accents",
        arguments: [
            ["998.7 MB (1,047,212,032 bytes)", "2.91 GB (3,124,567,890 bytes)", "Unlimited"],
            ["Ada", "\u{C5}ke", "Eva", "Łukasz", "Lund", "O\u{308}zil", "Zoë"],
            ["resume", "résumé", "Résumés"],
            ["Zoë", "Жанна", "李"],
        ])
    func letters(texts: [String]) throws {
        let rows = texts.map { ["v": .string($0)] as JSONValue }
        #expect(RowOrder(column: "v", isDescending: false).sorted(rows.reversed()) == rows)
    }

    @Test("each letter with an accent has one without")
    func baseLetters() {
        #expect(BaseLetters.of("éÿĀıŁłŃŋōœřšţųŵÿžſ×÷ßþ") == "eyaillnnoorstuwyzs×÷st")
    }

    @Test("are refused if no column is named", arguments: ["", "-"])
    func empty(text: String) {
        #expect(throws: MMError.self) { _ = try RowOrder(text) }
    }
}
