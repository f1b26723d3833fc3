import MMCore
import Testing

@testable import MMNative

@Suite("Where PowerShell's answer is not the obvious one", .timeLimit(.minutes(5)))
struct SmallPrint {
    private func run(_ script: String) async throws -> NativeResult {
        var session = NativeSession()
        guard case .completed(let result) = await NativeEngine().run(script, in: &session) else {
            throw MMError(.internalError, "\(script) did not run")
        }
        return result
    }

    @Test(
        "values, texts and orders",
        arguments: [
            (
                "[pscustomobject]@{S='9 GB (9,663,676,416 bytes)'},[pscustomobject]@{S='10 GB (10,737,418,240 bytes)'} "
                    + "| Sort-Object S | % S",
                ["10 GB (10,737,418,240 bytes)", "9 GB (9,663,676,416 bytes)"]
            ),
            (
                "$null = 'ab' -match '(a)(b)'; $null -eq $Matches['1']; $null -eq $Matches.'2'; $Matches[2]",
                ["True", "True", "b"]
            ),
            ("$null = 'a' -match 'a'; $Matches.Keys | % { $_.GetType().Name }", ["Int32"]),
            ("Write-Output a -b c", ["a", "-b", "c"]),
            (
                "[math]::Floor(2.5d); [math]::Ceiling(-2.5d); [math]::Floor([math]::Log(123456789, 1024)); [math]::Abs(-1.5d)",
                ["2", "-2", "2", "1.5"]
            ),
            (
                "[math]::Pow(2, 0.5).ToString(); (1e17).ToString(); ([single]1e8).ToString()",
                ["1.4142135623730951", "1E+17", "100000000"]
            ),
            ("[timespan]::new(1, 2, 3).TotalMinutes; [timespan]::new(1, 0, 0, 0, 5).Ticks", ["62.05", "864000050000"]),
            ("([version]'1.2.3.4').ToString(2)", ["1.2"]),
            ("([datetime]'2026-01-02T12:00:00').ToOADate()", ["46024.5"]),
            ("[datetime]::SpecifyKind([datetime]'2026-01-02', 'Utc').ToString('o')", ["2026-01-02T00:00:00.0000000Z"]),
            (
                "$a = [mailaddress]'Ann Lee <ann@contoso.com>'; $a.DisplayName; $a.Address",
                ["Ann Lee", "ann@contoso.com"]
            ),
            (
                "foreach ($t in 'ann@contoso.com', 'ann') { try { $null = [mailaddress]$t; 'right' } catch { 'wrong' } }; "
                    + "try { $null = [mailaddress]::new('') } catch { 'empty' }",
                ["right", "wrong", "empty"]
            ),
            (
                "[pscustomobject]@{d=[dayofweek]'Monday'} | ConvertTo-Json -Compress -EnumsAsStrings",
                ["{\"d\":\"Monday\"}"]
            ),
            (
                "'é\u{1F600}<\"&' | ConvertTo-Json -EscapeHandling EscapeNonAscii; '<a href=\"é\">' | ConvertTo-Json -EscapeHandling escapehtml; '<' | ConvertTo-Json -EscapeHandling Default",
                [#""\u00e9\ud83d\ude00<\"&""#, #""\u003ca href=\u0022é\u0022\u003e""#, #""<""#]
            ),
            ("@([pscustomobject]@{a=1}) -join ','", [""]),
            ("$x = [pscustomobject]@{a=1},[pscustomobject]@{a=2}; $x -join ','; \"$($x[0,1])\"", [",", " "]),
            ("'{\"a\":[{\"b\":1},{\"b\":2}]}' | ConvertFrom-Json | % { \"$($_.a)\" }", [" "]),
            ("@([pscustomobject]@{a=1}, 5) -join ','", [",5"]),
            ("1 + '1,234'; '1,234.5' - 0", ["1235", "1234"]),
            (
                "1..3 | Group-Object { $_ / 7 } | % Name",
                ["0.142857142857143", "0.285714285714286", "0.428571428571429"]
            ),
            ("$y = foreach ($i in 1..3) { return $i }; 'never'", ["1"]),
            ("$x = 5; $x ??= $(throw 'never'); $x", ["5"]),
            ("$i = 3; while ($i--) { $i }", ["2", "1", "0"]),
            ("$h = @{k=\"0`t\"}; [int]$h['k'] += 1; $h['k']; $h['k'].GetType().Name", ["1", "Int32"]),
            (
                "'{0:hh\\:mm\\:ss}' -f [timespan]'1.02:03:04'; '{0:g}' -f [timespan]'1.02:03:04.5'",
                ["02:03:04", "1:2:03:04.5"]
            ),
            (
                "'{0:d\\.hh\\:mm}' -f [timespan]'1.02:03:04'; ([timespan]'02:03:04').ToString('G')",
                ["1.02:03", "0:02:03:04.0000000"]
            ),
            ("try { '{0}} days' -f 5 } catch { 'bad' }; try { '{x}' -f 5 } catch { 'bad' }", ["bad", "bad"]),
            ("try { @{a=1}.ContainsKey($null) } catch { 'null' }; @{a=1}.ContainsKey(@(1,2))", ["null", "False"]),
            (
                "try { ConvertFrom-Json $null } catch { 'null' }; (5 | ConvertFrom-Json).GetType().Name",
                ["null", "Int64"]
            ),
            ("try { [datetime]'nonsense' } catch { 'none' }; try { [int]'Müller' } catch { 'no' }", ["none", "no"]),
            ("\"a`qb`'c\"", ["aqb'c"]),
            ("[int]\"5`t\"; 1 + \"2`r`n\"; try { [int]\"0`t1\" } catch { 'no' }", ["5", "3", "no"]),
            (
                "@{} -is [System.Collections.IDictionary]; @(1) -is [System.Collections.IEnumerable]; "
                    + "'a' -is [Collections.IEnumerable]",
                ["True", "True", "True"]
            ),
            ("5 -is [System.Collections.IEnumerable]; 'a' -is [System.Collections.ICollection]", ["False", "False"]),
        ] as [(String, [String])])
    func values(script: String, texts: [String]) async throws {
        let result = try await run(script)
        #expect(result.objects.map(\.text) == texts)
        #expect(result.errors.isEmpty && result.failure == nil)
    }

    @Test(
        "words begin with capitals as .NET writes them",
        arguments: [
            ("john smith", "John Smith"), ("JOHN smith", "JOHN Smith"), ("mary-ann o'neil", "Mary-Ann O'neil"),
            ("IT support_desk 1st", "IT Support_Desk 1St"), ("O'BRIEN", "O'brien"), ("", ""),
        ])
    func titles(text: String, title: String) async throws {
        let quoted = text.replacing("'", with: "''")
        let result = try await run("[cultureinfo]::InvariantCulture.TextInfo.ToTitleCase('\(quoted)')")
        #expect(result.objects.map(\.text) == [title] && result.errors.isEmpty)
    }

    @Test(
        "a member of .NET's own objects that isn't known here is handed over, and never nothing",
        arguments: [
            "[cultureinfo]::InvariantCulture.NumberFormat.NaNSymbol", "[cultureinfo]::CurrentCulture.Calendar",
            "[cultureinfo]::InvariantCulture | % Calendar", "[cultureinfo]::InvariantCulture.TextInfo.ANSICodePage",
            "[cultureinfo]::InvariantCulture | ConvertTo-Json", "[Text.Encoding]::UTF8.DecoderFallback",
            "[Text.Encoding]::UTF8 | Select-Object *",
        ])
    func unknownMembers(script: String) async {
        var session = NativeSession()
        guard case .handedOver = await NativeEngine().run(script, in: &session) else {
            Issue.record("\(script) ran")
            return
        }
    }

    @Test(
        "errors in whole sentences",
        arguments: [
            ("'abc'.Substring(20)", "startIndex cannot be larger than length of string. (Parameter 'startIndex')"),
            ("'{0} {1}' -f 'a'", "Index (zero based) must be greater than or equal to zero"),
            ("'{\"A\":1,\"a\":2}' | ConvertFrom-Json", "keys with different casing"),
            ("'{\"\":1}' | ConvertFrom-Json", "a property whose name is an empty string"),
            ("1 | Select-Object -First -1", "is less than the minimum allowed range of 0"),
            ("[datetime]'nonsense'", "a valid DateTime. There is an unknown word starting at index '0'.\""),
            (
                "6 -gt (1, 2)",
                "\"6\" to \"1 2\". Error: \"Cannot convert the \"System.Object[]\" value of type \"System.Object[]\" to type \"System.Int32\"."
            ),
            ("0 + '5,000,000,000'", "to type \"System.Int32\""),
            ("1 | % { $_ } -Nope", "to type \"System.Management.Automation.ScriptBlock\""),
        ])
    func errors(script: String, part: String) async throws {
        let result = try await run(script)
        #expect(result.errors.count == 1 && result.errors[0].message.contains(part), "\(result.errors)")
        #expect(result.objects.isEmpty)
    }

    @Test(
        "what is assigned to $null is dropped",
        arguments: [
            ("$null = 5; $null -eq $null", ["True"]), ("$null = 1..3; 'x'", ["x"]), ("$NULL = throw 'a'", []),
            ("$null += 5; $null -eq $null; ($null = 7)", ["True", "7"]),
            ("$a, $null = 1, 2; $a; $null -eq $null", ["1", "True"]),
        ] as [(String, [String])])
    func dropped(script: String, texts: [String]) async throws {
        let result = try await run(script)
        #expect(result.objects.map(\.text) == texts && result.errors.isEmpty)
    }

    @Test(
        "dates are read in every form that the invariant culture has for them",
        arguments: [
            ("2026-1-2 3:04", "2026-01-02T03:04:00"), ("2026/01/02", "2026-01-02T00:00:00"),
            ("1/2/26", "2026-01-02T00:00:00"), ("1-2-1999 3:04 PM", "1999-01-02T15:04:00"),
            ("2 January 2026", "2026-01-02T00:00:00"), ("02-Jan-2026 3 am", "2026-01-02T03:00:00"),
            ("January 2, 2026 14:00", "2026-01-02T14:00:00"), ("Jan 2 2026", "2026-01-02T00:00:00"),
            ("Friday, January 2, 2026 2:00:01.5 pm", "2026-01-02T14:00:01"),
        ])
    func dates(text: String, expected: String) async throws {
        let result = try await run("([datetime]'\(text)').ToString('s')")
        #expect(result.objects.map(\.text) == [expected])
    }

    @Test(
        "what is certainly no date fails, as in PowerShell",
        arguments: ["13/01/2026", "2026-02-30", "2026-13-01", "31 Feb 2026", "soon", "ann@contoso.com", "2026", "5 GB"])
    func noDates(text: String) async throws {
        let result = try await run("$null -eq ('\(text)' -as [datetime]); [datetime]'\(text)'")
        #expect(result.objects.map(\.text) == ["True"])
        #expect(result.errors.map(\.id) == ["InvalidCastParseTargetInvocationWithFormatProvider"])
    }

    @Test(
        "a date that .NET may read in its own way is left to it",
        arguments: ["14:00", "May 2026", "1/2/35", "Monday, January 2, 2026", "1.2.2026", "2026-01-02 10:00 +1"])
    func doubtfulDates(text: String) async {
        var session = NativeSession()
        guard case .handedOver = await NativeEngine().run("[datetime]'\(text)'", in: &session) else {
            Issue.record("\(text) was read")
            return
        }
    }
}
