import MMNative
import Testing

/// Objects of .NET and of the module ImportExcel in which published reports collect what they show.
@Suite("Objects of reports", .timeLimit(.minutes(5)))
struct ReportObjects: RunningReports {
    private static let people = """
        $t = New-Object System.Data.DataTable 'People'; [void]$t.Columns.Add('Name')
        $t.Columns.Add((New-Object System.Data.DataColumn 'Age', ([int])))
        $r = $t.NewRow(); $r.Name = 'Ada'; $r['Age'] = '36'; $t.Rows.Add($r); [void]$t.Rows.Add('Bob', 4)

        """

    @Test(
        "tables of data hold typed rows, and are their rows in a pipeline",
        arguments: [
            ("$t.Rows.Count; $t.Columns.Count; $t.TableName", ["2", "2", "People"]),
            ("$t | Where-Object Age -gt 5 | ForEach-Object Name", ["Ada"]),
            ("foreach ($r in $t) { $r.Name }", ["Ada", "Bob"]),
            ("@($t).Count", ["2"]),
            ("$t.Rows[1].Age + 1; $t.Rows[0][0]; $t.Rows[0]['Age'].GetType().Name", ["5", "Ada", "Int32"]),
            ("$t | ConvertTo-Csv", ["\"Name\",\"Age\"", "\"Ada\",\"36\"", "\"Bob\",\"4\""]),
            ("$t.Columns.ColumnName -join '+'; $t.Columns.Contains('age')", ["Name+Age", "True"]),
            ("[void]$t.Columns.Add('Town'); $null -eq $t.Rows[0].Town", ["True"]),
            ("$t.Rows[0].Age = '40'; $t.Rows[0].Age * 2", ["80"]),
            ("$t.Clear(); @($t).Count", ["0"]),
            ("try { $t.Rows[0]['Nope'] } catch { 'no such column' }", ["no such column"]),
            ("\"$($t.Rows[0])\"", ["System.Data.DataRow"]),
        ])
    func tables(script: String, output: [String]) async throws {
        #expect(try await texts(Self.people + script) == output, "\(script)")
    }

    private static let book = """
        $x = 1..3 | ForEach-Object { [pscustomobject]@{ Name = "n$_"; Value = $_ } } |
            Export-Excel -Path .\\x.xlsx -WorksheetName One -AutoSize -PassThru

        """

    @Test(
        "a workbook that a script wrote can be changed and read",
        arguments: [
            ("$x.Workbook.Worksheets['One'].Cells['A2'].Value; $x.One.Cells[3, 2].Value", ["n1", "2"]),
            (
                "$s = $x.Workbook.Worksheets[0]; $s.Dimension.Rows; $s.Dimension.End.Column; $s.Dimension.Address",
                ["4", "2", "A1:B4"]
            ),
            ("$x.One.Cells['B2'].Value = 'new'; $x.One.Cells['B2'].Value", ["new"]),
            ("$x.One.Cells['A1:B1'].Style.Font.Bold = $true; $x.One.Cells['A:A'].AutoFitColumns(); 'on'", ["on"]),
            (
                "$x.One.Cells['A1'].Style.Fill.BackgroundColor.SetColor('Red'); $x.One.Column(1).Width = 20; 'on'",
                ["on"]
            ),
            ("$x.Workbook.Worksheets | ForEach-Object Name", ["One"]),
            ("Close-ExcelPackage $x; $p = Open-ExcelPackage -Path x.xlsx; $p.Workbook.Worksheets.Name", ["One"]),
            ("'a' | Export-Excel -ExcelPackage $x -WorksheetName Two; $x.Workbook.Worksheets.Count", ["2"]),
            (
                "$s = Add-Worksheet -ExcelPackage $x -WorksheetName Three; $s.Name; $null -eq $x.Workbook.Worksheets['Four']",
                ["Three", "True"]
            ),
            (
                "Set-ExcelRange -Worksheet $x.One -Range 'A1:B1' -Bold -BackgroundColor Red; Close-ExcelPackage $x -Show; 'on'",
                ["on"]
            ),
            ("(Import-Excel x.xlsx | Where-Object Value -gt 1).Name -join '+'", ["n2+n3"]),
        ])
    func workbooks(script: String, output: [String]) async throws {
        #expect(try await texts(Self.book + script) == output, "\(script)")
    }

    @Test(
        "what reports use beside objects",
        arguments: [
            ("Invoke-Expression '1 + 1'; $a = 2; iex '$b = $a * 3'; $b", ["2", "6"]),
            ("function F($n) { $n + 1 }; Invoke-Expression 'F 4'", ["5"]),
            ("'2 * 4' | Invoke-Expression", ["8"]),
            (
                "[TimeZoneInfo]::ConvertTimeBySystemTimeZoneId([datetime]'2026-01-15T12:00:00Z', 'Pacific Standard Time').ToString('HH:mm')",
                ["04:00"]
            ),
            (
                "[TimeZoneInfo]::ConvertTimeBySystemTimeZoneId([datetime]'2026-07-15T12:00:00Z', 'w. europe standard time').ToString('HH:mm')",
                ["14:00"]
            ),
            (
                "$z = [TimeZoneInfo]::FindSystemTimeZoneById('Eastern Standard Time'); $z.Id; $z.BaseUtcOffset.Hours; [TimeZoneInfo]::ConvertTimeFromUtc([datetime]::new(2026, 3, 8, 7, 0, 0, 'Utc'), $z).Hour; [TimeZoneInfo]::ConvertTimeFromUtc([datetime]::new(2026, 3, 8, 6, 59, 0, 'Utc'), $z).Hour",
                ["Eastern Standard Time", "-5", "3", "1"]
            ),
            (
                "(ConvertFrom-Json '{\"a\": \"Client=REST;Client=RESTSystem;;\"}').a; ('{\"a\": \"2026-01-02T03:04:05+02:00\"}' | ConvertFrom-Json).a.ToUniversalTime().Hour",
                ["Client=REST;Client=RESTSystem;;", "1"]
            ),
            ("([datetime]'2026-01-02T03:04:05-05:00').ToUniversalTime().ToString('s')", ["2026-01-02T08:04:05"]),
            (
                "[IO.File]::WriteAllText('a.txt', 'x', [System.Text.UTF8Encoding]::new($true)); (Get-Item a.txt).Length",
                ["4"]
            ),
            (
                "[IO.File]::WriteAllText('a.txt', 'x', (New-Object System.Text.UTF8Encoding $false)); (Get-Item a.txt).Length",
                ["1"]
            ),
            ("(New-Object System.IO.FileInfo 'C:\\temp\\report.csv').Name", ["report.csv"]),
            (
                "$b = New-Object byte[] 8; [Security.Cryptography.RandomNumberGenerator]::Create().GetBytes($b); $b.Count",
                ["8"]
            ),
            ("[System.Security.Cryptography.RandomNumberGenerator]::GetInt32(3) -lt 3", ["True"]),
            ("$VerbosePreference -ne [System.Management.Automation.ActionPreference]::Continue", ["True"]),
            ("Write-Host -ForegroundColor Green -Message 'm'; 'on'", ["on"]),
            ("@{ a = 1 }.PSObject.Copy().a", ["1"]),
            ("[Console]::TreatControlCAsInput = $true; [Console]::KeyAvailable", ["False"]),
            ("(Get-Command Where-Object).Parameters.ContainsKey('filterscript')", ["True"]),
            ("function F($Path, [switch]$All) { }; (Get-Command F).Parameters.Keys -contains 'All'", ["True"]),
            (
                "[pscustomobject]@{ D = 'IT' }, [pscustomobject]@{ D = 'HR' } | Select-Object D -ExpandProperty D | Sort-Object D | Group-Object D | ForEach-Object Name",
                ["HR", "IT"]
            ),
            (
                "[pscustomobject]@{ N = 'a'; L = 'x', 'y' } | Select-Object N -ExpandProperty L | ForEach-Object { \"$($_.N)$_\" }",
                ["ax", "ay"]
            ),
            (
                "[pscustomobject]@{ N = 'a'; L = 'x' }, [pscustomobject]@{ N = 'b'; L = 'y' } | Select-Object N -ExpandProperty L | Where-Object N -eq 'b'",
                ["y"]
            ),
        ])
    func others(script: String, output: [String]) async throws {
        #expect(try await texts(script) == output, "\(script)")
    }
}
