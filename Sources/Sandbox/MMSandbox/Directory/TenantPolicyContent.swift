internal import MMCore

/// What a tenant says of itself as a whole: security defaults, access to and from other tenants, consent, administrative units.
enum TenantPolicyContent {
    static let securityDefaults: JSONObject = [
        "id": "00000000-0000-0000-0000-000000000005", "displayName": "Security Defaults",
        "description": "Security defaults is a set of basic identity security mechanisms recommended by Microsoft.",
        "isEnabled": false,
    ]

    private static func access(_ type: String) -> JSONValue {
        [
            "usersAndGroups": [
                "accessType": .string(type), "targets": [["target": "AllUsers", "targetType": "user"]],
            ],
            "applications": [
                "accessType": .string(type), "targets": [["target": "AllApplications", "targetType": "application"]],
            ],
        ]
    }

    private static let trust: JSONValue = [
        "isMfaAccepted": false, "isCompliantDeviceAccepted": false, "isHybridAzureADJoinedDeviceAccepted": false,
    ]

    static let crossTenantAccess: JSONObject = [
        "id": "default", "isServiceDefault": true, "inboundTrust": trust,
        "b2bCollaborationInbound": access("allowed"), "b2bCollaborationOutbound": access("allowed"),
        "b2bDirectConnectInbound": access("blocked"), "b2bDirectConnectOutbound": access("blocked"),
    ]

    /// The tenant of fabrikam.example.
    private static let partner: JSONValue = "5a4db0c5-7e11-4c02-9d0e-fab41ca40001"

    static let crossTenantPartner: JSONObject = [
        "id": partner, "tenantId": partner, "isServiceProvider": false, "inboundTrust": trust,
        "b2bCollaborationInbound": access("allowed"), "b2bCollaborationOutbound": .null,
    ]

    static let consentPolicies: [JSONObject] = [
        [
            "id": "microsoft-user-default-low", "displayName": "Default User Low Risk Policy",
            "description": "Permissions consentable by default to member type users.",
            "includeAllPreApprovedApplications": false,
        ],
        [
            "id": "microsoft-company-admin", "displayName": "Company Admin Policy",
            "description": "Permissions consentable by Company Administrators.",
            "includeAllPreApprovedApplications": false,
        ],
    ]

    static let consentRequests: JSONObject = [
        "id": "adminConsentRequestPolicy", "isEnabled": true, "notifyReviewers": true, "remindersEnabled": true,
        "requestDurationInDays": 30, "version": 0, "reviewers": [],
    ]

    static func administrativeUnits(_ mixing: Mixing) -> [JSONObject] {
        let ids = ObjectIDs(mixing.branch(73))
        return [("Schools", "Everybody of the schools"), ("Head office", "Everybody of the head office")].enumerated()
            .map { place, unit in
                [
                    "id": .string(ids.guid(place)), "deletedDateTime": .null, "displayName": .string(unit.0),
                    "description": .string(unit.1), "visibility": .null, "isMemberManagementRestricted": false,
                ]
            }
    }
}
