import MMCore
import Testing

@testable import MMGuard

@Suite("Scripts of sessions behind the wire", .timeLimit(.minutes(5)))
struct BehindWireTests {
    private static let engine = GuardEngine()

    private func verdict(_ one: ScriptCase, isBehindWire: Bool = true) -> Verdict {
        Self.engine.judge(
            script: one.script, in: ScriptContext(module: one.module, isBehindWire: isBehindWire), policy: .standard)
    }

    @Test("at most 2 of 100 everyday scripts are asked about")
    func everyday() throws {
        let cases = try ScriptCase.load("everyday-cases.jsonl")
        let asked = cases.filter { verdict($0).decision != .allow }
        #expect(asked.count * 100 <= cases.count * 2, "\(asked.map(\.testDescription).joined(separator: "\n"))")
    }

    @Test("of 20 scripts of administrators at most 3 are asked about, each for a change that it names")
    func administrators() throws {
        let cases = try ScriptCase.load("administrator-scripts.jsonl")
        #expect(cases.count == 20)
        var asked: [String] = []
        for one in cases {
            let verdict = verdict(one)
            // Another subscription is another sign-in: that stays with the connection.
            guard verdict.decision != .deny || verdict.guardClass != .session else { continue }
            guard verdict.decision != .allow else { continue }
            asked.append("\(one.id): \(verdict.rule) \(verdict.reason)")
            #expect(
                verdict.asking.allSatisfy { $0.kind != .dynamic && $0.kind != .unknown }, "\(one.id): \(verdict.reason)"
            )
        }
        #expect(asked.count <= 3, "\(asked.joined(separator: "\n"))")
    }

    @Test("each attack is stopped by its text, or by who judges what it sends or what it touches")
    func attacks() throws {
        var counts: [String: Int] = [:]
        for one in try ScriptCase.load("attack-cases.jsonl") {
            guard verdict(one).decision == .allow else {
                counts["text", default: 0] += 1
                continue
            }
            let bare = verdict(one, isBehindWire: false)
            let keepers = bare.asking.map { BehindWire.keeper(of: $0, Self.engine.tables.cmdlets) }
            #expect(!keepers.isEmpty && !keepers.contains(nil), "\(one.testDescription): \(bare.asking.map(\.rule))")
            counts[keepers.contains(.wire) ? "wire" : "walls", default: 0] += 1
        }
        #expect(counts["text", default: 0] > 150, "\(counts)")
    }

    @Test("a text that doubles from line to line costs no memory", arguments: ["$a + $a", "\"$a$a\""])
    func doubledText(sum: String) {
        let lines = Array(repeating: "$a = \(sum)", count: 60).joined(separator: "\n")
        let script = "$a = '/v1.0/users/' + $id\n\(lines)\nInvoke-MgGraphRequest -Method POST -Uri $a"
        let context = ScriptContext(module: "graph", isBehindWire: true)
        #expect(Self.engine.judge(script: script, in: context, policy: .standard).guardClass == .read)
    }

    @Test(
        "a request whose address only leaves keys open is judged by its text, wherever the address is put together",
        arguments: [
            (
                "$u = \"https://graph.microsoft.com/v1.0/users/$id/sendMail\"; Invoke-MgGraphRequest -Method POST -Uri $u",
                "send"
            ),
            (
                "$id = (Get-MgUser -Top 1).Id; $u = '/v1.0/users/' + $id + '/revokeSignInSessions'; Invoke-MgGraphRequest -Method POST -Uri $u",
                "privilege"
            ),
            ("Invoke-MgGraphRequest -Method POST -Uri ('/v1.0/users/' + $id + '/sendMail')", "send"),
            ("Invoke-MgGraphRequest -Method POST -Uri '/v1.0/users/x/sendMail'", "send"),
            (
                "$base = 'https://graph.microsoft.com/v1.0'; $d = \"$base/deviceManagement/managedDevices/$id\"; Invoke-MgGraphRequest -Method POST -Uri \"$d/wipe\"",
                "destructive"
            ),
            (
                "function Restart { param($d) begin { $i = (Get-MgDevice -Filter $d).Id } process { $u = \"/v1.0/deviceManagement/managedDevices/$i/rebootNow\"; Invoke-MgGraphRequest -Method POST -Uri $u } }; Restart x",
                "privilege"
            ),
            ("$u = \"/v1.0/users/$id\"; Invoke-MgGraphRequest -Method GET -Uri $u", "read"),
            ("$u = \"/v1.0/users/$id\"; Invoke-MgGraphRequest -Method DELETE -Uri $u", "destructive"),
            // Of two possible addresses neither is certain: the wire judges the one that is sent.
            (
                "$u = \"/v1.0/users/$id/sendMail\"; if ($x) { $u = \"/v1.0/users/$id/photo\" }; Invoke-MgGraphRequest -Method POST -Uri $u",
                "read"
            ),
        ])
    func openAddresses(script: String, word: String) {
        let context = ScriptContext(module: "graph", isBehindWire: true)
        let verdict = Self.engine.judge(script: script, in: context, policy: .standard)
        #expect(verdict.guardClass.rawValue == word, "\(verdict.rule) \(verdict.reason)")
    }

    @Test(
        "a preview that is plainly one asks nobody, whatever the cmdlet: the wire holds what it would send all the same",
        arguments: [
            ("azure", "Remove-AzResourceGroup -Name rg-app -WhatIf", GuardDecision.allow, GuardDecision.ask),
            ("azure", "Remove-AzResourceGroup -Name rg-app -Force -WhatIf:$true", .allow, .ask),
            ("azure", "Get-AzResourceGroup | Remove-AzResourceGroup -wi", .allow, .ask),
            ("teams", "Remove-Team -GroupId g -WhatIf", .allow, .ask),
            ("pnp", "Remove-PnPListItem -List l -Identity 1 -WhatIf", .allow, .ask),
            ("exo", "Remove-Mailbox ann -WhatIf", .allow, .ask),
            ("azure", "Remove-AzResourceGroup -Name rg-app -WhatIf:$false", .ask, .ask),
            ("azure", "Remove-AzResourceGroup -Name rg-app -WhatIf:$maybe", .ask, .ask),
            ("azure", "Remove-AzResourceGroup -Name rg-app", .ask, .ask),
            ("azure", "Remove-AzADServicePrincipal -ObjectId o -WhatIf", .allow, .ask),
            ("azure", "Connect-AzAccount -WhatIf", .deny, .deny),
        ])
    func previews(module: String, script: String, behind: GuardDecision, bare: GuardDecision) {
        func decision(_ isBehindWire: Bool) -> GuardDecision {
            Self.engine.judge(
                script: script, in: ScriptContext(module: module, isBehindWire: isBehindWire), policy: .standard
            ).decision
        }
        #expect(decision(true) == behind)
        #expect(decision(false) == bare)
    }

    @Test("Exchange's own preview reads at the wire, where its service honours it and it is plainly set")
    func exchangePreview() {
        func decision(_ cmdlet: String, _ parameters: JSONObject) -> GuardDecision {
            var grant = RequestGrant(
                CallAuthority(verdict: Self.engine.judge(script: "1", policy: .standard), text: "1"), policy: .standard)
            let body: JSONValue = ["CmdletInput": ["CmdletName": .string(cmdlet), "Parameters": .object(parameters)]]
            let intent = Self.engine.intent(
                of: Wire.request(.exchange, "POST", WireRequestTests.invoke, JSONWriter.string(body)))
            if case .allow = grant.judge(intent, number: 1) { return .allow }
            return .ask
        }
        #expect(decision("Remove-Mailbox", ["Identity": "ann", "WhatIf": true]) == .allow)
        #expect(decision("Remove-Mailbox", ["Identity": "ann", "WhatIf": false]) == .ask)
        #expect(decision("Remove-Mailbox", ["Identity": "ann", "WhatIf": "true"]) == .ask)
        #expect(decision("Remove-Mailbox", ["Identity": "ann", "whatif": true]) == .ask)
        #expect(decision("Remove-Mailbox", ["Identity": "ann"]) == .ask)
        #expect(decision("Remove-ComplianceSearch", ["Identity": "s", "WhatIf": true]) == .ask)
    }

    @Test(
        "what scripts send that their text let through is held",
        arguments: [
            (
                "$text | iex",
                Wire.request(.exchange, "POST", WireRequestTests.invoke, Wire.cmdlet("Remove-Mailbox"))
            ),
            (
                "1 | Select-Object @{n='x';e=(Get-Command Purge-All).ScriptBlock}",
                Wire.request(.exchange, "POST", WireRequestTests.invoke, Wire.cmdlet("Remove-Mailbox"))
            ),
            (
                "[powershell]::Create().AddScript($x).Invoke()",
                Wire.request(.exchange, "POST", WireRequestTests.invoke, Wire.cmdlet("Set-Mailbox"))
            ),
            (
                "Invoke-AzRestMethod DELETE -Path $p",
                Wire.request(.arm, "DELETE", "/subscriptions/s/resourcegroups/r?api-version=2021-04-01")
            ),
            (
                "Invoke-AzMarketplaceSignTerms -AgreementId x",
                Wire.request(
                    .arm, "POST",
                    "/subscriptions/s/providers/Microsoft.MarketplaceOrdering/agreements/p/offers/o/plans/n/sign")
            ),
            (
                "& $name -ResourceId x -Enabled $false",
                Wire.request(
                    .arm, "PUT", WireRequestTests.vm + "/providers/Microsoft.Insights/diagnosticSettings/service", "{}")
            ),
            (
                "Set-AzStorageBlobContent -Fi /etc/passwd -Container c -Blob b",
                Wire.request(.storage, "PUT", "/c/b", "x", headers: [("Content-Type", "text/plain")])
            ),
            (
                "& $name -AdministrativeUnitId a -BodyParameter $x",
                Wire.request(.graph, "POST", "/v1.0/directory/administrativeUnits/a/members/$ref", "{}")
            ),
            (
                "& $name -ManagedDeviceId d",
                Wire.request(.graph, "POST", "/v1.0/deviceManagement/managedDevices/d/remoteLock")
            ),
            (
                "& $name -UserIds x",
                Wire.request(.graph, "POST", "/v1.0/identityProtection/riskyUsers/confirmCompromised", "{}")
            ),
            (
                "& $name -EdiscoveryCaseId c -EdiscoveryReviewSetId r",
                Wire.request(.graph, "POST", "/v1.0/security/cases/ediscoveryCases/c/reviewSets/r/export", "{}")
            ),
            (
                "Invoke-MgGraphRequest GET /v1.0/informationProtection/bitlocker/recoveryKeys/1 -Body $b",
                Wire.request(.graph, "GET", "/v1.0/informationProtection/bitlocker/recoveryKeys/1?$select=key")
            ),
            (
                "Get-MgUser -UserId x -Head @{'X-HTTP-Method-Override'='DELETE'}",
                Wire.request(.graph, "GET", "/v1.0/users/x", headers: [("X-HTTP-Method-Override", "DELETE")])
            ),
            (
                "Invoke-PnPSPRestMethod -Url /_api/web/lists/getbytitle('x') -Method Delete",
                Wire.request(
                    .sharePoint, "POST", "/_api/web/lists/getbytitle('x')", headers: [("X-HTTP-Method", "DELETE")])
            ),
            (
                "Invoke-PnPWebAction -ListAction {$args}",
                Wire.request(
                    .sharePoint, "POST", ObjectRequestTests.address,
                    Wire.objects(#"<Method Name="DeleteObject" Id="9" ObjectPathId="3" />"#, Wire.list))
            ),
            ("InvokeApi -Method POST -Route $r -Body $b", Wire.request(.bap, "POST", "/providers/x", "{}")),
            (
                "Invoke-MgGraphRequest PATCH /v1.0/users/x -Body $b",
                Wire.request(.graph, "PATCH", "/v1.0/users/x", #"{"accountEnabled":false}"#)
            ),
            (
                "Invoke-MgGraphRequest POST '/v1.0/$batch' -Body $b",
                Wire.request(
                    .graph, "POST", "/v1.0/$batch", #"{"requests":[{"id":"1","method":"DELETE","url":"/users/x"}]}"#)
            ),
            (
                "Invoke-MgGraphRequest POST '/v1.0/$batch' -Body @{ requests = $all }",
                Wire.request(
                    .graph, "POST", "/v1.0/$batch",
                    #"{"requests":[{"id":"1","method":"PATCH","url":"/users/x","headers":{"Content-Type":"application/json"},"body":{"jobTitle":"t"}}]}"#
                )
            ),
        ] as [(String, WireRequest)])
    func sends(script: String, request: WireRequest) {
        let verdict = Self.engine.judge(script: script, in: ScriptContext(isBehindWire: true), policy: .standard)
        #expect(verdict.decision == .allow, "\(verdict.rule): \(verdict.reason)")
        var grant = RequestGrant(CallAuthority(verdict: verdict, text: script), policy: .standard)
        let outcome = RequestGrantTests.word(grant.judge(Self.engine.intent(of: request), number: 1))
        #expect(outcome == "hold")
    }

    @Test(
        "a text that a script runs, or a name that it makes of constant text, is judged as if it stood there",
        arguments: [
            (#"iex "Install-Module Foo""#, GuardDecision.deny), (#"'Install-Module Foo' | iex"#, .deny),
            (#"$c = "Install-Module"; & $c Foo"#, .deny), (#"&("Install-" + "Mod" + "ule") Foo"#, .deny),
            (#"Set-Alias zz Install-Module; zz Foo"#, .deny), (#"New-Alias -Value Install-PSResource -Name zz"#, .deny),
            (#"iex ("Install-{0} Foo" -f "Module")"#, .deny), (#"$t = 'Connect-' + 'MgGraph'; iex $t"#, .deny),
            (#"[scriptblock]::Create("Install-Module Foo").Invoke()"#, .deny),
            (#"& ([scriptblock]::Create('Disconnect-ExchangeOnline'))"#, .deny),
            (#"$ExecutionContext.InvokeCommand.InvokeScript("Install-Module Foo")"#, .deny),
            (#"iex "iex 'Install-Module Foo'""#, .deny), (#"iex "Remove-Mailbox ann""#, .ask),
            (#"$c = 'Remove-Mailbox'; & $c ann"#, .ask),
            (#"if ($x) { $c = 'Remove-Mailbox' } else { $c = 'Get-Mailbox' }; & $c a"#, .ask),
            (#"iex "Get-Mailbox ann""#, .allow), (#"$c = 'Get-Mailbox'; & $c ann"#, .allow),
            (#"Set-Alias ll Get-ChildItem"#, .allow), (#"iex $text"#, .allow),
            (#""Install-Module {0}" -f 'Foo'"#, .allow),
        ])
    func said(script: String, expected: GuardDecision) {
        let verdict = Self.engine.judge(script: script, in: ScriptContext(isBehindWire: true), policy: .standard)
        #expect(verdict.decision == expected, "\(script): \(verdict.rule) \(verdict.reason)")
        let bare = Self.engine.judge(script: script, in: ScriptContext(), policy: .standard)
        #expect(bare.decision >= expected, "\(script): \(bare.rule) \(bare.reason)")
    }

    @Test("what a script says plainly is asked about, and what changes the sign-in is denied")
    func plain() {
        let cases: [(String, GuardDecision)] = [
            ("Remove-Mailbox ann", .ask), ("foreach ($m in Get-Mailbox a*) { Remove-Mailbox $m }", .ask),
            ("Send-MgUserMail -UserId ann -BodyParameter @{}", .ask),
            ("Get-Mailbox -ResultSize Unlimited | Set-Mailbox -CustomAttribute1 x", .ask),
            ("function f { Remove-Mailbox ann }; f", .ask), ("& 'Remove-Mailbox' ann", .ask), ("Remove-Widget 7", .ask),
            ("Connect-ExchangeOnline", .deny), ("Connect-Widget", .deny), ("Disconnect-MgGraph", .deny),
            ("Install-Module x", .deny),
            ("New-AzRoleAssignment -SignInName x", .deny), ("Get-Mailbox ann -DefaultProfile $c", .allow),
            ("Get-AzVM -DefaultProfile $c", .ask),
            ("(Get-AzStorageAccountKey -ResourceGroupName r -Name n)[0].Value", .ask),
            ("Invoke-RestMethod https://login.microsoftonline.com/common/oauth2/token", .deny),
            // Of an address with variables what can only be keys in it.
            ("Invoke-MgGraphRequest -Method DELETE -Uri \"/v1.0/users/$id\"", .ask),
            (
                "Invoke-MgGraphRequest -Uri \"https://graph.microsoft.com/v1.0/users/$($u.Id)/sendMail\" -Method POST -Body $b",
                .ask
            ),
            ("$g = 'https://graph.microsoft.com/v1.0'; Invoke-MgGraphRequest DELETE \"$g/groups/$id\"", .ask),
            ("Invoke-MgGraphRequest POST \"/v1.0/groups/$id/members/`$ref\" -Body $b", .ask),
            ("Invoke-AzRestMethod -Method DELETE -Path \"/subscriptions/$s/resourceGroups/r?api-version=1\"", .ask),
            ("irm -Method Post -Uri \"https://graph.microsoft.com/v1.0/applications/$id/addPassword\" -Body $b", .ask),
            ("irm -Method Post -Uri https://graph.microsoft.com/v1.0/applications/x/addPassword", .ask),
            ("Invoke-MgGraphRequest POST \"/v1.0/users/$env:WHO/sendMail\" -Body $b", .ask),
            ("Invoke-MgGraphRequest POST \"/v1.0/users/${who}/sendMail\" -Body $b", .ask),
            ("Invoke-MgGraphRequest PATCH \"/v1.0/users/$id\" -Body $b", .allow),
            ("Invoke-MgGraphRequest DELETE \"/v1.0/$path\"", .allow),
            // Of a body what the text shows.
            ("Invoke-MgGraphRequest PATCH /v1.0/users/x -Body $b", .allow),
            ("Invoke-MgGraphRequest PATCH /v1.0/users/x -Body @{ accountEnabled = $false }", .ask),
            ("irm -Method Patch -Uri https://graph.microsoft.com/v1.0/users/x -Body $b", .allow),
            (
                "Invoke-AzRestMethod -Method PUT -Path /subscriptions/s/resourceGroups/r/providers/Microsoft.Web/sites/a?api-version=1 -Payload $b",
                .allow
            ),
            ("Invoke-MgGraphRequest POST '/v1.0/$batch' -Body ($all | ConvertTo-Json)", .allow),
            (
                "Invoke-MgGraphRequest POST '/v1.0/$batch' -Body @{ requests = @(@{ id = 1; method = $m; url = $u }) }",
                .allow
            ),
            (
                "Invoke-MgGraphRequest POST '/v1.0/$batch' -Body @{ requests = @(@{ id = 1; method = 'DELETE'; url = '/users/x' }) }",
                .ask
            ),
            (
                "Invoke-MgGraphRequest POST '/v1.0/$batch' -Body @{ requests = @(@{ method = $m; url = $u }, @{ method = 'POST'; url = '/me/sendMail' }) }",
                .ask
            ),
            ("Invoke-MgGraphRequest GET \"/v1.0/users/$id\"", .allow),
            ("irm -Method Post -Uri \"https://$name/collect\" -Body $b", .allow),
            ("Invoke-MgGraphRequest -Uri \"/v1.0/directory/deviceLocalCredentials/$d`?`$select=credentials\"", .ask),
            ("irm \"https://graph.microsoft.com/v1.0/users/$id/messages`?`$top=5\"", .allow),
            // Of a cmdlet of Graph that the table has without its request what its name tells.
            ("Confirm-MgRiskyUserCompromised -UserIds x", .ask),
            ("Lock-MgDeviceManagementManagedDeviceRemote -ManagedDeviceId d", .ask),
            ("Confirm-MgDomain -DomainId evil.example", .ask),
            ("Export-MgSecurityCaseEdiscoveryCaseSearchReport -EdiscoveryCaseId c -EdiscoverySearchId s", .ask),
            // Of a name that no table has what others with its noun change.
            ("Add-AzADGroupOwner -GroupId g -OwnerId o", .ask),
            ("Set-AzDiagnosticSetting -ResourceId x -Enabled $false", .ask),
            ("Get-Mailbox ann |", .deny), ("Set-Widget 7 x", .allow), ("Set-Mailbox ann -CustomAttribute1 x", .allow),
        ]
        for (script, expected) in cases {
            let verdict = Self.engine.judge(script: script, in: ScriptContext(isBehindWire: true), policy: .standard)
            #expect(verdict.decision == expected, "\(script): \(verdict.rule) \(verdict.reason)")
        }
    }

    @Test(
        "what can only send, or only touch the session's own, is no reason to ask",
        arguments: [
            "& $cmd ann", "& { Get-Mailbox }", ". ./helpers.ps1", "./report.ps1 -Days 3", "git status",
            "Import-Csv users.csv",
            "Get-Content list.txt", "Import-Module ./Tools.psm1", "$env:PATH", "[IO.File]::ReadAllText('x')",
            "Add-Type -TypeDefinition $code",
            "Invoke-Expression $text", "Start-Process x", "1..5 | ForEach-Object -Parallel { $_ }",
            "Start-Job { Get-Mailbox }",
            "#requires -Modules Tools\nGet-Mailbox", "using namespace System.IO\nGet-Mailbox",
            "trap { continue }; Get-Mailbox", "Get-Mailbox > out.txt",
            "Invoke-MgGraphRequest -Method GET -Uri $next", "Remove-Item old.csv", "Set-Alias gm Get-Mailbox; gm",
            "Read-Host x",
            "Get-Widget 7", "exit 3", "while ($true) { break }", "Get-Mailbox -OutVariable env:x",
            "Invoke-RestMethod $address", "$c.ConnectionString = 'Server=x'",
        ])
    func kind(script: String) {
        let verdict = Self.engine.judge(script: script, in: ScriptContext(isBehindWire: true), policy: .standard)
        #expect(verdict.decision == .allow, "\(verdict.rule): \(verdict.reason)")
        #expect(verdict.guardClass == .read, "\(verdict.rule): \(verdict.reason)")
        let bare = Self.engine.judge(script: script, policy: .standard)
        #expect(bare.decision != .allow || bare.guardClass == .read)
    }

    @Test("earlier scripts of the session are no reason to ask either")
    func memory() {
        let context = ScriptContext(memory: SessionMemory(isOpaque: true), isBehindWire: true)
        #expect(Self.engine.judge(script: "Get-Mailbox", in: context, policy: .standard).decision == .allow)
    }
}
