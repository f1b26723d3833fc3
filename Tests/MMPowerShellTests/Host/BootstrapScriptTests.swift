import PowerShellSyntax
import Testing

@testable import MMPowerShell

@Suite("The bootstrap script", .timeLimit(.minutes(5)))
struct BootstrapScriptTests {
    private let script = String(decoding: BootstrapScript.bytes, as: UTF8.self)

    @Test("is accepted by our own parser and has no byte order mark")
    func parses() {
        #expect(PowerShellParser.parse(script).errors == [])
        #expect(script.hasPrefix("# The PowerShell side of one session."))
        #expect(script.hasSuffix(" finally { [Environment]::Exit(70) } }\n"))
    }

    @Test("calls no cmdlets except one that loads the JSON writer, and those that every session has")
    func commands() {
        let facts = ScriptFacts(of: PowerShellParser.parse(script))
        let names = Set(
            facts.items.compactMap { item -> String? in
                if case .command(let command) = item.detail { return command.name }
                return nil
            })
        #expect(
            names == [
                "ConvertTo-Json", "ForEach-Object", "Out-String", "Send", "Send-Pulse", "Send-Progress", "Read-Line",
                "Read-Request", "Get-Failure", "Reset-Session", "Find-FullLanguage", "Import-Needs", "Invoke-Kept",
                "Start-Serving",
            ])
    }

    @Test("removes the session's secrets before any code of the user can run")
    func environment() throws {
        let removal = try #require(script.firstRange(of: "SetEnvironmentVariable($name, $null)"))
        let opening = try #require(script.firstRange(of: "$runspace.Open()"))
        #expect(removal.lowerBound < opening.lowerBound)
        #expect(script.contains("'MM_WIRE', 'MM_NONCE', 'MM_MODULES'"))
    }

    @Test("restores the session's own state before each command")
    func state() throws {
        let reset = try #require(script.firstRange(of: "        Reset-Session\n"))
        let invoke = try #require(
            script.firstRange(of: "        Invoke-Kept $shell $request.id\n        Send-Progress\n"))
        #expect(reset.lowerBound < invoke.lowerBound)
        for word in [
            "SetDebugMode('None')", "SetVariable('LASTEXITCODE', $null)", "SetVariable('PSDefaultParameterValues'",
            "PreCommandLookupAction", "'ErrorActionPreference'", "'WhatIfPreference'", "OutputRendering = $rendering",
            "SetEnvironmentVariable('PSModulePath', $modulePath)",
        ] { #expect(script.contains(word)) }
    }

    @Test("ends its process by itself: after an exit statement the keeper's thread would keep it alive")
    func ends() {
        #expect(!script.contains("{ exit "))
    }

    @Test("sends records with a function that no script can remove or replace")
    func sink() {
        // With three arguments, the third would be the name of a help file.
        #expect(script.contains("::new('__mm_sink', $sink.ToString(), 'Constant', $null)"))
    }

    @Test("answers every request of the driver, even while a command runs")
    func requests() throws {
        let serving = try #require(script.firstRange(of: "function Start-Serving"))
        let (before, after) = (String(script[..<serving.lowerBound]), String(script[serving.lowerBound...]))
        for request in ["stop", "ping", "collect", "bye", "run"] {
            #expect(before.contains("        '\(request)' {"), "\(request)")
        }
        for request in ["ping", "collect", "constrain", "bye"] {
            #expect(after.contains("        '\(request)' {"), "\(request)")
        }
        #expect(after.contains("$request.t -ne 'run'"))
    }

    @Test("runs each command in one thread, and reads the socket in at most one")
    func threads() throws {
        #expect(script.contains("$runspace.ThreadOptions = 'UseCurrentThread'"))
        #expect(!script.contains("InvokeAsync") && !script.contains("ReadLineAsync"))
        let busy = try #require(script.firstRange(of: "if (-not $wire.Busy.IsSet) { continue }"))
        let reading = try #require(script.firstRange(of: "= Read-Line $false"))
        #expect(busy.lowerBound < reading.lowerBound)
    }
}
