import Glibc
import MMCore
import MMOperations
import TestSupport
import Testing

@testable import MMCLI

@Suite("Words of a command line", .timeLimit(.minutes(5)))
struct ArgumentScannerTests {
    static let fields: [InputField] = [
        InputField("connection", .text, "c", .at(0)),
        InputField("endpoint", .text, "e", .at(1)),
        InputField("method", .choice(["GET", "POST"]), "m", .short("X")),
        InputField("body", .object, "b", .short("d"), .readsFiles),
        InputField("query", .parameters, "q"),
        InputField("top", .integer(1...10), "t"),
        InputField("all", .flag, "a"),
        InputField("expectedEmail", .text, "x"),
        InputField("names", .textList, "n"),
        InputField("param", .arguments, "p"),
        InputField("secret", .text, "s", .notOnCommandLine),
        InputField("script", .text, "r", .readsFiles, .namesFile),
    ]

    private func scan(_ words: [String], input: String = "") throws -> ArgumentScanner.Result {
        try ArgumentScanner.scan(
            words, fields: Self.fields, command: "mm test", content: ContentSource { () throws(MMError) in input })
    }

    @Test(
        "mean the same with and without flags",
        arguments: [
            ["Contoso", "/me"], ["--connection", "Contoso", "--endpoint", "/me"], ["--connection=Contoso", "/me"],
            ["/me", "--connection", "Contoso"], ["--endpoint=/me", "Contoso"], ["--", "Contoso", "/me"],
        ])
    func sameMeaning(words: [String]) throws {
        #expect(try scan(words).arguments == ["connection": "Contoso", "endpoint": "/me"])
    }

    @Test(
        "an argument has no position where another one takes its place",
        arguments: [
            (["cmd-1", "yes"], ["job": "cmd-1", "text": "yes"]),
            (["-s", "build", "yes"], ["session": "build", "text": "yes"]),
            (["yes", "--session=build"], ["session": "build", "text": "yes"]),
            (["--path", "f", "--session", "build", "yes"], ["path": "f", "session": "build", "text": "yes"]),
            (["--job", "cmd-1", "yes"], ["job": "cmd-1", "text": "yes"]),
        ] as [([String], JSONObject)])
    func givesWay(words: [String], expected: JSONObject) throws {
        let fields = [
            InputField("job", .text, "j", .at(0), .givesWay(to: ["session", "path"])),
            InputField("text", .text, "t", .at(1)), InputField("session", .text, "s", .short("s")),
            InputField("path", .text, "p"),
        ]
        #expect(try ArgumentScanner.scan(words, fields: fields, command: "mm test") == expected)
    }

    @Test(
        "a script may be a file, named by -f, by @ or instead of the text", arguments: [["-f", "F"], ["F"], ["@F"]])
    func nameOfFile(words: [String]) throws {
        let home = try TestHome()
        let file = home.path + "/report.ps1"
        try ProtectedFile.replace(file, with: Array("Get-Mailbox".utf8))
        let fields = [
            InputField("command", .text, "c", .at(0), .readsFiles, .namesFile, .tellsFile(in: "script")),
            InputField("script", .text, "s", .notOnCommandLine),
        ]
        let named = words.map { $0.replacing("F", with: file) }
        #expect(
            try ArgumentScanner.scan(named, fields: fields, command: "mm test")
                == ["command": "Get-Mailbox", "script": .string(file)])
        #expect(
            try ArgumentScanner.scan(["Get-Mailbox"], fields: fields, command: "mm test") == ["command": "Get-Mailbox"])
    }

    @Test(
        "become typed arguments",
        arguments: [
            (["--all"], ["all": true]), (["--all=false"], ["all": false]), (["--top", "5"], ["top": 5]),
            (["-X", "POST"], ["method": "POST"]), (["--expected-email", "a@b"], ["expectedEmail": "a@b"]),
            (["--expectedEmail", "a@b"], ["expectedEmail": "a@b"]),
            (["-d", "{\"a\":1}"], ["body": ["a": 1]]),
            (["--query", "$top=5", "--query", "$select=a,b"], ["query": ["$top": "5", "$select": "a,b"]]),
            (["--query", "{\"$top\":\"5\"}"], ["query": ["$top": "5"]]),
            (["--query", "$filter=a eq 'b=c'"], ["query": ["$filter": "a eq 'b=c'"]]),
            (["--names", "a", "--names", "b"], ["names": ["a", "b"]]),
            (["--param", "A=x=y", "--param", "Force"], ["param": ["A": "x=y", "Force": true]]),
            (["--param", "A=1", "--param", "a=2", "--param", "A=3"], ["param": ["A": ["1", "2", "3"]]]),
            (["--param", "{\"A\":[1]}", "--param", "B="], ["param": ["A": [1], "B": ""]]),
            (["-5", "x"], ["connection": "-5", "endpoint": "x"]),
            (["-", "x"], ["connection": "-", "endpoint": "x"]),
            (["--script", "@{ a = 1 }"], ["script": "@{ a = 1 }"]),
            (["--script", "@(1, 2) | % { $_ }"], ["script": "@(1, 2) | % { $_ }"]),
            (["--script", "@'\nx\n'@"], ["script": "@'\nx\n'@"]),
        ] as [([String], JSONObject)])
    func typed(words: [String], arguments: JSONObject) throws {
        #expect(try scan(words).arguments == arguments)
    }

    @Test("a script file that doesn't exist isn't run as a script", arguments: ["missing.ps1", "./a/Missing.PS1"])
    func missingFile(name: String) {
        let error = #expect(throws: MMError.self) { try scan(["--script", name]) }
        #expect(error?.code == .invalidInput && error?.message.contains(name) == true)
        #expect(throws: Never.self) { try scan(["--script", "& ./missing.ps1 -Days 3"]) }
    }

    @Test(
        "only a whole word answers a question; anything but yes or no is asked again",
        arguments: [
            ("yes", .yes), (" YES\t", .yes), ("no", .no), ("n", .no), ("more", .more), ("all", .all), ("y", nil),
            ("", nil),
            ("yes please", nil),
        ] as [(String, TerminalPerson.Reply?)])
    func answers(line: String, meaning: TerminalPerson.Reply?) {
        #expect(TerminalPerson.Reply(line) == meaning)
    }

    @Test("- reads a body from standard input")
    func standardInput() throws {
        #expect(try scan(["-d", "-"], input: "{\"from\":\"stdin\"}").arguments == ["body": ["from": "stdin"]])
    }

    @Test(
        "errors name the wrong word and the remedy",
        arguments: [
            (["--tpo", "5"], "--tpo", "--top"), (["--top", "five"], "--top", "whole number"),
            (["--top"], "--top", "needs a value"), (["a", "b", "c"], "`c`", "no further argument"),
            (["--all=maybe"], "--all", "maybe"), (["-d", "{"], "-d", "JSON"),
            (["-d", "{\"a\":1,\"a\":2}"], "-d", "repeated key"),
            (["-d", "@/nonexistent/file"], "/nonexistent/file", "does not exist"),
            (["--script", "@/nonexistent/x.ps1"], "/nonexistent/x.ps1", "does not exist"),
            (["--query", "no value"], "--query", "name=value"),
            (["--query", "[].displayName"], "JMESPath", "--jq '(.value? // .)[].displayName'"),
            (["--query", "[?id=='1'].mail"], "JMESPath", "--select and --filter"),
            (["--query", "mail"], "JMESPath", "--columns mail"), (["--param", "=x"], "--param", "name=value"),
            (["--top", "1", "--top", "2"], "--top", "twice"),
            (["--output", "xml"], "xml", "table, json"), (["--timeout", "-1"], "--timeout", "more than 0"),
            (["--secret", "x"], "--secret", "no flag"), (["a", "b", "c", "d"], "`c`", "'b c d'"),
            (["a", "/b", "--input", "x"], "no flag --input", "See `mm test --help`"),
            (["Contoso", "post", "/me"], "no further argument", "`mm test Contoso /me -X POST`"),
            (["GET", "Contoso", "/me"], "no further argument", "-X GET"),
            (["Contoso", "/me", "$top=2"], "no further argument", "--query '$top=2'"),
        ])
    func faults(words: [String], names: String, says: String) throws {
        let error = try #require(throws: MMError.self) { try scan(words) }
        #expect(error.code == .invalidInput)
        #expect(error.description.contains(names))
        #expect(error.description.contains(says))
    }

    @Test("OData's options may be flags, beside --query")
    func queryOptions() throws {
        let scanned = try scan([
            "Contoso", "/users", "--filter", "a eq 'b'", "--select=id,mail", "--order-by", "mail", "--count",
            "--query", "$expand=manager",
        ])
        #expect(
            scanned.arguments["query"] == [
                "$filter": "a eq 'b'", "$select": "id,mail", "$orderby": "mail", "$count": "true", "$expand": "manager",
            ])
        // A command without these options has no such flag.
        let fields = [InputField("connection", .text, "c", .at(0))]
        #expect(throws: MMError.self) {
            try ArgumentScanner.scan(["--filter", "x"], fields: fields, command: "mm status")
        }
    }

    @Test(
        "after --json members may be listed if no argument is missing",
        arguments: [
            (["Contoso", "/me", "--json", "id,mail"], ["id", "mail"]), (["Contoso", "/me", "--json", "id"], ["id"]),
            (["Contoso", "/me", "--json=id"], ["id"]), (["--json", "Contoso", "/me"], []),
            (["Contoso", "--endpoint", "/me", "--json", "manager.id"], ["manager.id"]),
            (["Contoso", "/me", "--json", "--all"], []),
        ])
    func members(words: [String], columns: [String]) throws {
        let scanned = try scan(words)
        #expect(scanned.options.format == .json && scanned.options.columns == columns)
        #expect(scanned.arguments["connection"] == "Contoso" && scanned.arguments["endpoint"] == "/me")
    }

    @Test("a dry run may be called by the names of other programs", arguments: ["--dry-run", "--what-if", "-WhatIf"])
    func dryRun(flag: String) throws {
        let fields = [InputField("dryRun", .flag, "d")]
        #expect(try ArgumentScanner.scan([flag], fields: fields, command: "mm x") == ["dryRun": true])
    }

    @Test("flags of a command that is to be run are quoted with it")
    func innerFlag() throws {
        let fields = [
            InputField("host", .text, "h", .at(0)), InputField("command", .text, "c", .at(1)),
        ]
        let error = #expect(throws: MMError.self) {
            try ArgumentScanner.scan(["web1", "ls", "-la"], fields: fields, command: "mm ssh")
        }
        #expect(error?.hint?.contains("'ls -la'") == true, "\(error?.hint ?? "")")
        // Whoever has quoted the command meant the flag for the program.
        let outer = #expect(throws: MMError.self) {
            try ArgumentScanner.scan(["web1", "ls -la", "--top", "3"], fields: fields, command: "mm ssh")
        }
        #expect(outer?.hint == "See `mm ssh --help`.")
    }

    @Test(
        "if a method is given instead of the connection, the error of the missing connection suggests the right order")
    func advice() throws {
        #expect(try scan(["get", "/me"]).advice?.contains("`mm test CONNECTION /me -X GET`") == true)
        #expect(try scan(["Contoso", "/me"]).advice == nil)
        #expect(try scan(["get", "/me", "-X", "POST"]).advice == nil)
    }

    @Test(
        "empty words are refused if they are to name something",
        arguments: [
            ["--method", ""], ["-X", ""], ["--expected-email="], ["--names", ""], ["", "/me"], ["Contoso", ""],
            ["--pool", ""], ["--jq="], ["--sort", ""], ["--columns", ""],
        ])
    func empty(words: [String]) {
        let error = #expect(throws: MMError.self) { try scan(words) }
        #expect(error?.code == .invalidInput && error?.hint != nil, "\(error?.message ?? "")")
    }

    @Test("a format that jq's output can't have is refused beside --jq", arguments: GlobalOptions.Format.allCases)
    func filtered(format: GlobalOptions.Format) throws {
        let words = ["get", "/me", "--jq", ".", "-o", format.rawValue]
        if [.json, .jsonl, .text].contains(format) {
            #expect(try scan(words).options.format == format)
        } else {
            let error = #expect(throws: MMError.self) { try scan(words) }
            #expect(error?.code == .invalidInput && error?.message.contains("--output \(format.rawValue)") == true)
        }
    }

    @Test("empty values are allowed where they mean something")
    func meantEmpty() throws {
        let fields = [InputField("prefix", .text, "p", .mayBeEmpty)]
        #expect(try ArgumentScanner.scan(["--prefix", ""], fields: fields, command: "mm") == ["prefix": ""])
        let error = #expect(throws: MMError.self) { try scan(["--script", "-"], input: "") }
        #expect(error?.message == "--script is empty.")
    }

    @Test("a body that looks like a file's name gets a hint how to name a file")
    func bodyFile() {
        let error = #expect(throws: MMError.self) { try scan(["-d", "/dev/null"]) }
        #expect(error?.hint == "/dev/null is a file: -d @/dev/null.")
    }

    @Test("a command that lacks the -- before it gets a hint how to write it")
    func innerCommand() {
        let error = #expect(throws: MMError.self) {
            try ArgumentScanner.scan(["recipe"], fields: [InputField("calls", .calls, "c", .at(0))], command: "mm plan")
        }
        #expect(error?.hint == "Write -- before it: `mm plan -- recipe …`.")
    }

    @Test(
        "a parameter given twice is refused, however it is written",
        arguments: [
            (["--filter", "a", "--filter", "b"], "--filter is given twice."),
            (["--select", "id", "--query", "$select=mail"], "$select of --query is given twice."),
            (["--query", "$filter=a", "--filter", "b"], "--filter is given twice."),
            (["--query", "select=a", "--query", "{\"$Select\":\"b\"}"], "$Select of --query is given twice."),
            (["--query", "a=1", "--query", "a=2"], "a of --query is given twice."),
            (["--param", "A=1", "--param", "{\"a\":2}"], "a of --param is given twice."),
        ])
    func twice(words: [String], message: String) throws {
        #expect(try #require(throws: MMError.self) { try scan(words) }.message == message)
        #expect(throws: Never.self) { try scan(["--query", "a=1", "--query", "A=2", "--query", "$count=true"]) }
    }

    @Test("help can be asked for even in a wrong line")
    func help() throws {
        #expect(try scan(["a", "b", "c", "--help"]).options.help)
    }

    @Test(
        "ask for errors as JSON in each way that asks for answers as JSON",
        arguments: [
            (["--json"], true), (["--json=id,mail"], true), (["-o", "json"], true), (["--output", "JSON"], true),
            (["--output=json"], true), (["--json", "-o", "csv"], false), (["-o", "csv", "--json"], true),
            (["--json", "-o", "change.plan"], true), (["-o"], false), (["--output"], false), ([], false),
            (["exec", "Demo", "--", "gh", "--json"], false), (["--jq", "."], false),
        ])
    func errorsAsJSON(words: [String], isJSON: Bool) {
        #expect(GlobalOptions.wantJSON(words) == isJSON)
    }

    @Test("set the options of every command")
    func options() throws {
        let options = try scan(["--json", "--jq", ".a", "--quiet", "--timeout", "2.5", "--no-color"]).options
        #expect(options.format == .json)
        #expect(options.jq == ".a")
        #expect(options.quiet)
        #expect(options.timeLimit == .milliseconds(2500))
        #expect(try scan(["-o", "CSV"]).options.format == .csv)
    }
}

@Suite("The words of mm run", .timeLimit(.minutes(5)))
struct RunWordTests {
    @Test(
        "may leave the module to the script",
        arguments: [
            (["Contoso", "Get-Mailbox"], nil, "Get-Mailbox"), (["Contoso", "exo", "1"], "exo", "1"),
            (["Contoso", "EXO"], "EXO", nil), (["Contoso", "-"], nil, "typed"),
            (["Contoso", "Get-Mailbox", "--module", "exo"], "exo", "Get-Mailbox"),
        ] as [([String], String?, String?)])
    func words(words: [String], module: String?, command: String?) throws {
        let scanned = try ArgumentScanner.scan(
            words, fields: RunInput.fields, command: "mm run", content: ContentSource { () throws(MMError) in "typed" })
        #expect(scanned.arguments["connection"]?.string == "Contoso")
        #expect(scanned.arguments["module"]?.string == module)
        #expect(scanned.arguments["command"]?.string == command)
    }

    @Test(
        "a command line is refused if a word after the program's name isn't UTF-8",
        arguments: [
            ("mm\u{0}graph\u{0}Zoë\u{0}", [], true), ("mm\u{0}graph\u{0}", [0x4D, 0xFC, 0x6C, 0], false),
            ("mm\u{0}graph\u{0}\u{0}", [], true), ("mm\u{0}", [0xC3, 0, 0xAB, 0], false),
            ("mm\u{0}\u{FFFD}\u{0}", [], true), ("mm\u{0}", [0xED, 0xA0, 0x80, 0], false), ("", [], true),
        ] as [(String, [UInt8], Bool)])
    func words(text: String, rest: [UInt8], isTaken: Bool) {
        let fault = CommandProcess.fault(in: Array(text.utf8) + rest)
        #expect((fault == nil) == isTaken && (fault?.exitCode ?? 2) == 2)
        #expect(CommandProcess.fault(in: [0xFF, 0] + Array("graph\u{0}".utf8)) == nil)
    }

    @Test(
        "a variable that names folders in bytes that aren't UTF-8 is refused by its name, and others are not",
        arguments: [
            ("HOME", true), ("XDG_RUNTIME_DIR", true), ("MM_STATE_DIR", true), ("PWD", false), ("OLDPWD", false),
            ("HOMEDRIVE", false),
        ])
    func environment(name: String, isRefused: Bool) {
        let entries = Array("LANG=C.UTF-8\u{0}\(name)=/home/r".utf8) + [0xE9] + Array("my\u{0}PATH=/bin\u{0}".utf8)
        #expect(CommandProcess.fault(inEnvironment: entries)?.message.contains(name) == (isRefused ? true : nil))
        #expect(CommandProcess.fault(inEnvironment: Array("\(name)=/home/r\u{E9}my\u{0}".utf8)) == nil)
    }

    @Test("a program sends no library's notices to the system's log: libdispatch has one for each thread it starts")
    func systemLog() {
        let before = setlogmask(0)
        defer { setlogmask(before) }
        CommandProcess.leaveSystemLogAlone()
        #expect(setlogmask(0) & (1 << LOG_NOTICE) == 0)
        #expect(setlogmask(0) & (1 << LOG_WARNING) != 0)
    }
}
