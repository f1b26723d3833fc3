import MMCore
import MMHTTP

/// Resolves the paths to devices, policies, risks, service health and settings.
enum AdministrationPaths {
    static func place(_ name: String, _ rest: ArraySlice<GraphSegment>) throws(GraphFailure) -> GraphPlace {
        let second = rest.first?.name.lowercased() ?? ""
        let below = rest.dropFirst()
        let third = below.first?.name.lowercased() ?? ""
        let inner = below.dropFirst()
        switch (name.lowercased(), second) {
        case ("devicemanagement", "manageddevices"):
            return .plain(.managedDevices, "deviceManagement/managedDevices", .devices, below)
        case ("devicemanagement", "deviceconfigurations"):
            return .plain(.deviceConfigurations, "deviceManagement/deviceConfigurations", .devices, below)
        case ("devicemanagement", "devicecompliancepolicies"):
            return .plain(.deviceCompliancePolicies, "deviceManagement/deviceCompliancePolicies", .devices, below)
        case ("identity", "conditionalaccess") where third == "policies":
            return .plain(.conditionalAccessPolicies, "identity/conditionalAccess/policies", .policies, inner)
        case ("policies", "conditionalaccesspolicies"):
            return .plain(.conditionalAccessPolicies, "policies/conditionalAccessPolicies", .policies, below)
        case ("identityprotection", "riskyusers"):
            return .plain(.riskyUsers, "identityProtection/riskyUsers", .risks, below)
        case ("reports", "authenticationmethods") where third == "userregistrationdetails":
            return .plain(
                .registrations, "reports/authenticationMethods/userRegistrationDetails", .authenticationMethods, inner)
        case ("admin", "serviceannouncement") where third == "issues":
            return .plain(.serviceIssues, "admin/serviceAnnouncement/issues", .health, inner)
        case ("admin", "serviceannouncement") where third == "healthoverviews":
            var named = inner
            if let key = named.popFirst() {
                var id = key
                id.name = AdministrationContent.serviceID(key.name)
                named = [id] + named
            }
            return .plain(.serviceHealth, "admin/serviceAnnouncement/healthOverviews", .health, named)
        case ("admin", "sharepoint") where third == "settings":
            return GraphPlace(
                .single(nil, .object(Self.sharePointSettings)), "admin/sharepoint/settings/$entity",
                .sharePointSettings, inner)
        default: throw .unknownSegment(second.isEmpty ? name : rest.first?.name ?? name)
        }
    }

    private static let sharePointSettings: JSONObject = [
        "allowedDomainGuidsForSyncApp": [], "deletedUserPersonalSiteRetentionPeriodInDays": 30,
        "excludedFileExtensionsForSyncApp": [], "idleSessionSignOut": .null, "imageTaggingOption": "basic",
        "isCommentingOnSitePagesEnabled": true, "isFileActivityNotificationEnabled": true,
        "isLegacyAuthProtocolsEnabled": false, "isLoopEnabled": true, "isResharingByExternalUsersEnabled": true,
        "isSharePointMobileNotificationEnabled": true, "isUnmanagedSyncAppForTenantRestricted": false,
        "personalSiteDefaultStorageLimitInMB": 1_048_576, "sharingAllowedDomainList": [],
        "sharingBlockedDomainList": [], "sharingCapability": "externalUserAndGuestSharing",
        "sharingDomainRestrictionMode": "none", "siteCreationDefaultManagedPath": "/sites/",
        "siteCreationDefaultStorageLimitInMB": 26_214_400, "tenantDefaultTimezone": "UTC",
    ]
}
