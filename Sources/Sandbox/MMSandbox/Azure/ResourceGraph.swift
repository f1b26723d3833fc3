internal import MMCore
internal import MMHTTP

/// Azure Resource Graph: queries over the resources of the subscription, their groups and the role assignments.
struct ResourceGraph {
    let context: TenantContext
    let answers: PlatformAnswers
    let content: AzureContent
    let access: AzureAccess

    /// Returns the routes of the service.
    static func routes(_ services: TenantServices) -> Router<Void> {
        var routes = ServiceRoutes(services) { $0.resourceGraph }
        routes.on("POST", path: "/providers/Microsoft.ResourceGraph/resources", Self.query)
        return routes.router
    }

    private func query(_ request: ServiceRequest) -> HTTPServerResponse {
        answers.checked(request.http, for: .arm) { principal in
            guard let body = request.http.object, let text = body["query"]?.string, !text.isEmpty else {
                return failure(KustoFailure(code: "InvalidQuery", message: "The request has no query."))
            }
            let scope = body["subscriptions"]?.array?.compactMap { $0.string?.lowercased() } ?? []
            let isOpen = access.permits(principal, .reading("Microsoft.Resources/subscriptions/resources"))
            guard scope.isEmpty || isOpen && scope.contains(AzureContent.subscriptionID) else {
                return .failure(
                    403, "AccessDenied",
                    "Access is denied to the requested resource. The user might not have enough permission.")
            }
            let options = body["options"]?.object ?? [:]
            // Earlier versions answered with a table.
            let version = request.http.queryFields["api-version"] ?? ""
            let format = options["resultFormat"]?.string ?? (version < "2020" ? "table" : "objectArray")
            do throws(KustoFailure) {
                // Those who see no subscription find nothing.
                let found = try KustoQuery.run(text, now: context.now, table: "resources") { name in
                    table(name).map { KustoTable(columns: $0.columns, rows: isOpen ? $0.rows : []) }
                }
                return try page(found.table, isLimited: found.isLimited, options, isTable: format == "table")
            } catch {
                return failure(error)
            }
        }
    }

    private func page(
        _ found: KustoTable, isLimited: Bool, _ options: JSONObject, isTable: Bool
    ) throws(KustoFailure) -> HTTPServerResponse {
        let size = options["$top"]?.int ?? 1000
        guard (1...1000).contains(size) else {
            throw KustoFailure(code: "InvalidTop", message: "The value of $top must be between 1 and 1000.")
        }
        let token = options["$skipToken"]?.string
        guard let start = token.map({ PageToken($0)?.matched }) ?? max(0, options["$skip"]?.int ?? 0) else {
            throw KustoFailure(code: "InvalidSkipToken", message: "The value of $skipToken is not valid.")
        }
        let rows = found.rows.dropFirst(start).prefix(size)
        let end = start + rows.count
        let isCut = end < found.rows.count
        var answer: JSONObject = [
            "totalRecords": .int(Int64(found.rows.count)), "count": .int(Int64(rows.count)),
            "data": isTable ? Self.table(found.columns, rows) : .array(rows.map { .object($0) }), "facets": [],
            "resultTruncated": isCut ? "true" : "false",
        ]
        // Only rows with an id can be followed, and only if the query itself doesn't limit them.
        if isCut, !isLimited, found.columns.contains("id") {
            answer["$skipToken"] = .string(PageToken(matched: end).text)
        }
        return HTTPServerResponse(status: 200, json: .object(answer))
    }

    private static func table(_ columns: [String], _ rows: ArraySlice<JSONObject>) -> JSONValue {
        let shown = KustoTable(columns: columns, rows: Array(rows))
        let typed = columns.map { name -> JSONValue in
            let type =
                switch shown.type(of: name) {
                case .long: "integer"
                case .real: "number"
                case .bool: "boolean"
                case .dynamic: "object"
                case .string, .datetime: "string"
                }
            return ["name": .string(name), "type": .string(type)]
        }
        return [
            "columns": .array(typed),
            "rows": .array(rows.map { row in .array(columns.map { row[$0] ?? .null }) }),
        ]
    }

    private func failure(_ failure: KustoFailure) -> HTTPServerResponse {
        var detail: JSONObject = ["code": .string(failure.code), "message": .string(failure.message)]
        if let place = failure.place {
            detail["line"] = .int(Int64(place.line))
            detail["characterPositionInLine"] = .int(Int64(place.column))
            detail["token"] = .string(place.token)
        }
        let help =
            "Query is invalid. Please refer to the documentation for the Azure Resource Graph service and fix the "
            + "error before retrying."
        return HTTPServerResponse(
            status: 400,
            json: [
                "error": [
                    "code": "BadRequest",
                    "message": .string(
                        "Please provide below info when asking for support: timestamp = "
                            + "\(ServiceTime.longText(context.now)), correlationId = \(RandomBytes.uuid())."),
                    "details": [["code": "InvalidQuery", "message": .string(help)], .object(detail)],
                ]
            ])
    }

    // MARK: Tables

    private static let columns = [
        "id", "name", "type", "tenantId", "kind", "location", "resourceGroup", "subscriptionId", "managedBy", "sku",
        "plan", "properties", "tags", "identity", "zones", "extendedLocation",
    ]

    /// The tables of which the subscription has no rows.
    private static let empty: Set<String> = [
        "advisorresources", "alertsmanagementresources", "extensibilityresources", "guestconfigurationresources",
        "healthresources", "healthresourcechanges", "kubernetesconfigurationresources", "maintenanceresources",
        "patchassessmentresources", "patchinstallationresources", "policyresources", "recoveryservicesresources",
        "resourcechanges", "resourcecontainerchanges", "securityresources", "servicehealthresources",
        "insightsresources", "networkresources", "computeresources",
    ]

    /// Returns the table with a name, in any case; nil for none.
    private func table(_ name: String) -> KustoTable? {
        switch name.lowercased() {
        case "resources": KustoTable(columns: Self.columns, rows: content.resources.map(row))
        case "resourcecontainers":
            KustoTable(
                columns: Self.columns,
                rows: ([AzureResourceManager.row] + content.groups).map(container))
        case "authorizationresources":
            KustoTable(
                columns: Self.columns,
                rows: (access.assignments + AzureAccess.roleDefinitions).map(row))
        case let name where Self.empty.contains(name): KustoTable(columns: Self.columns, rows: [])
        default: nil
        }
    }

    /// Returns a resource as the tables have it: types, groups and regions in lower case, what a machine is doing
    /// among its properties, and text columns that are never null.
    private func row(_ resource: JSONValue) -> JSONObject {
        func text(_ name: String) -> JSONValue { resource[name] ?? "" }
        func small(_ value: JSONValue) -> JSONValue { .string(value.string?.lowercased() ?? "") }
        var properties = resource["properties"]?.object ?? [:]
        if let view = content.withInstanceView(resource, at: context.now)["properties"]?["instanceView"]?.object {
            var extended = view
            extended["vmAgent"] = nil
            extended["statuses"] = nil
            extended["powerState"] = view["statuses"]?.array?.first { status in
                status["code"]?.string?.hasPrefix("PowerState/") == true
            }
            properties["extended"] = ["instanceView": .object(extended)]
        }
        return [
            "id": text("id"), "name": text("name"), "type": small(text("type")),
            "tenantId": .string(TenantIdentity.id), "kind": text("kind"), "location": small(text("location")),
            "resourceGroup": small(AzureContent.group(of: resource).map { .string($0) } ?? ""),
            "subscriptionId": .string(AzureContent.subscriptionID), "managedBy": text("managedBy"),
            "sku": resource["sku"] ?? .null, "plan": resource["plan"] ?? .null, "properties": .object(properties),
            "tags": resource["tags"] ?? .null, "identity": resource["identity"] ?? .null,
            "zones": resource["zones"] ?? .null, "extendedLocation": resource["extendedLocation"] ?? .null,
        ]
    }

    /// Returns a group or the subscription as the table of containers has it.
    private func container(_ holder: JSONValue) -> JSONObject {
        var made = row(holder)
        guard let shown = holder["displayName"] else {
            made["type"] = "microsoft.resources/subscriptions/resourcegroups"
            return made
        }
        made["name"] = shown
        made["type"] = "microsoft.resources/subscriptions"
        made["properties"] = .object(
            JSONObject(
                ["managedByTenants", "state", "subscriptionPolicies"].map { ($0, holder[$0] ?? .null) }))
        return made
    }
}
