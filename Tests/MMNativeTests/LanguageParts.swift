import MMNative
import Testing

/// Parts of the language and of .NET that published scripts build on, by the rules of PowerShell's own pages.
@Suite("Parts of the language", .timeLimit(.minutes(5)))
struct LanguageParts: RunningReports {
    @Test(
        "a reference is the caller's variable",
        arguments: [
            ("function Set-It([ref]$r) { $r.Value = 5 }; $v = 1; Set-It ([ref]$v); $v", ["5"]),
            (
                "function Add-One { param([ref]$Count, [string]$Name) $Count.Value++; if ($Count.Value -lt 3) { Add-One -Count $Count -Name x } }; $n = 0; Add-One -Count ([ref]$n) -Name 'a'; $n",
                ["3"]
            ),
            (
                "function Add-To([ref]$List, $i) { $List.Value += $i }; [array]$l = @(); Add-To ([ref]$l) 1; Add-To ([ref]$l) 2; $l -join ','",
                ["1,2"]
            ),
            ("function F([ref]$r) { $r.Value = '7' }; [int]$n = 1; F ([ref]$n); $n + 1", ["8"]),
            (
                "function Out { $x = 1; In ([ref]$x); $x }; function In([ref]$y) { $x = 'own'; $y.Value = 2; $x }; $x = 'script'; Out; $x",
                ["own", "2", "script"]
            ),
            ("function f([ref]$r) { $x = 1; $r.Value = 9; $x }; $x = 1; f ([ref]$x); $x", ["1", "9"]),
            (
                "function f { $y = 1; g; $y }; function g { h ([ref]$y) }; function h([ref]$r) { $r.Value = 5 }; f",
                ["5"]
            ),
            (
                "function f([ref]$r) { }; try { f ([ref]$nowhere) } catch { $_.Exception.Message }",
                ["[ref] cannot be applied to a variable that does not exist."]
            ),
            ("class C { [void] Up([ref]$n) { $n.Value = $n.Value * 2 } }; $v = 4; [C]::new().Up([ref]$v); $v", ["8"]),
        ] as [(String, [String])])
    func references(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected)
    }

    @Test(
        "what a script throws is the target of the error, and its text the message and id",
        arguments: [
            (
                "try { throw @{ Code = 5 } } catch { $_.TargetObject.Code; $_.Exception.Message; $_.FullyQualifiedErrorId }",
                ["5", "System.Collections.Hashtable", "System.Collections.Hashtable"]
            ),
            (
                "function f { throw [pscustomobject]@{ Id = 'x' } }; try { f } catch { $_.TargetObject.Id; \"$_\" }",
                ["x", "@{Id=x}"]
            ),
            ("try { throw 404 } catch { $_.TargetObject + 1; $_.Exception.Message }", ["405", "404"]),
            ("try { throw 'a', 'b' } catch { $_.Exception.Message; $_.TargetObject.Count }", ["a b", "2"]),
            ("try { throw 'text' } catch { $_.TargetObject; $_.FullyQualifiedErrorId }", ["text", "text"]),
            ("try { throw } catch { $_.Exception.Message; $null -eq $_.TargetObject }", ["ScriptHalted", "True"]),
            ("try { throw $null } catch { \"$_\" }", ["ScriptHalted"]),
            ("try { try { throw @{ a = 1 } } catch { throw } } catch { $_.TargetObject.a }", ["1"]),
        ] as [(String, [String])])
    func thrown(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected)
    }

    @Test(
        "a pattern that .NET refuses is refused in its words",
        arguments: [
            (
                "'a' -match 'a**'", "System.Text.RegularExpressions.RegexParseException",
                "Invalid pattern 'a**' at offset 3. Nested quantifier '*'."
            ),
            (
                "'a' -split '(a+){2}{3}b'", "System.Text.RegularExpressions.RegexParseException",
                "Invalid pattern '(a+){2}{3}b' at offset 8. Nested quantifier '{'."
            ),
            ("'a' -replace 'a+*', 'b'", "InvalidRegularExpression", "The regular expression pattern a+* is not valid."),
            (
                "switch -Regex ('b') { 'a??+' { 1 } }", "InvalidRegularExpression",
                "The regular expression pattern a??+ is not valid."
            ),
            (
                "[regex]::IsMatch('a', 'a+*')", "RegexParseException",
                "Exception calling \"IsMatch\" with \"2\" argument(s): \"Invalid pattern 'a+*' at offset 3. Nested quantifier '*'.\""
            ),
        ])
    func patterns(script: String, id: String, message: String) async throws {
        guard case .completed(let result) = await outcome(script) else {
            Issue.record("\(script) did not run")
            return
        }
        #expect(result.errors.map(\.id) == [id] && result.errors.map(\.message) == [message], "\(result.errors)")
        // Where it isn't certain what else is wrong with the pattern, .NET may name that first.
        guard case .handedOver = await outcome("'a' -match 'a**[b'") else {
            Issue.record("an open bracket was not seen")
            return
        }
    }

    @Test(
        "a property is computed from the others, or is another name of one",
        arguments: [
            (
                "$o = [pscustomobject]@{ First = 'A'; Last = 'B' }; $o | Add-Member -MemberType ScriptProperty -Name Full -Value { \"$($this.First) $($this.Last)\" }; $o.Full; $o.First = 'C'; $o.Full; $o | ConvertTo-Json -Compress",
                ["A B", "C B", "{\"First\":\"C\",\"Last\":\"B\",\"Full\":\"C B\"}"]
            ),
            (
                "$o = [pscustomobject]@{ First = 'A' }; $o | Add-Member -MemberType AliasProperty -Name F -Value First; $o.F; $o.First = 'D'; $o.F; ($o | Select-Object F).F",
                ["A", "D", "D"]
            ),
            (
                "$l = 1..3 | ForEach-Object { [pscustomobject]@{ Size = $_ * 1MB } }; $l | Add-Member ScriptProperty SizeMB { [math]::Round($this.Size / 1MB, 1) }; ($l | Sort-Object SizeMB -Descending)[0].SizeMB; $l.SizeMB -join ','",
                ["3", "1,2,3"]
            ),
        ] as [(String, [String])])
    func computed(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected)
    }

    @Test(
        "a value without elements is its own first and last one",
        arguments: [
            ("(5)[0]; (5)[-1]; $null -eq (5)[1]; @((5)[2]).Count", ["5", "5", "True", "0"]),
            (
                "([pscustomobject]@{ a = 3 })[0].a; (Get-Date '2024-01-02')[0].Year; ($true)['0']",
                ["3", "2024", "True"]
            ),
            ("(Get-Variable HOME).Name; (Get-Variable isLinux -ValueOnly)", ["HOME", "True"]),
            (
                "try { [math]::Round($true, 1) } catch { $_.Exception.Message }; try { [math]::Floor(@(1, 2)) } catch { $_.Exception.Message }; [math]::Round('2.5')",
                [
                    "Multiple ambiguous overloads found for \"Round\" and the argument count: \"2\".",
                    "Cannot find an overload for \"Floor\" and the argument count: \"1\".", "2",
                ]
            ),
        ] as [(String, [String])])
    func single(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected)
    }

    @Test(
        "regular expressions give what .NET's do (about_Regular_Expressions)",
        arguments: [
            ("'hello' -replace '(?<first>h)(e)', '<${first}$1>'", ["<he>llo"]),
            ("'ab' -replace '(?<p>a)(b)', '$1'", ["b"]),
            ("'ab' -replace 'a', '$1$2${none}${'", ["$1$2${none}${b"]),
            ("'abc' -replace 'b', '[$`|$&|$''|$_|$$|$+]'", ["a[a|b|c|abc|$|b]c"]),
            ("'abab' -match '^(ab)\\1$'; 'abac' -match '^(ab)\\1$'", ["True", "False"]),
            ("'2025-2025' -match '(?<year1>\\d+)-\\k<year1>'; $Matches.year1", ["True", "2025"]),
            (
                "\"one`ntwo\" -match '\\Aone'; \"one`ntwo\" -match '\\Atwo'; \"two`n\" -match 'two\\Z'",
                ["True", "False", "True"]
            ),
            ("'{a}' -replace '{(\\w)}', '$1'", ["a"]),
            ("\"a`nb\" -match '(?s)a.b'; \"a`nb\" -match 'a.b'", ["True", "False"]),
            ("'Müller 5' -replace '\\p{L}', 'x'; 'a-1' -replace '\\P{Nd}', ''", ["xxxxxx 5", "1"]),
            ("('a1b' -split '(?<digit>\\d)') -join '|'", ["a|1|b"]),
        ])
    func expressions(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected)
    }

    @Test(
        "collections for several threads, addresses and script methods give what .NET's do",
        arguments: [
            (
                "$b = [System.Collections.Concurrent.ConcurrentBag[object]]::new(); $b.Add(1); $b.Add(2); $b.Count; $b -join ','",
                ["2", "2,1"]
            ),
            (
                "$b = New-Object 'System.Collections.Concurrent.ConcurrentBag[psobject]'; 1..3 | ForEach-Object -Parallel { ($using:b).Add([pscustomobject]@{ N = $_ }) }; ($b.ToArray() | Measure-Object N -Sum).Sum",
                ["6"]
            ),
            (
                "$d = [System.Collections.Concurrent.ConcurrentDictionary[string,int]]::new(); $d.TryAdd('a', 1); $d.TryAdd('a', 2); $d['a']; $d.ContainsKey('A'); $d.Count",
                ["True", "False", "1", "False", "1"]
            ),
            (
                "([ipaddress]'10.1.2.3').IPAddressToString; \"$([ipaddress]'10.1.2.3')\"; ([ipaddress]'10.1.2.3').GetAddressBytes() -join '-'",
                ["10.1.2.3", "10.1.2.3", "10-1-2-3"]
            ),
            (
                "$null -eq ('10.0.0.300' -as [ipaddress]); $ip = $null; [System.Net.IPAddress]::TryParse('1.2.3.4', [ref]$ip); \"$ip\"; [ipaddress]::TryParse('host', [ref]$ip)",
                ["True", "True", "1.2.3.4", "False"]
            ),
            (
                "$o = [pscustomobject]@{ A = 2 }; $o | Add-Member ScriptMethod Plus { param($n) $this.A + $n }; $o.Plus(3); $o.A = 5; $o.plus(3); $o | ConvertTo-Json -Compress",
                ["5", "8", #"{"A":5}"#]
            ),
            (
                "$o = [pscustomobject]@{ A = 1 }; Add-Member -InputObject $o -MemberType ScriptMethod -Name Up -Value { $this.A++ }; $o.Up(); $o.A; $null -eq $this",
                ["2", "True"]
            ),
        ])
    func library(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected)
    }

    @Test(
        "PSTypeName names the type of a custom object and is no property of it (about_PSCustomObject)",
        arguments: [
            ("$o = [pscustomobject]@{ PSTypeName = 'My.Row'; A = 1 }; $o | ConvertTo-Json -Compress", [#"{"A":1}"#]),
            (
                "$o = [pscustomobject]@{ A = 1; pstypename = 'My.Row' }; $o.PSObject.TypeNames[0]; $o.A",
                ["My.Row", "1"]
            ),
            ("([pscustomobject]@{ PSTypeName = 'My.Row'; A = 1 }).GetType().Name", ["PSCustomObject"]),
        ])
    func typeNames(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected)
    }

    @Test(
        "what has no certain meaning here is refused before the script begins, or as it is reached",
        arguments: [
            "'a' -match '(?<n>a)(?<n>b)'", "'a' -match '(a)\\2'",
            "[ipaddress]'10.1'",
            "[ipaddress]'010.0.0.1'", "[ipaddress]'::1'", "([ipaddress]'10.0.0.1').AddressFamily",
            "$o = [pscustomobject]@{ A = 1 }; $o | Add-Member ScriptProperty Now { Get-Date }; $o.Now",
            "$x = 3; $o = [pscustomobject]@{ A = 1 }; $o | Add-Member ScriptProperty B { $this.A + $x }; $o.B",
            "$o = [pscustomobject]@{ A = 1 }; $o | Add-Member ScriptProperty B { $this.A + 1 }; $o.B = 5",
            "$o = [pscustomobject]@{ A = 1 }; $o | Add-Member ScriptProperty B { $this.A + 1 }; $o | Get-Member",
            "$o = [pscustomobject]@{ A = @{ } }; $o | Add-Member ScriptProperty B { $this.A.Count }; $o.B",
            "$o = [pscustomobject]@{ A = 1 }; $o | Add-Member ScriptMethod ToString { 'x' } -Force; \"$o\"",
            "$o = [pscustomobject]@{ A = 1 }; $o | Add-Member ScriptMethod Bad { throw 'x' }; $o.Bad()",
            "$d = [System.Collections.Concurrent.ConcurrentDictionary[string,int]]::new(); $d.Add('a', 1)",
            "[System.Collections.Generic.ConcurrentBag[object]]::new()",
        ])
    func refused(script: String) async throws {
        guard case .handedOver = await outcome(script) else {
            Issue.record("\(script) ran")
            return
        }
    }

    @Test(
        "a call of a function that is defined in a named scope, or that doesn't fit, is left to PowerShell",
        arguments: [
            ("function global:Get-Date { 'mine' }; Get-Date", "the function global:Get-Date"),
            ("function f { Get-Date }; function script:Get-Date { 'mine' }; f", "the function Get-Date"),
            ("if ($true) { function local:Get-Date { 'mine' } }; Get-Date", "the function local:Get-Date"),
            ("function f { function global:Get-Date { 'mine' } }; f; Get-Date", "the function global:Get-Date"),
            ("if ($true) { function Get-Date { dynamicparam { } end { 1 } } }; Get-Date", "the function Get-Date"),
            (
                "if ($true) { function Get-Date { dynamicparam { } end { 1 } } }; $n = 'Get-Date'; & $n",
                "the function Get-Date"
            ),
            ("function script:Foo { 'mine' }; Get-Command Foo", "the function script:Foo"),
        ])
    func unfitFunctions(script: String, reason: String) async { #expect(await refusal(script) == reason, "\(script)") }

    @Test("a function in a named scope that nothing calls is left alone")
    func uncalledFunction() async throws {
        #expect(try await texts("function global:Get-Date { 'mine' }; 'on'") == ["on"])
    }
}
