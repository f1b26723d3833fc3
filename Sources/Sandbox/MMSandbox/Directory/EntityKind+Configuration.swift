/// The entity types of what administrators configure beside policies of access and devices.
extension EntityKind {
    static let namedLocation = EntityKind(
        "namedLocation",
        """
        id displayName createdDateTime:d modifiedDateTime:d isTrusted:b ipRanges:c countriesAndRegions:c \
        includeUnknownCountriesAndRegions:b countryLookupMethod
        """,
        readOnly: "id createdDateTime modifiedDateTime", required: "displayName", abstract: true)

    static let authenticationStrength = EntityKind(
        "authenticationStrengthPolicy",
        """
        id createdDateTime:d modifiedDateTime:d displayName description policyType requirementsSatisfied \
        allowedCombinations:c
        """, readOnly: "id createdDateTime modifiedDateTime policyType", required: "displayName allowedCombinations")

    static let authenticationMethodsPolicy = EntityKind(
        "authenticationMethodsPolicy",
        """
        id displayName description lastModifiedDateTime:d policyVersion policyMigrationState registrationEnforcement:o \
        authenticationMethodConfigurations:c
        """, readOnly: "id displayName lastModifiedDateTime policyVersion")

    static let authorizationPolicy = EntityKind(
        "authorizationPolicy",
        """
        id displayName description allowInvitesFrom allowedToSignUpEmailBasedSubscriptions:b allowedToUseSSPR:b \
        allowEmailVerifiedUsersToJoinOrganization:b blockMsolPowerShell:b guestUserRoleId \
        defaultUserRolePermissions:o
        """, readOnly: "id displayName description")

    static let securityDefaults = EntityKind(
        "identitySecurityDefaultsEnforcementPolicy", "id displayName description isEnabled:b",
        readOnly: "id displayName description")

    static let crossTenantAccess = EntityKind(
        "crossTenantAccessPolicyConfigurationDefault",
        """
        id isServiceDefault:b inboundTrust:o b2bCollaborationInbound:o b2bCollaborationOutbound:o \
        b2bDirectConnectInbound:o b2bDirectConnectOutbound:o
        """, readOnly: "id isServiceDefault")

    static let crossTenantPartner = EntityKind(
        "crossTenantAccessPolicyConfigurationPartner",
        "id tenantId isServiceProvider:b inboundTrust:o b2bCollaborationInbound:o b2bCollaborationOutbound:o",
        selected: "tenantId isServiceProvider inboundTrust b2bCollaborationInbound b2bCollaborationOutbound",
        readOnly: "id", required: "tenantId", searched: "tenantId")

    static let consentPolicy = EntityKind(
        "permissionGrantPolicy", "id displayName description includeAllPreApprovedApplications:b",
        required: "displayName")

    static let consentRequests = EntityKind(
        "adminConsentRequestPolicy",
        "id isEnabled:b notifyReviewers:b remindersEnabled:b requestDurationInDays:n version:n reviewers:c",
        selected: "isEnabled notifyReviewers remindersEnabled requestDurationInDays version reviewers",
        readOnly: "id version")

    static let administrativeUnit = EntityKind(
        "administrativeUnit", "id deletedDateTime:d displayName description visibility isMemberManagementRestricted:b",
        directory: true, readOnly: "id deletedDateTime", required: "displayName")

    static let roleDefinition = EntityKind(
        "unifiedRoleDefinition",
        "id description displayName isBuiltIn:b isEnabled:b resourceScopes:c templateId version rolePermissions:c")

    static let roleAssignment = EntityKind(
        "unifiedRoleAssignment", "id principalId roleDefinitionId directoryScopeId", searched: "id")

    static let appRoleAssignment = EntityKind(
        "appRoleAssignment",
        """
        id deletedDateTime:d appRoleId createdDateTime:d principalDisplayName principalId principalType \
        resourceDisplayName resourceId
        """, readOnly: "id createdDateTime", required: "appRoleId principalId resourceId",
        searched: "principalDisplayName")

    static let configurationMonitor = EntityKind(
        "configurationMonitor",
        "id displayName description tenantId status mode monitorRunFrequencyInHours:n createdDateTime:d baseline:o",
        selected:
            "id displayName description tenantId status mode monitorRunFrequencyInHours createdDateTime",
        readOnly: "id tenantId status mode createdDateTime", required: "displayName baseline")

    static let configurationBaseline = EntityKind("configurationBaseline", "id displayName description resources:c")

    static let configurationDrift = EntityKind(
        "configurationDrift",
        """
        id monitorId tenantId resourceType baselineResourceDisplayName firstReportedDateTime:d status \
        resourceInstanceIdentifier:o driftedProperties:c
        """,
        selected:
            "id monitorId tenantId resourceType baselineResourceDisplayName firstReportedDateTime status resourceInstanceIdentifier",
        searched: "baselineResourceDisplayName")

    static let deviceAssignment = EntityKind("deviceConfigurationAssignment", "id source sourceId target:o")
}
