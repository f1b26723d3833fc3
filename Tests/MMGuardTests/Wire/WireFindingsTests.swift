import MMCore
import MMGuard
import Testing

@Suite("Who reads a request, and what is blocked however it was written", .timeLimit(.minutes(5)))
struct WireFindingsTests {
    private static let assignment =
        "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Authorization/roleAssignments/x"
    private static let vault = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/v"

    private static func intent(
        _ service: RequestService?, _ origin: String, _ owner: WireRequest.Owner, _ method: String, _ target: String,
        headers: [WireRequest.Field] = []
    ) -> RequestIntent {
        GuardEngine.standard.intent(
            of: WireRequest(
                service: service, origin: origin, owner: owner, method: method, target: target, headers: headers))
    }

    @Test(
        "an act of the blocked list is refused by what it comes to, also where a person has said yes to the text",
        arguments: [
            (.arm, "PUT", assignment, "{}"), (.arm, "DELETE", assignment.lowercased(), ""),
            (.arm, "PUT", assignment.replacing("role", with: "%72ole") + "?api-version=2022-04-01", "{}"),
            (.arm, "PUT", vault + "/accessPolicies/add", "{}"),
            (
                .arm, "POST", "/batch",
                #"{"requests":[{"httpMethod":"PUT","relativeUrl":"\#(assignment)","content":{}}]}"#
            ),
        ] as [(RequestService, String, String, String)])
    func blocked(service: RequestService, method: String, target: String, body: String) {
        let intent = Wire.intent(service, method, target, body)
        #expect(
            intent.verdict(.standard).decision == .deny && intent.findings.contains { $0.rule == "seed-blocked" },
            "\(intent)")
        var grant = RequestGrantTests.grant("Remove-Mailbox ann@contoso.com; & $hidden")
        #expect(RequestGrantTests.word(grant.judge(intent, number: 1)) == "denied")
    }

    @Test(
        "a gallery is read, and none of its packages taken",
        arguments: [
            ("/api/v2/Packages?$filter=Id eq 'Az'", true), ("/api/v2/FindPackagesById()?id='Az'", true),
            ("/packages/Az", true),
            ("/api/v2/package/Az/12.0.0", false), ("/api/v2/%70ackage/Az/12.0.0", false),
            ("/packages/az.12.0.0.nupkg", false),
        ])
    func gallery(target: String, passes: Bool) {
        let intent = Self.intent(nil, "https://www.powershellgallery.com", .named, "GET", target)
        #expect((intent.verdict(.standard).decision == .allow) == passes)
        #expect(
            Self.intent(nil, "https://cdn.powershellgallery.com", .named, "GET", "/x").verdict(.standard).decision
                == .deny)
    }

    @Test(
        "looking at what is blocked, and what stands beside it, is not",
        arguments: [
            (RequestService.arm, "GET", assignment), (.graph, "GET", "/v1.0/applications"),
            // An app that is registered is asked about, by every road.
            (.graph, "POST", "/v1.0/applications"), (.graph, "POST", "/v1.0/servicePrincipals"),
            (.graph, "POST", "/v1.0/applications/1/owners/$ref"), (.arm, "PUT", vault),
            (.graph, "PATCH", "/v1.0/users/ann"),
        ])
    func beside(service: RequestService, method: String, target: String) {
        #expect(!Wire.intent(service, method, target, "{}").findings.contains { $0.rule == "seed-blocked" })
    }

    @Test(
        "a read at a host that nothing of the tenant has named is asked about, with what it sends",
        arguments: [
            (RequestService.storage, "https://evil.blob.core.windows.net", "/c/b?data=SECRET"),
            (.keyVault, "https://evil.vault.azure.net", "/certificates?x=SECRET"),
            (.dataverse, "https://evil.crm.dynamics.com", "/api/data/v9.2/accounts?$filter=SECRET"),
            (nil, "https://www.powershellgallery.com", "/api/v2/Packages?$filter=SECRET"),
        ])
    func unnamed(service: RequestService?, origin: String, target: String) throws {
        let known = Self.intent(service, origin, .named, "GET", target)
        #expect(known.isRead && known.verdict(.standard).decision == .allow)
        let unknown = Self.intent(service, origin, .unknown, "GET", target)
        #expect(!unknown.isRead && unknown.verdict(.standard).decision == .ask)
        #expect(unknown.verdict(GuardPolicy(.readonly)).decision == .deny)
        var grant = RequestGrantTests.grant("Get-Mailbox")
        guard case .hold(let question) = grant.judge(unknown, number: 1) else {
            Issue.record("it was not held")
            return
        }
        #expect(
            question.verdict.reason.contains(origin.dropFirst(8)) && question.intent.request.line.contains("SECRET"))
        var outside = RequestGrant.outsideCalls(policy: .standard)
        #expect(RequestGrantTests.word(outside.judge(unknown, number: 2)) == "outside_call")
    }

    @Test(
        "a read tells a host that is no service's own a little and no more",
        arguments: [
            (WireRequest.Owner.named, 3_000, 0, false), (.named, 500, 0, true), (.named, 100, 5_000, false),
            (.service, 6_000, 6_000, true),
        ])
    func long(owner: WireRequest.Owner, query: Int, header: Int, passes: Bool) {
        let target = "/v1.0/x?q=" + String(repeating: "a", count: query)
        let fields = [WireRequest.Field("X-Note", String(repeating: "b", count: header))]
        for service in [nil, RequestService.storage] where owner == .named {
            let intent = Self.intent(service, "https://api.contoso.com", owner, "GET", target, headers: fields)
            #expect((intent.verdict(.standard).decision == .allow) == passes)
        }
        guard owner == .service else { return }
        let own = Self.intent(
            .graph, "https://graph.microsoft.com", owner, "GET", "/v1.0/users?$filter=" + target, headers: fields)
        #expect(own.verdict(.standard).decision == .allow)
    }

    @Test("what runs with a warning alone sends what it was warned about, and nothing of another class")
    func warned() {
        let policy = GuardPolicy(.standard, warnsOnly: true)
        let text = "Remove-AzResourceGroup -Name rg-old -Force"
        let old = Wire.intent(.arm, "DELETE", "/subscriptions/s/resourceGroups/rg-old")
        var grant = RequestGrantTests.grant(text, policy: policy)
        #expect(RequestGrantTests.word(grant.judge(old, number: 1)) == "allow")
        let other = Wire.intent(.arm, "DELETE", "/subscriptions/s/resourceGroups/rg-new")
        #expect(RequestGrantTests.word(grant.judge(other, number: 2)) == "hold")
        #expect(RequestGrantTests.word(grant.judge(RequestGrantTests.requests["mail"] ?? old, number: 3)) == "hold")
        var asked = RequestGrantTests.grant("Get-AzResourceGroup", policy: policy)
        #expect(RequestGrantTests.word(asked.judge(old, number: 1)) == "hold")
    }
}
