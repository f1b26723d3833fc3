import MMCore
import MMHTTP
import Testing

@testable import MMSandbox

@Suite("Apps that are registered in the tenant", .timeLimit(.minutes(5)))
struct RegistrationTests {
    private static let graph = "00000003-0000-0000-c000-000000000000"

    /// Registers a public client.
    /// - Returns: its id, and that of its service principal.
    private func register(_ bench: Bench, _ token: String) async throws -> (appID: String, principal: String) {
        let app = await bench.graph(
            "POST", "/v1.0/applications", token: token,
            body: [
                "displayName": "Mine", "isFallbackPublicClient": true,
                "publicClient": ["redirectUris": ["http://localhost"]],
            ])
        let appID = try #require(app.json["appId"]?.string)
        let principal = await bench.graph(
            "POST", "/v1.0/servicePrincipals", token: token, body: ["appId": .string(appID)])
        return (appID, try #require(principal.json["id"]?.string))
    }

    private func id(of appID: String, _ bench: Bench, _ token: String) async throws -> String {
        let found = await bench.graph("GET", "/v1.0/servicePrincipals(appId='\(appID)')", token: token)
        return try #require(found.json["id"]?.string)
    }

    private func account(_ bench: Bench, _ name: String, _ token: String) async throws -> String {
        let user = await bench.graph("GET", "/v1.0/users/\(name)@contoso-sandbox.example", token: token)
        return try #require(user.json["id"]?.string)
    }

    @Test("an app without a service principal is unknown, one without consent gets no token")
    func unknownAndUnconsented() async throws {
        let bench = Bench()
        let token = await bench.token()
        let app = await bench.graph(
            "POST", "/v1.0/applications", token: token, body: ["displayName": "Mine", "isFallbackPublicClient": true])
        let appID = try #require(app.json["appId"]?.string)
        #expect(await bench.startDeviceCode(app: appID).number == 700_016)
        let made = await bench.graph(
            "POST", "/v1.0/servicePrincipals", token: token, body: ["appId": .string(appID)])
        #expect(made.status == 201)
        let twice = await bench.graph(
            "POST", "/v1.0/servicePrincipals", token: token, body: ["appId": .string(appID)])
        #expect(twice.status == 409)
        let answer = await bench.signIn(app: appID)
        #expect(answer["error_codes"]?.array?.first == 65_001, "\(answer)")
    }

    @Test("a grant for one person holds for them alone and for its permissions alone")
    func grant() async throws {
        let bench = Bench()
        let token = await bench.token()
        let (appID, principal) = try await register(bench, token)
        let admin = try await account(bench, "admin", token)
        let body: JSONValue = [
            "clientId": .string(principal), "consentType": "Principal", "principalId": .string(admin),
            "resourceId": .string(try await id(of: Self.graph, bench, token)), "scope": "User.Read Mail.Read",
        ]
        let granted = await bench.graph("POST", "/v1.0/oauth2PermissionGrants", token: token, body: body)
        #expect(granted.status == 201, "\(granted.json)")
        #expect(await bench.graph("POST", "/v1.0/oauth2PermissionGrants", token: token, body: body).status == 409)
        let own = await bench.signIn(app: appID)
        let scope = claims(of: own["access_token"])["scp"]?.string ?? ""
        #expect(scope.contains("Mail.Read") && scope.contains("User.Read") && !scope.contains("Mail.ReadWrite"))
        #expect(await bench.signIn("lena.vogt@contoso-sandbox.example", app: appID)["access_token"] == nil)
        let listed = await bench.graph(
            "GET", "/v1.0/oauth2PermissionGrants?$filter=clientId%20eq%20'\(principal)'", token: token)
        #expect(listed.json["value"]?.array?.count == 1)
        let grantID = try #require(granted.json["id"]?.string)
        let wider = await bench.graph(
            "PATCH", "/v1.0/oauth2PermissionGrants/\(grantID)", token: token, body: ["scope": "User.Read"])
        #expect(wider.status == 204)
        let less = claims(of: await bench.signIn(app: appID)["access_token"])["scp"]?.string ?? ""
        #expect(!less.contains("Mail.Read"))
        #expect(await bench.graph("DELETE", "/v1.0/oauth2PermissionGrants/\(grantID)", token: token).status == 204)
        #expect(await bench.signIn(app: appID)["access_token"] == nil)
    }

    @Test("who is no administrator registers nothing and grants nothing")
    func ordinaryUser() async throws {
        let bench = Bench()
        let token = await bench.token("ben.baker@contoso-sandbox.example")
        let app = await bench.graph("POST", "/v1.0/applications", token: token, body: ["displayName": "Mine"])
        #expect(app.status == 403)
        let grant = await bench.graph("POST", "/v1.0/oauth2PermissionGrants", token: token, body: [:])
        #expect(grant.status == 403)
    }

    @Test("a service that the tenant never used gets its principal, with its permissions, on demand")
    func vendorService() async throws {
        let bench = Bench()
        let token = await bench.token()
        let id = "475226c6-020e-4fb2-8a90-7a972cbfc1d4"
        #expect(await bench.graph("GET", "/v1.0/servicePrincipals(appId='\(id)')", token: token).status == 404)
        let made = await bench.graph("POST", "/v1.0/servicePrincipals", token: token, body: ["appId": .string(id)])
        #expect(made.status == 201)
        #expect(made.json["oauth2PermissionScopes"]?[0]?["value"] == "User", "\(made.json)")
        let unknown = await bench.graph(
            "POST", "/v1.0/servicePrincipals", token: token, body: ["appId": "00000000-0000-4000-8000-000000000001"])
        #expect(unknown.status == 400)
    }

    @Test("the realm of a domain names the organisation, that of others nothing")
    func realm() async {
        let bench = Bench()
        let own = await bench.send("GET", "/getuserrealm.srf?login=nobody%40contoso-sandbox.example&json=1")
        #expect(own.json["FederationBrandName"] == "Contoso Sandbox" && own.json["NameSpaceType"] == "Managed")
        let other = await bench.send("GET", "/getuserrealm.srf?login=nobody%40fabrikam.example&json=1")
        #expect(other.json["NameSpaceType"] == "Unknown" && other.json["FederationBrandName"] == nil)
    }
}
