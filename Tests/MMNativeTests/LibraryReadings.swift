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
                "[IO.Path]::GetPathRoot('C:\\a\\b.csv'); [Security.SecurityElement]::Escape('<a & b>')",
                ["C:\\", "&lt;a &amp; b&gt;"]
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
