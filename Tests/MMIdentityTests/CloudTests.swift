import MMCore
import TestSupport
import Testing

@testable import MMIdentity

@Suite("Clouds", .timeLimit(.minutes(5)))
struct CloudTests {
    @Test(
        "every cloud has its addresses for sign-in and services",
        arguments: [
            ("public", "login.microsoftonline.com", "graph.microsoft.com", "api.flow.microsoft.com"),
            ("gcc", "login.microsoftonline.com", "graph.microsoft.com", "gov.api.flow.microsoft.us"),
            ("gcchigh", "login.microsoftonline.us", "graph.microsoft.us", "high.api.flow.microsoft.us"),
            ("dod", "login.microsoftonline.us", "dod-graph.microsoft.us", "api.flow.appsplatform.us"),
            ("china", "login.partner.microsoftonline.cn", "microsoftgraph.chinacloudapi.cn", "api.powerautomate.cn"),
        ])
    func rows(name: String, login: String, graph: String, flow: String) throws {
        let cloud = try #require(Cloud.table[name])
        #expect(cloud.login == "https://" + login && cloud.environment == login)
        #expect(cloud.base(of: .graph) == "https://" + graph)
        #expect(cloud.base(of: .flow) == "https://" + flow)
        for resource in ServiceResource.plain where resource != .teams {
            #expect(cloud.base(of: resource) != nil && cloud.defaultScope(of: resource) != nil, "\(resource.name)")
        }
    }

    @Test("Exchange in China uses its own host name for requests and tokens")
    func exchangeInChina() throws {
        let cloud = try #require(Cloud.table["china"])
        #expect(cloud.base(of: .exchange) == "https://partner.outlook.cn")
        #expect(cloud.defaultScope(of: .exchange) == "https://partner.outlook.cn/.default")
    }

    @Test(
        "requests may be sent to every host in a cloud's row",
        arguments: [RequestService.graph, .flow, .arm, .exchange, .bap, .powerApps])
    func hosts(service: RequestService) throws {
        let resource = try #require(ServiceResource(service))
        for (name, cloud) in Cloud.table {
            let host = try #require(cloud.base(of: resource).flatMap { WebAddress($0)?.host })
            #expect(service.knownHosts.contains(host), "\(name)")
        }
    }

    @Test("the audience may differ from the address: Flow, Power Apps, Teams")
    func audiences() throws {
        let cloud = try #require(Cloud.table["public"])
        #expect(cloud.defaultScope(of: .flow) == "https://service.flow.microsoft.com/.default")
        #expect(cloud.defaultScope(of: .bap) == "https://service.powerapps.com/.default")
        #expect(cloud.defaultScope(of: .teams) == "48ac35b8-9aa8-4d74-927d-1f4a14a0b239/.default")
        #expect(cloud.defaultScope(of: .sharePoint("Contoso-admin")) == "https://contoso-admin.sharepoint.com/.default")
        #expect(cloud.base(of: .sharePoint("evil.example/")) == nil)
    }

    @Test(
        "a token is sent only to hosts in its cloud's row",
        arguments: [
            ("https://graph.microsoft.com/v1.0/me", ServiceResource.graph, true),
            ("https://GRAPH.microsoft.com:443/v1.0", .graph, true), ("https://graph.microsoft.com./v1.0", .graph, true),
            ("http://graph.microsoft.com/v1.0", .graph, false), ("https://graph.microsoft.com:444/", .graph, false),
            ("https://graph.microsoft.com@evil.example/", .graph, false),
            ("https://user@graph.microsoft.com/", .graph, false),
            ("https://graph.microsoft.com.evil.example", .graph, false),
            ("https://evil.example/graph.microsoft.com", .graph, false), ("https://graph.microsoft.us/", .graph, false),
            ("https://graph.microsoft.com\\@evil.example/", .graph, false),
            ("https://graph.microsoft.com\u{9}/", .graph, false), ("https://sub.graph.microsoft.com/", .graph, false),
            ("https://api.flow.microsoft.com:443/x", .flow, true),
            ("https://emea.api.flow.microsoft.com:443/providers", .flow, true),
            ("https://emeaapi.flow.microsoft.com/", .flow, false), ("https://graph.microsoft.com/", .flow, false),
            ("//graph.microsoft.com/", .graph, false), ("/v1.0/me", .graph, false), ("", .graph, false),
            ("https://", .graph, false), ("https://graph.microsoft.com:0/", .graph, false),
        ] as [(String, ServiceResource, Bool)])
    func admits(address: String, resource: ServiceResource, expected: Bool) throws {
        #expect(try #require(Cloud.table["public"]).admits(address, for: resource) == expected)
    }

    @Test("the sandbox is found by its file or by MM_SANDBOX_URL, only on this machine")
    func sandbox() throws {
        let home = try TestHome()
        #expect(throws: MMError.self) { try Cloud.named("sandbox", paths: home.paths) }
        try home.write(
            home.paths.sandboxFile,
            Array(#"{"login": "http://127.0.0.1:4001", "graph": "http://127.0.0.1:4002/", "pid": 1}"#.utf8))
        let cloud = try Cloud.named("sandbox", paths: home.paths)
        #expect(cloud.login == "http://127.0.0.1:4001" && cloud.base(of: .graph) == "http://127.0.0.1:4002")
        #expect(cloud.environment == "127.0.0.1" && cloud.base(of: .flow) == nil)
        #expect(cloud.admits("http://127.0.0.1:4002/v1.0/me", for: .graph))
        #expect(!cloud.admits("http://127.0.0.1:4001/v1.0/me", for: .graph))
        #expect(
            cloud.base(of: .sharePoint("contoso")) == "http://127.0.0.1:4001",
            "a sandbox token never goes to a real host")
        // Callers use the public cloud's addresses; requests go to the sandbox anyway.
        let written = cloud.writtenBases(of: .graph)
        #expect(written.first == cloud.base(of: .graph) && written.last == "https://graph.microsoft.com")
        let named = try Cloud.named(
            "sandbox", paths: home.paths, environment: ["MM_SANDBOX_URL": "http://localhost:4003"])
        #expect(named.base(of: .flow) == "http://localhost:4003")
    }

    @Test("a restarted sandbox is found at its new address, even if the old one was used before")
    func startedAnew() async throws {
        let home = try TestHome()
        for port in 4_001...4_003 {
            try home.write(home.paths.sandboxFile, Array(#"{"login": "http://127.0.0.1:\#(port)"}"#.utf8))
            // Once right after writing the file, and once after it has settled, when its content is cached.
            for _ in 0..<2 {
                #expect(try Cloud.named("sandbox", paths: home.paths).login == "http://127.0.0.1:\(port)")
                _ = await eventually {
                    if case .file(let mark) = FileStamp.lookUp(home.paths.sandboxFile) { mark.isStable } else { false }
                }
            }
            #expect(try Cloud.named("sandbox", paths: home.paths).login == "http://127.0.0.1:\(port)")
        }
        try ProtectedFile.remove(home.paths.sandboxFile)
        #expect(throws: MMError.self) { try Cloud.named("sandbox", paths: home.paths) }
    }

    @Test(
        "an address of the sandbox on another machine is refused",
        arguments: [
            "http://example.com", "https://example.com", "http://127.0.0.1.example.com", "http://user@127.0.0.1",
            "http://0177.0.0.1", "ftp://127.0.0.1", "http://127.0.0.1/path", "127.0.0.1:80", "http://10.0.0.1",
        ])
    func foreignSandbox(address: String) throws {
        let home = try TestHome()
        let error = #expect(throws: MMError.self) {
            try Cloud.named("sandbox", paths: home.paths, environment: ["MM_SANDBOX_URL": address])
        }
        #expect(error?.code == .invalidInput)
    }

    @Test("an unknown cloud gets the known ones listed")
    func unknown() throws {
        let error = #expect(throws: MMError.self) { try Cloud.named("mars", paths: try TestHome().paths) }
        #expect(error?.hint?.contains("gcchigh") == true)
    }

    @Test("a file can describe another cloud")
    func file() throws {
        let home = try TestHome()
        try home.write(
            "\(home.path)/delos.json",
            Array(
                """
                {"login": "https://login.delos.example/", "loginAliases": ["sts.delos.example"],
                 "sharePointDomain": "sharepoint.delos.example", "graph": "https://graph.delos.example",
                 "arm": {"address": "https://arm.delos.example", "audience": "https://core.delos.example"}}
                """.utf8))
        var paths = StatePaths(environment: ["HOME": home.path])
        for name in ["\(home.path)/delos.json", "~/delos.json"] {
            let cloud = try Cloud.named(name, paths: paths)
            #expect(cloud.name == name && cloud.login == "https://login.delos.example")
            #expect(cloud.environments == ["login.delos.example", "sts.delos.example"])
            #expect(cloud.defaultScope(of: .graph) == "https://graph.delos.example/.default")
            #expect(cloud.audience(of: .arm) == "https://core.delos.example")
            #expect(cloud.base(of: .sharePoint("contoso")) == "https://contoso.sharepoint.delos.example")
            #expect(cloud.base(of: .flow) == nil)
            #expect(cloud.admits("https://graph.delos.example/v1.0/me", for: .graph))
            #expect(!cloud.admits("https://graph.microsoft.com/v1.0/me", for: .graph))
            let connection = try Contoso.connection(more: ["cloud": .string(name)])
            #expect(connection.cloud == name)
        }
        paths = StatePaths(environment: ["HOME": "/nowhere"])
        #expect(throws: MMError.self) { try Cloud.named("~/delos.json", paths: paths) }
    }

    @Test(
        "an invalid cloud file is reported with the wrong entry",
        arguments: [
            ("{", "JSON"), ("[]", "array"), ("{}", "`login`"), (#"{"login": "http://login.example.de"}"#, "`login`"),
            (#"{"login": "https://user@login.example.de"}"#, "`login`"),
            (#"{"login": "https://l.example.de", "graph": "https://g.example.de/v1.0"}"#, "`graph`"),
            (#"{"login": "https://l.example.de", "grpah": "https://g.example.de"}"#, "`grpah`"),
            (#"{"login": "https://l.example.de", "sharePointDomain": "https://x.example.de"}"#, "`sharePointDomain`"),
        ])
    func brokenFile(text: String, said: String) throws {
        let home = try TestHome()
        try home.write("\(home.path)/cloud.json", Array(text.utf8))
        let error = #expect(throws: MMError.self) { try Cloud.named("\(home.path)/cloud.json", paths: home.paths) }
        let message = error?.message ?? ""
        #expect(message.contains(said) && error?.hint != nil, "\(message)")
    }

    @Test(
        "tenants become parts of addresses, so they are checked",
        arguments: ["", "a b", "x/../y", "..", ".x", "ü.de", "x?y"])
    func tenants(tenant: String) throws {
        let cloud = try #require(Cloud.table["public"])
        #expect(throws: MMError.self) { try Authority(cloud: cloud, tenant: tenant) }
    }

    @Test("a connection that can't sign in reports what is missing")
    func targets() throws {
        let home = try TestHome()
        func refusal(_ more: JSONObject) throws -> MMError? {
            let connection = try Contoso.connection(more: more)
            return #expect(throws: MMError.self) {
                try SignInTarget(
                    connection, by: SignInMethod(connection.auth, environment: [:]), resource: .graph,
                    paths: home.paths, environment: [:])
            }
        }
        #expect(try refusal(["appId": .null])?.message.contains("appId") == true)
        #expect(try refusal(["tenantId": .null])?.message.contains("tenant") == true)
        let app = try refusal(["auth": ["method": "secret", "secretFile": "/etc/secret"]])
        #expect(app?.message.contains(Contoso.email) == true, "no app is the person that is expected")
        #expect(app?.hint?.contains("expectedEmail") == true)
    }
}
