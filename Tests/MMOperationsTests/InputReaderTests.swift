import MMCore
import Testing

@testable import MMOperations

@Suite("Arguments of a call", .timeLimit(.minutes(5)))
struct InputReaderTests {
    private static let fields: [InputField] = [
        InputField("name", .text, "Who.", .required),
        InputField("method", .choice(["GET", "POST"]), "How."),
        InputField("top", .integer(1...10), "How many."),
        InputField("all", .flag, "Whether."),
        InputField("body", .object, "What."),
        InputField("query", .parameters, "Which."),
        InputField("tags", .textList, "Under which."),
        InputField("param", .arguments, "With what."),
        InputField("calls", .calls, "Which calls."),
    ]

    private func reader(_ arguments: JSONObject) throws(MMError) -> InputReader {
        try InputReader(operation: "test", arguments: arguments, fields: Self.fields)
    }

    @Test("a text that is empty is as good as none")
    func empty() throws {
        let given = try reader(["name": "x", "body": .null, "method": ""])
        #expect(try given.text("method") == nil)
    }

    @Test(
        "calls keep their arguments, however a model writes them",
        arguments: [
            [["tool": "run", "arguments": ["a": 1]]], ["tool": "run", "arguments": ["a": 1]],
            [["operation": "run", "arguments": "{\"a\": 1}"]],
        ] as [JSONValue])
    func calls(written: JSONValue) throws {
        let calls = try reader(["name": "x", "calls": written]).calls("calls")
        #expect(calls.map(\.tool) == ["run"] && calls.map(\.arguments) == [["a": 1]])
    }

    @Test(
        "a call needs no arguments",
        arguments: [["tool": "drift"], ["tool": "drift", "arguments": nil]] as [JSONValue])
    func callWithoutArguments(written: JSONValue) throws {
        let calls = try reader(["name": "x", "calls": [written]]).calls("calls")
        #expect(calls.map(\.tool) == ["drift"] && calls.map(\.arguments) == [[:]])
    }

    @Test(
        "what is no call is refused rather than read as one without arguments",
        arguments: [
            (["tool": "run", "connection": "C"], "Call 2 of `calls` has `connection` beside its `tool`"),
            (["name": "run", "arguments": [:]], "Call 2 of `calls` doesn't name its `tool`."),
            (["tool": "run", "arguments": "a"], "`calls.arguments` of test isn't a JSON object"),
            (["tool": "run", "arguments": [1]], "`calls.arguments` of test must be a JSON object, not an array."),
            ("run", "`calls` of test must be a list of calls, each with its `tool` and `arguments`, not a string."),
        ] as [(JSONValue, String)])
    func noCalls(written: JSONValue, says: String) throws {
        let error = #expect(throws: MMError.self) {
            try reader(["name": "x", "calls": [["tool": "run"], written]]).calls("calls")
        }
        #expect(error?.code == .invalidInput && error?.message.hasPrefix(says) == true, "\(error as Any)")
        #expect(error?.details["field"] == "calls")
    }

    @Test("a script without its connection is told so, where the module's word stands in its place")
    func moduleFirst() throws {
        func error(_ arguments: JSONObject) -> MMError? {
            #expect(throws: MMError.self) {
                try RunInput(from: try InputReader(operation: "run", arguments: arguments, fields: RunInput.fields))
            }
        }
        #expect(
            error(["connection": "exo", "module": "Get-Mailbox"])?.message
                == "The connection is missing: “exo” is a module.")
        #expect(error(["connection": "C", "module": "ex"])?.message.contains("Did you mean `exo`?") == true)
        #expect(error(["connection": "C"])?.message == "The argument `command` is missing.")
    }

    @Test(
        "are answered with the nearest known name: by spelling, else by what callers call the same",
        arguments: [
            ("endpiont", "endpoint"), ("path", "endpoint"), ("url", "endpoint"), ("Tenant", "connection"),
            ("limit", "top"), ("payload", "body"), ("--path", "--endpoint"), ("--http-method", "--method"),
            ("zzqqxx", nil),
        ] as [(String, String?)])
    func nearest(_ written: String, _ meant: String?) {
        let names = ["batch", "endpoint", "connection", "top", "body", "method"]
        let known = written.hasPrefix("--") ? names.map { "--" + $0 } : names
        #expect(ArgumentNames.meant(by: written, among: known) == meant)
    }

    @Test("are read as declared")
    func values() throws {
        let input = try reader([
            "name": "x", "method": "post", "top": 3, "all": true, "body": ["a": 1], "query": ["$top": 5, "b": true],
            "tags": ["u", "v"],
        ])
        #expect(try input.text("name") == "x")
        #expect(try input.text("method") == "POST")
        #expect(try input.integer("top") == 3)
        #expect(try input.flag("all"))
        #expect(try input.object("body") == ["a": 1])
        #expect(try input.parameters("query").map(\.value) == ["5", "true"])
        #expect(try input.textList("tags") == ["u", "v"])
    }

    @Test("for a script's parameters keep their kind, and a name that stands several times has a list")
    func arguments() throws {
        let given = try reader(["name": "x", "param": ["A": 1, "B": ["u", "v"], "C": true, "a": "2"]]).arguments(
            "param")
        #expect(given.map(\.name) == ["A", "B", "C"])
        #expect(given.map(\.value) == [[1, "2"], ["u", "v"], true])
        let text = try reader(["name": "x", "param": "A=1&Force&A=b=c"]).arguments("param")
        #expect(text.map(\.name) == ["A", "Force"])
        #expect(text.map(\.value) == [["1", "b=c"], true])
    }

    @Test("may be written as models write them")
    func lenient() throws {
        let input = try reader([
            "name": "x", "top": "3", "all": "true", "body": "{\"a\":1}", "query": "$top=5&$select=id,mail", "tags": "u",
        ])
        #expect(try input.integer("top") == 3)
        #expect(try input.flag("all"))
        #expect(try input.object("body") == ["a": 1])
        #expect(try input.parameters("query").map(\.name) == ["$top", "$select"])
        #expect(try input.textList("tags") == ["u"])
    }

    @Test(
        "a boolean may be written as a text in any case", arguments: [("True", true), ("FALSE", false), ("yes", nil)])
    func booleans(written: String, flag: Bool?) {
        #expect(flag == (try? reader(["name": "x", "all": .string(written)]).flag("all")))
    }

    @Test("objects of any members say so in their schemas: clients close those that don't, and none could be sent")
    func openObjects() {
        for name in ["body", "query", "param"] {
            #expect(Self.fields.first { $0.name == name }?.schema["additionalProperties"] == true, "\(name)")
        }
        #expect(Self.fields.first { $0.name == "calls" }?.schema["items"]?["additionalProperties"] == true)
    }

    @Test(
        "get the form of their schemas, however a model writes them; what can't be read stays as it is",
        arguments: [
            (["top": "3", "all": "true", "body": "{\"a\":1}"], ["top": "3", "all": "true", "body": ["a": 1]]),
            (["query": "?$top=5&$select=id,mail"], ["query": ["$top": "5", "$select": "id,mail"]]),
            (["query": "{\"$select\":[\"id\",\"mail\"]}"], ["query": ["$select": "id,mail"]]),
            (
                ["query": "{\"$top\":5}", "param": "A=1&Force"],
                ["query": ["$top": "5"], "param": ["A": "1", "Force": true]]
            ),
            (["method": "post", "tags": "u"], ["method": "POST", "tags": "u"]),
            (["all": 1, "body": 1, "method": "PSOT"], ["all": 1, "body": 1, "method": "PSOT"]),
            (["name": "5", "query": ["$top": 5], "nmae": "x"], ["name": "5", "query": ["$top": 5], "nmae": "x"]),
            (["body": "", "query": ""], ["body": "", "query": ""]),
        ] as [(JSONObject, JSONObject)])
    func plain(written: JSONObject, plain: JSONObject) throws {
        #expect(try InputReader.plain(written, Self.fields, of: "test") == plain)
    }

    @Test(
        "whose text has not the form of an object are refused with the reason",
        arguments: [
            (["query": "$top=1&$select=id&$top=2"], "`query` of test has `$top` twice."),
            (["body": "a=1"], "`body` of test isn't a JSON object"), (["body": "[1]"], "must be a JSON object"),
            (["query": "{$top=5"], "`query` of test isn't a JSON object"),
        ] as [(JSONObject, String)])
    func unreadable(written: JSONObject, says: String) throws {
        let error = #expect(throws: MMError.self) { try InputReader.plain(written, Self.fields, of: "test") }
        #expect(error?.message.contains(says) == true, "\(error?.message ?? "")")
    }

    @Test("for a request's options may begin as in an address")
    func asInAddress() throws {
        let given = try reader(["name": "x", "query": "?$top=5&$filter=a eq '?'"]).parameters("query")
        #expect(given.map(\.name) == ["$top", "$filter"])
        #expect(given.map(\.value) == ["5", "a eq '?'"])
        let text = try reader(["name": "x", "query": "$filter=department eq 'R&D'&$top=5"]).parameters("query")
        #expect(text.map(\.value) == ["department eq 'R&D'", "5"])
        // A flag of the command line is a member of an object.
        let flags = try reader(["name": "x", "query": ["?$top": "5"]]).parameters("query")
        #expect(flags.map(\.name) == ["$top"] && flags.map(\.value) == ["5"])
    }

    @Test("for a request's options may be lists, as models write them, and null")
    func listsOfOptions() throws {
        let given: JSONObject = ["name": "x", "query": ["$select": ["id", "mail"], "$filter": .null, "ids": [1, 2]]]
        let options = try reader(given).parameters("query")
        #expect(options.map(\.name) == ["$select", "ids"] && options.map(\.value) == ["id,mail", "1,2"])
    }

    @Test(
        "a choice is found by the other names of the same thing",
        arguments: [
            ("Exchange", "exo"), ("ExchangeOnlineManagement", "exo"), ("sharepoint", "pnp"), ("PnP.PowerShell", "pnp"),
            ("Az", "azure"), ("Microsoft.Graph", "graph"), ("MicrosoftTeams", "teams"), ("EXO", "exo"), ("exo2", nil),
            ("flow", nil),
        ] as [(String, String?)])
    func choices(written: String, meant: String?) throws {
        #expect(ChoiceWords.meant(by: written, among: RunModule.names) == meant)
        let call: JSONObject = ["connection": "C", "module": .string(written), "command": "Get-Date"]
        let input = try? RunInput(from: try InputReader(operation: "run", arguments: call, fields: RunInput.fields))
        #expect(input?.module == meant)
    }

    @Test(
        "a request in place of a command leads to the tool for requests; a program's path doesn't",
        arguments: [
            ("GET /users?$top=1", "mm graph C '/users?$top=1'"),
            ("DELETE  /users/x", "mm graph C /users/x --method DELETE"),
            ("/users?$select=id", "mm graph C '/users?$select=id'"),
            ("https://graph.microsoft.com/v1.0/me", "mm graph C https://graph.microsoft.com/v1.0/me"),
            ("/usr/bin/ls", nil), ("Get-Mailbox", nil), ("GET-Mailbox /x", nil),
        ] as [(String, String?)])
    func requestInPlaceOfScript(command: String, way: String?) throws {
        let call: JSONObject = ["connection": "C", "command": .string(command)]
        let error: MMError?
        do throws(MMError) {
            _ = try RunInput(from: try InputReader(operation: "run", arguments: call, fields: RunInput.fields))
            error = nil
        } catch let fault { error = fault }
        #expect(error?.hint == way.map { "`\($0)` sends it." }, "\(error as Any)")
    }

    @Test("for named values may be the text of a JSON object", arguments: ["", " "])
    func namedValues(before: String) throws {
        let text = JSONValue.string(before + #"{"$filter": "a eq 'b=c&d'", "$top": 5}"#)
        let input = try reader(["name": "x", "query": text, "param": text])
        #expect(try input.parameters("query").map(\.name) == ["$filter", "$top"])
        #expect(try input.parameters("query").map(\.value) == ["a eq 'b=c&d'", "5"])
        #expect(try input.arguments("param").map(\.value) == ["a eq 'b=c&d'", 5])
        let broken = try reader(["name": "x", "query": "{$top=5"])
        #expect(throws: MMError.self) { try broken.parameters("query") }
    }

    @Test(
        "that are wrong are named, with the remedy",
        arguments: [
            ([:], "`name`"), (["name": ""], "`name`"), (["name": "x", "nmae": "y"], "`name`"),
            (["name": 5], "`name`"), (["name": "a\u{0}b"], "NUL"), (["name": "x", "method": "PSOT"], "POST"),
            (["name": "x", "top": 11], "between 1 and 10"), (["name": "x", "top": 1.5], "`top`"),
            (["name": "x", "all": "perhaps"], "`all`"), (["name": "x", "body": []], "`body`"),
            (["name": "x", "body": "{"], "`body`"), (["name": "x", "body": "{\"a\":1,\"a\":2}"], "repeated key"),
            (["name": "x", "query": ["a": []]], "`query.a`"), (["name": "x", "tags": [1]], "`tags`"),
        ] as [(JSONObject, String)])
    func faults(arguments: JSONObject, says: String) throws {
        let error = try #require(throws: MMError.self) {
            let input = try reader(arguments)
            _ = try input.text("name")
            _ = try input.text("method")
            _ = try input.integer("top")
            _ = try input.flag("all")
            _ = try input.object("body")
            _ = try input.parameters("query")
            _ = try input.textList("tags")
        }
        #expect(error.code == .invalidInput)
        #expect(error.description.contains(says), "\(error)")
    }

    @Test("that the operation does not declare can't be read")
    func undeclared() throws {
        let error = try #require(throws: MMError.self) { try reader(["name": "x"]).text("other") }
        #expect(error.code == .internalError)
    }
}
