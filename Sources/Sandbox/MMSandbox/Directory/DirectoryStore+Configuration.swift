internal import MMCore

/// Collections that administrators configure.
extension DirectoryStore {
    func configurationTable(_ address: TableAddress) -> EntityTable {
        let content = ConfigurationContent(users: users, mixing: mixing)
        switch address {
        case .namedLocations: return EntityTable(.namedLocation, rows: content.namedLocations())
        case .authenticationStrengths:
            return EntityTable(.authenticationStrength, rows: content.authenticationStrengths())
        case .authenticationMethodsPolicy:
            return EntityTable(.authenticationMethodsPolicy, rows: content.authenticationMethods())
        case .authorizationPolicy: return EntityTable(.authorizationPolicy, rows: content.authorizationPolicy())
        case .securityDefaults: return EntityTable(.securityDefaults, rows: [TenantPolicyContent.securityDefaults])
        case .crossTenantAccess: return EntityTable(.crossTenantAccess, rows: [TenantPolicyContent.crossTenantAccess])
        case .crossTenantPartners:
            return EntityTable(.crossTenantPartner, rows: [TenantPolicyContent.crossTenantPartner])
        case .consentPolicies: return EntityTable(.consentPolicy, rows: TenantPolicyContent.consentPolicies)
        case .consentRequests: return EntityTable(.consentRequests, rows: [TenantPolicyContent.consentRequests])
        case .administrativeUnits:
            return EntityTable(.administrativeUnit, rows: TenantPolicyContent.administrativeUnits(mixing))
        case .configurationMonitors: return EntityTable(.configurationMonitor)
        case .appRoleAssignments(let owner): return EntityTable(.appRoleAssignment, rows: givenRoles(of: owner))
        default: return EntityTable(.directoryObject)
        }
    }

    /// The application permissions that the app of a principal holds at the start.
    private func givenRoles(of owner: String) -> [JSONObject] {
        guard let principal = table(.servicePrincipals).find(owner), let appID = principal["appId"]?.string,
            let app = RegisteredApp.find(appID),
            let graph = table(.servicePrincipals).find(ServiceResource.graph.appID)
        else { return [] }
        let roles = graph["appRoles"]?.array ?? []
        return app.roles.enumerated().compactMap { place, name in
            guard let role = roles.first(where: { $0["value"]?.string == name }), let id = role["id"] else {
                return nil
            }
            return [
                "id": .string(Base64.text(Array("\(owner.prefix(13))\(place)".utf8), alphabet: .url)),
                "deletedDateTime": .null, "appRoleId": id, "createdDateTime": "2025-02-01T09:00:00Z",
                "principalDisplayName": principal["displayName"] ?? "", "principalId": .string(principal.id),
                "principalType": "ServicePrincipal", "resourceDisplayName": graph["displayName"] ?? "",
                "resourceId": .string(graph.id),
            ]
        }
    }

    /// The roles of the directory as definitions.
    var roleDefinitions: [Record] {
        DirectoryRoleName.allCases.map { role in
            .object([
                "id": .string(role.rawValue), "description": .string(role.purpose), "displayName": .string(role.title),
                "isBuiltIn": true, "isEnabled": true, "resourceScopes": ["/"], "templateId": .string(role.rawValue),
                "version": "1",
                "rolePermissions": [
                    ["allowedResourceActions": ["microsoft.directory/users/standard/read"], "condition": .null]
                ],
            ])
        }
    }

    /// Who holds which role.
    var roleAssignments: [Record] {
        DirectoryRoleName.allCases.flatMap { role in
            linked(LinkAddress(owner: apps.roleID(role), relation: .members)).map { holder in
                .object([
                    "id": .string(
                        Base64.text(Array("\(role.rawValue.prefix(8))-\(holder)".utf8), alphabet: .url) + "-1"),
                    "principalId": .string(holder), "roleDefinitionId": .string(role.rawValue),
                    "directoryScopeId": "/",
                ])
            }
        }
    }

    /// Whom a policy of devices is assigned to: everybody for the first of a kind, a department for the others.
    func assignments(of policy: String, in address: TableAddress) -> [Record] {
        let rows = table(address).all
        guard let place = rows.firstIndex(where: { $0.id == policy }) else { return [] }
        let group = groups.ids.guid(place)
        return [
            .object([
                "id": .string("\(policy)_\(group)"), "source": "direct", "sourceId": .string(policy),
                "target": [
                    "@odata.type": "#microsoft.graph.groupAssignmentTarget", "groupId": .string(group),
                    "deviceAndAppManagementAssignmentFilterId": .null,
                    "deviceAndAppManagementAssignmentFilterType": "none",
                ],
            ])
        ]
    }
}
