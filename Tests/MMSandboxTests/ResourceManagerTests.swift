import MMCore
import MMHTTP
import Testing

@testable import MMSandbox

@Suite("The resource manager of the sandbox")
struct ResourceManagerTests {
    private static let root = AzureContent.root

    private static func answered(
        _ bench: Bench, _ path: String, by method: String = "GET", body: JSONValue? = nil
    ) async -> HTTPServerResponse {
        let token = await bench.token(scope: "https://management.azure.com/.default")
        let mark = path.contains("?") ? "&" : "?"
        return await bench.graph(method, "\(root)\(path)\(mark)api-version=2023-01-01", token: token, body: body)
    }

    @Test(
        "what the usual tools list is there",
        arguments: [
            ("/locations", 4), ("/resourceGroups", 3), ("/resources", 24), ("/resources?$filter=", 24),
            ("/resources?$filter=resourceType%20eq%20'Microsoft.KeyVault/vaults'", 3),
            ("/resources?$filter=resourceGroup%20eq%20'rg-web'", 8), ("/resourceGroups/rg-web/resources", 8),
            ("/providers/Microsoft.Compute/virtualMachines", 3), ("/providers/microsoft.storage/STORAGEACCOUNTS", 3),
            ("/resourceGroups/rg-data/providers/Microsoft.Web/sites", 1),
            ("/providers/Microsoft.Authorization/roleAssignments", 2),
            ("/providers/Microsoft.Authorization/roleAssignments?$filter=atScope()", 2),
            ("/providers/Microsoft.Authorization/roleDefinitions", 5),
            ("/providers/Microsoft.Authorization/roleDefinitions?$filter=roleName%20eq%20'Reader'", 1),
            ("/providers/Microsoft.Authorization/policyAssignments?$filter=atExactScope()", 0),
            ("/providers/Microsoft.Network/publicIPAddresses", 0), ("/tagNames", 0),
            ("/providers/Microsoft.Consumption/usageDetails", 0),
        ])
    func lists(path: String, count: Int) async {
        let answer = await Self.answered(Bench(), path)
        #expect(answer.status == 200 && answer.json["value"]?.array?.count == count, "\(answer.json)")
    }

    @Test("a resource is told whole by its own address, and in outline in lists")
    func whole() async {
        let bench = Bench()
        let one = await Self.answered(
            bench, "/resourceGroups/RG-web/providers/Microsoft.Compute/virtualMachines/vm-web")
        #expect(one.json["properties"]?["hardwareProfile"]?["vmSize"] == "Standard_B2s")
        let rows = await Self.answered(bench, "/resources").json["value"]?.array ?? []
        #expect(rows.allSatisfy { $0["properties"] == nil && $0["type"]?.string != nil })
        let missing = await Self.answered(bench, "/resourceGroups/rg-web/providers/Microsoft.Web/sites/none")
        #expect(missing.status == 404 && missing.errorCode == "ResourceNotFound")
        let unknown = await Self.answered(bench, "/providers/Microsoft.Web/nothings")
        #expect(unknown.status == 404 && unknown.errorCode == "InvalidResourceType")
    }

    @Test(
        "what a machine is doing is told to those who ask for it",
        arguments: [
            ("vm-web?$expand=instanceView", "properties"), ("VM-web/instanceView", nil),
            ("vm-none/instanceView", "missing"), ("vm-web", "silent"),
        ])
    func instanceView(path: String, part: String?) async {
        let machines = "/resourceGroups/rg-web/providers/Microsoft.Compute/virtualMachines/"
        let answer = await Self.answered(Bench(), machines + path)
        switch part {
        case "missing": #expect(answer.status == 404 && answer.errorCode == "ResourceNotFound")
        case "silent": #expect(answer.status == 200 && answer.json["properties"]?["instanceView"] == nil)
        default:
            let view = part == nil ? answer.json : answer.json["properties"]?["instanceView"]
            #expect(view?["statuses"]?[1]?["code"] == "PowerState/running", "\(answer.json)")
        }
    }

    @Test("what a resource refers to is there")
    func references() async {
        let bench = Bench()
        for resource in AzureContent().resources {
            let named = Self.addresses(in: resource)
            #expect(!named.isEmpty)
            for address in named {
                let answer = await Self.answered(bench, String(address.dropFirst(Self.root.count)))
                #expect(answer.status == 200 && answer.json["id"]?.string == address, "\(address): \(answer.json)")
            }
        }
    }

    /// Returns the addresses of resources in a text, or anywhere within a list or object.
    private static func addresses(in value: JSONValue) -> [String] {
        if let text = value.string { return text.hasPrefix("\(root)/resourceGroups/") ? [text] : [] }
        return (value.array ?? value.object.map { $0.map(\.value) } ?? []).flatMap(addresses)
    }

    @Test("what is made is there, and goes with its group")
    func made() async {
        let bench = Bench()
        let group = "/resourceGroups/rg-new"
        #expect(await Self.answered(bench, group, by: "PUT", body: [:]).errorCode == "LocationRequired")
        #expect(await Self.answered(bench, group, by: "PUT", body: ["location": "eastus"]).status == 201)
        #expect(await Self.answered(bench, group, by: "PATCH", body: ["tags": ["a": "b"]]).json["tags"]?["a"] == "b")
        let site = "\(group)/providers/Microsoft.Web/sites/one"
        let body: JSONValue = ["location": "eastus", "properties": ["httpsOnly": true]]
        #expect(await Self.answered(bench, site, by: "PUT", body: body).status == 201)
        #expect(await Self.answered(bench, site, by: "PUT", body: body).status == 200)
        let row = await Self.answered(bench, site).json
        #expect(row["properties"]?["httpsOnly"] == true && row["properties"]?["provisioningState"] == "Succeeded")
        #expect(await Self.answered(bench, "\(group)/resources").json["value"]?.array?.count == 1)
        let deleted = await Self.answered(bench, group, by: "DELETE")
        #expect(deleted.status == 202 && deleted.headers["location"] != nil)
        #expect(await Self.answered(bench, group).errorCode == "ResourceGroupNotFound")
        #expect(await Self.answered(bench, "/resources").json["value"]?.array?.count == 24)
    }
}
