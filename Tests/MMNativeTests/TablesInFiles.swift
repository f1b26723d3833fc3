import MMNative
import Testing

/// CSV files that scripts write row by row.
@Suite("Tables in files", .timeLimit(.minutes(5)))
struct TablesInFiles: RunningReports {
    private static let file = "'\"Name\",\"Mail\",\"Licence\"', '\"ann\",\"a@x\",\"E3\"' | Set-Content a.csv; "

    @Test(
        "rows are appended in the columns of the file",
        arguments: [
            (
                "[pscustomobject]@{Name='bob';Licence='E5';Mail='b@x'} | Export-Csv a.csv -Append",
                "\"bob\",\"b@x\",\"E5\""
            ),
            (
                "[pscustomobject]@{licence='E5';more=1;MAIL='b@x';name='bob'} | Export-Csv a.csv -Append -NoTypeInformation",
                "\"bob\",\"b@x\",\"E5\""
            ),
            ("[pscustomobject]@{Name='bob';Mail=$null} | Export-Csv a.csv -Append -Force", "\"bob\",,"),
            (
                "[pscustomobject]@{Mail='b,x';Name='bob';Licence='E5'} | Export-Csv a.csv -Append -UseQuotes AsNeeded",
                "bob,\"b,x\",E5"
            ),
            (
                "'a b;c' | Set-Content a.csv; [pscustomobject]@{c=1;'A B'=2} | Export-Csv a.csv -Append -Delimiter ';'",
                "\"2\";\"1\""
            ),
            (
                "'\"a\"' | Set-Content a.csv -NoNewline; [pscustomobject]@{a=1} | Export-Csv a.csv -Append",
                "\"a\"\"1\""
            ),
            // The mark at the beginning of the file tells its encoding.
            (
                "Remove-Item a.csv; 1..2 | % { [pscustomobject]@{a=\"ä$_\"} | Export-Csv a.csv -Append -Encoding Unicode }",
                "\"ä2\""
            ),
            (
                "@() | Export-Csv b.csv -Append -Encoding Unicode; Remove-Item a.csv; [pscustomobject]@{a=1} | "
                    + "Export-Csv a.csv -Encoding BigEndianUnicode; [pscustomobject]@{a='ö'} | Export-Csv a.csv -Append",
                "\"ö\""
            ),
        ])
    func appending(script: String, last: String) async throws {
        #expect(try await texts(Self.file + script + "; @(Get-Content a.csv)[-1]") == [last], "\(script)")
    }

    @Test(
        "the fields that the script names stand in quotation marks",
        arguments: [
            ("-UseQuotes Never", ["A,B,c", "x \"y\",,1,5"]),
            ("-UseQuotes AsNeeded", ["A,B,c", "\"x \"\"y\"\"\",,\"1,5\""]),
            ("-QuoteFields a", ["\"A\",B,c", "\"x \"\"y\"\"\",,1,5"]),
            ("-QuoteFields B, C", ["A,\"B\",\"c\"", "x \"y\",,\"1,5\""]),
        ])
    func quotes(parameters: String, lines: [String]) async throws {
        let row = "[pscustomobject]@{A='x \"y\"';B=$null;c='1,5'}"
        #expect(try await texts("\(row) | ConvertTo-Csv \(parameters)") == lines)
        #expect(try await texts("\(row) | Export-Csv a.csv \(parameters); Get-Content a.csv") == lines)
    }

    @Test(
        "Tee-Object keeps what it has passed on, in a variable only at its end",
        arguments: [
            ("1..3 | Tee-Object -Variable t | Select-Object -First 1; \"t: $t\"", ["1", "t: "]),
            ("1..3 | Tee-Object -Variable t | Select-Object -First 3 | Out-Null; \"t: $t\"", ["t: "]),
            ("$t = 0; 1, 2 | Tee-Object -Variable t | % { $t }; \"t: $t\"", ["0", "0", "t: 1 2"]),
            ("$n = 0; 1..9 | % { $n++; $_ } | tee -Variable t | select -First 2 | Out-Null; $n", ["2"]),
            ("@() | Tee-Object t.txt; Test-Path t.txt", ["False"]),
            ("1..3 | Tee-Object t.txt | Select-Object -First 2; (Get-Content t.txt) -join ','", ["1", "2", "1,2"]),
            ("try { 1..3 | Tee-Object t.txt | % { throw 'x' } } catch { }; Get-Content t.txt", ["1"]),
            ("1 | Tee-Object t.txt; 2, 3 | Tee-Object t.txt -Append > $null; (gc t.txt).Count", ["1", "3"]),
        ])
    func tees(script: String, output: [String]) async throws {
        #expect(try await texts(script) == output, "\(script)")
    }

    @Test("an empty or missing file gets a header", arguments: ["", "New-Item a.csv | Out-Null; "])
    func beginning(before: String) async throws {
        let script =
            before + "1..2 | ForEach-Object { [pscustomobject]@{a=$_} | Export-Csv a.csv -Append }; Get-Content a.csv"
        #expect(try await texts(script) == ["\"a\"", "\"1\"", "\"2\""])
    }

    @Test(
        "a column that the first row lacks ends the statement, and nothing is appended",
        arguments: ["", "-ErrorAction SilentlyContinue"])
    func mismatch(action: String) async throws {
        let script =
            Self.file + "try { [pscustomobject]@{Name='bob';Mail='b'} | Export-Csv a.csv -Append \(action); 'on' } "
            + "catch { $_.Exception.Message; $_.FullyQualifiedErrorId }; (Get-Content a.csv).Count"
        #expect(
            try await texts(script) == [
                "Cannot append CSV content to the following file: a.csv. The appended object does not have a property that "
                    + "corresponds to the following column: Licence. To continue with mismatched properties, add the -Force "
                    + "parameter, and then retry the command.",
                "CannotAppendCsvWithMismatchedPropertyNames,Microsoft.PowerShell.Commands.ExportCsvCommand", "2",
            ])
    }

    @Test(
        "a file that must not be replaced ends the statement",
        arguments: ["'y' | Out-File a.txt -NoClobber", "'y' | Out-File a.txt -NoClobber -ErrorAction SilentlyContinue"])
    func keeping(command: String) async throws {
        let script = "'x' | Set-Content a.txt; try { \(command); 'on' } catch { 'kept' }; Get-Content a.txt"
        #expect(try await texts(script) == ["kept", "x"])
    }

    @Test(
        "a first line with a number sign is no record",
        arguments: [
            ("'#made by x', 'a,b', '1,2' | Set-Content f.csv; Import-Csv f.csv -Header p, q | % p", ["a", "1"]),
            ("'#made by x', 'a,b', '1,2' | Set-Content f.csv; Import-Csv f.csv | % b", ["2"]),
            ("'a,b', '#1,2', '3,4' | Set-Content f.csv; Import-Csv f.csv | % a", ["#1", "3"]),
            ("'a,b', '#1,2', '3,4' | ConvertFrom-Csv | % a", ["3"]),
            ("'a,b', '#1,2', '5,6' | ConvertFrom-Csv -Header x, y | % x", ["a", "5"]),
        ] as [(String, [String])])
    func comments(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected, "\(script)")
    }

    private static let row = "[pscustomobject]@{ T = 'a', 'b'; N = 1 } | select @{ n = 'X'; e = { $_.T } }, N"

    @Test(
        "a list that a block put out has the text of its elements, any other one that of its type",
        arguments: [
            ("\(row) | ConvertTo-Csv", ["\"X\",\"N\"", "\"a b\",\"1\""]),
            ("\(row) | select X | Export-Csv a.csv; Get-Content a.csv", ["\"X\"", "\"a b\""]),
            ("\(row) | select * -ExcludeProperty N | sort X | ConvertTo-Csv | select -Last 1", ["\"a b\""]),
            ("(\(row) | ConvertTo-Html -Fragment)[3]", ["<tr><td>a b</td><td>1</td></tr>"]),
            ("$r = \(row); $r.X = 5, 6, 7; ($r | ConvertTo-Csv)[1]", ["\"System.Object[]\",\"1\""]),
            ("([pscustomobject]@{ T = 'a', 'b' } | select T | ConvertTo-Csv)[1]", ["\"System.Object[]\""]),
            (
                "([pscustomobject]@{ T = 'a', 'b' } | select @{ n = 'X'; e = 'T' } | ConvertTo-Csv)[1]",
                ["\"System.Object[]\""]
            ),
            ("\"$(\(row))\"", ["@{X=System.Object[]; N=1}"]),
        ] as [(String, [String])])
    func lists(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected, "\(script)")
    }

    @Test("a list of another row that may be a copy of it is left to PowerShell")
    func copies() async throws {
        let copied = "$r = \(Self.row); [pscustomobject]@{ Y = $r.X } | ConvertTo-Csv"
        #expect(await refusal(copied) == "the text of a list that a block may have put out")
        let other = "$r = \(Self.row); ([pscustomobject]@{ Y = 1, 2, 3 } | ConvertTo-Csv)[1]"
        #expect(try await texts(other) == ["\"System.Object[]\""])
    }

    private static let half =
        "$r = 1, 2 | select @{ n = 'X'; e = { if ($_ -eq 2) { 'y' } } }, @{ n = 'A'; e = { $_ } }; "

    @Test(
        "a block without output leaves a property without a value, which isn't the same as null",
        arguments: [
            ("$r | ConvertTo-Csv", ["\"X\",\"A\"", "\"\",\"1\"", "\"y\",\"2\""]),
            ("$r.X.Count; @($r[0].X).Count; $null -eq $r[0].X", ["1", "0", "True"]),
            ("($r | ? X -eq $null).A; ($r | sort X).A -join ','; ($r | group X).Name -join ','", ["1", "1,2", ",y"]),
            (
                "($r | ConvertTo-Json -Compress); @($r | % X).Count",
                ["[{\"X\":null,\"A\":1},{\"X\":\"y\",\"A\":2}]", "1"]
            ),
            ("(1 | select @{ n = 'X'; e = { $null } }, @{ n = 'A'; e = { $_ } } | ConvertTo-Csv)[1]", [",\"1\""]),
        ] as [(String, [String])])
    func withoutOutput(script: String, expected: [String]) async throws {
        #expect(try await texts(Self.half + script) == expected, "\(script)")
    }

    @Test(
        "a list among the values of a file has a line for each of its elements",
        arguments: [
            ("('x', 'y'), $false, 25 | Set-Content s.txt; Get-Content s.txt", ["x", "y", "False", "25"]),
            ("Set-Content s.txt -Value (('x', 'y'), 3); Get-Content s.txt", ["x", "y", "3"]),
            ("'a', $null, ('b', $null), '' | Set-Content s.txt; Get-Content s.txt", ["a", "b", ""]),
            ("@() | Set-Content s.txt; Test-Path s.txt; Set-Content s.txt $null; Test-Path s.txt", ["False", "True"]),
            ("('x', 'y'), 3 | Add-Content s.txt -NoNewline; Get-Content s.txt -Raw", ["xy3"]),
        ] as [(String, [String])])
    func listsOfLines(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected, "\(script)")
    }

    @Test(
        "rows in another encoding, and under a header of several meanings, are handed over",
        arguments: [
            "'a' | Out-File a.csv; [pscustomobject]@{a=1} | Export-Csv a.csv -Append -Encoding unicode",
            "'a,A' | Out-File a.csv; [pscustomobject]@{a=1} | Export-Csv a.csv -Append",
            "'#TYPE x' | Out-File a.csv; [pscustomobject]@{a=1} | Export-Csv a.csv -Append",
            "[pscustomobject]@{a=1} | Export-Csv a.csv -Append -NoHeader",
        ])
    func handedOver(script: String) async {
        guard case .handedOver = await outcome(script) else {
            Issue.record("\(script) ran")
            return
        }
    }
}
