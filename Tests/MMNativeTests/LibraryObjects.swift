import MMNative
import Testing

/// What scripts ask of .NET's objects: matches, arrays of one type, exceptions, formats and cultures.
@Suite("Objects of .NET", .timeLimit(.minutes(5)))
struct LibraryObjects: RunningReports {
    @Test(
        "matches have groups by number and by name, and a block may say what stands in their place",
        arguments: [
            ("[regex]::Match('order 4711 ok', '\\d+').Value", ["4711"]),
            ("[regex]::Match('Build', '\\d+').Success", ["False"]),
            ("[regex]::Matches('a1b22', '\\d+') | % Value", ["1", "22"]),
            ("[regex]::Matches('a1b22c333', '\\d+').Count", ["3"]),
            (
                "$m = [regex]::Match('a=1', '(?<k>\\w)=(\\d)'); \"$($m.Groups['k'].Value) $($m.Groups[1].Value)\"",
                ["a 1"]
            ),
            ("$m = [regex]::Match('ä=1', '\\d'); $m.Index; $m.Length; \"$m\"", ["2", "1", "1"]),
            ("[regex]::Match('x', '(y)?').Groups[1].Success", ["False"]),
            ("[regex]$r = 'ab'; 'xABx' -match $r; $r.IsMatch('xabx')", ["False", "True"]),
            ("([regex]'\\d').Replace('a1b2', '#', 1)", ["a#b2"]),
            ("[regex]::Match('ABC', 'b', 'IgnoreCase').Value", ["B"]),
            ("'hello world' -replace '\\b(\\w)', { $_.Value.ToUpper() }", ["Hello World"]),
            ("'a1b22' -replace '\\d+', { [int]$_.Value * 2 }", ["a2b44"]),
            ("[regex]::Replace('a1', '\\d', { param($m) \"<$($m.Value)>\" })", ["a<1>"]),
            ("'foobar' -replace '(?<=foo)bar', 'X'; 'foobar' -match 'foo(?!bar)'", ["fooX", "False"]),
            ("('a1b22' | Select-String '\\d+' -AllMatches).Matches.Value", ["1", "22"]),
            ("('alpha', 'beta' | Select-String 'b').LineNumber", ["2"]),
            ("'a.b.c' -split '.', 0, 'SimpleMatch'", ["a", "b", "c"]),
        ] as [(String, [String])])
    func matches(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected)
    }

    @Test(
        "parts of texts are counted in .NET's units, whatever the letters",
        arguments: [
            ("'añbc'.IndexOf('c')", "3"), ("'añb😀c'.IndexOf([char]'c', 3)", "5"), ("'añb😀c'.Substring(5)", "c"),
            ("'añb😀c'.Substring(3, 2)", "😀"), ("'añaña'.IndexOf('ña', 2)", "3"), ("'aña'.IndexOf('', 2)", "2"),
            ("'aña'.IndexOf('x', 3)", "-1"), ("'  ñ '.Trim() + '|'", "ñ|"), ("'xñx'.TrimStart('x')", "ñx"),
            ("'xñx'.TrimEnd('x', 'ñ') + '|'", "|"), ("'añb'.Insert(2, '--')", "añ--b"), ("'añb😀c'.Remove(1, 4)", "ac"),
            ("'añb'.Chars(2)", "b"), ("'ñandú'.EndsWith('dú')", "True"), ("'ñaña'.Replace('ña', 'o')", "oo"),
            ("'aXbxc'.IndexOf('x', [StringComparison]::OrdinalIgnoreCase)", "1"), ("'ñx-ñx'.LastIndexOf('ñx')", "3"),
            ("[regex]::Matches('añb1ñ2', '\\d').Index -join ','", "3,5"),
        ])
    func units(script: String, expected: String) async throws {
        #expect(try await texts(script) == [expected])
    }

    @Test(
        "an XML node is the child of one other",
        arguments: [
            (
                "[xml]$x = '<r><a/><b/></r>'; $r = $x.DocumentElement; [void]$r.AppendChild($r.FirstChild); $x.OuterXml",
                "<r><b /><a /></r>"
            ),
            (
                "[xml]$x = '<r/>'; $e = $x.CreateElement('u'); $r = $x.DocumentElement; [void]$r.AppendChild($e); "
                    + "[void]$r.AppendChild($e); $x.OuterXml", "<r><u /></r>"
            ),
            (
                "[xml]$x = '<r><a/><b/></r>'; $r = $x.DocumentElement; $a = $r.RemoveChild($r.FirstChild); "
                    + "[void]$r.FirstChild.AppendChild($a); $x.OuterXml", "<r><b><a /></b></r>"
            ),
            (
                "[xml]$x = '<r/>'; $e = $x.CreateElement('u'); $f = $x.CreateElement('v'); [void]$e.AppendChild($f); "
                    + "[void]$x.DocumentElement.AppendChild($e); [void]$e.RemoveChild($f); "
                    + "[void]$x.DocumentElement.AppendChild($f.CloneNode($true)); $x.OuterXml",
                "<r><u></u><v /></r>"
            ),
        ])
    func nodes(script: String, expected: String) async throws {
        #expect(try await texts(script) == [expected])
    }

    @Test(
        "an XML node that would leave another one is handed over",
        arguments: [
            "[xml]$x = '<r><a/><b><c/></b></r>'; [void]$x.DocumentElement.FirstChild.AppendChild($x.SelectSingleNode('//c'))",
            "[xml]$x = '<r/>'; $e = $x.CreateElement('u'); $f = $x.CreateElement('v'); [void]$e.AppendChild($f); "
                + "[void]$x.DocumentElement.AppendChild($f)",
            "[xml]$x = '<r><a/></r>'; [void]$x.DocumentElement.RemoveChild($x.CreateElement('b'))",
        ])
    func leavingNodes(script: String) async { #expect(await refusal(script) != nil) }

    @Test(
        "the children of an XML node that change while a script goes through them are handed over",
        arguments: [
            "foreach ($n in $x.r.ChildNodes) { [void]$x.r.RemoveChild($n) }",
            "$x.DocumentElement.ChildNodes | ForEach-Object { [void]$x.r.RemoveChild($_) }",
        ])
    func changingChildren(script: String) async {
        let reason = await refusal("[xml]$x = '<r><a/><b/></r>'; \(script); $x.OuterXml")
        #expect(reason == "a collection that changes while a script goes through it")
    }

    @Test("a large document is built in a time that grows with it")
    func largeDocument() async throws {
        let script = """
            [xml]$x = '<r/>'; foreach ($i in 1..30000) { [void]$x.DocumentElement.AppendChild($x.CreateElement('u')) }
            $x.DocumentElement.ChildNodes.Count
            """
        #expect(try await texts(script) == ["30000"])
    }

    @Test(
        "a search that a letter behind its end may change, and half of a character, are handed over",
        arguments: ["\"ae$([char]0x301)\".IndexOf('e')", "'a😀'.Substring(0, 2)", "'a😀'.Insert(2, 'x')"])
    func unsureParts(script: String) async { #expect(await refusal(script) != nil) }

    @Test(
        "going through a long text takes a time that grows with it",
        arguments: [
            "$p = 0; while (($p = $t.IndexOf('@', $p)) -ge 0) { $n++; $p++ }",
            "for ($i = 0; $i -lt 40000; $i++) { if ($t.Substring($i * 4, 4) -eq 'äbc@') { $n++ } }",
            "$n = [regex]::Matches($t, '.@').Count", "$n = ($t -replace '@', '').Length / 3",
        ])
    func longTexts(script: String) async throws {
        #expect(try await texts("$n = 0; $t = 'äbc@' * 40000; \(script); $n") == ["40000"])
    }

    @Test(
        "sets of texts are cut, joined and told apart by their exact letters",
        arguments: [
            (
                "$c = [object[]][Linq.Enumerable]::Intersect([string[]]('a', 'B', 'a'), [string[]]('b', 'a')); $c.Count; $c",
                ["1", "a"]
            ),
            ("[System.Linq.Enumerable]::Except([string[]]('a', 'b'), [string[]]'a') -join ','", ["b"]),
            ("[Linq.Enumerable]::Union([string[]]('a', 'b'), [string[]]('b', 'c')) -join ','", ["a,b,c"]),
            ("[Linq.Enumerable]::Distinct([string[]]('a', 'A', 'a')) -join ','", ["a,A"]),
            ("[Environment]::UserInteractive", ["True"]), ("($null | Out-String).Length", ["0"]),
            (
                "function F { param([guid[]]$Ids) foreach ($i in $Ids) { $i.GetType().Name } }; F '44ed1ee9-4de0-422e-93ed-795f6966d3d4'",
                ["Guid"]
            ),
            ("(Get-MgEnvironment -Name Global).GraphEndpoint", ["https://graph.microsoft.com"]),
            ("@(Write-Output (@() | Sort-Object)).Count", ["1"]),
        ] as [(String, [String])])
    func sets(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected)
    }

    @Test(
        "arrays of one type hold values of it, and are sorted and reversed in place",
        arguments: [
            ("[char[]]'abc' -join '-'; -join [char[]](72, 105)", ["a-b-c", "Hi"]),
            ("[byte[]](1, 2, 255) -join ' '; ([byte[]](1, 2)).Length", ["1 2 255", "2"]),
            (
                "[Text.Encoding]::UTF8.GetString([byte[]](72, 105)); [bitconverter]::ToString([byte[]](10, 255))",
                ["Hi", "0A-FF"]
            ),
            ("([Text.Encoding]::UTF8.GetBytes('a'))[0].GetType().Name", ["Byte"]),
            ("[byte]$b = 200; $b + 100; ([byte]7).ToString('x2')", ["300", "07"]),
            ("$a = 3, 1, 2; [array]::Sort($a); \"$a\"; [array]::Reverse($a); \"$a\"", ["1 2 3", "3 2 1"]),
            ("[array]::IndexOf(@('a', 'b'), 'b'); [array]::IndexOf((1, 2), 3)", ["1", "-1"]),
            ("$a = [int[]]::new(3); \"$a\"; (New-Object 'object[]' 2).Count", ["0 0 0", "2"]),
            ("$a = 1, 2, 3; $a[1] = 9; \"$a\"", ["1 9 3"]),
            ("1 -shl 4; 256 -shr 2; -16 -shr 2; 1 -shl 31", ["16", "64", "-4", "-2147483648"]),
            ("[convert]::ToInt32('ff', 16); [convert]::ToString(10, 2)", ["255", "1010"]),
            ("(1..5).Where({ $_ -gt 2 }, 'First'); (1..5).Where({ $_ -eq 4 }, 'SkipUntil')", ["3", "4", "5"]),
            ("$e, $o = (1..6).Where({ $_ % 2 -eq 0 }, 'Split'); \"$e / $o\"", ["2 4 6 / 1 3 5"]),
            ("(1, 2).PSForEach({ $_ * 2 }); (1, 2).PSWhere({ $_ -gt 1 })", ["2", "4", "2"]),
            ("[Collections.ArrayList]$l = 1, 2; $l.ForEach({ $_ + 1 })", ["2", "3"]),
            ("('a', 'b').ForEach('ToUpper'); ('1', '2').ForEach([int]) | % { $_ + 1 }", ["A", "B", "2", "3"]),
            ("$x = 1; { $x = 2 }.Invoke(); $x; { param($n) $n + 1 }.Invoke(4)", ["1", "5"]),
        ] as [(String, [String])])
    func arrays(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected)
    }

    @Test("an array that two variables hold is not changed through one of them")
    func sharedArray() async {
        guard case .handedOver = await outcome("$a = 1, 2; $b = $a; [array]::Reverse($b); \"$a\"") else {
            Issue.record("the array was changed")
            return
        }
    }

    @Test(
        "a clause catches the errors of its type, of the types that extend it, and of what caused them",
        arguments: [
            ("try { 1/0 } catch [System.DivideByZeroException] { 'div' }", ["div"]),
            (
                "try { 1/0 } catch [System.FormatException] { 'no' } catch { $_.Exception.InnerException.GetType().Name }",
                ["DivideByZeroException"]
            ),
            ("try { [int]'x' } catch [System.Management.Automation.RuntimeException] { 'rte' }", ["rte"]),
            ("try { [int]'x' } catch { $_.CategoryInfo.Category }", ["InvalidArgument"]),
            (
                "try { [int]'q' } catch [System.Management.Automation.PSInvalidCastException] { 'cast' } catch { 'other' }",
                ["cast"]
            ),
            (
                "try { throw [ArgumentException]::new('bad arg') } catch [ArgumentException] { $_.Exception.Message }",
                ["bad arg"]
            ),
            (
                "try { throw [ArgumentException]'m' } catch [InvalidOperationException] { 'no' } catch [ArgumentException] { 'm' }",
                ["m"]
            ),
            (
                "try { throw [IO.FileNotFoundException]::new('gone') } catch [IO.IOException] { \"io $($_.Exception.Message)\" }",
                ["io gone"]
            ),
            (
                "try { throw (New-Object System.Exception 'm') } catch { $_.Exception.GetType().FullName }",
                ["System.Exception"]
            ),
            (
                "try { throw 'boom' } catch { $_.Exception.GetType().Name; $_.FullyQualifiedErrorId }",
                ["RuntimeException", "boom"]
            ),
            (
                "try { 'abc'.Substring(10) } catch { $_.Exception.InnerException.GetType().Name }",
                ["ArgumentOutOfRangeException"]
            ),
            (
                "try { Get-Item nowhere.txt -ErrorAction Stop } catch [System.Management.Automation.ItemNotFoundException] { 'nf' }",
                ["nf"]
            ),
            (
                "try { throw 'x' } catch { $_.Exception -is [System.Exception]; $null -eq $_.ErrorDetails }",
                ["True", "True"]
            ),
            ("$x = 1\ntry {\n  throw 'l'\n} catch { $_.InvocationInfo.ScriptLineNumber }", ["3"]),
            (
                "try {\n  throw 'l'\n} catch { $_.ScriptStackTrace; $_.InvocationInfo.Line; $_.InvocationInfo.OffsetInLine }",
                ["at <ScriptBlock>, ./script.ps1: line 2", "  throw 'l'", "3"]
            ),
            (
                "function Find-It {\n  throw 'l'\n}\ntry { Find-It } catch { $_.ScriptStackTrace }",
                ["at Find-It, ./script.ps1: line 2"]
            ),
            (
                "try {\n  $x = 'a' |\n    ForEach-Object { throw $_ }\n} catch { $_.InvocationInfo.PositionMessage }",
                ["At ./script.ps1:3 char:5\n+     ForEach-Object { throw $_ }\n+ ~~~~~~~~~~~~~~~~~~~~~~~~~~~"]
            ),
        ] as [(String, [String])])
    func clauses(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected)
    }

    @Test(
        "numbers, dates and ids are written by .NET's formats",
        arguments: [
            ("'{0:C}' -f 1234.5; '{0:C}' -f -2", ["¤1,234.50", "(¤2.00)"]),
            ("'{0:E2}' -f 12345.678; '{0:e3}' -f 0.00012345; '{0:B}' -f 5", ["1.23E+004", "1.234e-004", "101"]),
            ("'{0:0.0%}' -f 0.256; '{0:00.0}%' -f 7.25; '{0:0.00}' -f (1/3)", ["25.6%", "07.3%", "0.33"]),
            (
                "(1234.5).ToString('C', [cultureinfo]'en-US'); (1234.5).ToString('N2', [cultureinfo]'de-DE')",
                ["$1,234.50", "1.234,50"]
            ),
            ("([datetime]'2026-03-05').ToString('d', [cultureinfo]'de-DE')", ["05.03.2026"]),
            (
                "Get-Date '2026-01-02' -UFormat '%Y-%m-%d'; Get-Date '2026-03-05 14:07:09' -UFormat '%A %B %d %H:%M:%S %j'",
                ["2026-01-02", "Thursday March 05 14:07:09 064"]
            ),
            ("[DateTimeOffset]::FromUnixTimeSeconds(1700000000).UtcDateTime.ToString('s')", ["2023-11-14T22:13:20"]),
            ("[datetime]::FromFileTimeUtc(132223104000000000).ToString('yyyy-MM-dd')", ["2020-01-01"]),
            ("([guid]'6F9619FF-8B86-D011-B42D-00CF4FC964FF').ToString('N')", ["6f9619ff8b86d011b42d00cf4fc964ff"]),
            (
                "[guid]'6F9619FF8B86D011B42D00CF4FC964FF'; [guid]' (6f9619ff-8b86-d011-b42d-00cf4fc964ff) '",
                ["6f9619ff-8b86-d011-b42d-00cf4fc964ff", "6f9619ff-8b86-d011-b42d-00cf4fc964ff"]
            ),
            ("[guid]::TryParse('{6f9619ff8b86d011b42d00cf4fc964ff}', [ref][guid]::Empty)", ["False"]),
            (
                "([uri]'https://Contoso.sharepoint.com/sites/a?x=1').Host; ([uri]'https://c.com:8443/x').Port",
                ["contoso.sharepoint.com", "8443"]
            ),
            (
                "'a', 'b' | Join-String -DoubleQuote -Separator ';'; 1..3 | Join-String -Separator '+' -OutputPrefix '('",
                ["\"a\";\"b\"", "(1+2+3"]
            ),
            ("'a,b,,c'.Split(',', [StringSplitOptions]::RemoveEmptyEntries).Count; 'a b'.Split().Count", ["3", "2"]),
            (
                "'abc'.StartsWith('AB', [StringComparison]::OrdinalIgnoreCase); 'abc'.Equals('ABC', 'OrdinalIgnoreCase')",
                ["True", "True"]
            ),
        ] as [(String, [String])])
    func formats(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected)
    }

    @Test(
        "a function knows by which of its sets of parameters it was called",
        arguments: [
            (
                "function f { [CmdletBinding(DefaultParameterSetName='A')] param([Parameter(ParameterSetName='A')]$x, "
                    + "[Parameter(ParameterSetName='B')]$y) $PSCmdlet.ParameterSetName }; f; f -y 1", ["A", "B"]
            ),
            (
                "function h { param([Parameter(Mandatory, ParameterSetName='ById')]$Id, "
                    + "[Parameter(Mandatory, ParameterSetName='ByName')]$Name) \"$($PSCmdlet.ParameterSetName) $Id$Name\" }; "
                    + "h -Name z; h -Id 3", ["ByName z", "ById 3"]
            ),
            ("function w { param([switch]$Q) $Q.IsPresent; if ($Q) { 'on' } }; w; w -Q", ["False", "True", "on"]),
            ("function w { param([switch]$Q) $Q.GetType().Name }; w; w -Q", ["SwitchParameter", "SwitchParameter"]),
            ("function w { param([switch]$Q) & { $Q = 5; $Q.GetType().Name } }; w -Q", ["Int32"]),
            ("function f { [CmdletBinding()] param($x) $PSCmdlet.ParameterSetName }; f", ["__AllParameterSets"]),
            (
                "function g { [CmdletBinding(SupportsShouldProcess)] param($n) if ($PSCmdlet.ShouldProcess($n)) { 'did' } }; g 5",
                ["did"]
            ),
        ] as [(String, [String])])
    func parameterSets(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected)
    }

    @Test(
        "what files, paths, commands and records have besides is handed over, and never nothing",
        arguments: [
            "Set-Content a.txt x; (Get-Item a.txt).VersionInfo", "(Get-Location).Drive",
            "Set-Content a.txt x; Get-Content a.txt | % { $_.ReadCount }",
            "Set-Content a.txt x; Get-Content a.txt | % PSPath",
            "(Get-Command Get-Date).Definition", "(Get-Command Get-Content).Parameters",
            "$MyInvocation.MyCommand.CommandType", "(Get-Variable x).Options",
            "$o = [pscustomobject]@{a=1}; $o.PSObject.Methods",
            "try { throw 'x' } catch { $_.PipelineIterationInfo }", "Get-Command -Verb Get",
            "Get-Random -SetSeed 5 -Maximum 9",
            "Compare-Object @('a') @('A') -CaseSensitive",
            "Get-ChildItem . -Include *.txt",
            "try { throw [ArgumentException]'x' } catch { $_.Exception.ParamName }",
        ])
    func unknown(script: String) async {
        let end = await outcome("$x = 1; " + script)
        guard case .handedOver = end else {
            Issue.record("\(script) ran: \(end)")
            return
        }
    }

    @Test(
        "texts, sets and dictionaries are built as .NET builds them",
        arguments: [
            (
                "$s = [Text.StringBuilder]::new(); [void]$s.Append('a').AppendLine(1); $s.Length; \"$s\".Trim()",
                ["3", "a1"]
            ),
            ("$s = New-Object System.Text.StringBuilder; [void]$s.AppendFormat('{0:D3}', 7); $s.ToString()", ["007"]),
            (
                "$h = [Collections.Generic.HashSet[string]]::new([StringComparer]::OrdinalIgnoreCase); $h.Add('A'); $h.Contains('a')",
                ["True", "True"]
            ),
            (
                "$h = [Collections.Generic.HashSet[string]]::new([string[]]('a', 'b', 'a')); $h.Count; $h.Contains('A')",
                ["2", "False"]
            ),
            (
                "$d = [Collections.Generic.Dictionary[string,object]]::new([StringComparer]::OrdinalIgnoreCase); $d['K'] = 5; $d['k']",
                ["5"]
            ),
            (
                "$d = New-Object 'System.Collections.Generic.Dictionary[string,int]'; $d.Add('a', 1); $d.ContainsKey('A')",
                ["False"]
            ),
            ("[char]::IsDigit('5'); [char]::ToUpper('a')", ["True", "A"]),
            ("foreach ($input in 'x', 'yy') { $input.Length }", ["1", "2"]),
            ("@{b=1} | ConvertTo-Json -Compress; (@{a=1;b=2} | ConvertTo-Json -Compress).Length", ["{\"b\":1}", "13"]),
            (
                "1 | Select-Object @{n='A';e={$_ + 1}} | % A; Get-Date '2026-01-02' | Select-Object Year | % Year",
                ["2", "2026"]
            ),
            (
                "([Security.Principal.WindowsPrincipal][Security.Principal.WindowsIdentity]::GetCurrent()).IsInRole("
                    + "[Security.Principal.WindowsBuiltInRole]::Administrator)", ["True"]
            ),
        ] as [(String, [String])])
    func builders(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected)
    }

    @Test("a window in which a file is named asks for the name")
    func fileDialog() async throws {
        let script =
            "Add-Type -AssemblyName System.Windows.Forms; $d = New-Object System.Windows.Forms.SaveFileDialog; "
            + "$d.Filter = 'CSV|*.csv'; if ($d.ShowDialog() -eq 'OK') { $d.FileName }"
        var session = NativeSession()
        let host = NativeHost(answers: ["FileName": "out.csv"])
        guard case .completed(let result) = await NativeEngine(host: host, isPatient: true).run(script, in: &session)
        else {
            Issue.record("it did not run")
            return
        }
        #expect(result.objects.map(\.text) == ["out.csv"])
    }

    @Test("a folder lists its own files, and a file that is there is not made anew")
    func files() async throws {
        #expect(
            try await texts("Set-Content d/a.txt x; Remove-Item d -Recurse; Test-Path d/a.txt; Test-Path d") == [
                "False", "False",
            ])
        let unfound =
            "try { Import-Csv no.csv -ErrorAction Stop } catch [System.IO.FileNotFoundException] { 'no file' }"
        #expect(try await texts(unfound) == ["no file"])
        for reader in ["[IO.File]::ReadAllText", "[IO.File]::ReadAllLines", "[IO.StreamReader]::new"] {
            for (path, type) in [("no.csv", "FileNotFoundException"), ("no/a.csv", "DirectoryNotFoundException")] {
                let script = "try { \(reader)('\(path)') } catch { $_.Exception.InnerException.GetType().Name }"
                #expect(try await texts(script) == [type])
                let caught = "try { \(reader)('\(path)') } catch [IO.\(type)] { 'caught' } catch { 'other' }"
                #expect(try await texts(caught) == ["caught"])
            }
        }
        let nothing =
            "$n = $null; try { Compare-Object $n @('a') -ErrorAction Stop } catch { $_.CategoryInfo.Category }"
        #expect(try await texts(nothing) == ["InvalidData"])
        let script =
            "Set-Content d/a.txt x; Set-Content d/e/b.txt x; (Get-ChildItem d -File).Name; (Get-ChildItem d -Recurse -File).Count"
        #expect(try await texts(script) == ["a.txt", "2"])
        #expect(
            try await texts(
                "Set-Content a.txt x; try { New-Item a.txt -ErrorAction Stop } catch { 'there' }; Get-Content a.txt")
                == ["there", "x"])
    }
}
