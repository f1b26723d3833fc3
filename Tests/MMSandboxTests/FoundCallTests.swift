import MMCore
import MMGuard
import MMHTTP
import Testing

@testable import MMSandbox

@Suite("Calls beside Graph that a search finds")
struct FoundCallTests {
    private static let scopes: [RequestService: (scope: String, version: String)] = [
        .flow: ("https://service.flow.microsoft.com", "2016-11-01"),
        .bap: ("https://service.powerapps.com", "2020-10-01"),
        .powerApps: ("https://service.powerapps.com", "2016-11-01"),
        .arm: ("https://management.azure.com", "2021-04-01"),
    ]

    private static let environment = "Default-\(TenantIdentity.id)"

    /// Returns the path of a call with the names of what there is, in the form of a request.
    private static func target(_ call: ServiceCall, _ bench: Bench) async -> String {
        let (flow, run) = await bench.inside { services in
            let flows = services.automate.flows(in: environment)
            let approval = flows.first { $0["properties"]?["displayName"]?.string?.hasPrefix("Approve") == true }
            let flow = approval?["name"]?.string ?? ""
            return (flow, services.automate.runs(of: flow, environment: environment)[0]["name"]?.string ?? "")
        }
        let values = [
            "environment": environment, "flow": flow, "run": run, "subscription": AzureContent.subscriptionID,
            "group": "rg-data", "vm": "vm-data", "workspace": "log-data", "since": "2025-12-01T00:00:00Z",
        ]
        var path = call.path
        for (name, value) in values { path = path.replacing("{\(name)}", with: value) }
        guard !path.contains("api-version="), let version = scopes[call.service]?.version else { return path }
        return "\(path)\(path.contains("?") ? "&" : "?")api-version=\(version)"
    }

    @Test(
        "each of Power Automate, the Power Platform and Azure is answered",
        arguments: ServiceCallTable.calls.filter { scopes[$0.service] != nil })
    func answered(call: ServiceCall) async throws {
        let bench = Bench(users: 30)
        let target = await Self.target(call, bench)
        let token = await bench.token(scope: "\(Self.scopes[call.service]?.scope ?? "")/.default")
        let body = call.body.isEmpty ? nil : try JSONParser.parse(Array(call.body.utf8))
        let answer = await bench.graph(call.method, target, token: token, body: body)
        #expect((200..<300).contains(answer.status), "\(call.method) \(target): \(answer.text)")
    }

    @Test("what is for administrators is told to no one else, and others see their own flows")
    func administration() async {
        let bench = Bench(users: 30)
        let user = "lena.vogt@contoso-sandbox.example"
        let flows = await bench.token(user, scope: "https://service.flow.microsoft.com/.default")
        let platform = await bench.token(user, scope: "https://service.powerapps.com/.default")
        func answer(_ path: String, _ token: String, by method: String = "GET") async -> HTTPServerResponse {
            await bench.graph(method, "\(path)?api-version=2016-11-01", token: token, body: method == "GET" ? nil : [:])
        }
        let own = await answer("/providers/Microsoft.ProcessSimple/environments/\(Self.environment)/flows", flows)
        #expect(own.status == 200 && own.json["value"] == [])
        let all = "/providers/Microsoft.ProcessSimple/scopes/admin/environments/\(Self.environment)/v2/flows"
        #expect(await answer(all, flows).errorCode == "EnvironmentAccess")
        for kind in ["apps", "connections"] {
            let path = "/providers/Microsoft.PowerApps/scopes/admin/environments/\(Self.environment)/\(kind)"
            #expect(await answer(path, platform).errorCode == "EnvironmentAccess")
        }
        let provider = "/providers/Microsoft.BusinessAppPlatform"
        #expect(await answer("\(provider)/listTenantSettings", platform, by: "POST").status == 403)
        #expect(await answer("\(provider)/scopes/admin/environments", platform).json["value"] == [])
    }

    @Test("a run that waits is cancelled once; one that has ended can't be")
    func cancelled() async {
        let bench = Bench(users: 30)
        let token = await bench.token(scope: "https://service.flow.microsoft.com/.default")
        let root = "/providers/Microsoft.ProcessSimple/environments/\(Self.environment)/flows"
        let version = "?api-version=2016-11-01"
        let flows = await bench.graph("GET", root + version, token: token).json["value"]?.array ?? []
        let flow = flows.first { $0["properties"]?["displayName"] == "Approve travel requests" }?["name"]?.string ?? ""
        let runs = await bench.graph("GET", "\(root)/\(flow)/runs\(version)", token: token).json["value"]?.array ?? []
        #expect(runs.map { $0["properties"]?["status"] == "Running" } == [true] + runs.dropFirst().map { _ in false })
        let run = "\(root)/\(flow)/runs/\(runs.first?["name"]?.string ?? "")"
        #expect(await bench.graph("POST", "\(run)/cancel\(version)", token: token).status == 200)
        let state = await bench.graph("GET", run + version, token: token).json["properties"]
        #expect(state?["status"] == "Cancelled" && state?["endTime"]?.string != nil)
        #expect(await bench.graph("POST", "\(run)/cancel\(version)", token: token).errorCode == "Conflict")
    }

    @Test("settings of the tenant keep what was changed, and an app that was deleted is gone")
    func changes() async {
        let bench = Bench(users: 30)
        let token = await bench.token(scope: "https://service.powerapps.com/.default")
        let provider = "/providers/Microsoft.BusinessAppPlatform"
        func settings(_ path: String, _ body: JSONValue) async -> JSONValue {
            await bench.graph("POST", "\(provider)/\(path)?api-version=2020-10-01", token: token, body: body).json
        }
        let change: JSONValue = ["powerPlatform": ["powerApps": ["disableShareWithEveryone": true]]]
        _ = await settings("scopes/admin/updateTenantSettings", change)
        let apps = await settings("listTenantSettings", [:])["powerPlatform"]?["powerApps"]
        #expect(apps?["disableShareWithEveryone"] == true && apps?["enableGuestsToMake"] == false)
        let list = "/providers/Microsoft.PowerApps/scopes/admin/environments/\(Self.environment)/apps"
        func rows() async -> [JSONValue] {
            await bench.graph("GET", "\(list)?api-version=2016-11-01", token: token).json["value"]?.array ?? []
        }
        let before = await rows()
        let name = before.first?["name"]?.string ?? ""
        #expect(
            await bench.graph("DELETE", "\(list)/\(name)?api-version=2016-11-01", token: token).status == 200)
        #expect(await rows().count == before.count - 1)
    }
}
