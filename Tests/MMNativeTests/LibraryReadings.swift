import MMNative
import Testing

/// What scripts read with .NET's types, and what these say of times with an offset, of sequences and of the process.
@Suite("Readings of .NET", .timeLimit(.minutes(5)))
struct LibraryReadings: RunningReports {
    @Test(
        "texts are parsed as their types parse them, and what is none is an error that a script can catch",
        arguments: [
            ("[int]::Parse('-12'); [long]::Parse('12345678901')", ["-12", "12345678901"]),
            (
                "[double]::Parse('-1,234.5', [cultureinfo]::InvariantCulture); [bool]::Parse(' True ')",
                ["-1234.5", "True"]
            ),
            (
                "try { [int]::Parse('x') } catch { $_.Exception.Message }",
                [
                    "Exception calling \"Parse\" with \"1\" argument(s): \"The input string 'x' was not in a correct format.\""
                ]
            ),
            (
                "try { [Convert]::ToBoolean('Y') } catch { $_.Exception.Message }",
                [
                    "Exception calling \"ToBoolean\" with \"1\" argument(s): "
                        + "\"String 'Y' was not recognized as a valid Boolean.\""
                ]
            ),
            ("$n = 5; [int]::TryParse('x', [ref]$n); $n", ["False", "0"]),
            ("$n = 0.0; [double]::TryParse('1.5', [ref]$n); $n", ["True", "1.5"]),
            (
                "$n = 0.0; [double]::TryParse('2.5', [Globalization.NumberStyles]::Any, [cultureinfo]::InvariantCulture, [ref]$n); $n",
                ["True", "2.5"]
            ),
            ("$t = [timespan]::Zero; [timespan]::TryParse('01:30', [ref]$t); $t.TotalMinutes", ["True", "90"]),
            (
                "$d = [datetime]::MinValue; [datetime]::TryParseExact('02.01.2026', 'dd.MM.yyyy', "
                    + "[Globalization.CultureInfo]::InvariantCulture, [Globalization.DateTimeStyles]::None, [ref]$d); $d.ToString('s')",
                ["True", "2026-01-02T00:00:00"]
            ),
            ("$u = $null; [uri]::TryCreate('https://a.b/c', 'Absolute', [ref]$u); $u.Host", ["True", "a.b"]),
            (
                "[uri]::IsWellFormedUriString('a b', 'Absolute'); [uri]::new('https://a.b/c').AbsolutePath",
                ["False", "/c"]
            ),
            ("[version]::new(1, 2).ToString(); [version]::new('1.2.3').Build", ["1.2", "3"]),
            (
                "[timespan]::new(1, 2, 3).ToString(); [timespan]::new(1, 2, 3, 4).ToString()",
                ["01:02:03", "1.02:03:04"]
            ),
            (
                "[byte]::MaxValue; [decimal]::MaxValue; [decimal]::Round(2.345, 2)",
                ["255", "79228162514264337593543950335", "2.34"]
            ),
            ("[hashtable]::new(10).Count; [hashtable]::new(@{ a = 1 })['a']", ["0", "1"]),
        ] as [(String, [String])])
    func readings(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected)
    }

    @Test(
        "numbers are read in the style of their type, or in the one that is asked for",
        arguments: [
            ("[double]", "'1e3'", "True 1000"), ("[double]", "'-1.5E-2'", "True -0.015"),
            ("[double]", "'NaN'", "True NaN"),
            ("[double]", "' -infinity '", "True -Infinity"), ("[double]", "'1e'", "False 0"),
            ("[double]", "'1e999'", "True Infinity"),
            ("[double]", "'5-'", "False 0"), ("[double]", "'1,000.5'", "True 1000.5"), ("[double]", "'.5'", "True 0.5"),
            ("[double]", "'5.'", "True 5"), ("[double]", "'- 5'", "False 0"), ("[double]", "'1.2.3'", "False 0"),
            ("[double]", "''", "False 0"), ("[double]", "'5 €'", "False 0"), ("[single]", "'1e3'", "True 1000"),
            ("[decimal]", "'5-'", "True -5"), ("[decimal]", "'12.50'", "True 12.50"), ("[decimal]", "'1e3'", "False 0"),
            ("[decimal]", "'99999999999999999999999999999999'", "False 0"),
            ("[decimal]", "'1,234.5 -'", "True -1234.5"),
            ("[int]", "'1,000'", "False 0"), ("[int]", "'2147483648'", "False 0"), ("[int]", "' +12 '", "True 12"),
            ("[int]", "'0x1F'", "False 0"), ("[int]", "'1.0'", "False 0"), ("[int]", "'(5)'", "False 0"),
            ("[long]", "'2147483648'", "True 2147483648"), ("[byte]", "'256'", "False 0"), ("[byte]", "'-0'", "True 0"),
            ("[int]", "'1,000', [Globalization.NumberStyles]::AllowThousands, $null", "True 1000"),
            ("[int]", "'1.50', [Globalization.NumberStyles]::Number, $null", "False 0"),
            ("[int]", "'1.00e2', [Globalization.NumberStyles]::Any, $null", "True 100"),
            ("[int]", "' 1', [Globalization.NumberStyles]::None, $null", "False 0"),
            ("[double]", "'1,5', [Globalization.NumberStyles]::Float, [cultureinfo]::InvariantCulture", "False 0"),
            ("[bool]", "' TRUE '", "True True"), ("[bool]", "'1'", "False False"),
        ])
    func numbers(type: String, given: String, expected: String) async throws {
        #expect(
            try await texts("$x = \(type)0; $is = \(type)::TryParse(\(given), [ref]$x); \"$is $x\"") == [expected],
            "\(type) \(given)")
    }

    @Test(
        "values keep their digits, whichever method reads them",
        arguments: [
            ("\"$([decimal]::Parse('123456789012345678.123'))\"", "123456789012345678.123"),
            ("\"$([convert]::ToDecimal('12.50'))\"", "12.50"), ("\"$([convert]::ToDouble('1e3'))\"", "1000"),
            ("[convert]::ToByte('255')", "255"), ("[convert]::ToInt32(' -7 ')", "-7"), ("[convert]::ToInt32(2.5)", "2"),
            ("[convert]::ToDateTime('2026-01-02').Day", "2"), ("[convert]::ToUInt16('65535')", "65535"),
        ])
    func digits(script: String, expected: String) async throws {
        #expect(try await texts(script) == [expected])
    }

    @Test(
        "a text that is none is an error of the method, whose cause a script can catch",
        arguments: [
            (
                "[datetime]::Parse('2024-13-45')", "FormatException",
                "String '2024-13-45' was not recognized as a valid DateTime."
            ),
            ("[datetime]::Parse('')", "FormatException", "String '' was not recognized as a valid DateTime."),
            (
                "[datetime]::Parse('abc')", "FormatException",
                "The string 'abc' was not recognized as a valid DateTime. There is an unknown word starting at index '0'."
            ),
            ("[timespan]::Parse('abc')", "FormatException", "String 'abc' was not recognized as a valid TimeSpan."),
            (
                "[version]::Parse('abc')", "ArgumentException",
                "Version string portion was too short or too long. (Parameter 'input')"
            ),
            ("[guid]::Parse('abc')", "FormatException", "Unrecognized Guid format."),
            ("[int]::Parse('1.5')", "FormatException", "The input string '1.5' was not in a correct format."),
            ("[int]::Parse('')", "FormatException", "The input string '' was not in a correct format."),
            ("[double]::Parse('abc')", "FormatException", "The input string 'abc' was not in a correct format."),
            (
                "[int]::Parse('99999999999')", "OverflowException",
                "Value was either too large or too small for an Int32."
            ),
            (
                "[byte]::Parse('-1')", "OverflowException",
                "Value was either too large or too small for an unsigned byte."
            ),
        ])
    func faults(call: String, exception: String, cause: String) async throws {
        let script =
            "try { \(call) } catch { $_.FullyQualifiedErrorId; $_.Exception.Message; $_.Exception.GetType().Name; "
            + "$_.Exception.InnerException.GetType().Name }; try { \(call) } catch [\(exception)] { 'caught' }"
        #expect(
            try await texts(script) == [
                exception, "Exception calling \"Parse\" with \"1\" argument(s): \"\(cause)\"",
                "MethodInvocationException", exception, "caught",
            ])
    }

    @Test(
        "the methods of Convert name themselves in their errors",
        arguments: [
            ("ToDateTime('abc')", "ToDateTime", "1"), ("ToDecimal('abc')", "ToDecimal", "1"),
            ("ToDouble('x')", "ToDouble", "1"),
            ("ToInt16('x')", "ToInt16", "1"), ("ChangeType('x', [int])", "ChangeType", "2"),
        ])
    func conversions(call: String, method: String, count: String) async throws {
        let said = try await texts("try { [convert]::\(call) } catch { \"$_\" }")
        #expect(said.first?.hasPrefix("Exception calling \"\(method)\" with \"\(count)\" argument(s): \"") == true)
    }

    @Test(
        "what .NET may read in another way is handed over",
        arguments: [
            "[int]::Parse('1F', [Globalization.NumberStyles]::HexNumber)", "[timespan]::Parse('25:00')",
            "[double]::Parse('1,5', [cultureinfo]'de-DE')",
            "[decimal]::Parse('1e3', [Globalization.NumberStyles]::Float)",
            "[version]::Parse('1.x')", "[version]::new('abc')", "(Get-Date).AddDays('x')", "(Get-Date).AddMonths('x')",
            "[datetime]::FromFileTime('x')", "[decimal]::Round('x')", "[convert]::ToChar('ab')", "Start-Sleep x",
            "[convert]::ToUInt16('70000')",
            "[Collections.Generic.List[int]]::new().Add('abc')",
        ])
    func others(script: String) async {
        guard case .handedOver = await outcome(script) else {
            Issue.record("\(script) ran")
            return
        }
    }

    @Test(
        "times with an offset keep it, are compared and moved",
        arguments: [
            ("([datetimeoffset]'2026-01-02T03:04:05+02:00').ToString()", ["01/02/2026 03:04:05 +02:00"]),
            (
                "$d = [datetimeoffset]'2026-01-02T03:04:05+02:00'; $d.Offset.TotalHours; $d.UtcDateTime.Hour; \"$d\"",
                ["2", "1", "01/02/2026 03:04:05 +02:00"]
            ),
            ("([datetimeoffset]'2026-01-02T03:04:05Z').ToString('o')", ["2026-01-02T03:04:05.0000000+00:00"]),
            (
                "([datetimeoffset]'2026-01-02T03:04:05+02:00').ToUniversalTime().ToString('yyyy-MM-dd HH:mm zzz')",
                ["2026-01-02 01:04 +00:00"]
            ),
            ("[datetimeoffset]::FromUnixTimeSeconds(1700000000).AddDays(1).ToUnixTimeSeconds()", ["1700086400"]),
            (
                "[datetimeoffset]::Parse('2026-01-02T00:00:00Z') -lt [datetimeoffset]::Parse('2026-01-02T00:00:00-01:00')",
                ["True"]
            ),
            (
                "[datetimeoffset]::Parse('2026-01-02T00:00:00Z') -eq [datetimeoffset]::Parse('2026-01-02T01:00:00+01:00')",
                ["True"]
            ),
            ("([datetimeoffset]'2026-01-03T00:00:00Z' - [datetimeoffset]'2026-01-02T00:00:00Z').TotalDays", ["1"]),
            ("[datetimeoffset]::UtcNow.AddDays(-1) -lt [datetimeoffset]::UtcNow", ["True"]),
            ("[datetime]::SpecifyKind([datetime]'2026-01-02', 'Utc').Kind", ["Utc"]),
        ] as [(String, [String])])
    func moments(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected)
    }

    @Test(
        "sequences are counted, summed and cut",
        arguments: [
            ("[Linq.Enumerable]::Sum([int[]](1, 2)); [Linq.Enumerable]::Average([int[]](1, 2))", ["3", "1.5"]),
            ("[Linq.Enumerable]::Max([int[]](1, 5)); [Linq.Enumerable]::Min([double[]](1.5, 5))", ["5", "1.5"]),
            ("[Linq.Enumerable]::Any([int[]](1, 2)); [Linq.Enumerable]::Count([int[]](7, 5))", ["True", "2"]),
            ("[Linq.Enumerable]::Distinct([int[]](1, 1, 2)) -join ','", ["1,2"]),
            (
                "[Linq.Enumerable]::Range(1, 3) -join ','; [Linq.Enumerable]::Skip([int[]](1, 2, 3), 1) -join ','",
                ["1,2,3", "2,3"]
            ),
            (
                "[Linq.Enumerable]::ToList([int[]](1, 2)).Count; [Linq.Enumerable]::Contains([string[]]('a'), 'A')",
                ["2", "False"]
            ),
        ] as [(String, [String])])
    func sequences(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected)
    }

    @Test(
        "what only concerns the process has no effect, and what is known of it is told",
        arguments: [
            ("[GC]::Collect(); [System.GC]::WaitForPendingFinalizers(); [gc]::GetTotalMemory($true) -gt 0", ["True"]),
            ("[Console]::ForegroundColor = 'Red'; [Console]::ResetColor(); [Console]::WindowWidth -gt 0", ["True"]),
            ("[Environment]::OSVersion.Platform; [Environment]::Version.Major -gt 3", ["Unix", "True"]),
            ("[Environment]::ExpandEnvironmentVariables('50% of %NOSUCHNAME%')", ["50% of %NOSUCHNAME%"]),
            (
                "[IO.Path]::GetPathRoot('C:\\a\\b.csv'); [Security.SecurityElement]::Escape('<a & \"b''s\">')",
                ["C:\\", "&lt;a &amp; &quot;b&apos;s&quot;&gt;"]
            ),
            ("[int][Net.HttpStatusCode]::TooManyRequests; [Net.HttpStatusCode]404", ["429", "NotFound"]),
            (
                "$h = [Security.Cryptography.SHA256]::Create().ComputeHash([Text.Encoding]::UTF8.GetBytes('abc')); "
                    + "[BitConverter]::ToString($h[0..3])", ["BA-78-16-BF"]
            ),
        ] as [(String, [String])])
    func processes(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected)
    }
}
