import MMNative
import Testing

/// What published scripts of administrators are full of beside cmdlets: menus, windows, colours, temporary files.
@Suite("Habits of published scripts", .timeLimit(.minutes(5)))
struct PublishedHabits: RunningReports {
    @Test(
        "they run as they are written",
        arguments: [
            ("pause; 'on'", ["on"]),
            ("function Show { pause; 'shown' }; Show", ["shown"]),
            ("$input = 'q'; switch ($input) { 'q' { 'quit' } }", ["quit"]),
            ("$matches = @(); $matches += 'a'; $matches += 'b'; $matches.Count", ["2"]),
            ("if ($WhatIfPreference) { 'simulated' } else { 'live' }", ["live"]),
            (
                "function Log { param([string]$m, [System.ConsoleColor]$Color = 'White') \"$m $Color\" }; Log hi; Log hi -Color Red",
                ["hi White", "hi Red"]
            ),
            ("[ConsoleColor]::Green; [int][ConsoleColor]'White'", ["Green", "15"]),
            (
                "function Log { param([ValidateSet('Red', 'Blue')][string[]]$Color = 'Red') $Color -join '+' }; Log; Log -Color blue, red",
                ["Red", "blue+red"]
            ),
            (
                "$all = @(); foreach ($n in 'a', 'b') { try { throw $n } catch { $all += $_ } }; \"$all\"; $all -join '; '",
                ["a b", "a; b"]
            ),
            ("try { throw 'x' } catch { }; \"Failed: $($Error)\"", ["Failed: x"]),
            ("[void][System.Reflection.Assembly]::LoadWithPartialName('System.Windows.Forms'); 'loaded'", ["loaded"]),
            (
                "$d = New-Object System.Windows.Forms.FolderBrowserDialog; if ($d.ShowDialog() -eq [System.Windows.Forms.DialogResult]::OK) { $d.SelectedPath }",
                ["."]
            ),
            (
                "([mailaddress]'ann@contoso.com').Host; \"$([mailaddress]'ann@contoso.com')\"",
                ["contoso.com", "ann@contoso.com"]
            ),
            (
                "try { New-Object System.Net.Mail.MailAddress('ann') } catch { \"$_\" -like '*the form required for an e-mail*' }",
                ["True"]
            ),
            (
                "$d = '.'; 'a' | Set-Content report.csv; & \"$d\\report.csv\"; $f = Join-Path $d 'all.xlsx'; & $f; 'end'",
                ["end"]
            ),
            ("(Get-Item $PSScriptRoot).Parent.Parent.FullName -ne $null", ["True"]),
            (
                "'a' | Out-File one.txt; Copy-Item one.txt two.txt; Rename-Item two.txt three.txt; Test-Path two.txt; Get-Content three.txt",
                ["False", "a"]
            ),
            (
                "New-Item -ItemType Directory out | Out-Null; 'a' | Out-File one.txt; Move-Item one.txt out; Test-Path one.txt; Test-Path out/one.txt",
                ["False", "True"]
            ),
            ("$f = New-TemporaryFile; 'x' | Set-Content $f.FullName; Get-Content $f", ["x"]),
            (
                "@([ordered]@{ Users = 5; Shared = 'x' } | Format-List | Out-String -Stream | ? { $_ })",
                ["Name  : Users", "Value : 5", "Name  : Shared", "Value : x"]
            ),
            ("$x = 1; $f = { $x }.GetNewClosure(); $x = 2; & $f; $x", ["1", "2"]),
            ("function Times($n) { { param($v) $v * $n }.GetNewClosure() }; $by3 = Times 3; & $by3 5", ["15"]),
            (". { param($a) $b = $a; return; 'not' } 5; $b", ["5"]),
            ("$set = { $c = 'set' }; & $set; \"<$c>\"; . $set; $c", ["<>", "set"]),
            ("function Pause { 'mine' }; Pause", ["mine"]),
            (
                "1..2 | ForEach-Object -PipelineVariable n { $_ } | ForEach-Object { 'a', 'b' } | ForEach-Object { \"$n$_\" }; \"<$n>\"",
                ["1a", "1b", "2a", "2b", "<>"]
            ),
            (
                "function Get-It { [CmdletBinding()] param() 3; 4 }; Get-It -pv it | ForEach-Object { \"$it\" }",
                ["3", "4"]
            ),
            (
                "Invoke-Command -ScriptBlock { param($a, $b) $x = $a; \"$a$b\" } -ArgumentList 1, 2; \"<$x>\"",
                ["12", "<>"]
            ),
            ("5, 6 | Invoke-Command { $input | ForEach-Object { $_ + 1 } }", ["6", "7"]),
            (
                "$seen = [System.Collections.Generic.List[string]]::new(); $p = 'x'; $y = 1; 1..3 | ForEach-Object -Parallel { $l = $using:seen; $l.Add(\"$using:p$_$y\") } -ThrottleLimit 2; $seen.Count; ($seen | Sort-Object) -join ','",
                ["3", "x1,x2,x3"]
            ),
            (
                "1..2 | ForEach-Object -Parallel { try { if ($_ -eq 1) { throw 'one' }; $_ } catch { \"$_\" } }",
                ["one", "2"]
            ),
            ("([datetime]'2026-01-02 03:04:05').DateTime", ["Friday, 02 January 2026 03:04:05"]),
            (
                "function F { param([System.IO.FileInfo]$p) \"$p\"; $p.Name; $p.BaseName }; F 'a/x.y.csv'",
                ["a/x.y.csv", "x.y.csv", "x.y"]
            ),
            (
                "function F { param([IO.FileInfo]$p) $p.Directory.Name; $p -is [System.IO.FileInfo] }; 'a' | Out-File d/x.txt; F (Get-Item d/x.txt)",
                ["d", "True"]
            ),
            (
                "([System.IO.FileInfo]'C:\\temp\\r.csv').Extension; [System.IO.FileInfo]$n = 'r.txt'; $n.Name",
                [".csv", "r.txt"]
            ),
            ("'a' | Out-File one.txt; $f = Get-Item one.txt; $f.Directory.FullName; $f.BaseName", [".", "one"]),
            ("Update-TypeData -TypeName A.B -DefaultDisplayPropertySet a, b -Force; 'x'", ["x"]),
            (
                "Get-Date '2026-01-02' -DisplayHint Date -Format yyyy; (Get-Date '2026-01-02' -DisplayHint DateTime).Year",
                ["2026", "2026"]
            ),
            (
                "$l = [pscustomobject]@{ X = 'a' }, [pscustomobject]@{ X = 'b' } | Select-Object X -ExpandProperty X; $l -join ','; foreach ($i in $l) { \"<$i>\" }",
                ["a,b", "<a>", "<b>"]
            ),
            ("\"a`\nb\".Length; \"`u{41}`u{1F600}\".Length", ["3", "3"]),
        ] as [(String, [String])])
    func habits(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected)
    }

    @Test(
        "what they would show differently here is left to PowerShell",
        arguments: [
            ("([System.IO.FileInfo]'a.txt').Length", "a member of System.IO.FileInfo"),
            ("Update-TypeData -TypeName A -MemberType NoteProperty -MemberName b -Value 1", "members of a type"),
            ("$d = Get-Date -DisplayHint Date; $d", "an unusual Get-Date"),
            (
                "$l = 1, 2 | ForEach-Object { [pscustomobject]@{ X = 'a'; N = $_ } } | Select-Object N -ExpandProperty X; $l[0].N",
                "properties beside a value"
            ),
            (
                "$l = [pscustomobject]@{ X = 'a' } | Select-Object X -ExpandProperty X; $l | ConvertTo-Json",
                "properties beside a value"
            ),
        ])
    func left(script: String, reason: String) async {
        guard case .handedOver(let told, false) = await outcome(script) else {
            Issue.record("\(script) ran")
            return
        }
        #expect(told == reason)
    }
}
