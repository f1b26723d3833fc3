internal import MMCore

/// How policies and apps stand on the devices of the tenant, and what its roles demand.
extension ObservedContent {
    /// Returns how each of the first devices stands to a policy.
    var policyStates: [JSONObject] {
        store.table(.managedDevices).all.prefix(50).enumerated().map { place, device in
            [
                "id": id(7, place), "deviceDisplayName": device["deviceName"] ?? "",
                "userName": device["userDisplayName"] ?? "", "deviceModel": device["model"] ?? "",
                "status": device["complianceState"] == "noncompliant" ? "nonCompliant" : "compliant",
                "lastReportedDateTime": device["lastSyncDateTime"] ?? .null,
                "userPrincipalName": device["userPrincipalName"] ?? "",
                "complianceGracePeriodExpirationDateTime": ago(-30),
            ]
        }
    }

    /// Returns how the installation of an app stands on each of the first devices.
    var installations: [JSONObject] {
        store.table(.managedDevices).all.prefix(20).enumerated().map { place, device in
            let hasFailed = place % 7 == 6
            return [
                "id": id(8, place), "deviceName": device["deviceName"] ?? "", "deviceId": device["id"] ?? "",
                "lastSyncDateTime": device["lastSyncDateTime"] ?? .null, "osVersion": device["osVersion"] ?? "",
                "osDescription": device["operatingSystem"] ?? "", "userName": device["userDisplayName"] ?? "",
                "userPrincipalName": device["userPrincipalName"] ?? "", "displayVersion": "1.0",
                "mobileAppInstallStatusValue": hasFailed ? "failed" : "installed",
                "installState": hasFailed ? "failed" : "installed", "installStateDetail": "noAdditionalDetails",
                "errorCode": hasFailed ? -2_016_345_060 : 0,
            ]
        }
    }

    /// What each role demands of those who activate it; the same for all of them.
    static let rolePolicyRules: [JSONObject] = {
        let target: JSONValue = [
            "caller": "EndUser", "operations": ["All"], "level": "Assignment", "inheritableSettings": [],
            "enforcedSettings": [],
        ]
        let type = "#microsoft.graph.unifiedRoleManagementPolicy"
        return [
            [
                "@odata.type": .string(type + "ExpirationRule"), "id": "Expiration_EndUser_Assignment",
                "isExpirationRequired": true, "maximumDuration": "PT8H", "target": target,
            ],
            [
                "@odata.type": .string(type + "EnablementRule"), "id": "Enablement_EndUser_Assignment",
                "enabledRules": ["MultiFactorAuthentication", "Justification"], "target": target,
            ],
            [
                "@odata.type": .string(type + "ApprovalRule"), "id": "Approval_EndUser_Assignment",
                "setting": [
                    "isApprovalRequired": false, "isApprovalRequiredForExtension": false,
                    "isRequestorJustificationRequired": true, "approvalMode": "SingleStage", "approvalStages": [],
                ],
                "target": target,
            ],
        ]
    }()
}
