import MMCore
import Testing

@testable import MMPowerShell

@Suite("Requests to the host", .timeLimit(.minutes(5)))
struct HostRequestTests {
    private func members(_ request: HostRequest) throws -> JSONObject {
        let line = request.line
        #expect(line.last == 0x0A)
        #expect(line.filter { $0 == 0x0A }.count == 1)
        return try #require(try JSONParser.parse(line).object)
    }

    @Test("a script is sent as data, whatever it contains")
    func script() throws {
        let script = "a\nb\r\n\u{0}“é😀\"\\"
        let sent = try members(.run(id: 5, PowerShellCommand(script, depth: 4, width: 80, isLocal: true)))
        #expect(
            sent == [
                "t": "run", "id": 5, "script": .string(script), "format": "json", "depth": 4, "width": 80,
                "local": true,
            ])
    }

    @Test("a byte order mark before a script is removed, elsewhere it stays")
    func byteOrderMark() {
        #expect(PowerShellCommand("\u{FEFF}Get-Item").script == "Get-Item")
        #expect(PowerShellCommand("'\u{FEFF}'").script == "'\u{FEFF}'")
    }

    @Test("values that look like code or dates arrive as texts")
    func parameters() throws {
        let sent = try members(
            .run(
                id: 1,
                PowerShellCommand(
                    "param($A, $B, $C, $D) 1",
                    parameters: [
                        "A": "'; Remove-Item /", "B": "2026-01-02T03:04:05Z", "C": .secret(Secret("abc")), "D": 3,
                    ])))
        #expect(
            sent["parameters"] == ["A": "'; Remove-Item /", "B": "=2026-01-02T03:04:05Z", "C": "abc", "D": 3])
        #expect(sent["shielded"] == [["=B"]])
    }

    @Test("texts within lists and tables stay texts, however they and the names around them look")
    func nestedParameters() throws {
        let date: JSONValue = "2026-01-02T03:04:05Z"
        let value: JSONValue = ["2026-01-02T03:04:05Z": [1, ["": date, "a": "/Date(0)/"], "=b", "2026-01-02"]]
        let sent = try members(.run(id: 1, PowerShellCommand("1", parameters: ["L": .json([date, value])])))
        let marked: JSONValue = "=2026-01-02T03:04:05Z"
        #expect(
            sent["shielded"] == [
                ["=L", 0], ["=L", 1, "=2026-01-02T03:04:05Z", 1, "="], ["=L", 1, "=2026-01-02T03:04:05Z", 1, "=a"],
            ])
        #expect(
            sent["parameters"] == [
                "L": [
                    marked,
                    ["2026-01-02T03:04:05Z": [1, ["": marked, "a": "=/Date(0)/"], "=b", "2026-01-02"]],
                ]
            ])
    }

    @Test(
        "a script that would be parsed as a date is sent with a newline",
        arguments: [
            ("2026-01-02T03:04:05", true), ("/Date(0)/", true), ("2026-01-02", false), ("Get-Date", false),
            ("2026-01-02 03:04:05", false),
        ])
    func dateScript(script: String, changed: Bool) throws {
        let sent = try members(.run(id: 1, PowerShellCommand(script)))
        #expect(sent["script"]?.string == (changed ? script + "\n" : script))
    }

    @Test("a command never shows its secrets")
    func secrets() {
        let command = PowerShellCommand("param($T) 1", parameters: ["T": .secret(Secret("hush-hush"))])
        var text = ""
        dump(command, to: &text)
        #expect(!"\(command)\(text)".contains("hush"))
    }

    @Test(
        "mistakes of callers are named",
        arguments: [
            (PowerShellCommand("1", depth: 0), "depth"), (PowerShellCommand("1", depth: 101), "depth"),
            (PowerShellCommand("1", width: 5), "width"),
            (PowerShellCommand("1", parameters: ["": 1]), "parameter name"),
            (PowerShellCommand("1", parameters: ["a b": 1]), "a b"),
            (PowerShellCommand("1", parameters: ["-Name": 1]), "-Name"),
            (PowerShellCommand("1", parameters: ["name": 1, "Name": 2]), "twice"),
            (PowerShellCommand("1", parameters: ["Deep": .json(HostRequestTests.nested(65))]), "Deep"),
            (PowerShellCommand(String(repeating: "x", count: PowerShellCommand.scriptLimit + 1)), "script"),
        ])
    func wrong(command: PowerShellCommand, word: String) {
        let error = #expect(throws: MMError.self) { try command.check() }
        #expect(error?.message.contains(word) == true)
    }

    private static func nested(_ depth: Int) -> JSONValue {
        var value: JSONValue = 1
        for _ in 0..<depth { value = [value] }
        return value
    }

    @Test("five megabytes of script and unusual parameter names work")
    func fine() throws {
        try PowerShellCommand(String(repeating: "#\n", count: 2_500_000), parameters: ["Größe_2": 1]).check()
        try PowerShellCommand("1", parameters: ["Deep": .json(Self.nested(64))]).check()
    }
}
