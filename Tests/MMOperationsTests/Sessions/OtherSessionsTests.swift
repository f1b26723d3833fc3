import MMCore
import PowerShellSyntax
import Testing

@testable import MMOperations

@Suite("A cmdlet's call from the session of another module", .timeLimit(.minutes(5)))
struct OtherSessionsTests {
    private func line(_ arguments: String, input: String? = nil) throws -> String {
        let piped = input.map { ", \"input\": \($0)" } ?? ""
        return try CmdletCallText(Array(#"{"cmdlet": "Get-MgUser", "arguments": [\#(arguments)]\#(piped)}"#.utf8)).text
    }

    @Test(
        "is the line that the script's own would be, with its values as literals",
        arguments: [
            ("", "Get-MgUser"),
            (#"{"name": "UserId", "tied": false}, {"value": {"t": "text", "v": "ann"}}"#, "Get-MgUser -UserId 'ann'"),
            (#"{"name": "All", "tied": false}"#, "Get-MgUser -All"),
            (#"{"name": "All", "tied": true}, {"value": {"t": "bool", "v": false}}"#, "Get-MgUser -All:$false"),
            (#"{"name": "Enabled", "tied": false}, {"value": {"t": "bool", "v": true}}"#, "Get-MgUser -Enabled:$true"),
            (#"{"value": {"t": "number", "v": "-2.5"}}"#, "Get-MgUser (-2.5)"),
            (#"{"value": {"t": "null"}}"#, "Get-MgUser $null"),
            (
                #"{"value": {"t": "list", "v": [{"t": "text", "v": "a"}, {"t": "number", "v": "1"}]}}"#,
                "Get-MgUser @('a', 1)"
            ),
            (
                #"{"value": {"t": "map", "v": [{"k": "a b", "v": {"t": "bool", "v": true}}]}}"#,
                "Get-MgUser @{'a b' = $true}"
            ),
            (
                #"{"value": {"t": "object", "v": [{"k": "Id", "v": {"t": "text", "v": "x"}}]}}"#,
                "Get-MgUser ([pscustomobject]@{'Id' = 'x'})"
            ),
            (
                #"{"value": {"t": "date", "v": "2024-01-02T03:04:05Z"}}"#,
                "Get-MgUser ([datetime]'2024-01-02T03:04:05Z')"
            ),
            (#"{"value": {"t": "block", "v": "$_.Name -eq 'x' # why"}}"#, "Get-MgUser {\n$_.Name -eq 'x' # why\n}"),
        ])
    func written(arguments: String, expected: String) throws {
        #expect(try line(arguments) == expected)
    }

    @Test(
        "never runs what stands in a value",
        arguments: [
            "'; Remove-MgUser -UserId all; '", "\u{2019}; Remove-MgUser -UserId all; \u{2018}",
            "$(Remove-MgUser -UserId all)",
            "`' ; Remove-MgUser\n-UserId all",
        ])
    func quoted(value: String) throws {
        let text = JSONWriter.string(.string(value))
        for wrapped in [
            #"{"value": {"t": "text", "v": \#(text)}}"#, #"{"value": {"t": "date", "v": \#(text)}}"#,
            #"{"value": {"t": "map", "v": [{"k": \#(text), "v": {"t": "null"}}]}}"#,
        ] {
            let parsed = PowerShellParser.parse(try line(wrapped))
            #expect(parsed.errors.isEmpty)
            let commands = ScriptFacts(of: parsed).items.compactMap { item in
                if case .command(let command) = item.detail { command.name } else { nil }
            }
            #expect(commands == ["Get-MgUser"], "\(commands)")
        }
    }

    @Test("names all that stands in its values, however deep, and in what is piped in")
    func names() throws {
        let call = #"""
            {"cmdlet": "New-MgUser", "arguments": [{"name": "BodyParameter"}, {"value": {"t": "map", "v": [
            {"k": "key", "v": {"t": "list", "v": [{"t": "text", "v": "a"}, {"t": "number", "v": "5"}]}},
            {"k": "on", "v": {"t": "bool", "v": true}}]}}],
            "input": [{"t": "object", "v": [{"k": "Id", "v": {"t": "text", "v": "b"}}]}]}
            """#
        #expect(try CmdletCallText(Array(call.utf8)).names == ["b", "a", "5"])
    }

    @Test("has what is piped into it in front")
    func piped() throws {
        let input = #"[{"t": "object", "v": [{"k": "Id", "v": {"t": "text", "v": "x"}}]}, {"t": "text", "v": "y"}]"#
        #expect(try line("", input: input) == "@(([pscustomobject]@{'Id' = 'x'}), 'y') | Get-MgUser")
        #expect(try line("", input: "[]") == "@() | Get-MgUser")
    }

    @Test(
        "is refused where it is none",
        arguments: [
            #"{}"#, #"{"cmdlet": "Get-MgUser; Remove-Item"}"#, #"{"cmdlet": "& x"}"#, "nonsense",
            #"{"cmdlet": "Get-MgUser", "arguments": [{"name": "x;y"}]}"#,
            #"{"cmdlet": "Get-MgUser", "arguments": [{"value": {"t": "number", "v": "1;2"}}]}"#,
            #"{"cmdlet": "Get-MgUser", "arguments": [{"value": {"t": "block", "v": "} ; Remove-MgUser ; {"}}]}"#,
            #"{"cmdlet": "Get-MgUser", "arguments": [{"value": {"t": "block", "v": "<#"}}]}"#,
            #"{"cmdlet": "Get-MgUser", "arguments": [{"value": {"t": "code", "v": "x"}}]}"#,
        ])
    func strange(call: String) {
        let error = #expect(throws: MMError.self) { try CmdletCallText(Array(call.utf8)) }
        #expect(error?.code == .invalidInput)
    }

    @Test(
        "goes where its module is, from the session of the first module that has a PowerShell of its own",
        arguments: [
            ("Get-Mailbox; Set-TeamPicture", "teams", ["get-mailbox": "exo"]),
            ("Get-MgUser; Get-AzVM; Get-Mailbox", "azure", ["get-mguser": "graph", "get-mailbox": "exo"]),
            ("Get-Team; Get-AzVM", "azure", ["get-team": "teams"]), ("Get-AzVM; Get-AzContext", "azure", [:]),
            ("function Get-MgReport { 1 }\nGet-MgReport; Get-AzVM", "azure", [:]),
        ])
    func places(script: String, home: String, elsewhere: [String: String]) throws {
        let modules = ScriptModules(PowerShellParser.parse(script))
        #expect(try modules.module() == home)
        #expect(modules.elsewhere(than: home) == elsewhere)
    }
}

@Suite("What a script of several modules changes", .timeLimit(.minutes(10)))
struct OtherSessionWritesTests {
    private static let user = "ben.baker@contoso-sandbox.example"

    private func run(_ script: String, in home: ChangesHome) async throws -> JSONValue {
        ChangesHome.value(
            try await home.call("run", ["connection": "Demo", "command": .string(script), "output": "json"]))
    }

    @Test(
        "is asked about once, whether its text names all of it or not",
        arguments: ["Remove-MgUser -UserId \(user)", "$who = '\(user)'; Remove-MgUser -UserId $who"])
    func once(change: String) async throws {
        let home = try await ChangesHome()
        defer { Task { await home.stop() } }
        _ = try await run("Get-CsTenant; \(change)", in: home)
        #expect(home.person.pages.count == 1, "\(home.person.pages)")
        await #expect(throws: MMError.self) { try await home.graph("GET", "/users/\(Self.user)") }
    }

    private func plan(_ script: String, in home: ChangesHome) async throws -> JSONValue {
        ChangesHome.value(
            try await home.call(
                "plan", ["calls": [["tool": "run", "arguments": ["connection": "Demo", "command": .string(script)]]]]))
    }

    @Test(
        "stands in a plan of it, and is not sent while the plan is made",
        arguments: [
            "Set-Mailbox \(user) -CustomAttribute1 Planned",
            "try { Update-MgUser -UserId \(user) -JobTitle Planned } catch { }",
        ])
    func planned(change: String) async throws {
        let home = try await ChangesHome()
        defer { Task { await home.stop() } }
        let plan = try await plan("$null = Get-CsTenant; \(change)", in: home)
        let steps = plan["steps"]?.array ?? []
        #expect(steps.count == 1 && JSONWriter.string(.array(steps)).contains("Planned"), "\(plan)")
        #expect(try await home.run("(Get-Mailbox \(Self.user)).CustomAttribute1").array != ["Planned"])
        #expect(try await home.graph("GET", "/users/\(Self.user)?$select=jobTitle")["jobTitle"] != "Planned")
    }

    @Test("ends the plan where it can't stand in it")
    func beyondPlan() async throws {
        let home = try await ChangesHome()
        defer { Task { await home.stop() } }
        // A PowerShell has to rehearse it, and the stand-in doesn't know the cmdlet.
        let script =
            "$null = Get-CsTenant; try { Set-CsUser -Identity \(Self.user) -EnterpriseVoiceEnabled $true } catch { }"
        let error = await #expect(throws: MMError.self) { try await plan(script, in: home) }
        #expect(error?.message.hasSuffix("Nothing was planned.") == true, "\(String(describing: error))")
    }
}
