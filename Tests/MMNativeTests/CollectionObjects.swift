import MMNative
import Testing

/// Queues, stacks, sets and dictionaries of .NET, and what scripts ask of lists.
@Suite("Collections of .NET", .timeLimit(.minutes(5)))
struct CollectionObjects: RunningReports {
    @Test(
        "queues give back what came first, stacks what came last",
        arguments: [
            (
                "$q = [System.Collections.Queue]::new(); $q.Enqueue(1); $q.Enqueue(2); $q.Dequeue(); $q.Count",
                ["1", "1"]
            ),
            (
                "$q = New-Object System.Collections.Generic.Queue[string]; $q.Enqueue('a'); $q.Peek(); $q.Count",
                ["a", "1"]
            ),
            (
                "$q = New-Object System.Collections.Queue; 1..3 | % { $q.Enqueue($_) }; while ($q.Count) { $q.Dequeue() }",
                ["1", "2", "3"]
            ),
            ("$s = [System.Collections.Stack]::new(); 1..3 | % { $s.Push($_) }; $s.Pop(); $s -join ','", ["3", "2,1"]),
            (
                "$s = [System.Collections.Generic.Stack[object]]::new(); $s.Push('x'); $s.Contains('x'); $s.ToArray().Count",
                ["True", "1"]
            ),
            (
                "try { [System.Collections.Queue]::new().Dequeue() } catch { $_.FullyQualifiedErrorId }",
                ["InvalidOperationException"]
            ),
        ] as [(String, [String])])
    func queues(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected)
    }

    @Test(
        "a list is the same list wherever it is kept",
        arguments: [
            ("$o = [Collections.ArrayList]@(); [void]$o.Add($l)", "$o[0]"),
            ("$o = [Collections.ArrayList]@(0); $o[0] = $l", "$o[0]"),
            ("$o = [Collections.ArrayList]@(); $o.AddRange(@($l, 5))", "$o[0]"),
            ("$o = [Collections.Generic.List[object]]::new(); $o.Insert(0, $l)", "$o[0]"),
            ("$o = [Collections.Queue]::new(); $o.Enqueue($l)", "$o.Peek()"),
            ("$o = [Collections.Stack]::new(); $o.Push($l)", "$o.Peek()"),
            ("$o = @{}; $o.Add('a', $l)", "$o.a"), ("$o = [ordered]@{}; $o.Insert(0, 'a', $l)", "$o.a"),
            ("$o = [Collections.Generic.Dictionary[string,object]]::new(); $o.Add('a', $l)", "$o['a']"),
            ("$o = [Collections.ArrayList]$l", "$o"), ("$o = $l -as [Collections.ArrayList]", "$o"),
            ("[Collections.ArrayList]$o = @(); $o = $l", "$o"), ("$o = [object]$l", "$o"),
            ("$o = [pscustomobject]@{}; $o | Add-Member -NotePropertyName a -NotePropertyValue $l", "$o.a"),
            ("$o = [pscustomobject]@{}; $o | Add-Member NoteProperty a $l", "$o.a"),
            ("Set-Variable o $l", "$o"), ("New-Variable -Name o -Value $l", "$o"),
            ("$o = { param($x) , $x }.InvokeReturnAsIs($l)", "$o"),
            ("class Kept { $a\nKept($x) { $this.a = $x } }; $o = [Kept]::new($l)", "$o.a"),
        ])
    func same(kept: String, place: String) async throws {
        let script =
            "$l = [Collections.ArrayList]@(1); \(kept); [void]$l.Add(2); (\(place)).Count; "
            + "[void](\(place)).Add(3); $l -join ','"
        #expect(try await texts(script) == ["2", "1,2,3"])
    }

    @Test(
        "a method that only looks at a list takes its elements, and a cast to another type copies them",
        arguments: [
            ("$o = [Collections.ArrayList]::new($l); [void]$o.Add(2); $l.Count", ["1"]),
            ("$o = [array]$l; [void]$l.Add(2); $o.Count; ([object[]]$l).Count; ([int[]]$l).Count", ["1", "2", "2"]),
            ("$o = [Collections.ArrayList]@(0); $o.AddRange($l); $o -join ','; $o.Contains(1)", ["0,1", "True"]),
            ("$o = [Collections.Generic.HashSet[object]]::new(); $o.UnionWith($l); $o.Count", ["1"]),
            ("[string]$l; [bool]$l; ($l -as [string])", ["1", "True", "1"]),
            (
                "([pscustomobject]@{ L = $l } | ConvertTo-Html -Fragment)[3]",
                ["<tr><td>System.Collections.ArrayList</td></tr>"]
            ),
        ] as [(String, [String])])
    func elements(script: String, expected: [String]) async throws {
        #expect(try await texts("$l = [Collections.ArrayList]@(1); " + script) == expected)
    }

    @Test("lists for each key, made where they are added")
    func lists() async throws {
        let script = """
            $h = @{}
            foreach ($n in 'ann', 'bob', 'art') {
                $k = $n.Substring(0, 1)
                if (-not $h.ContainsKey($k)) { $h.Add($k, [System.Collections.Generic.List[object]]::new()) }
                $h[$k].Add($n)
            }
            $h['a'] -join ','; $h['b'].Count
            """
        #expect(try await texts(script) == ["ann,art", "1"])
    }

    @Test(
        "dictionaries and lists keep their keys sorted, and collections take values of one type",
        arguments: [
            (
                "$d = [System.Collections.Generic.SortedDictionary[string,int]]::new(); $d['b'] = 2; $d['a'] = 1; $d.Add('C', 3); $d.Keys -join ','; foreach ($e in $d.GetEnumerator()) { \"$($e.Key)=$($e.Value)\" }; $d.Remove('a'); $d.Count; $null -eq $d['B']",
                ["a,b,C", "a=1", "b=2", "C=3", "True", "2", "True"]
            ),
            (
                "$l = New-Object 'System.Collections.Generic.SortedList[int,string]'; $l.Add(10, 'x'); $l.Add(2, 'y'); $l.Keys -join ','; $l.Values -join ','; $l[10]",
                ["2,10", "y,x", "x"]
            ),
            ("$t = [System.Collections.SortedList]::new(); $t['z'] = 1; $t['y'] = 2; $t.Keys -join ','", ["y,z"]),
            (
                "$l = [System.Collections.Generic.List[double]]::new(); $l.Add('1.5'); $l.Add(2); $l[0] + $l[1]; $q = New-Object System.Collections.Generic.Queue[datetime]; $q.Enqueue('2024-01-02'); $q.Dequeue().Year",
                ["3.5", "2024"]
            ),
            (
                "$g = [System.Collections.Generic.HashSet[guid]]::new(); $g.Add('6f9619ff-8b86-d011-b42d-00c04fc964ff'); $g.Add([guid]'6f9619ff-8b86-d011-b42d-00c04fc964ff'); $g.Count",
                ["True", "False", "1"]
            ),
        ] as [(String, [String])])
    func sorted(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected)
    }

    @Test(
        "sets are joined, reduced and compared",
        arguments: [
            (
                "$h = [System.Collections.Generic.HashSet[string]]::new([string[]]('a', 'b')); $h.UnionWith([string[]]('b', 'c')); $h -join ','",
                ["a,b,c"]
            ),
            (
                "$h = [System.Collections.Generic.HashSet[string]]::new([string[]]('a', 'b')); $h.ExceptWith([string[]]'a'); $h -join ','",
                ["b"]
            ),
            (
                "$h = [System.Collections.Generic.HashSet[int]]::new(); $h.Add(1); $h.Add(1); $h.Contains(1)",
                ["True", "False", "True"]
            ),
            (
                "$h = [System.Collections.Generic.HashSet[string]]::new([string[]]('a', 'b')); $h.IntersectWith([string[]]('b', 'c')); $h -join ','; $h.SetEquals([string[]]'b'); $h.IsSubsetOf([string[]]('a', 'b')); $h.Overlaps([string[]]'z')",
                ["b", "True", "True", "False"]
            ),
            (
                "$h = [System.Collections.Generic.HashSet[string]]::new([StringComparer]::OrdinalIgnoreCase); $h.Add('Ann'); $h.Add('ANN'); $h.Remove('ann'); $h.Count",
                ["True", "False", "True", "0"]
            ),
            (
                "$h = [System.Collections.Generic.HashSet[string]]::new([string[]]('a', 'bb')); $h.RemoveWhere({ $args[0].Length -gt 1 }); $h -join ','",
                ["1", "a"]
            ),
        ] as [(String, [String])])
    func sets(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected)
    }

    @Test(
        "a list asks a block about each element by its argument, and not by what is in the pipeline",
        arguments: [
            (
                "$l = [System.Collections.Generic.List[int]](1, 2, 3, 4); $l.RemoveAll({ param($x) $x -gt 2 }); $l -join ','",
                ["2", "1,2"]
            ),
            ("$l = [System.Collections.Generic.List[string]]('x', 'yy'); $l.Find({ $args[0].Length -eq 2 })", ["yy"]),
            ("$l = [System.Collections.Generic.List[string]]('x', 'yy'); $l.Exists({ $args[0] -eq 'zz' })", ["False"]),
            ("$l = [System.Collections.Generic.List[int]](1, 2); $l.RemoveAll({ $_ -gt 1 }); $l.Count", ["0", "2"]),
            (
                "$l = [System.Collections.Generic.List[int]](5, 6, 7); $l.FindIndex({ param($n) $n -eq 6 }); $l.FindAll({ param($n) $n -ne 6 }) -join ','",
                ["1", "5,7"]
            ),
            ("$l = [System.Collections.Generic.List[object]](1, 2, 3); $l.GetRange(1, 2) -join ','", ["2,3"]),
            (
                "$l = [System.Collections.Generic.List[object]](1, 2, 3); $l.RemoveRange(0, 2); $l.InsertRange(0, (8, 9)); $l -join ','",
                ["8,9,3"]
            ),
            ("$l = [System.Collections.ArrayList](3, 1, 2); $l.Sort(); $l -join ','", ["1,2,3"]),
            ("$l = [System.Collections.ArrayList]('a', 'bcd'); $l.Length -join ','; $l.Count", ["1,3", "2"]),
        ] as [(String, [String])])
    func questions(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected)
    }

    @Test(
        "dictionaries, ordered tables and tables of JSON differ where .NET's types do",
        arguments: [
            (
                "$d = [System.Collections.Generic.Dictionary[string,int]]::new(); $d.Add('x', 1); $d.Remove('x'); $d.Remove('x'); $d.Count",
                ["True", "False", "0"]
            ),
            (
                "$d = [System.Collections.Generic.Dictionary[string,int]]::new(); $d.Add('x', 1); try { $d.Add('x', 2) } catch { $_.Exception.Message }",
                [
                    "Exception calling \"Add\" with \"2\" argument(s): \"An item with the same key has already been added. Key: x\""
                ]
            ),
            (
                "$d = [System.Collections.Generic.Dictionary[int,string]]::new(); $d.Add(1, 'a'); $d.Add(0, 'b'); $d[0]",
                ["b"]
            ),
            ("$o = [ordered]@{ a = 1; b = 2 }; $o.Insert(0, 'z', 0); $o.Keys -join ','; $o[1]", ["z,a,b", "1"]),
            ("try { ([ordered]@{ a = 1 }).ContainsKey('a') } catch { $_.FullyQualifiedErrorId }", ["MethodNotFound"]),
            (
                "$h = '{\"b\":{\"c\":[1,2]},\"a\":2}' | ConvertFrom-Json -AsHashtable; $h.Keys -join ','; $h.b.c.Count; $h['a']; $h -is [hashtable]",
                ["b,a", "2", "2", "True"]
            ),
            (
                "$h = '{\"A\":1,\"a\":2}' | ConvertFrom-Json -AsHashtable; $h['A']; $h['a']; $h.GetType().Name",
                ["1", "2", "OrderedHashtable"]
            ),
        ] as [(String, [String])])
    func tables(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected)
    }

    @Test("a large set is filled in a time that grows with it")
    func largeSet() async throws {
        let script = """
            $h = [System.Collections.Generic.HashSet[string]]::new([StringComparer]::OrdinalIgnoreCase)
            foreach ($i in 1..20000) { [void]$h.Add("user$i@contoso.example") }; $h.Count
            """
        #expect(try await texts(script) == ["20000"])
    }

    @Test(
        "a new element takes the place of the one removed last, as in .NET's sets and dictionaries",
        arguments: [
            (
                "$d = [Collections.Generic.Dictionary[string,int]]::new(); 'a', 'b', 'c', 'e' | % { $d[$_] = 1 }; "
                    + "[void]$d.Remove('a'); [void]$d.Remove('c'); 'z', 'y', 'x' | % { $d.Add($_, 2) }; "
                    + "$d.Keys -join ','; $d.Count; $d['b']; $d['y']; $d.ContainsKey('c')",
                ["y,b,z,e,x", "5", "1", "2", "False"]
            ),
            (
                "$d = [Collections.Generic.Dictionary[string,int]]::new(); $d['a'] = 1; $d['b'] = 2; "
                    + "[void]$d.Remove('a'); ($d.GetEnumerator() | % Key) -join ','; $d.Clear(); $d['q'] = 1; $d['a'] = 1; "
                    + "$d.Keys -join ','",
                ["b", "q,a"]
            ),
            (
                "$o = [ordered]@{ a = 1; b = 2; c = 3 }; $o.Remove('a'); $o['z'] = 1; $o.Keys -join ','; $o[0]; "
                    + "$o.Insert(1, 'k', 5); $o.Keys -join ','; $o.Remove('b'); $o.z; $o.Count; $o.Values -join ','",
                ["b,c,z", "2", "b,k,c,z", "1", "3", "5,3,1"]
            ),
            (
                "$s = [Collections.Generic.HashSet[string]]::new([string[]]('a', 'b', 'c', 'e')); [void]$s.Remove('a'); "
                    + "[void]$s.Remove('c'); 'z', 'y', 'x' | % { [void]$s.Add($_) }; $s -join ','; $s.Contains('b')",
                ["y,b,z,e,x", "True"]
            ),
            (
                "$s = [Collections.Generic.HashSet[int]]::new([int[]](1..5)); $s.ExceptWith([int[]](2, 4)); "
                    + "[void]$s.Add(9); $s -join ','; $s.IntersectWith([int[]](1, 3, 9)); [void]$s.Add(7); $s -join ','",
                ["1,3,9,5", "1,3,9,7"]
            ),
            (
                "$s = [Collections.Generic.HashSet[string]]::new([string[]]('a', 'b', 'c')); "
                    + "[void]$s.RemoveWhere({ param($x) $x -eq 'a' }); [void]$s.Add('z'); $s -join ','; $s.Clear(); "
                    + "'p', 'o' | % { [void]$s.Add($_) }; $s -join ','",
                ["z,b,c", "p,o"]
            ),
            (
                "$s = [Collections.Generic.HashSet[int]]::new([int[]](1..3)); $s.IntersectWith([int[]]@()); "
                    + "7, 8 | % { [void]$s.Add($_) }; $s -join ','",
                ["7,8"]
            ),
        ] as [(String, [String])])
    func freedPlaces(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected)
    }

    @Test(
        "an ordered table takes over how a key is written, and a hashtable keeps it",
        arguments: [
            (
                "$o = [ordered]@{ Name = 1; b = 2 }; $o.name = 3; $o.Keys -join ','; $o['NAME']++; $o.Keys -join ','",
                "name,b NAME,b"
            ),
            (
                "$o = [ordered]@{ Name = 1 }; $o['name'] = 2; [pscustomobject]$o | ConvertTo-Json -Compress",
                "{\"name\":2}"
            ),
            ("$h = @{ a = 1 }; $h.A = 2; $h.Keys", "a"),
        ])
    func spellings(script: String, expected: String) async throws {
        #expect(try await texts(script).joined(separator: " ") == expected)
    }

    private static let tables =
        "$g = [Collections.Generic.Dictionary[string,int]]::new(); $g['k'] = 7; $o = [ordered]@{ k = 7; l = 8 }; "

    @Test(
        "an entry of a hashtable has a name, which comes last in JSON, and that of a generic dictionary has none",
        arguments: [
            ("$g.GetEnumerator() | % { \"$($_.Name)|$($_.Key)|$($_.Value)\" }", ["|k|7"]),
            ("foreach ($e in $g.GetEnumerator()) { \"$($e.Name)|$($e.Key)\" }", ["|k"]),
            ("$g.GetEnumerator() | ConvertTo-Json -Compress", ["{\"Key\":\"k\",\"Value\":7}"]),
            ("$g.GetEnumerator() | ConvertTo-Csv", ["\"Key\",\"Value\"", "\"k\",\"7\""]),
            ("($g.GetEnumerator() | Format-List | Out-String).Trim()", ["Key   : k\nValue : 7"]),
            ("($g | Out-String).Trim()", ["Key Value\n--- -----\nk       7"]),
            (
                "$o.GetEnumerator() | ConvertTo-Json -Compress",
                ["[{\"Key\":\"k\",\"Value\":7,\"Name\":\"k\"},{\"Key\":\"l\",\"Value\":8,\"Name\":\"l\"}]"]
            ),
            (
                "@($o.GetEnumerator())[1] | ConvertTo-Json -Compress",
                ["{\"Key\":\"l\",\"Value\":8,\"Name\":\"l\"}"]
            ),
            (
                "$o.GetEnumerator() | ConvertTo-Csv",
                ["\"Name\",\"Key\",\"Value\"", "\"k\",\"k\",\"7\"", "\"l\",\"l\",\"8\""]
            ),
            (
                "$o.GetEnumerator() | Sort-Object Value -Descending | Select-Object Name, Value | ConvertTo-Json -Compress",
                ["[{\"Name\":\"l\",\"Value\":8},{\"Name\":\"k\",\"Value\":7}]"]
            ),
            ("@($o.GetEnumerator())[0].GetType().FullName", ["System.Collections.DictionaryEntry"]),
            (
                "@($o.GetEnumerator())[0].PSObject.TypeNames -join ','",
                ["System.Collections.DictionaryEntry,System.ValueType,System.Object"]
            ),
            ("$e = @($o.GetEnumerator())[0]; $e.Value = 9; $e.Value; $o.k; $null -eq $e.Foo", ["9", "7", "True"]),
            (
                "($o.GetEnumerator() | Where-Object Value -gt 7).Name; ($o.GetEnumerator()).Name -join ','",
                ["l", "k,l"]
            ),
        ] as [(String, [String])])
    func entries(script: String, expected: [String]) async throws {
        #expect(try await texts(Self.tables + script) == expected)
    }

    @Test(
        "what an entry shows of itself only within others, or as text, is handed over",
        arguments: [
            "ConvertTo-Json @($o.GetEnumerator())", "@{ e = @($o.GetEnumerator()) } | ConvertTo-Json",
            "@($o.GetEnumerator())[0].ToString()", "@($o.GetEnumerator()) -join ','", "\"$(@($g.GetEnumerator())[0])\"",
            "foreach ($e in $g.GetEnumerator()) { $e.Value = 1 }", "$g.Item('none')",
            "@($g.GetEnumerator())[0].GetType().FullName",
        ])
    func entriesWithin(script: String) async { #expect(await refusal(Self.tables + script) != nil) }

    @Test("a large ordered table that lost a key is read by its indexes in a time that grows with it")
    func indexes() async throws {
        let script = """
            $o = [ordered]@{}; foreach ($i in 1..50000) { $o["user$i"] = $i }; $o.Remove('user2'); $sum = 0
            for ($i = 0; $i -lt $o.Count; $i++) { $sum += $o[$i] }; $sum; $o[1]
            """
        #expect(try await texts(script) == ["1250024998", "3"])
    }

    @Test("a large table is emptied key by key in a time that grows with it", arguments: ["@{}", "[ordered]@{}"])
    func emptied(table: String) async throws {
        let script = """
            $h = \(table); foreach ($i in 1..50000) { $h["user$i"] = $i }
            foreach ($i in 1..49999) { $h.Remove("user$i") }; $h.Count; $h['user50000']
            """
        #expect(try await texts(script) == ["1", "50000"])
    }

    @Test(
        "a list or set that the block of its search changes is handed over",
        arguments: [
            "$l = [Collections.Generic.List[int]](1, 2, 3); "
                + "$l.RemoveAll({ param($x) if ($x -eq 3) { $l.Clear(); $true } })",
            "$l = [Collections.Generic.List[int]](1, 2, 3); $l.Find({ param($x) $l.Clear(); $true })",
            "$l = [Collections.Generic.List[int]](1, 2, 3); $l.FindAll({ param($x) $l.RemoveAt(0); $true })",
            "$s = [Collections.Generic.HashSet[int]]::new([int[]](1..5)); "
                + "$s.RemoveWhere({ param($x) if ($x -gt 3) { $s.Clear(); $true } })",
        ])
    func changedBySearch(script: String) async {
        #expect(await refusal(script) == "a collection that changes while a script goes through it")
    }

    @Test(
        "an element that is gone once its new value is known is handed over",
        arguments: ["= & { $l.Clear(); 5 }", "+= & { $l.Clear(); 5 }", "= $(foreach ($i in 1) { $l.RemoveAt(0); 9 })"])
    func removedBeforeSet(assigned: String) async {
        let script = "$l = [Collections.Generic.List[int]](1, 2, 3); $l[2] \(assigned); $l.Count"
        #expect(await refusal(script) == "an index out of range")
    }

    @Test("what a queue or set has no place of is refused")
    func noIndex() async {
        let end = await outcome("$h = [System.Collections.Generic.HashSet[string]]::new(); [void]$h.Add('a'); $h[0]")
        guard case .handedOver = end else {
            Issue.record("It ran: \(end)")
            return
        }
    }

    private static let made =
        "$l = [Collections.Generic.List[int]](1, 2); $h = @{ a = 1; b = 2 }; $o = [ordered]@{ a = 1; b = 2 }; "

    @Test(
        "a collection that its own loop changes is handed over",
        arguments: [
            "foreach ($x in $l) { $l.Add(3) }", "foreach ($x in $l) { if ($x -eq 2) { [void]$l.Remove(1) } }",
            "foreach ($x in $l) { $l[0] = 5 }", "$l | ForEach-Object { $l.Add($_) }", "($l) | % { $l.Clear() }",
            "foreach ($k in $h.Keys) { $h[$k] = 5 }", "foreach ($k in $h.Keys) { $h.c = 5 }",
            "foreach ($k in $o.Keys) { $o[$k] = 5 }", "$o.Keys | ForEach-Object { $o.Remove($_) }",
            "foreach ($e in $o.GetEnumerator()) { $o[$e.Key] = 5 }", "foreach ($v in $o.Values) { $o.c = $v }",
            "$p = [pscustomobject]@{ L = $l }; foreach ($x in $p.L) { $l.Add(3) }",
            "$t = @{ l = $l }; foreach ($x in $t['l']) { $t.l.Add(3) }", "$d = $l; foreach ($x in $d) { $l.Add(3) }",
        ])
    func changing(script: String) async {
        guard case .handedOver(let reason, _) = await outcome(Self.made + script) else {
            Issue.record("\(script) ran")
            return
        }
        #expect(reason == "a collection that changes while a script goes through it")
    }

    @Test(
        "a loop over a copy, and one that ends with the change, may change a collection",
        arguments: [
            ("foreach ($x in @($l)) { $l.Add(3) }; $l.Count", "4"),
            ("foreach ($k in @($o.Keys)) { $o[$k] = 5 }; $o.b", "5"),
            ("foreach ($x in $l) { $l.Add(3); break }; $l.Count", "3"), ("@($l) | % { $l.Add($_) }; $l.Count", "4"),
            ("foreach ($x in $l.ToArray()) { [void]$l.Remove($x) }; $l.Count", "0"),
            ("$l | Sort-Object | ForEach-Object { $l.Add($_) }; $l.Count", "4"),
            ("foreach ($x in $l) { $o.c = $x }; $o.c", "2"), ("foreach ($k in $o.Keys) { $h[$k] = 5 }; $h.b", "5"),
            (
                "$d = [Collections.Generic.Dictionary[string,int]]::new(); $d['a'] = 1; foreach ($k in $d.Keys) { $d[$k] = 2 }; $d['a']",
                "2"
            ),
        ])
    func copies(script: String, expected: String) async throws {
        #expect(try await texts(Self.made + script) == [expected], "\(script)")
    }
}
