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
        isMfaRegistered:b isMfaCapable:b isPasswordlessCapable:b methodsRegistered:c \
        isSystemPreferredAuthenticationMethodEnabled:b userPreferredMethodForSecondaryAuthentication \
        lastUpdatedDateTime:d
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
