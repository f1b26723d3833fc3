import PowerShellSyntax
import Testing

@testable import MMPowerShell

@Suite("The bootstrap script", .timeLimit(.minutes(5)))
struct BootstrapScriptTests {
    private let script = BootstrapScript.text

    @Test("parses with our own parser and has no byte order mark")
    func parses() {
        #expect(PowerShellParser.parse(script).errors == [])
        #expect(script.hasPrefix("# The PowerShell side of one session."))
        #expect(script.hasSuffix("}\n"))
    }

    @Test("calls no cmdlet but the one that loads the JSON writer, and those that every session has")
    func commands() {
        let facts = ScriptFacts(of: PowerShellParser.parse(script))
        let names = Set(
            facts.items.compactMap { item -> String? in
                if case .command(let command) = item.detail { return command.name }
                return nil
            })
        #expect(
            names == [
                "ConvertTo-Json", "ForEach-Object", "Out-String", "Send", "Send-Pulse", "Flush-Lines", "Get-Failure",
                "Reset-Session", "Find-FullLanguage",
            ])
    }

    @Test("removes what the session must not see before anything of the user's can run")
    func environment() throws {
        let removal = try #require(script.firstRange(of: "SetEnvironmentVariable($name, $null)"))
        let opening = try #require(script.firstRange(of: "$runspace.Open()"))
        #expect(removal.lowerBound < opening.lowerBound)
        #expect(script.contains("'MM_WIRE', 'MM_NONCE', 'MM_MODULES'"))
    }

    @Test("puts the session's own state right before each command")
    func state() throws {
        let reset = try #require(script.firstRange(of: "            Reset-Session\n"))
        let invoke = try #require(script.firstRange(of: "$shell.InvokeAsync"))
        #expect(reset.lowerBound < invoke.lowerBound)
        for word in [
            "SetDebugMode('None')", "SetVariable('LASTEXITCODE', $null)", "SetVariable('PSDefaultParameterValues'",
            "PreCommandLookupAction", "'ErrorActionPreference'", "'WhatIfPreference'", "OutputRendering = $rendering",
            "SetEnvironmentVariable('PSModulePath', $modulePath)",
        ] { #expect(script.contains(word)) }
    }

    @Test("answers every request that the driver sends")
    func requests() {
        for request in ["run", "stop", "ping", "collect", "constrain", "bye"] {
            #expect(script.contains("        '\(request)' {"), "\(request)")
        }
    }
}
