import MMCore
import Testing

@testable import MMOperations

@Suite("Arguments declared where their values stand", .timeLimit(.minutes(5)))
struct ArgumentTests {
    private enum Engine: String, CaseIterable, ArgumentValue {
        case native, pwsh
    }

    /// Arguments that several inputs have.
    private struct Files: OperationInput {
        @Argument("report", "Where to.", .notForModels) var report: String?
        @Argument("log", "Where else.") var log: String?

        func check() throws(MMError) {
            guard report == nil || report != log else { throw MMError(.invalidInput, "`log` is the report.") }
        }
    }

    /// One argument of each form.
    private struct Sample: OperationInput {
        @Argument("name", "Who.", .at(0), .readsFiles, .namesFile, .tellsFile(in: "log")) var name: String
        @Argument("note", "Why.", .short("n"), .mayBeEmpty) var note: String?
        @Argument("form", "How it looks.", of: ["json", "text"]) var form = "json"
        @Argument("side", "Which side.", .notOnCommandLine, of: ["left", "right"]) var side: String?
        @Argument("engine", "By what.") var engine: Engine?
        @Argument("other", "By what else.") var other = Engine.pwsh
        @Argument("all", "Whether.") var isForAll: Bool
        @Argument("top", "How many.", in: 1...10) var top: Int?
        @Argument("last", "How many of the last.", in: 1...100) var last = 50
        @Argument("body", "What.", .readsInput(unless: ["name"])) var body: JSONObject?
        @Argument("tags", "Under which.", .required) var tags: [String]
        @Argument("query", "Which.") var query: [(name: String, value: String)]
        @Argument("param", "With what.") var parameters: [(name: String, value: JSONValue)]
        @Argument("calls", "What else.") var calls: [(tool: String, arguments: JSONObject)]
        var files = Files()
        @Argument("since", "From when.", as: ArgumentTests.minutes) var since: Int?
        @Argument("sizes", "How large.", asAll: ArgumentTests.sizes) var sizes: [Int] = []
        @Argument(
            [InputField("rows", .integer(1...9), "How high."), InputField("columns", .integer(1...9), "How wide.")],
            absent: 24, reading: ArgumentTests.area)
        var area: Int
        @Argument(InputField.connection.with(.orSeveral)) var connection: String?

        func check() throws(MMError) { try files.check() }
    }

    private static func minutes(_ text: String) throws(MMError) -> Int {
        guard text.hasSuffix("m"), let count = Int(text.dropLast()) else {
            throw MMError(.invalidInput, "`since` is a number with m.")
        }
        return count
    }

    private static func sizes(_ texts: [String]) throws(MMError) -> [Int] { texts.map(\.count) }

    private static func area(_ reader: InputReader) throws(MMError) -> Int? {
        guard let rows = try reader.integer("rows") else { return nil }
        return rows * (try reader.integer("columns") ?? 1)
    }

    private func input<Input: OperationInput>(_ type: Input.Type, _ arguments: JSONObject) throws(MMError) -> Input {
        try Input(from: InputReader(operation: "test", arguments: arguments, fields: Input.fields))
    }

    private func error<Input: OperationInput>(_ type: Input.Type, _ arguments: JSONObject) -> String? {
        do throws(MMError) {
            _ = try input(type, arguments)
            return nil
        } catch {
            return error.message
        }
    }

    @Test("are the fields of the operation, in the order of the declarations, those of a part where it stands")
    func order() {
        #expect(
            Sample.fields.map(\.name) == [
                "name", "note", "form", "side", "engine", "other", "all", "top", "last", "body", "tags", "query",
                "param", "calls", "report", "log", "since", "sizes", "rows", "columns", "connection",
            ])
    }

    @Test("take what their types say")
    func kinds() {
        let kinds: [InputField.Kind] = [
            .text, .text, .choice(["json", "text"]), .choice(["left", "right"]), .choice(["native", "pwsh"]),
            .choice(["native", "pwsh"]), .flag, .integer(1...10), .integer(1...100), .object, .textList, .parameters,
            .arguments, .calls, .text, .text, .text, .textList, .integer(1...9), .integer(1...9), .text,
        ]
        #expect(Sample.fields.map(\.kind) == kinds)
    }

    @Test("are required where the type has neither ? nor a default, or says so")
    func required() {
        #expect(Sample.fields.filter(\.isRequired).map(\.name) == ["name", "tags"])
    }

    @Test("have the traits that are written behind their summaries")
    func traits() throws {
        let fields = Sample.fields
        func field(_ name: String) throws -> InputField { try #require(fields.first { $0.name == name }) }
        let name = try field("name")
        #expect(name.placement == .positional(0))
        #expect(name.readsFiles && name.namesFile)
        #expect(name.nameOfFile == "log")
        #expect(try field("note").placement == .option("n"))
        #expect(try field("note").mayBeEmpty)
        #expect(try field("side").placement == .absent)
        #expect(try field("body").readsInputUnless == ["name"])
        #expect(try !field("report").isOfferedToModels)
        #expect(try field("connection").otherFlags == ["--connections"])
        let plain = try field("log")
        #expect(plain.placement == .option(nil))
        #expect(plain.isOfferedToModels)
        #expect(!plain.readsFiles && !plain.namesFile && !plain.mayBeEmpty)
    }

    @Test("hold what a call gives")
    func given() throws {
        let sample = try input(
            Sample.self,
            [
                "name": "Ada", "note": "because", "form": "TEXT", "side": "left", "engine": "native", "other": "native",
                "all": true, "top": 3, "last": "7", "body": ["a": 1], "tags": ["u", "v"], "query": "x=1&y=2",
                "param": ["n": [1, 2]], "calls": [["tool": "run", "arguments": ["b": 2]]], "report": "r", "log": "l",
                "since": "10m", "sizes": ["abc", "d"], "rows": 4, "columns": 5, "connection": "C",
            ])
        #expect(sample.name == "Ada")
        #expect(sample.note == "because")
        #expect(sample.form == "text")
        #expect(sample.side == "left")
        #expect(sample.engine == .native)
        #expect(sample.other == .native)
        #expect(sample.isForAll)
        #expect(sample.top == 3)
        #expect(sample.last == 7)
        #expect(sample.body == ["a": 1])
        #expect(sample.tags == ["u", "v"])
        #expect(sample.query.map { $0.name + $0.value } == ["x1", "y2"])
        #expect(sample.parameters.map(\.value) == [[1, 2]])
        #expect(sample.calls.map(\.tool) == ["run"])
        #expect(sample.calls.map(\.arguments) == [["b": 2]])
        #expect(sample.files.report == "r")
        #expect(sample.files.log == "l")
        #expect(sample.since == 10)
        #expect(sample.sizes == [3, 1])
        #expect(sample.area == 20)
        #expect(sample.connection == "C")
    }

    @Test("are empty, or what the declaration says, where a call leaves them out")
    func absent() throws {
        let sample = try input(Sample.self, ["name": "Ada", "tags": "u"])
        #expect(sample.note == nil)
        #expect(sample.form == "json")
        #expect(sample.side == nil)
        #expect(sample.engine == nil)
        #expect(sample.other == .pwsh)
        #expect(!sample.isForAll)
        #expect(sample.top == nil)
        #expect(sample.last == 50)
        #expect(sample.body == nil)
        #expect(sample.tags == ["u"])
        #expect(sample.query.isEmpty && sample.parameters.isEmpty && sample.calls.isEmpty)
        #expect(sample.files.report == nil)
        #expect(sample.since == nil)
        #expect(sample.sizes.isEmpty)
        #expect(sample.area == 24)
        #expect(sample.connection == nil)
    }

    @Test(
        "refuse what they can't be, by name",
        arguments: [
            (["tags": "u"], "test needs the argument `name`."), (["name": "Ada"], "test needs the argument `tags`."),
            (["name": 1, "tags": "u"], "`name` of test must be a string, not a number."),
            (["name": "Ada", "tags": "u", "top": 11], "`top` of test is 11."),
            (["name": "Ada", "tags": "u", "engine": "bash"], "`engine` of test can't be `bash`."),
            (["name": "Ada", "tags": "u", "since": "10h"], "`since` is a number with m."),
            (["name": "Ada", "tags": "u", "nmae": "x"], "test has no argument `nmae`. Did you mean `name`?"),
            (["name": "Ada", "tags": "u", "report": "f", "log": "f"], "`log` is the report."),
        ] as [(JSONObject, String)])
    func refused(_ arguments: JSONObject, _ message: String) {
        #expect(error(Sample.self, arguments)?.hasPrefix(message) == true)
    }

    @Test(
        "tell programs which one is wrong, and people what it is for or may be",
        arguments: [
            (["tags": "u"], "name", "name: "), (["name": 1, "tags": "u"], "name", "name: "),
            (["name": "A\0", "tags": "u"], "name", "Remove it."),
            (["name": "Ada", "tags": "u", "top": 11], "top", "between 1 and 10"),
            (["name": "Ada", "tags": "u", "top": 2.5], "top", "top: "),
            (["name": "Ada", "tags": "u", "engine": "bash"], "engine", "It is one of"),
            (["name": "Ada", "tags": "u", "nmae": "x"], "nmae", "Its arguments are"),
        ] as [(JSONObject, String, String)])
    func place(_ arguments: JSONObject, field: String, remedy: String) {
        let error = #expect(throws: MMError.self) {
            try Sample(from: try InputReader(operation: "test", arguments: arguments, fields: Sample.fields))
        }
        #expect(error?.details["field"] == .string(field))
        #expect(error?.hint?.contains(remedy) == true, "\(error?.hint ?? "none")")
    }

    @Test("of a number that isn't whole are told the number")
    func fraction() {
        #expect(
            error(Sample.self, ["name": "Ada", "tags": "u", "top": 2.5])
                == "`top` of test must be a whole number, not 2.5.")
    }

    @Test("that an operation doesn't take are refused plainly where it takes none")
    func none() {
        let error = #expect(throws: MMError.self) {
            try InputReader(operation: "test", arguments: ["name": "Ada"], fields: [])
        }
        #expect(error?.hint == "It takes none.")
    }

    @Test("of several faults the first declared one is told, and nothing behind it is read")
    func firstFault() {
        struct Faulty: OperationInput {
            @Argument("top", "How many.", in: 1...10) var top: Int?
            @Argument("since", "From when.", as: ArgumentTests.noted) var since: String?
            @Argument("last", "How many.", in: 1...10) var last: Int?

            func check() throws(MMError) { throw MMError(.internalError, "It was checked.") }
        }
        Self.seen.withLock { $0 = [] }
        #expect(error(Faulty.self, ["last": 12, "since": "x", "top": 11]) == "`top` of test is 11.")
        #expect(Self.seen.withLock { $0 }.isEmpty)
        #expect(error(Faulty.self, ["last": 12, "since": "x"]) == "`last` of test is 12.")
        #expect(Self.seen.withLock { $0 } == ["x"])
        #expect(error(Faulty.self, ["last": 2]) == "It was checked.")
    }

    private static let seen = Mutex<[String]>([])

    private static func noted(_ text: String) throws(MMError) -> String {
        seen.withLock { $0.append(text) }
        return text
    }

    @Test("an input that is made while another one is read takes nothing from that call")
    func apart() throws {
        struct Outer: OperationInput {
            @Argument("report", "Where to.", as: ArgumentTests.described) var report: Int?
            @Argument("log", "Where else.") var log: String?
        }
        let outer = try input(Outer.self, ["report": "f", "log": "f"])
        #expect(outer.report == 2)
        #expect(outer.log == "f")
        #expect(Outer.fields.map(\.name) == ["report", "log"])
    }

    private static func described(_ text: String) throws(MMError) -> Int { Files.fields.count }
}
