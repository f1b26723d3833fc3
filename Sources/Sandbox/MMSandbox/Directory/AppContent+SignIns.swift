internal import MMCore

/// The sign-in log.
extension AppContent {
    private static let apps: [(id: String, name: String, client: String)] = [
        (TenantIdentity.demoApp, "Microsoft Master (sandbox)", "Browser"),
        ("00000002-0000-0ff1-ce00-000000000000", "Office 365 Exchange Online", "Mobile Apps and Desktop clients"),
        ("00000003-0000-0ff1-ce00-000000000000", "Office 365 SharePoint Online", "Browser"),
        (
            "14d82eec-204b-4c2f-b7e8-296a70dab67e", "Microsoft Graph Command Line Tools",
            "Mobile Apps and Desktop clients"
        ),
        ("fb78d390-0c51-40cd-8e17-fdbfab77341b", "Microsoft Exchange REST API Based Powershell", "IMAP4"),
    ]

    private static let faults: [(code: Int64, reason: String, policy: String)] = [
        (50_126, "Error validating credentials due to invalid username or password.", "notApplied"),
        (53_003, "Access has been blocked by Conditional Access policies.", "failure"),
        (50_074, "Strong Authentication is required.", "failure"),
        (50_053, "The account is locked, you've tried to sign in too many times.", "notApplied"),
    ]

    /// The entry at an index, the newest first.
    func signIn(_ index: Int) -> JSONObject {
        let log = users.signIns
        let user = users.row(log.user(at: index) { users.row($0).isActive })
        let mixing = users.mixing.branch(17)
        var fault =
            mixing.number(index, 2, below: 12) == 0
            ? Self.faults[mixing.number(index, 4, below: Self.faults.count)] : nil
        switch user.named?.outcome {
        case .disabled?: fault = (50_057, "The user account is disabled.", "notApplied")
        case .blockedByPolicy?: fault = Self.faults[1]
        case .granted?: fault = nil
        default: break
        }
        let app = Self.apps[mixing.number(index, 5, below: Self.apps.count)]
        let isAway = mixing.number(index, 6, below: 90) == 0
        return [
            "id": .string(log.id(of: index)), "createdDateTime": .string(ServiceTime.text(log.time(of: index))),
            "userDisplayName": .string(user.displayName),
            "userPrincipalName": .string(user.userPrincipalName.lowercased()),
            "userId": .string(user.id), "appId": .string(app.id), "appDisplayName": .string(app.name),
            "ipAddress": .string("\(isAway ? "203.0.113" : "198.51.100").\(1 + mixing.number(index, 3, below: 250))"),
            "clientAppUsed": .string(app.client), "correlationId": .string(log.correlationID(of: index)),
            "conditionalAccessStatus": .string(fault?.policy ?? "success"),
            "appliedConditionalAccessPolicies": fault?.policy == "failure"
                ? [
                    [
                        "id": .string(Guid.text(0x5A4D_B0C5, 1)), "displayName": "Require MFA for everybody",
                        "enforcedGrantControls": ["Mfa"], "enforcedSessionControls": [], "result": "failure",
                    ]
                ] : [],
            "isInteractive": true, "riskDetail": "none", "riskLevelAggregated": isAway ? "medium" : "none",
            "riskLevelDuringSignIn": isAway ? "medium" : "none", "riskState": isAway ? "atRisk" : "none",
            "riskEventTypes_v2": isAway ? ["unfamiliarFeatures"] : [],
            "resourceDisplayName": "Microsoft Graph", "resourceId": "00000003-0000-0000-c000-000000000000",
            "status": [
                "errorCode": .int(fault?.code ?? 0), "failureReason": .string(fault?.reason ?? "Other."),
                "additionalDetails": .null,
            ],
            "deviceDetail": [
                "deviceId": "", "displayName": "", "operatingSystem": isAway ? "Linux" : "Windows10",
                "browser": "Edge 143.0", "isCompliant": .bool(!isAway), "isManaged": .bool(!isAway), "trustType": "",
            ],
            "location": [
                "city": .string(isAway ? "Reykjavik" : user.office.city),
                "state": .string(isAway ? "" : user.office.state),
                "countryOrRegion": .string(isAway ? "IS" : user.office.region),
                "geoCoordinates": ["altitude": .null, "latitude": .null, "longitude": .null],
            ],
        ]
    }
}
