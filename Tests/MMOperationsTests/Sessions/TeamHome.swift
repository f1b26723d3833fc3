import MMCore
import MMHTTP
import MMIdentity
import MMPowerShell
import MMSandbox
import TestSupport
import Testing

@testable import MMOperations

/// A sandbox tenant of a test's own with a connection `Team` that acts on behalf of its callers, and the people who
/// call.
final class TeamHome: Sendable {
    /// Somebody who calls, as a server knows them that has checked their token.
    struct Person {
        let assertion: Secret
        let principal: String
        let objectID: String
    }

    let home: TestHome
    let services: OperationServices
    let connection: Connection
    let tenant: SandboxTenant
    let base: String

    init() async throws {
        var options = SandboxOptions()
        options.userCount = 40
        options.pollInterval = 1
        tenant = SandboxTenant(options: options)
        base = try await tenant.start()
        home = try TestHome()
        let secret = home.paths.home + "/secret"
        try ProtectedFile.replace(secret, with: Array(TenantIdentity.automationSecret.utf8))
        let entry: JSONObject = [
            "cloud": "sandbox", "appId": .string(TenantIdentity.automationApp),
            "tenant": .string(TenantIdentity.domain), "tenantId": .string(TenantIdentity.id),
            "auth": ["method": "on-behalf-of", "secretFile": .string(secret)],
        ]
        try ProtectedFile.replace(
            home.paths.registry, with: JSONWriter.bytes(["connections": ["Team": .object(entry)]]))
        services = OperationServices(environment: home.environment.merging(["MM_SANDBOX_URL": base]) { $1 })
        connection = try services.registry.snapshot().connection(named: "Team")
    }

    func stop() async {
        await services.close()
        await tenant.stop()
    }

    /// Who gets the tokens of a session.
    func bearer(_ person: Person?) -> SessionBearer {
        SessionBearer(of: connection, services.identity, signedIn: person?.principal)
    }

    /// Signs somebody in to the tenant's own app, as a client of a server does.
    func person(_ name: String) async throws -> Person {
        let login = "\(base)/\(TenantIdentity.id)/oauth2/v2.0"
        let scope = "api://\(TenantIdentity.automationApp)/mm.use"
        let asked = try await post("\(login)/devicecode", "client_id=\(TenantIdentity.demoApp)&scope=\(scope)")
        let (code, device) = (try #require(asked["user_code"]), try #require(asked["device_code"]?.string))
        let secret = await tenant.controlSecret
        _ = try await post(
            "\(base)/sandbox/approve",
            JSONWriter.string(["userCode": code, "account": .string("\(name)@\(TenantIdentity.domain)")]),
            ["X-Sandbox-Secret": secret.reveal(), "Content-Type": "application/json"])
        let grant = "urn:ietf:params:oauth:grant-type:device_code"
        let answer = try await post(
            "\(login)/token", "client_id=\(TenantIdentity.demoApp)&grant_type=\(grant)&device_code=\(device)")
        let token = Secret(try #require(answer["access_token"]?.string, "\(answer)"))
        let objectID = try #require(TokenClaims(reading: token).objectID)
        return Person(
            assertion: token, principal: "\(TenantIdentity.id)/\(objectID)".lowercased(), objectID: objectID)
    }

    private func post(
        _ url: String, _ body: String, _ headers: HTTPHeaders = ["Content-Type": "application/x-www-form-urlencoded"]
    ) async throws -> JSONValue {
        let client = HTTPClient(configuration: HTTPClientConfiguration(environment: [:]))
        let answer = try await client.send(
            HTTPRequest(
                method: "POST", url: url, headers: headers, body: Array(body.utf8), allowsPlainHTTP: true))
        return try JSONParser.parse(answer.body)
    }
}
