internal import MMCore
internal import MMHTTP

/// The relationships by which the sandbox's own tenant administers its customers (granular delegated admin privileges).
/// Those with the first customers are active; one has expired, and one awaits the customer's approval.
struct DelegatedAdministration {
    let context: TenantContext
    let bearer: BearerCheck

    /// A relationship.
    struct Relationship {
        let customer: SandboxOrganization
        let status: String
        let endsAt: Int64
        let roles: [String]
    }

    /// Returns the routes for the relationships.
    static func routes(_ services: TenantServices) -> Router<Void> {
        var routes = ServiceRoutes(services) { $0.administration }
        for version in ["v1.0", "beta"] {
            let root = "/\(version)/tenantRelationships"
            routes.on("GET", path: root + "/delegatedAdminRelationships", Self.relationships)
            routes.on("GET", path: root + "/delegatedAdminCustomers", Self.customers)
        }
        return routes.router
    }

    /// All relationships, in order.
    var all: [Relationship] {
        let count = context.options.customerCount
        guard count > 0, context.organization == .own else { return [] }
        let day: Int64 = 86_400
        let active = (1...count).map { number in
            Relationship(
                customer: .customer(number), status: "active", endsAt: context.now + 300 * day,
                roles: number % 2 == 0
                    ? [DirectoryRoleName.globalReader.rawValue]
                    : [
                        DirectoryRoleName.globalReader.rawValue, DirectoryRoleName.userAdministrator.rawValue,
                    ])
        }
        let roles = [DirectoryRoleName.globalReader.rawValue]
        return active + [
            // The service needs a while to mark an expired relationship as such.
            Relationship(
                customer: .customer(count + 1), status: "active", endsAt: context.now - day, roles: roles),
            Relationship(
                customer: .customer(count + 2), status: "expired", endsAt: context.now - 30 * day, roles: roles),
            Relationship(
                customer: .customer(count + 3), status: "approvalPending", endsAt: context.now + 300 * day, roles: roles
            ),
        ]
    }

    /// Returns the active relationship with a customer.
    func active(with customer: SandboxOrganization) -> Relationship? {
        all.first { $0.customer == customer && $0.status == "active" && $0.endsAt > context.now }
    }

    private func relationships(_ request: ServiceRequest) -> HTTPServerResponse {
        page(request, of: all) { relationship in
            [
                "id": .string("\(relationship.customer.id)-\(TenantIdentity.id)"),
                "displayName": .string("Support for \(relationship.customer.name)"),
                "duration": "P730D", "status": .string(relationship.status),
                "autoExtendDuration": "PT0S",
                "createdDateTime": .string(ServiceTime.text(relationship.endsAt - 730 * 86_400)),
                "endDateTime": .string(ServiceTime.text(relationship.endsAt)),
                "customer": [
                    "tenantId": .string(relationship.customer.id),
                    "displayName": .string(relationship.customer.name),
                ],
                "accessDetails": [
                    "unifiedRoles": .array(relationship.roles.map { ["roleDefinitionId": .string($0)] })
                ],
            ]
        }
    }

    private func customers(_ request: ServiceRequest) -> HTTPServerResponse {
        page(request, of: all) { relationship in
            [
                "id": .string(relationship.customer.id), "tenantId": .string(relationship.customer.id),
                "displayName": .string(relationship.customer.name),
            ]
        }
    }

    private func page(
        _ request: ServiceRequest, of all: [Relationship], _ row: (Relationship) -> JSONObject
    ) -> HTTPServerResponse {
        do throws(TokenMint.Refusal) {
            _ = try bearer.principal(request.http, for: .graph)
        } catch {
            return .failure(401, "InvalidAuthenticationToken", error.message)
        }
        let skip = request.http.queryFields["$skiptoken"].flatMap { PageToken($0)?.matched } ?? 0
        let size = 50
        var answer: JSONObject = [
            "@odata.context": .string("\(context.base)/v1.0/$metadata#tenantRelationships"),
            "value": .array(all.dropFirst(skip).prefix(size).map { .object(row($0)) }),
        ]
        if all.count - size > skip {
            let token = PageToken(matched: skip + size).text
            answer["@odata.nextLink"] = .string("\(context.base)\(request.http.path)?$skiptoken=\(token)")
        }
        return HTTPServerResponse(status: 200, json: .object(answer))
    }
}
