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
