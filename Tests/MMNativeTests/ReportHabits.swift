import MMNative
import Testing

/// What published reports do beside asking a service: they check variables, take values out of tables, tell what they
/// do, read XML, and format and open files.
@Suite("Habits of reports", .timeLimit(.minutes(5)))
struct ReportHabits: RunningReports {
    @Test(
        "values, texts and dates",
        arguments: [
            ("(New-Guid).Guid.Length; (New-Guid -Empty).ToString()", ["36", "00000000-0000-0000-0000-000000000000"]),
            ("Join-Path 'a' 'b' 'c' 'd'", ["a/b/c/d"]),
            (
                "Set-StrictMode -Version Latest; $a = $null; \"[$a]\"; try { $b.c } catch { $_.FullyQualifiedErrorId }; "
                    + "Set-StrictMode -Off; \"[$b]\"", ["[]", "VariableIsUndefined", "[]"]
            ),
            (
                "Join-Path '.\\x' 'b\\c'; Join-Path 'C:\\x/y' 'z/w'; Join-Path '/a' '\\b'",
                ["./x/b/c", "C:\\x\\y\\z\\w", "/a/b"]
            ),
            ("'a-b_c'.Split('-', '_').Count; 'a,b;c'.Split([char[]]',;') -join '|'", ["3", "a|b|c"]),
            ("([datetime]'2026-01-02').ToOADate()", ["46024"]),
            ("([datetime]::new(2026, 1, 2, 0, 0, 0, 'Utc')).ToFileTime()", ["134117856000000000"]),
            ("(Get-Date '2026-01-02 03:04:05' -Format FileDateTime)", ["20260102T0304050000"]),
            (
                "'5a4db0c5-7e11-4c02-9d0e-5a11db0c5e01'.Guid; 'x'.Guid.Count",
                ["5a4db0c5-7e11-4c02-9d0e-5a11db0c5e01", "0"]
            ),
            ("$l = [pscustomobject]@(); $l += 1; $l.Count; [pscustomobject]5 + 1", ["1", "6"]),
            ("'x' | Out-File r.html; $p = 'r.html'; & xdg-open $p; explorer.exe $p; 'done'", ["done"]),
            (
                "[cultureinfo]::new('de-DE').NumberFormat.NumberDecimalSeparator; (Get-Culture).NumberFormat.CurrencySymbol; "
                    + "[cultureinfo]'en-us' | % EnglishName", [",", "¤", "English (United States)"]
            ),
            ("$a = 1; Clear-Variable a; \"[$a]\"", ["[]"]),
            ("1, 1, 2 | Group-Object -AsHashTable -AsString | % Keys | Sort-Object", ["1", "2"]),
            (
                "'x' | Out-File a.txt; (Get-FileHash a.txt).Hash.Length; (Get-FileHash a.txt).Algorithm",
                ["64", "SHA256"]
            ),
            ("'a', 'b' | Set-Content a.txt; (Get-Content a.txt -ReadCount 0).Count", ["2"]),
            ("$x = @{ a = 1 } | Format-List; \"[$($x.Name)][$($x.a -join ', ')]\"", ["[][]"]),
            ("[convert]::ToString('192', 2); [convert]::ToString('7', 16)", ["11000000", "7"]),
            ("$p = @{ Year = 2026; Month = 2; Day = 3 }; $p | % { Get-Date @_ -Format d }", ["02/03/2026"]),
            ("'x' | Out-File a.txt; @{ Path = 'a.txt' } | % { (Get-Content @PSItem).Length }", ["1"]),
            (
                "try { Get-PSSession -InstanceId (@{}).RunspaceId.Guid -ErrorAction Stop } catch { \"$_\" }",
                [
                    "Cannot validate argument on parameter 'InstanceId'. The argument is null. Provide a valid value for "
                        + "the argument, and then try running the command again."
                ]
            ),
            (
                "try { Get-PSSession -InstanceId 5a4db0c5-7e11-4c02-9d0e-5a11db0c5e01 -ea Stop } catch { \"$_\" }",
                ["Remote session is not available for 5a4db0c5-7e11-4c02-9d0e-5a11db0c5e01."]
            ),
            ("$d = Get-Date '2026-01-02'; $d -eq ''; $d -ne ''", ["False", "True"]),
            (
                "$h = @{ '🎉 Party' = 1; 'Team ❤️' = 2 }; $h['🎉 PARTY']; $h['Team ❤']; '🎉' -eq '🎊'; 'a🎉' -eq 'A🎉'",
                ["1", "2", "False", "True"]
            ),
            ("'🎊 b', '🎉 c', 'a' | Sort-Object | Select-Object -Last 1", ["a"]),
            ("\"Größe,`u{FEFF}Ort`n1,2\" | ConvertFrom-Csv | % 'Größe'", ["1"]),
            ("(Select-Xml -Content '<a><b c=\"1\">t</b></a>' -XPath '//b').Node.c", ["1"]),
            ("'<a><b>t</b></a>' | Out-File x.xml; (Select-Xml -Path x.xml -XPath '/a/b').Node.InnerText", ["t"]),
            ("Push-Location .\\; Pop-Location; Set-Location $PSScriptRoot; 'text' | Set-Clipboard; 'done'", ["done"]),
            ("'x' | Out-File r.html; & .\\r.html; .\\r.html; 'done'", ["done"]),
        ] as [(String, [String])])
    func values(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected)
    }

    @Test(
        "values are taken out of dictionaries into a variable, or into none",
        arguments: [
            (
                "$d = [Collections.Generic.Dictionary[string,int]]::new(); $d['x'] = 5; $v = 0; $d.TryGetValue('X', [ref]$v); "
                    + "$d.TryGetValue('x', [ref]$v); $v; $d.TryGetValue('x', [ref]$null)",
                ["False", "True", "5", "True"]
            ),
            (
                "$d = [Collections.Concurrent.ConcurrentDictionary[string,object]]::new(); $d.GetOrAdd('a', 1); "
                    + "$d.GetOrAdd('a', 2); $v = $null; $d.TryRemove('a', [ref]$v); $v; $d.Count",
                ["1", "1", "True", "1", "0"]
            ),
        ] as [(String, [String])])
    func dictionaries(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected)
    }

    @Test(
        "a function's or a method's own variable has no conditions of a variable outside",
        arguments: [
            "[ValidateRange(1, 10)][int]$x = 5; function f { $x = 50; $x }; f; $x",
            "[ValidateRange(1, 10)][int]$x = 5; class A { static [int] F() { $x = 50; return $x } }; [A]::F(); $x",
        ])
    func otherVariables(script: String) async throws {
        #expect(try await texts(script) == ["50", "5"])
    }

    @Test(
        "a variable keeps the conditions of its attributes",
        arguments: [
            "[ValidateRange(1, 10)][int]$x = 5; try { $x = 11 } catch { 'refused' }; $x",
            "[ValidateSet('5', 'b')][string]$x = '5'; try { $x = 'c' } catch { 'refused' }; $x",
            "[ValidateNotNullOrEmpty()][string]$x = '5'; try { $x = '' } catch { 'refused' }; $x",
            "[ValidatePattern('^\\d$')]$x = '5'; try { $x = 'abc' } catch { 'refused' }; $x",
        ])
    func conditions(script: String) async throws {
        #expect(try await texts(script) == ["refused", "5"])
    }

    @Test(
        "an advanced function tells what it does where its caller asks for it",
        arguments: [
            ("F -Verbose", "VERBOSE: v"), ("F -Debug", "DEBUG: d"), ("$p = @{ Verbose = $true }; F @p", "VERBOSE: v"),
            ("F -Verbose:$false", ""), ("F", ""), ("F -Confirm:$false", ""),
        ])
    func remarks(call: String, expected: String) async throws {
        let script =
            "function F { [CmdletBinding(SupportsShouldProcess)] param() Write-Verbose 'v'; Write-Debug 'd' }\n" + call
        guard case .completed(let result) = await outcome(script) else {
            Issue.record("\(script) did not run")
            return
        }
        #expect(result.errors.isEmpty)
        #expect(result.information.joined() == expected)
    }

    @Test("a workbook that a script keeps open gets further sheets")
    func sheets() async throws {
        let script = """
            $p = [pscustomobject]@{ a = 1 } | Export-Excel -Path r.xlsx -WorksheetName S -PassThru
            $s = $p.Workbook.Worksheets['S']; $s.Dimension.End.Address -replace '\\d'
            $n = $p.Workbook.Worksheets.Add('N'); $n.Cells[1, 1].Value = 'x'; $n.Name
            $p.Workbook.Worksheets.Delete('S'); $p.Workbook.Worksheets.Count; Close-ExcelPackage $p
            """
        #expect(try await texts(script) == ["A", "N", "1"])
    }

    @Test("the script's own file is a command with its parameters")
    func ownScript() async throws {
        let script = """
            [CmdletBinding()] param([string]$Name = 'n', [int]$Days = 3)
            (Get-Command $PSCmdlet.MyInvocation.InvocationName).Parameters.Keys | Where-Object { $_ -in 'Name', 'Days' }
            """
        #expect(try await texts(script) == ["Name", "Days"])
    }

    @Test(
        "a key that a command doesn't know fails its statement alone",
        arguments: [
            ("Select-Object @{Name='a'; Email={1}}", "SelectObject", "Email"),
            ("Sort-Object @{Expression={1}; Name='a'}", "SortObject", "Name"),
            ("Format-Table @{n='a'; e={1}; foo=2}", "FormatTable", "foo"),
        ])
    func unknownKeys(command: String, name: String, key: String) async throws {
        let end = await outcome("1..2 | \(command); 'after'")
        guard case .completed(let result) = end else {
            Issue.record("\(command) did not run: \(end)")
            return
        }
        #expect(result.objects.map(\.text) == ["after"])
        #expect(result.errors.map(\.id) == ["DictionaryKeyIllegal,Microsoft.PowerShell.Commands.\(name)Command"])
        #expect(result.errors.first?.message == "The \(key) key is not valid.")
    }

    @Test(
        "the cmdlet that chose Graph's version says what became of it",
        arguments: [("beta", "Get-MgBetaUser reads the beta version"), ("v1.0", "Get-MgUser read v1.0 anyway")])
    func profile(name: String, words: String) async throws {
        let host = NativeHost()
        var session = NativeSession()
        _ = await NativeEngine(host: host, isPatient: true).run("Select-MgProfile -Name \(name)", in: &session)
        #expect(host.remarks.count == 1)
        #expect(host.remarks.first?.hasPrefix("Select-MgProfile is gone since version 2") == true)
        #expect(host.remarks.first?.contains(words) == true, "\(host.remarks)")
    }
}
