import MMCore
import MMGuard
import MMHTTP
import Testing

@testable import MMSandbox

@Suite("Permissions and roles in the sandbox", .timeLimit(.minutes(5)))
struct PermissionEnforcementTests {
    private static let calls = [
        ("GET", "users"), ("GET", "groups"), ("GET", "me/messages"), ("GET", "me/events"), ("GET", "auditLogs/signIns"),
        ("GET", "applications"), ("GET", "identity/conditionalAccess/policies"),
        ("GET", "deviceManagement/managedDevices"),
        ("GET", "me/drive/root/children"), ("GET", "organization"), ("GET", "domains"), ("GET", "me/joinedTeams"),
        ("GET", "me/chats"), ("GET", "identityProtection/riskyUsers"), ("GET", "subscribedSkus"),
        ("GET", "me/mailboxSettings"), ("GET", "me/contacts"),
    ]

    @Test("each call is open to its least permission alone, and closed to another", arguments: calls)
    func least(method: String, path: String) async throws {
        let target = try RequestTarget(parsing: path, service: .graph)
        let choice = try #require(PermissionTable.standard.permissions(method, target)?.work)
        let least = try #require(choice.advised)
        let bench = Bench()
        let narrow = await bench.token(scope: least.name)
        let opened = await bench.graph(method, "/v1.0/\(path)", token: narrow)
        #expect(opened.status == 200, "\(least.name): \(opened.text)")
        let other = choice.all.contains { $0.name == "Notes.Read" } ? "User.Export.All" : "Notes.Read"
        let closed = await bench.graph(method, "/v1.0/\(path)", token: await bench.token(scope: other))
        #expect(closed.status == 403)
        #expect(closed.errorCode?.isEmpty == false)
        #expect(closed.json["error"]?["innerError"]?["request-id"]?.string == closed.headers["request-id"])
    }

    @Test("reading is no permission to write")
    func writing() async {
        let bench = Bench()
        let token = await bench.token(scope: "User.Read.All")
        let path = "/v1.0/users/lena.vogt@\(TenantIdentity.domain)"
        #expect(await bench.graph("GET", path, token: token).status == 200)
        #expect(await bench.graph("PATCH", path, token: token, body: ["jobTitle": "X"]).status == 403)
    }

    @Test("the roles that an account may take up are listed to itself, others to those who read roles")
    func eligible() async {
        let bench = Bench()
        let path = "/v1.0/roleManagement/directory/roleEligibilityScheduleInstances"
        let own = "\(path)/filterByCurrentUser(on='principal')"
        let ben = await bench.token("ben.baker@\(TenantIdentity.domain)")
        let mine = await bench.graph("GET", own, token: ben)
        #expect(mine.json["value"]?.array?.count == 1)
        #expect(mine.json["value"]?[0]?["roleDefinitionId"]?.string == DirectoryRoleName.globalReader.rawValue)
        #expect(await bench.graph("GET", path, token: ben).status == 403)
        let all = await bench.graph("GET", path, token: await bench.token())
        #expect(all.json["value"]?.array?.count == 2)
        #expect(await bench.graph("GET", own, token: await bench.token(scope: "User.Read")).status == 403)
    }
}
