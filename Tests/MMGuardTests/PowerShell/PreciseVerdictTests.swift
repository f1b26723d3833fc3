import MMCore
import MMGuard
import Testing

@Suite("Everyday scripts that look dangerous and are not", .timeLimit(.minutes(5)))
struct PreciseVerdictTests {
    @Test(
        "is allowed",
        arguments: [
            "$ErrorActionPreference = 'Stop'; Get-Mailbox ann",
            "function Get-Size($m) { (Get-MailboxStatistics $m).TotalItemSize }; Get-Mailbox ann | % { Get-Size $_.Identity }",
            "class Row { [string]$Name; [int]$Count }; [Row]@{ Name = 'a'; Count = 1 }",
            "class Row { [string]$Name\nRow($n) { $this.Name = $n }\n[string] Upper() { return $this.Name.ToUpper() } }; $r = [Row]::new('a'); $r.Upper()",
            "class Row { [void] Drop() { Remove-Mailbox ceo } }; Get-Mailbox ann",
            "class Row { [object] Box() { return Get-Mailbox ann } }; [Row]::new().Box() | Select-Object Name",
            "class Row { static [int] Twice([int]$n) { return $n * 2 } }; [Row]::Twice(2)",
            "$p = @{ ResultSize = 5 }; Get-Mailbox @p | Select-Object Name",
            "$p = @{ Property = 'Name', 'Alias'; First = 5 }; Get-Mailbox -ResultSize 5 | Select-Object @p",
            "$p = @{ Property = 'Alias'; Descending = $true }; Get-Mailbox -ResultSize 5 | Sort-Object @p",
            "$d = @{}; Get-Mailbox -ResultSize 5 | % { $d[$_.Alias] = $_.DisplayName }; $d",
            "$l = [System.Collections.Generic.List[object]]::new(); $l.Add(1); $l",
            "for ($i = 0; $i -lt 5; $i++) { $i }",
            "Get-Mailbox -ResultSize 5 | Tee-Object -Variable boxes | Select-Object Name",
            "Get-Mailbox -ResultSize 5 -OutVariable m | Out-Null; $m.Count",
            "Get-CsOnlineUser -Filter { LineUri -ne $null }",
            "try { Get-Mailbox x } catch { \"failed: $($_.Exception.Message)\" }",
            "(Get-AzContext).Subscription.Id",
            "Update-MgUser -UserId ann@contoso.com -JobTitle Director",
            "Invoke-MgGraphRequest GET /v1.0/users -Body @{ '$top' = 5 }",
            "$all = Get-Mailbox; for ($i = 0; $i -lt $all.Count; $i += 100) { if ($all[$i]) { $all[$i].Alias } }",
            "$size = 100; for ($i = 0; $i -lt $all.Count; $i += $size) { $all[$i..($i + $size - 1)] | Get-MailboxStatistics }",
            "for ($i = $all.Count - 1; $i -ge 0; $i--) { $all[$i] }",
            "$n = 0; do { $part = Get-MessageTraceV2 -ResultSize 5; $n++ } while ($part -and $n -lt 5)",
            "do { Start-Sleep 5 } until ((Get-MigrationBatch x).Status -eq 'Completed')",
            "$left = 3; while ($left--) { try { Get-Mailbox ann; break } catch { Start-Sleep 2 } }",
            "do { 1 } while ($false)",
            "Measure-Command { Get-Mailbox -ResultSize 5 }", "(Measure-Command { Get-Mailbox ann }).TotalSeconds",
            "using namespace System.Collections.Generic\n$l = [List[string]]::new(); $l.Add('a'); $l.Count",
            "[Flags()] enum Rights { Read = 1; Write = 2 }", "Get-PnPGroupMember -Identity 'HR Members'",
            "New-AzResourceGroupDeployment -ResourceGroupName r -TemplateFile t.json -WhatIf",
            "Test-MigrationServerAvailability -Endpoint hybrid",
            "Start-MgSecurityHuntingQuery -Query 'EmailEvents | take 1'",
            "Set-PnPListItem -List Tasks -Identity 5 -Values @{ Status = 'Done' } -UpdateType SystemUpdate",
            "$check = { param($m) $m.ItemCount -gt 1000 }; Get-MailboxStatistics ann | ? { & $check $_ }",
            "Set-StrictMode -Version Latest; Get-Mailbox ann",
            "$watch = [System.Diagnostics.Stopwatch]::StartNew(); Get-Mailbox ann; $watch.Stop(); $watch.Elapsed.TotalSeconds",
            "(Get-Culture).TextInfo.ToTitleCase('anna'); [cultureinfo]::GetCultureInfo('de-CH').Name",
            "$Error.Clear(); Get-Mailbox nobody; $Error.Count",
            "$names = 'DisplayName', 'Alias'; foreach ($name in $names) { (Get-Mailbox ann).$name }",
            "Invoke-AzRestMethod -Path '/subscriptions?api-version=2020-01-01' | % Content | ConvertFrom-Json",
            "Get-MailboxFolderStatistics ann | % ItemsInFolder; Get-Mailbox ann | % WhenCreated",
            "Get-Mailbox -ResultSize 5 | % { if (!$_.Alias) { return }; $_.Alias }; 1, 2 | ? { return $_ -gt 1 }",
            "$box = Get-Mailbox ann; 'Dear %n%' -replace '%n%', $box.DisplayName; $box.Alias -split ('.', '-')[0]",
            "param([Nullable[datetime]]$From, [System.Nullable[int]]$Days) Get-Mailbox ann | ? WhenCreated -gt $From",
            "[System.IO.Path]::GetFileName('a/b.txt'); (Get-Date).ToShortTimeString()",
            "Get-Mailbox -ResultSize 5 | % { New-Object PSObject -Property @{ Name = $_.Alias } }",
            "$l = New-Object System.Collections.ArrayList; [void]$l.Add(1); New-Object -Type PSObject -OutVariable o",
            "$l = New-Object 'System.Collections.Generic.List[object]'; $l.Add(1); New-Object hashtable -ArgumentList 9",
            "[System.Collections.ArrayList]$l = @(); $l.AddRange(@(2, 1)); $l.Sort(); $l += 3; $l.Contains(3)",
            "$h = @{}; $h += @{ a = 1 }; $h.Remove('a'); $a = @(); $a += 1; $a.Clear()",
            "$q = [Collections.Generic.Queue[string]]::new(); $q.Enqueue('a'); $q.Dequeue()",
            "[System.Environment]::NewLine; [environment]::OSVersion.Platform; [Environment]::UserInteractive",
            "[IO.Path]::GetFullPath([IO.Path]::Combine('a', 'b.csv')); 'a:b'.Split([IO.Path]::GetInvalidFileNameChars())",
            "[Collections.Generic.HashSet[string]]::new([StringComparer]::OrdinalIgnoreCase)",
            "Get-Mailbox ann -ErrorAction $ErrorActionPreference -WarningAction silent -InformationAction 0",
            "$ea = if ($x) { 'Stop' } else { 'Ignore' }; Get-Mailbox ann -ea $ea; $WarningPreference = 'Silent'",
            "foreach ($m in Get-Mailbox -ResultSize 5) { foreach ($p in $names) { $m.$p; $m.\"Custom$p\" } }",
            "$h = @{}; Get-Mailbox -ResultSize 5 | % { $h.($_.Alias) = $_; $h.($_.Alias).DisplayName; $h.($_.Alias)++ }",
            "foreach ($event in Get-MgUserEvent -UserId ann) { $sender = $event.Organizer; $sender }",
            "switch ((Get-MailboxStatistics ann).ItemCount) { { $_ -gt 1000 } { 'big'; break } ({ $_ -gt 10 }) { 'some' } default { 'few' } }",
            "function f { [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSAvoidX', '')] [OutputType([Collections.Generic.List[string]])] param() 1 }; f",
            "Search-UnifiedAuditLog -ResultSize 5 | % { ($_.AuditData | ConvertFrom-Json).ExtendedProperties.Value }",
            "Clear-Host; cls; Get-Mailbox ann",
            "Join-Path $PSScriptRoot report.csv; Split-Path -Parent $PSCommandPath; $MyInvocation.MyCommand.Name",
            "function f { if ($PSBoundParameters.ContainsKey('Size')) { $args.Count; $input | % { Get-Mailbox $_ } } }; f",
            "function f { [CmdletBinding(SupportsShouldProcess)] param($m) if ($PSCmdlet.ShouldProcess($m)) { Get-Mailbox $m } }; f ann",
            "try { Get-MgUser -UserId a } catch { Start-Sleep ([int]$_.Exception.Response.Headers['Retry-After']) }",
            "try { Get-MgUser -UserId a } catch { $_.Exception.Response.Headers.RetryAfter.Delta.TotalSeconds; throw }",
            "try { Get-MgUser -UserId a } catch { $_.Exception.Response.Headers.'Retry-After'; $_.Exception.ResponseStatusCode }",
            "$h = @{}; $h.clientSecret = 'x'; $h.connectionString, $h.n = 'y', 1; $h.Module = 'exo'; $h.Count",
        ])
    func allowed(script: String) {
        let verdict = GuardEngine().judge(script: script, policy: .standard)
        #expect(verdict.decision == .allow, "\(verdict.rule): \(verdict.reason)")
    }

    @Test(
        "what only looks like it is asked about",
        arguments: [
            "param([ValidateScript({ Remove-Mailbox $_; $true })]$m) Get-Mailbox $m",
            "Measure-Command { Remove-Mailbox ann }", "Measure-Command $block", "Measure-Command -Expression { & $x }",
            "using namespace System.IO\n[File]::ReadAllText($p)", "using namespace System.Net\n[WebClient]::new()",
            "[Evil()] enum Rights { Read = 1 }", "Remove-PnPGroup -Identity x", "Get-PnPGroupMember -Widget x",
            "New-AzResourceGroupDeployment -ResourceGroupName r -TemplateFile t.json -WhatIf:$x",
            "Remove-AzResourceGroup -Name r -WhatIf", "Test-MigrationServerAvailability -RemoteServer evil.example",
            "Test-MigrationServerAvailability -Autodiscover -EmailAddress x@evil.example",
            "param([ValidateScript({ & $_ })]$m) $m = 'x'",
            "process { & $c } begin { $c = 'Remove-Mailbox' }",
            "$c = { Remove-Mailbox ceo }; & $c", "$c = { iex $args[0] }; & $c 'x'", ". $c", "$c = $d; & $c",
            "$c = { 1 }; if ($x) { $c = $d }; & $c", "$w = Get-Service x; $w.Stop()", "$x = 5; while ($x -lt 9) { 1 }",
            "for ($i = '-9223372036854775808'; $i -lt '5'; $i++) { Remove-Mailbox $i }",
            "-9223372036854775808..5 | % { Remove-Mailbox $_ }",
            "for ($i = 0; $i -lt 5; $i++) { $i = 0 }", "for ($i = 0; $i -lt 5; $i++) { if ($x) { $i = 0 } }",
            "Get-Process | % Kill", "Get-PnPList | % DeleteObject", "1 | % deleteobject", "1 | % SetValue",
            "1 | % update",
            "class A { Content() { 1 } }; [A]::new() | % Content", "$p = $q; $x.$p", "$p = 'Assembly'; [int].$p",
            "$p = 'AccessToken'; $x.$p",
            "$p = @{ MemberName = 'Delete' }; Get-ChildItem | % @p",
            "$p = @{ MemberName = $x }; Get-ChildItem | ForEach-Object @p",
            "$p = @{ MemberName = 'Name'; ArgumentList = 1 }; Get-ChildItem | % @p",
            "$p = @{ ExpandProperty = 'AccessToken' }; Get-AzContext | Select-Object @p",
            "$p = @{ Property = '*' }; Get-AzContext | Format-List @p",
            "$p = @{ Property = 'Name', 'TokenCache' }; Get-AzContext | Select-Object @p",
            "$p = @{ Property = @{ n = 'a'; e = 'TokenCache' } }; Get-AzContext | Select-Object @p",
            "$p = @{ Property = 'TokenCache'; EQ = $true; Value = 1 }; Get-AzContext | Where-Object @p",
            "$l = [Collections.Generic.List[object]]::new(); $l.Sort((Get-Command Remove-Mailbox).ScriptBlock)",
            "$q = @(, $list); $q.AddRange(1)", "$q = 1, $list; $q.Push(1)",
            "[Environment]::GetEnvironmentVariable('SECRET')", "[Environment]::CommandLine",
            "[Environment]::NewLine = 'x'",
            "[IO.Path]::GetTempFileName()", "using namespace System.IO\n[File]::Delete([IO.Path]::GetFullPath('x'))",
            "Get-Mailbox ann -ea $DebugPreference", "Get-Mailbox ann -ea 3", "Get-Mailbox ann -ea i",
            "Get-Mailbox -ea ''",
            "$ea = if ($x) { 'Stop' } else { 'Break' }; Get-Mailbox ann -ea $ea", "$ErrorActionPreference = 's'",
            "$Error[0].$p", "(Get-AzContext).$p", "[int].$p", "[int]::$p", "$m = Get-Mailbox ann; $m.$p = 1",
            "$m = Get-Mailbox ann; $m.$p()", "$m = Get-Mailbox ann; $m.$p.$q", "$m = Get-Mailbox ann; $m.$p.Invoke()",
            "$m = Get-Mailbox ann; $b = $m.$p; 1 | % $b", "$m = Get-Mailbox ann; & $m.$p", "$l = @(, $m); $l.$p = 1",
            "foreach ($event in $c) { & $event }", "$sender = { iex $args[0] }; & $sender 'x'",
            "Register-EngineEvent x -Action { $event = 1 }",
            "switch ('ceo') { { Remove-Mailbox $_ } { 1 } }", "switch (1) { ({ iex $x }) { 1 } }",
            "switch (1) { $b { 1 } }",
            "switch (Get-Mailbox) { { Set-Mailbox $_ -CustomAttribute1 x } { 1 } }", "switch (1) { { & $_ } { 1 } }",
            "switch (Get-AzContext) { { $_.TokenCache } { 1 } }", "switch (1) { { process { 1 } } { 1 } }",
            "[Diagnostics.CodeAnalysis.SuppressMessage((Remove-Mailbox ceo), '')] param() 1",
            "[SuppressMessage('a', '')] param() 1",
            "$x.ExtendedProperties", "(Get-AzContext).Account.ExtendedProperties", "(Get-AzTenant).ExtendedProperties",
            "$a = Get-AzContext; if ($x) { $a = Get-AzSubscription }; $a.ExtendedProperties",
            "function Clear-Host { Remove-Mailbox ceo }; Clear-Host", "Clear-Host (Remove-Mailbox ceo)",
            "function f { & $args[0] ceo }; f Remove-Mailbox", "function f { 'ceo' | % $args[0] }; f $c",
            "function f { 'ceo' -replace 'c', $args[0] }; f $c", "& $MyInvocation.MyCommand ceo",
            "1 | % $MyInvocation.MyCommand.ScriptBlock", "$MyInvocation.BoundParameters.Add('Method', 'DELETE')",
            "function f($Uri) { $PSBoundParameters.Method = 'DELETE'; Invoke-MgGraphRequest @PSBoundParameters }; f /v1.0/users/x",
            "function f($Uri) { $p = $PSBoundParameters; $p['Method'] = 'DELETE' }; f /v1.0/users/x",
            "$PSCmdlet.InvokeCommand.InvokeScript('Remove-Mailbox ceo')",
            "$PSCmdlet.SessionState.PSVariable.Set('a', 1)",
            "function f($PSCmdlet) { $PSCmdlet.ShouldProcess('x') }; f $other", "$input | % Delete",
            "$s = [Collections.Generic.Stack[object]]::new(); $s.Push((Get-PnPWeb).Lists); $s.Add($x)",
            "$l = [Collections.Generic.List[object]]::new(); $l += $list; $l.AddRange(1)",
            "$l = New-Object System.Collections.ArrayList; if ($x) { $l = @(, $list) }; $l.AddRange(1)",
            "class A { [void] Add($x) { Set-Mailbox ann -CustomAttribute1 $x } }; $a = [A]::new(); 1..50 | % { $a.Add($_) }",
            "class A { static [object] op_Addition($a, $b) { return $b } }; $a = [A]::new(); $a += (Get-PnPWeb).Lists; $a.Add($x)",
            "class A { static [object] op_Addition($a, $b) { return $b } }; $a = [A]::new(); $a += Get-PnPWeb; $a.Title = 'x'",
            "try { 1 } catch { $_.Exception.Response.RequestMessage.Headers }", "$Error[0].Exception.Request.Headers",
            "try { 1 } catch { $_.Exception.Response.Headers.Authorization }", "$Error[0].TargetObject.Headers",
            "$h = @{}; $h.clientSecret += 'x'", "$h = @{}; $h.n = $h.clientSecret", "$h = @{}; $h.accessToken.n = 1",
            "$x.connectionString = 'Server=x'",
        ])
    func asked(script: String) {
        #expect(GuardEngine().judge(script: script, policy: .standard).decision != .allow)
    }

    @Test(
        "an object that New-Object makes is asked about, unless it only holds what it is given",
        arguments: [
            "New-Object Net.WebClient", "New-Object System.Diagnostics.Process",
            "New-Object -ComObject Excel.Application",
            "New-Object (Get-Mailbox ann).Alias", "New-Object PSObject -ArgumentList (Get-Mailbox ann)",
            "New-Object @kept",
            "New-Object 'PSObject, Other'", "New-Object 'PSObject]; [Net.WebClient'", "New-Object",
            "New-Object System.Collections.ArrayList -Property @{ Capacity = 9 }",
            "New-Object PSObject -Property @{ A = (Remove-Mailbox ceo) }",
            "$l = New-Object PSObject; $l.Add(1)",
            "function New-Object { Get-Mailbox ann }; $l = New-Object System.Collections.ArrayList; $l.Add(1)",
        ])
    func madeObjects(script: String) {
        #expect(GuardEngine().judge(script: script, policy: .standard).decision == .ask)
    }

    @Test("a parameter for a profile names no file")
    func profile() {
        let script = "Update-MgUser -UserId ann -PasswordProfile $new"
        let rules = GuardEngine().judge(script: script, policy: .standard).asking.map(\.rule)
        #expect(rules == ["cmdlet"])
    }

    @Test("a name that is an alias on Windows alone is told by its reason what to write")
    func windowsAlias() {
        let verdict = GuardEngine().judge(script: "Get-Mailbox | sort DisplayName", policy: .standard)
        #expect(verdict.reason.contains("use Sort-Object"), "\(verdict.reason)")
    }

    @Test(
        "methods of a script's own classes do what their bodies do, when the class is used",
        arguments: [
            ("class Row { [void] Drop() { Remove-Mailbox ceo } }; [Row]::new().Drop()", GuardClass.destructive),
            ("class Row { Row() { Remove-Mailbox ceo } }; $r = [Row]::new()", .destructive),
            ("class Row { [string]$x = (Remove-Mailbox ceo) }; [Row]@{}", .destructive),
            ("class Row { static [string]$x = (Remove-Mailbox ceo) }", .destructive),
            ("class Row { static Row() { Remove-Mailbox ceo } }", .destructive),
            ("class Row { static [void] Drop() { Remove-Mailbox ceo } }; [Row]::Drop()", .destructive),
            ("class Row { [string] ToString() { Remove-Mailbox ceo; return '' } }; \"$([Row]::new())\"", .destructive),
            (
                "class Row { [void] A() { $this.B() }\n[void] B() { Remove-Mailbox ceo } }; [Row]::new().A()",
                .destructive
            ),
            ("class Row { [void] Drop() { Remove-Mailbox ceo } }; $r = New-Object Row; $r.Drop()", .destructive),
            ("class Row { Row() { Remove-Mailbox ceo } }; $n = 'row'; New-Object -TypeName $n", .destructive),
            (
                "class Row { Row() { Remove-Mailbox ceo } }; class Other { $x = (New-Object Row) }; @{} -as 'Other'",
                .destructive
            ),
            ("class Base { Base() { Remove-Mailbox ceo } }; class Row : Base { }; [Row]::new()", .destructive),
            (
                "[Flags()] enum Bits { A; B }; class Row { Row() { Remove-Mailbox ceo } }; [Bits]::A; [Row]::new()",
                .destructive
            ),
            ("class Row { [void] A($x) { $x.Delete() } }; [Row]::new().A(1)", .write),
            ("class Row { [void] A() {} }; $r = [Row]::new(); $r = Get-Thing; $r.A()", .write),
            ("class Row { [void] A() { $this.Missing() } }; [Row]::new().A()", .write),
            (
                "class Row { [void] Tag($id) { Set-Mailbox $id -CustomAttribute1 x } }; $r = [Row]::new(); 1..50 | % { $r.Tag($_) }",
                .write
            ),
            (
                "class Row { [string] ToString() { Set-Mailbox a -CustomAttribute1 x; return '' } }; \"$([Row]::new())\"",
                .write
            ),
            (
                "class Row { [void] A() { Remove-Mailbox ceo } }; function f { class Row { [void] A() {} } }; "
                    + "[Row]::new().A()", .destructive
            ),
            ("$this.Name", .write),
        ])
    func methods(script: String, guardClass: GuardClass) {
        let verdict = GuardEngine().judge(script: script, policy: .standard)
        #expect(verdict.decision != .allow)
        #expect(verdict.guardClass == guardClass, "\(verdict.rule): \(verdict.reason)")
    }

    @Test(
        "readonly lets a session keep what it read in a data file of its working folder, and nothing else",
        arguments: [
            ("Get-Mailbox ann | Export-Csv list.csv", GuardDecision.allow),
            ("Get-Mailbox ann | Out-File reports/list.txt", .allow), ("Get-Mailbox ann > list.txt", .allow),
            ("Get-Mailbox ann | Tee-Object list.txt", .allow), ("Set-Content note.txt 'read'", .allow),
            ("Get-Mailbox ann | Export-Csv /tmp/list.csv", .deny), ("Get-Mailbox ann | Out-File list.ps1", .deny),
            ("Get-Mailbox ann > ../list.txt", .deny), ("Get-Mailbox ann | Export-Csv $path", .deny),
            ("Set-Content .profile 'x'", .deny), ("Remove-Item list.csv", .deny),
            ("Set-Mailbox ann -CustomAttribute1 x", .deny),
        ])
    func sessionFiles(script: String, decision: GuardDecision) {
        #expect(GuardEngine().judge(script: script, policy: GuardPolicy(.readonly)).decision == decision)
    }

    @Test(
        "a change to many is found behind many single changes of the same kind",
        arguments: [
            "function f($x) { Set-Mailbox $x -CustomAttribute1 y }; 1..500 | % { f $_ }",
            "class R { [void] T($x) { Set-Mailbox $x -CustomAttribute1 y } }; $r = [R]::new(); 1..500 | % { $r.T($_) }",
        ])
    func repeated(script: String) {
        let before = String(repeating: "Set-Mailbox ann -CustomAttribute1 x\n", count: 105)
        #expect(GuardEngine().judge(script: before, policy: .standard).decision == .allow)
        #expect(GuardEngine().judge(script: before + script, policy: .standard).rule == "bulk")
    }

    @Test(
        "a text that doubles itself is not computed to its end",
        arguments: ["\"$a$a\"", "'{0}{0}' -f $a", "'' + $a + $a", "'{0}' -f ('' + $a + $a)", "('' + $a + $a)"])
    func doubling(text: String) {
        let script = "$a = 'x'\n" + String(repeating: "$a = \(text)\n", count: 60) + "& $a"
        #expect(GuardEngine().judge(script: script, policy: .standard).decision == .ask)
    }

    @Test(
        "an address that is put together is read as PowerShell reads it",
        arguments: [
            ("('/v1.0/users/{0}' -f 'ann@contoso.com')", GuardDecision.allow),
            ("('/v1.0/{1}/{0}' -f 'ann@contoso.com', 'users')", .allow),
            ("('/v1.0/users/{0}/{{1}}' -f 'ann@contoso.com')", .ask),
            ("('/v1.0/users/{0}}}' -f 'ann@contoso.com')", .ask),
            ("('/v1.0/users/{0,20}' -f 'ann@contoso.com')", .ask),
            ("('/v1.0/users/{1}' -f 'ann@contoso.com')", .ask),
            ("\"/v1.0/users/$who\"", .allow),
            ("\"$base/users`?`$select=$('id')&`$top=$count\"", .allow),
            ("\"/v1.0/users/$who$who\"", .allow),
            ("\"/v1.0/users/$unknown\"", .ask),
            ("\"/v1.0/users/$several\"", .ask),
            ("\"/v1.0/$secret\"", .ask),
            ("\"/v1.0/users/$who$(Get-Date)\"", .ask),
        ])
    func formats(address: String, decision: GuardDecision) {
        let script = """
            $base = 'https://graph.microsoft.com/v1.0'; $who = 'ann@contoso.com'; $count = 5; $several = 'a', 'b'
            $secret = 'directory/deviceLocalCredentials/d?$select=credentials'
            Invoke-MgGraphRequest GET \(address)
            """
        #expect(GuardEngine().judge(script: script, policy: .standard).decision == decision)
    }

    @Test("a long script is judged like a short one")
    func long() {
        let script = String(repeating: "Get-Mailbox ann | Select-Object Name\n", count: 29_000)
        #expect(script.utf8.count > 1 << 20)
        let change = GuardEngine().judge(script: script + "Remove-Mailbox ann", policy: .standard)
        #expect(change.decision == .ask)
        #expect(change.place?.line == 29_001)
    }

    @Test("a text that can't run is an error for its author, with the place, and nothing for a person to confirm")
    func broken() {
        let error = GuardEngine().judge(script: "Get-Mailbox (", policy: .standard).error()
        #expect(error?.code == .invalidInput)
        #expect(error?.message.contains("line 1") ?? false)
        let placeholder = GuardEngine().judge(script: "Set-SPOSite -Identity <siteurl>", policy: .standard)
        #expect(placeholder.instead?.contains("in the place of a placeholder") ?? false, "\(placeholder.instead ?? "")")
    }

    @Test(
        "a class with a type of a module, and a module by its name, are asked about, since the session may have them",
        arguments: [
            "class Token : Microsoft.Exchange.WebServices.Data.CustomTokenCredentials { }",
            "class Box { [Microsoft.Graph.PowerShell.Models.MicrosoftGraphUser] $User }",
            "class Box { [object] Get() { return [Microsoft.Azure.Commands.Common.Profile]::Instance } }",
            "[Some.Module.Kind()] class Box { [string] $Name }", "using module PnP.PowerShell\nGet-PnPWeb",
        ])
    func typeOfModule(script: String) {
        let verdict = GuardEngine().judge(script: script, policy: .standard)
        #expect(verdict.decision == .ask, "\(verdict.rule): \(verdict.reason)")
        #expect(verdict.rule == "unparsed")
        #expect(GuardEngine().judge(script: script, policy: GuardPolicy(.readonly)).decision == .deny)
    }

    @Test("the reason says what a command does", arguments: [("Get-Item x", "path"), ("Read-Host", "type")])
    func reasons(script: String, word: String) {
        #expect(GuardEngine().judge(script: script, policy: .standard).reason.contains(word))
    }
}
