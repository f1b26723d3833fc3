internal import MMCore

/// The apps that can sign in to the tenant: the initial ones, and those registered since.
struct TenantApps {
    let store: DirectoryStore

    /// Returns the app with an id, ignoring case.
    func find(_ id: String) -> RegisteredApp? { RegisteredApp.find(id) ?? registered(id) }

    /// Returns the app that a form names, after checking that it is known and enabled.
    func named(in form: PostedForm) throws(TokenFault) -> RegisteredApp {
        guard let id = form["client_id"], !id.isEmpty else { throw .missing("client_id") }
        guard GUID.isValid(id) else {
            throw TokenFault("invalid_request", 900_971, "The client_id '\(id.prefix(64))' is not a valid GUID.")
        }
        guard let app = find(id) else {
            throw TokenFault(
                "unauthorized_client", 700_016,
                "Application with identifier '\(id)' was not found in the directory '\(TenantIdentity.name)'. This sandbox knows \(TenantIdentity.demoApp)."
            )
        }
        guard app.isEnabled else {
            throw TokenFault(
                "unauthorized_client", 7_000_112, "Application '\(id)' (\(app.name)) is disabled.", status: 401)
        }
        return app
    }

    /// Returns the certificates that an app may sign in with.
    func certificates(of app: RegisteredApp) -> [AppCertificate] {
        let rows = store.table(.applications).find(app.id)?["keyCredentials"]?.array ?? []
        return rows.compactMap { $0["key"]?.string.flatMap { Base64.bytes($0) }.flatMap(AppCertificate.init) }
    }

    /// Returns whether a text is a secret of an app: its first one, or one that it was given since.
    /// - Throws: that the secret has expired.
    func takes(_ secret: String, from app: RegisteredApp, at now: Int64) throws(TokenFault) -> Bool {
        func isSame(_ other: String) -> Bool { ConstantTime.equal(Array(secret.utf8), Array(other.utf8)) }
        if app.secret.map(isSame) ?? false { return true }
        let rows = [TableAddress.applications, .servicePrincipals].flatMap {
            store.table($0).find(app.id)?["passwordCredentials"]?.array ?? []
        }
        guard
            let row = rows.first(where: { row in
                row["keyId"]?.string.flatMap { store.secretTexts[$0] }.map(isSame) ?? false
            })
        else { return false }
        guard row["endDateTime"]?.string.flatMap(ServiceTime.seconds).map({ $0 > Double(now) }) ?? true else {
            throw TokenFault(
                "invalid_client", 7_000_222, "The provided client secret keys for app '\(app.id)' are expired.",
                status: 401)
        }
        return true
    }

    /// Returns an app that was registered later. Without a service principal the tenant doesn't know it yet.
    private func registered(_ id: String) -> RegisteredApp? {
        guard let app = store.table(.applications).find(id), app["appId"]?.string?.lowercased() == id.lowercased(),
            let principal = store.table(.servicePrincipals).find(id)
        else { return nil }
        let addresses = app["publicClient"]?["redirectUris"]?.array?.compactMap(\.string) ?? []
        return RegisteredApp(
            id: id.lowercased(), name: app["displayName"]?.string ?? "",
            isPublicClient: app["isFallbackPublicClient"]?.bool == true,
            isEnabled: principal["accountEnabled"]?.bool != false, needsConsent: true, redirectURIs: addresses)
    }
}

/// An app registration that the sandbox knows.
struct RegisteredApp: Sendable {
    /// An external issuer whose tokens replace the app's own credential.
    struct FederatedCredential: Sendable {
        let issuer: String
        let subject: String
        let audience: String
    }

    let id: String
    let name: String
    let isPublicClient: Bool
    var isEnabled = true
    var secret: String?
    var federated: FederatedCredential?
    /// The delegated permissions of Graph that `.default` stands for; `nil` for all that the sandbox knows.
    var delegated: [String]?
    /// Whether it shares refresh tokens with the other apps of Microsoft's family.
    var isOfFamily = false
    /// The application permissions of Graph.
    var roles: [String] = []
    /// Whether it gets only granted permissions, as every app that was registered later.
    var needsConsent = false
    /// The addresses to which a browser may return; `nil` for any address on the person's machine.
    var redirectURIs: [String]?

    /// Whether it is one of Microsoft's own apps, which need no consent.
    var isMicrosofts: Bool { Self.microsofts.contains(id) }

    private static let microsofts: Set<String> = [
        "04b07795-8ddb-461a-bbee-02f9e1bf7b46", "1950a258-227b-4e31-a9cf-717495945fc2",
        "14d82eec-204b-4c2f-b7e8-296a70dab67e", "fb78d390-0c51-40cd-8e17-fdbfab77341b",
        "12128f48-ec9e-42f0-b203-ea49fb6af367", "9cee029c-6210-4654-90bb-17e6e9d36617",
    ]

    /// The delegated permissions of the demonstration app.
    static let everything = """
        AuditLog.Read.All Calendars.ReadWrite Channel.ReadBasic.All ChannelMessage.Send Chat.ReadWrite \
        Contacts.ReadWrite Directory.ReadWrite.All Files.ReadWrite.All Group.ReadWrite.All Mail.ReadWrite Mail.Send \
        MailboxSettings.ReadWrite Notes.ReadWrite.All Organization.Read.All Policy.Read.All \
        RoleManagement.ReadWrite.Directory Sites.ReadWrite.All Tasks.ReadWrite Team.ReadBasic.All User.Read \
        User.ReadBasic.All User.ReadWrite.All Application.ReadWrite.All Domain.Read.All Reports.Read.All User.Invite.All \
        DeviceManagementManagedDevices.ReadWrite.All DeviceManagementConfiguration.ReadWrite.All \
        Policy.ReadWrite.ConditionalAccess IdentityRiskyUser.Read.All ServiceHealth.Read.All \
        UserAuthenticationMethod.Read.All SharePointTenantSettings.Read.All AppRoleAssignment.ReadWrite.All \
        ChannelMessage.Read.All DelegatedPermissionGrant.ReadWrite.All Device.Read.All \
        RoleEligibilitySchedule.Read.Directory ConfigurationMonitoring.ReadWrite.All Team.Create User.RevokeSessions.All \
        TeamMember.ReadWrite.All ChannelMember.ReadWrite.All \
        Policy.Read.PermissionGrant Policy.ReadWrite.SecurityDefaults Policy.ReadWrite.CrossTenantAccess \
        Policy.ReadWrite.ConsentRequest Policy.ReadWrite.Authorization AdministrativeUnit.ReadWrite.All \
        SharePointTenantSettings.ReadWrite.All \
        SecurityEvents.Read.All SecurityAlert.Read.All SecurityIncident.Read.All BitlockerKey.Read.All \
        DeviceLocalCredential.Read.All ServiceMessage.Read.All Place.Read.All DeviceManagementServiceConfig.Read.All \
        DeviceManagementApps.Read.All IdentityRiskEvent.Read.All AccessReview.Read.All EntitlementManagement.Read.All \
        eDiscovery.Read.All SensitivityLabel.Read Printer.Read.All Presence.Read.All ReportSettings.Read.All \
        ConsentRequest.Read.All CustomSecAttributeDefinition.Read.All ProvisioningLog.Read.All \
        IdentityUserFlow.Read.All AuditLogsQuery.Read.All IdentityRiskyServicePrincipal.Read.All OnlineMeetings.Read \
        TeamsAppInstallation.ReadForUser UserAuthMethod-Passkey.Read.All BackupRestore-Restore.Read.All \
        ExchangeMessageTrace.Read.All PrivilegedAssignmentSchedule.Read.AzureADGroup AppCatalog.Read.All \
        RoleManagementPolicy.Read.Directory RoleAssignmentSchedule.Read.Directory DeviceManagementRBAC.Read.All \
        ExternalConnection.Read.All NetworkAccess.Read.All RecordsManagement.Read.All PrinterShare.Read.All \
        DeviceManagementScripts.Read.All TeamsTelephoneNumber.Read.All TeamMember.Read.All \
        ThreatIndicators.ReadWrite.OwnedBy Schedule.Read.All ProfilePhoto.ReadWrite.All \
        ThreatHunting.Read.All
        """.split(separator: " ").map(String.init)

    private static let automationRoles = """
        AuditLog.Read.All Directory.ReadWrite.All Group.ReadWrite.All Mail.ReadWrite Mail.Send Organization.Read.All \
        Sites.ReadWrite.All User.ReadWrite.All Files.ReadWrite.All Calendars.ReadWrite Application.Read.All \
        User.RevokeSessions.All
        """.split(separator: " ").map(String.init)

    /// Returns its permissions at a service.
    func roles(at resource: ServedResource) -> [String] {
        resource == .exchange && id == TenantIdentity.automationApp ? ["Exchange.ManageAsApp"] : roles
    }

    static let all: [RegisteredApp] = [
        RegisteredApp(id: TenantIdentity.demoApp, name: "Microsoft Master (sandbox)", isPublicClient: true),
        RegisteredApp(
            id: TenantIdentity.automationApp, name: "Nightly automation", isPublicClient: false,
            secret: TenantIdentity.automationSecret,
            federated: FederatedCredential(
                issuer: "https://ci.contoso-sandbox.example", subject: "repo:contoso/mm:ref:refs/heads/main",
                audience: "api://AzureADTokenExchange"),
            roles: automationRoles),
        RegisteredApp(
            id: TenantIdentity.readerApp, name: "Mail reader", isPublicClient: true,
            delegated: ["Mail.Read", "User.Read"]),
        RegisteredApp(id: TenantIdentity.disabledApp, name: "Retired app", isPublicClient: true, isEnabled: false),
        // The first-party apps of the modules, for connections without an app registration.
        RegisteredApp(
            id: "04b07795-8ddb-461a-bbee-02f9e1bf7b46", name: "Microsoft Azure CLI", isPublicClient: true,
            delegated: [
                "Application.ReadWrite.All", "AuditLog.Read.All", "DelegatedPermissionGrant.ReadWrite.All",
                "Directory.AccessAsUser.All", "Group.ReadWrite.All", "User.Read.All",
            ], isOfFamily: true),
        RegisteredApp(
            id: "1950a258-227b-4e31-a9cf-717495945fc2", name: "Microsoft Azure PowerShell", isPublicClient: true,
            isOfFamily: true),
        RegisteredApp(
            id: "14d82eec-204b-4c2f-b7e8-296a70dab67e", name: "Microsoft Graph Command Line Tools", isPublicClient: true
        ),
        RegisteredApp(
            id: "fb78d390-0c51-40cd-8e17-fdbfab77341b", name: "Microsoft Exchange REST API Based Powershell",
            isPublicClient: true),
        RegisteredApp(
            id: "12128f48-ec9e-42f0-b203-ea49fb6af367", name: "Microsoft Teams Powershell Cmdlets", isPublicClient: true
        ),
        RegisteredApp(
            id: "9cee029c-6210-4654-90bb-17e6e9d36617", name: "Power Platform CLI - pac", isPublicClient: true),
    ]

    /// Returns the initial app with an id, ignoring case.
    static func find(_ id: String) -> RegisteredApp? {
        let id = id.lowercased()
        return all.first { $0.id == id }
    }
}
