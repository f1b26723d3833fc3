import MMCore
import MMIdentity
import Testing

@testable import MMEgress

@Suite("The hosts of a session", .timeLimit(.minutes(5)))
struct EgressHostsTests {
    private func hosts(_ allow: [String] = []) throws -> EgressHosts {
        let home = StatePaths(environment: ["HOME": "/nonexistent"])
        return EgressHosts(
            cloud: try Cloud.named("public", paths: home), sharePoint: "contoso",
            allow: allow.compactMap { PlainHostName($0) })
    }

    @Test(
        "hosts of the cloud and tenant are allowed, each as its service",
        arguments: [
            ("graph.microsoft.com:443", CloudHost.Service.resource(.graph)),
            ("GRAPH.microsoft.com:443", .resource(.graph)),
            ("login.microsoftonline.com:443", .signIn), ("login.windows.net:443", .signIn),
            ("management.azure.com:443", .resource(.arm)), ("outlook.office365.com:443", .resource(.exchange)),
            ("nam12b.ps.compliance.protection.outlook.com:443", .resource(.compliance)),
            ("contoso.sharepoint.com:443", .resource(.sharePoint("contoso"))),
            ("contoso-admin.sharepoint.com:443", .resource(.sharePoint("contoso-admin"))),
            ("europe.api.flow.microsoft.com:443", .resource(.flow)),
            ("myvault.vault.azure.net:443", .resource(.keyVault)), ("files.blob.core.windows.net:443", .storage),
            ("config.teams.microsoft.com:443", .resource(.teams)),
            ("contoso.crm4.dynamics.com:443", .dataverse), ("contoso.api.crm.dynamics.com:443", .dataverse),
            ("centralus1-mediap.svc.ms:443", .contents), ("www.powershellgallery.com:443", .gallery),
        ])
    func known(_ text: String, _ service: CloudHost.Service) throws {
        let name = try #require(PlainHostName(text))
        let place = try #require(try hosts().place(name, isSecure: true))
        #expect(place.service == service && place.issuesTokens == (service == .signIn))
        let open: [CloudHost.Service] = [.storage, .dataverse, .contents, .gallery, .resource(.keyVault)]
        #expect(place.isOpenToStrangers == open.contains(service))
    }

    @Test(
        "an added host accepts the token of the API that the owner has there, and no other",
        arguments: [
            ("https://hr.example.com", "hr.example.com", true), ("https://HR.example.com/", "hr.example.com", true),
            ("https://hr.example.com", "hr.example.com:8443", false), ("https://hr.example.com", "example.com", false),
            ("api://hr", "backend.example.com", true), ("api://hr", "hr.example.com", false),
            ("https://graph.microsoft.com", "hr.example.com", false),
            ("https://graph.microsoft.com", "backend.example.com", false), ("api://other", "example.com", false),
        ])
    func apis(audience: String, host: String, accepted: Bool) throws {
        let apis = [
            try ConnectionAPI("https://hr.example.com"),
            try ConnectionAPI("api://hr", address: "https://backend.example.com"), try ConnectionAPI("api://other"),
        ]
        let cloud = try Cloud.named("public", paths: StatePaths(environment: ["HOME": "/nonexistent"]))
        let name = try #require(PlainHostName(host))
        let place = EgressHosts(cloud: cloud, allow: [name], apis: apis).place(name, isSecure: true)
        #expect(place?.accepts(audience: audience) == accepted)
        #expect(EgressHosts(cloud: cloud, apis: apis).place(name, isSecure: true) == nil)
    }

    @Test("an API at a service of the cloud gives that service no further token")
    func apiAtService() throws {
        let cloud = try Cloud.named("public", paths: StatePaths(environment: ["HOME": "/nonexistent"]))
        let name = try #require(PlainHostName("outlook.office365.com"))
        let api = try ConnectionAPI("api://hr", address: "https://outlook.office365.com")
        let place = EgressHosts(cloud: cloud, allow: [name], apis: [api]).place(name, isSecure: true)
        #expect(place?.service == .resource(.exchange) && place?.accepts(audience: "api://hr") == false)
    }

    @Test(
        "a name that anyone can register is known only if the owner, a person or the tenant's own list names it",
        arguments: [
            "evil.blob.core.windows.net", "evil.vault.azure.net", "evil.crm.dynamics.com", "www.powershellgallery.com",
        ])
    func rented(_ host: String) throws {
        let name = try #require(PlainHostName(host))
        let unknown = try hosts()
        #expect(unknown.place(name, isSecure: true)?.owner == .unknown)
        unknown.tenant.admit(host)
        #expect(unknown.place(name, isSecure: true)?.owner == .named)
        #expect(try hosts([host]).place(name, isSecure: true)?.owner == .named)
        for own in ["graph.microsoft.com", "globaldisco.crm.dynamics.com", "contoso.sharepoint.com", "x.svc.ms"] {
            let name = try #require(PlainHostName(own))
            #expect(unknown.place(name, isSecure: true)?.owner == .service, "\(own)")
        }
    }

    @Test(
        "names are taken from a service's own properties of its resources, never from text that somebody wrote into one"
    )
    func learned() throws {
        let hosts = try hosts()
        let id = "/subscriptions/s/resourceGroups/rg/providers/"
        let list: JSONValue = [
            "value": [
                [
                    "id": .string(id + "Microsoft.Storage/storageAccounts/mine"),
                    "type": "Microsoft.Storage/storageAccounts", "name": "mine",
                    "tags": ["vaultUri": "https://evil.vault.azure.net/", "name": "evil"],
                    "properties": ["primaryEndpoints": ["blob": "https://evil.blob.core.windows.net/"]],
                ],
                [
                    "id": .string(id + "Microsoft.KeyVault/vaults/keys"), "type": "Microsoft.KeyVault/vaults",
                    "name": "keys",
                ],
                [
                    "id": .string(id + "Microsoft.Resources/deployments/evil"),
                    "type": "Microsoft.KeyVault/vaults", "name": "evil",
                ],
                ["type": "Microsoft.KeyVault/vaults", "name": "evil"],
                [
                    "type": "Microsoft.BusinessAppPlatform/scopes/environments", "name": "e",
                    "properties": [
                        "displayName": "https://evil.crm.dynamics.com",
                        "linkedEnvironmentMetadata": ["instanceUrl": "https://org1.crm4.dynamics.com/"],
                    ],
                ],
            ]
        ]
        hosts.tenant.learn(from: JSONWriter.bytes(list))
        for host in [
            "mine.blob.core.windows.net", "mine.dfs.core.windows.net", "keys.vault.azure.net", "org1.crm4.dynamics.com",
        ] { #expect(hosts.tenant.contains(host), "\(host)") }
        for host in ["evil.vault.azure.net", "evil.blob.core.windows.net", "evil.crm.dynamics.com"] {
            #expect(!hosts.tenant.contains(host), "\(host)")
        }
    }

    @Test(
        "any other name is refused",
        arguments: [
            "example.com:443", "graph.microsoft.com.evil.example:443", "evilgraph.microsoft.com:443",
            "fabrikam.sharepoint.com:443", "sharepoint.com:443", "a.b.vault.azure.net:443",
            "xn--grph-0qa.blob.core.windows.net:443", "graph.microsoft.com:8443", "graph.microsoft.com:80",
            "169.254.169.254:443", "127.0.0.1:443", "dc.services.visualstudio.com:443",
        ])
    func foreign(_ text: String) throws {
        let name = try #require(PlainHostName(text))
        #expect(try hosts().place(name, isSecure: true) == nil)
        #expect(try hosts().place(name, isSecure: false) == nil)
    }

    @Test(
        "ambiguous names are refused",
        arguments: [
            "", ":443", "graph.microsoft.com.:443", "grаph.microsoft.com:443", "graph%2emicrosoft.com:443",
            "user@graph.microsoft.com:443", "graph.microsoft.com:0443", "graph.microsoft.com:99999", "2130706433:443",
            "0x7f.0.0.1:443", "127.1:443", "0177.0.0.1:443", "[::1]:443", "graph..microsoft.com", "-a.example:443",
            "graph.microsoft.com:443:443", "graph.microsoft.com/:443", "graph_api.example:443",
        ])
    func unreadable(_ text: String) {
        #expect(PlainHostName(text) == nil)
    }

    @Test("hosts that the owner adds are allowed, get no token of the cloud, and are marked")
    func added() throws {
        let name = try #require(PlainHostName("build.contoso.com:8443"))
        let place = try #require(try hosts(["api.contoso.com", name.description]).place(name, isSecure: true))
        #expect(
            place.service == nil && place.isOpenToStrangers && !place.accepts(audience: "https://graph.microsoft.com"))
    }

    @Test(
        "of a list, exactly the names that it contains or covers are allowed, only at their ports",
        arguments: [
            ("api.example.com", "api.example.com:443", true, true), ("api.example.com", "API.example.com", true, true),
            ("api.example.com", "x.api.example.com", true, false), ("api.example.com", "example.com", true, false),
            ("api.example.com", "api.example.com.evil.example", true, false),
            ("api.example.com", "api.example.com:8443", true, false),
            ("api.example.com", "api.example.com", false, false),
            ("*.example.com", "api.example.com", true, true), ("*.example.com", "a.b.example.com", true, true),
            ("*.example.com", "example.com", true, false), ("*.example.com", "evilexample.com", true, false),
            ("*.example.com", "api.example.com", false, false), ("localhost:8080", "localhost:8080", false, true),
            ("localhost:8080", "localhost:8080", true, true), ("localhost:8080", "localhost", false, false),
            ("mirror.example.com:80", "mirror.example.com", false, true),
            ("mirror.example.com:80", "mirror.example.com", true, false),
            ("*.example.com:80", "deb.example.com", false, true), ("127.0.0.1:9", "127.0.0.1:9", false, true),
            ("api.example.com", "graph.microsoft.com", true, false),
        ])
    func listed(_ pattern: String, _ asked: String, _ isSecure: Bool, _ isReached: Bool) throws {
        let hosts = EgressHosts(listed: [try #require(HostPattern(pattern))], rule: "Nothing else.")
        let name = try #require(PlainHostName(asked))
        let place = hosts.place(name, isSecure: isSecure)
        #expect((place != nil) == isReached)
        #expect(place.map { $0.service == nil && $0.isOpenToStrangers && !$0.issuesTokens } ?? true)
    }

    @Test(
        "a pattern that would cover everything, or is ambiguous, is invalid",
        arguments: [
            "", "*", "*.", "*.com", "*.*.example.com", "a.*.example.com", "*example.com", "*.1.2.3.4",
            "https://a.example",
        ])
    func patterns(_ text: String) {
        #expect(HostPattern(text) == nil)
    }

    @Test("a token is accepted for its audience, in each of its spellings")
    func audiences() throws {
        let hosts = try hosts()
        let place = { (text: String) in
            let name = try #require(PlainHostName(text))
            return try #require(hosts.place(name, isSecure: true))
        }
        let graph = try place("graph.microsoft.com:443")
        #expect(graph.accepts(audience: "https://graph.microsoft.com/"))
        #expect(graph.accepts(audience: "00000003-0000-0000-c000-000000000000"))
        #expect(!graph.accepts(audience: "https://management.azure.com"))
        #expect(try place("management.azure.com:443").accepts(audience: "https://management.core.windows.net//"))
        let organization = try place("contoso.crm4.dynamics.com:443")
        #expect(organization.accepts(audience: "https://contoso.crm4.dynamics.com/"))
        #expect(!organization.accepts(audience: "https://fabrikam.crm4.dynamics.com"))
        #expect(try !place("login.microsoftonline.com:443").accepts(audience: "https://graph.microsoft.com"))
    }
}
