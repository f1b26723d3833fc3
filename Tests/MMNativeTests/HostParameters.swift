import MMCore
import Testing

@testable import MMNative

/// Parameters of commands over files, variables and objects: each is carried out or handed over.
@Suite("Parameters of the machine's commands", .timeLimit(.minutes(5)))
struct HostParameters: RunningReports {
    /// The parameters that are handed over wherever they stand, each as a command with it.
    static let beyond = HostCommands.beyond.flatMap { (command, names) in names.map { (command, $0) } }
        .sorted { $0 < $1 }

    @Test("those that aren't implemented are handed over", arguments: beyond)
    func handedOver(command: String, name: String) async throws {
        let isSwitch = try #require(Cmdlets.specification(of: command)).isSwitch(name)
        guard case .handedOver(let reason, _) = await outcome("'a' | \(command) -\(name)\(isSwitch ? "" : " 1")") else {
            Issue.record("-\(name) of \(command) was accepted")
            return
        }
        #expect(reason == "-\(name) of \(command)")
    }

    @Test(
        "-ErrorAction and its variable are read as the enumeration's values are",
        arguments: [
            ("Get-Item nope -EA 0; 'x'", "x"), ("Get-Item nope -ErrorAction Silently; 'x'", "x"),
            ("try { Get-Item nope -EA 1 } catch { 'c' }", "c"), ("$ErrorActionPreference = 0; Get-Item nope; 'x'", "x"),
            ("Get-Item nope -EA ([System.Management.Automation.ActionPreference]::Ignore); 'x'", "x"),
            ("try { Get-Item nope -ErrorAction Never } catch { 'c' }", "c"),
            ("Get-Content nope -Raw -ErrorAction SilentlyContinue | ConvertFrom-StringData; 'x'", "x"),
            (
                "$ErrorActionPreference = [System.Management.Automation.ActionPreference]::Stop; try { gi a } catch { 'c' }",
                "c"
            ),
            ("$ErrorActionPreference = 'stop'; $ErrorActionPreference", "Stop"),
        ])
    func errorAction(script: String, output: String) async throws {
        #expect(try await texts(script) == [output], "\(script)")
    }

    @Test(
        "$PSDefaultParameterValues gives those that aren't written",
        arguments: [
            ("$PSDefaultParameterValues['ConvertTo-Csv:Delimiter'] = ';'; ROW | ConvertTo-Csv", #""a";"b""#),
            ("$PSDefaultParameterValues.Add('ConvertTo-*:Delimiter', ';'); ROW | ConvertTo-Csv", #""a";"b""#),
            (
                "$PSDefaultParameterValues = @{ 'ConvertTo-Csv:Delimiter' = ';' }; ROW | ConvertTo-Csv -Delimiter '|'",
                #""a"|"b""#
            ),
            (
                "$PSDefaultParameterValues = @{ '*:Delimiter' = ';'; Disabled = $true }; ROW | ConvertTo-Csv",
                #""a","b""#
            ),
            (
                "$global:PSDefaultParameterValues['*:Delimiter'] = ';'; $PSDefaultParameterValues.Remove('*:Delimiter'); ROW | ConvertTo-Csv",
                #""a","b""#
            ),
        ])
    func defaults(script: String, output: String) async throws {
        let script = script.replacing("ROW", with: "[pscustomobject]@{ a = 1; b = 2 }")
        #expect(try await texts(script).first == output, "\(script)")
    }

    @Test(
        "a value of $PSDefaultParameterValues for what can't take it here is handed over",
        arguments: ["$PSDefaultParameterValues['f:x'] = 1; f", "$PSDefaultParameterValues['*:WhatIf'] = $true; f"])
    func refusedDefaults(script: String) async {
        guard
            case .handedOver(let reason, _) = await outcome("function f { [CmdletBinding()] param($x) $x }; \(script)")
        else {
            Issue.record("\(script) ran")
            return
        }
        #expect(reason.hasPrefix("the value of $PSDefaultParameterValues"))
    }

    @Test("the tables name parameters that exist")
    func known() { #expect(HostCommands.unknown.isEmpty) }

    @Test(
        "what a command's code didn't ask for is handed over after it has run",
        arguments: [
            ("'a' | Set-Content a; Get-ChildItem a -Filter *.b", "-Filter of Get-ChildItem"),
            ("'a' | Tee-Object -Variable x -Append", "-Append of Tee-Object"),
            ("'a' | Tee-Object a.txt -Variable x", "-FilePath of Tee-Object"),
            (
                "'a' | Out-File a; [pscustomobject]@{ a = 1 } | Export-Csv a -Append -IncludeTypeInformation",
                "-IncludeTypeInformation of Export-Csv"
            ),
        ])
    func unread(script: String, expected: String) async {
        guard case .handedOver(let reason, _) = await outcome(script) else {
            Issue.record("\(script) ran")
            return
        }
        #expect(reason == expected)
    }

    @Test(
        "no unusual value of a parameter stops the engine", arguments: HostCommands.specifications.map(\.name),
        ["'a'", "-1", "$null"])
    func values(command: String, value: String) async throws {
        let specification = try #require(Cmdlets.specification(of: command))
        for name in specification.values where name != "Seconds" {
            if case .stopped = await outcome("'x' | Set-Content a; 'a' | \(command) -\(name) \(value)") {
                Issue.record("-\(name) of \(command) stopped")
            }
        }
    }

    @Test(
        "variables are made once, and belong to the scope that is asked for",
        arguments: [
            (
                "$x = 1; New-Variable x 2 -ErrorAction SilentlyContinue; $x; $Error[0].FullyQualifiedErrorId; \"$($Error[0])\"",
                [
                    "1", "VariableAlreadyExists,Microsoft.PowerShell.Commands.NewVariableCommand",
                    "A variable with name 'x' already exists.",
                ]
            ),
            ("$x = 1; New-Variable x 2 -Force; $x; New-Variable y 3; $y", ["2", "3"]),
            (
                "Set-Variable a, b 1; \"$a$b\"; function F { Set-Variable a 2 -Scope Local; $a }; F; $a",
                ["11", "2", "1"]
            ),
            ("function F { Set-Variable a 2 -Scope Script }; F; $a", ["2"]),
            ("$a = 1; Remove-Variable a -Scope 0; $null -eq $a", ["True"]),
            ("$a = 1; function F { Remove-Variable a -Scope Local -ea SilentlyContinue; $a }; F; $a", ["1", "1"]),
            ("$a = 1; function F { Clear-Variable a -Scope 0 -ea SilentlyContinue; $a }; F; $a", ["1", "1"]),
            ("$a = 1; function F { $a = 2; Remove-Variable a -Scope Local; $a }; F", ["1"]),
            (
                "Get-FileHash x -ErrorAction SilentlyContinue; $Error[0].FullyQualifiedErrorId",
                ["FileNotFound,Microsoft.PowerShell.Commands.GetFileHashCommand"]
            ),
            (
                "$ab = 1; $b = 2; Remove-Variable a? -ErrorAction Ignore; \"[$ab][$b]\"; "
                    + "Remove-Variable * -ErrorAction SilentlyContinue; \"[$b]\"", ["[][2]", "[]"]
            ),
            (
                "Remove-Variable x -ErrorAction SilentlyContinue; $Error[0].FullyQualifiedErrorId",
                ["VariableNotFound,Microsoft.PowerShell.Commands.RemoveVariableCommand"]
            ),
        ] as [(String, [String])])
    func variables(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected)
    }

    @Test(
        "a command goes on with the next of its objects after one that it can't find",
        arguments: [
            ("Remove-Item a, x, b -ErrorAction Ignore; Test-Path a; Test-Path b", ["False", "False"]),
            ("Get-Content x, a -ErrorAction SilentlyContinue -ErrorVariable e; $e.Count", ["1", "1"]),
            ("Get-Item x, a -ErrorAction Ignore | % Name", ["a"]),
            ("Resolve-Path x, a -ErrorAction Ignore | % Path", ["a"]),
            ("Get-FileHash x, a -ErrorAction Ignore | % Path", ["a"]),
            ("Select-String 1 x, a -ErrorAction Ignore | % Line", ["1"]),
            ("Copy-Item x, b c -ErrorAction Ignore; Get-Content c", ["2"]),
            ("$v = 3; Get-Variable x, v -ValueOnly -ErrorAction Ignore", ["3"]),
            ("$v = 3; Clear-Variable x, v -ErrorAction Ignore; \"[$v]\"", ["[]"]),
            ("$v = 3; Remove-Variable x, v -ErrorAction Ignore; \"[$v]\"", ["[]"]),
            ("(Get-Command Get-Nothing, Sort-Object -ErrorAction Ignore).Name", ["Sort-Object"]),
            ("try { Get-Content x, a -ErrorAction Stop } catch { 'stopped' }", ["stopped"]),
        ] as [(String, [String])])
    func goesOn(script: String, expected: [String]) async throws {
        #expect(try await texts("'1' | Set-Content a; '2' | Set-Content b; " + script) == expected)
    }

    @Test(
        "paths that are piped to a command are those it is about",
        arguments: [
            ("'a' | Get-Content", ["1"]), ("Get-ChildItem a | Get-Content", ["1"]), ("'a' | Get-Item | % Name", ["a"]),
            ("'a', 'b' | Remove-Item; Test-Path a; Test-Path b", ["False", "False"]),
            ("Get-ChildItem a | Remove-Item; Test-Path a; Test-Path b", ["False", "True"]),
            ("'a' | Resolve-Path | % Path", ["a"]),
        ] as [(String, [String])])
    func pipedPaths(script: String, expected: [String]) async throws {
        #expect(try await texts("'1' | Set-Content a; '2' | Set-Content b; " + script) == expected)
    }

    @Test(
        "another scope, folder or encoding is handed over",
        arguments: [
            "function F { Set-Variable a 2 -Scope 1 }; F", "$a = 1; function F { New-Variable a 2 }; F",
            "$a = 1; function F { Remove-Variable a -Scope Global }; F", "Set-Variable a* 1", "Remove-Variable *",
            "function F { Remove-Variable a* -ErrorAction Ignore }; F", "'a' | Remove-Variable", "'a' | New-Item b",
            "Split-Path -Qualifier /Users",
            "Join-Path a b -Extension .log", "[pscustomobject]@{ Path = 'a'; ChildPath = 'b' } | Join-Path",
            "cd ~\\Desktop", "Set-Location", "cd -",
            "'ä' | Set-Content a; Get-Content a -Encoding unicode",
            "'ä' | Set-Content a; Get-Content a -Encoding latin1",
            "'a' | Set-Content a; Get-Content a -TotalCount -1",
        ])
    func elsewhere(script: String) async {
        guard case .handedOver = await outcome(script) else {
            Issue.record("\(script) ran")
            return
        }
    }

    @Test(
        "a folder that isn't there is an error",
        arguments: [
            ("Set-Location C:\\nope", "C:\\nope"), ("cd nope", "~/nope"), ("Push-Location nope/a", "~/nope/a"),
        ])
    func folders(script: String, expected: String) async throws {
        #expect(
            try await texts(
                "try { \(script) -ErrorAction Stop } catch { \"$_\" }; \(script) -ErrorAction SilentlyContinue; 'on'")
                == ["Cannot find path '\(expected)' because it does not exist.", "on"])
    }

    @Test(
        "files are read in their own encoding",
        arguments: [
            "'ä' | Set-Content a; Get-Content a -Encoding utf8", "'ä' | Set-Content a -Encoding unicode; Get-Content a",
            "'ä' | Set-Content a -Encoding utf8BOM; Get-Content a -Encoding ascii",
            "'ä' | Set-Content a -Encoding unicode; Get-Content a -Encoding utf8",
        ])
    func encodings(script: String) async throws {
        #expect(try await texts(script) == ["ä"])
    }

    @Test(
        "objects that are compared carry their side",
        arguments: [
            (
                "Compare-Object 'a','b' 'b','c' -PassThru | ForEach-Object { \"$_ $($_.SideIndicator)\" }",
                ["c =>", "a <="]
            ),
            ("Compare-Object 'a','b' 'b','c' -PassThru | Where-Object SideIndicator -eq '<='", ["a"]),
            (
                "$l = [pscustomobject]@{ a = 1 }; $r = [pscustomobject]@{ a = 2 }; "
                    + "Compare-Object $l $r -Property a -PassThru | ForEach-Object { \"$_\" }; $l.SideIndicator",
                ["@{a=2; SideIndicator==>}", "@{a=1; SideIndicator=<=}", "<="]
            ),
            ("(Compare-Object 1,2 2,3 -ExcludeDifferent).InputObject", ["2"]),
            ("@(Compare-Object 1,2 2,3 -ExcludeDifferent -IncludeEqual:$false).Count", ["0"]),
            ("(Compare-Object 1,2,3 2,3,1 -IncludeEqual).InputObject -join ','", ["2,1,3"]),
            (
                "(Compare-Object 1,2,3 3,1,4 -IncludeEqual | % { $_.SideIndicator + $_.InputObject }) -join ','",
                ["==1,==3,=>4,<=2"]
            ),
        ] as [(String, [String])])
    func comparisons(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected)
    }

    @Test(
        "numbers can't carry their side, and calculated properties aren't compared",
        arguments: [
            "Compare-Object 1 2 -PassThru", "Compare-Object 'a' 'b' -Property @{ n = 'x'; e = { 1 } }",
            "Compare-Object 'a' 'b' -Property L*",
        ])
    func uncompared(script: String) async {
        guard case .handedOver = await outcome(script) else {
            Issue.record("\(script) ran")
            return
        }
    }

    @Test(
        "a command without input does nothing with its parameters",
        arguments: [
            "Add-Member -NotePropertyName a -NotePropertyValue 1 -PassThru -Force", "Format-Wide a -Column 3",
            "ConvertTo-Html -As List -Property a -Fragment",
        ])
    func empty(command: String) async throws {
        #expect(try await texts("@() | \(command) | Where-Object { $_ -notlike '<*' }; 'on'") == ["on"])
    }

    @Test(
        "parts of paths",
        arguments: [
            ("Split-Path /file.txt", "/"), ("Split-Path /a/b/ -Leaf", "b"), ("Split-Path /a/b/", "/a"),
            ("Split-Path /a/b", "/a"), ("Split-Path a.txt", ""), ("Split-Path ./a.txt", "."),
            ("Split-Path / -Parent", ""), ("Split-Path C:\\Temp", "C:/"), ("Split-Path C:\\Temp\\a.csv", "C:/Temp"),
            ("Split-Path C:\\", ""), ("Split-Path C:a.csv -NoQualifier", "a.csv"),
            ("Split-Path $PSScriptRoot", ".."), ("Split-Path (Split-Path $PSScriptRoot -Parent)", "../.."),
            ("Split-Path C:\\Temp -Qualifier", "C:"),
            ("Split-Path a. -Extension", ""), ("Split-Path /a/b.tar.gz/ -LeafBase", "b.tar"),
        ])
    func paths(script: String, expected: String) async throws {
        #expect(try await texts(script) == [expected], "\(script)")
    }

    @Test(
        "the text of a matching line names its place",
        arguments: [
            ("'x','ab' | Set-Content t.txt; \"$(Select-String -Path t.txt -Pattern b)\"", "t.txt:2:ab"),
            ("\"$('x','ab' | Select-String b)\"", "ab"), ("('x','ab' | Select-String b).Line", "ab"),
        ])
    func lines(script: String, expected: String) async throws {
        #expect(try await texts(script) == [expected], "\(script)")
    }

    @Test(
        "-Quiet tells of files whether they match, and of texts that one does",
        arguments: [
            ("'x', 'y' | Select-String z -Quiet", []), ("'xz', 'y', 'z' | Select-String z -Quiet", ["True"]),
            ("'x' | Set-Content t.txt; Select-String z t.txt -Quiet; Select-String x t.txt -Quiet", ["False", "True"]),
            (
                "'x' | Set-Content t.txt; 'z' | Set-Content u.txt; Get-Item t.txt, u.txt | Select-String z -Quiet",
                ["False", "True"]
            ),
        ] as [(String, [String])])
    func quiet(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected, "\(script)")
    }
}
