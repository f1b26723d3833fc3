internal import MMCore
internal import MMGuard

/// An entity type of Graph: its properties, and how the service handles queries on it.
struct EntityKind: Sendable {
    /// The name of the type, without `microsoft.graph.`.
    let name: String
    /// The properties in the order in which they are returned.
    let properties: [String]
    private let spellings: [String: String]
    /// The type of each property.
    let types: [String: PropertyType]
    /// The properties returned without `$select`; `nil` means all.
    let selected: [String]?
    /// Whether it is a directory object: advanced queries need `ConsistencyLevel: eventual`, and there is no `$skip`.
    let isDirectoryObject: Bool
    /// The number of items per page unless `$top` is given.
    let pageSize: Int
    /// The maximum page size.
    let pageLimit: Int
    /// The read-only properties.
    let readOnly: Set<String>
    /// The properties that a new object must have.
    let required: [String]
    /// The properties that `$search` uses when none is named.
    let searched: [String]
    /// Whether rows carry `@odata.etag`.
    let hasETag: Bool
    /// Whether each row has one of several subtypes, which it names.
    let isAbstract: Bool
    /// Whether its properties are unknown because there are no rows, so that any may be requested.
    var isOpen = false

    init(
        _ name: String, _ properties: String, selected: String? = nil, directory: Bool = false, page: Int = 100,
        limit: Int = 999, readOnly: String = "id createdDateTime", required: String = "",
        searched: String = "displayName",
        etag: Bool = false, abstract: Bool = false
    ) {
        var order: [String] = []
        var types: [String: PropertyType] = [:]
        for word in properties.split(separator: " ") {
            let parts = word.split(separator: ":")
            let property = String(parts[0])
            order.append(property)
            types[property] = parts.count > 1 ? parts[1].first.flatMap(PropertyType.init) ?? .text : .text
        }
        self.name = name
        self.properties = order
        spellings = Dictionary(order.map { ($0.lowercased(), $0) }, uniquingKeysWith: { first, _ in first })
        self.types = types
        self.selected = selected.map(Self.words)
        self.isDirectoryObject = directory
        self.pageSize = page
        self.pageLimit = limit
        self.readOnly = Set(Self.words(readOnly))
        self.required = Self.words(required)
        self.searched = Self.words(searched)
        self.hasETag = etag
        self.isAbstract = abstract
    }

    /// The properties of one object that a list leaves out unless they are selected or expanded.
    var leftInLists: Set<String> { name == "listItem" ? ["fields"] : [] }

    /// The relationships of the type. The service accepts these names in `$select` as well, and returns nothing for
    /// them.
    var related: Set<String> {
        switch name {
        case "user":
            [
                "sponsors", "manager", "memberof", "directreports", "ownedobjects", "owneddevices", "registereddevices",
            ]
        case "group": ["owners", "members", "memberof", "assignedlicenses", "drive", "team"]
        case "application": ["owners"]
        case "servicePrincipal": ["owners", "approleassignments", "approleassignedto"]
        case "device": ["memberof", "registeredowners", "registeredusers"]
        default: []
        }
    }

    /// Returns the property that Graph's own description declares under this name, in any case. Objects of this tenant
    /// may lack it.
    func declared(_ name: String) -> GraphProperty? {
        let table = GraphTypeTable.standard
        return table.type(named: self.name).flatMap { type in
            table.properties(of: type).first { $0.name.lowercased() == name.lowercased() }
        }
    }

    /// Returns a property's name in its canonical spelling, from any case.
    func spelling(of name: String) -> String {
        types[name] == nil ? spellings[name.lowercased()] ?? name : name
    }

    private static func words(_ text: String) -> [String] { text.split(separator: " ").map(String.init) }
}

/// The entity types of devices, policies, risks, service health and sharing.
extension EntityKind {
    static let managedDevice = EntityKind(
        "managedDevice",
        """
        id userId deviceName managedDeviceOwnerType enrolledDateTime:d lastSyncDateTime:d operatingSystem \
        complianceState jailBroken managementAgent osVersion easActivated:b azureADRegistered:b deviceEnrollmentType \
        emailAddress azureADDeviceId deviceRegistrationState deviceCategoryDisplayName isSupervised:b \
        exchangeAccessState isEncrypted:b userPrincipalName model manufacturer imei serialNumber phoneNumber \
        userDisplayName totalStorageSpaceInBytes:n freeStorageSpaceInBytes:n managedDeviceName \
        partnerReportedThreatState
        """,
        readOnly: "id userId enrolledDateTime lastSyncDateTime serialNumber", searched: "deviceName")

    static let device = EntityKind(
        "device",
        """
        id deletedDateTime:d accountEnabled:b approximateLastSignInDateTime:d complianceExpirationDateTime:d \
        createdDateTime:d deviceCategory deviceId deviceOwnership deviceVersion:n displayName enrollmentType \
        isCompliant:b isManaged:b isRooted:b managementType manufacturer model onPremisesLastSyncDateTime:d \
        onPremisesSyncEnabled:b operatingSystem operatingSystemVersion profileType registrationDateTime:d systemLabels:c \
        trustType
        """,
        directory: true,
        readOnly: "id approximateLastSignInDateTime createdDateTime deletedDateTime registrationDateTime trustType")

    static let deviceConfiguration = EntityKind(
        "deviceConfiguration", "id lastModifiedDateTime:d createdDateTime:d description displayName version:n",
        readOnly: "id lastModifiedDateTime createdDateTime version", required: "displayName", abstract: true)

    static let deviceCompliancePolicy = EntityKind(
        "deviceCompliancePolicy", "id createdDateTime:d description lastModifiedDateTime:d displayName version:n",
        readOnly: "id lastModifiedDateTime createdDateTime version", required: "displayName", abstract: true)

    static let catalogPolicy = EntityKind(
        "deviceManagementConfigurationPolicy",
        """
        id createdDateTime:d creationSource description isAssigned:b lastModifiedDateTime:d name platforms \
        priorityMetaData:o roleScopeTagIds:c settingCount:n technologies templateReference:o
        """,
        readOnly: "id createdDateTime isAssigned lastModifiedDateTime settingCount", required: "name")

    static let catalogSetting = EntityKind("deviceManagementConfigurationSetting", "id settingInstance:o")

    static let conditionalAccessPolicy = EntityKind(
        "conditionalAccessPolicy",
        """
        id templateId displayName createdDateTime:d modifiedDateTime:d state conditions:o grantControls:o \
        sessionControls:o
        """,
        readOnly: "id templateId createdDateTime modifiedDateTime",
        required: "displayName state conditions")

    static let riskyUser = EntityKind(
        "riskyUser",
        """
        id isDeleted:b isProcessing:b riskLevel riskState riskDetail riskLastUpdatedDateTime:d userDisplayName \
        userPrincipalName
        """, page: 20, limit: 500, searched: "userDisplayName")

    static let serviceIssue = EntityKind(
        "serviceHealthIssue",
        """
        startDateTime:d endDateTime:d lastModifiedDateTime:d title id impactDescription classification origin status \
        service feature featureGroup isResolved:b highImpact:b details:c posts:c
        """, searched: "title")

    static let serviceHealth = EntityKind("serviceHealth", "service status id", searched: "service")

    static let authenticationMethod = EntityKind(
        "authenticationMethod",
        """
        id createdDateTime:d password phoneNumber phoneType smsSignInState displayName deviceTag phoneAppVersion
        """)

    static let userRegistrationDetails = EntityKind(
        "userRegistrationDetails",
        """
        id userPrincipalName userDisplayName userType isAdmin:b isSsprRegistered:b isSsprEnabled:b isSsprCapable:b \
        isMfaRegistered:b isMfaCapable:b isPasswordlessCapable:b methodsRegistered:c defaultMfaMethod \
        isSystemPreferredAuthenticationMethodEnabled:b systemPreferredAuthenticationMethods:c \
        userPreferredMethodForSecondaryAuthentication lastUpdatedDateTime:d
        """, searched: "userDisplayName")

    static let messageRule = EntityKind(
        "messageRule",
        "id displayName sequence:n isEnabled:b hasError:b isReadOnly:b conditions:o actions:o exceptions:o",
        readOnly: "id hasError isReadOnly", required: "displayName")

    static let permission = EntityKind(
        "permission",
        """
        id roles:c grantedToV2:o grantedToIdentitiesV2:c invitation:o link:o inheritedFrom:o shareId hasPassword:b \
        expirationDateTime:d
        """, page: 200, readOnly: "id link invitation shareId", searched: "id")
}

/// The entity types of mail, calendar, files and teams.
extension EntityKind {
    static let message = EntityKind(
        "message",
        """
        id createdDateTime:d lastModifiedDateTime:d changeKey categories:c receivedDateTime:d sentDateTime:d \
        hasAttachments:b internetMessageId subject bodyPreview importance parentFolderId conversationId \
        isDeliveryReceiptRequested:b isReadReceiptRequested:b isRead:b isDraft:b webLink inferenceClassification \
        body:o sender:o from:o toRecipients:c ccRecipients:c bccRecipients:c replyTo:c flag:o
        """,
        page: 10, limit: 1000,
        readOnly: "id createdDateTime lastModifiedDateTime changeKey receivedDateTime sentDateTime bodyPreview webLink",
        searched: "subject bodyPreview from", etag: true)

    static let mailFolder = EntityKind(
        "mailFolder",
        "id displayName parentFolderId childFolderCount:n unreadItemCount:n totalItemCount:n sizeInBytes:n isHidden:b",
        page: 10, limit: 1000, readOnly: "id childFolderCount unreadItemCount totalItemCount sizeInBytes",
        required: "displayName")

    static let attachment = EntityKind(
        "attachment", "id lastModifiedDateTime:d name contentType size:n isInline:b contentBytes", page: 100,
        readOnly: "id lastModifiedDateTime size", required: "name", searched: "name", abstract: true)

    static let event = EntityKind(
        "event",
        """
        id createdDateTime:d lastModifiedDateTime:d changeKey categories:c transactionId originalStartTimeZone \
        originalEndTimeZone iCalUId reminderMinutesBeforeStart:n isReminderOn:b hasAttachments:b subject bodyPreview \
        importance sensitivity isAllDay:b isCancelled:b isOrganizer:b responseRequested:b showAs type webLink \
        isOnlineMeeting:b onlineMeetingProvider allowNewTimeProposals:b hideAttendees:b body:o start:o end:o \
        location:o attendees:c organizer:o recurrence:o
        """,
        page: 10, limit: 1000,
        readOnly: """
            id createdDateTime lastModifiedDateTime changeKey iCalUId webLink bodyPreview originalStartTimeZone \
            originalEndTimeZone
            """, searched: "subject bodyPreview", etag: true)

    static let calendar = EntityKind(
        "calendar", "id name color changeKey canShare:b canViewPrivateItems:b canEdit:b isDefaultCalendar:b owner:o",
        page: 10, readOnly: "id changeKey", required: "name", searched: "name")

    static let contact = EntityKind(
        "contact",
        """
        id createdDateTime:d lastModifiedDateTime:d changeKey categories:c displayName givenName surname jobTitle \
        companyName mobilePhone businessPhones:c emailAddresses:c
        """, page: 10, limit: 1000, readOnly: "id createdDateTime lastModifiedDateTime changeKey", etag: true)

    static let drive = EntityKind(
        "drive", "id createdDateTime:d description driveType lastModifiedDateTime:d name webUrl owner:o quota:o",
        searched: "name")

    static let driveItem = EntityKind(
        "driveItem",
        """
        id createdDateTime:d lastModifiedDateTime:d name webUrl size:n cTag eTag createdBy:o lastModifiedBy:o \
        parentReference:o file:o folder:o root:o shared:o fileSystemInfo:o description
        """, page: 200, limit: 1000, readOnly: "id createdDateTime lastModifiedDateTime webUrl size cTag eTag",
        required: "name",
        searched: "name")

    static let site = EntityKind(
        "site",
        "id createdDateTime:d lastModifiedDateTime:d name webUrl displayName description root:o siteCollection:o",
        page: 200, searched: "name displayName")

    static let list = EntityKind(
        "list",
        "id createdDateTime:d lastModifiedDateTime:d name webUrl displayName description eTag list:o", page: 200,
        readOnly: "id createdDateTime lastModifiedDateTime webUrl eTag", required: "displayName", etag: true)

    static let listItem = EntityKind(
        "listItem",
        "id createdDateTime:d lastModifiedDateTime:d webUrl eTag contentType:o createdBy:o fields:o", page: 200,
        readOnly: "id createdDateTime lastModifiedDateTime webUrl eTag", searched: "id", etag: true)

    static let team = EntityKind(
        "team",
        """
        id createdDateTime:d displayName description classification specialization visibility webUrl isArchived:b \
        memberSettings:o internalId guestSettings:o messagingSettings:o funSettings:o
        """,
        readOnly: "id createdDateTime webUrl internalId", required: "displayName")

    static let installedApp = EntityKind("teamsAppInstallation", "id teamsApp:o teamsAppDefinition:o", searched: "id")

    static let channel = EntityKind(
        "channel", "id createdDateTime:d displayName description email webUrl membershipType isArchived:b",
        readOnly: "id createdDateTime webUrl email", required: "displayName")

    static let chat = EntityKind(
        "chat", "id topic createdDateTime:d lastUpdatedDateTime:d chatType webUrl tenantId", page: 20, limit: 50,
        readOnly: "id createdDateTime lastUpdatedDateTime webUrl tenantId", required: "chatType", searched: "topic")

    static let chatMessage = EntityKind(
        "chatMessage",
        """
        id replyToId etag messageType createdDateTime:d lastModifiedDateTime:d deletedDateTime:d subject summary chatId \
        importance locale webUrl from:o body:o channelIdentity:o attachments:c mentions:c reactions:c
        """, page: 20, limit: 50, readOnly: "id etag createdDateTime lastModifiedDateTime chatId webUrl",
        required: "body", searched: "subject")

    static let rolePolicyRule = EntityKind(
        "unifiedRoleManagementPolicyRule",
        "id isExpirationRequired:b maximumDuration enabledRules:c setting:o target:o")

    static let conversationMember = EntityKind(
        "conversationMember", "id roles:c displayName userId email visibleHistoryStartDateTime:d",
        readOnly: "id displayName email")
}

/// The entity types of further configuration by administrators.
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

    static let auditQuery = EntityKind(
        "auditLogQuery",
        """
        id displayName filterStartDateTime:d filterEndDateTime:d recordTypeFilters:c keywordFilter serviceFilter \
        operationFilters:c userPrincipalNameFilters:c ipAddressFilters:c objectIdFilters:c \
        administrativeUnitIdFilters:c status
        """,
        readOnly: "id status", searched: "displayName")

    static let auditRecord = EntityKind(
        "auditLogRecord",
        """
        id createdDateTime:d auditLogRecordType operation organizationId userType userId service objectId \
        userPrincipalName clientIp administrativeUnits:c auditData:o
        """)

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

/// The entity types of the directory.
extension EntityKind {
    static let user = EntityKind(
        "user",
        """
        id businessPhones:c displayName givenName jobTitle mail mobilePhone officeLocation preferredLanguage surname \
        userPrincipalName accountEnabled:b ageGroup assignedLicenses:c assignedPlans:c city companyName country \
        createdDateTime:d creationType deletedDateTime:d department employeeHireDate:d employeeId employeeType \
        externalUserState externalUserStateChangeDateTime:d identities:c imAddresses:c lastPasswordChangeDateTime:d mailNickname \
        onPremisesDistinguishedName onPremisesDomainName onPremisesExtensionAttributes:o onPremisesImmutableId \
        onPremisesLastSyncDateTime:d onPremisesSamAccountName onPremisesSecurityIdentifier onPremisesSyncEnabled:b onPremisesUserPrincipalName \
        otherMails:c passwordPolicies \
        passwordProfile:o postalCode proxyAddresses:c securityIdentifier signInActivity:o signInSessionsValidFromDateTime:d state \
        streetAddress usageLocation userType licenseAssignmentStates:c refreshTokensValidFromDateTime:d
        """,
        selected: """
            businessPhones displayName givenName jobTitle mail mobilePhone officeLocation preferredLanguage surname \
            userPrincipalName id
            """,
        directory: true,
        readOnly: """
            id createdDateTime creationType deletedDateTime lastPasswordChangeDateTime onPremisesLastSyncDateTime \
            proxyAddresses securityIdentifier signInActivity signInSessionsValidFromDateTime assignedPlans \
            licenseAssignmentStates refreshTokensValidFromDateTime
            """,
        required: "accountEnabled displayName mailNickname userPrincipalName passwordProfile",
        searched: "displayName givenName surname mail userPrincipalName")

    static let group = EntityKind(
        "group",
        """
        id deletedDateTime:d classification createdDateTime:d creationOptions:c description displayName \
        expirationDateTime:d groupTypes:c isAssignableToRole:b mail mailEnabled:b mailNickname membershipRule \
        membershipRuleProcessingState onPremisesSyncEnabled:b proxyAddresses:c renewedDateTime:d \
        resourceProvisioningOptions:c securityEnabled:b securityIdentifier theme visibility assignedLabels:c
        """,
        directory: true,
        readOnly: "id createdDateTime deletedDateTime mail proxyAddresses renewedDateTime securityIdentifier",
        required: "displayName mailEnabled mailNickname securityEnabled", searched: "displayName description")

    static let application = EntityKind(
        "application",
        """
        id deletedDateTime:d appId applicationTemplateId createdDateTime:d description displayName identifierUris:c \
        isFallbackPublicClient:b keyCredentials:c notes passwordCredentials:c publisherDomain publicClient:o \
        requiredResourceAccess:c signInAudience tags:c verifiedPublisher:o web:o spa:o
        """,
        directory: true, readOnly: "id appId createdDateTime deletedDateTime publisherDomain", required: "displayName")

    static let servicePrincipal = EntityKind(
        "servicePrincipal",
        """
        id deletedDateTime:d accountEnabled:b appId appDisplayName appOwnerOrganizationId appRoleAssignmentRequired:b \
        appRoles:c createdDateTime:d description displayName homepage oauth2PermissionScopes:c servicePrincipalNames:c \
        servicePrincipalType signInAudience tags:c notes notificationEmailAddresses:c passwordCredentials:c \
        keyCredentials:c replyUrls:c preferredSingleSignOnMode loginUrl logoutUrl verifiedPublisher:o alternativeNames:c \
        tokenEncryptionKeyId publisherName
        """,
        directory: true, readOnly: "id createdDateTime deletedDateTime appOwnerOrganizationId publisherName",
        required: "appId")

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
        riskLevelAggregated riskLevelDuringSignIn riskState riskEventTypes_v2:c resourceDisplayName resourceId status:o deviceDetail:o location:o \
        signInEventTypes:c authenticationRequirement userType userAgent crossTenantAccessType homeTenantId \
        resourceTenantId authenticationDetails:c isTenantRestricted:b
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

/// The type of a property.
enum PropertyType: Character, Sendable {
    case text = "s"
    case flag = "b"
    case whole = "n"
    case time = "d"
    case complex = "o"
    case collection = "c"

    /// The name in messages of the service.
    var edmName: String {
        switch self {
        case .text: "Edm.String"
        case .flag: "Edm.Boolean"
        case .whole: "Edm.Int32"
        case .time: "Edm.DateTimeOffset"
        case .complex: "microsoft.graph.complexType"
        case .collection: "Collection(Edm.String)"
        }
    }
}

extension EntityKind {
    /// Returns the writable properties of a body, after checking their types.
    func checked(_ body: JSONObject, isNew: Bool) throws(GraphFailure) -> JSONObject {
        var row: JSONObject = [:]
        for (property, value) in body where !property.contains("@") {
            if hasETag, property == Self.extended, value.array != nil {
                row[property] = value
                continue
            }
            guard let type = types[property] else {
                throw GraphFailure(400, "Request_BadRequest", "Invalid property '\(property)'.")
            }
            let isOwnName = name == "domain" && property == "id" && isNew
            guard !readOnly.contains(property) || isOwnName else {
                throw .badRequest("Property '\(property)' is read-only and cannot be set.")
            }
            guard let fitting = Self.fitting(value, type) else {
                throw .badRequest("Invalid value specified for property '\(property)' of resource '\(resource)'.")
            }
            row[property] = fitting
        }
        if isNew {
            if isAbstract, let type = body["@odata.type"]?.string { row["@odata.type"] = .string(type) }
            for property in required where row[property] == nil || row[property] == .null || row[property] == "" {
                throw .badRequest("A value is required for property '\(property)' of resource '\(resource)'.")
            }
        }
        return row
    }

    /// The name as it appears in errors.
    private var resource: String { "\(name.prefix(1).uppercased())\(name.dropFirst())" }

    /// The properties of MAPI that a client adds to an item of a mailbox; only those who expand them are told of them.
    static let extended = "singleValueExtendedProperties"

    /// Returns a value as one of a type; `nil` if it isn't one. The service takes a flag also as a text.
    private static func fitting(_ value: JSONValue, _ type: PropertyType) -> JSONValue? {
        switch (value, type) {
        case (.null, _), (.string, .text), (.bool, .flag), (.int, .whole), (.double, .whole), (.object, .complex),
            (.array, .collection):
            return value
        case (.string(let text), .time): return ServiceTime.seconds(text) == nil ? nil : value
        case (.string(let text), .flag): return Bool(text.lowercased()).map { .bool($0) }
        default: return nil
        }
    }
}
