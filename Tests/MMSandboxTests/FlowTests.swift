import MMCore
import MMHTTP
import Testing

@testable import MMSandbox

@Suite("Power Automate, its administration and the resource manager", .timeLimit(.minutes(5)))
struct FlowTests {
    private static let root = "/providers/Microsoft.ProcessSimple/environments"
    private static let version = "?api-version=2016-11-01"

    @Test("environments, flows and runs are listed with paging in the service's form")
    func lists() async {
        let bench = Bench()
        let token = await bench.token(scope: "https://service.flow.microsoft.com/.default")
        let environments = await bench.graph("GET", Self.root + Self.version, token: token)
        #expect(environments.status == 200)
        let name = environments.json["value"]?[0]?["name"]?.string ?? ""
        #expect(name == "Default-\(TenantIdentity.id)")
        let flows = await bench.graph("GET", "\(Self.root)/\(name)/flows\(Self.version)&$top=5", token: token).json
        #expect(flows["value"]?.array?.count == 5)
        let next = flows["nextLink"]?.string ?? ""
        #expect(next.hasPrefix(Bench.base + Self.root))
        let second = await bench.graph("GET", String(next.dropFirst(Bench.base.count)), token: token).json
        #expect(second["value"]?[0]?["name"] != flows["value"]?[0]?["name"])
        let flow = flows["value"]?[0]?["name"]?.string ?? ""
        let failed = await bench.graph(
            "GET", "\(Self.root)/\(name)/flows/\(flow)/runs\(Self.version)&$filter=Status%20eq%20%27Failed%27",
            token: token)
        #expect(failed.json["value"]?.array?.allSatisfy { $0["properties"]?["status"] == "Failed" } == true)
    }

    @Test(
        "errors have the service's codes",
        arguments: [
            ("/Default-\(TenantIdentity.id)/flows", 400, "MissingApiVersionParameter"),
            ("/no-such\(version)", 403, "EnvironmentAccess"),
            ("/Default-\(TenantIdentity.id)/flows/ffffffff-0000-4000-8000-00000000dead\(version)", 404, "FlowNotFound"),
        ])
    func errors(path: String, status: Int, code: String) async {
        let bench = Bench()
        let token = await bench.token(scope: "https://service.flow.microsoft.com/.default")
        let answer = await bench.graph("GET", Self.root + path, token: token)
        #expect(answer.status == status)
        #expect(answer.errorCode == code)
    }

    @Test("a token for Graph does not open Power Automate")
    func audience() async {
        let bench = Bench()
        let token = await bench.token()
        let answer = await bench.graph("GET", Self.root + Self.version, token: token)
        #expect(answer.status == 401)
        #expect(answer.errorCode == "AuthenticationFailed")
    }

    @Test("a flow can be stopped, started and deleted")
    func changes() async {
        let bench = Bench()
        let token = await bench.token(scope: "https://service.flow.microsoft.com/.default")
        let list = "\(Self.root)/Default-\(TenantIdentity.id)/flows"
        let name = await bench.graph("GET", list + Self.version, token: token).json["value"]?[0]?["name"]?.string ?? ""
        for state in ["Stopped", "Started"] {
            let word = state == "Stopped" ? "stop" : "start"
            #expect(await bench.graph("POST", "\(list)/\(name)/\(word)\(Self.version)", token: token).status == 200)
            #expect(
                await bench.graph("GET", "\(list)/\(name)\(Self.version)", token: token).json["properties"]?["state"]
                    == .string(state))
        }
        #expect(await bench.graph("DELETE", "\(list)/\(name)\(Self.version)", token: token).status == 204)
        #expect(await bench.graph("GET", "\(list)/\(name)\(Self.version)", token: token).status == 404)
    }

    @Test("environments of the administration and subscriptions of the resource manager are there")
    func others() async {
        let bench = Bench()
        let platform = await bench.token(scope: "https://service.powerapps.com/.default")
        let environments = await bench.graph(
            "GET", "/providers/Microsoft.BusinessAppPlatform/scopes/admin/environments?api-version=2020-10-01",
            token: platform)
        #expect(environments.json["value"]?[0]?["type"] == "Microsoft.BusinessAppPlatform/scopes/environments")
        let policies = await bench.graph(
            "GET", "/providers/PowerPlatform.Governance/v1/policies?api-version=2020-10-01", token: platform)
        #expect(policies.json["value"]?[0]?["connectorGroups"]?.array?.count == 3, "\(policies.text)")
        let arm = await bench.token(scope: "https://management.azure.com/.default")
        #expect(
            await bench.graph("GET", "/subscriptions?api-version=2022-12-01", token: arm).json["count"]?["value"] == 1)
        #expect(await bench.graph("GET", "/subscriptions", token: arm).errorCode == "MissingApiVersionParameter")
        let id =
            await bench.graph("GET", "/subscriptions?api-version=2022-12-01", token: arm).json["value"]?[0]?[
                "subscriptionId"]?.string ?? ""
        #expect(
            await bench.graph("GET", "/subscriptions/\(id)/resourceGroups/none?api-version=2021-04-01", token: arm)
                .errorCode
                == "ResourceGroupNotFound")
    }
}
