internal import MMCore

/// How policies and apps stand on the devices of the tenant.
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
}
