import Testing

@testable import MMGuard

@Suite("Requests by the names of Graph's cmdlets")
struct GraphCmdletNameTests {
    private static let names: [(name: String, requests: [String])] = [
        ("Get-MgUser", ["GET /v1.0/users", "GET /v1.0/users/{user-id}"]),
        ("Get-MgBetaUser", ["GET /beta/users", "GET /beta/users/{user-id}"]),
        ("Get-MgSubscribedSku", ["GET /v1.0/subscribedSkus"]),
        ("Get-MgUserMemberOf", ["GET /v1.0/users/{user-id}/memberOf"]),
        ("Remove-MgGroupMemberByRef", ["DELETE /v1.0/groups/{group-id}/members/{directoryObject-id}/$ref"]),
        ("New-MgGroupMember", ["POST /v1.0/groups/{group-id}/members/$ref"]),
        ("Get-MgUserManager", ["GET /v1.0/users/{user-id}/manager"]),
        ("Update-MgUser", ["PATCH /v1.0/users/{user-id}"]),
        ("Remove-MgUser", ["DELETE /v1.0/users/{user-id}"]),
        ("Set-MgUserLicense", ["POST /v1.0/users/{user-id}/assignLicense"]),
        ("Send-MgUserMail", ["POST /v1.0/users/{user-id}/sendMail"]),
        ("Get-MgUserAuthenticationPhoneMethod", ["GET /v1.0/users/{user-id}/authentication/phoneMethods"]),
        ("Get-MgRiskyUser", ["GET /v1.0/identityProtection/riskyUsers"]),
        ("Get-MgDirectoryRole", ["GET /v1.0/directoryRoles"]),
        ("Get-MgApplicationByAppId", ["GET /v1.0/applications(appId='{appId}')"]),
        ("get-mgbetaserviceprincipalbyappid", ["GET /beta/servicePrincipals(appId='{appId}')"]),
        ("Get-MgDirectoryObjectById", ["POST /v1.0/directoryObjects/getByIds"]),
        ("Get-MgBetaUserMemberGroup", ["POST /beta/users/{user-id}/getMemberGroups"]),
        ("Update-MgDeviceByDeviceId", ["PATCH /v1.0/devices(deviceId='{deviceId}')"]),
        ("Get-MgBetaDeviceManagementScript", ["GET /beta/deviceManagement/deviceManagementScripts"]),
        (
            "Get-MgDeviceAppManagementiOSManagedAppProtection",
            ["GET /v1.0/deviceAppManagement/iosManagedAppProtections"]
        ),
        ("Get-MgUserDefaultDrive", ["GET /v1.0/users/{user-id}/drive"]),
        ("New-MgBetaDirectorySetting", ["POST /beta/settings"]),
        ("Start-MgSecurityHuntingQuery", ["POST /v1.0/security/microsoft.graph.security.runHuntingQuery"]),
        ("Get-MgGroupSettingTemplateGroupSettingTemplate", ["GET /v1.0/groupSettingTemplates"]),
    ]

    @Test("follow from the rules that the modules are made by", arguments: names)
    func requests(name: String, requests: [String]) {
        let found = GraphCmdletNames().requests(of: name).map { "\($0.method) \($0.path)" }
        for request in requests { #expect(found.contains(request), "\(found)") }
    }

    @Test(
        "carry out an action where the verb is one, and never make an object instead",
        arguments: [
            ("Move-MgUserMessage", ["POST /v1.0/users/{user-id}/messages/{message-id}/move"]),
            // Not in the table of cmdlets, so the rule alone finds it.
            (
                "Move-MgUserMailFolderMessage",
                ["POST /v1.0/users/{user-id}/mailFolders/{mailFolder-id}/messages/{message-id}/move"]
            ),
            ("Send-MgUserMessage", ["POST /v1.0/users/{user-id}/messages/{message-id}/send"]),
            ("Copy-MgDriveItem", ["POST /v1.0/drives/{drive-id}/items/{driveItem-id}/copy"]),
            ("Add-MgTeamMember", ["POST /v1.0/teams/{team-id}/members/add"]),
            (
                "Set-MgDeviceAppManagementMobileApp",
                ["POST /v1.0/deviceAppManagement/mobileApps/{mobileApp-id}/assign"]
            ),
            (
                "Clear-MgDeviceManagementManagedDevice",
                ["POST /v1.0/deviceManagement/managedDevices/{managedDevice-id}/wipe"]
            ),
            (
                "Sync-MgDeviceManagementManagedDevice",
                ["POST /v1.0/deviceManagement/managedDevices/{managedDevice-id}/syncDevice"]
            ),
            (
                "Restart-MgDeviceManagementManagedDeviceNow",
                ["POST /v1.0/deviceManagement/managedDevices/{managedDevice-id}/rebootNow"]
            ),
            (
                "Lock-MgDeviceManagementManagedDeviceRemote",
                ["POST /v1.0/deviceManagement/managedDevices/{managedDevice-id}/remoteLock"]
            ),
            (
                "Invoke-MgScanDeviceManagementManagedDeviceWindowsDefender",
                ["POST /v1.0/deviceManagement/managedDevices/{managedDevice-id}/windowsDefenderScan"]
            ),
            ("Copy-MgTeam", ["POST /v1.0/teams/{team-id}/clone"]),
            ("Confirm-MgDomain", ["POST /v1.0/domains/{domain-id}/verify"]),
            ("Complete-MgTeamMigration", ["POST /v1.0/teams/{team-id}/completeMigration"]),
            ("Move-MgCommunicationCall", ["POST /v1.0/communications/calls/{call-id}/transfer"]),
            ("Export-MgUserPersonalData", ["POST /v1.0/users/{user-id}/exportPersonalData"]),
            (
                "Initialize-MgBackupRestoreServiceApp",
                ["POST /v1.0/solutions/backupRestore/serviceApps/{serviceApp-id}/activate"]
            ),
            (
                "Restore-MgDeviceManagementManagedDevicePasscode",
                ["POST /v1.0/deviceManagement/managedDevices/{managedDevice-id}/recoverPasscode"]
            ),
            // The draft of a reply: `Invoke-MgReplyUserMessage` sends one.
            (
                "New-MgUserMessageReply",
                ["POST /v1.0/users/{user-id}/messages/{message-id}/createReply"]
            ),
            (
                "New-MgUserMessageReplyAll",
                ["POST /v1.0/users/{user-id}/messages/{message-id}/createReplyAll"]
            ),
            (
                "New-MgUserMessageForward",
                ["POST /v1.0/users/{user-id}/messages/{message-id}/createForward"]
            ),
            (
                "Invoke-MgReplyUserMessage",
                ["POST /v1.0/users/{user-id}/messages/{message-id}/reply"]
            ),
            // Other words for getting and finding.
            (
                "Get-MgApplicationSynchronizationAccessToken",
                ["POST /v1.0/applications/{application-id}/synchronization/acquireAccessToken"]
            ),
            (
                "Get-MgBetaDeviceManagementVirtualEndpointReportCloudPcRecommendationReport",
                ["POST /beta/deviceManagement/virtualEndpoint/report/retrieveCloudPcRecommendationReports"]
            ),
            (
                "Find-MgDeviceManagementManagedDevice",
                ["POST /v1.0/deviceManagement/managedDevices/{managedDevice-id}/locateDevice"]
            ),
            (
                "Find-MgServicePrincipalSynchronizationJobSchemaDirectory",
                [
                    "POST /v1.0/servicePrincipals/{servicePrincipal-id}/synchronization/jobs/{synchronizationJob-id}/schema/directories/{directoryDefinition-id}/discover"
                ]
            ),
        ])
    func actions(name: String, requests: [String]) {
        #expect(GraphCmdletNames().requests(of: name).map { "\($0.method) \($0.path)" } == requests)
    }

    @Test(
        "are those of a collection whose name repeats the one of the object that holds it",
        arguments: [
            (
                "Remove-MgIdentityGovernanceLifecycleWorkflow",
                ["DELETE /v1.0/identityGovernance/lifecycleWorkflows/workflows/{workflow-id}"]
            ),
            (
                "New-MgIdentityGovernanceLifecycleWorkflow",
                ["POST /v1.0/identityGovernance/lifecycleWorkflows/workflows"]
            ),
            (
                "Get-MgSecurityAttackSimulation",
                [
                    "GET /v1.0/security/attackSimulation/simulations",
                    "GET /v1.0/security/attackSimulation/simulations/{simulation-id}",
                ]
            ),
        ])
    func repeating(name: String, requests: [String]) {
        #expect(GraphCmdletNames().requests(of: name).map { "\($0.method) \($0.path)" } == requests)
    }

    @Test(
        "are none where the tree of paths lacks the call that the table of cmdlets has for the name",
        arguments: [
            "Get-MgBetaUserPlannerTaskDelta", "Invoke-MgBetaBulkDeviceManagementVirtualEndpointCloudPcResize",
        ])
    func lacking(name: String) { #expect(GraphCmdletNames().requests(of: name).isEmpty) }

    @Test(
        "are none for other names",
        arguments: [
            "Get-Mailbox", "Get-MgNothingOfTheKind", "Get-Mg", "Mg-User", "Get-MgUserByMail", "Get-MgGroupByAppId",
        ])
    func none(name: String) { #expect(GraphCmdletNames().requests(of: name).isEmpty) }
}
