import MMCore
import MMHTTP
import Testing

@testable import MMSandbox

@Suite("Queries of logs in the sandbox")
struct LogTests {
    private static let workspace =
        "\(AzureContent.root)/resourceGroups/rg-data/providers/Microsoft.OperationalInsights/workspaces/log-data/query"

    private static func answered(
        _ bench: Bench, _ query: String, timespan: String? = nil, as account: String = TenantIdentity.administrator
    ) async -> HTTPServerResponse {
        let token = await bench.token(account, scope: "https://management.azure.com/.default")
        var body: JSONObject = ["query": .string(query)]
        if let timespan { body["timespan"] = .string(timespan) }
        return await bench.graph("POST", "\(workspace)?api-version=2017-10-01", token: token, body: .object(body))
    }

    /// A query, the columns of its answer with their types, and its rows.
    struct Query: Sendable, CustomTestStringConvertible {
        let text: String
        let columns: String
        let rows: String

        var testDescription: String { text }

        init(_ text: String, _ columns: String, _ rows: String) {
            (self.text, self.columns, self.rows) = (text, columns, rows)
        }
    }

    @Test(
        "everyday queries are answered with typed columns",
        arguments: [
            Query(
                "Heartbeat | distinct Computer | order by Computer asc", "Computer string",
                #"[["vm-data"],["vm-sandbox"],["vm-web"]]"#),
            Query(
                "Heartbeat | summarize arg_max(TimeGenerated, OSType) by Computer | where Computer has 'web'",
                "Computer string, TimeGenerated datetime, OSType string",
                #"[["vm-web","2026-01-01T00:00:00.0000000Z","Linux"]]"#),
            Query(
                """
                Heartbeat | where TimeGenerated between (datetime(2025-12-31 22:00) .. 1h)
                | summarize n = count() by bin(TimeGenerated, 1h) | order by TimeGenerated asc | render timechart
                """, "TimeGenerated datetime, n long",
                #"[["2025-12-31T22:00:00.0000000Z",36],["2025-12-31T23:00:00.0000000Z",3]]"#),
            Query(
                """
                let names = dynamic(['vm-web', "vm-data"]); let since = ago(10m);
                Heartbeat | where TimeGenerated > since and Computer in (names) | count
                """, "Count long", "[[4]]"),
            Query(
                """
                let one = (Heartbeat | where Computer == 'vm-web'); union isfuzzy=true one, (Heartbeat | take 1)
                | summarize sumif(1, Computer == 'vm-web'), percentile(hourofday(TimeGenerated), 50)
                """, "sumif_ long, percentile__50 long", "[[289,11]]"),
            Query(
                "Heartbeat | where Computer in ((Heartbeat | where Computer endswith 'b' | distinct Computer)) | count",
                "Count long", "[[288]]"),
            Query(
                """
                Heartbeat | top 1 by TimeGenerated asc | project Age = datetime_diff('day', now(), TimeGenerated),
                Text = format_datetime(TimeGenerated - 1d, 'dd.MM.yyyy HH:mm'), Week = startofweek(TimeGenerated)
                """, "Age long, Text string, Week datetime",
                #"[[1,"30.12.2025 00:05","2025-12-28T00:00:00.0000000Z"]]"#),
            Query(
                """
                Heartbeat | where Computer == 'vm-web' | take 1 | project-keep OSType, Computer
                | union (Heartbeat | take 1 | project Category) | summarize count() by Computer, Category
                """, "Computer string, Category string, count_ long",
                #"[["vm-web",null,1],[null,"Azure Monitor Agent",1]]"#),
            Query(
                "Heartbeat | where Computer == 'vm-web' | take 1 | project-keep OSType, Computer",
                "Computer string, OSType string", #"[["vm-web","Linux"]]"#),
            Query(
                "Heartbeat | where TimeGenerated between (now() - 2h .. 1h) | count", "Count long", "[[39]]"),
            Query(
                """
                Heartbeat | where TimeGenerated between (datetime(2025-12-31 22:00) .. 10m)
                    and hourofday(TimeGenerated) !between (abs(-1.5) .. 21.5) | count
                """, "Count long", "[[9]]"),
            Query(
                """
                Heartbeat | take 1 | project A = datetime_add('month', 1, datetime(2026-01-31 10:00)),
                B = datetime_add('Year', -1, datetime(2024-02-29 00:00)), C = datetime_add('quarter', -1, now())
                """, "A datetime, B datetime, C datetime",
                #"[["2026-02-28T10:00:00.0000000Z","2023-02-28T00:00:00.0000000Z","2025-10-01T00:00:00.0000000Z"]]"#),
            Query("union kind=outer isfuzzy=true Nothing, Heartbeat | count", "Count long", "[[864]]"),
            Query(
                "union isfuzzy=true (Nothing | where A in (1, 2)), (Heartbeat | take 2) | count", "Count long", "[[2]]"),
            Query("let few = 2; Heartbeat | take few | count", "Count long", "[[2]]"),
            Query("SigninLogs | where ResultType == 0 and ResultType != '0' | count", "Count long", "[[0]]"),
        ])
    func queries(query: Query) async throws {
        let answer = await Self.answered(Bench(users: 30), query.text)
        let table = answer.json["tables"]?[0]
        let told = table?["columns"]?.array?.map { "\($0["name"]?.string ?? "") \($0["type"]?.string ?? "")" } ?? []
        let rows = try JSONParser.parse(Array(query.rows.utf8))
        #expect(told.joined(separator: ", ") == query.columns && table?["rows"] == rows, "\(answer.text)")
    }

    @Test("logs tell the same as the services that they come from, and what was done a moment ago")
    func sources() async {
        let bench = Bench(users: 30)
        let arm = await bench.token(scope: "https://management.azure.com/.default")
        let graph = await bench.token()
        _ = await bench.graph(
            "DELETE", "\(AzureContent.root)/resourceGroups/rg-web?api-version=2021-04-01", token: arm)
        let deeds = await Self.answered(
            bench,
            """
            AzureActivity | where ActivityStatusValue == 'Success' | top 1 by TimeGenerated
            | project Caller, OperationNameValue
            """
        )
        #expect(
            deeds.json["tables"]?[0]?["rows"]?[0] == [
                .string(TenantIdentity.administrator), "MICROSOFT.RESOURCES/SUBSCRIPTIONS/RESOURCEGROUPS/DELETE",
            ], "\(deeds.text)")
        let signIns = await bench.everyItem("/v1.0/auditLogs/signIns?$top=1000", token: graph)
        let failed = signIns.count { $0["status"]?["errorCode"] != 0 }
        let logged = await Self.answered(
            bench, "SigninLogs | summarize Failed = countif(ResultType != '0'), All = count()")
        #expect(
            logged.json["tables"]?[0]?["rows"]?[0] == [.int(Int64(failed)), .int(Int64(signIns.count))],
            "\(logged.text)")
        let users = await bench.inside { $0.store.users.row(4).id }
        bench.clock.advance(by: 60)
        _ = await bench.graph("PATCH", "/v1.0/users/\(users)", token: graph, body: ["city": "Ulm"])
        let audit = await Self.answered(
            bench,
            "AuditLogs | top 1 by TimeGenerated | project OperationName, tostring(TargetResources[0].id), InitiatedBy")
        let row = audit.json["tables"]?[0]?["rows"]?[0]
        #expect(row?[0] == "Update user" && row?[1]?.string == users, "\(audit.text)")
        #expect(row?[2]?.string?.contains(TenantIdentity.administrator) == true, "dynamic values are texts")
    }

    @Test("a machine that was stopped has said nothing since then, and before as much as the others")
    func silence() async {
        let bench = Bench(users: 30)
        let arm = await bench.token(scope: "https://management.azure.com/.default")
        bench.clock.advance(by: 60)
        let machine = "resourceGroups/rg-web/providers/Microsoft.Compute/virtualMachines/vm-web"
        let asked = await bench.graph(
            "POST", "\(AzureContent.root)/\(machine)/deallocate?api-version=2023-03-01", token: arm)
        #expect(asked.status == 202, "\(asked.text)")
        bench.clock.advance(by: 1200)
        let silent = await Self.answered(
            bench,
            """
            Heartbeat | summarize Last = max(TimeGenerated), Said = count() by Computer
            | where Last < ago(15m) | project Computer, Last, Said
            """)
        #expect(
            silent.json["tables"]?[0]?["rows"] == [["vm-web", "2026-01-01T00:00:00.0000000Z", 284]], "\(silent.text)")
    }

    @Test(
        "the timespan of a request narrows the rows", arguments: [("PT10M", 9), ("P1D", 864), ("2025-12-31/PT1H", 36)])
    func timespan(text: String, count: Int64) async {
        let answer = await Self.answered(Bench(users: 30), "Heartbeat | count", timespan: text)
        #expect(answer.json["tables"]?[0]?["rows"] == [[.int(count)]], "\(answer.text)")
    }

    @Test(
        "a query that the service refuses says why in its innermost error",
        arguments: [
            ("Nothing | take 1", "SEM0100", "named 'Nothing'"), ("heartbeat | take 1", "SEM0100", "named 'heartbeat'"),
            ("Heartbeat | where Foo == 1", "SEM0100", "named 'Foo'"),
            ("Heartbeat | where", "SYN0002", "'<EOF>' on line [1,17]"),
            ("let a = 1 Heartbeat", "SYN0002", "'Heartbeat'"),
        ])
    func refused(query: String, code: String, text: String) async {
        let answer = await Self.answered(Bench(users: 30), query)
        let inner = answer.json["error"]?["innererror"]?["innererror"]
        #expect(answer.status == 400 && answer.errorCode == "BadArgumentError")
        #expect(inner?["code"]?.string == code && inner?["message"]?.string?.contains(text) == true, "\(answer.text)")
    }

    @Test("a workspace is there for those whose role reads it")
    func access() async {
        let bench = Bench(users: 30)
        let query = "AzureActivity | count"
        #expect(await Self.answered(bench, query, as: "rita.reader@contoso-sandbox.example").status == 200)
        let refused = await Self.answered(bench, query, as: "lena.vogt@contoso-sandbox.example")
        #expect(refused.status == 403 && refused.errorCode == "AuthorizationFailed", "\(refused.text)")
        let token = await bench.token(scope: "https://management.azure.com/.default")
        let other = await bench.graph(
            "POST", Self.workspace.replacing("log-data", with: "log-none") + "?api-version=2017-10-01", token: token,
            body: ["query": .string(query)])
        #expect(other.errorCode == "ResourceNotFound")
        #expect(await Self.answered(bench, query, timespan: "yesterday").errorCode == "BadArgumentError")
    }

    @Test("a role in a group opens the workspace of the group, and its costs, but not those of the subscription")
    func accessInGroup() async {
        let bench = Bench(users: 30)
        let user = "lena.vogt@contoso-sandbox.example"
        let query = "AzureActivity | count"
        let refused = await Self.answered(bench, query, as: user)
        #expect(refused.text.contains("over scope '\(Self.workspace.dropLast("/query".count))'"), "\(refused.text)")
        let id = await bench.inside { $0.store.user(user)?.id ?? "" }
        let token = await bench.token(scope: "https://management.azure.com/.default")
        let role =
            "\(AzureContent.root)/providers/Microsoft.Authorization/roleDefinitions/"
            + "acdd72a7-3385-48ef-bd42-f606fba81ae7"
        let assignment =
            "/resourceGroups/rg-data/providers/Microsoft.Authorization/roleAssignments/"
            + "5a4db0c5-a551-4000-8000-00000000b008"
        let made = await bench.graph(
            "PUT", "\(AzureContent.root)\(assignment)?api-version=2022-04-01", token: token,
            body: ["properties": ["roleDefinitionId": .string(role), "principalId": .string(id)]])
        #expect(made.status == 201, "\(made.text)")
        #expect(await Self.answered(bench, query, as: user).status == 200)

        let own = await bench.token(user, scope: "https://management.azure.com/.default")
        func costs(_ group: String) async -> Int {
            await bench.graph(
                "POST",
                "\(AzureContent.root)\(group)/providers/Microsoft.CostManagement/query?api-version=2023-11-01",
                token: own, body: ["type": "Usage", "timeframe": "MonthToDate", "dataset": ["granularity": "None"]]
            ).status
        }
        #expect(await costs("/resourceGroups/rg-data") == 200)
        #expect(await costs("/resourceGroups/rg-web") == 403)
        #expect(await costs("") == 403)
    }

    // MARK: Advanced hunting

    @Test(
        "advanced hunting reads mail, sign-ins, files and devices",
        arguments: [
            ("EmailEvents | where EmailDirection == 'Inbound' and SenderFromDomain startswith 'contoso-'", ""),
            ("EmailEvents | summarize n = count() by DeliveryAction", "DeliveryAction String, n Int64"),
            ("EntraIdSignInEvents | where ErrorCode != 0 | project AccountUpn", "AccountUpn String"),
            ("CloudAppEvents | project RawEventData", "RawEventData Object"),
            ("DeviceInfo | project DeviceName, IsAzureADJoined", "DeviceName String, IsAzureADJoined SByte"),
            ("IdentityInfo | where not(IsAccountEnabled) | count", "Count Int64"),
            ("AlertInfo | project Timestamp", "Timestamp DateTime"),
        ])
    func hunting(query: String, columns: String) async {
        let bench = Bench(users: 60)
        let answer = await bench.graph(
            "POST", "/v1.0/security/runHuntingQuery", token: await bench.token(), body: ["Query": .string(query)])
        let schema = answer.json["schema"]?.array ?? []
        let told = schema.map { "\($0["name"]?.string ?? "") \($0["type"]?.string ?? "")" }.joined(separator: ", ")
        #expect(answer.status == 200 && (columns.isEmpty || told == columns), "\(answer.text)")
        #expect(answer.json["results"]?.array?.isEmpty == columns.isEmpty, "\(answer.text)")
    }

    @Test("a hunting query needs its permission, a role and a table that there is")
    func huntingRefused() async {
        let bench = Bench(users: 30)
        func status(_ token: String, _ query: String = "AlertInfo") async -> HTTPServerResponse {
            await bench.graph(
                "POST", "/beta/security/microsoft.graph.security.runHuntingQuery", token: token,
                body: ["query": .string(query)])
        }
        #expect(await status(await bench.token()).status == 200)
        #expect(await status(await bench.token("lena.vogt@contoso-sandbox.example")).status == 403)
        let narrow = await bench.token(scope: "https://graph.microsoft.com/User.Read")
        #expect(await status(narrow).status == 403)
        let unknown = await status(await bench.token(), "SigninLogs")
        #expect(unknown.status == 400 && unknown.text.contains("'SigninLogs'"), "\(unknown.text)")
    }
}
