import MMCore
import Testing

@testable import MMPowerShell

@Suite("Sessions of a connection", .timeLimit(.minutes(10)))
struct ConnectionSettingsTests {
    private func settings(
        _ entry: JSONObject, module: String = "exo", pin: AccountPin? = nil, known: [String: String] = [:],
        tokens: (any TokenFeeding)? = nil
    ) async throws -> PowerShellSessionSettings {
        let folder = try StandIn.folder()
        let registry: JSONValue = ["connections": ["Contoso": .object(entry)]]
        try ProtectedFile.replace(folder + "/registry.json", with: JSONWriter.bytes(registry))
        let snapshot = try ConnectionRegistry(path: folder + "/registry.json").snapshot()
        return try PowerShellSessionSettings(
            connection: try snapshot.connection(named: "Contoso"), module: module, knownApps: known, pin: pin,
            location: PowerShellLocation(program: "/usr/bin/pwsh", reason: .named),
            paths: StatePaths(environment: ["HOME": folder]), environment: ["HOME": folder], tokens: tokens)
    }

    @Test("an entry of earlier servers: tenant, account, app by module, and its own home")
    func earlier() async throws {
        let settings = try await settings(
            [
                "appId": "aaaaaaaa-2222-3333-4444-555555555555", "tenant": "contoso.onmicrosoft.com",
                "tenantId": "11111111-2222-3333-4444-555555555555", "expectedEmail": "admin@contoso.example",
                "moduleApps": ["pnp": "bbbbbbbb-2222-3333-4444-555555555555"], "sharepoint_host": "contoso",
            ], module: "PNP")
        let target = try #require(settings.target)
        #expect(target.appID == "bbbbbbbb-2222-3333-4444-555555555555")
        #expect(target.account == "admin@contoso.example")
        #expect(try target.sharePointAddress() == "https://contoso.sharepoint.com")
        #expect(settings.method == nil && settings.mayAskPerson && !settings.isConstrained)
        #expect(settings.host.folder.hasSuffix("/pnp"))
        #expect(settings.host.environment["PNPPOWERSHELL_UPDATECHECK"] == "Off")
    }

    @Test("a pin of an earlier sign-in is used, but a configured one takes precedence")
    func pins() async throws {
        let found = AccountPin(tenantId: "22222222-2222-3333-4444-555555555555", objectId: "o1")
        #expect(try await settings([:], pin: found).target?.objectID == "o1")
        let written: JSONObject = [
            "pin": [
                "tenantId": "33333333-2222-3333-4444-555555555555", "objectId": "44444444-2222-3333-4444-555555555555",
            ]
        ]
        let target = try await settings(written, pin: found).target
        #expect(target?.objectID == "44444444-2222-3333-4444-555555555555")
        #expect(target?.tenantID == "33333333-2222-3333-4444-555555555555")
    }

    @Test(
        "read-only and constrained connections run in ConstrainedLanguage",
        arguments: [["guard": "readonly"], ["language": "constrained"]] as [JSONObject])
    func constrained(entry: JSONObject) async throws {
        #expect(try await settings(entry).isConstrained)
    }

    @Test("an app's connection asks no person")
    func apps() async throws {
        let folder = try StandIn.folder()
        try ProtectedFile.replace(folder + "/password", with: Array("pass word\n".utf8))
        let certificate = try await settings([
            "auth": [
                "method": "certificate", "certificatePath": .string(folder + "/app.pfx"),
                "certificatePasswordFile": .string(folder + "/password"),
            ]
        ])
        #expect(certificate.method == .certificate(path: folder + "/app.pfx", password: Secret("pass word")))
        #expect(!certificate.mayAskPerson)
        let identity = try await settings(["auth": ["method": "managed-identity", "clientId": "c"]])
        #expect(identity.method == .managedIdentity(clientID: "c"))
        // If tokens are available, sessions don't get the app's credential.
        for auth: JSONValue in [
            ["method": "managed-identity"], ["method": "certificate", "certificatePath": "/a.pfx"],
        ] {
            for module in ["exo", "azure", "teams", "pnp", "graph"] {
                let fed = try await settings(["auth": auth], module: module, tokens: TestFeed(.none))
                #expect(fed.method == nil && !fed.mayAskPerson, "\(module)")
            }
            let pac = try await settings(["auth": auth], module: "powerplatform", tokens: TestFeed(.none))
            #expect(pac.method != nil && !pac.mayAskPerson)
        }
        let secret = try await settings(["auth": ["method": "secret", "secretFile": .string(folder + "/password")]])
        #expect(secret.method == nil && !secret.mayAskPerson)
    }

    @Test("an unknown module, and an invalid cloud, are reported")
    func unknown() async throws {
        let module = await #expect(throws: MMError.self) { try await settings([:], module: "outlook") }
        #expect(module?.code == .invalidInput)
    }

    @Test("without a token, an app's connection asks no person", .timeLimit(.minutes(10)))
    func nobodyAsked() async throws {
        var settings = PowerShellSessionSettings(
            host: try StandIn.settings(), profile: ExchangeProfile(), target: try ProfileTests.target(),
            tokens: TestFeed(.none))
        settings.mayAskPerson = false
        let session = PowerShellSession(settings)
        let error = await #expect(throws: MMError.self) {
            try await session.answer(PowerShellCommand("1"), deadline: .after(.seconds(300)))
        }
        #expect(error?.code == .unavailable)
        #expect(error?.message.contains("Contoso") == true)
        await session.close()
    }
}
