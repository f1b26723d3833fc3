import MMCore
import TestSupport
import Testing

@testable import MMPowerShell

@Suite("Module profiles", .timeLimit(.minutes(5)))
struct ProfileTests {
    static let words = ["exo", "azure", "teams", "pnp", "powerplatform", "graph"]

    static func target(cloud: String = "public") throws -> ModuleSignInTarget {
        ModuleSignInTarget(
            connection: "Contoso", tenant: "contoso.onmicrosoft.com", tenantID: "11111111-2222-3333-4444-555555555555",
            appID: "aaaaaaaa-2222-3333-4444-555555555555", account: "admin@contoso.example",
            sharePointHost: "contoso", cloud: try ModuleCloud.named(cloud))
    }

    static func tokens(for profile: any ModuleProfile, app: Bool = false) throws -> [FedToken] {
        try profile.resources(for: target()).map {
            FedToken(
                $0, token: Secret("token-for-\($0.service.rawValue)"), expiresAt: Timestamp.now + .seconds(3600),
                claims: TokenClaims(
                    account: app ? nil : "admin@contoso.example", tenantID: "11111111-2222-3333-4444-555555555555",
                    isApp: app))
        }
    }

    static func methods(of profile: any ModuleProfile) throws -> [ModuleSignInMethod] {
        try profile.methods.map { kind in
            switch kind {
            case .tokens: .tokens(try tokens(for: profile))
            case .device: .device
            case .certificate: .certificate(path: "/c/app.pfx", password: nil)
            case .managedIdentity: .managedIdentity(clientID: nil)
            }
        }
    }

    @Test("each name has its profile in any case; for unknown names the known ones are listed")
    func named() throws {
        #expect(ModuleProfiles.all.map(\.name) == Self.words)
        #expect(try ModuleProfiles.named("EXO").name == "exo")
        let error = #expect(throws: MMError.self) { try ModuleProfiles.named("outlook") }
        #expect(error?.hint?.contains("exo, azure, teams") == true)
    }

    @Test("the connect scripts match the recorded ones", arguments: words)
    func golden(word: String) throws {
        let profile = try ModuleProfiles.named(word)
        let golden = try #require(try Fixture.json("cmdlets/connect-scripts.json").object)
        #expect(golden.keys.filter { $0.hasPrefix(word + " ") }.count == profile.methods.count)
        for method in try Self.methods(of: profile) {
            let command = try profile.connect(Self.target(), by: method)
            let name = "\(word) \(method.kind.rawValue)"
            let recorded = golden[name]
            #expect(recorded?["script"]?.string == command.script, "\(name)")
            #expect(
                recorded?["parameters"]?.array?.compactMap(\.string) == command.parameters.keys.sorted(), "\(name)")
        }
    }

    @Test("scripts contain no values: each is passed as a parameter", arguments: words)
    func valuesAsData(word: String) throws {
        let profile = try ModuleProfiles.named(word)
        var target = try Self.target()
        target.tenant = "o'neil\"; Remove-Item /.example.com"
        target.account = "$(Get-Secret)@x"
        target.appID = "`nRemove-Item"
        for method in try Self.methods(of: profile) {
            let plain = try profile.connect(Self.target(), by: method)
            let odd = try profile.connect(target, by: method)
            #expect(plain.script == odd.script)
        }
    }

    @Test("tokens and passwords are secrets", arguments: words)
    func secrets(word: String) throws {
        let profile = try ModuleProfiles.named(word)
        for method in try Self.methods(of: profile) + [.certificate(path: "/c", password: Secret("token-pass"))] {
            guard let command = try? profile.connect(Self.target(), by: method) else { continue }
            #expect(!"\(command)".contains("token-for"))
            #expect(!"\(command)".contains("token-pass"))
        }
    }

    @Test("each cloud has the module's own name")
    func clouds() throws {
        func environment(_ profile: any ModuleProfile, _ cloud: String) throws -> PowerShellValue? {
            let token = profile.name == "pnp" ? ModuleSignInMethod.tokens(try Self.tokens(for: profile)) : .device
            let command = try profile.connect(Self.target(cloud: cloud), by: token)
            return command.parameters["Environment"] ?? command.parameters["Cloud"]
        }
        #expect(try environment(ExchangeProfile(), "gcchigh") == "O365USGovGCCHigh")
        #expect(try environment(AzureProfile(), "china") == "AzureChinaCloud")
        #expect(try environment(AzureProfile(), "gcc") == "AzureCloud")
        #expect(try environment(TeamsProfile(), "public") == nil)
        #expect(try environment(TeamsProfile(), "gcchigh") == "TeamsGCCH")
        #expect(try environment(PnPProfile(), "dod") == "USGovernmentDoD")
        #expect(try environment(GraphProfile(), "dod") == "USGovDoD")
        #expect(try environment(PowerPlatformProfile(), "gcc") == "UsGov")
        #expect(
            try PnPProfile().resources(for: Self.target(cloud: "china"))[0].address == "https://contoso.sharepoint.cn")
        #expect(throws: MMError.self) { try ModuleCloud.named("moon") }
    }

    @Test("a missing setting of a connection is reported with the command that adds it")
    func missing() throws {
        var target = try Self.target()
        target.appID = nil
        let app = #expect(throws: MMError.self) {
            try PnPProfile().connect(target, by: .certificate(path: "/c", password: nil))
        }
        #expect(app?.message.contains("appId") == true)
        #expect(app?.hint?.contains("mm connections edit Contoso appId=") == true)
        target.tenantID = nil
        target.tenant = nil
        let tenant = #expect(throws: MMError.self) { try AzureProfile().connect(target, by: .device) }
        #expect(tenant?.message.contains("tenantId") == true)
        target.sharePointHost = "evil.example/x"
        #expect(throws: MMError.self) { try PnPProfile().connect(target, by: .tokens([])) }
    }

    @Test("Teams refuses a person's token beside an app's")
    func mixedTokens() throws {
        let person = try Self.tokens(for: TeamsProfile())
        let app = try Self.tokens(for: TeamsProfile(), app: true)
        #expect(throws: MMError.self) { try TeamsProfile().connect(Self.target(), by: .tokens([person[0], app[1]])) }
    }

    @Test("an app's Exchange token names the organization, a person's the account")
    func exchangeTokens() throws {
        let profile = ExchangeProfile()
        let person = try profile.connect(Self.target(), by: .tokens(Self.tokens(for: profile)))
        #expect(person.parameters["Account"] == "admin@contoso.example")
        let app = try profile.connect(Self.target(), by: .tokens(Self.tokens(for: profile, app: true)))
        #expect(app.parameters["Organization"] == "contoso.onmicrosoft.com")
        #expect(app.parameters["Account"] == nil)
    }

    @Test("a missing module answers with the exact command that installs it", arguments: words)
    func install(word: String) throws {
        let requirement = try ModuleProfiles.named(word).requirement
        let error = requirement.missing(cause: "not found")
        #expect(error.hint?.contains(requirement.installCommand) == true)
        #expect(error.message.contains(requirement.name))
        #expect(error.code == .unavailable)
    }

    @Test("the account is read from each module's own answer")
    func identities() throws {
        let exchange = ExchangeProfile().readIdentity([
            ["State": "Disconnected", "UserPrincipalName": "old@x", "TenantID": "t0"],
            ["State": "Connected", "UserPrincipalName": "a@x", "TenantID": "t1"],
        ])
        #expect(exchange == TokenClaims(account: "a@x", tenantID: "t1"))
        #expect(AzureProfile().readIdentity([["Account": "a@x", "TenantId": "t"]])?.account == "a@x")
        #expect(TeamsProfile().readIdentity(["text", ["Account": "a@x", "TenantId": "t"]])?.tenantID == "t")
        let pnp = PnPProfile().readIdentity([
            ["Type": "oid", "Value": "o"], ["Type": "tid", "Value": "t"], ["Type": "upn", "Value": "a@x"],
        ])
        #expect(pnp == TokenClaims(account: "a@x", objectID: "o", tenantID: "t"))
        let pac = PowerPlatformProfile().readIdentity([
            "Connected as a@x", "Tenant Id:   t", "Entra ID Object Id: o", "Cloud: Public",
        ])
        #expect(pac == TokenClaims(account: "a@x", objectID: "o", tenantID: "t"))
        #expect(GraphProfile().readIdentity([["Account": "a@x", "TenantId": "t", "ClientId": "c"]])?.appID == "c")
        for profile in ModuleProfiles.all { #expect(profile.readIdentity([]) == nil, "\(profile.name)") }
    }

    @Test("an ended sign-in isn't healthy")
    func health() {
        #expect(ExchangeProfile().isHealthy([["State": "Connected", "TokenStatus": "Active"]]))
        #expect(!ExchangeProfile().isHealthy([["State": "Connected", "TokenStatus": "Expired"]]))
        for profile in ModuleProfiles.all where profile.name != "teams" {
            #expect(!profile.isHealthy([]), "\(profile.name)")
        }
        // A person may be in no team, and needs no role for Teams to be signed in.
        #expect(TeamsProfile().isHealthy([]))
        let question = TeamsProfile().health(of: TokenClaims(account: "a@x"))
        #expect(question.script.contains("Get-Team -User") && question.parameters == ["User": "a@x"])
    }

    @Test("Exchange counts as signed in even if its last check failed because of the service")
    func brokenState() {
        #expect(ExchangeProfile().isHealthy([["State": "Broken", "TokenStatus": "Active"]]))
        #expect(!ExchangeProfile().isHealthy([["State": "Disconnected", "TokenStatus": "Active"]]))
    }

    @Test(
        "a module's messages distinguish an ended sign-in, an unavailable service, and other errors",
        arguments: [
            ("AADSTS50173: The provided grant has expired due to it being revoked.", ModuleFault.signIn),
            ("Response status code does not indicate success: 401 (Unauthorized).", .signIn),
            ("Run Connect-AzAccount to login.", .signIn),
            ("You must call the Connect-MicrosoftTeams cmdlet before calling any other cmdlets.", .signIn),
            ("Continuous access evaluation resulted in challenge with result: InteractionRequired", .signIn),
            ("Response status code does not indicate success: 503 (Service Unavailable).", .passing),
            ("The request was canceled due to the configured HttpClient.Timeout of 100 seconds elapsing.", .passing),
            ("Name or service not known (management.azure.com:443)", .passing),
            ("AADSTS90033: A transient error has occurred. Please try again.", .passing),
            ("Response status code does not indicate success: 403 (Forbidden).", .other),
            ("The term 'Get-CsTenant' is not recognized as a name of a cmdlet, function, script file", .other),
            ("Not supported tenant type.", .other),
        ])
    func faults(words: String, fault: ModuleFault) {
        #expect(ModuleFault(words: words) == fault)
    }

    @Test("claims are read from a token's middle part; an invalid token has none")
    func claims() {
        let body = Base64.text(
            Array(#"{"upn":"a@x","oid":"o","tid":"t","appid":"p","idtyp":"user"}"#.utf8), alphabet: .url)
        #expect(
            TokenClaims(reading: Secret("e30.\(body).sig"))
                == TokenClaims(account: "a@x", objectID: "o", tenantID: "t", appID: "p"))
        for text in ["", "opaque", "a.b", "a.!.c", "a.e30.c", "..", "a.\(Base64.text(Array("[1]".utf8))).c"] {
            #expect(TokenClaims(reading: Secret(text)) == TokenClaims())
        }
    }
}
