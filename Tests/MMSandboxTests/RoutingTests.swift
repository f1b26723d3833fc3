import MMCore
import MMHTTP
import Testing

@testable import MMSandbox

@Suite("The routes of the sandbox", .timeLimit(.minutes(5)))
struct RoutingTests {
    private static let tenant = TenantIdentity.id

    @Test(
        "a method that a path has not is answered with those that it has, in every service",
        arguments: [
            ("PUT", "/devicelogin", "GET, POST, HEAD, OPTIONS"), ("PUT", "/sandbox/health", "GET, HEAD, OPTIONS"),
            ("PUT", "/sandbox/faults", "GET, POST, DELETE, HEAD, OPTIONS"),
            ("GET", "/\(tenant)/oauth2/v2.0/token", "POST, OPTIONS"),
            ("DELETE", "/\(tenant)/oauth2/v2.0/authorize", "GET, POST, HEAD, OPTIONS"),
            ("TRACE", "/v1.0/users", "GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS"),
            ("POST", "/_reports/getMailboxUsageDetail", "GET, HEAD, OPTIONS"),
            ("POST", "/_api/v2.0/uploadSession", "GET, PUT, DELETE, HEAD, OPTIONS"),
            ("GET", "/adminapi/beta/\(tenant)/InvokeCommand", "POST, OPTIONS"),
            ("DELETE", "/subscriptions", "GET, HEAD, OPTIONS"),
            ("POST", "/providers/Microsoft.ProcessSimple/environments", "GET, HEAD, OPTIONS"),
            ("POST", "/providers/Microsoft.BusinessAppPlatform/scopes/admin/environments", "GET, HEAD, OPTIONS"),
        ])
    func otherMethods(method: String, path: String, allow: String) async {
        let bench = Bench()
        let secret = ["X-Sandbox-Secret": bench.secret]
        let refused = await bench.send(method, path, headers: secret)
        #expect(refused.status == 405)
        #expect(refused.headers["Allow"] == allow)
        #expect(refused.errorCode?.isEmpty == false)
        let asked = await bench.send("OPTIONS", path, headers: secret)
        #expect(asked.status == 204)
        #expect(asked.headers["Allow"] == allow)
    }

    @Test(
        "HEAD is answered as GET",
        arguments: ["/devicelogin", "/v1.0/me", "/sandbox/health", "/common/discovery/instance"])
    func head(path: String) async {
        let bench = Bench()
        let headers = ["X-Sandbox-Secret": bench.secret, "Authorization": "Bearer \(await bench.token())"]
        let answer = await bench.send("HEAD", path, headers: headers)
        #expect(answer.status == 200)
        #expect(
            await bench.send("GET", path, headers: headers).headers["Content-Type"] == answer.headers["Content-Type"])
    }

    @Test(
        "the words of a path mean the same in any case",
        arguments: ["/V1.0/me", "/DeviceLogin", "/COMMON/Discovery/Instance", "/_Reports/nothing", "/SubScriptions"])
    func anyCase(path: String) async {
        let bench = Bench()
        let headers = ["Authorization": "Bearer \(await bench.token())"]
        let asWritten = await bench.send("GET", path, headers: headers)
        let small = await bench.send("GET", path.lowercased(), headers: headers)
        #expect(asWritten.status == small.status)
        #expect(asWritten.status != 404)
    }

    @Test("what no service knows is not found", arguments: ["/nothing", "/a/b/c", "/sandbox/nothing", "//v1.0/me"])
    func nothing(path: String) async {
        let bench = Bench()
        #expect(await bench.send("GET", path, headers: ["X-Sandbox-Secret": bench.secret]).status == 404)
    }
}
