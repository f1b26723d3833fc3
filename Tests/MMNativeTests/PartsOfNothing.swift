import MMNative
import PowerShellSyntax
import Testing

/// What scripts do with values that aren't there, and which errors PowerShell continues after.
@Suite("Parts of nothing", .timeLimit(.minutes(5)))
struct PartsOfNothing: RunningReports {
    private static let unknown =
        "The property 'Name' cannot be found on this object. Verify that the property exists and can be set."

    @Test(
        "an assignment to a part that no value has fails its statement alone",
        arguments: [
            ("$row.Name = 'x'; 'on'", "PropertyNotFound", unknown),
            ("$row = 'text'; $row.Name = 'x'; 'on'", "PropertyNotFound", unknown),
            ("$row.Name += 1; 'on'", "PropertyNotFound", unknown),
            ("$row[0] = 'x'; 'on'", "NullArray", "Cannot index into a null array."),
            (
                "$l = [System.Collections.Generic.List[int]]::new(); $l[3] = 1; 'on'",
                "System.ArgumentOutOfRangeException",
                "Index was out of range. Must be non-negative and less than the size of the collection. (Parameter 'index')"
            ),
            (
                "1 | Select-Object -Property ('Name', 'Id' + $none); 'on'",
                "DictionaryKeyUnknownType,Microsoft.PowerShell.Commands.SelectObjectCommand",
                "Cannot convert null to one of the following types {System.String, System.Management.Automation.ScriptBlock}."
            ),
            (
                "$h = @{ a = 1 }; $h[$none]; 'on'", "NullArrayIndex",
                "Index operation failed; the array index evaluated to null."
            ),
            (
                "$l = 1, 2; $l[$none]; 'on'", "NullArrayIndex",
                "Index operation failed; the array index evaluated to null."
            ),
            (
                "$h = [ordered]@{ a = 1 }; $h[$none] = 2; 'on'", "NullArrayIndex",
                "Index operation failed; the array index evaluated to null."
            ),
            (
                "$h = @{ Key = 1 }; $h += @{ key = 2 }; 'on'", "System.ArgumentException",
                "Item has already been added. Key in dictionary: 'Key'  Key being added: 'key'"
            ),
            (
                "$h = @{ a = 1 }; $h += [pscustomobject]@{ b = 2 }; 'on'", "AddHashTableToNonHashTable",
                "A hash table can only be added to another hash table."
            ),
            (
                "$h = @{ a = 1 }; $h += $none; 'on'", "AddHashTableToNonHashTable",
                "A hash table can only be added to another hash table."
            ),
            (
                "3, 1 | Sort-Object -Property 5; 'on'",
                "DictionaryKeyUnknownType,Microsoft.PowerShell.Commands.SortObjectCommand",
                "Cannot convert System.Int32 to one of the following types {System.String, "
                    + "System.Management.Automation.ScriptBlock}."
            ),
        ])
    func failsAlone(script: String, id: String, message: String) async throws {
        guard case .completed(let result) = await outcome(script) else {
            Issue.record("\(script) did not run")
            return
        }
        #expect(result.objects.map(\.text) == ["on"])
        #expect(result.errors.map(\.id) == [id])
        #expect(result.errors.map(\.message) == [message])
    }

    @Test(
        "scopes are read one by one, also where a text holds several",
        arguments: ["'User.Read.All,Mail.Send'", "'User.Read.All', 'Mail.Send'", "'User.Read.All Mail.Send'"])
    func scopes(written: String) async {
        let signIn = OwnSignIn(own: SignInIdentity(connection: "Demo"))
        let source = SignInSource(signIn, module: "graph", granted: ["User.Read.All"])
        var session = NativeSession()
        let script = "Connect-MgGraph -Scopes \(written)"
        guard case .completed(let result) = await NativeEngine(sources: [source]).run(script, in: &session) else {
            Issue.record("it did not run")
            return
        }
        #expect(result.warnings == ["The sign-in of Demo lacks permissions that the script requests: Mail.Send."])
    }

    @Test("files and folders are listed as a shell lists them")
    func files() async throws {
        let script = """
            $f = New-Item -ItemType Directory C:\\Reports; 'abc' | Set-Content C:\\Reports\\a.txt
            @($f; Get-Item C:\\Reports\\a.txt) | Out-String -Stream
            (Get-Item C:\\Reports\\a.txt | Format-Table | Out-String -Stream)[1]
            """
        let lines = try await texts(script)
        let places = lines.indices.filter { lines[$0].contains("Directory: ") }
        #expect(
            places.map { lines[$0] } == [
                "    Directory: C:\\", "    Directory: C:\\Reports", "    Directory: C:\\Reports",
            ])
        #expect(lines.contains("Mode                 LastWriteTime         Length Name"))
        let rows = lines.filter { $0.hasPrefix("d----") || $0.hasPrefix("-a---") }
        #expect(rows.count == 2 && rows.allSatisfy { $0.utf8.count > 50 }, "\(lines)")
        #expect(
            rows.first?.hasSuffix("                Reports") == true && rows.last?.hasSuffix("  4 a.txt") == true,
            "\(rows)")
    }

    @Test(
        "values that only look unusual are read",
        arguments: [
            ("\"$('>' * ($nestedPromptLevel + 1))\"", [">"]),
            (
                "$o = [pscustomobject]@{ a = 1; b = 2 }; ($o | Select-Object -Property $none).b; $e = @(); ($o | Select-Object $e.Name).a",
                ["2", "1"]
            ),
            (
                "(3, 1 | Sort-Object -Property $null) -join ','; (1, 1 | Group-Object -Property $null).Count",
                ["1,3", "2"]
            ),
            (
                "([pscustomobject]@{ a = 1; b = 2 } | Select-Object -Property $null -ExcludeProperty a).PSObject.Properties.Name",
                ["b"]
            ),
            ("[math]::Round(1500000000000000.5); [math]::Round(2e16, 2)", ["1.5E+15", "2E+16"]),
            ("'a;b' -split [System.IO.Path]::PathSeparator; 'a1b' -split 1", ["a", "b", "a", "b"]),
            ("try { [int]'x' } catch { $_.Exception.GetType().Name }", ["RuntimeException"]),
            (
                "$d = [datetimeoffset]::MinValue; [datetimeoffset]::TryParse('2026-03-04T05:06:07', [cultureinfo]::InvariantCulture, [System.Globalization.DateTimeStyles]::AssumeUniversal, [ref]$d); $d.ToString('o')",
                ["True", "2026-03-04T05:06:07.0000000+00:00"]
            ),
            (
                "$d = [datetime]::MinValue; [datetime]::TryParse('2026-03-04T05:06:07+02:00', [cultureinfo]::InvariantCulture, 'AdjustToUniversal', [ref]$d); $d.ToString('o')",
                ["True", "2026-03-04T03:06:07.0000000Z"]
            ),
            (
                "[datetimeoffset]::Parse('2026-03-04', $null, 'AssumeUniversal').Offset.TotalHours", ["0"]
            ),
            (
                "$h = 1..4 | % { [pscustomobject]@{ a = $_ % 2; b = 'x' } } | Group-Object a, b -AsHashTable -AsString; $h.Keys | Sort-Object; $h['1, x'].Count",
                ["0, x", "1, x", "2"]
            ),
        ])
    func read(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected)
    }

    @Test(
        "no output is a list without elements behind the plus of a list, where $null is an element, and $null before it",
        arguments: [
            ("$l = @(1); $l += 2 | Where-Object { $_ -gt 5 }; $l.Count; $l += $null; $l.Count", ["1", "2"]),
            ("$none = 1 | Where-Object { $false }; $l = @(); $l += $none; $l.Count; ($l + $none).Count", ["0", "0"]),
            ("function f { }; $h = @{ l = @(1) }; $h.l += f; $h.l.Count; (@(1) + (f)).Count", ["1", "1"]),
            ("$l = @(); foreach ($i in 1..3) { $l += if ($i -gt 2) { $i } }; $l -join ','", ["3"]),
            (
                "$none = 1 | Where-Object { $false }; $none += 2; $none += 3; $none -join ','; $x += 2; $x += 3; $x",
                ["5", "5"]
            ),
            ("$t = & {}; foreach ($u in 'a', 'b') { $t += \"$u;\" }; $t; $t = & {}; ($t + 1) + 2", ["a;b;", "3"]),
            ("$o = [pscustomobject]@{ a = (& {}) }; $o.a += 'x'; $o.a += 'y'; $o.a", ["xy"]),
            ("$n = & {}; $n += & {}; @($n).Count; $n = & {}; $n += 1, 2; $n.Count", ["1", "2"]),
            (
                "$null -eq [string](1 | Where-Object { $false }); $null -eq [string]$null; [string]$s = & {}; $null -eq $s",
                ["True", "False", "False"]
            ),
            ("$n = & {}; $n += @{ a = 1 }; $n.GetType().Name", ["Hashtable"]),
            ("$t = 'a'; $t += 1 | Where-Object { $false }; $t; 5 + (1 | Where-Object { $false })", ["a", "5"]),
        ])
    func added(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected)
    }

    @Test(
        "no output stays what it is as a member and an element, and is $null for whatever reads it",
        arguments: [
            (
                "$o = [pscustomobject]@{ R = 1 | Where-Object { $false } }; @($o.R).Count; $null -eq $o.R",
                ["0", "True"]
            ),
            (
                "function f { }; $h = @{ a = f; b = 1 }; $h.a | ForEach-Object { 'in' }; $h.Count; $h.a.Count",
                ["2", "0"]
            ),
            (
                "$none = 1 | Where-Object { $false }; $l = 1, $none, 2; $l.Count; @($l | ForEach-Object { $_ }).Count",
                ["3", "2"]
            ),
            (
                "$none = 1 | Where-Object { $false }; (@(1, $none) -eq $null).Count; (1, $none) -contains $null; \"$(1, $none, 2)\"",
                ["1", "True", "1 2"]
            ),
            (
                "$o = [pscustomobject]@{ R = & { }; N = 2 }, [pscustomobject]@{ R = 5; N = 1 }; ($o | Sort-Object R).N -join ','; ($o | Where-Object R -EQ $null).N; ($o | Group-Object R).Count; ($o | ConvertTo-Csv)[1]; $o[0] | ConvertTo-Json -Compress; ($o | Measure-Object R -Sum).Sum",
                ["2,1", "2", "2", "\"\",\"2\"", "{\"R\":null,\"N\":2}", "5"]
            ),
            (
                "$p = @{ Name = & { } }; function f { param($Name = 'd') \"[$Name]\"; $Name | ForEach-Object { 'in' } }; f @p",
                ["[]", "in"]
            ),
            (
                "$list = @((& { }), 2, (& { })); function f($a) { $a | ForEach-Object { 'in' }; $args | ForEach-Object { 'on' } }; f @list",
                ["in", "on", "on"]
            ),
        ] as [(String, [String])])
    func kept(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected)
    }

    @Test("an index is evaluated once, whatever it is an index of")
    func indexes() async throws {
        let script = "$one = [pscustomobject]@{ a = 1 }; $i = 0; ($one[$i++]).a; $i; $s = 'ab'; $s[--$i]; $i"
        #expect(try await texts(script) == ["1", "1", "a", "0"])
    }
}
