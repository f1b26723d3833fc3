/// The entity types of the directory.
extension EntityKind {
    static let user = EntityKind(
        "user",
        """
        id businessPhones:c displayName givenName jobTitle mail mobilePhone officeLocation preferredLanguage surname \
        userPrincipalName accountEnabled:b ageGroup assignedLicenses:c assignedPlans:c city companyName country \
        createdDateTime:d creationType deletedDateTime:d department employeeHireDate:d employeeId employeeType \
        externalUserState externalUserStateChangeDateTime:d identities:c imAddresses:c lastPasswordChangeDateTime:d mailNickname \
        onPremisesImmutableId onPremisesLastSyncDateTime:d onPremisesSyncEnabled:b otherMails:c passwordPolicies \
        passwordProfile:o postalCode proxyAddresses:c signInActivity:o signInSessionsValidFromDateTime:d state \
        streetAddress usageLocation userType
        """,
        selected: """
            businessPhones displayName givenName jobTitle mail mobilePhone officeLocation preferredLanguage surname \
            userPrincipalName id
            """,
        directory: true,
        readOnly: """
            id createdDateTime creationType deletedDateTime lastPasswordChangeDateTime onPremisesLastSyncDateTime \
            proxyAddresses signInActivity signInSessionsValidFromDateTime assignedPlans
            """,
        required: "accountEnabled displayName mailNickname userPrincipalName passwordProfile",
        searched: "displayName givenName surname mail userPrincipalName")

    static let group = EntityKind(
        "group",
        """
        id deletedDateTime:d classification createdDateTime:d creationOptions:c description displayName \
        expirationDateTime:d groupTypes:c isAssignableToRole:b mail mailEnabled:b mailNickname membershipRule \
        membershipRuleProcessingState onPremisesSyncEnabled:b proxyAddresses:c renewedDateTime:d \
        resourceProvisioningOptions:c securityEnabled:b securityIdentifier theme visibility
        """,
        directory: true, readOnly: "id createdDateTime deletedDateTime mail proxyAddresses renewedDateTime",
        required: "displayName mailEnabled mailNickname securityEnabled", searched: "displayName description")

    static let application = EntityKind(
        "application",
        """
        id deletedDateTime:d appId applicationTemplateId createdDateTime:d description displayName identifierUris:c \
        isFallbackPublicClient:b keyCredentials:c notes passwordCredentials:c publisherDomain publicClient:o \
        requiredResourceAccess:c signInAudience tags:c web:o spa:o
        """,
        directory: true, readOnly: "id appId createdDateTime deletedDateTime publisherDomain", required: "displayName")

    static let servicePrincipal = EntityKind(
        "servicePrincipal",
        """
        id deletedDateTime:d accountEnabled:b appId appDisplayName appOwnerOrganizationId appRoleAssignmentRequired:b \
        appRoles:c createdDateTime:d description displayName homepage oauth2PermissionScopes:c servicePrincipalNames:c \
        servicePrincipalType signInAudience tags:c
        """,
        directory: true, readOnly: "id createdDateTime deletedDateTime appOwnerOrganizationId", required: "appId")

    static let permissionGrant = EntityKind(
        "oAuth2PermissionGrant", "id clientId consentType principalId resourceId scope", directory: true,
        readOnly: "id", required: "clientId consentType resourceId scope", searched: "id")

    static let directoryRole = EntityKind(
        "directoryRole", "id deletedDateTime:d description displayName roleTemplateId", directory: true,
        required: "roleTemplateId")

    static let directoryObject = EntityKind("directoryObject", "id deletedDateTime:d displayName", directory: true)

    static let organization = EntityKind(
        "organization",
        """
        id deletedDateTime:d businessPhones:c city country countryLetterCode createdDateTime:d \
        defaultUsageLocation displayName marketingNotificationEmails:c onPremisesSyncEnabled:b postalCode \
        preferredLanguage state street technicalNotificationMails:c onPremisesLastSyncDateTime:d tenantType assignedPlans:c verifiedDomains:c
        """)

    static let domain = EntityKind(
        "domain",
        """
        id authenticationType availabilityStatus isAdminManaged:b isDefault:b isInitial:b isRoot:b isVerified:b \
        passwordNotificationWindowInDays:n passwordValidityPeriodInDays:n supportedServices:c
        """, readOnly: "isVerified", required: "id", searched: "id")

    static let subscribedSku = EntityKind(
        "subscribedSku",
        "id accountId accountName appliesTo capabilityStatus consumedUnits:n prepaidUnits:o servicePlans:c skuId skuPartNumber",
        searched: "skuPartNumber")

    static let signIn = EntityKind(
        "signIn",
        """
        id createdDateTime:d userDisplayName userPrincipalName userId appId appDisplayName ipAddress clientAppUsed \
        correlationId conditionalAccessStatus appliedConditionalAccessPolicies:c isInteractive:b riskDetail \
        riskLevelAggregated riskLevelDuringSignIn riskState riskEventTypes_v2:c resourceDisplayName resourceId status:o deviceDetail:o location:o
        """, page: 100, limit: 1000, searched: "userDisplayName")

    static let directoryAudit = EntityKind(
        "directoryAudit",
        """
        id category correlationId result resultReason activityDisplayName activityDateTime:d loggedByService \
        operationType initiatedBy:o targetResources:c additionalDetails:c
        """, page: 100, limit: 1000, searched: "activityDisplayName")

    static let licenseDetails = EntityKind(
        "licenseDetails", "id skuId skuPartNumber servicePlans:c", searched: "skuPartNumber")
}
