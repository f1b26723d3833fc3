internal import MMCore

/// What paths to locations, ways to sign in, roles and assignments name.
struct ConfigurationPaths {
    let store: DirectoryStore

    /// The place of a path; `nil` for everything else.
    func place(_ name: String, _ rest: ArraySlice<GraphSegment>) -> GraphPlace? {
        let words = ([name] + rest.prefix(3).map(\.name)).map { $0.lowercased() }
        func after(_ count: Int) -> ArraySlice<GraphSegment> { rest.dropFirst(count) }
        let two = words.prefix(2).joined(separator: "/")
        let three = words.prefix(3).joined(separator: "/")
        switch (two, three) {
        case (_, "identity/conditionalaccess/namedlocations"):
            return .plain(.namedLocations, "identity/conditionalAccess/namedLocations", .policies, after(2))
        case ("policies/authenticationstrengthpolicies", _):
            return .plain(.authenticationStrengths, "policies/authenticationStrengthPolicies", .policies, after(1))
        case ("policies/authenticationmethodspolicy", _):
            return single(.authenticationMethodsPolicy, "authenticationMethodsPolicy", after(1))
        case ("policies/authorizationpolicy", _): return single(.authorizationPolicy, "authorizationPolicy", after(1))
        case ("policies/identitysecuritydefaultsenforcementpolicy", _):
            return only(.securityDefaults, "identitySecurityDefaultsEnforcementPolicy", after(1))
        case (_, "policies/crosstenantaccesspolicy/default"):
            return only(.crossTenantAccess, "crossTenantAccessPolicy/default", after(2))
        case (_, "policies/crosstenantaccesspolicy/partners"):
            return .plain(.crossTenantPartners, "policies/crossTenantAccessPolicy/partners", .policies, after(2))
        case ("policies/permissiongrantpolicies", _):
            return .plain(.consentPolicies, "policies/permissionGrantPolicies", .policies, after(1))
        case ("policies/adminconsentrequestpolicy", _):
            return only(.consentRequests, "adminConsentRequestPolicy", after(1))
        case (_, "rolemanagement/directory/roledefinitions"):
            return GraphPlace(
                .made(.roleDefinition, store.roleDefinitions), "roleManagement/directory/roleDefinitions", .roles,
                after(2))
        case (_, "rolemanagement/directory/roleassignments"):
            return GraphPlace(
                .made(.roleAssignment, store.roleAssignments), "roleManagement/directory/roleAssignments", .roles,
                after(2))
        case ("devicemanagement/deviceconfigurations", _) where words.count == 4 && words[3] == "assignments":
            return assignments(of: words[2], in: .deviceConfigurations, after(3))
        case ("devicemanagement/devicecompliancepolicies", _) where words.count == 4 && words[3] == "assignments":
            return assignments(of: words[2], in: .deviceCompliancePolicies, after(3))
        case ("devicemanagement/configurationpolicies", _) where words.count == 4 && words[3] == "assignments":
            return assignments(of: words[2], in: .settingsCatalog, after(3))
        case ("devicemanagement/configurationpolicies", _) where words.count == 4 && words[3] == "settings":
            var settings: [JSONObject] = []
            if case .object(let policy)? = store.table(.settingsCatalog).find(words[2]) {
                settings = AdministrationContent.catalogSettings(of: policy)
            }
            return GraphPlace(
                .made(.catalogSetting, settings.map { .object($0) }),
                "deviceManagement/configurationPolicies/settings", .devices, after(3))
        case ("devicemanagement/configurationpolicies", _):
            return .plain(.settingsCatalog, "deviceManagement/configurationPolicies", .devices, after(1))
        case (_, "admin/configurationmanagement/configurationmonitors"):
            if let monitor = after(2).first?.name, after(3).first?.name.lowercased() == "baseline",
                let baseline = store.baseline(of: monitor)
            {
                return GraphPlace(
                    .single(.configurationBaseline, baseline), "admin/configurationManagement/baseline/$entity",
                    .monitoring, after(4))
            }
            return .plain(
                .configurationMonitors, "admin/configurationManagement/configurationMonitors", .monitoring, after(2))
        case (_, "admin/configurationmanagement/configurationdrifts"):
            return GraphPlace(
                .made(.configurationDrift, store.configurationDrifts),
                "admin/configurationManagement/configurationDrifts", .monitoring, after(2))
        default: return nil
        }
    }

    private func single(_ address: TableAddress, _ key: String, _ rest: ArraySlice<GraphSegment>) -> GraphPlace {
        GraphPlace(.row(address, key: key), "policies/\(key)/$entity", .policies, rest)
    }

    /// The only row of a table, under a path of its own.
    private func only(_ address: TableAddress, _ path: String, _ rest: ArraySlice<GraphSegment>) -> GraphPlace {
        let key = store.table(address).all.first?.id ?? ""
        return GraphPlace(.row(address, key: key), "policies/\(path)/$entity", .policies, rest)
    }

    private func assignments(
        of policy: String, in address: TableAddress, _ rest: ArraySlice<GraphSegment>
    ) -> GraphPlace {
        GraphPlace(
            .made(.deviceAssignment, store.assignments(of: policy, in: address)), "assignments", .devices, rest)
    }
}
