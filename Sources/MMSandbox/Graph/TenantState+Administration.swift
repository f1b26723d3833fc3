internal import MMCore

/// What paths to devices, policies, risks, service health and settings name.
extension TenantState {
    func administration(_ name: String, _ rest: ArraySlice<GraphSegment>) throws(GraphFailure) -> GraphPlace {
        let second = rest.first?.name.lowercased() ?? ""
        let below = rest.dropFirst()
        let third = below.first?.name.lowercased() ?? ""
        let inner = below.dropFirst()
        switch (name.lowercased(), second) {
        case ("devicemanagement", "manageddevices"):
            return plain(.managedDevices, "deviceManagement/managedDevices", .devices, below)
        case ("devicemanagement", "deviceconfigurations"):
            return plain(.deviceConfigurations, "deviceManagement/deviceConfigurations", .devices, below)
        case ("devicemanagement", "devicecompliancepolicies"):
            return plain(.deviceCompliancePolicies, "deviceManagement/deviceCompliancePolicies", .devices, below)
        case ("identity", "conditionalaccess") where third == "policies":
            return plain(.conditionalAccessPolicies, "identity/conditionalAccess/policies", .policies, inner)
        case ("identityprotection", "riskyusers"):
            return plain(.riskyUsers, "identityProtection/riskyUsers", .risks, below)
        case ("reports", "authenticationmethods") where third == "userregistrationdetails":
            return plain(
                .registrations, "reports/authenticationMethods/userRegistrationDetails", .authenticationMethods, inner)
        case ("admin", "serviceannouncement") where third == "issues":
            return plain(.serviceIssues, "admin/serviceAnnouncement/issues", .health, inner)
        case ("admin", "serviceannouncement") where third == "healthoverviews":
            return plain(.serviceHealth, "admin/serviceAnnouncement/healthOverviews", .health, inner)
        case ("admin", "sharepoint") where third == "settings":
            return GraphPlace(
                node: .single(nil, .object(Self.sharePointSettings)), label: "admin/sharepoint/settings/$entity",
                rest: inner, area: .sharePointSettings)
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

    /// The apps that have rights on one site alone.
    func sitePermissions(_ id: String) -> [Record] {
        guard store.sites.index(of: id).map({ $0 % 4 == 0 }) == true else { return [] }
        let app: JSONValue = [
            "application": ["id": .string(TenantIdentity.automationApp), "displayName": "Nightly automation"]
        ]
        return [
            .object([
                "id": .string(
                    Base64.text(Array("i:0i.t|ms.sp.ext|\(TenantIdentity.automationApp)".utf8), alphabet: .url)),
                "roles": ["read"], "grantedToIdentitiesV2": [app],
            ])
        ]
    }

    /// `POST /invitations`.
    mutating func invite(_ call: GraphCall) throws(GraphFailure) -> SandboxResponse {
        guard call.segments.count == 1 else { throw .unknownSegment(call.segments[1].name) }
        guard call.request.method == "POST" else { throw .notAllowed(call.request.method) }
        let roles = store.roles(of: call.principal.objectID)
        guard
            !call.principal.permissions.isDisjoint(with: [
                "User.Invite.All", "User.ReadWrite.All", "Directory.ReadWrite.All",
            ]), call.principal.isApp || roles.contains(.globalAdministrator) || roles.contains(.userAdministrator)
        else { throw .denied }
        let body = try call.object()
        let address = body["invitedUserEmailAddress"]?.string ?? ""
        let parts = address.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, parts[1].contains(".") else {
            throw GraphFailure(400, "BadRequest", "The invited user email address is invalid.")
        }
        guard let back = body["inviteRedirectUrl"]?.string, back.contains("://") else {
            throw GraphFailure(400, "BadRequest", "The inviteRedirectUrl property is required and must be a valid URL.")
        }
        guard store.table(.domains).find(String(parts[1]).lowercased()) == nil else {
            throw GraphFailure(
                400, "BadRequest",
                "The invited user already exists in the directory as object ID: . They can use that account to sign in to shared apps and resources."
            )
        }
        let guest = guest(address, name: body["invitedUserDisplayName"]?.string ?? String(parts[0]))
        let answer: JSONObject = [
            "@odata.context": .string("\(base)/\(call.version)/$metadata#invitations/$entity"),
            "id": .string(RandomBytes.uuid()),
            "inviteRedeemUrl": .string(
                "\(base)/redeem?rd=\(PercentCoding.encode(back, isPlain: PercentCoding.isSegmentByte))"),
            "invitedUserDisplayName": guest["displayName"] ?? .null,
            "invitedUserType": body["invitedUserType"] ?? "Guest", "invitedUserEmailAddress": .string(address),
            "sendInvitationMessage": body["sendInvitationMessage"] ?? false, "resetRedemption": false,
            "inviteRedirectUrl": .string(back), "status": "PendingAcceptance",
            "invitedUserMessageInfo": body["invitedUserMessageInfo"]
                ?? ["messageLanguage": .null, "customizedMessageBody": .null, "ccRecipients": []],
            "invitedUser": ["id": guest["id"] ?? .null],
        ]
        return SandboxResponse(status: 201, json: .object(answer), contentType: Self.graphContentType)
    }

    /// The guest of an address: the one that was invited before, or a new one.
    private mutating func guest(_ address: String, name: String) -> JSONObject {
        let nickname = "\(address.map { $0 == "@" ? "_" : String($0) }.joined())#EXT#"
        let principal = "\(nickname)@\(TenantIdentity.domain)"
        if let known = store.user(principal) { return known.members(of: .user) }
        var row: JSONObject = [:]
        for property in EntityKind.user.properties {
            row[property] = EntityKind.user.types[property] == .collection ? [] : .null
        }
        let written: JSONObject = [
            "id": .string(RandomBytes.uuid()), "displayName": .string(name), "mail": .string(address),
            "userPrincipalName": .string(principal), "mailNickname": .string(nickname), "accountEnabled": true,
            "userType": "Guest", "creationType": "Invitation", "externalUserState": "PendingAcceptance",
            "externalUserStateChangeDateTime": .string(ServiceTime.text(now)),
            "createdDateTime": .string(ServiceTime.text(now)), "otherMails": [.string(address)],
            "proxyAddresses": [.string("SMTP:\(address)")],
        ]
        for (property, value) in written { row[property] = value }
        store.change(.users) { $0.insert(row, sequence: $1) }
        return row
    }
}
