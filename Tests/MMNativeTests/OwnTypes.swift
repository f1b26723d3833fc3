import MMNative
import Testing

/// Enumerations and classes that a script declares (about_Enum, about_Classes), and namespaces (about_Using).
@Suite("Types of a script's own", .timeLimit(.minutes(5)))
struct OwnTypes: RunningReports {
    @Test(
        "enumerations have names, numbers and an order",
        arguments: [
            ("enum Color { Red; Green; Blue }; \"$([Color]::Green) $([int][Color]::Blue)\"", ["Green 2"]),
            (
                "enum Level { Low = 1; Mid = 5; High }; [Level]$l = 'high'; \"$l\"; [int]$l; $l -gt [Level]::Low; [Level]5 -eq 'Mid'",
                ["High", "6", "True", "True"]
            ),
            ("enum E { A = -1; B; C = 0x10 }; [int][E]::B; [int][E]::C; [E]-1", ["0", "16", "A"]),
            (
                "enum E { A; B }; 'b' -eq [E]::B; [E]::B -eq 'nope'; [E]::A -eq 0; [E]::A -in 'A', 'C'",
                ["True", "False", "True", "True"]
            ),
            (
                "enum E { Alpha; Beta }; [E]'be'; 'Z' -as [E] -eq $null; ('Beta' -as [E]).value__",
                ["Beta", "True", "1"]
            ),
            (
                "enum E { A; B }; [E]::B -is [E]; 'B' -is [E]; [E]::B -is [enum]; ([E]::B).GetType().Name",
                ["True", "False", "True", "E"]
            ),
            (
                "enum E { B = 2; A = 1 }; [enum]::GetNames([E]) -join ','; [E].GetEnumNames() -join ','; [Enum]::GetValues([E]) -join ','; [enum]::IsDefined([E], 'A'); [enum]::IsDefined([E], 5)",
                ["A,B", "A,B", "A,B", "True", "False"]
            ),
            (
                "enum E { A; B }; try { [E]'C' } catch { $_.Exception.Message }",
                [
                    "Cannot convert value \"C\" to type \"E\". Error: \"Unable to match the identifier name C to a valid enumerator name. Specify one of the following enumerator names and try again:\nA, B\""
                ]
            ),
            (
                "enum E { A; B }; function F([E]$e) { \"got $e\" }; F b; F 0; try { F 'x' } catch { 'refused' }",
                ["got B", "got A", "refused"]
            ),
            ("enum E { A; B }; switch ([E]::B) { 'A' { 'a' } ([E]::B) { 'b' } }", ["b"]),
            (
                "enum E { A; B }; $h = @{}; $h[[E]::A] = 1; $h[[E]::A]; $h['A'] -eq $null; $h.Keys | ForEach-Object { \"$_\" }",
                ["1", "True", "A"]
            ),
            (
                "enum E { A; B }; [pscustomobject]@{ e = [E]::B; n = 1 } | ConvertTo-Json -Compress",
                ["{\"e\":1,\"n\":1}"]
            ),
            ("enum E { C; A; B }; [E]::B, [E]::C, [E]::A | Sort-Object | ForEach-Object { \"$_\" }", ["C", "A", "B"]),
            ("enum E { A; B }; '{0}-{1}' -f [E]::A, 2; [E]::A, [E]::B -join '+'; 'x' + [E]::B", ["A-2", "A+B", "xB"]),
        ] as [(String, [String])])
    func enumerations(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected)
    }

    @Test(
        "flags are combined as bits",
        arguments: [
            (
                "[Flags()] enum P { None = 0; R = 1; W = 2; All = 3; X = 4 }; $p = [P]'R, X'; \"$p\"; [int]$p; [P]3; [P]0; [P]6",
                ["R, X", "5", "All", "None", "W, X"]
            ),
            (
                "[Flags()] enum P { R = 1; W = 2; X = 4 }; $p = [P]::R -bor [P]::W; \"$p\"; $p.HasFlag([P]::W); $p.HasFlag('X'); ($p -band [P]::X) -eq 0; $p -bxor [P]::R",
                ["R, W", "True", "False", "True", "W"]
            ),
            (
                "[Flags()] enum P { R = 1; W = 2 }; try { [P]8 } catch { 'no value' }; $null -eq (8 -as [P])",
                ["no value", "True"]
            ),
        ] as [(String, [String])])
    func flags(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected)
    }

    @Test(
        "classes have properties with types and defaults",
        arguments: [
            (
                "class P { [string]$Name; [int]$Age = 30; $Any }; $p = [P]::new(); $null -eq $p.Name; $p.Age; $null -eq $p.Any",
                ["True", "30", "True"]
            ),
            (
                "class P { [int]$N; [bool]$B; [datetime]$D }; $p = [P]::new(); $p.N = '7'; $p.N + 1; $p.B; $p.D.Year",
                ["8", "False", "1"]
            ),
            ("class P { [int]$N }; $p = [P]::new(); try { $p.N = 'abc' } catch { 'cannot' }; $p.N", ["cannot", "0"]),
            (
                "class P { [int]$N = 1; [int[]]$L = @(1) }; $p = [P]::new(); $p.N++; $p.N += 2; $p.L += '5'; $p.N; $p.L[1] + 1",
                ["4", "6"]
            ),
            ("class P { [string]$A = 'x'; [string]$B = \"$($this.A)y\" }; [P]::new().B", ["xy"]),
            (
                "class P { [ValidateRange(1, 10)][int]$N = 1; [ValidateSet('a', 'b')][string]$S }; $p = [P]::new(); try { $p.N = 50 } catch { 'range' }; try { $p.S = 'c' } catch { 'set' }; $p.N; $p.S = 'B'; $p.S",
                ["range", "set", "1", "B"]
            ),
            (
                "class P { [int]$N; hidden [string]$H = 'secret' }; $p = [P]::new(); $p.H; ($p | Get-Member -MemberType Property).Name; $p.H = 'z'; $p.H",
                ["secret", "N", "z"]
            ),
            (
                "class P { [string]$S = 'a' }; $p = [P]::new(); $p.S = $null; $p.S -eq ''; $q = $p; $q.S = 'b'; $p.S",
                ["True", "b"]
            ),
            (
                "class P { [string]$Name; [int]$Size }; $p = [P]@{ Name = 'n'; Size = '12' }; $p.Size + 1; (New-Object P -Property @{ Name = 'z' }).Name",
                ["13", "z"]
            ),
            (
                "class P { [string]$N; P([string]$n) { $this.N = $n } }; (New-Object P 'a').N; (New-Object -TypeName P -ArgumentList 'b').N; ([P]'c').N",
                ["a", "b", "c"]
            ),
            (
                "class P { [hashtable]$T = @{}; [System.Collections.ArrayList]$L = @() }; $p = [P]::new(); $p.T['a'] = 1; $p.T.a; [void]$p.L.Add(3); $p.L.Count; ([P]::new()).T.Count",
                ["1", "1", "0"]
            ),
        ] as [(String, [String])])
    func properties(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected)
    }

    @Test("a property may have no date")
    func optional() async throws {
        let script =
            "class U { [Nullable[datetime]]$Seen }; $u = [U]::new(); $null -eq $u.Seen; $u.Seen = '2024-05-30'; "
            + "$u.Seen.Year; $u.Seen = $null; $null -eq $u.Seen; function F([Nullable[int]]$n) { $null -eq $n }; F"
        #expect(try await texts(script) == ["True", "2024", "True", "True"])
    }

    @Test(
        "methods give what they return, and see their object and nothing of their caller",
        arguments: [
            (
                "class S { [int] G() { 'lost'; Write-Output 'lost'; return 4 } }; @([S]::new().G()).Count; [S]::new().G()",
                ["1", "4"]
            ),
            (
                "class S { [string] G() { return 5 } [void] V() { 1 } N() { 2 } }; [S]::new().G().Length; [S]::new().V(); [S]::new().N(); 'end'",
                ["1", "end"]
            ),
            (
                "class O { [int] Add([int]$a, [int]$b) { return $a + $b } [string] Add([string]$a) { return \"s$a\" } }; $o = [O]::new(); $o.Add(1, '2'); $o.Add('x')",
                ["3", "sx"]
            ),
            (
                "class O { [string] Of([int]$a) { return 'int' } [string] Of([string]$a) { return 'text' } }; $o = [O]::new(); $o.Of(1); $o.Of('1')",
                ["int", "text"]
            ),
            (
                "class M { [int] F([int]$x) { if ($x -le 1) { return 1 } return $x * $this.F($x - 1) } }; [M]::new().F(5)",
                ["120"]
            ),
            (
                "class L { [object[]]$I = 1..4; [object[]] Even() { return $this.I | Where-Object { $_ % 2 -eq 0 } } [int] First() { foreach ($i in $this.I) { if ($i -gt 2) { return $i } } return 0 } }; [L]::new().Even() -join ','; [L]::new().First()",
                ["2,4", "3"]
            ),
            ("class L { [int] Find() { 1..3 | ForEach-Object { return $_ }; return 9 } }; [L]::new().Find()", ["9"]),
            (
                "class T { [string] ToString() { return 'I am T' } }; $t = [T]::new(); \"$t\"; $t.ToString(); [string]$t; 'x' + $t; \"$($t, $t)\"; '{0}' -f $t; @($t, $t) -join ','",
                ["I am T", "I am T", "I am T", "xI am T", "I am T I am T", "I am T", "I am T,I am T"]
            ),
            ("class T { [int]$N }; \"$([T]::new())\"; [T]::new().ToString()", ["T", "T"]),
            ("class C { [C] Me() { return $this } [int]$N = 3 }; [C]::new().Me().Me().N", ["3"]),
            (
                "$x = 'outer'; class C { [string] G() { $x = 'inner'; return $x } [string] S() { return $script:x } }; [C]::new().G(); $x; [C]::new().S()",
                ["inner", "outer", "outer"]
            ),
            ("function F($n) { $n * 2 }; class C { [int] G([int]$n) { return (F $n) } }; [C]::new().G(4)", ["8"]),
            (
                "class C { [int] G() { return 1 / 0 } [void] T() { throw 'boom' } }; try { [C]::new().G() } catch { 'divided' }; try { [C]::new().T() } catch { $_.Exception.Message }",
                ["divided", "boom"]
            ),
            (
                "class C { [int] G() { try { return 1 } finally { $this.N = 5 } } [int]$N }; $c = [C]::new(); $c.G(); $c.N",
                ["1", "5"]
            ),
            (
                "class C { [string] G([int]$n) { switch ($n) { 1 { return 'one' } default { return 'other' } } return 'none' } }; [C]::new().G(1); [C]::new().G(2)",
                ["one", "other"]
            ),
            (
                "class C { }; try { [C]::new(1) } catch { $_.Exception.Message }",
                ["Cannot find an overload for \"C\" and the argument count: \"1\"."]
            ),
        ] as [(String, [String])])
    func methods(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected)
    }

    @Test(
        "static members belong to the class",
        arguments: [
            (
                "class C { static [int]$Count = 0; static [int] Next() { [C]::Count++; return [C]::Count } }; [C]::Next(); [C]::Next(); [C]::Count; [C]::Count = '9'; [C]::Count",
                ["1", "2", "2", "9"]
            ),
            ("class C { static [C] Make([string]$n) { return [C]@{ N = $n } } [string]$N }; [C]::Make('a').N", ["a"]),
            (
                "class C { static [hashtable]$All = @{}; C([string]$k) { [C]::All[$k] = $this } }; $null = [C]::new('x'); [C]::All.Count; [C]::All.Keys",
                ["1", "x"]
            ),
        ] as [(String, [String])])
    func statics(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected)
    }

    @Test(
        "a class extends another one",
        arguments: [
            (
                "class A { [int]$N; A([int]$n) { $this.N = $n } }; class B : A { [string]$T; B([int]$n, [string]$t) : base($n * 2) { $this.T = $t } }; $b = [B]::new(4, 'x'); \"$($b.N) $($b.T)\"",
                ["8 x"]
            ),
            (
                "class A { [string] Say() { return 'A' } [string] Twice() { return $this.Say() * 2 } }; class B : A { [string] Say() { return 'B' + ([A]$this).Say() } }; [B]::new().Say(); [B]::new().Twice()",
                ["BA", "BABA"]
            ),
            (
                "class A { }; class B : A { }; $b = [B]::new(); $b -is [A]; $b -is [B]; [A]::new() -is [B]; $b -isnot [A]; [B].BaseType.Name; $b.GetType().Name",
                ["True", "True", "False", "False", "A", "B"]
            ),
            (
                "class A { [string]$X = 'a' }; class B : A { B() { $this.X = 'b' } }; function F([A]$a) { $a.X }; F ([B]::new()); F ([A]::new())",
                ["b", "a"]
            ),
            (
                "class B : A { [string] Hi() { return 'hi ' + $this.N } }; class A { [string]$N = 'late' }; [B]::new().Hi()",
                ["hi late"]
            ),
            (
                "class A { [string]$L = ''; A() { $this.L += 'A' } }; class B : A { B() { $this.L += 'B' } }; class C : B { }; [C]::new().L",
                ["AB"]
            ),
        ] as [(String, [String])])
    func inheritance(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected)
    }

    @Test(
        "objects of classes go through pipelines, lists and listings",
        arguments: [
            (
                "class U { [string]$N; [string]$D; U($n, $d) { $this.N = $n; $this.D = $d } }; $l = [U]::new('b', 'HR'), [U]::new('a', 'IT'); ($l | Sort-Object N | Select-Object -First 1).N; ($l | Where-Object D -eq 'HR').N; $l.N -join ';'; ($l | Group-Object D).Name -join ','",
                ["a", "b", "b;a", "HR,IT"]
            ),
            (
                "class U { [string]$N = 'x'; [int]$C = 2 }; [U]::new() | ConvertTo-Json -Compress; [U]::new() | Select-Object C | ConvertTo-Json -Compress; [U]::new() | ConvertTo-Csv",
                ["{\"N\":\"x\",\"C\":2}", "{\"C\":2}", "\"N\",\"C\"", "\"x\",\"2\""]
            ),
            (
                "class U { [string]$N = 'x'; [string] Hi([int]$a) { return '' } }; ([U]::new() | Get-Member).Name -join ','; ([U]::new().PSObject.Properties | ForEach-Object Name) -join ','",
                ["Equals,GetHashCode,GetType,Hi,ToString,N", "N"]
            ),
            ("class U { [string]$N = 'x' }; ([U]::new() | Format-List | Out-String).Trim()", ["N : x"]),
            (
                "class U { [int]$N }; $l = [System.Collections.Generic.List[U]]::new(); $l.Add([U]::new()); $l.Count; $l[0].N; [U[]]$a = [U]::new(); $a.Count; $a += [U]@{ N = 4 }; $a[1].N",
                ["1", "0", "1", "4"]
            ),
            (
                "class U { [int]$N }; $a = [U]::new(); $b = [U]::new(); $a -eq $a; $a -eq $b; $a -ne $null; $a -in $b, $a",
                ["True", "False", "True", "True"]
            ),
        ] as [(String, [String])])
    func listings(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected)
    }

    @Test(
        "types are looked for in the script's namespaces",
        arguments: [
            (
                "using namespace System.Collections.Generic\n$l = [List[string]]::new(); $l.Add('x'); $l.Count; $d = [Dictionary[string, int]]::new(); $d['a'] = 1; $d.Count",
                ["1", "1"]
            ),
            (
                "using namespace System.Text\nusing namespace System.IO\n$b = [StringBuilder]::new(); [void]$b.Append('ab'); \"$b\"; [Path]::GetExtension('a.txt')",
                ["ab", ".txt"]
            ),
            (
                "using namespace System.IO\ntry { throw [FileNotFoundException]::new('gone') } catch [FileNotFoundException] { 'not found' }",
                ["not found"]
            ),
            (
                "using namespace System.Collections.Generic\nclass F { [string]$T }; class R { [List[F]]$Fs = [List[F]]::new(); [R] Add([F]$f) { $this.Fs.Add($f); return $this } }; [R]::new().Add([F]@{ T = 'a' }).Add([F]@{ T = 'b' }).Fs.T -join ','",
                ["a,b"]
            ),
        ] as [(String, [String])])
    func namespaces(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected)
    }

    @Test(
        "what isn't certain is left to PowerShell",
        arguments: [
            "class E : System.Exception { }; 'x'",
            "class C : System.IComparable { [int] CompareTo([object]$o) { return 0 } }; 'x'",
            "class C { static C() { } }; 'x'", "class C { [bool] Equals([object]$o) { return $true } }; 'x'",
            "enum E : byte { A }; 'x'", "enum E { A = 1; B = 1 }; 'x'",
            "class C { [System.Net.Sockets.Socket]$S }; 'x'",
            "using module Az\n'x'", "class C { hidden [int]$N }; [C]::new() | ConvertTo-Json",
            "class A { [string] S() { return 'a' } }; class B : A { [string] S() { return 'b' } }; ([A][B]::new()).S()",
        ])
    func refused(script: String) async throws {
        guard case .handedOver = await outcome(script) else {
            Issue.record("\(script) ran")
            return
        }
    }

    @Test(
        "scripts that change something leave all of it to PowerShell",
        arguments: [
            "enum E { A }; [E]::A", "class C { }; [C]::new()", "using namespace System.Text\n[StringBuilder]::new()",
        ])
    func unrecorded(script: String) async throws {
        var session = NativeSession()
        guard case .handedOver = await NativeEngine(host: NativeHost()).run(script, in: &session) else {
            Issue.record("\(script) ran")
            return
        }
    }
}
