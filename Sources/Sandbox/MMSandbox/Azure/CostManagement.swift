internal import MMCore
internal import MMHTTP

/// Cost Management: what the resources of the subscription have cost, by day and by what the query names.
struct CostManagement {
    let context: TenantContext
    let answers: PlatformAnswers
    let content: AzureContent
    let access: AzureAccess

    /// Returns the routes of the service.
    static func routes(_ services: TenantServices) -> Router<Void> {
        var routes = ServiceRoutes(services) { $0.costs }
        let query = "providers/Microsoft.CostManagement/query"
        routes.on("POST", path: "/subscriptions/{subscription}/\(query)", Self.query)
        routes.on("POST", path: "/subscriptions/{subscription}/resourceGroups/{group}/\(query)", Self.query)
        return routes.router
    }

    /// An error in a query.
    private struct Failure: Error {
        let message: String
    }

    private func query(_ request: ServiceRequest) -> HTTPServerResponse {
        answers.checked(request.http, for: .arm) { principal in
            guard request.name("subscription").lowercased() == AzureContent.subscriptionID else {
                return .failure(
                    404, "SubscriptionNotFound",
                    "The subscription '\(request.name("subscription"))' could not be found.")
            }
            let group = request.http.path.split(separator: "/").count > 5 ? request.name("group") : nil
            let scope = AzureContent.scope(ofGroup: group)
            let action = AzureAction.reading("Microsoft.CostManagement/query", at: scope)
            guard access.permits(principal, action) else { return access.refusal(principal, action) }
            if let group, content.group(group) == nil {
                return .failure(404, "ResourceGroupNotFound", "Resource group '\(group)' could not be found.")
            }
            do throws(Failure) {
                let body = request.http.object ?? [:]
                return page(try table(body, group: group), request.http)
            } catch {
                return .failure(
                    400, "BadRequest",
                    "Invalid query definition: \(error.message) (Request ID: \(RandomBytes.uuid()))")
            }
        }
    }

    private func page(_ table: KustoTable, _ request: HTTPServerRequest) -> HTTPServerResponse {
        let start = request.queryFields["$skiptoken"].flatMap { PageToken($0)?.matched } ?? 0
        let rows = table.rows.dropFirst(start).prefix(1000)
        var next: JSONValue = .null
        if start + rows.count < table.rows.count {
            let version = request.queryFields["api-version"] ?? ""
            next = .string(
                "\(context.base)\(request.path)?api-version=\(version)"
                    + "&$skiptoken=\(PageToken(matched: start + rows.count).text)")
        }
        let columns = table.columns.map { name -> JSONValue in
            let isNumber = Self.measures.contains(name) || name == "UsageDate"
            let type = isNumber ? "Number" : name == "BillingMonth" ? "Datetime" : "String"
            return ["name": .string(name), "type": .string(type)]
        }
        let id = RandomBytes.uuid()
        return HTTPServerResponse(
            status: 200,
            json: [
                "id": .string("\(request.path.dropFirst())/\(id)"), "name": .string(id),
                "type": "Microsoft.CostManagement/query", "location": .null, "sku": .null, "eTag": .null,
                "properties": [
                    "nextLink": next, "columns": .array(columns),
                    "rows": .array(rows.map { row in .array(table.columns.map { row[$0] ?? .null }) }),
                ],
            ])
    }

    // MARK: Queries

    private static let measures: Set<String> = ["Cost", "PreTaxCost", "CostUSD", "PreTaxCostUSD"]
    private static let dimensions = [
        "ResourceGroup", "ResourceGroupName", "ResourceId", "ResourceType", "ResourceLocation", "ServiceName",
        "MeterCategory", "SubscriptionId", "SubscriptionName", "ChargeType", "PublisherType",
    ]

    /// Returns the rows that a query asks for.
    private func table(_ body: JSONObject, group: String?) throws(Failure) -> KustoTable {
        guard let dataset = body["dataset"]?.object else { throw Failure(message: "The dataset is missing.") }
        guard ["actualcost", "amortizedcost", "usage"].contains(body["type"]?.string?.lowercased()) else {
            throw Failure(message: "Invalid query type '\(body["type"]?.string ?? "")'.")
        }
        let days = try days(of: body)
        let date: String?
        switch dataset["granularity"]?.string?.lowercased() {
        case nil, "none": date = nil
        case "daily": date = "UsageDate"
        case "monthly": date = "BillingMonth"
        case let other?: throw Failure(message: "Invalid dataset granularity '\(other)'.")
        }
        let sums = try (dataset["aggregation"]?.object ?? [:]).map { (sum) throws(Failure) in
            let name = sum.value["name"]?.string ?? ""
            guard let measure = Self.measures.first(where: { $0.lowercased() == name.lowercased() }) else {
                throw Failure(message: "Invalid dataset aggregation column '\(name)'.")
            }
            return KustoColumn(given: measure, expression: .call("sum", [.column(measure)]))
        }
        let groups = try (dataset["grouping"]?.array ?? []).map { (grouping) throws(Failure) in
            try Self.dimension(grouping["name"]?.string ?? "")
        }
        let filter = try dataset["filter"].map { (filter) throws(Failure) in try Self.condition(filter) }
        let rows = costs(of: days, inGroup: group).filter { filter?($0) ?? true }
        var table = KustoTable(columns: Self.measures.sorted() + Self.dimensions + Self.dates, rows: rows)
        do throws(KustoFailure) {
            let keys = ((date.map { [$0] } ?? []) + groups).map { KustoColumn(given: nil, expression: .column($0)) }
            try table.summarize(sums, by: keys, now: context.now)
            // A subscription without costs has no row, not one of nothing.
            if rows.isEmpty { table.rows = [] }
            try table.set(
                [KustoColumn(given: "Currency", expression: .literal("USD"))], keepsOthers: true, now: context.now)
            try table.sort(by: try sorting(dataset, table.columns), now: context.now)
        } catch { throw Failure(message: error.message) }
        table.columns = sums.compactMap(\.given) + table.columns.filter { !Self.measures.contains($0) }
        return table
    }

    private func sorting(
        _ dataset: JSONObject, _ columns: [String]
    ) throws(KustoFailure) -> [(expression: KustoExpression, isRising: Bool)] {
        (dataset["sorting"]?.array ?? []).map { order in
            let name = order["name"]?.string ?? ""
            let column = columns.first { $0.lowercased() == name.lowercased() } ?? name
            return (.column(column), order["direction"]?.string?.lowercased().hasPrefix("desc") != true)
        }
    }

    private static func dimension(_ name: String) throws(Failure) -> String {
        guard let known = dimensions.first(where: { $0.lowercased() == name.lowercased() }) else {
            throw Failure(
                message: "Invalid dataset grouping: '\(name)'; valid values: \(dimensions.joined(separator: ","))")
        }
        return known
    }

    /// Returns the condition of a filter: `and`, `or`, and dimensions whose values it lists.
    private static func condition(_ filter: JSONValue) throws(Failure) -> (JSONObject) -> Bool {
        func parts(_ name: String) throws(Failure) -> [(JSONObject) -> Bool]? {
            guard let parts = (filter[name] ?? filter[name.capitalizedFirst])?.array else { return nil }
            return try parts.map { (part) throws(Failure) in try condition(part) }
        }
        if let all = try parts("and") { return { row in all.allSatisfy { $0(row) } } }
        if let some = try parts("or") { return { row in some.contains { $0(row) } } }
        guard let named = (filter["dimensions"] ?? filter["Dimensions"])?.object else {
            throw Failure(message: "Invalid dataset filter; it needs and, or, or dimensions.")
        }
        let name = try dimension((named["name"] ?? named["Name"])?.string ?? "")
        let values = Set(((named["values"] ?? named["Values"])?.array ?? []).compactMap { $0.string?.lowercased() })
        return { values.contains($0[name]?.string?.lowercased() ?? "") }
    }

    /// Returns the days of a query, as numbers since 1970; costs are known up to yesterday.
    private func days(of body: JSONObject) throws(Failure) -> Range<Int64> {
        let today = context.now / 86_400
        func start(of part: String, _ offset: Int64 = 0) -> Int64 {
            (KustoTime.start(of: part, context.now, offset) ?? context.now) / 86_400
        }
        func named(_ name: String) throws(Failure) -> Int64 {
            guard let text = body["timePeriod"]?[name]?.string, let seconds = ServiceTime.seconds(text) else {
                throw Failure(message: "The timePeriod needs the dates from and to.")
            }
            return Int64(seconds) / 86_400
        }
        switch body["timeframe"]?.string?.lowercased() {
        case "monthtodate", "billingmonthtodate": return start(of: "month")..<today
        case "weektodate": return start(of: "week")..<today
        case "thelastmonth", "thelastbillingmonth": return start(of: "month", -1)..<start(of: "month")
        case "custom":
            let (from, to) = (try named("from"), try named("to"))
            guard from <= to else { throw Failure(message: "The date from is after the date to.") }
            guard to - from <= 366 else { throw Failure(message: "The time period exceeds one year.") }
            return min(from, today)..<min(to + 1, today)
        case let other: throw Failure(message: "Invalid timeframe '\(other ?? "")'.")
        }
    }

    // MARK: Costs

    /// The names of the dates in rows.
    private static let dates = ["UsageDate", "BillingMonth"]

    /// The services that cost something, with the price of a resource for one day, in hundredths of a cent.
    private static let services: [String: (name: String, price: Int64)] = [
        "microsoft.compute/virtualmachines": ("Virtual Machines", 11_520),
        "microsoft.compute/disks": ("Storage", 790), "microsoft.storage/storageaccounts": ("Storage", 2_140),
        "microsoft.web/serverfarms": ("Azure App Service", 4_320),
        "microsoft.keyvault/vaults": ("Key Vault", 12),
    ]

    /// Returns what each resource has cost on each day.
    private func costs(of days: Range<Int64>, inGroup group: String?) -> [JSONObject] {
        let rows = group.map { content.resources(inGroup: $0) } ?? content.resources
        return rows.flatMap { resource -> [JSONObject] in
            let type = resource["type"]?.string?.lowercased() ?? ""
            guard let service = Self.services[type] else { return [] }
            let name = AzureContent.group(of: resource)?.lowercased() ?? ""
            let id = resource["id"]?.string?.lowercased() ?? ""
            let place = Int(id.utf8.reduce(UInt32(7)) { $0 &* 31 &+ UInt32($1) })
            return days.map { day in
                let date = ServiceTime.text(day * 86_400).prefix(10)
                // Usage differs a little from day to day.
                let use = 95 + context.mixing.branch(61).number(place, UInt64(bitPattern: day), below: 11)
                let cost: JSONValue = .double(Double(service.price * Int64(use) / 100) / 10_000)
                return [
                    "Cost": cost, "PreTaxCost": cost, "CostUSD": cost, "PreTaxCostUSD": cost,
                    "ResourceGroup": .string(name), "ResourceGroupName": .string(name), "ResourceId": .string(id),
                    "ResourceType": .string(type), "ResourceLocation": resource["location"] ?? "",
                    "ServiceName": .string(service.name), "MeterCategory": .string(service.name),
                    "SubscriptionId": .string(AzureContent.subscriptionID),
                    "SubscriptionName": AzureResourceManager.row["displayName"] ?? "", "ChargeType": "usage",
                    "PublisherType": "azure", "UsageDate": .int(Int64(date.filter { $0 != "-" }) ?? 0),
                    "BillingMonth": .string("\(date.prefix(7))-01T00:00:00"),
                ]
            }
        }
    }
}

extension String {
    /// The text with its first letter in upper case, as some clients write the members of a filter.
    fileprivate var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}
