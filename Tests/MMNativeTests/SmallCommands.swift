import MMNative
import Testing

/// Random numbers and items, dates in the formats of Unix, enumerations, and texts with variables.
@Suite("Small commands", .timeLimit(.minutes(5)))
struct SmallCommands: RunningReports {
    @Test(
        "random numbers have the type of their limits, and random items come from a list",
        arguments: [
            ("(Get-Random).GetType().Name; (Get-Random 10).GetType().Name", ["Int32", "Int32"]),
            (
                "$r = Get-Random -Minimum 1.5 -Maximum 2.5; $r -ge 1.5 -and $r -lt 2.5; $r.GetType().Name",
                ["True", "Double"]
            ),
            (
                "$r = Get-Random -Minimum 5000000000 -Maximum 5000000002; $r - 5000000000 -in 0, 1; $r.GetType().Name",
                ["True", "Int64"]
            ),
            (
                "(Get-Random -Maximum '10' -Count 3).Count; @(Get-Random (7, 7)).Count; Get-Random 7, 7",
                ["3", "1", "7"]
            ),
            ("(Get-Random -InputObject (1..5) -Count 3 | Sort-Object -Unique).Count", ["3"]),
            ("(Get-Random -InputObject 1, 2 -Count 5 | Sort-Object) -join ','", ["1,2"]),
            ("(1..9 | Get-Random -Shuffle | Sort-Object) -join ''", ["123456789"]),
            (
                "try { Get-Random -Minimum 5 -Maximum 5 } catch { $_.FullyQualifiedErrorId; \"$_\" }",
                [
                    "MinGreaterThanOrEqualMax,Microsoft.PowerShell.Commands.GetRandomCommand",
                    "The Minimum value (5) cannot be greater than or equal to the Maximum value (5).",
                ]
            ),
        ] as [(String, [String])])
    func random(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected)
    }

    @Test(
        "members are told by kind and pattern, those of all objects among them",
        arguments: [
            ("$o | Get-Member | % Name", ["Equals", "GetHashCode", "GetType", "ToString", "Age", "Name"]),
            ("$o | Get-Member n* | % Name; $o | gm -MemberType NoteProperty -Name a* | % Name", ["Name", "Age"]),
            ("$o | gm -MemberType Property; ($o | gm -MemberType Property, NoteProperty).Count", ["2"]),
            ("$o | gm -MemberType Methods, NoteProperty *e | % Name", ["GetHashCode", "GetType", "Age", "Name"]),
            ("class K { [int]$A; [void] Go() {} }; [K]::new() | gm G* | % Name", ["GetHashCode", "GetType", "Go"]),
        ] as [(String, [String])])
    func members(script: String, expected: [String]) async throws {
        let made = "$o = [pscustomobject]@{ Name = 'a'; Age = 1 }; "
        #expect(try await texts(made + script) == expected, "\(script)")
    }

    @Test(
        "a member that is there already is reported for each object, and replaced by force as the last one",
        arguments: [
            (
                "[pscustomobject]@{ A = 1 }, [pscustomobject]@{ B = 1 }, [pscustomobject]@{ A = 3 } | "
                    + "Add-Member NoteProperty A 9 -PassThru", ["@{B=1; A=9}"], 2
            ),
            (
                "[pscustomobject]@{ A = 1; B = 2 } | Add-Member ([ordered]@{ Z = 1; A = 5; Y = 2 }) -PassThru",
                ["@{A=1; B=2; Z=1; Y=2}"], 1
            ),
            ("[pscustomobject]@{ A = 1; B = 2 } | Add-Member NoteProperty a 3 -Force -PassThru", ["@{B=2; a=3}"], 0),
        ] as [(String, [String], Int)])
    func added(script: String, expected: [String], errors: Int) async throws {
        guard case .completed(let result) = await outcome(script) else {
            Issue.record("\(script) did not run")
            return
        }
        #expect(result.objects.map(\.text) == expected && result.errors.count == errors, "\(script): \(result.errors)")
    }

    @Test(
        "each object passes through the whole pipeline before the next one",
        arguments: ["Add-Member NoteProperty B 1 -PassThru", "Tee-Object -Variable z", "Tee-Object t.txt"])
    func order(command: String) async throws {
        let made = "$log = @(); 1, 2 | % { $log += \"up$_\"; [pscustomobject]@{ A = $_ } } | "
        let script = made + command + " | % { $log += \"down$($_.A)\" }; $log -join ','"
        #expect(try await texts(script) == ["up1,down1,up2,down2"], "\(command)")
    }

    @Test("Select-String tells what it finds in a text before the next one comes")
    func orderOfSearch() async throws {
        let script = "$log = @(); 'a', 'b', 'c' | % { $log += \"up$_\"; $_ } | Select-String . | select -First 2 "
        #expect(try await texts(script + "| % { $log += \"down$_\" }; $log -join ','") == ["upa,downa,upb,downb"])
    }

    @Test(
        "texts are searched once, joined without nothing, and paths put together in order",
        arguments: [
            ("Select-String -InputObject 'a' -Pattern a | % Line", ["a"]),
            ("Select-String -InputObject 'ab', 'cd' -Pattern c | % Line", ["ab cd"]),
            ("'a', $null, 'b' | Join-String -Separator ','", ["a,b"]),
            ("('a', 'b'), @(), 'c' | Join-String -Separator '-'", ["a-b-c"]),
            ("(, (1, 2)), 3 | % { , $_ } | Join-String { \"$_!\" } -Separator ','", ["1 2!,3!"]),
            ("Write-Host ('a', ('x', ('y', 'z')), $null, 'b') -Separator '-' 6>&1 | % { \"$_\" }", ["a-x-y-z--b"]),
            ("Invoke-Expression 'foreach ($i in 1, 2) { $i; return 9 }'; 'on'", ["1", "9", "on"]),
            ("function f { Invoke-Expression 'return 3'; 4 }; f; 1, 2 | % { iex 'return'; 8 }", ["3", "4", "8", "8"]),
            ("'a', $null, 'b' | Join-String -Property { \"$_!\" } -Separator ','", ["a!,b!"]),
            ("[pscustomobject]@{ A = $null }, [pscustomobject]@{ A = 'q' } | Join-String A -Separator ','", [",q"]),
            ("Join-Path '/a' 'b' -AdditionalChildPath x, y", ["/a/b/x/y"]),
            ("Join-Path '/a' -ChildPath 'b' -AdditionalChildPath x, y", ["/a/b/x/y"]),
            ("Join-Path '/a' -ChildPath 'b' x y", ["/a/b/x/y"]),
            ("@(New-Guid '11111111-2222-3333-4444-555555555555').Count", ["1"]),
        ] as [(String, [String])])
    func inputs(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected, "\(script)")
    }

    @Test(
        "lists within lists that Write-Host would show without end, or at great length, are left to PowerShell",
        arguments: [
            ("$l = [Collections.ArrayList]@(1); [void]$l.Add($l); Write-Host $l", "showing values nested deeply"),
            ("$l = [Collections.ArrayList]@(1); [void]$l.Add($l); Write-Host 0 $l", "showing values nested deeply"),
            ("$d = 1; foreach ($i in 1..45) { $d = $d, $d }; Write-Host (, $d)", "showing values nested deeply"),
            ("$t = 'x' * 1000000; $t = foreach ($i in 1..9) { $t }; Write-Host (, $t)", "a long text"),
        ])
    func endless(script: String, reason: String) async { #expect(await refusal(script) == reason, "\(script)") }

    @Test(
        "dates in the formats of Unix",
        arguments: [
            ("2026-01-02 03:04:05.678", "%Y-%m-%dT%H:%M:%S%Z", "2026-01-02T03:04:05+00"),
            ("2026-01-02 13:04:05", "[%C|%e|%k|%l|%r|%x|%X]", "[20| 2|13| 1|01:04:05 PM|01/02/26|13:04:05]"),
            ("2026-01-02 03:04:05", "+%c", "Fri 02 Jan 2026 03:04:05"), ("2026-01-02", "%j %U %W %q", "002 0 0 q"),
            ("2026-01-01", "%G-W%V-%u %g", "2026-W01-4 26"), ("2027-01-01", "%G-W%V-%u", "2026-W53-5"),
            ("2024-12-30", "%G-W%V-%u", "2025-W01-1"), ("2026-01-02 03:04:05.678", "%s", "1767323046"),
            ("2026-01-02 03:04:05.4", "%s", "1767323045"),
        ])
    func unixFormats(date: String, format: String, expected: String) async throws {
        #expect(try await texts("Get-Date '\(date)' -UFormat '\(format)'") == [expected])
    }

    @Test(
        "fractions of seconds",
        arguments: [
            ("03:04:05.6789", "fff", "678"), ("03:04:05.6789", "ss.fffffff", "05.6789000"),
            ("03:04:05.600", "ss.FFF", "05.6"),
            ("03:04:05", "ss.FFF", "05"), ("03:04:05.678", "yyyyMMddHHmmssfff", "20260102030405678"),
        ])
    func fractions(time: String, format: String, expected: String) async throws {
        #expect(try await texts("Get-Date '2026-01-02 \(time)' -Format '\(format)'") == [expected])
    }

    @Test(
        "dates of the pipeline",
        arguments: [
            ("'2026-01-02', [datetime]'2026-03-04' | Get-Date -Format 'dd.MM.yyyy'", ["02.01.2026", "04.03.2026"]),
            ("'2026-01-02 03:04:05' | Get-Date -UFormat '%H:%M'", ["03:04"]),
            ("@() | Get-Date -Format yyyy", []), ("('2026-01-02' | Get-Date).AddDays(1).Day", ["3"]),
            ("[pscustomobject]@{ At = '2026-01-02' } | ForEach-Object { $_.At | Get-Date -Format yyMMdd }", ["260102"]),
        ])
    func pipedDates(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected, "\(script)")
    }

    @Test(
        "the names and values of enumerations",
        arguments: [
            ("[Enum]::GetNames([DayOfWeek]) -join ','", "Sunday,Monday,Tuesday,Wednesday,Thursday,Friday,Saturday"),
            ("[Enum]::GetNames('System.DayOfWeek').Count", "7"), ("[DayOfWeek].GetEnumNames()[1]", "Monday"),
            ("[DayOfWeek].GetEnumValues()[1] -eq [DayOfWeek]::Monday", "True"),
            ("enum E { A; B = 5 }; [Enum]::GetNames('E') -join ','; [Enum]::GetValues([E]) | % { [int]$_ }", "A,B 0 5"),
            ("[int][Enum]::GetValues([System.ConsoleColor])[2]", "2"),
        ])
    func enumerations(script: String, expected: String) async throws {
        #expect(try await texts(script).joined(separator: " ") == expected)
    }

    @Test("not all values of an enumeration are known")
    func unknownValues() async throws {
        #expect(await refusal("[Enum]::GetNames([System.Net.HttpStatusCode]).Count") != nil)
    }

    @Test(
        "options of regular expressions are combined",
        arguments: [
            (
                "[regex]::Match('AB', 'ab', [Text.RegularExpressions.RegexOptions]'IgnoreCase, CultureInvariant').Value",
                "AB"
            ),
            ("[regex]::Match(\"a`nb\", 'a.b', [System.Text.RegularExpressions.RegexOptions]::Singleline).Length", "3"),
            ("[regex]::Matches(\"A`na\", '^a$', 'IgnoreCase, Multiline').Count", "2"),
            (
                "using namespace System.Text.RegularExpressions; [regex]::IsMatch(\"A`nB\", 'a.b', [RegexOptions]::IgnoreCase -bor [RegexOptions]::Singleline)",
                "True"
            ),
            (
                "$r = [regex]::new('^b.', 'Multiline,Singleline'); $r.Match(\"a`nb`n\").Index; \"$r $($r.Options)\"",
                "2 ^b. Multiline, Singleline"
            ),
            (
                "$r = [regex]::new('a.b', [Text.RegularExpressions.RegexOptions]::Singleline); \"a`nb\" -match $r",
                "True"
            ),
            ("[int][Text.RegularExpressions.RegexOptions]'Compiled,IgnoreCase'", "9"),
        ])
    func options(script: String, expected: String) async throws {
        #expect(try await texts(script).joined(separator: " ") == expected, "\(script)")
    }

    @Test(
        "a text with variables gets their values",
        arguments: [
            (
                "$n = 'x'; $ExecutionContext.InvokeCommand.ExpandString('Hi $n, \"$($n.Length + 1)\" `$n')",
                "Hi x, \"2\" $n"
            ),
            ("$ExecutionContext.InvokeCommand.ExpandString('plain')", "plain"),
            ("$t = 'a $u b'; $u = 5; $ExecutionContext.InvokeCommand.ExpandString($t)", "a 5 b"),
            ("$ExecutionContext.SessionState.LanguageMode", "FullLanguage"),
            ("$ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath('a/b.csv')", "a/b.csv"),
        ])
    func textsWithVariables(script: String, expected: String) async throws {
        #expect(try await texts(script) == [expected])
    }

    @Test("a text that changes something is not expanded")
    func changing() async throws {
        let script = "$t = '$(Set-Mailbox x -Alias y)'; $ExecutionContext.InvokeCommand.ExpandString($t)"
        guard case .handedOver = await outcome(script) else {
            Issue.record("it ran")
            return
        }
    }

    @Test(
        "a message that is $null is left to PowerShell, and an empty one is a message",
        arguments: [
            ("$null | Write-Warning", false), ("Write-Warning $null", false), ("'' | Write-Warning", true),
            ("1, $null | Write-Error", false), ("Write-Error -Message $none", false), ("Write-Warning ''", true),
            ("$null | Where-Object { $_ } | Write-Warning", true),
        ])
    func messages(script: String, isRun: Bool) async {
        #expect(await refusal(script) == (isRun ? nil : "a message that is $null"))
    }

    @Test("equal objects keep their order where the command says so")
    func stable() async throws {
        let rows = "1..40 | % { [pscustomobject]@{ a = $_ % 2; n = $_ } }"
        let expected = [(1...20).map { $0 * 2 }, (1...20).map { $0 * 2 - 1 }].flatMap(\.self).map { "\($0)" }
        #expect(try await texts("\(rows) | Sort-Object a -Stable | % n") == expected)
        #expect(try await texts("\(rows) | Sort-Object a -Top 40 | % n") == expected)
    }

    @Test(
        "a page in place of JSON is an error that a script may catch, and an empty text is $null",
        arguments: [
            (
                "try { '<html></html>' | ConvertFrom-Json } catch { $_.Exception.Message }",
                "Conversion from JSON failed with error: Unexpected character encountered while parsing value: <. "
                    + "Path '', line 0, position 0."
            ),
            ("try { 'Error' | ConvertFrom-Json } catch [System.ArgumentException] { 'caught' }", "caught"),
            (
                "try { ConvertFrom-Json 'x' } catch { $_.FullyQualifiedErrorId }",
                "System.ArgumentException,Microsoft.PowerShell.Commands.ConvertFromJsonCommand"
            ),
            ("@('' | ConvertFrom-Json).Count; ", "1"), ("$null -eq (' ' | ConvertFrom-Json)", "True"),
        ])
    func pages(script: String, expected: String) async throws {
        #expect(try await texts(script) == [expected])
    }
}
