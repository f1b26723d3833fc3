import MMCore
import MMNative
import PowerShellSyntax
import Testing

/// Types and commands that published reports use and that were never compared with a real PowerShell: by .NET's
/// documentation.
@Suite("Types of reports", .timeLimit(.minutes(5)))
struct TypesOfReports: RunningReports {
    private static func blanks(_ count: Int) -> String { String(repeating: " ", count: count) }

    @Test(
        "numbers of different types are compared in the type to which both widen",
        arguments: [
            ("[math]::Max(1, 2.5)", "2.5"), ("[math]::Max(3, 2.5).GetType().Name", "Double"),
            ("[math]::Min([decimal]2.5, 1)", "1"), ("[math]::Max($null, 5)", "5"), ("[math]::Max('3', 5)", "5"),
            ("[math]::Clamp(5.5, 1, 3)", "3"), ("[math]::Min([long]7, 100).GetType().Name", "Int64"),
        ])
    func numbers(script: String, output: String) async throws {
        #expect(try await texts(script) == [output], "\(script)")
    }

    @Test(
        "dates are read by patterns and styles, and moved by whatever is a number",
        arguments: [
            ("[datetime]::Parse('2025-01-02T03:04:05Z', $null, 'AdjustToUniversal').Kind", "Utc"),
            (
                "[datetime]::Parse('2025-01-02T03:04:05Z', $null, 'RoundtripKind').ToString('o')",
                "2025-01-02T03:04:05.0000000Z"
            ),
            ("[datetime]::Parse('2025-01-02', $null, 'AssumeUniversal, AdjustToUniversal').Kind", "Utc"),
            ("[datetime]::ParseExact('20250102', 'yyyyMMdd', [cultureinfo]::InvariantCulture, 'None').Day", "2"),
            ("[datetime]::ParseExact('2025-01-02', [string[]]('yyyyMMdd', 'yyyy-MM-dd'), $null, 'None').Day", "2"),
            (
                "[datetime]::ParseExact('2025-01-02T03:04:05Z', 'yyyy-MM-ddTHH:mm:ssZ', $null).ToUniversalTime().Hour",
                "3"
            ),
            (
                "[datetime]::ParseExact('2025-01-02T03:04:05+02:00', 'yyyy-MM-ddTHH:mm:ssK', $null).ToUniversalTime().Hour",
                "1"
            ),
            ("[datetime]::ParseExact('02.01.25', 'dd.MM.yy', $null).Year", "2025"),
            ("try { [datetime]::ParseExact('x', 'yyyy', $null) } catch { 'none' }", "none"),
            ("([datetime]'2025-01-02').AddDays('-1').Day", "1"), ("([datetime]'2025-01-02').AddMonths('1').Month", "2"),
            ("([datetime]'2025-01-02').AddDays([long]1).Day", "3"), ("[datetime]::UnixEpoch.Year", "1970"),
            ("[datetime]::FromOADate(45000).ToString('yyyy-MM-dd')", "2023-03-15"),
            ("([datetime]::new(2025, 1, 2, 0, 0, 0, 'Utc')).ToString('HH:mm zzz')", "00:00 +00:00"),
            (
                "([datetime]'2025-01-02 03:04:05.5').ToString('ss.FFF'); ([datetime]'2025-01-02').ToString('ss.FFF')",
                "05.5"
            ),
            ("(Get-Culture).DateTimeFormat.GetMonthName(3)", "March"),
            ("[cultureinfo]::InvariantCulture.DateTimeFormat.GetAbbreviatedDayName(1)", "Mon"),
            ("[System.Xml.XmlConvert]::ToTimeSpan('P1DT2H3M4.5S').TotalSeconds", "93784.5"),
        ])
    func dates(script: String, output: String) async throws {
        #expect(try await texts(script).first == output, "\(script)")
    }

    @Test(
        "time zones are known by both of their names, and clocks are put forward everywhere on their own days",
        arguments: [
            (
                "[TimeZoneInfo]::ConvertTimeBySystemTimeZoneId([datetime]'2025-07-01 12:00', 'UTC', 'Eastern Standard Time').Hour",
                "8"
            ),
            (
                "[TimeZoneInfo]::ConvertTimeBySystemTimeZoneId([datetime]'2025-07-01 12:00', 'Europe/Paris', 'America/New_York').Hour",
                "6"
            ),
            (
                "[TimeZoneInfo]::ConvertTimeToUtc([datetime]'2025-01-15 12:00', [TimeZoneInfo]::FindSystemTimeZoneById('AUS Eastern Standard Time')).Hour",
                "1"
            ),
            (
                "[TimeZoneInfo]::FindSystemTimeZoneById('New Zealand Standard Time').GetUtcOffset([datetime]'2025-07-01').TotalHours",
                "12"
            ),
            (
                "[TimeZoneInfo]::FindSystemTimeZoneById('Europe/Berlin').IsDaylightSavingTime([datetime]'2025-07-01')",
                "True"
            ),
            ("[TimeZoneInfo]::GetSystemTimeZones().Count -gt 40", "True"),
        ])
    func zones(script: String, output: String) async throws {
        #expect(try await texts(script) == [output], "\(script)")
    }

    @Test(
        "texts have bytes in every encoding, and bytes have digests",
        arguments: [
            ("[Text.Encoding]::BigEndianUnicode.GetBytes('Hi') -join ','", "0,72,0,105"),
            ("[Text.Encoding]::UTF32.GetBytes('H') -join ','", "72,0,0,0"),
            ("[Text.Encoding]::GetEncoding('ISO-8859-1').GetBytes('é') -join ','", "233"),
            ("[Text.Encoding]::GetEncoding(1252).GetString([byte[]](128, 233))", "€é"),
            ("[Text.Encoding]::UTF8.GetByteCount('é'); ", "2"), ("[Text.Encoding]::Unicode.WebName", "utf-16"),
            ("[BitConverter]::ToInt32([BitConverter]::GetBytes(258), 0)", "258"),
            (
                "$h = [Security.Cryptography.MD5]::Create(); [BitConverter]::ToString($h.ComputeHash([Text.Encoding]::UTF8.GetBytes('abc')))",
                "90-01-50-98-3C-D2-4F-B0-D6-96-3F-7D-28-E1-7F-72"
            ),
            (
                "[Convert]::ToHexString((New-Object Security.Cryptography.SHA1Managed).ComputeHash([Text.Encoding]::UTF8.GetBytes('abc')))",
                "A9993E364706816ABA3E25717850C26C9CD0D89D"
            ),
            (
                "[Convert]::ToHexString([Security.Cryptography.SHA512]::Create().ComputeHash([Text.Encoding]::UTF8.GetBytes('abc'))).Substring(0, 32)",
                "DDAF35A193617ABACC417349AE204131"
            ),
            (
                "[Convert]::ToHexString([Security.Cryptography.SHA384]::HashData([Text.Encoding]::UTF8.GetBytes('abc'))).Substring(0, 32)",
                "CB00753F45A35E8BB5A03D699AC65007"
            ),
            (
                "'abc' | Set-Content -NoNewline a.txt; (Get-FileHash a.txt -Algorithm MD5).Hash",
                "900150983CD24FB0D6963F7D28E17F72"
            ),
        ])
    func bytes(script: String, output: String) async throws {
        #expect(try await texts(script) == [output], "\(script)")
    }

    @Test(
        "readers and writers go over files of the run, texts and memory",
        arguments: [
            (
                "$w = [IO.StreamWriter]::new('C:\\a.txt'); $w.WriteLine('x'); $w.Write('{0}-{1}', 1, 2); $w.Close(); Get-Content C:\\a.txt",
                ["x", "1-2"]
            ),
            (
                "'a','b' | Set-Content a.txt; $r = New-Object IO.StreamReader('a.txt'); while (-not $r.EndOfStream) { $r.ReadLine() }; $r.Close()",
                ["a", "b"]
            ),
            (
                "'a','b' | Set-Content a.txt; $r = [IO.File]::OpenText('a.txt'); while ($null -ne ($l = $r.ReadLine())) { $l }",
                ["a", "b"]
            ),
            ("'a','b' | Set-Content a.txt; foreach ($l in [IO.File]::ReadLines('a.txt')) { $l + '!' }", ["a!", "b!"]),
            (
                "[IO.File]::WriteAllText('a.txt', \"ä`r`nb`n`nc\"); $r = [IO.File]::OpenText('a.txt'); $r.ReadLine(); [char]$r.Peek(); [char]$r.Read(); $r.ReadLine() + '|'; $r.ReadLine() + '|'; $r.ReadToEnd(); $r.EndOfStream",
                ["ä", "b", "b", "|", "|", "c", "True"]
            ),
            ("$w = New-Object IO.StringWriter; $w.WriteLine('a'); $w.Write('b'); $w.ToString().Length", ["3"]),
            (
                "$m = New-Object IO.MemoryStream; $w = New-Object IO.StreamWriter $m; $w.Write('Hi'); $w.Flush(); $m.ToArray() -join ','",
                ["72,105"]
            ),
            ("$r = [IO.StreamReader]::new([IO.MemoryStream]::new([byte[]](72, 105))); $r.ReadToEnd()", ["Hi"]),
            ("try { [IO.StreamReader]::new('none.txt') } catch { 'none' }", ["none"]),
        ])
    func streams(script: String, output: [String]) async throws {
        #expect(try await texts(script) == output, "\(script)")
    }

    @Test(
        "objects of further types, and what types say of themselves",
        arguments: [
            ("(New-Object Guid '5a4db0c5-7e11-4c02-9d0e-5a11db0c5e01').Guid.Length", "36"),
            ("(New-Object Random).Next(3, 4)", "3"), ("(New-Object System.Net.Mail.MailAddress 'a@b.c').Host", "b.c"),
            ("[int].Name; ", "Int32"), ("'a'.GetType().IsArray; ", "False"),
            ("(5).GetType().BaseType.Name", "ValueType"),
            ("5 -is [ValueType]; ", "True"), ("'a' -is [ValueType]", "False"), ("@(1, 2).GetType().IsArray", "True"),
            ("[string].FullName", "System.String"), ("$a = 1, 2; $a.Rank; ", "1"), ("@(1, 2).GetValue(1)", "2"),
            ("$h = @{}; $h.set_Item('a', 2); $h.a", "2"), ("-join 'ab'.GetEnumerator()", "ab"),
            ("'xax'.Trim([char[]]'x')", "a"), ("'abc'.IndexOfAny([char[]]'cb')", "1"), ("'abc'.Chars(1)", "b"),
            ("'ABC'.EndsWith('c', $true, $null)", "True"), ("[long]::TryParse('12', [ref]$null)", "True"),
            ("$PSDefaultParameterValues['Out-File:Encoding'] = 'utf8'; 'on'", "on"),
            ("[Windows.Forms.MessageBox]::Show('Hello') | Out-Null; 'on'", "on"),
        ])
    func objects(script: String, output: String) async throws {
        #expect(try await texts(script) == [output], "\(script)")
    }

    @Test(
        "an error that is caught has every member of an error",
        arguments: [
            (
                "try { Get-Item none -ErrorAction Stop } catch { $_.ErrorDetails.Message; \"[$($_.Exception.Response.StatusCode)]\" }",
                ["", "[]"]
            ),
            (
                "try { throw 'x' } catch { $_.CategoryInfo.Category; $_.Exception.StackTrace; $_.Exception.HResult }",
                ["OperationStopped", "", "-2146233088"]
            ),
            (
                "Write-Error 'x' -Category InvalidData -ErrorId Mine -ErrorAction SilentlyContinue; $Error[0].CategoryInfo.Category",
                ["InvalidData"]
            ),
            (
                "Write-Error -Exception ([Exception]::new('y')) -ErrorAction SilentlyContinue; $Error[0].Exception.Message",
                ["y"]
            ),
        ])
    func errors(script: String, output: [String]) async throws {
        #expect(try await texts(script) == output, "\(script)")
    }

    @Test(
        "commands with the parameters that reports give them",
        arguments: [
            (
                "1..5 | Format-Wide { $_ } -Column 5 -Force | Out-String -Stream | Where-Object { $_ } | ForEach-Object { ($_ -split ' +') -join ',' }",
                ["1,2,3,4,5"]
            ),
            ("'Ann', 'bob', 'Carl' | fw { $_ } -Force", ["Ann" + blanks(58) + "bob\nCarl" + blanks(57)]),
            ("'Ann', 'bob', 1.5 | Format-Wide -Column 3; 'a' | Format-Wide Length", ["Ann", "bob", "1.5", "a"]),
            (
                "$n = 'Adele', 'Sales', 'Ben', 'Room', 'info'; $n | Format-Wide { $_ } -Column 3 -Force | Out-String -Width 60",
                [
                    "\nAdele" + blanks(16) + "Sales" + blanks(15) + "Ben\nRoom" + blanks(17) + "info" + blanks(16)
                        + "\n\n"
                ]
            ),
            (
                "'Ann', 'bob', 'Carl' | Format-Wide { $_ } -AutoSize -Force | Out-File w.txt -Width 11; (Get-Content w.txt).TrimEnd()",
                ["", "Ann   bob", "Carl", ""]
            ),
            ("'b','a' | Set-Content a.txt -PassThru", ["b", "a"]), ("Split-Path 'C:\\a\\b' -Qualifier", ["C:"]),
            ("Split-Path 'C:\\a\\b' -NoQualifier; Split-Path 'C:\\a' -IsAbsolute", ["\\a\\b", "True"]),
            (
                "'x','ab' | Set-Content a.txt; Select-String -Path a.txt -Pattern b | % { \"$($_.Filename):$($_.LineNumber)\" }",
                ["a.txt:2"]
            ),
            ("'{\"a\":1}' | Test-Json; Test-Json '{' -ErrorAction SilentlyContinue", ["True", "False"]),
            (
                "[pscustomobject]@{ a = 1 } | Export-Csv a.csv -IncludeTypeInformation; (Get-Content a.csv)[0]",
                ["#TYPE System.Management.Automation.PSCustomObject"]
            ),
            (
                "[pscustomobject]@{ a = 1 } | ConvertTo-Html -Meta @{ author = 'x' } | Select-String author | % Line",
                ["<meta name=\"author\" content=\"x\">"]
            ),
            (
                "Get-Acl C:\\temp -ErrorAction SilentlyContinue; $Error[0].Exception.Message -like 'Get-Acl reads the machine*'",
                ["True"]
            ),
            ("Set-ExecutionPolicy Bypass -Scope Process -Force -Confirm:$false; 'on'", ["on"]),
            ("Set-Variable a 1 -WhatIf:$false; $a; 'b' | Out-File b.txt -WhatIf:$false; gc b.txt", ["1", "b"]),
        ])
    func commands(script: String, output: [String]) async throws {
        #expect(try await texts(script) == output, "\(script)")
    }

    @Test(
        "a script that changes something doesn't use what was never compared",
        arguments: [
            "[math]::Max(1, 2.5)", "[datetime]::UnixEpoch", "[IO.StringWriter]::new()",
            "([datetime]'2025-01-02').AddDays('1')",
            "'abc'.Chars(1)",
        ])
    func writers(script: String) async throws {
        var session = NativeSession()
        let outcome = await NativeEngine(sources: [], host: NativeHost()).run(script, in: &session)
        guard case .completed = outcome else { return }
        Issue.record("\(script) ran")
    }

    @Test(
        "a script isn't run here where a value would have to be another",
        arguments: [
            "function f { \"$input\"; \"$input\" }; 1..3 | f", "function f([switch]$s) { $s -is [bool] }; f -s",
        ])
    func uncertain(script: String) async throws {
        var session = NativeSession()
        let outcome = await NativeEngine(sources: [], host: NativeHost()).run(script, in: &session)
        guard case .completed = outcome else { return }
        Issue.record("\(script) ran")
    }

    @Test(
        "a script that changes something doesn't name what was never compared",
        arguments: [
            "1 | Format-Wide", "[System.Security.Cryptography.MD5]::Create()", "[IO.StreamReader]::new('a')",
            "New-Object Random; [random]::new()", "Get-CimInstance Win32_OperatingSystem",
        ])
    func unrecorded(script: String) {
        #expect(NativeEngine.unrecorded(in: PowerShellParser.parse(utf16: Array(script.utf16))) != nil)
    }
}
