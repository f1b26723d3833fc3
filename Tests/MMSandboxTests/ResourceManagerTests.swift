import MMCore
import MMHTTP
import Testing

@testable import MMSandbox

@Suite("The resource manager of the sandbox")
struct ResourceManagerTests {
    private static let root = AzureContent.root

    private static func answered(
        _ bench: Bench, _ path: String, by method: String = "GET", body: JSONValue? = nil,
        as account: String = TenantIdentity.administrator
    ) async -> HTTPServerResponse {
        let token = await bench.token(account, scope: "https://management.azure.com/.default")
        let mark = path.contains("?") ? "&" : "?"
        return await bench.graph(method, "\(root)\(path)\(mark)api-version=2023-01-01", token: token, body: body)
    }

    @Test(
        "what the usual tools list is there",
        arguments: [
            ("/locations", 4), ("/resourceGroups", 3), ("/resources", 25), ("/resources?$filter=", 25),
            ("/resources?$filter=resourceType%20eq%20'Microsoft.KeyVault/vaults'", 3),
            ("/resources?$filter=resourceGroup%20eq%20'rg-web'", 8), ("/resourceGroups/rg-web/resources", 8),
            ("/providers/Microsoft.Compute/virtualMachines", 3), ("/providers/microsoft.storage/STORAGEACCOUNTS", 3),
            ("/resourceGroups/rg-data/providers/Microsoft.Web/sites", 1),
            ("/providers/Microsoft.Authorization/roleAssignments", 5),
            ("/providers/Microsoft.Authorization/roleAssignments?$filter=atScope()", 5),
            ("/providers/Microsoft.Authorization/roleDefinitions", 8),
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
        #expect(await Self.answered(bench, site, by: "PUT", body: body).status == 200)
        #expect(await Self.answered(bench, site, by: "PUT", body: body).status == 200)
        let row = await Self.answered(bench, site).json
        #expect(row["properties"]?["httpsOnly"] == true && row["properties"]?["provisioningState"] == "Succeeded")
        #expect(await Self.answered(bench, "\(group)/resources").json["value"]?.array?.count == 1)
        let deleted = await Self.answered(bench, group, by: "DELETE")
        #expect(deleted.status == 202 && deleted.headers["location"] != nil)
        #expect(await Self.answered(bench, group).errorCode == "ResourceGroupNotFound")
        #expect(await Self.answered(bench, "/resources").json["value"]?.array?.count == 25)
    }

    @Test(
        "a new resource is answered as its service does",
        arguments: [
            ("Microsoft.Storage/storageAccounts", 200), ("microsoft.compute/Snapshots", 200),
            ("Microsoft.Web/serverfarms", 200), ("Microsoft.Network/virtualNetworks", 201),
            ("Microsoft.Sql/servers", 201),
        ])
    func statusOfNew(type: String, status: Int) async {
        let new = "/resourceGroups/rg-web/providers/\(type)/one"
        let bench = Bench(users: 30)
        for expected in [status, 200] {
            let answer = await Self.answered(bench, new, by: "PUT", body: ["location": "eastus"])
            #expect(answer.status == expected && answer.json["name"] == "one")
        }
    }

    @Test(
        "whether a group or a resource exists is asked by HEAD, which has a status of its own",
        arguments: [
            ("HEAD", "RG-web", 204), ("GET", "RG-web", 200), ("HEAD", "rg-none", 404),
            ("HEAD", "rg-web/providers/Microsoft.KeyVault/vaults/kvweb", 204),
            ("HEAD", "rg-web/providers/Microsoft.KeyVault/vaults/none", 404),
        ])
    func exists(method: String, place: String, status: Int) async {
        #expect(await Self.answered(Bench(users: 30), "/resourceGroups/\(place)", by: method).status == status)
    }

    @Test("the roles at a place are those at it, above it and below it, or with atScope() not below it")
    func scopes() async {
        let bench = Bench(users: 30)
        let assignments = "providers/Microsoft.Authorization/roleAssignments"
        let principal = await bench.inside { $0.store.user(TenantIdentity.administrator)?.id ?? "" }
        let role = "\(Self.root)/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"
        let made = await Self.answered(
            bench, "/resourceGroups/rg-web/\(assignments)/5a4db0c5-a551-4000-8000-00000000b001", by: "PUT",
            body: ["properties": ["roleDefinitionId": .string(role), "principalId": .string(principal)]])
        #expect(made.status == 201)
        for (path, count) in [
            ("/\(assignments)", 6), ("/\(assignments)?$filter=atScope()", 5),
            ("/resourceGroups/RG-web/\(assignments)?$filter=atScope()", 6),
            ("/resourceGroups/rg-data/\(assignments)", 5),
            ("/resourceGroups/rg-web/\(assignments)?$filter=principalId%20eq%20'\(principal)'", 4),
        ] {
            #expect(await Self.answered(bench, path).json["value"]?.array?.count == count, "\(path)")
        }
    }

    @Test(
        "a service that is used here can be registered before, as clients do",
        arguments: [("Microsoft.Management", 200), ("microsoft.storage", 200), ("Microsoft.Nowhere", 404)])
    func registered(namespace: String, status: Int) async {
        let answer = await Self.answered(Bench(users: 30), "/providers/\(namespace)/register", by: "POST")
        #expect(answer.status == status)
        #expect(answer.json["registrationState"] == (status == 200 ? "Registered" : nil))
    }

    @Test(
        "clients ask whether a name is free before they make an account or a vault",
        arguments: [
            ("Microsoft.Storage/storageAccounts", "saweb", false), ("Microsoft.Storage/storageAccounts", "kvweb", true),
            ("Microsoft.KeyVault/vaults", "kvweb", false), ("Microsoft.KeyVault/vaults", "KVnew", false),
            ("Microsoft.KeyVault/vaults", "kvNEW", false),
        ])
    func names(type: String, name: String, isFree: Bool) async {
        let bench = Bench(users: 30)
        let new = "/resourceGroups/rg-web/providers/Microsoft.KeyVault/vaults/KVnew"
        #expect(await Self.answered(bench, new, by: "PUT", body: ["location": "eastus"]).status == 201)
        let answer = await Self.answered(
            bench, "/providers/\(type.prefix { $0 != "/" })/checkNameAvailability", by: "POST",
            body: ["name": .string(name), "type": .string(type)])
        #expect(answer.json["nameAvailable"] == .bool(isFree))
        #expect(answer.json["reason"] == (isFree ? nil : "AlreadyExists"))
    }

    // MARK: Machines

    @Test(
        "a machine does what it is asked to do, which takes a moment",
        arguments: [
            ("deallocate", "deallocating", "deallocated"), ("powerOff", "stopping", "stopped"),
            ("START", "starting", "running"), ("restart", "running", "running"),
        ])
    func machines(action: String, during: String, after: String) async {
        let bench = Bench(users: 30)
        let machine = "/resourceGroups/rg-web/providers/Microsoft.Compute/virtualMachines/vm-web"
        func state() async -> JSONValue? {
            await Self.answered(bench, "\(machine)/instanceView").json["statuses"]?[1]?["code"]
        }
        let asked = await Self.answered(bench, "\(machine)/\(action)", by: "POST")
        #expect(asked.status == 202 && asked.headers["Retry-After"] == "10", "\(asked.text)")
        let status = asked.headers["Azure-AsyncOperation"].map { String($0.dropFirst(Bench.base.count)) } ?? ""
        let token = await bench.token(scope: "https://management.azure.com/.default")
        #expect(await bench.graph("GET", status, token: token).json["status"] == "InProgress")
        #expect(await state() == .string("PowerState/\(during)"))
        bench.clock.advance(by: 10)
        #expect(await bench.graph("GET", status, token: token).json["status"] == "Succeeded")
        #expect(await state() == .string("PowerState/\(after)"))
        let query = await bench.graph(
            "POST", "/providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01", token: token,
            body: [
                "query": "resources | where name == 'vm-web' | project properties.extended.instanceView.powerState.code"
            ])
        #expect(query.text.contains("PowerState/\(after)"), "\(query.text)")
        let none = await Self.answered(bench, machine.replacing("vm-web", with: "vm-none") + "/start", by: "POST")
        #expect(none.status == 404)
    }

    // MARK: Roles

    @Test("a role opens what it permits, where it is assigned, and nothing else")
    func roles() async {
        let bench = Bench(users: 30)
        let (reader, user) = ("rita.reader@contoso-sandbox.example", "lena.vogt@contoso-sandbox.example")
        let machine = "/resourceGroups/rg-web/providers/Microsoft.Compute/virtualMachines/vm-web"
        #expect(await Self.answered(bench, machine, as: reader).status == 200)
        let refused = await Self.answered(bench, "\(machine)/restart", by: "POST", as: reader)
        #expect(refused.status == 403 && refused.errorCode == "AuthorizationFailed")
        #expect(refused.text.contains("action 'Microsoft.Compute/virtualMachines/restart/action'"), "\(refused.text)")
        #expect(await Self.answered(bench, machine, as: user).errorCode == "AuthorizationFailed")
        let token = await bench.token(user, scope: "https://management.azure.com/.default")
        let all = await bench.graph("GET", "/subscriptions?api-version=2022-12-01", token: token)
        #expect(all.status == 200 && all.json["value"] == [])
        let resources = await bench.graph(
            "POST", "/providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01", token: token,
            body: ["query": "resources"])
        #expect(resources.json["totalRecords"] == 0, "\(resources.text)")

        // A contributor of one group acts there, but gives no roles.
        let id = await bench.inside { $0.store.user(user)?.id ?? "" }
        let role = "\(Self.root)/providers/Microsoft.Authorization/roleDefinitions/b24988ac-6180-42a0-ab88-20f7382dd24c"
        let body: JSONValue = ["properties": ["roleDefinitionId": .string(role), "principalId": .string(id)]]
        func place(_ end: String) -> String {
            "/resourceGroups/rg-web/providers/Microsoft.Authorization/roleAssignments/"
                + "5a4db0c5-a551-4000-8000-00000000\(end)"
        }
        #expect(await Self.answered(bench, place("b001"), by: "PUT", body: body, as: user).status == 403)
        #expect(await Self.answered(bench, place("b001"), by: "PUT", body: body).status == 201)
        #expect(await Self.answered(bench, place("b002"), by: "PUT", body: body).errorCode == "RoleAssignmentExists")
        let reading =
            "\(Self.root)/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"
        let otherBody: JSONValue = ["properties": ["roleDefinitionId": .string(reading), "principalId": .string(id)]]
        let changed = await Self.answered(bench, place("b001"), by: "PUT", body: otherBody)
        #expect(changed.errorCode == "RoleAssignmentUpdateNotPermitted", "\(changed.text)")
        #expect(await Self.answered(bench, "\(machine)/restart", by: "POST", as: user).status == 202)
        let other = machine.replacing("web", with: "data")
        #expect(await Self.answered(bench, other, as: user).status == 403)
        #expect(await Self.answered(bench, place("b002"), by: "PUT", body: body, as: user).status == 403)
        #expect(await Self.answered(bench, place("b001"), by: "DELETE").status == 200)
        #expect(await Self.answered(bench, place("b001"), by: "DELETE").status == 204)
        #expect(await Self.answered(bench, "\(machine)/restart", by: "POST", as: user).status == 403)
    }

    @Test("a role that was taken from somebody stays so when the name of its assignment is used again")
    func takenRole() async {
        let bench = Bench(users: 30)
        let (reader, user) = ("rita.reader@contoso-sandbox.example", "lena.vogt@contoso-sandbox.example")
        let assignments = "/providers/Microsoft.Authorization/roleAssignments"
        let id = await bench.inside { $0.store.user(reader)?.id ?? "" }
        let found = await Self.answered(bench, "\(assignments)?$filter=principalId%20eq%20'\(id)'")
        let name = found.json["value"]?[0]?["name"]?.string ?? ""
        #expect(await Self.answered(bench, "\(assignments)/\(name)", by: "DELETE").status == 200)
        #expect(await Self.answered(bench, "/resources", as: reader).status == 403)

        let other = await bench.inside { $0.store.user(user)?.id ?? "" }
        let role = found.json["value"]?[0]?["properties"]?["roleDefinitionId"] ?? ""
        let made = await Self.answered(
            bench, "\(assignments)/\(name)", by: "PUT",
            body: ["properties": ["roleDefinitionId": role, "principalId": .string(other)]])
        #expect(made.status == 201, "\(made.text)")
        #expect(await Self.answered(bench, "/resources", as: user).status == 200)
        #expect(await Self.answered(bench, "/resources", as: reader).status == 403)
    }

    // MARK: Activity log

    @Test("what was done is in the activity log, newest first, and the filter has to name a start")
    func activity() async {
        let bench = Bench(users: 30)
        let site = "/resourceGroups/rg-web/providers/Microsoft.Web/sites/appnew"
        _ = await Self.answered(bench, site, by: "PUT", body: ["location": "westeurope"])
        _ = await Self.answered(bench, "/resourceGroups/rg-data", by: "DELETE")
        let values = "/providers/Microsoft.Insights/eventtypes/management/values"
        let all = await Self.answered(bench, values + "?$filter=eventTimestamp%20ge%20'2025-12-01T00:00:00Z'")
        let rows = all.json["value"]?.array ?? []
        #expect(
            rows.prefix(2).map { $0["operationName"]?["value"] } == [
                "Microsoft.Resources/subscriptions/resourceGroups/delete", "Microsoft.Web/sites/write",
            ], "\(all.text)")
        #expect(rows.first?["caller"] == .string(TenantIdentity.administrator) && rows.count > 20)
        let one = await Self.answered(
            bench,
            values
                + "?$filter=eventTimestamp%20ge%20'2025-12-31T00:00:00Z'%20and%20resourceUri%20eq%20"
                + "'\(Self.root)\(site)'"
        )
        #expect(one.json["value"]?.array?.count == 1, "\(one.text)")
        #expect(await Self.answered(bench, values).errorCode == "BadRequest")
    }
}
