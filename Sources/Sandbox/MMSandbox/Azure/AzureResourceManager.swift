internal import MMCore
internal import MMHTTP

/// The resource manager: subscriptions, resource groups, resources, and facts about Azure itself.
struct AzureResourceManager {
    let context: TenantContext
    let answers: PlatformAnswers
    let content: AzureContent
    let access: AzureAccess
    let log: AzureActivityLog
    private static let subscriptionID = AzureContent.subscriptionID
    private static let root = AzureContent.root

    /// Returns the routes of the service.
    static func routes(_ services: TenantServices) -> Router<Void> {
        var routes = ServiceRoutes(services) { $0.azure }
        routes.on("GET", path: "/tenants", Self.tenants)
        routes.on("GET", path: "/subscriptions", Self.subscriptions)
        routes.on("GET", path: "/subscriptions/{subscription}", Self.subscription)
        routes.on("GET", path: "/subscriptions/{subscription}/locations") { azure in
            { azure.list($0, AzureCatalogue.locations) }
        }
        routes.on("GET", path: "/subscriptions/{subscription}/tagNames") { azure in { azure.list($0, []) } }
        routes.on("GET", path: "/subscriptions/{subscription}/providers") { azure in
            { azure.list($0, AzureCatalogue.providers) }
        }
        routes.on("GET", path: "/subscriptions/{subscription}/providers/{namespace}", Self.provider)
        routes.on("GET", path: "/subscriptions/{subscription}/resourceGroups", Self.resourceGroups)
        routes.on(
            "GET", "HEAD", "PUT", "PATCH", "DELETE", path: "/subscriptions/{subscription}/resourceGroups/{group}",
            Self.resourceGroup)
        routes.on("GET", path: "/subscriptions/{subscription}/operationResults/{operation}", Self.operationResult)
        routes.on("GET", path: "/providers/Microsoft.Management/managementGroups", Self.managementGroups)
        routes.on("GET", path: "/subscriptions/{subscription}/resources", Self.resources)
        routes.on("GET", path: "/subscriptions/{subscription}/resourceGroups/{group}/resources", Self.groupResources)
        routes.all("/subscriptions/{subscription}/{resource...}", Self.resource)
        routes.on("HEAD", path: "/subscriptions/{subscription}/{resource...}", Self.resource)
        return routes.router
    }

    private func tenants(_ request: ServiceRequest) -> HTTPServerResponse {
        checked(request) { _ in
            HTTPServerResponse(
                status: 200,
                json: [
                    "value": [
                        [
                            "id": .string("/tenants/\(TenantIdentity.id)"), "tenantId": .string(TenantIdentity.id),
                            "countryCode": "US", "displayName": .string(TenantIdentity.name),
                            "domains": [.string(TenantIdentity.domain)], "tenantCategory": "Home",
                        ]
                    ]
                ])
        }
    }

    /// The subscription.
    static let row: JSONValue = [
        "id": .string(root), "authorizationSource": "RoleBased", "managedByTenants": [],
        "subscriptionId": .string(subscriptionID), "tenantId": .string(TenantIdentity.id),
        "displayName": "Contoso Sandbox Test", "state": "Enabled",
        "subscriptionPolicies": [
            "locationPlacementId": "Public_2014-09-01", "quotaId": "PayAsYouGo_2014-09-01", "spendingLimit": "Off",
        ],
    ]

    private func subscriptions(_ request: ServiceRequest) -> HTTPServerResponse {
        checked(request) { principal in
            let isOpen = access.permits(principal, .reading("Microsoft.Resources/subscriptions"))
            return HTTPServerResponse(
                status: 200,
                json: ["value": isOpen ? [Self.row] : [], "count": ["type": "Total", "value": isOpen ? 1 : 0]])
        }
    }

    /// Returns the groups that the subscription is in: the one around the whole tenant, for those who see anything.
    private func managementGroups(_ request: ServiceRequest) -> HTTPServerResponse {
        checked(request) { principal in
            let row: JSONValue = [
                "id": .string("/providers/Microsoft.Management/managementGroups/\(TenantIdentity.id)"),
                "type": "Microsoft.Management/managementGroups", "name": .string(TenantIdentity.id),
                "properties": ["tenantId": .string(TenantIdentity.id), "displayName": "Tenant Root Group"],
            ]
            let isOpen = access.permits(principal, .reading("Microsoft.Management/managementGroups"))
            return answers.list(request.http, isOpen ? [row] : [])
        }
    }

    private func subscription(_ request: ServiceRequest) -> HTTPServerResponse {
        inSubscription(request) { HTTPServerResponse(status: 200, json: Self.row) }
    }

    private func list(_ request: ServiceRequest, _ rows: [JSONValue]) -> HTTPServerResponse {
        inSubscription(request) { answers.list(request.http, rows) }
    }

    private func provider(_ request: ServiceRequest) -> HTTPServerResponse {
        inSubscription(request) {
            let name = request.name("namespace")
            guard let row = AzureCatalogue.provider(name) else {
                return .failure(
                    404, "InvalidResourceNamespace", "The resource namespace '\(name.prefix(80))' is invalid.")
            }
            return HTTPServerResponse(status: 200, json: row)
        }
    }

    private func resourceGroups(_ request: ServiceRequest) -> HTTPServerResponse { list(request, content.groups) }

    private func resourceGroup(_ request: ServiceRequest) -> HTTPServerResponse {
        inSubscription(request) {
            let name = request.name("group")
            if request.http.method == "PUT" {
                guard let body = request.http.object, body["location"]?.string != nil else {
                    return .failure(
                        400, "LocationRequired", "The location property is required for this definition.")
                }
                let made = content.putGroup(name, body)
                return HTTPServerResponse(status: made.isNew ? 201 : 200, json: made.row)
            }
            guard let found = content.group(name) else { return Self.noGroup(name) }
            switch request.http.method {
            case "GET": return HTTPServerResponse(status: 200, json: found)
            case "HEAD": return HTTPServerResponse(status: 204)
            case "PATCH":
                return HTTPServerResponse(status: 200, json: content.putGroup(name, request.http.object ?? [:]).row)
            default:
                _ = content.removeGroup(name)
                return accepted
            }
        }
    }

    /// The answer to long-running work, with the URL of its status.
    private var accepted: HTTPServerResponse {
        let result = "\(context.base)\(Self.root)/operationresults/SANDBOX?api-version=2021-04-01"
        return HTTPServerResponse(status: 202, headers: ["Location": result, "Retry-After": "15"])
    }

    private func operationResult(_ request: ServiceRequest) -> HTTPServerResponse {
        inSubscription(request) { HTTPServerResponse(status: 200) }
    }

    /// Returns the state of something that a machine was asked to do.
    private func operation(_ place: AzurePath) -> HTTPServerResponse {
        let name = place.name ?? ""
        guard let time = UInt64(name.prefix(8) + name.dropFirst(9).prefix(4), radix: 16).map({ Int64($0) }) else {
            return Self.unknown("\(place.type)/\(name)")
        }
        var row: JSONObject = [
            "startTime": .string(ServiceTime.text(time)), "status": "InProgress", "name": .string(name),
        ]
        if context.now >= time + MachineAction.duration {
            row["status"] = "Succeeded"
            row["endTime"] = .string(ServiceTime.text(time + MachineAction.duration))
        }
        return HTTPServerResponse(status: 200, json: .object(row))
    }

    private func resources(_ request: ServiceRequest) -> HTTPServerResponse {
        inSubscription(request) { outlines(request, content.resources) }
    }

    private func groupResources(_ request: ServiceRequest) -> HTTPServerResponse {
        inSubscription(request) {
            let name = request.name("group")
            guard content.group(name) != nil else { return Self.noGroup(name) }
            return outlines(request, content.resources(inGroup: name))
        }
    }

    /// Returns a list of resources without their properties, which only the address of each resource returns.
    private func outlines(_ request: ServiceRequest, _ rows: [JSONValue]) -> HTTPServerResponse {
        let outlines = rows.compactMap(\.object).map { row -> JSONValue in
            var row = row
            row["properties"] = nil
            return .object(row)
        }
        return answers.list(request.http, outlines) { name, row in
            switch name {
            case "resourceType": row["type"]
            case "resourceGroup": AzureContent.group(of: row).map { .string($0) }
            default: nil
            }
        }
    }

    private static func noGroup(_ name: String) -> HTTPServerResponse {
        .failure(404, "ResourceGroupNotFound", "Resource group '\(name)' could not be found.")
    }

    // MARK: Resources of a provider

    private func resource(_ request: ServiceRequest) -> HTTPServerResponse {
        inSubscription(request) {
            let path = PercentCoding.decode(request.name("resource").utf8) ?? request.name("resource")
            guard let place = AzurePath(path.split(separator: "/").map(String.init)) else { return Self.unknown(path) }
            switch place.type.lowercased() {
            case "microsoft.authorization/roleassignments": return roleAssignments(request.http, place)
            case "microsoft.authorization/roledefinitions":
                return answer(request.http, place, AzureAccess.roleDefinitions)
            case "microsoft.insights/eventtypes/values" where request.http.method == "GET":
                return log.list(request.http, answers)
            case "microsoft.compute/locations/operations": return operation(place)
            case "microsoft.compute/locations/vmsizes", "microsoft.compute/skus":
                return answers.list(request.http, AzureCatalogue.sizes)
            case "microsoft.compute/virtualmachines/instanceview": return instanceView(request.http, place)
            case let type where type.hasSuffix("/checknameavailability") && request.http.method == "POST":
                return availability(request.http)
            default: break
            }
            if let group = place.group, content.group(group) == nil { return Self.noGroup(group) }
            if let name = place.name { return resource(request.http, place, name) }
            if request.http.method == "POST",
                let action = place.types.dropFirst().last.flatMap({ MachineAction(named: $0) })
            {
                return ask(request.http, place, to: action)
            }
            if request.http.method == "POST", place.types == ["register"],
                let row = AzureCatalogue.provider(place.namespace)
            {
                return HTTPServerResponse(status: 200, json: row)
            }
            guard request.http.method == "GET" else { return Self.unknown(path) }
            let rows = content.resources(ofType: place.type, inGroup: place.group)
            let known = AzureKind.named(place.type) != nil || !rows.isEmpty || place.types.count > 1
            guard known else {
                return .failure(
                    404, "InvalidResourceType",
                    "The resource type '\(place.types[0])' could not be found in the namespace '\(place.namespace)'.")
            }
            // Filters of the authorization service are functions of the scope (`atExactScope()`), which is that of the
            // path.
            return place.namespace.lowercased() == "microsoft.authorization"
                ? HTTPServerResponse(status: 200, json: ["value": .array(rows)]) : answers.list(request.http, rows)
        }
    }

    /// Returns whether a name is free, which clients ask before they make what has a host of its own.
    private func availability(_ request: HTTPServerRequest) -> HTTPServerResponse {
        let (type, name) = (request.object?["type"]?.string ?? "", request.object?["name"]?.string ?? "")
        let isTaken = content.resources(ofType: type, inGroup: nil).contains { AzureContent.isNamed($0, name) }
        var answer: JSONObject = ["nameAvailable": .bool(!isTaken)]
        if isTaken {
            answer["reason"] = "AlreadyExists"
            answer["message"] = .string("The name '\(name.prefix(80))' is already taken.")
        }
        return HTTPServerResponse(status: 200, json: .object(answer))
    }

    private func resource(_ request: HTTPServerRequest, _ place: AzurePath, _ name: String) -> HTTPServerResponse {
        let id = place.id(of: name)
        switch request.method {
        case "PUT", "PATCH":
            guard let body = request.object else {
                return .failure(400, "InvalidRequestContent", "The request content was invalid.")
            }
            if request.method == "PATCH", content.resource(id) == nil { return Self.unknown(place.id(of: name)) }
            let made = content.putResource(place, name: name, body)
            let status = made.isNew ? AzureKind.named(place.type)?.statusOfNew ?? 201 : 200
            return HTTPServerResponse(status: status, json: made.row)
        case "DELETE": return HTTPServerResponse(status: content.removeResource(id) ? 200 : 204)
        case "GET", "HEAD":
            guard let row = content.resource(id) else { return Self.unknown("\(place.type)/\(name)") }
            guard request.method == "GET" else { return HTTPServerResponse(status: 204) }
            let expanded = request.queryFields["$expand"] ?? ""
            let isView = expanded.lowercased() == "instanceview"
            let shown = isView ? content.withInstanceView(row, at: context.now) : row
            return HTTPServerResponse(status: 200, json: shown)
        default: return Self.unknown(id)
        }
    }

    // MARK: Machines

    /// Returns the virtual machine that a path is about.
    private func machine(_ place: AzurePath) -> JSONValue? {
        guard place.namespace.lowercased() == "microsoft.compute", place.types[0].lowercased() == "virtualmachines",
            let group = place.group, let name = place.names.first
        else { return nil }
        return content.resource("\(AzureContent.scope(ofGroup: group))/providers/\(MachineAction.type)/\(name)")
    }

    /// Returns the answer to what a machine is asked to do, which takes a moment.
    private func ask(_ request: HTTPServerRequest, _ place: AzurePath, to action: MachineAction) -> HTTPServerResponse {
        guard let machine = machine(place), let id = machine["id"]?.string else {
            return Self.unknown("\(place.type)/\(place.names.first ?? "")")
        }
        content.ask(id, to: action, at: context.now)
        let region = machine["location"]?.string ?? ""
        let version = request.queryFields["api-version"] ?? ""
        // The name of the operation tells when it was begun.
        let status =
            "\(context.base)\(Self.root)/providers/Microsoft.Compute/locations/\(region)/operations/"
            + "\(Guid.text(UInt64(context.now) << 16, UInt64(context.now)))?api-version=\(version)"
        return HTTPServerResponse(
            status: 202,
            headers: ["Azure-AsyncOperation": status, "Location": "\(status)&monitor=true", "Retry-After": "10"])
    }

    /// Returns what a machine is doing ("Virtual Machines - Instance View").
    private func instanceView(_ request: HTTPServerRequest, _ place: AzurePath) -> HTTPServerResponse {
        guard request.method == "GET", let row = machine(place),
            let view = content.withInstanceView(row, at: context.now)["properties"]?["instanceView"]
        else { return Self.unknown("Microsoft.Compute/virtualMachines/\(place.names.first ?? "")") }
        return HTTPServerResponse(status: 200, json: view)
    }

    private func roleAssignments(_ request: HTTPServerRequest, _ place: AzurePath) -> HTTPServerResponse {
        let scope = AzureContent.scope(ofGroup: place.group)
        // The filter of role assignments has functions of its own.
        guard let name = place.name else {
            let rows = access.assignments(request.queryFields["$filter"] ?? "", at: scope)
            return HTTPServerResponse(status: 200, json: ["value": .array(rows)])
        }
        switch request.method {
        case "PUT": return access.assign(name, request.object, at: scope, now: context.now)
        case "DELETE": return access.unassign(name)
        default: return answer(request, place, access.assignments)
        }
    }

    /// Returns the answer about read-only rows: one by its name, or all that a filter selects.
    private func answer(_ request: HTTPServerRequest, _ place: AzurePath, _ rows: [JSONValue]) -> HTTPServerResponse {
        guard let name = place.name else { return answers.list(request, rows) }
        guard let row = rows.first(where: { $0["name"]?.string?.lowercased() == name.lowercased() }) else {
            return Self.unknown("\(place.type)/\(name)")
        }
        return HTTPServerResponse(status: 200, json: row)
    }

    private static func unknown(_ path: String) -> HTTPServerResponse {
        .failure(404, "ResourceNotFound", "The Resource '\(path)' was not found.")
    }

    /// Returns the answer about a subscription, after checking that it is the existing one and that a role permits
    /// what is asked for. Everything but a read is noted in the activity log.
    private func inSubscription(_ request: ServiceRequest, _ answer: () -> HTTPServerResponse) -> HTTPServerResponse {
        checked(request) { principal in
            let name = request.name("subscription")
            guard name.lowercased() == Self.subscriptionID else {
                return .failure(404, "SubscriptionNotFound", "The subscription '\(name)' could not be found.")
            }
            let path = request.http.segments.dropFirst(2).map { PercentCoding.decode($0.utf8) ?? $0 }
            let action = AzureAction(request.http.method, path)
            guard access.permits(principal, action) else { return access.refusal(principal, action) }
            let answer = answer()
            if !["GET", "HEAD"].contains(request.http.method) {
                log.note(action, by: access.name(of: principal), status: answer.status)
            }
            return answer
        }
    }

    /// Returns the answer to a request with a valid token, with the headers of the service.
    private func checked(
        _ request: ServiceRequest, _ answer: (SignedInPrincipal) -> HTTPServerResponse
    ) -> HTTPServerResponse {
        var answer = answers.checked(request.http, for: .arm, answer)
        let stamp = ServiceTime.text(context.now).filter { $0 != "-" && $0 != ":" }
        answer.headers.set("x-ms-routing-request-id", "WESTEUROPE:\(stamp):\(RandomBytes.uuid())")
        answer.headers.set("x-ms-ratelimit-remaining-subscription-reads", "249")
        answer.headers.set("x-ms-ratelimit-remaining-subscription-global-reads", "3749")
        return answer
    }
}
