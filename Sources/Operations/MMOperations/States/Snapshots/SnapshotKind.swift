package import MMCore

/// One kind of configuration: the source of its objects, and how an object is written to a file. A new kind is a new
/// value in the table; no code refers to a kind by name.
package struct SnapshotKind: Sendable, Hashable {
    /// The service that holds the objects, and how it is asked.
    package enum Service: String, Sendable {
        /// Microsoft Graph; `path` is a collection or a single object.
        case graph
        /// Exchange Online; `path` is a cmdlet.
        case exchange
        /// Purview; `path` is a cmdlet.
        case compliance
        /// Power Automate; `path` is a collection.
        case flow
        /// The PowerShell module of Teams; `path` is a cmdlet.
        case teams
    }

    /// Data that is read for each object in addition to the object itself, such as members or assignments.
    package struct Relation: Sendable, Hashable {
        /// The property that holds the data in the snapshot.
        package let name: String
        /// The path, with `{id}` as the placeholder of the object's key.
        package let path: String
        /// Whether only references are kept, because the objects at the other end have an id and a name of their own.
        package let isReference: Bool
        /// The property and the value of objects whose relation is not configuration, such as groups whose members the
        /// service computes by a rule.
        package let unless: (property: String, value: String)?
        /// The properties and values of rows that are not configuration, such as the owner's own right to a mailbox.
        package let skipped: [(property: String, value: JSONValue)]
        /// The properties of which at least one must be set in a row that has them; otherwise the row is not
        /// configuration.
        package var onlyWith: [String] = []

        /// Whether a row is configuration, by what is set in it.
        func keeps(_ row: JSONValue) -> Bool {
            let known = onlyWith.filter { row[$0] != nil }
            return known.isEmpty || known.contains { SnapshotObject.isSet($0, in: row.object ?? [:]) }
        }

        package static func == (left: Relation, right: Relation) -> Bool {
            left.name == right.name && left.path == right.path
        }

        package func hash(into hasher: inout Hasher) { hasher.combine(path) }
    }

    /// The kind of id that a reference holds.
    package enum ReferenceSpace: String, Sendable {
        /// Objects, by their own id.
        case objects
        /// Apps, by their client id.
        case apps
    }

    /// A property whose values, at any depth, are ids of other objects.
    package struct Reference: Sendable, Hashable {
        /// The names that lead to it.
        package let path: [String]
        /// The kind of these ids.
        package let space: ReferenceSpace
    }

    /// The name in commands, which is also the name of the folder.
    package let name: String
    /// The title for people.
    package let title: String
    /// The service that holds the objects.
    package let service: Service
    /// The collection's path, or the cmdlet.
    package let path: String
    /// The property that tells objects apart within the tenant.
    package var key = "id"
    /// The properties that may hold the name, of which the first that is set is used; dots lead to members.
    package var named = ["displayName"]
    /// Whether there is exactly one object.
    package var isSingle = false
    /// Whether the single object is in a collection of one and is addressed by its id.
    package var isInCollection = false
    /// The path of the collection whose objects contain the objects of this kind: `{parent}` in `path` is replaced by
    /// their `name`.
    package var within: String?
    /// The properties that are left out in addition to those left out of every kind; dots lead to members.
    package var leftOut: [String] = []
    /// The properties of which at least one must be set in an object that counts as configuration.
    package var onlyWith: [String] = []
    /// The properties that hold ids of other objects.
    package var references: [Reference] = []
    /// Whether other objects can refer to these objects, by key or by client id.
    package var isReferredTo = false
    /// The property with the client id.
    package var appID: String?
    /// The list of parts that have ids of their own to which other objects refer, and the property with a part's name.
    package var namedParts: (list: String, name: String)?
    /// The properties that differ between tenants even if the configuration is the same.
    package var tenantOwn: [String] = []
    /// The data that is read for each object in addition.
    package var relations: [Relation] = []
    /// The cmdlet that changes an object, for proposed repairs.
    package var setter: String?
    /// Whether it is read only where a caller names it, because it takes many requests.
    package var isOnRequest = false

    package init(_ name: String, _ title: String, _ service: Service, _ path: String) {
        (self.name, self.title, self.service, self.path) = (name, title, service, path)
    }

    package static func == (left: SnapshotKind, right: SnapshotKind) -> Bool { left.name == right.name }

    package func hash(into hasher: inout Hasher) { hasher.combine(name) }

    /// The collection without its query.
    package var collection: String { String(path.prefix { $0 != "?" }) }
}

extension SnapshotKind {
    // Builder methods, which keep the table readable.

    private func with(_ change: (inout SnapshotKind) -> Void) -> SnapshotKind {
        var copy = self
        change(&copy)
        return copy
    }

    func key(_ key: String, named: String...) -> SnapshotKind {
        with {
            $0.key = key
            if !named.isEmpty { $0.named = named }
        }
    }

    func single(inCollection: Bool = false) -> SnapshotKind {
        with {
            $0.isSingle = true
            $0.isInCollection = inCollection
        }
    }

    func inEach(_ parent: String) -> SnapshotKind { with { $0.within = parent } }

    func without(_ properties: String...) -> SnapshotKind { with { $0.leftOut += properties } }

    func only(with properties: String...) -> SnapshotKind { with { $0.onlyWith = properties } }

    func refers(_ paths: String..., to space: ReferenceSpace = .objects) -> SnapshotKind {
        with {
            $0.references += paths.map { Reference(path: $0.split(separator: ".").map(String.init), space: space) }
        }
    }

    func referredTo(appID: String? = nil, parts: (list: String, name: String)? = nil) -> SnapshotKind {
        with {
            $0.isReferredTo = true
            $0.appID = appID
            $0.namedParts = parts
        }
    }

    func own(_ properties: String...) -> SnapshotKind { with { $0.tenantOwn += properties } }

    func relation(_ name: String, _ path: String, unless: (property: String, value: String)? = nil) -> SnapshotKind {
        refers(name).with {
            $0.relations.append(Relation(name: name, path: path, isReference: true, unless: unless, skipped: []))
        }
    }

    func rows(
        _ name: String, _ path: String, with properties: [String] = [],
        skipping skipped: (property: String, value: JSONValue)...
    ) -> SnapshotKind {
        with {
            $0.relations.append(
                Relation(
                    name: name, path: path, isReference: false, unless: nil, skipped: skipped, onlyWith: properties))
        }
    }

    func onRequest() -> SnapshotKind { with { $0.isOnRequest = true } }

    func set(by cmdlet: String) -> SnapshotKind { with { $0.setter = cmdlet } }
}

extension SnapshotKind {
    private static let members = "members?$select=id,userPrincipalName,displayName&$top=999"
    private static let owners = "owners?$select=id,userPrincipalName,displayName&$top=999"
    private static let intune = "/deviceManagement"
    private static let conditionalAccess = "/identity/conditionalAccess"
    private static let graphPolicies = "/policies"
    private static let eligibilities = "/roleManagement/directory/roleEligibilityScheduleInstances"

    /// All kinds, in the order in which they are read.
    package static let all: [SnapshotKind] = directory + policies + devices + exchange + mailboxes + others + teams

    /// The kinds that are read unless a caller names some.
    package static let standard = all.filter { !$0.isOnRequest }

    /// Returns the kind with a name, compared without case.
    package static func named(_ name: String) -> SnapshotKind? {
        let wanted = name.lowercased()
        return all.first { $0.name == wanted }
    }

    /// Returns the kinds that a caller names.
    /// - Parameter names: the names, each of which may be a list with commas; a `*` at the end matches all names with
    ///   that beginning.
    /// - Returns: the kinds; `nil` where the caller names none.
    /// - Throws: `invalidInput` with the nearest name for an unknown one.
    package static func chosen(_ names: [String]) throws(MMError) -> [SnapshotKind]? {
        var chosen: Set<SnapshotKind> = []
        for word in names.flatMap({ $0.split(separator: ",") }) {
            let name = word.filter { !$0.isWhitespace }.lowercased()
            let found =
                name.hasSuffix("*") ? all.filter { $0.name.hasPrefix(name.dropLast()) } : all.filter { $0.name == name }
            guard !found.isEmpty else {
                let near = NearestNames.of(name, among: all.map(\.name), limit: 1).first
                throw MMError(
                    .invalidInput,
                    "There is no kind “\(name.prefix(60))”." + (near.map { " Did you mean `\($0)`?" } ?? ""),
                    hint: "The kinds: \(all.map(\.name).joined(separator: ", ")).", details: ["field": "only"])
            }
            chosen.formUnion(found)
        }
        return chosen.isEmpty ? nil : all.filter(chosen.contains)
    }

    private static let directory: [SnapshotKind] = [
        SnapshotKind("organization", "Organisation settings", .graph, "/organization").single(inCollection: true)
            .without("assignedPlans", "provisionedPlans", "onPremisesLastSyncDateTime", "directorySizeQuota")
            .own("displayName", "verifiedDomains", "technicalNotificationMails"),
        SnapshotKind("domains", "Domains", .graph, "/domains").key("id", named: "id").without("state"),
        SnapshotKind("licences", "Licences", .graph, "/subscribedSkus").key("skuId", named: "skuPartNumber")
            .without("id", "accountId", "accountName", "consumedUnits", "subscriptionIds").referredTo()
            .own("prepaidUnits"),
        SnapshotKind("role-definitions", "Role definitions", .graph, "/roleManagement/directory/roleDefinitions")
            .without("inheritsPermissionsFrom").referredTo(),
        SnapshotKind("groups", "Groups", .graph, "/groups?$select=" + groupProperties).referredTo()
            .refers("assignedLicenses").own("securityIdentifier", "mail", "proxyAddresses")
            .relation("members", "/groups/{id}/" + members, unless: ("groupTypes", "DynamicMembership"))
            .relation("owners", "/groups/{id}/" + owners),
        SnapshotKind("apps", "App registrations", .graph, "/applications")
            .without("passwordCredentials.hint", "passwordCredentials.customKeyIdentifier", "keyCredentials.key")
            .own("appId", "publisherDomain", "passwordCredentials.keyId", "keyCredentials.keyId")
            .relation("owners", "/applications/{id}/" + owners),
        SnapshotKind("service-principals", "Service principals", .graph, "/servicePrincipals")
            .without(
                "appRoles", "oauth2PermissionScopes", "appDescription", "keyCredentials", "passwordCredentials",
                "resourceSpecificApplicationPermissions"
            )
            .referredTo(appID: "appId", parts: ("appRoles", "value")).own("appOwnerOrganizationId")
            .rows("appRoleAssignments", "/servicePrincipals/{id}/appRoleAssignments")
            .without(
                "appRoleAssignments.id", "appRoleAssignments.principalId", "appRoleAssignments.principalDisplayName",
                "appRoleAssignments.resourceDisplayName"
            )
            .refers("appRoleAssignments"),
        SnapshotKind("consents", "Delegated consents", .graph, "/oauth2PermissionGrants")
            .key("id", named: "clientId+resourceId+principalId", "id").without("expiryTime", "startTime")
            .refers("clientId", "principalId", "resourceId"),
        SnapshotKind("role-eligibilities", "Eligible role assignments", .graph, eligibilities)
            .key("id", named: "roleDefinitionId+principalId+directoryScopeId", "id")
            .without("startDateTime", "roleEligibilityScheduleId").refers("principalId", "roleDefinitionId"),
        SnapshotKind("administrative-units", "Administrative units", .graph, "/directory/administrativeUnits")
            .referredTo().relation("members", "/directory/administrativeUnits/{id}/" + members),
        SnapshotKind("role-assignments", "Role assignments", .graph, "/roleManagement/directory/roleAssignments")
            .key("id", named: "roleDefinitionId+principalId+directoryScopeId", "id").without("resourceScope")
            .refers("principalId", "roleDefinitionId"),
    ]

    private static let groupProperties =
        "id,displayName,description,classification,groupTypes,isAssignableToRole,mail,mailEnabled,mailNickname,"
        + "membershipRule,membershipRuleProcessingState,securityEnabled,visibility,resourceProvisioningOptions"

    private static let policies: [SnapshotKind] = [
        SnapshotKind("named-locations", "Named locations", .graph, conditionalAccess + "/namedLocations").referredTo(),
        SnapshotKind(
            "authentication-strengths", "Authentication strengths", .graph,
            graphPolicies + "/authenticationStrengthPolicies"
        ).referredTo(),
        SnapshotKind("conditional-access", "Conditional access policies", .graph, conditionalAccess + "/policies")
            .without("templateId")
            .refers("conditions.users", "conditions.locations", "conditions.clientApplications")
            .refers("conditions.applications", to: .apps)
            .refers("grantControls.authenticationStrength", "grantControls.termsOfUse"),
        SnapshotKind(
            "authentication-methods", "Authentication methods policy", .graph,
            graphPolicies + "/authenticationMethodsPolicy"
        ).single().refers("authenticationMethodConfigurations.includeTargets", "registrationEnforcement"),
        SnapshotKind(
            "authorization-policy", "Permissions of users and guests", .graph, graphPolicies + "/authorizationPolicy"
        ).single(),
        SnapshotKind(
            "security-defaults", "Security defaults", .graph,
            graphPolicies + "/identitySecurityDefaultsEnforcementPolicy"
        ).single(),
        SnapshotKind(
            "cross-tenant-access", "Cross-tenant access", .graph,
            graphPolicies + "/crossTenantAccessPolicy/default"
        ).single(),
        SnapshotKind(
            "cross-tenant-partners", "Cross-tenant access for single partners", .graph,
            graphPolicies + "/crossTenantAccessPolicy/partners"
        ).key("tenantId", named: "tenantId"),
        SnapshotKind("consent-policies", "Consent policies", .graph, graphPolicies + "/permissionGrantPolicies"),
        SnapshotKind(
            "consent-requests", "Consent requests", .graph, graphPolicies + "/adminConsentRequestPolicy"
        ).single(),
        SnapshotKind("sharepoint-sharing", "SharePoint sharing", .graph, "/admin/sharepoint/settings").single(),
    ]

    private static let devices: [SnapshotKind] = [
        SnapshotKind("device-configurations", "Device configurations", .graph, intune + "/deviceConfigurations")
            .without("supportsScopeTags").rows("assignments", intune + "/deviceConfigurations/{id}/assignments")
            .without("assignments.id", "assignments.sourceId").refers("assignments"),
        SnapshotKind(
            "device-compliance", "Device compliance policies", .graph, intune + "/deviceCompliancePolicies"
        ).rows("assignments", intune + "/deviceCompliancePolicies/{id}/assignments")
            .without("assignments.id", "assignments.sourceId").refers("assignments"),
        SnapshotKind("settings-catalog", "Intune settings catalogue", .graph, settingsCatalog)
            .key("id", named: "name").without("settingCount", "isAssigned", "supportsScopeTags")
            .rows("settings", settingsCatalog + "/{id}/settings").without("settings.id")
            .rows("assignments", settingsCatalog + "/{id}/assignments")
            .without("assignments.id", "assignments.sourceId").refers("assignments"),
    ]

    /// Only available in Graph's beta version.
    private static let settingsCatalog = "/beta/deviceManagement/configurationPolicies"

    private static let mailboxRows =
        "Get-Mailbox?ResultSize=Unlimited&$select=ExternalDirectoryObjectId,UserPrincipalName,PrimarySmtpAddress,"
        + "RecipientTypeDetails"

    /// The data of each mailbox.
    private static let mailboxes: [SnapshotKind] = [
        SnapshotKind("inbox-rules", "Forwarding inbox rules", .exchange, mailboxRows)
            .key("ExternalDirectoryObjectId", named: "UserPrincipalName", "PrimarySmtpAddress")
            .rows(
                "rules", "Get-InboxRule?Mailbox={id}", with: ["ForwardTo", "ForwardAsAttachmentTo", "RedirectTo"]
            )
            .without(
                "rules.Identity", "rules.MailboxOwnerId", "rules.Description", "rules.IsValid", "rules.ObjectState",
                "rules.RunspaceId", "rules.LegacyID", "rules.RuleIdentity"
            )
            .only(with: "rules").onRequest(),
        SnapshotKind("calendar-permissions", "Shared calendars", .exchange, mailboxRows)
            .key("ExternalDirectoryObjectId", named: "UserPrincipalName", "PrimarySmtpAddress")
            .rows("calendar", #"Get-MailboxFolderPermission?Identity={id}:\Calendar"#)
            .without("calendar.Identity", "calendar.FolderName", "calendar.IsValid", "calendar.ObjectState")
            .only(with: "calendar").onRequest(),
    ]

    private static let exchange: [SnapshotKind] = [
        cmdlet("exchange-organization", "Exchange organisation", "OrganizationConfig").single(),
        cmdlet("accepted-domains", "Accepted domains", "AcceptedDomain"),
        cmdlet("remote-domains", "Remote domains", "RemoteDomain"),
        cmdlet("outbound-spam", "Outbound spam policies", "HostedOutboundSpamFilterPolicy"),
        cmdlet("anti-spam", "Spam policies", "HostedContentFilterPolicy"),
        cmdlet("connection-filter", "Allowed addresses", "HostedConnectionFilterPolicy"),
        cmdlet("anti-phishing", "Anti-phishing policies", "AntiPhishPolicy"),
        cmdlet("malware", "Malware policies", "MalwareFilterPolicy"),
        cmdlet("safe-links", "Safe Links policies", "SafeLinksPolicy"),
        cmdlet("safe-attachments", "Safe Attachments policies", "SafeAttachmentPolicy"),
        cmdlet("dkim", "DKIM", "DkimSigningConfig"),
        cmdlet("retention", "Mailbox retention policies", "RetentionPolicy"),
        cmdlet("calendar-sharing", "Calendar sharing policies", "SharingPolicy"),
        cmdlet("dlp", "Data loss prevention", "DlpCompliancePolicy", .compliance),
        SnapshotKind(
            "distribution-groups", "Distribution groups", .exchange,
            "Get-DistributionGroup?ResultSize=Unlimited&$select=Guid,Name,DisplayName,PrimarySmtpAddress,ManagedBy,"
                + "MemberJoinRestriction,MemberDepartRestriction,RequireSenderAuthenticationEnabled,ModerationEnabled,"
                + "ModeratedBy,AcceptMessagesOnlyFrom,HiddenFromAddressListsEnabled"
        )
        .key("Guid", named: "PrimarySmtpAddress", "Name").set(by: "Set-DistributionGroup"),
        cmdlet("transport-rules", "Transport rules", "TransportRule"),
        cmdlet("inbound-connectors", "Inbound connectors", "InboundConnector"),
        cmdlet("outbound-connectors", "Outbound connectors", "OutboundConnector"),
        SnapshotKind(
            "mailbox-forwarding", "Mailboxes with forwarding or delegates", .exchange,
            "Get-Mailbox?ResultSize=Unlimited&$select=ExternalDirectoryObjectId,UserPrincipalName,PrimarySmtpAddress,"
                + "RecipientTypeDetails,ForwardingAddress,ForwardingSmtpAddress,DeliverToMailboxAndForward,GrantSendOnBehalfTo"
        )
        .key("ExternalDirectoryObjectId", named: "UserPrincipalName", "PrimarySmtpAddress")
        .only(with: "ForwardingAddress", "ForwardingSmtpAddress", "GrantSendOnBehalfTo").set(by: "Set-Mailbox"),
        SnapshotKind(
            "mailbox-permissions", "Mailboxes with full access or send-as permissions", .exchange,
            "Get-Mailbox?ResultSize=Unlimited&$select=ExternalDirectoryObjectId,UserPrincipalName,PrimarySmtpAddress,"
                + "RecipientTypeDetails"
        )
        .key("ExternalDirectoryObjectId", named: "UserPrincipalName", "PrimarySmtpAddress")
        .rows(
            "fullAccess", "Get-MailboxPermission?Identity={id}", skipping: ("User", #"NT AUTHORITY\SELF"#),
            ("IsInherited", true)
        )
        .rows(
            "sendAs", "Get-RecipientPermission?Identity={id}", skipping: ("Trustee", #"NT AUTHORITY\SELF"#),
            ("IsInherited", true)
        )
        .without(
            "fullAccess.Identity", "fullAccess.IsInherited", "fullAccess.InheritanceType", "fullAccess.UserSid",
            "sendAs.Identity", "sendAs.IsInherited", "sendAs.InheritanceType", "sendAs.TrusteeSidString"
        )
        .only(with: "fullAccess", "sendAs").onRequest(),
    ]

    private static let others: [SnapshotKind] = [
        SnapshotKind("flows", "Flows", .flow, "/providers/Microsoft.ProcessSimple/environments/{parent}/flows")
            .inEach("/providers/Microsoft.ProcessSimple/environments").key("name", named: "properties.displayName")
            .without(
                "id", "properties.createdTime", "properties.lastModifiedTime", "properties.createdTimeUtc",
                "properties.lastModifiedTimeUtc", "properties.flowFailureAlertSubscribed", "properties.userType",
                "properties.apiId"
            )
            .own("properties.environment", "properties.creator")
    ]

    /// The kinds that only the Teams PowerShell module can read, in a session of its own.
    private static let teams: [SnapshotKind] = [
        policy("teams-policies", "Teams meeting policies", "TeamsMeetingPolicy"),
        policy("teams-messaging", "Teams messaging policies", "TeamsMessagingPolicy"),
        policy("teams-channels", "Teams channel policies", "TeamsChannelsPolicy"),
        policy("teams-apps", "Teams app permission policies", "TeamsAppPermissionPolicy"),
        policy("teams-client", "Teams client settings", "TeamsClientConfiguration").single(),
        policy("teams-federation", "Teams external access", "TenantFederationConfiguration").single(),
    ]

    /// Creates a kind of Teams, with the cmdlets that read and set it.
    private static func policy(_ name: String, _ title: String, _ noun: String) -> SnapshotKind {
        SnapshotKind(name, title, .teams, "Get-Cs" + noun).key("Identity", named: "Identity")
            .without("Key", "ScopeClass", "Anchor", "Element", "DataSource", "ConfigId", "ConfigMetadata")
            .set(by: "Set-Cs" + noun).onRequest()
    }

    /// Creates a kind of Exchange, with the cmdlets that read and set it.
    private static func cmdlet(
        _ name: String, _ title: String, _ noun: String, _ service: Service = .exchange
    ) -> SnapshotKind {
        SnapshotKind(name, title, service, "Get-" + noun).key("Identity", named: "Name", "Identity")
            .without(
                "Guid", "ObjectState", "IsValid", "ExchangeVersion", "DistinguishedName", "OrganizationId",
                "OriginatingServer", "ImmutableId", "RuleVersion", "OrganizationalUnitRoot", "Id", "ExchangeObjectId"
            )
            .set(by: "Set-" + noun)
    }
}
