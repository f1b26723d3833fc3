import MMCore
import MMGuard
import TestSupport
import Testing

@Suite("Requests to Flow, Azure and SharePoint", .timeLimit(.minutes(5)))
struct ServiceRuleTests {
    @Test(
        "each has its class and verdict by the standard policy",
        arguments: [
            (RequestService.flow, "GET", "/providers/Microsoft.ProcessSimple/environments", "read", "allow"),
            (.flow, "GET", "/providers/Microsoft.ProcessSimple/environments/e/flows/f/runs", "read", "allow"),
            (
                .flow, "POST", "/providers/Microsoft.ProcessSimple/environments/e/flows/f/triggers/manual/run", "send",
                "ask"
            ),
            (
                .flow, "POST",
                "/providers/Microsoft.ProcessSimple/environments/e/flows/f/triggers/t/histories/h/resubmit", "send",
                "ask"
            ),
            (
                .flow, "POST", "/providers/Microsoft.ProcessSimple/environments/e/flows/f/triggers/t/LISTCALLBACKURL",
                "secret", "ask"
            ),
            (.flow, "POST", "/providers/Microsoft.ProcessSimple/environments/e/flows/f/stop", "destructive", "ask"),
            (.flow, "POST", "/providers/Microsoft.ProcessSimple/environments/e/flows/f/start", "subscription", "ask"),
            (.flow, "POST", "/providers/Microsoft.ProcessSimple/environments/e/flows/f/restore", "write", "allow"),
            (
                .flow, "POST", "/providers/Microsoft.ProcessSimple/environments/e/flows/f/modifyPermissions",
                "privilege", "ask"
            ),
            (.flow, "PATCH", "/providers/Microsoft.ProcessSimple/environments/e/flows/f", "external", "ask"),
            (
                .flow, "POST", "/providers/Microsoft.ProcessSimple/environments/e/flows/f/exportToARMTemplate",
                "external", "ask"
            ),
            (.flow, "DELETE", "/providers/Microsoft.ProcessSimple/environments/e/flows/f", "destructive", "ask"),
            (.flow, "POST", "/providers/Microsoft.ProcessSimple/environments/e/somethingNew", "write", "ask"),
            (
                .flow, "POST", "/providers/Microsoft.ProcessSimple/environments/e/flows/f/checkFlowErrors", "read",
                "allow"
            ),
            (.arm, "POST", "/subscriptions/s/resourceGroups/r/validateMoveResources", "read", "allow"),
            (.bap, "POST", "/providers/Microsoft.BusinessAppPlatform/listTenantSettings", "read", "allow"),
            (
                .bap, "POST", "/providers/Microsoft.BusinessAppPlatform/scopes/admin/updateTenantSettings", "privilege",
                "ask"
            ),
            (.bap, "PUT", "/providers/Microsoft.BusinessAppPlatform/adminApplications/a", "privilege", "ask"),
            (.arm, "GET", "/subscriptions/s/resourceGroups", "read", "allow"),
            (.arm, "POST", "/providers/Microsoft.ResourceGraph/resources", "read", "allow"),
            (
                .arm, "POST",
                "/subscriptions/s/resourceGroups/r/providers/Microsoft.Storage/storageAccounts/a/listKeys",
                "secret", "ask"
            ),
            (
                .arm, "POST", "/subscriptions/s/resourceGroups/r/providers/Microsoft.Foo/bars/b/listAccessKeys",
                "secret", "ask"
            ),
            (
                .arm, "POST", "/subscriptions/s/resourceGroups/r/providers/Microsoft.Foo/keys/listAccessKeys/start",
                "write", "ask"
            ),
            (.arm, "PUT", "/subscriptions/s/providers/Microsoft.Authorization/roleAssignments/x", "privilege", "ask"),
            (.arm, "POST", "/providers/Microsoft.Authorization/elevateAccess", "privilege", "ask"),
            (
                .arm, "POST",
                "/subscriptions/s/resourceGroups/r/providers/Microsoft.Compute/virtualMachines/v/runCommand",
                "privilege", "ask"
            ),
            (
                .arm, "POST",
                "/subscriptions/s/resourceGroups/r/providers/Microsoft.Compute/virtualMachines/v/deallocate",
                "destructive", "ask"
            ),
            (.arm, "DELETE", "/subscriptions/s/resourceGroups/r", "destructive", "ask"),
            (.arm, "PUT", "/subscriptions/s/resourceGroups/r", "write", "allow"),
            (.arm, "PUT", "/subscriptions/s/resourceGroups/r/providers/Microsoft.Foo/bars/b", "write", "ask"),
            (
                .arm, "GET", "/subscriptions/s/resourceGroups/token-keys/providers/Microsoft.Web/sites/secrets", "read",
                "allow"
            ),
            (
                .arm, "GET",
                "/subscriptions/s/resourceGroups/r/providers/Microsoft.Web/sites/a/hostruntime/admin/host/systemkeys/_master",
                "secret", "ask"
            ),
            (
                .arm, "GET", "/subscriptions/s/resourceGroups/r/providers/Microsoft.Network/connections/c/sharedkey",
                "secret", "ask"
            ),
            (
                .arm, "GET", "/subscriptions/s/resourceGroups/r/providers/Microsoft.Foo/bars/b/accessTokens/t",
                "secret",
                "ask"
            ),
            (.powerApps, "GET", "/providers/Microsoft.PowerApps/apis/a/connections/c/credentials", "secret", "ask"),
            (.sharePoint, "GET", "/_api/web/lists", "read", "allow"),
            (.sharePoint, "POST", "/_api/SP.Utilities.Utility.SendEmail", "send", "ask"),
            (.sharePoint, "POST", "/_api/web/lists", "write", "ask"),
            (.sharePoint, "POST", "/sites/x/_api/web/roleassignments/addroleassignment", "privilege", "ask"),
            (.sharePoint, "DELETE", "/_api/web/roleassignments(5)", "privilege", "ask"),
            (.sharePoint, "PATCH", "/_api/web/siteusers('x')", "privilege", "ask"),
            (.sharePoint, "POST", "/_api/web/lists/getbytitle('x')/breakroleinheritance(true)", "privilege", "ask"),
            (.sharePoint, "POST", "/_vti_bin/client.svc/web/ensureuser('x')", "privilege", "ask"),
            (.sharePoint, "POST", "/_api/web/lists/getbytitle('x')/items(1)/recycle()", "destructive", "ask"),
            (.sharePoint, "POST", "/_api/web/lists/getbytitle('x')/items(1)/shareLink()", "external", "ask"),
            (.sharePoint, "POST", "/_api/SP.Web.ShareObject()", "external", "ask"),
            (.sharePoint, "POST", "/_api/v2.0/drives/d/items/i/invite", "external", "ask"),
            (.sharePoint, "POST", "/sites/a/_api/v2.1/sites/root/drive/root:/a.docx:/createLink", "external", "ask"),
            (.sharePoint, "PATCH", "/_api/v2.1/drives/d/items/i", "privilege", "ask"),
            (.sharePoint, "POST", "/_api/SP.Utilities.Utility.SendEmail()", "send", "ask"),
            (.sharePoint, "POST", "/_api/web/ensureuser('x')/getChanges", "privilege", "ask"),
            (.sharePoint, "POST", "/_api/web/ensureuser('x')/getChanges(query=@q)", "privilege", "ask"),
            (.sharePoint, "POST", "/_api/web/ensureuser('x')/items(1)", "privilege", "ask"),
            (.sharePoint, "POST", "/_api/web/lists/getbytitle('x')/recycle()/items", "destructive", "ask"),
            (.sharePoint, "POST", "/_api/web/lists(1)/items(1)/recycle%20()/getitems", "destructive", "ask"),
            (.sharePoint, "POST", "/_vti_bin/x/web/ensureuser('x')/getChanges", "privilege", "ask"),
            (.sharePoint, "POST", "/_api/web/webs/add(parameters=@p)/getChanges", "write", "ask"),
            (.sharePoint, "POST", "/_api/web/folders/add('x')/files/getitems", "write", "allow"),
            (.sharePoint, "POST", "/_api/site/delete/getitems", "write", "ask"),
            (.sharePoint, "POST", "/_api/web/lists/add/getChanges", "write", "ask"),
            (.sharePoint, "POST", "/_api/site/rootweb/lists(guid'x')/getChanges", "read", "allow"),
            (.sharePoint, "POST", "/_api/search/postquery", "read", "allow"),
            (.sharePoint, "POST", "/sites/a/_api/contextinfo", "read", "allow"),
            (.sharePoint, "POST", "/_api/web/getfolderbyid('a/b(1)/c (2)')/files/add(url='x')", "write", "allow"),
            (.sharePoint, "POST", "/_api/web/lists/getbytitle('x')/getitems(query=@q)", "read", "allow"),
            (.sharePoint, "POST", "/_api/web/lists(guid'x')/RenderListDataAsStream()", "read", "allow"),
            (.sharePoint, "POST", "/sites/recycle/_api/web/lists/getbytitle('x')/getitems", "read", "allow"),
            (.sharePoint, "PATCH", "/_api/web/lists/getbytitle('x')/items(1)", "write", "allow"),
        ] as [(RequestService, String, String, String, String)])
    func rules(service: RequestService, method: String, path: String, expected: String, decision: String) throws {
        let target = try RequestTarget(parsing: path, service: service)
        let verdict = GuardEngine().judge(GuardedRequest(method: method, target: target), policy: .standard)
        #expect(verdict.guardClass == GuardClass(word: expected), "\(verdict.rule)")
        #expect(verdict.decision.rawValue == decision)
    }

    @Test("reads of Azure that hand out keys are told from those that don't, by hundreds of its paths")
    func reads() throws {
        var counts: [String: Int] = [:]
        for line in try Fixture.text("guard/arm-reads.txt").split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            let path = words[1] + (words[1].contains("api-version") ? "" : words[1].contains("?") ? "&" : "?")
            let target = try RequestTarget(
                parsing: path + (path.contains("api-version") ? "" : "api-version=2024-01-01"), service: .arm)
            let verdict = GuardEngine.standard.judge(GuardedRequest(method: "GET", target: target), policy: .standard)
            #expect(verdict.guardClass.rawValue == words[0], "\(line): \(verdict.rule)")
            counts[words[0], default: 0] += 1
        }
        #expect(counts["secret"] ?? 0 >= 60 && counts["read"] ?? 0 >= 380)
    }

    @Test(
        "a request for a secret is told to leave it out of $select only if that would help",
        arguments: [
            (RequestService.graph, "/v1.0/directory/deviceLocalCredentials/x?$select=credentials", true),
            (.keyVault, "/secrets/s", false), (.arm, "/subscriptions/s/providers/Microsoft.Foo/bars/b/secrets", false),
        ])
    func remedies(service: RequestService, path: String, hasSelection: Bool) throws {
        let target = try RequestTarget(parsing: path, service: service)
        let verdict = GuardEngine().judge(GuardedRequest(method: "GET", target: target), policy: .standard)
        #expect(verdict.guardClass == .secret, "\(verdict.rule)")
        #expect((verdict.instead?.contains("$select") == true) == hasSelection, "\(verdict.instead ?? "none")")
    }

    @Test("the items of an Azure batch are judged one by one")
    func batch() throws {
        let target = try RequestTarget(parsing: "/batch?api-version=2020-06-01", service: .arm)
        let body: JSONValue = [
            "requests": [
                ["httpMethod": "GET", "relativeUrl": "/subscriptions"],
                ["httpMethod": "DELETE", "relativeUrl": "/subscriptions/s/resourceGroups/r?api-version=1"],
            ]
        ]
        let verdict = GuardEngine().judge(
            GuardedRequest(method: "POST", target: target, body: .json(body)), policy: .standard)
        #expect(verdict.guardClass == .destructive)
        #expect(verdict.decision == .ask)
    }
}
