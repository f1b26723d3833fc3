import MMCore
import MMHTTP
import Testing

@testable import MMSandbox

@Suite("Azure Resource Graph and Cost Management of the sandbox")
struct ResourceGraphTests {
    private static func answered(
        _ bench: Bench, _ query: String, _ more: JSONObject = [:], version: String = "2022-10-01"
    ) async -> HTTPServerResponse {
        let token = await bench.token(scope: "https://management.azure.com/.default")
        var body = more
        body["query"] = .string(query)
        return await bench.graph(
            "POST", "/providers/Microsoft.ResourceGraph/resources?api-version=\(version)", token: token,
            body: .object(body))
    }

    @Test(
        "everyday queries are answered",
        arguments: [
            (
                "Resources | summarize count() by location | order by count_ asc",
                [
                    ["location": "northeurope", "count_": 8], ["location": "westeurope", "count_": 17],
                ]
            ),
            (
                """
                resources // all machines
                | where type =~ 'Microsoft.Compute/virtualMachines'
                | extend power = tostring(properties.extended.instanceView.powerState.code)
                | project name, resourceGroup, properties.hardwareProfile.vmSize, power
                | order by name asc | take 1
                """,
                [
                    [
                        "name": "vm-data", "resourceGroup": "rg-data",
                        "properties_hardwareProfile_vmSize": "Standard_B2s", "power": "PowerState/running",
                    ]
                ]
            ),
            (
                "resources | where type has 'storage' and properties['allowBlobPublicAccess'] == false | count",
                [
                    ["Count": 3]
                ]
            ),
            (
                "resources | where isempty(tags['owner']) and name !startswith 'vm-' | summarize n = dcount(type)",
                [
                    ["n": 6]
                ]
            ),
            (
                "where name in~ ('VM-WEB', 'saweb') | project name, Where = toupper(location), strcat(name, '!')",
                [
                    ["name": "saweb", "Where": "WESTEUROPE", "Column1": "saweb!"],
                    ["name": "vm-web", "Where": "WESTEUROPE", "Column1": "vm-web!"],
                ]
            ),
            (
                """
                resources | where type endswith '/vaults' | join kind=leftouter (
                    ResourceContainers | where type == 'microsoft.resources/subscriptions'
                    | project Subscription = name, subscriptionId) on subscriptionId
                | top 1 by name desc | project name, Subscription
                """,
                [
                    ["name": "kvweb", "Subscription": "Contoso Sandbox Test"]
                ]
            ),
            (
                "resourcecontainers | where type !contains 'groups' | project name, properties.state",
                [
                    ["name": "Contoso Sandbox Test", "properties_state": "Enabled"]
                ]
            ),
            (
                "resources | mv-expand ip = properties.ipConfigurations | where isnotnull(ip) "
                    + "| distinct Address = tostring(ip.properties.privateIPAddress)", [["Address": "10.20.0.4"]]
            ),
            (
                "resources | where type == 'microsoft.compute/disks' "
                    + "| summarize gb = sum(properties.diskSizeGB), names = make_set(tolower(sku.name)) "
                    + "by managed = iff(isempty(managedBy), 'no', 'yes')",
                [["managed": "yes", "gb": 90, "names": ["standardssd_lrs"]]]
            ),
            ("resources | where todatetime(properties.creationTime) > ago(30d)", []),
            ("resources | where now() < ago(99999999999999999999d) | count", [["Count": 0]]),
            (
                "authorizationresources | where type == 'microsoft.authorization/roleassignments' "
                    + "| summarize count() by tostring(properties.principalType)",
                [
                    ["properties_principalType": "User", "count_": 4],
                    ["properties_principalType": "ServicePrincipal", "count_": 1],
                ]
            ),
            ("PolicyResources | take 5", []),
            ("resources | where name == 'none' | summarize count()", [["count_": 0]]),
        ] as [(String, [JSONValue])])
    func queries(query: String, rows: [JSONValue]) async {
        let answer = await Self.answered(Bench(users: 30), query)
        #expect(answer.status == 200 && answer.json["data"]?.array == rows, "\(answer.text)")
        #expect(answer.json["totalRecords"] == .int(Int64(rows.count)) && answer.json["resultTruncated"] == "false")
    }

    @Test("what was changed by the resource manager is found at once, and what was removed no more")
    func current() async {
        let bench = Bench(users: 30)
        let token = await bench.token(scope: "https://management.azure.com/.default")
        let place =
            "\(AzureContent.root)/resourceGroups/rg-web/providers/Microsoft.Web/sites/appnew?api-version=2023-12-01"
        _ = await bench.graph("PUT", place, token: token, body: ["location": "WestEurope", "tags": ["owner": "ben"]])
        let query = "resources | where tags.owner == 'ben' | project name, type, location, kind"
        #expect(
            await Self.answered(bench, query).json["data"] == [
                ["name": "appnew", "type": "microsoft.web/sites", "location": "westeurope", "kind": ""]
            ])
        _ = await bench.graph("DELETE", place, token: token)
        #expect(await Self.answered(bench, query).json["data"] == [])
    }

    @Test(
        "a query that the service or this stand-in can't run is refused with its reason",
        arguments: [
            ("resources | where foo == 1", "Default"), ("resources | project-away foo", "Default"),
            ("AzureActivity | take 1", "DisallowedLogicalTableName"),
            ("resources | where name = 'x'", "ParserFailure"), ("resources | where", "ParserFailure"),
            ("resources where name == 'x'", "ParserFailure"), ("resources | where name == 'x", "ParserFailure"),
            ("resources | nothing", "ParserFailure"), ("resources | take many", "ParserFailure"),
            ("resources | parse name with a", "NotServedBySandbox"),
            ("resources | where name matches regex 'x'", "NotServedBySandbox"),
            ("resources | extend a = hash(name)", "NotServedBySandbox"),
            ("print 1", "NotServedBySandbox"), ("union nothing", "DisallowedLogicalTableName"), ("", "InvalidQuery"),
            ("union kind=inner resources, resourcecontainers", "NotServedBySandbox"),
            ("union isfuzzy=true resources, (nothing | where", "ParserFailure"),
            ("let few = dynamic(-1); resources | take few", "ParserFailure"), ("union kind=", "ParserFailure"),
            ("union isfuzzy=true nothing", "DisallowedLogicalTableName"),
            ("union isfuzzy=false resources, nothing", "DisallowedLogicalTableName"),
            ("resources | where \(String(repeating: "(", count: 3_000))", "NotServedBySandbox"),
            ("resources | where \(String(repeating: "-", count: 3_000))1 == 1", "NotServedBySandbox"),
            ("resources | where \(String(repeating: "true or ", count: 9_000))true", "NotServedBySandbox"),
        ])
    func refused(query: String, code: String) async {
        let answer = await Self.answered(Bench(users: 30), query)
        #expect(answer.status == 400 && answer.errorCode == "BadRequest")
        #expect(answer.json["error"]?["details"]?[1]?["code"]?.string == code, "\(answer.text)")
    }

    @Test("a syntax error names its place")
    func place() async {
        let answer = await Self.answered(Bench(users: 30), "resources\n| where name = 'x'")
        let detail = answer.json["error"]?["details"]?[1]
        #expect(detail?["line"] == 2 && detail?["characterPositionInLine"] == 13 && detail?["token"] == "=")
    }

    @Test("pages are followed by their token, which a query that limits itself doesn't get")
    func pages() async {
        let bench = Bench(users: 30)
        var names: [String] = []
        var options: JSONObject = ["$top": 10]
        for _ in 0..<5 {
            let page = await Self.answered(bench, "resources | project id, name", ["options": .object(options)]).json
            names += page["data"]?.array?.compactMap { $0["name"]?.string } ?? []
            #expect(page["totalRecords"] == 25)
            options["$skipToken"] = page["$skipToken"]
            if page["$skipToken"] == nil { break }
        }
        #expect(names.count == 25 && Set(names).count == 25)
        for query in ["resources | take 20", "resources | project name"] {
            let page = await Self.answered(bench, query, ["options": ["$top": 10]]).json
            #expect(page["resultTruncated"] == "true" && page["$skipToken"] == nil, "\(query)")
        }
        #expect(await Self.answered(bench, "resources", ["options": ["$top": 1001]]).status == 400)
        #expect(await Self.answered(bench, "resources", ["subscriptions": ["none"]]).status == 403)
    }

    @Test("the answer is a table if that is asked for, and in the first versions", arguments: ["", "2019-04-01"])
    func format(version: String) async {
        let more: JSONObject = version.isEmpty ? ["options": ["resultFormat": "table"]] : [:]
        let answer = await Self.answered(
            Bench(users: 30), "resources | where name == 'vm-web' | project name, properties", more,
            version: version.isEmpty ? "2022-10-01" : version)
        let data = answer.json["data"]
        #expect(data?["columns"] == [["name": "name", "type": "string"], ["name": "properties", "type": "object"]])
        #expect(data?["rows"]?[0]?[0] == "vm-web")
    }

    // MARK: Costs

    private static func costs(
        _ bench: Bench, _ body: JSONObject, in group: String = "", page: String? = nil
    ) async -> HTTPServerResponse {
        let token = await bench.token(scope: "https://management.azure.com/.default")
        let place = "\(AzureContent.root)\(group)/providers/Microsoft.CostManagement/query?api-version=2023-11-01"
        return await bench.graph("POST", page ?? place, token: token, body: .object(body))
    }

    private static func query(
        _ timeframe: String, _ dataset: JSONObject, from: String = "", to: String = ""
    ) -> JSONObject {
        let sum: JSONObject = ["aggregation": ["totalCost": ["name": "PreTaxCost", "function": "Sum"]]]
        var query: JSONObject = ["type": "ActualCost", "timeframe": .string(timeframe)]
        if !from.isEmpty { query["timePeriod"] = ["from": .string(from), "to": .string(to)] }
        query["dataset"] = .object(sum.merging(dataset))
        return query
    }

    @Test(
        "costs are told by day, month and dimension",
        arguments: [
            (query("TheLastMonth", ["granularity": "Daily"]), ["PreTaxCost", "UsageDate", "Currency"], 31),
            (query("TheLastMonth", [:]), ["PreTaxCost", "Currency"], 1),
            (
                query(
                    "Custom", ["granularity": "Monthly", "grouping": [["type": "Dimension", "name": "ServiceName"]]],
                    from: "2025-11-01", to: "2025-12-31"),
                ["PreTaxCost", "BillingMonth", "ServiceName", "Currency"], 8
            ),
            (
                query(
                    "TheLastMonth",
                    [
                        "grouping": [["type": "Dimension", "name": "ResourceGroup"]],
                        "filter": ["dimensions": ["name": "ResourceGroup", "operator": "In", "values": ["RG-web"]]],
                    ]), ["PreTaxCost", "ResourceGroup", "Currency"], 1
            ),
            (query("MonthToDate", [:]), ["PreTaxCost", "Currency"], 0),
        ] as [(JSONObject, [String], Int)])
    func cost(query: JSONObject, columns: [String], count: Int) async {
        let answer = await Self.costs(Bench(users: 30), query)
        let properties = answer.json["properties"]
        #expect(properties?["columns"]?.array?.compactMap { $0["name"]?.string } == columns, "\(answer.text)")
        #expect(properties?["rows"]?.array?.count == count && properties?["nextLink"] == .null)
        #expect(properties?["rows"]?.array?.allSatisfy { ($0[0]?.double ?? 0) > 0 } == true)
    }

    @Test("the costs of the groups add up to those of the subscription, and long answers come in pages")
    func sums() async {
        let bench = Bench(users: 30)
        let query = Self.query("TheLastMonth", [:])
        func total(_ group: String = "") async -> Double {
            await Self.costs(bench, query, in: group).json["properties"]?["rows"]?[0]?[0]?.double ?? 0
        }
        var sum = 0.0
        for group in ["rg-web", "rg-data", "rg-sandbox"] { sum += await total("/resourceGroups/\(group)") }
        let whole = await total()
        #expect(abs(sum - whole) < 0.001 && whole > 100)
        let long = Self.query(
            "Custom", ["granularity": "Daily", "grouping": [["type": "Dimension", "name": "ResourceId"]]],
            from: "2025-06-01", to: "2025-12-31")
        var rows = 0
        var page: String?
        for _ in 0..<9 {
            let answer = await Self.costs(bench, long, page: page).json["properties"]
            rows += answer?["rows"]?.array?.count ?? 0
            page = answer?["nextLink"]?.string.map { String($0.dropFirst(Bench.base.count)) }
            if page == nil { break }
        }
        #expect(rows == 15 * 214)
    }

    @Test(
        "a query of costs that the service refuses says why",
        arguments: [
            (query("Yesterday", [:]), "Invalid timeframe"), (query("Custom", [:]), "from and to"),
            (query("MonthToDate", ["grouping": [["type": "Dimension", "name": "Colour"]]]), "Colour"),
            (query("MonthToDate", ["aggregation": ["a": ["name": "Joy", "function": "Sum"]]]), "Joy"),
            (query("MonthToDate", ["granularity": "Hourly"]), "hourly"), ([:], "dataset is missing"),
        ] as [(JSONObject, String)])
    func refusedCosts(query: JSONObject, text: String) async {
        let answer = await Self.costs(Bench(users: 30), query)
        #expect(answer.status == 400 && answer.text.contains(text), "\(answer.text)")
    }
}
