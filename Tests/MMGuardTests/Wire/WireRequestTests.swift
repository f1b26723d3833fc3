import MMCore
import MMGuard
import Testing

@Suite("What requests at the wire are for", .timeLimit(.minutes(5)))
struct WireRequestTests {
    static let tenant = "11111111-0000-4000-8000-000000000001"
    static let invoke = "/adminapi/beta/\(tenant)/InvokeCommand"
    static let definitions = "/api/data/v9.2/environmentvariabledefinitions"
    static let vm = "/subscriptions/\(tenant)/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm1"

    @Test(
        "a parameter that no documentation names makes a change through a cmdlet unclear",
        arguments: [
            (#""Set-Mailbox","Parameters":{"Identity":"ann","InPlaceHolds":null}"#, true),
            (#""Set-Mailbox","Parameters":{"Identity":"ann","NobodyKnows":true}"#, true),
            (#""Set-Mailbox","Parameters":{"Identity":"ann","CustomAttribute1":"x"}"#, false),
            (#""Set-Mailbox","Parameters":{"Identity":"ann","CustomAttr":"x","ErrorAction":"Stop"}"#, false),
            (#""Set-Mailbox","Parameters":{"Identity":"ann","Languages@odata.type":"t","Languages":["de"]}"#, false),
            (#""Get-Mailbox","Parameters":{"NobodyKnows":true}"#, false),
        ])
    func undocumented(_ input: String, _ isAsked: Bool) {
        let intent = Wire.intent(.exchange, "POST", Self.invoke, #"{"CmdletInput":{"CmdletName":\#(input)}}"#)
        #expect(intent.verdict(.standard).decision == (isAsked ? .ask : .allow), "\(input)")
    }

    @Test(
        "plain requests have the class of what they do",
        arguments: [
            (.graph, "GET", "/v1.0/users?$top=3", "", "read", "allow"),
            (.graph, "HEAD", "/v1.0/me", "", "read", "allow"),
            (.graph, "PATCH", "/v1.0/users/ann@contoso.com", #"{"jobTitle":"x"}"#, "write", "allow"),
            (.graph, "PATCH", "/v1.0/users/ann@contoso.com", #"{"accountEnabled":false}"#, "privilege", "ask"),
            (.graph, "DELETE", "/v1.0/users/ann@contoso.com", "", "destructive", "ask"),
            (.graph, "POST", "/v1.0/users/ann@contoso.com/sendMail", "{}", "send", "ask"),
            (.graph, "POST", "/v1.0/search/query", "{}", "read", "allow"),
            (.graph, "POST", "/v1.0/groups/g/members/$ref", "{}", "privilege", "ask"),
            (.graph, "POST", "/v1.0/somethingNew", "{}", "write", "ask"),
            (.graph, "GET", "/v1.0/somethingNew", "", "read", "allow"),
            (.graph, "GET", "/v1.0/informationProtection/bitlocker/recoveryKeys/k?$select=key", "", "secret", "ask"),
            (
                .graph, "GET", "/v1.0/myorganization/informationProtection/bitlocker/recoveryKeys/k?$select=key", "",
                "secret", "ask"
            ),
            (
                .graph, "GET", "/stagingbeta/informationProtection/bitlocker/recoveryKeys/k?$select=key", "", "secret",
                "ask"
            ),
            (.graph, "POST", "/v1.0/$batch", #"{"requests":[{"id":"1","method":"GET","url":"/me"}]}"#, "read", "allow"),
            (
                .graph, "POST", "/v1.0/$batch",
                #"{"requests":[{"id":"1","method":"GET","url":"/me"},{"id":"2","method":"DELETE","url":"/users/a"}]}"#,
                "destructive", "ask"
            ),
            (.arm, "GET", vm + "?api-version=2022-08-01", "", "read", "allow"),
            (.arm, "POST", vm + "/deallocate?api-version=2022-08-01", "", "destructive", "ask"),
            (.arm, "POST", vm + "/runCommand?api-version=2022-08-01", "{}", "privilege", "ask"),
            (.arm, "POST", vm + "/somethingNew?api-version=2022-08-01", "{}", "write", "ask"),
            (
                .arm, "POST",
                "/subscriptions/s/resourceGroups/r/providers/Microsoft.Storage/storageAccounts/a/listKeys", "",
                "secret", "ask"
            ),
            (.arm, "DELETE", vm, "", "destructive", "ask"),
            (
                .arm, "POST", "/batch?api-version=2020-06-01",
                #"{"requests":[{"httpMethod":"DELETE","relativeUrl":"/subscriptions/s/resourceGroups/r"}]}"#,
                "destructive", "ask"
            ),
            (
                .arm, "POST", "/batch?api-version=2020-06-01",
                #"{"requests":[{"httpMethod":"GET","relativeUrl":"/subscriptions/s"}]}"#, "read", "allow"
            ),
            (
                .arm, "POST", "/batch?api-version=2020-06-01",
                #"{"requests":[{"httpMethod":"GET","url":"https://management.azure.com/subscriptions/s?api-version=1"}]}"#,
                "read", "allow"
            ),
            (
                .arm, "POST", "/batch?api-version=2020-06-01",
                #"{"requests":[{"httpMethod":"DELETE","url":"https://management.azure.com/subscriptions/s/resourceGroups/r"}]}"#,
                "destructive", "ask"
            ),
            (
                .arm, "POST", "/batch?api-version=2020-06-01",
                #"{"requests":[{"httpMethod":"GET","url":"/subscriptions","relativeUrl":"/subscriptions/s"}]}"#,
                "privilege", "ask"
            ),
            (
                .arm, "POST", "/batch?api-version=2020-06-01",
                #"{"requests":[{"httpMethod":"GET","url":"https://elsewhere.example/subscriptions"}]}"#, "privilege",
                "ask"
            ),
            (.exchange, "POST", invoke, Wire.cmdlet("Get-Mailbox", #"{"ResultSize":"Unlimited"}"#), "read", "allow"),
            (
                .exchange, "POST", invoke, Wire.cmdlet("Set-Mailbox", #"{"Identity":"ann","CustomAttribute1":"x"}"#),
                "write", "allow"
            ),
            (
                .exchange, "POST", invoke,
                Wire.cmdlet("Set-Mailbox", #"{"Identity":"ann","ForwardingSmtpAddress":"x@evil.example"}"#), "external",
                "ask"
            ),
            (.exchange, "POST", invoke, Wire.cmdlet("Remove-Mailbox", #"{"Identity":"ann"}"#), "destructive", "ask"),
            (.exchange, "POST", "/adminapi/v2.0/\(tenant)/Mailbox", Wire.cmdlet("Get-Mailbox"), "read", "allow"),
            (
                .exchange, "POST", "/adminapi/v2.0/\(tenant)/Mailbox", Wire.cmdlet("Remove-Mailbox"), "destructive",
                "ask"
            ),
            (.exchange, "GET", "/adminapi/beta/\(tenant)/Mailbox('ann')", "", "read", "allow"),
            (.exchange, "GET", "/adminapi/v1.0/\(tenant)/EXOModuleFile?Version=3.9.2", "", "read", "allow"),
            (.exchange, "POST", "/adminapi/beta/\(tenant)/Somewhere", "{}", "write", "ask"),
            (
                .exchange, "POST", "/adminapi/beta/\(tenant)/$batch",
                #"{"requests":[{"id":"1","method":"POST","url":"https://outlook.office365.com\#(invoke)","body":\#(Wire.cmdlet("Remove-Mailbox"))}]}"#,
                "destructive", "ask"
            ),
            (
                .exchange, "POST", "/adminapi/beta/\(tenant)/$batch",
                #"{"requests":[{"id":"1","method":"POST","url":"https://outlook.office365.com\#(invoke)","body":\#(Wire.cmdlet("Get-Mailbox"))}]}"#,
                "read", "allow"
            ),
            (.exchange, "POST", "/EWS/Exchange.asmx", "<s:Envelope/>", "privilege", "ask"),
            (.sharePoint, "GET", "/sites/x/_api/web/lists", "", "read", "allow"),
            (.sharePoint, "POST", "/sites/x/_api/contextinfo", "", "read", "allow"),
            (.sharePoint, "POST", "/sites/x/_api/web/lists/getbytitle('Docs')/items", "{}", "write", "allow"),
            (
                .sharePoint, "POST", "/sites/x/_vti_bin/client.svc/web/lists/getbytitle('Docs')/recycle", "",
                "destructive", "ask"
            ),
            (.sharePoint, "POST", "/sites/x/_api/web/sitegroups(5)/users", "{}", "privilege", "ask"),
            (.sharePoint, "POST", "/_vti_bin/lists.asmx", "<x/>", "privilege", "ask"),
            (.teams, "GET", "/Skype.Policy/configurations/TeamsMeetingPolicy", "", "read", "allow"),
            (
                .teams, "PUT", "/Skype.Policy/configurations/TeamsMeetingPolicy/configuration/Global", "{}",
                "privilege", "ask"
            ),
            (
                .teams, "PUT", "/Skype.Policy/configurations/TenantFederationSettings/configuration/Global", "{}",
                "external", "ask"
            ),
            (.teams, "POST", "/Teams.VoiceApps/callqueues", "{}", "external", "ask"),
            (.teams, "POST", "/Teams.Something/new", "{}", "write", "ask"),
            (
                .flow, "POST", "/providers/Microsoft.ProcessSimple/environments/e/flows/f/triggers/t/run", "{}", "send",
                "ask"
            ),
            (.powerPlatform, "GET", "/environmentmanagement/environments", "", "read", "allow"),
            (.powerPlatform, "POST", "/environmentmanagement/environments/e/disable", "", "destructive", "ask"),
            (.powerPlatform, "POST", "/somethingNew", "{}", "write", "ask"),
            (.dataverse, "GET", "/api/data/v9.2/accounts?$top=1", "", "read", "allow"),
            (.dataverse, "GET", "/api/data/v9.2/accounts(\(tenant))?$expand=primarycontactid", "", "read", "allow"),
            (.dataverse, "GET", "/api/data/v9.2/environmentvariablevalues", "", "secret", "ask"),
            (.dataverse, "GET", "/api/data/v9.2/environmentvariablevalues(\(tenant))", "", "secret", "ask"),
            (
                .dataverse, "GET", "/api/data/v9.2/environmentvariablevalues(\(tenant))/value/$value", "", "secret",
                "ask"
            ),
            (.dataverse, "GET", "/api/data/v9.2/ConnectionReferences(name='x')", "", "secret", "ask"),
            (
                .dataverse, "GET",
                "\(definitions)?$expand=environmentvariabledefinition_environmentvariablevalue($select=value)", "",
                "secret", "ask"
            ),
            (.dataverse, "PATCH", "/api/data/v9.2/accounts(\(tenant))", #"{"name":"x"}"#, "write", "allow"),
            (.dataverse, "PATCH", "/api/data/v9.2/cr1f3_orders(\(tenant))", #"{"cr1f3_name":"x"}"#, "write", "allow"),
            (
                .dataverse, "PATCH", "/api/data/v9.2/accounts(\(tenant))", #"{"ownerid@odata.bind":"/systemusers(1)"}"#,
                "privilege", "ask"
            ),
            (.dataverse, "PATCH", "/api/data/v9.2/mspp_webroles(\(tenant))", "{}", "privilege", "ask"),
            (.dataverse, "PATCH", "/api/data/v9.2/emailserverprofiles(\(tenant))", "{}", "write", "ask"),
            (.dataverse, "PATCH", "/api/data/v9.2/connectionreferences(\(tenant))", "{}", "write", "ask"),
            (.dataverse, "PATCH", "/api/data/v9.2/bots(\(tenant))", "{}", "write", "ask"),
            (.dataverse, "DELETE", "/api/data/v9.2/accounts(\(tenant))", "", "destructive", "ask"),
            (.dataverse, "POST", "/api/data/v9.2/GrantAccess", "{}", "privilege", "ask"),
            (.dataverse, "POST", "/api/data/v9.2/new_action", "{}", "write", "ask"),
            (.keyVault, "GET", "/secrets?api-version=7.4", "", "read", "allow"),
            (.keyVault, "GET", "/secrets/db/versions?api-version=7.4", "", "read", "allow"),
            (.keyVault, "GET", "/secrets/db?api-version=7.4", "", "secret", "ask"),
            (.keyVault, "GET", "/secrets/db/1?api-version=7.4", "", "secret", "ask"),
            (.keyVault, "POST", "/keys/k/1/decrypt?api-version=7.4", "{}", "secret", "ask"),
            (.keyVault, "PUT", "/secrets/db?api-version=7.4", "{}", "privilege", "ask"),
            (.keyVault, "DELETE", "/secrets/db?api-version=7.4", "", "destructive", "ask"),
            (.storage, "GET", "/container?restype=container&comp=list", "", "read", "allow"),
            (.storage, "PUT", "/container/list.csv", "a,b", "external", "ask"),
            (.storage, "DELETE", "/container/list.csv", "", "destructive", "ask"),
            (.signIn, "POST", "/\(tenant)/oauth2/v2.0/token", "grant_type=refresh_token", "read", "allow"),
            (.signIn, "POST", "/organizations/oauth2/v2.0/devicecode", "client_id=x", "read", "allow"),
            (.signIn, "GET", "/common/discovery/instance", "", "read", "allow"),
            (.signIn, "POST", "/common/somethingNew", "x=1", "write", "ask"),
            (nil, "GET", "/packages", "", "read", "allow"),
            (nil, "POST", "/upload", "{}", "external", "ask"),
        ] as [(RequestService?, String, String, String, String, String)])
    func plain(
        service: RequestService?, method: String, target: String, body: String, expected: String, decision: String
    ) {
        let type = body.hasPrefix("{") ? "application/json" : "application/octet-stream"
        let intent = Wire.intent(service, method, target, body, headers: body.isEmpty ? [] : [("Content-Type", type)])
        let verdict = intent.verdict(.standard)
        #expect(verdict.guardClass == GuardClass(word: expected), "\(verdict.rule): \(verdict.reason)")
        #expect(verdict.decision.rawValue == decision, "\(verdict.rule): \(verdict.reason)")
        #expect(intent.isRead == (expected == "read"))
    }

    @Test(
        "a header that names another method is read as the service reads it",
        arguments: [
            (.sharePoint, "POST", "/_api/web/lists/getbytitle('x')/items(1)", "MERGE", "write", "allow"),
            (.sharePoint, "POST", "/_api/web/lists/getbytitle('x')/items(1)", "DELETE", "destructive", "ask"),
            (.sharePoint, "GET", "/_api/web/lists/getbytitle('x')", "DELETE", "destructive", "ask"),
            (.sharePoint, "POST", "/_api/web/lists/getbytitle('x')/recycle", "POST", "destructive", "ask"),
            (.graph, "GET", "/v1.0/users/ann", "DELETE", "destructive", "ask"),
            (.graph, "POST", "/v1.0/users/ann", "delete", "destructive", "ask"),
            (.graph, "DELETE", "/v1.0/users/ann", "GET", "destructive", "ask"),
            (.graph, "POST", "/v1.0/me/sendMail", "GET", "send", "ask"),
            (.arm, "GET", "/subscriptions/s/resourceGroups/r", "DELETE", "destructive", "ask"),
            (.graph, "GET", "/v1.0/users/ann", "MERGE", "privilege", "ask"),
            (nil, "GET", "/x", "DELETE", "external", "ask"),
        ] as [(RequestService?, String, String, String, String, String)])
    func overrides(
        service: RequestService?, method: String, target: String, named: String, expected: String, decision: String
    ) {
        for header in ["X-HTTP-Method", "x-http-method-override", "X-METHOD-OVERRIDE"] {
            let verdict = Wire.intent(service, method, target, headers: [(header, named)]).verdict(.standard)
            #expect(verdict.guardClass == GuardClass(word: expected), "\(header): \(verdict.reason)")
            #expect(verdict.decision.rawValue == decision)
        }
        let both = Wire.intent(
            service, method, target, headers: [("X-HTTP-Method", named), ("X-HTTP-Method-Override", "GET")])
        #expect(named == "GET" || both.verdict(.standard).decision == .ask)
    }

    @Test(
        "people are told what a request works on",
        arguments: [
            (.graph, "DELETE", "/v1.0/users/ann@contoso.com", "", ["ann@contoso.com"]),
            (.graph, "DELETE", "/v1.0/users/ann%40contoso.com/messages('AAMk')", "", ["ann@contoso.com", "AAMk"]),
            (.arm, "DELETE", WireRequestTests.vm + "?api-version=1", "", ["vm1"]),
            (.arm, "POST", WireRequestTests.vm + "/deallocate?api-version=1", "", ["vm1"]),
            (.arm, "DELETE", "/subscriptions/s/resourceGroups/rg?api-version=1", "", ["rg"]),
            (
                .exchange, "POST", WireRequestTests.invoke,
                Wire.cmdlet("Set-Mailbox", #"{"Identity":"ann","ForwardingSmtpAddress":"x@evil.example"}"#),
                ["ann", "x@evil.example"]
            ),
            (
                .graph, "POST", "/v1.0/me/sendMail",
                #"{"message":{"toRecipients":[{"emailAddress":{"address":"ben@fabrikam.example"}}]}}"#,
                ["ben@fabrikam.example"]
            ),
            (
                .graph, "POST", "/v1.0/groups/00000000-0000-4000-8000-000000000001/members/$ref",
                #"{"@odata.id":"https://graph.microsoft.com/v1.0/directoryObjects/u1"}"#,
                ["00000000-0000-4000-8000-000000000001", "u1"]
            ),
            (
                .sharePoint, "POST", "/_vti_bin/client.svc/ProcessQuery",
                Wire.objects(#"<Method Name="DeleteObject" Id="9" ObjectPathId="3" />"#, Wire.list), ["Docs"]
            ),
        ] as [(RequestService?, String, String, String, [String])])
    func names(service: RequestService?, method: String, target: String, body: String, expected: [String]) {
        let intent = Wire.intent(service, method, target, body)
        for name in expected { #expect(intent.targets.contains(name), "\(intent.targets)") }
    }

    @Test("a user's own rule holds at the wire, for every service")
    func userRules() throws {
        let file = try UserRuleFile(
            bytes: Array(
                #"{"version":1,"rules":[{"id":"no-calls","requests":{"service":"teams","paths":["/Teams.VoiceApps/**"]},"decision":"deny"},{"id":"hr","requests":{"methods":["GET"],"paths":["/users/{}/messages/**"]},"decision":"ask"},{"id":"hold","cmdlets":["Set-Mailbox"],"decision":"deny"}]}"#
                    .utf8))
        let engine = GuardEngine(userRules: file)
        func decision(_ request: WireRequest) -> GuardDecision {
            engine.intent(of: request).verdict(.standard).decision
        }
        #expect(decision(Wire.request(.teams, "GET", "/Teams.VoiceApps/callqueues")) == .deny)
        #expect(decision(Wire.request(.graph, "GET", "/v1.0/users/ann/messages/m")) == .ask)
        #expect(decision(Wire.request(.graph, "GET", "/v1.0/users/ann")) == .allow)
    }
}
