import MMNative
import TestSupport
import Testing

/// A number that Swift's arithmetic can't hold would end the process, and with it this test.
@Suite("Numbers of scripts and files", .timeLimit(.minutes(10)))
struct ScriptNumbers: RunningReports {
    @Test(
        "a length of time or a moment out of range is handed over",
        arguments: [
            "New-TimeSpan -Days 100000000", "New-TimeSpan -Days 10675199 -Hours 100",
            "[timespan]::new(20000000, -1, 0, 0)", "[timespan]::new(2000000000, 0, 0, 0)",
            "[timespan]::MinValue.Negate()", "[timespan]::MinValue.Duration()", "(Get-Date) - [timespan]::MinValue",
            "[datetimeoffset]::Now - [timespan]::MinValue",
            "[datetimeoffset]::new([datetime]::MaxValue, [timespan]::MinValue)",
            "[datetimeoffset]::new([datetime]'2026-01-02', [timespan]::FromDays(1))",
            "[System.Xml.XmlConvert]::ToTimeSpan('P99999999999D')", "[datetime]::SpecifyKind((Get-Date), 7)",
            "[datetime]::SpecifyKind((Get-Date), -1)",
            "[TimeZoneInfo]::ConvertTimeToUtc([datetime]::MinValue, "
                + "[TimeZoneInfo]::FindSystemTimeZoneById('Tokyo Standard Time'))",
        ])
    func out(script: String) async { #expect(await refusal(script) != nil, "\(script)") }

    @Test(
        "a bare number stays a text for a parameter of texts as it is written, and is a number for one of numbers",
        arguments: [
            ("[string]", "007", "007"), ("[string]", "1.50", "1.50"), ("[string]", "24l", "24l"),
            ("[string]", "1kb", "1kb"), ("[string]", "0x1F", "0x1F"), ("[string]", "42", "42"),
            ("[string[]]", "007", "007"), ("[string[]]", "007, 1.50", "7 1.5"), ("[string]", "(007)", "7"),
            ("", "2.718281828459045", "2.71828182845905"), ("[int]", "007", "7"), ("[long]", "1kb", "1024"),
            ("[double]", "1.50", "1.5"), ("", "42", "42"), ("[nullable[int]]", "007", "7"),
            ("[nullable[bool]]", "0x0", "False"),
        ])
    func written(type: String, number: String, expected: String) async throws {
        for call in ["F \(number)", "F -Value \(number)", "F -Value:\(number)", "& F \(number)"] {
            #expect(try await texts("function F { param(\(type)$Value) \"$Value\" }; \(call)") == [expected])
        }
    }

    @Test(
        "a bare number that its value shows otherwise is handed over where any value goes",
        arguments: [
            "function F($v) { \"$v\" }; F 1.50", "function F { $args[0] }; F 007", "function F { $args[1] }; F -x 007",
            "& { param($n) $n } 0x10", "function F([object]$v) { \"$v\" }; F 1kb",
            "Write-Output 1.50", "Write-Host 007",
            "function F { param([Parameter(ValueFromRemainingArguments)]$all) $all }; F 1 02",
            "[pscustomobject]@{ n = '1.50' } | Where-Object n -match 1.50",
            "[pscustomobject]@{ n = '1.50' } | Where-Object -Property n -Value 1.50 -match",
        ])
    func spelled(script: String) async { #expect(await refusal(script)?.contains("as it is written") == true) }

    @Test(
        "a number for a command's own parameter of numbers may be written in any way",
        arguments: [
            ("(Get-Date -Year 2026 -Month 03 -Day 0x5).Day", "5"), ("(1..20 | Select-Object -First 010).Count", "10"),
            ("(New-TimeSpan -Minutes 010).TotalSeconds", "600"),
            ("@([pscustomobject]@{ n = 2GB }, [pscustomobject]@{ n = 5 } | Where-Object n -gt 1GB).Count", "1"),
        ])
    func own(script: String, expected: String) async throws { #expect(try await texts(script) == [expected]) }

    @Test(
        "the general format has so many digits, and an exponent where they don't suffice",
        arguments: [
            ("G4", "3.14159", "3.142"), ("G4", "123456", "1.235E+05"), ("g2", "0.000012345", "1.2e-05"),
            ("G2", "0.00012345", "0.00012"), ("G17", "0.1", "0.10000000000000001"), ("G5", "100.0", "100"),
            ("G3", "-1234.5", "-1.23E+03"), ("G3", "1e20", "1E+20"), ("G2", "0.0", "0"), ("G6", "1234.5", "1234.5"),
            ("G3", "999.9", "1E+03"), ("G4", "42", "42"), ("G0", "2.5", "2.5"),
            ("G20", "9007199254740993", "9007199254740993"),
        ])
    func general(format: String, number: String, expected: String) async throws {
        #expect(try await texts("'{0:\(format)}' -f \(number)") == [expected])
    }

    @Test(
        "operators and casts give what PowerShell gives for two operands of different types",
        arguments: [
            ("[char]'c' - [char]'5'", "Int32 46"), ("2 * [char]'c'", "Int32 198"), ("-([char]'c')", "Int32 -99"),
            ("$true + [char]'c'", "Int32 100"), ("'1.5' - [char]'5'", "Double -51.5"), ("[char]'c' + 1", "String c1"),
            ("[char]'c' / [char]'c'", "Int32 1"), ("3 - [DayOfWeek]::Monday", "Int32 2"),
            ("+[DayOfWeek]::Monday", "Int32 1"), ("+[single]1.5", "Double 1.5"), ("+'5'", "Int32 5"),
            ("[DayOfWeek]::Monday * 3", "DayOfWeek Wednesday"), ("[DayOfWeek]::Monday - 3", "DayOfWeek -2"),
            ("[nullable[int]]'1.2'", "Int32 1"), ("[nullable[int]]''", "Int32 0"),
            ("[datetime]::Parse([datetime]'2024-05-30 12:30').Minute", "Int32 30"), ("[int]::Parse(7)", "Int32 7"),
            ("[nullable[bool]]'x'", "Boolean True"),
            ("'4' -as [nullable[int]]", "Int32 4"),
            ("[pscustomobject][System.Collections.Generic.List[int]]@(3)", "List`1 3"),
            ("(12, 31 -like '1*')[0]", "String 12"),
            ("(12, 31 -notlike '1*')[0]", "String 31"),
        ])
    func operands(script: String, expected: String) async throws {
        #expect(try await texts("$r = \(script); \"$($r.GetType().Name) $r\"") == [expected])
    }

    @Test(
        "a failing conversion of the second of two texts is one to a whole number",
        arguments: ["'1.2' - 'x'", "'1.2' / 'x'", "'1' % 'x'"])
    func words(script: String) async throws {
        let found = try await texts("try { \(script) } catch { $_.FullyQualifiedErrorId }")
        #expect(found == ["InvalidCastFromStringToInteger"])
    }

    @Test(
        "what PowerShell refuses, or gives a type that isn't kept, is handed over",
        arguments: [
            "[DayOfWeek]::Monday / 2", "[DayOfWeek]::Monday - 1.5", "$null -lt [DayOfWeek]::Monday", "$true + 4d",
            "'x' -as [switch]", "[switch]'x'", "\"$([xml]'<a/>')\"",
            "[string]([xml]'<a><b/></a>').a", "@{ a = 1 } -as [pscustomobject]", "[scriptblock]'1'",
            "[System.Collections.ArrayList]3",
            "[System.Collections.Generic.List[string]]'x'", "[math]::Round([byte]5, 1)", "[math]::Abs([single]1.5)",
            "[string]::Join(',', $null)", "'abc'[0, 9]", "[nullable[int]]'x'", "[nullable[int]](Get-Date)",
            "function f { param([nullable[int]]$p) 1 }; f (Get-Date)",
        ])
    func uncertain(script: String) async { #expect(await refusal(script) != nil, "\(script)") }

    @Test(
        "an enumeration has no order beside $null, on either side",
        arguments: ["$null -lt [DayOfWeek]::Monday", "[DayOfWeek]::Monday -gt $null"])
    func unordered(script: String) async { #expect(await refusal(script) == "ordering $null and System.DayOfWeek") }

    @Test(
        "a typed parameter converts its argument",
        arguments: [
            ("function f { param([nullable[int]]$p) \"<$p>\" }; f; f ''; f 2.6; f $null", ["<>", "<0>", "<3>", "<>"]),
            (
                "function f { param([Nullable[double]]$p = $null) \"<$p>\" }; f; f 0.50; f 2; f $null",
                ["<>", "<0.5>", "<2>", "<>"]
            ),
            (
                "[System.Nullable[System.Int64]]$n = $null; $null -eq $n; $n = '7'; $n.GetType().Name",
                ["True", "Int64"]
            ),
            ("[Nullable[timespan]]$t = '01:00'; $t.TotalMinutes; $t = $null; \"<$t>\"", ["60", "<>"]),
            (
                "try { throw [System.Management.Automation.ValidationMetadataException]::new('no') } "
                    + "catch [System.Management.Automation.MetadataException] { \"caught $_\" }",
                ["caught no"]
            ),
            ("function f { param([System.Collections.ArrayList]$p) $p.Count }; f 3; f @(1, 2)", ["1", "2"]),
            ("function f { param([scriptblock]$p) & $p }; f { 7 }", ["7"]), ("{ 1 } -is [scriptblock]", ["True"]),
            ("'x' -is [scriptblock]", ["False"]), ("$null -eq ('x' -as [xml])", ["True"]),
            ("function f { param($a) \"<$a>\" }; f -zz 2; f -zz; f -zz 2 3", ["<>", "<>", "<3>"]),
            ("function f { \"$args\" }; f 1 -zz 2 3; f -zz; f 1 2 -zz", ["1 -zz 2 3", "-zz", "1 2 -zz"]),
            ("function f($a) { \"$a/$args\" }; f 1 2 -zz 3 4; f -zz 3 1 4", ["1/2 -zz 3 4", "1/-zz 3 4"]),
            (
                "function f { param([ValidateCount(1, 2)]$p) \"$p\" }; try { f 1 } catch { 'no' }; f 'ab'; f 1, 2",
                ["no", "ab", "1 2"]
            ),
            ("function f { param([switch]$p) \"$p\" }; try { f -p:1 } catch { 'no' }; f -p:$false", ["no", "False"]),
        ])
    func parameters(script: String, output: [String]) async throws { #expect(try await texts(script) == output) }

    @Test(
        "lengths of time are whole ticks",
        arguments: [
            ("(New-TimeSpan -Days 10675199).Ticks", ["9223371936000000000"]),
            ("[timespan]::new(10675199, 2, 48, 5, 477).Ticks", ["9223372036854770000"]),
            ("[timespan]::new(20000000, -480000000, 0, 0).Ticks", ["0"]),
            ("[timespan]::new(1, -2, 0, 0).TotalHours", ["22"]),
            ("[System.Xml.XmlConvert]::ToTimeSpan('P1DT2H3M4.5S').Ticks", ["937845000000"]),
            ("[System.Xml.XmlConvert]::ToTimeSpan('-P1Y1M').Days", ["-395"]),
            ("[System.Xml.XmlConvert]::ToTimeSpan('P13M').Days", ["395"]),
            ("[System.Xml.XmlConvert]::ToTimeSpan('PT0.0000001S').Ticks", ["1"]),
            ("[timespan]::MaxValue - [timespan]::FromTicks(1) -lt [timespan]::MaxValue", ["True"]),
            (
                "[timespan]::MinValue,[timespan]::FromTicks(-5) | Export-Clixml .\\t.xml; (Import-Clixml .\\t.xml).Ticks",
                ["-9223372036854775808", "-5"]
            ),
        ])
    func spans(script: String, output: [String]) async throws { #expect(try await texts(script) == output) }

    @Test(
        "a file with a length of time that is too long is refused",
        arguments: [
            "P99999999999D", "-P99999999999D", "PT999999999999999999H", "P10675199DT23H", "P99999999999999999999D",
        ])
    func file(duration: String) async {
        let file =
            "<Objs Version=\"1.1.0.1\" xmlns=\"http://schemas.microsoft.com/powershell/2004/04\"><TS>\(duration)</TS></Objs>"
        #expect(await refusal("Set-Content .\\t.xml '\(file)'; Import-Clixml .\\t.xml") != nil)
    }

    @Test(
        "what would make too many values or characters is handed over",
        arguments: [
            "[System.Security.Cryptography.RandomNumberGenerator]::GetBytes(2000000000)", "'x' * 1GB", "@(1) * 1GB",
            "1..2000000000", "-2000000000..2000000000", "'x'.PadLeft(2000000000)", "'x'.PadRight(2000000000)",
            "[string]::new('x', 2000000000)", "[int[]]::new(2000000000)", "Get-Random -Count 2000000000",
            "Get-Random -Count 2000000000 | Select-Object -Last 1", "[Linq.Enumerable]::Range(0, 2000000000)",
            "[Linq.Enumerable]::Repeat('x', 2000000000)", "'{0,2000000000}' -f 1",
            "('{0}' * 300000) -f ('x' * 900000)", "$a = @('x' * 900000) * 900000; \"$a\"",
            "$a = @('x' * 900000) * 900000; $a -join ''", "$a = @('x' * 900000) * 900000; [string]::Join('', $a)",
            "$a = @('x' * 900000) * 900000; [string]$a", "$a = @('x' * 900000) * 900000; $a | Join-String",
            "('a' * 900000).Replace('a', ('x' * 900000), 'Ordinal')",
            "$b = [System.Text.StringBuilder]::new(); $x = 'x' * 900000\n"
                + "foreach ($i in 1..100000) { [void]$b.Append($x) }; $b.Length",
            "$b = [System.Text.StringBuilder]::new(); $x = 'x' * 900000\n"
                + "foreach ($i in 1..100000) { [void]$b.Append($x) }; $b.ToString()",
            "$s = [System.IO.MemoryStream]::new(); $x = [byte[]]::new(900000)\n"
                + "foreach ($i in 1..100000) { $s.Write($x, 0, 900000) }",
            "$w = [System.IO.StringWriter]::new(); $x = 'x' * 900000\n"
                + "foreach ($i in 1..100000) { $w.Write($x) }; $w.ToString()",
            "1 | Format-Wide { $_ } -Force -Column 2000000000 | Out-String -Width 2147483647",
        ])
    func many(script: String) async { #expect(await refusal(script) != nil, "\(script)") }

    private static let book =
        "$x = [pscustomobject]@{ Name = 'n' } | Export-Excel -Path .\\x.xlsx -WorksheetName One -PassThru\n"

    @Test(
        "cells beyond a sheet, or too many of them, are handed over",
        arguments: [
            "AAAAAAAAAAAAAAAA1", "XFE1", "A1048577", "A9223372036854775807", "A1:XFD999999999", "A1:XFD1048576",
            "XFD1:XFD1048576",
        ])
    func cells(address: String) async {
        #expect(await refusal(Self.book + "$x.One.Cells['\(address)'].Value = 1") != nil)
    }

    // MARK: At random

    private static let numbers = [
        "0", "1", "-1", "2", "-2147483648", "2147483647", "[long]::MinValue", "[long]::MaxValue", "[double]::NaN",
        "[double]::PositiveInfinity", "[double]::NegativeInfinity", "1e308", "-1e308", "9.3e18", "-9.3e18", "0.5",
        "1e-300", "[decimal]::MaxValue", "[decimal]::MinValue", "0.0000000000000000000000000001d",
        "[timespan]::MinValue", "[timespan]::MaxValue", "[datetime]::MinValue", "[datetime]::MaxValue",
        "[char]65535", "[byte]255", "[single]3e38", "$null", "$true", "'-9223372036854775808'", "'1e400'",
        "'99999999999999999999999999999999'", "'2147483648'", "@(1,2,3)", "'text'", "[dayofweek]6", "32", "64", "-64",
        "1000001", "'P99999999999D'", "'10675199.23:59:59.9999999'", "'9999-12-31T23:59:59.9999999-14:00'",
        "'0001-01-01T00:00:00+14:00'",
    ]

    private static let shapes: [String] = {
        let operators = ["+", "-", "*", "/", "%", "-band", "-bor", "-bxor", "-shl", "-shr", "..", "-eq", "-lt", "-f"]
        let casts = [
            "int", "long", "byte", "char", "double", "single", "decimal", "bool", "string", "timespan", "datetime",
            "version", "guid", "datetimeoffset", "dayofweek", "consolecolor", "int[]", "byte[]", "xml", "ipaddress",
        ]
        let types = [
            "math", "timespan", "datetime", "datetimeoffset", "convert", "bitconverter", "string", "int", "long",
            "double", "decimal", "char", "byte", "array", "regex", "version", "guid", "System.Xml.XmlConvert",
            "Linq.Enumerable", "System.Security.Cryptography.RandomNumberGenerator", "random", "TimeZoneInfo",
            "System.Text.StringBuilder", "System.Collections.ArrayList", "System.Collections.Generic.List[int]",
            "System.Collections.Generic.List[object]", "System.Collections.Generic.Queue[object]", "hashtable",
            "globalization.cultureinfo", "Enum", "bool", "IO.Path", "System.Diagnostics.Stopwatch", "console",
            "System.IO.MemoryStream", "System.IO.StringWriter", "uri", "net.ipaddress", "single", "int[]", "byte[]",
        ]
        let methods = [
            "new", "Abs", "Round", "Floor", "Ceiling", "Truncate", "Max", "Min", "Clamp", "Sign", "Pow", "BigMul",
            "DivRem",
            "Log", "Sqrt", "FromDays", "FromHours", "FromMinutes", "FromSeconds", "FromMilliseconds", "FromTicks",
            "Parse",
            "TryParse", "DaysInMonth", "IsLeapYear", "FromOADate", "FromFileTime", "FromFileTimeUtc", "FromBinary",
            "SpecifyKind", "FromUnixTimeSeconds", "FromUnixTimeMilliseconds", "ToInt16", "ToInt32", "ToInt64",
            "ToUInt16", "ToUInt32", "ToUInt64", "ToByte", "ToChar", "ToDouble", "ToDecimal", "ToSingle", "ToString",
            "ToBoolean", "ToDateTime", "ChangeType", "GetBytes", "GetInt32", "Next", "Range", "Repeat", "Sum",
            "Average", "Skip", "Take", "ElementAt", "ToTimeSpan", "Join", "Concat", "Format", "Compare", "IndexOf",
            "LastIndexOf", "CreateInstance", "ConvertTime", "ConvertTimeToUtc", "FindSystemTimeZoneById", "ToObject",
            "GetName", "IsNaN", "IsInfinity", "IsDigit", "Exp", "Tanh",
        ]
        let members = [
            "Add", "AddDays", "AddHours", "AddMinutes", "AddSeconds", "AddMilliseconds", "AddTicks", "AddMonths",
            "AddYears", "Subtract", "Negate", "Duration", "Multiply", "Divide", "ToString", "CompareTo", "Equals",
            "ToFileTime", "ToFileTimeUtc", "ToOADate", "ToLocalTime", "ToUniversalTime", "ToUnixTimeSeconds",
            "ToUnixTimeMilliseconds", "ToOffset", "IsDaylightSavingTime", "Substring", "PadLeft", "PadRight", "Insert",
            "Remove", "IndexOf", "LastIndexOf", "Chars", "Split", "Replace", "RemoveAt", "RemoveRange", "GetRange",
            "InsertRange", "GetValue", "GetUpperBound", "GetLength", "Append", "AppendFormat", "Write", "Seek",
            "GetHashCode", "ToShortDateString", "ToLongDateString", "ToCharArray", "Where", "ForEach",
        ]
        let owners = [
            "([timespan]::MinValue)", "([timespan]::MaxValue)", "([datetime]::MinValue)", "([datetime]::MaxValue)",
            "([datetimeoffset]::MinValue)", "([datetimeoffset][datetime]'9999-12-31')", "'text'", "(1,2,3)",
            "([Collections.ArrayList]@(1,2))", "([System.Collections.Generic.List[int]]@(1,2))",
            "([System.Text.StringBuilder]::new('abc'))", "([System.IO.MemoryStream]::new())", "([double]::NaN)",
            "([long]::MinValue)", "([decimal]::MaxValue)", "([random]::new())",
            "([TimeZoneInfo]::FindSystemTimeZoneById('Tokyo Standard Time'))",
        ]
        let commands = [
            "New-TimeSpan -Days §", "New-TimeSpan -Days § -Hours § -Minutes § -Seconds § -Milliseconds §",
            "New-TimeSpan -Start § -End §", "Get-Date -UnixTimeSeconds §", "Get-Date §", "Get-Date -Year § -Day §",
            "Get-Date -Date § -UFormat '%s %V %G %j'", "Get-Random -Minimum § -Maximum §", "Get-Random -Count §",
            "1..3 | Get-Random -Count §", "1..3 | Select-Object -First §", "1..3 | Select-Object -Last § -Skip §",
            "1..3 | Select-Object -SkipLast §", "1..3 | Select-Object -Index §", "1..3 | Sort-Object -Top §",
            "1..3 | Sort-Object -Bottom §", "§,§,§ | Measure-Object -Sum -Average -Maximum -Minimum -StandardDeviation",
            "§,§ | Sort-Object", "§,§ | Group-Object", "ConvertTo-Json §", "ConvertTo-Json @{a=§} -Depth §",
            "'[1]' | ConvertFrom-Json -Depth §", "1 | Out-String -Width §", "[pscustomobject]@{a=§} | Format-Table",
            "[pscustomobject]@{a=§} | Format-Table @{n='x';e={$_.a};width=§} | Out-String",
            "1..3 | Format-Wide { $_ } -Force -Column § | Out-String", "Write-Progress a -PercentComplete §",
            "Write-Progress a -Id §", "'a b' -split ' ', §", "$a = 1,2,3; $a[§]", "'text'[§]", "$a = 1,2,3; $a[§] = 1",
            "$l = [Collections.ArrayList]@(1,2); $l[§] = 1", "$a = 1,2,3; $a[§..§]", "$x = §; $x++; $x",
            "$x = §; $x--; $x",
            "-§", "-bnot §", "+§", "$x = §; $x += §; $x", "'{0:N10}' -f §", "'{0:X}' -f §", "'{0:P2}' -f §",
            "'{0:0.00%}' -f §", "'{0:#,,.0}' -f §", "'{0:hh\\:mm}' -f §", "'{0:yyyy-MM-dd}' -f §", "'{0:E5}' -f §",
            "'{0,§}' -f 1", "'{§}' -f 1",
            "switch (§) { 1 { 2 } default { § } }", "[int]::TryParse(§, [ref]$null)", "$h = @{}; $h[§] = §; $h",
            "$o = [ordered]@{a=1}; $o[§]", "$o = [ordered]@{a=1}; $o.Insert(§, 'b', 2)", "Get-Content .\\t.txt -Tail §",
            "Set-Content .\\t.txt a; Get-Content .\\t.txt -TotalCount §",
            "§ | Export-Clixml .\\t.xml; Import-Clixml .\\t.xml",
            "1 | ConvertTo-Xml -Depth § -As String", "§ | Out-File .\\t.txt -Width §",
            "'a' | Select-String a -Context §",
            "exit §", "[pscustomobject]@{a=§} | Export-Csv .\\t.csv; Import-Csv .\\t.csv",
            "enum E { A = §; B }; [E]::B",
            "enum E { A = 2147483647; B }; [E]::B", "[flags()] enum E { A = 1; B }; [E]§", "[E]§ -bor §",
            "function f([ValidateRange(1, 5)][int]$x, [ValidateLength(1, 5)]$y) { $x }; f § §",
            "[pscustomobject]@{ Name = § } | Export-Excel .\\x.xlsx -StartRow § -StartColumn §",
            "([xml]'<a><b/></a>').SelectNodes(\"/a/b[$(§)]\")", "[regex]::new('a').Replace('aa', 'b', §)",
            "[regex]::Replace('aa', 'a', 'b', §)", "$null = 'aa' -match 'a'; $Matches[§]",
            "'a' -replace 'a{1,9999}', §",
            "[System.Web.Security.Membership]::GeneratePassword(§, §)", "[array]::IndexOf(@(1,2), §)",
            "[array]::Reverse(§)", "$a = §, §; [array]::Sort($a); $a", "[string]::new('x', §)", "[int[]]::new(§)",
            "[object[]]::new(§)", "[timespan]§ * §", "[timespan]§ / §", "[datetime]§ + §", "[datetime]§ - §",
            "[datetimeoffset][datetime]§ - §", "[datetimeoffset]::new(§, §)", "([version]'1.2.3').ToString(§)",
            "$d = [System.Data.DataTable]::new(); [void]$d.Columns.Add('a', [int]); [void]$d.Rows.Add(§); $d.Rows[§]",
            "New-Object timespan §, §, §", "New-Object datetime §, §, §", "New-Object string 'x', §",
        ]
        var shapes = commands
        shapes += operators.map { "§ \($0) §" } + casts.map { "[\($0)]§" }
        for type in types {
            for method in methods {
                for arguments in ["", "§", "§, §", "§, §, §"] { shapes.append("[\(type)]::\(method)(\(arguments))") }
            }
        }
        for owner in owners {
            for member in members {
                for arguments in ["", "§", "§, §", "§, §, §"] { shapes.append("\(owner).\(member)(\(arguments))") }
            }
        }
        return shapes
    }()

    @Test("no number ends the process, whatever operator, cast, method or cmdlet gets it", arguments: 0..<4)
    func random(part: Int) async {
        var random = SeededRandom(seed: UInt64(part) + 71)
        for (place, shape) in Self.shapes.enumerated() where place % 4 == part {
            for _ in 0..<(place < 200 ? 20 : 2) {
                var script = ""
                for character in shape {
                    guard character == "§" else {
                        script.append(character)
                        continue
                    }
                    script += "(" + (Self.numbers.randomElement(using: &random) ?? "0") + ")"
                }
                _ = await outcome(script)
            }
        }
    }
}
