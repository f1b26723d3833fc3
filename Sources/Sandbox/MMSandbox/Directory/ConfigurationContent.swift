internal import MMCore

/// The configuration by administrators: locations, authentication methods, permissions of users, roles and granted
/// permissions.
struct ConfigurationContent: Sendable {
    let users: UserDirectory
    private let ids: ObjectIDs

    init(users: UserDirectory, mixing: Mixing) {
        self.users = users
        ids = ObjectIDs(mixing.branch(71))
    }

    private func ago(_ days: Int) -> JSONValue { .string(ServiceTime.text(users.now - Int64(days) * 86_400)) }

    func namedLocations() -> [JSONObject] {
        let networks: [(name: String, ranges: [String], isTrusted: Bool)] = [
            ("Head office", ["203.0.113.0/24", "2001:db8:10::/48"], true),
            ("Branch offices", ["198.51.100.0/25", "198.51.100.128/26"], true),
            ("Scanner network", ["192.0.2.16/28"], false),
        ]
        var rows: [JSONObject] = networks.enumerated().map { place, network in
            [
                "@odata.type": "#microsoft.graph.ipNamedLocation", "id": .string(ids.guid(place)),
                "displayName": .string(network.name), "createdDateTime": ago(600 - place),
                "modifiedDateTime": ago(90 + place), "isTrusted": .bool(network.isTrusted),
                "ipRanges": .array(
                    network.ranges.map { range in
                        [
                            "@odata.type": range.contains(":")
                                ? "#microsoft.graph.iPv6CidrRange" : "#microsoft.graph.iPv4CidrRange",
                            "cidrAddress": .string(range),
                        ]
                    }),
            ]
        }
        rows.append([
            "@odata.type": "#microsoft.graph.countryNamedLocation", "id": .string(ids.guid(9)),
            "displayName": "Countries without business", "createdDateTime": ago(300), "modifiedDateTime": ago(300),
            "countriesAndRegions": ["KP", "SY"], "includeUnknownCountriesAndRegions": false,
            "countryLookupMethod": "clientIpAddress",
        ])
        return rows
    }

    func authenticationStrengths() -> [JSONObject] {
        let strengths: [(id: String, name: String, purpose: String, ways: [JSONValue])] = [
            (
                "00000000-0000-0000-0000-000000000002", "Multifactor authentication",
                "Combinations of methods that satisfy strong authentication, such as a password + SMS",
                ["windowsHelloForBusiness", "fido2", "x509CertificateMultiFactor", "password,sms"]
            ),
            (
                "00000000-0000-0000-0000-000000000004", "Phishing-resistant MFA",
                "Methods that prevent phishing, such as FIDO2 security keys",
                ["windowsHelloForBusiness", "fido2", "x509CertificateMultiFactor"]
            ),
        ]
        return strengths.map { strength in
            [
                "id": .string(strength.id), "createdDateTime": "2021-12-01T08:00:00Z",
                "modifiedDateTime": "2021-12-01T08:00:00Z", "displayName": .string(strength.name),
                "description": .string(strength.purpose), "policyType": "builtIn", "requirementsSatisfied": "mfa",
                "allowedCombinations": .array(strength.ways),
            ]
        }
    }

    func authenticationMethods() -> [JSONObject] {
        let methods: [(name: String, state: String)] = [
            ("Fido2", "enabled"), ("MicrosoftAuthenticator", "enabled"), ("Sms", "disabled"),
            ("TemporaryAccessPass", "enabled"), ("SoftwareOath", "disabled"), ("Email", "enabled"),
        ]
        let everybody: JSONValue = [
            "targetType": "group", "id": "all_users", "isRegistrationRequired": false,
        ]
        return [
            [
                "id": "authenticationMethodsPolicy", "displayName": "Authentication Methods Policy",
                "description": "The tenant-wide policy that controls which authentication methods are allowed.",
                "lastModifiedDateTime": ago(40), "policyVersion": "1.5", "policyMigrationState": "migrationComplete",
                "registrationEnforcement": [
                    "authenticationMethodsRegistrationCampaign": [
                        "snoozeDurationInDays": 1, "state": "enabled", "excludeTargets": [],
                        "includeTargets": [
                            [
                                "id": "all_users", "targetType": "group",
                                "targetedAuthenticationMethod": "microsoftAuthenticator",
                            ]
                        ],
                    ]
                ],
                "authenticationMethodConfigurations": .array(
                    methods.map { method in
                        ["id": .string(method.name), "state": .string(method.state), "includeTargets": [everybody]]
                    }),
            ]
        ]
    }

    func authorizationPolicy() -> [JSONObject] {
        [
            [
                "id": "authorizationPolicy", "displayName": "Authorization Policy",
                "description": "Used to manage authorization related settings across the company.",
                "allowInvitesFrom": "adminsAndGuestInviters", "allowedToSignUpEmailBasedSubscriptions": false,
                "allowedToUseSSPR": true, "allowEmailVerifiedUsersToJoinOrganization": false,
                "blockMsolPowerShell": true, "guestUserRoleId": "2af84b1e-32c8-42b7-82bc-daa82404023b",
                "defaultUserRolePermissions": [
                    "allowedToCreateApps": false, "allowedToCreateSecurityGroups": true,
                    "allowedToCreateTenants": false, "allowedToReadBitlockerKeysForOwnedDevice": true,
                    "allowedToReadOtherUsers": true, "permissionGrantPoliciesAssigned": [],
                ],
            ]
        ]
    }

    /// Returns the application permissions of Graph that the initial apps hold.
    static func graphRoles(_ mixing: Mixing) -> [JSONValue] {
        let names = Set(RegisteredApp.all.flatMap(\.roles)).sorted()
        let ids = ObjectIDs(mixing.branch(72))
        return names.enumerated().map { place, name in
            [
                "id": .string(ids.guid(place)), "value": .string(name), "displayName": .string(name),
                "allowedMemberTypes": ["Application"], "isEnabled": true, "origin": "Application",
                "description": .string("Lets the app use \(name) without a signed-in user."),
            ]
        }
    }
}
