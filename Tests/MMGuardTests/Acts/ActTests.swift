import MMCore
import MMGuard
import TestSupport
import Testing

/// One act by all the roads that lead to it.
struct ActRoads: Sendable, CustomTestStringConvertible {
    let name: String
    let guardClass: GuardClass
    let scripts: [(module: String, script: String)]
    let requests: [(RequestService, String, String, String)]

    var testDescription: String { name }

    init(
        _ name: String, _ guardClass: GuardClass, _ scripts: [(module: String, script: String)],
        _ requests: [(RequestService, String, String, String)] = []
    ) {
        self.name = name
        self.guardClass = guardClass
        self.scripts = scripts
        self.requests = requests
    }
}

@Suite("What an act is for, by every road", .timeLimit(.minutes(5)))
struct ActTests {
    private static let engine = GuardEngine()

    static let acts: [ActRoads] = [
        ActRoads(
            "an app registration is made", .privilege,
            [
                ("graph", "New-MgApplication -DisplayName x"), ("azure", "New-AzADApplication -DisplayName x"),
                ("azure", "New-AzADServicePrincipal -DisplayName x"),
                ("azure", "Update-AzADApplication -ObjectId x -DisplayName y"),
                ("graph", "Update-MgApplication -ApplicationId x -DisplayName y"),
                ("graph", "Invoke-MgGraphRequest -Method POST -Uri /v1.0/applications -Body @{ displayName = 'x' }"),
                ("azure", "New-AzADAppCredential -ObjectId x"),
            ],
            [
                (.graph, "POST", "/v1.0/applications", #"{"displayName":"x"}"#),
                (.graph, "PATCH", "/v1.0/applications/x", #"{"displayName":"y"}"#),
                (.graph, "POST", "/v1.0/servicePrincipals", #"{"appId":"x"}"#),
            ]),
        ActRoads(
            "a deleted account, group or mailbox comes back", .privilege,
            [
                ("exo", "Undo-SoftDeletedMailbox ann"), ("pnp", "Restore-PnPDeletedMicrosoft365Group -Identity g"),
                ("exo", "Undo-SoftDeletedUnifiedGroup -SoftDeletedObject g"),
            ],
            [
                (.graph, "POST", "/v1.0/directory/deletedItems/x/restore", ""),
                (.graph, "POST", "/v1.0/devices/x/restore", ""),
            ]),
        ActRoads(
            "somebody joins or leaves a team", .privilege,
            [
                ("teams", "Add-TeamUser -GroupId g -User ann"), ("teams", "Remove-TeamUser -GroupId g -User ann"),
                ("teams", "Add-TeamUser -GroupId g -User ann -Role Owner"),
                ("teams", "Add-TeamChannelUser -GroupId g -DisplayName c -User ann"),
                ("teams", "Remove-TeamChannelUser -GroupId g -DisplayName c -User ann"),
                ("pnp", "Add-PnPTeamsUser -Team t -User ann -Role Member"),
                ("pnp", "Remove-PnPTeamsUser -Team t -User ann"),
                ("graph", "New-MgTeamMember -TeamId g"),
                ("graph", "Remove-MgTeamMember -TeamId g -ConversationMemberId m"),
                ("teams", "New-Team -DisplayName x -Owner ann"),
                ("exo", "Add-UnifiedGroupLinks g -LinkType Members -Links ann"),
                ("exo", "Remove-UnifiedGroupLinks g -LinkType Members -Links ann"),
            ],
            [
                (.graph, "POST", "/v1.0/teams/g/members", #"{"roles":[],"user@odata.bind":"x"}"#),
                (.graph, "PATCH", "/v1.0/teams/g/members/m", #"{"roles":["owner"]}"#),
                (.graph, "DELETE", "/v1.0/teams/g/members/m", ""),
                (.graph, "POST", "/v1.0/teams/g/channels/c/members", "{}"),
                (.graph, "POST", "/v1.0/teams", #"{"displayName":"x","members":[{"roles":["owner"]}]}"#),
            ]),
        ActRoads(
            "a team is made with an address of its own", .privilege,
            [("teams", "New-Team -DisplayName x -MailNickName x")],
            [(.graph, "POST", "/v1.0/groups", #"{"displayName":"x","mailNickname":"x","visibility":"Private"}"#)]),
        ActRoads(
            "a team is made that everybody may join, or in which guests do more", .external,
            [
                ("teams", "New-Team -DisplayName x -Visibility Public"),
                ("graph", "New-MgTeam -DisplayName x -Visibility public"),
                ("teams", "New-Team -DisplayName x -AllowGuestDeleteChannels $true"),
            ],
            [
                (.graph, "POST", "/v1.0/teams", #"{"displayName":"x","visibility":"Public"}"#),
                (.graph, "POST", "/v1.0/teams", #"{"displayName":"x","guestSettings":{"allowDeleteChannels":true}}"#),
                (.graph, "PUT", "/v1.0/groups/g/team", #"{"guestSettings":{"allowDeleteChannels":true}}"#),
            ]),
        ActRoads(
            "a team or a channel is made", .write,
            [
                ("teams", "New-Team -DisplayName x"), ("graph", "New-MgTeam -DisplayName x"),
                ("teams", "New-TeamChannel -GroupId g -DisplayName c"),
                ("teams", "Set-Team -GroupId g -DisplayName y"),
            ],
            [
                (.graph, "POST", "/v1.0/teams", #"{"displayName":"x","visibility":"Private"}"#),
                (.graph, "POST", "/v1.0/teams/g/channels", #"{"displayName":"c"}"#),
                (.graph, "PATCH", "/v1.0/groups/g", #"{"displayName":"y"}"#),
            ]),
        ActRoads(
            "a team is frozen", .destructive,
            [
                ("teams", "Set-TeamArchivedState -GroupId g -Archived:$true"),
                ("pnp", "Set-PnPTeamsTeamArchivedState -Identity g -Archived $true"),
            ],
            [
                (.graph, "POST", "/v1.0/teams/g/archive", "{}"),
                (.graph, "POST", "/v1.0/teams/g/channels/c/archive", ""),
            ]),
        ActRoads(
            "a group lets strangers write to it", .privilege,
            [
                ("exo", "Set-UnifiedGroup g -RequireSenderAuthenticationEnabled $false"),
                ("exo", "Set-DynamicDistributionGroup g -RequireSenderAuthenticationEnabled $false"),
                ("pnp", "Set-PnPMicrosoft365Group -Identity g -AllowExternalSenders:$true"),
            ],
            [
                (.graph, "PATCH", "/v1.0/groups/g", #"{"allowExternalSenders":true}"#),
                (
                    .exchange, "POST", "/adminapi/beta/t/InvokeCommand",
                    Wire.cmdlet("Set-UnifiedGroup", #"{"Identity":"g","RequireSenderAuthenticationEnabled":false}"#)
                ),
            ]),
        ActRoads(
            "somebody may send in another's name", .privilege,
            [
                ("exo", "Set-DynamicDistributionGroup g -GrantSendOnBehalfTo eve"),
                ("exo", "Set-MailUser x -GrantSendOnBehalfTo eve"), ("exo", "Set-Mailbox x -GrantSendOnBehalfTo eve"),
            ],
            [
                (
                    .exchange, "POST", "/adminapi/beta/t/InvokeCommand",
                    Wire.cmdlet("Set-MailContact", #"{"Identity":"x","GrantSendOnBehalfTo":"eve"}"#)
                )
            ]),
        ActRoads(
            "a hold or a backup is taken away", .privilege,
            [
                ("graph", "Remove-MgSecurityCaseEdiscoveryCaseCustodianHold -EdiscoveryCaseId c"),
                ("graph", "Remove-MgDriveItemRetentionLabel -DriveId d -DriveItemId i"),
            ],
            [
                (.graph, "POST", "/v1.0/security/cases/ediscoveryCases/c/custodians/removeHold", "{}"),
                (.graph, "POST", "/v1.0/solutions/backupRestore/protectionPolicies/p/deactivate", ""),
                (.graph, "DELETE", "/v1.0/drives/d/items/i/retentionLabel", ""),
                (.graph, "POST", "/v1.0/domains/contoso.com/forceDelete", "{}"),
            ]),
        ActRoads(
            "a message is sent for an object that another property than its id names", .send, [],
            [
                (.graph, "POST", "/beta/users/u/onlineMeetings(joinWebUrl='j')/sendVirtualAppointmentSms", "{}"),
                (.graph, "POST", "/beta/users/u/onlineMeetings/m/sendVirtualAppointmentSms", "{}"),
            ]),
        ActRoads(
            "automatic replies answer everybody", .send,
            [("graph", "Update-MgUserMailboxSetting -UserId u -AutomaticRepliesSetting @{ status = 'scheduled' }")],
            [
                (
                    .graph, "PATCH", "/v1.0/users/u/mailboxSettings",
                    #"{"automaticRepliesSetting":{"status":"scheduled"}}"#
                )
            ]),
        ActRoads(
            "invitations of a mailbox go to its delegates", .external,
            [
                (
                    "graph",
                    "Update-MgUserMailboxSetting -UserId u -DelegateMeetingMessageDeliveryOptions sendToDelegateOnly"
                )
            ],
            [
                (
                    .graph, "PATCH", "/v1.0/users/u/mailboxSettings",
                    #"{"delegateMeetingMessageDeliveryOptions":"sendToDelegateOnly"}"#
                )
            ]),
        ActRoads(
            "the time zone of a mailbox changes, or a device is to report", .write,
            [
                ("graph", "Update-MgUserMailboxSetting -UserId u -TimeZone 'W. Europe Standard Time'"),
                ("graph", "Sync-MgDeviceManagementManagedDevice -ManagedDeviceId d"),
            ],
            [
                (.graph, "PATCH", "/v1.0/users/u/mailboxSettings", #"{"timeZone":"W. Europe Standard Time"}"#),
                (.graph, "POST", "/v1.0/deviceManagement/managedDevices/d/syncDevice", ""),
            ]),
        ActRoads(
            "a hold is lifted", .destructive,
            [
                ("exo", "Set-MailUser x -ExcludeFromAllHolds"), ("exo", "Set-MailUser x -RemoveLitigationHoldEnabled"),
                ("exo", "Set-Mailbox x -ExcludeFromAllHolds"),
            ]),
        ActRoads(
            "a review of access is decided or ended", .privilege,
            [("graph", "New-MgBetaAccessReview -DisplayName x")],
            [
                (.graph, "POST", "/beta/accessReviews/r/stop", ""),
                (.graph, "PATCH", "/beta/users/u/approvals/a/steps/s", #"{"reviewResult":"Approve"}"#),
                (.graph, "POST", "/beta/users/u/pendingAccessReviewInstances/i/acceptRecommendations", ""),
            ]),
        ActRoads(
            "a device's key is handed out", .secret, [],
            [
                (.graph, "GET", "/beta/deviceManagement/comanagedDevices/d/getFileVaultKey()", ""),
                (.graph, "GET", "/beta/deviceManagement/userPfxCertificates", ""),
            ]),
        ActRoads(
            "code runs on a machine, or its start is no longer checked", .privilege,
            [
                ("azure", "Add-AzVmGalleryApplication -VM $vm -GalleryApplication $a"),
                ("azure", "Set-AzVMUefi -VM $v -EnableVtpm $true -EnableSecureBoot $false"),
            ],
            [
                (
                    .arm, "PATCH",
                    "/subscriptions/s/resourceGroups/r/providers/Microsoft.Compute/virtualMachines/v?api-version=2023-03-01",
                    #"{"properties":{"applicationProfile":{"galleryApplications":[{}]}}}"#
                ),
                (
                    .arm, "PATCH",
                    "/subscriptions/s/resourceGroups/r/providers/Microsoft.Compute/virtualMachines/v?api-version=2023-03-01",
                    #"{"properties":{"securityProfile":{"uefiSettings":{"secureBootEnabled":false}}}}"#
                ),
            ]),
        ActRoads(
            "a subnet loses what guards it", .privilege,
            [("azure", "Set-AzVirtualNetworkSubnetConfig -Name s -VirtualNetwork $v -NetworkSecurityGroup $null")],
            [
                (
                    .arm, "PUT",
                    "/subscriptions/s/resourceGroups/r/providers/Microsoft.Network/virtualNetworks/v/subnets/s?api-version=2023-03-01",
                    #"{"properties":{"networkSecurityGroup":null}}"#
                )
            ]),
        ActRoads(
            "who sees or shares what a site holds is changed", .privilege,
            [
                ("pnp", "Set-PnPList Docs -ReadSecurity AllUsersReadAccess"),
                ("pnp", "Set-PnPWeb -MembersCanShare:$true"),
                ("pnp", "Set-PnPEntraIDGroup -Identity g -Members eve"),
            ]),
        ActRoads(
            "mail is hidden from its owner", .destructive,
            [
                ("graph", "Move-MgUserMessage -UserId u -MessageId m -DestinationId recoverableitemsdeletions"),
                ("exo", "New-InboxRule -Mailbox u -Name x -MoveToFolder RSS -MarkAsRead $true"),
            ],
            [
                (
                    .graph, "POST", "/v1.0/users/u/mailFolders/inbox/messageRules",
                    #"{"displayName":"x","actions":{"moveToFolder":"rss","markAsRead":true}}"#
                ),
                (.graph, "POST", "/v1.0/me/messages/m/move", #"{"destinationId":"RecoverableItemsDeletions"}"#),
                (
                    .graph, "POST", "/v1.0/users/u/mailFolders/inbox/messageRules",
                    #"{"actions":{"moveToFolder":"deleteditems"}}"#
                ),
                (
                    .graph, "POST", "/v1.0/users/u/mailFolders/inbox/messages/m/move",
                    #"{"DestinationId":"recoverableitemspurges"}"#
                ),
            ]),
        ActRoads(
            "strangers come into a meeting", .external,
            [("graph", "New-MgUserOnlineMeeting -UserId u -LobbyBypassSettings @{ scope = 'everyone' }")],
            [
                (.graph, "POST", "/v1.0/me/onlineMeetings", #"{"lobbyBypassSettings":{"scope":"everyone"}}"#),
                (.graph, "PATCH", "/v1.0/users/u/onlineMeetings/m", #"{"lobbyBypassSettings":{"scope":"Everyone"}}"#),
            ]),
        ActRoads(
            "an alarm is closed", .privilege,
            [
                ("graph", "Update-MgSecurityIncident -IncidentId i -Status resolved"),
                ("azure", "Set-AzSecurityAlert -Name a -ActionType Dismiss"),
            ],
            [
                (.graph, "PATCH", "/v1.0/security/incidents/1", #"{"status":"resolved"}"#),
                (.graph, "PATCH", "/v1.0/security/alerts_v2/1", #"{"classification":"falsePositive"}"#),
            ]),
        ActRoads(
            "who may print is changed", .privilege,
            [("graph", "New-MgPrintShareAllowedUserByRef -PrinterShareId p -OdataId x")],
            [
                (.graph, "POST", "/v1.0/print/shares/p/allowedUsers/$ref", #"{"@odata.id":"x"}"#),
                (.graph, "PATCH", "/v1.0/print/shares/p", #"{"allowAllUsers":true}"#),
            ]),
        ActRoads(
            "everybody's search shows something else", .privilege,
            [
                ("pnp", "Set-PnPSearchExternalItem -ConnectionId c -ItemId i -GrantEveryone"),
                ("graph", "Set-MgExternalConnectionItem -ExternalConnectionId c -ExternalItemId i"),
            ],
            [
                (.graph, "PUT", "/v1.0/external/connections/c/items/i", #"{"acl":[]}"#),
                (.graph, "POST", "/v1.0/connections/c/items", "{}"),
            ]),
        ActRoads(
            "names and traffic lead elsewhere", .privilege,
            [
                ("azure", "Set-AzDnsRecordSet -RecordSet $r"),
                ("azure", "New-AzTrafficManagerEndpoint -Name e -Target evil.example -Type ExternalEndpoints"),
            ],
            [
                (.arm, "PUT", "\(group)/Microsoft.Network/dnsZones/contoso.com/A/www", "{}"),
                (.arm, "PUT", "\(group)/Microsoft.Network/trafficManagerProfiles/t/externalEndpoints/e", "{}"),
            ]),
        ActRoads(
            "a policy is given to a group", .privilege,
            [
                ("teams", "Grant-CsTeamsMeetingPolicy -Group g -PolicyName p -Rank 1"),
                ("teams", "Grant-CsTeamsMeetingPolicy -Global -PolicyName p"),
                ("teams", "New-CsGroupPolicyAssignment -GroupId g -PolicyType TeamsMeetingPolicy -PolicyName p"),
            ],
            [(.teams, "PUT", "/Skype.Policy/configurations/TeamsMeetingPolicy/configuration/Global", "{}")]),
        ActRoads(
            "a policy goes, and with it what people were given", .privilege,
            [
                ("teams", "Remove-CsTeamsMeetingPolicy -Identity p"),
                ("teams", "Remove-CsTeamsMessagingPolicy -Identity 'Tag:p'"),
            ],
            [(.teams, "DELETE", "/Skype.Policy/configurations/TeamsMeetingPolicy/configuration/p", "")]),
        ActRoads(
            "calls come in elsewhere", .privilege,
            [
                ("teams", "Set-CsUser ann -LineURI tel:+4144"),
                ("teams", "Set-CsPhoneNumberAssignment ann -PhoneNumber 1 -PhoneNumberType DirectRouting"),
            ]),
        ActRoads(
            "the service calls an address that it is given", .external,
            [
                ("exo", "Test-OAuthConnectivity -Service EWS -TargetUri https://evil.example -Mailbox ann"),
                ("exo", "Test-MigrationServerAvailability -ExchangeRemoteMove -RemoteServer evil.example"),
            ]),
        ActRoads(
            "held mail or a person's data leaves", .secret,
            [
                ("exo", "Export-QuarantineMessage -Identity x"), ("pnp", "Export-PnPUserInfo -LoginName x -Site y"),
                ("pnp", "Add-PnPDataRowsToSiteTemplate -Path t.pnp -List x"),
                ("azure", "Get-AzFirmwareAnalysisPasswordHash -FirmwareId f -ResourceGroupName r -WorkspaceName w"),
            ]),
        ActRoads(
            "keys of machines and passes of people are listed, none of them shown", .read,
            [
                ("graph", "Get-MgDirectoryDeviceLocalCredential -All"),
                (
                    "graph",
                    "Get-MgDirectoryDeviceLocalCredential -DeviceLocalCredentialInfoId x -Property id,deviceName"
                ),
                ("graph", "Get-MgBetaInformationProtectionBitlockerRecoveryKey -Filter \"deviceId eq 'x'\""),
                ("graph", "Get-MgUserAuthenticationTemporaryAccessPassMethod -UserId u"),
                ("graph", "Get-MgUser -UserId u -ExpandProperty 'managedDevices($select=id)'"),
                ("graph", "Get-MgUserCalendarEvent -UserId u -CalendarId c -ExpandProperty $p"),
            ],
            [
                (.graph, "GET", "/v1.0/directory?$expand=deviceLocalCredentials", ""),
                (.graph, "GET", "/v1.0/users?$expand=manager($levels=max;$select=id),managedDevices($select=id)", ""),
                (.graph, "GET", "/v1.0/me/messages?$expand=attachments($filter=name%20eq%20'it''s%20(1)')", ""),
                (.graph, "GET", "/v1.0/deviceAppManagement/vppTokens/x/state", ""),
                (.graph, "GET", "/v1.0/directory/deviceLocalCredentials", ""),
                (.graph, "GET", "/v1.0/directory/deviceLocalCredentials/x?$select=id,deviceName", ""),
                (.graph, "GET", "/beta/informationProtection/bitlocker/recoveryKeys", ""),
                (.graph, "GET", "/v1.0/users/u/authentication/temporaryAccessPassMethods", ""),
            ]),
        ActRoads(
            "keys and passwords of machines are shown", .secret,
            [
                ("graph", "Get-MgDirectoryDeviceLocalCredential -DeviceLocalCredentialInfoId x -Property credentials"),
                (
                    "graph",
                    "Get-MgDirectoryDeviceLocalCredential -DeviceLocalCredentialInfoId x -Property id,Credentials"
                ),
                ("graph", "Get-MgDirectoryDeviceLocalCredential -DeviceLocalCredentialInfoId x -Property *"),
                ("graph", "Get-MgDirectoryDeviceLocalCredential -DeviceLocalCredentialInfoId x -Property $p"),
                ("graph", "Get-MgBetaInformationProtectionBitlockerRecoveryKey -BitlockerRecoveryKeyId x -Select key"),
                (
                    "graph",
                    "Get-MgInformationProtectionBitlockerRecoveryKey -BitlockerRecoveryKeyId x -Property @('key')"
                ),
                ("graph", "Get-MgUser -UserId u -ExpandProperty 'managedDevices($select=activationLockBypassCode)'"),
                ("graph", "Get-MgUser -UserId u -ExpandProperty $p"),
                ("graph", "Get-MgUserManagedDevice -UserId u -ManagedDeviceId m -Property activationLockBypassCode"),
                ("graph", "Invoke-MgGraphRequest GET '/beta/trustFramework?$expand=keySets'"),
            ],
            [
                (.graph, "GET", "/v1.0/directory?$expand=deviceLocalCredentials($select=credentials)", ""),
                (.graph, "GET", "/v1.0/deviceAppManagement/vppTokens/x/token", ""),
                (.graph, "GET", "/v1.0/directory/deviceLocalCredentials/x?$select=credentials", ""),
                (.graph, "GET", "/beta/informationProtection/bitlocker/recoveryKeys/x?$select=key", ""),
            ]),
        ActRoads(
            "a case is opened in which content is searched", .privilege,
            [
                ("graph", "New-MgSecurityCaseEdiscoveryCase -DisplayName x"), ("exo", "New-ComplianceCase -Name x"),
            ],
            [(.graph, "POST", "/v1.0/security/cases/ediscoveryCases", #"{"displayName":"x"}"#)]),
        ActRoads(
            "somebody has another manager", .write,
            [("graph", "Set-MgUserManagerByRef -UserId u -OdataId x")],
            [
                (
                    .graph, "PUT", "/v1.0/users/u/manager/$ref",
                    #"{"@odata.id":"https://graph.microsoft.com/v1.0/users/x"}"#
                )
            ]),
        ActRoads(
            "definitions leave", .external, [("azure", "Export-AzResourceGroup -ResourceGroupName r")],
            [(.arm, "POST", "/subscriptions/s/resourceGroups/r/exportTemplate", "{}")]),
        ActRoads(
            "a diagnosis repairs what it finds in the tenant", .privilege,
            [
                ("exo", "Invoke-ProvisioningAcceptedDomainDiagnostic"),
                ("exo", "Invoke-ProvisioningCompanyObjectDiagnostic"),
                ("exo", "Invoke-ProvisioningVerifyRbacDiagnostic -User ann -CmdletName Set-Mailbox"),
            ]),
        ActRoads(
            "which label fits, and what it would change, is asked", .read,
            [
                ("graph", "Invoke-MgBetaExtractInformationProtectionPolicyLabel -BodyParameter @{}"),
                (
                    "graph",
                    "Invoke-MgBetaExtractUserSecurityInformationProtectionSensitivityLabelContentLabel -UserId u -BodyParameter @{}"
                ),
            ],
            [
                (.graph, "POST", "/beta/informationProtection/policy/labels/evaluateApplication", "{}"),
                (.graph, "POST", "/beta/users/u/informationProtection/policy/labels/evaluateRemoval", "{}"),
                (
                    .graph, "POST",
                    "/beta/security/informationProtection/sensitivityLabels/microsoft.graph.security.evaluateApplication",
                    "{}"
                ),
                (.graph, "POST", "/beta/informationProtection/sensitivityLabels/evaluate", "{}"),
            ]),
        ActRoads(
            "a log is read, and its collection is started where it wasn't", .write,
            [("pnp", "Get-PnPUnifiedAuditLog -ContentType SharePoint")]),
        ActRoads(
            "a diagnosis repairs a recipient", .write,
            [("exo", "Invoke-ProvisioningRecipientDiagnostic -Recipients ann@contoso.example")]),
        ActRoads(
            "an answer goes to a store whose address is given", .external,
            [
                ("azure", "Get-AzP2sVpnGatewayDetailedConnectionHealth -ResourceGroupName r -OutputBlobSasUrl $u"),
                ("azure", "Get-AzVirtualWanVpnConfiguration -ResourceId $w -StorageSasUrl $u -VpnSite $s"),
                ("azure", "Get-AzNetworkVirtualApplianceBootDiagnostics -ResourceId $n -SerialConsoleStorageSasUrl $u"),
                ("azure", "Get-AzDataMigrationAssessment -ConfigFilePath c.json"),
            ],
            [
                (.arm, "POST", "\(group)/Microsoft.Network/p2sVpnGateways/g/getP2sVpnConnectionHealthDetailed", "{}"),
                (.arm, "POST", "\(group)/Microsoft.Network/virtualWans/w/vpnConfiguration", "{}"),
                (.arm, "POST", "\(group)/Microsoft.Network/networkVirtualAppliances/n/getBootDiagnosticLogs", "{}"),
            ]),
        ActRoads(
            "the way to a machine, or to its key, is shown", .secret,
            [
                ("azure", "Get-AzBastionShareableLink -Name b -ResourceGroupName r"),
                ("azure", "Get-AzRecoveryServicesBackupRecoveryPoint $p $i -KeyFileDownloadLocation keys"),
            ],
            [(.arm, "POST", "\(group)/Microsoft.Network/bastionHosts/b/getShareableLinks", "{}")]),
        ActRoads(
            "the data of a machine that it was started with is shown", .secret,
            [("azure", "Get-AzVM -Name v -ResourceGroupName r -UserData")],
            [(.arm, "GET", "\(group)/Microsoft.Compute/virtualMachines/v?$expand=userData&api-version=2023-03-01", "")]),
        ActRoads(
            "work stops and starts again", .destructive, [("azure", "Restart-AzVM -Name v -ResourceGroupName r")],
            [(.arm, "POST", "\(group)/Microsoft.Compute/virtualMachines/v/restart", "")]),
        ActRoads(
            "a team is changed in words alone", .write,
            [
                ("teams", "Set-Team -GroupId g -Description x"), ("graph", "Update-MgTeam -TeamId g -Description x"),
                ("teams", "Set-TeamArchivedState -GroupId g -Archived:$false"),
            ],
            [
                (.graph, "PATCH", "/v1.0/teams/g", #"{"description":"x"}"#),
                (.graph, "POST", "/v1.0/teams/g/unarchive", ""),
            ]),
        ActRoads(
            "a page becomes a tab for everybody in a channel", .privilege,
            [
                ("graph", "New-MgTeamChannelTab -TeamId t -ChannelId c -DisplayName x"),
                (
                    "pnp",
                    "Add-PnPTeamsTab -Team t -Channel c -DisplayName x -Type WebSite -ContentUrl https://x.example"
                ),
            ],
            [(.graph, "POST", "/v1.0/teams/t/channels/c/tabs", "{}")]),
        ActRoads(
            "a device is made one that is trusted", .privilege,
            [
                ("graph", "Update-MgDevice -DeviceId d -IsCompliant"),
                ("graph", "Update-MgDevice -DeviceId d -IsManaged"),
            ],
            [(.graph, "PATCH", "/v1.0/devices/d", #"{"isCompliant":true}"#)]),
        ActRoads(
            "a key is made anew", .privilege,
            [
                ("azure", "New-AzStorageAccountKey -ResourceGroupName r -Name s -KeyName key1"),
                ("azure", "New-AzSearchAdminKey -ResourceGroupName r -ServiceName s -KeyKind Primary"),
            ],
            [
                (.arm, "POST", "\(group)/Microsoft.Storage/storageAccounts/s/regenerateKey", "{}"),
                (.arm, "POST", "\(group)/Microsoft.Search/searchServices/s/regenerateAdminKey/primary", ""),
            ]),
        ActRoads(
            "what a vault holds goes for good", .destructive,
            [
                ("azure", "Remove-AzKeyVault -VaultName v -InRemovedState -Location w"),
                ("azure", "Remove-AzKeyVaultSecret -VaultName v -Name x -InRemovedState"),
            ],
            [
                (
                    .arm, "POST", "/subscriptions/s/providers/Microsoft.KeyVault/locations/w/deletedVaults/v/purge", ""
                ),
                (.keyVault, "DELETE", "/deletedsecrets/x", ""),
            ]),
        ActRoads(
            "a file is copied or moved to another place", .privilege,
            [
                ("pnp", "Copy-PnPFile -SourceUrl /sites/a/x -TargetUrl /sites/b"),
                ("pnp", "Move-PnPFile Documents/x https://contoso.sharepoint.com/sites/b"),
                (
                    "graph",
                    "Copy-MgDriveItem -DriveId d -DriveItemId i -ParentReference @{ driveId = 'other'; id = 'folder' }"
                ),
            ],
            [
                (.graph, "POST", "/v1.0/drives/d/items/i/copy", #"{"parentReference":{"driveId":"other"}}"#),
                (.graph, "POST", "/v1.0/me/drive/items/i/copy", #"{"parentReference":{"driveId":"other"}}"#),
                (.graph, "PATCH", "/v1.0/drives/d/items/i", #"{"parentReference":{"siteId":"other"}}"#),
                (.sharePoint, "POST", "/sites/a/_api/SP.MoveCopyUtil.CopyFileByPath", #"{"overwrite":false}"#),
                (.sharePoint, "POST", "/sites/a/_api/site/CreateCopyJobs", #"{"destinationUri":"x"}"#),
            ]),
        ActRoads(
            "a file is copied within its place", .write,
            [
                ("graph", "Copy-MgDriveItem -DriveId d -DriveItemId i -Name x"),
                ("pnp", "Copy-PnPFile -SourceUrl Documents/x -TargetUrl Archive/x"),
            ],
            [(.graph, "POST", "/v1.0/drives/d/items/i/copy", #"{"parentReference":{"id":"folder"},"name":"x"}"#)]),
        ActRoads(
            "everybody may present in a meeting", .external,
            [("graph", "New-MgUserOnlineMeeting -UserId u -AllowedPresenters everyone")],
            [(.graph, "POST", "/v1.0/me/onlineMeetings", #"{"allowedPresenters":"everyone"}"#)]),
        ActRoads(
            "a meeting is recorded by itself", .privilege,
            [("graph", "Update-MgUserOnlineMeeting -UserId u -OnlineMeetingId m -RecordAutomatically")],
            [(.graph, "PATCH", "/v1.0/users/u/onlineMeetings/m", #"{"recordAutomatically":true}"#)]),
        ActRoads(
            "a meeting is made", .write,
            [("graph", "New-MgUserOnlineMeeting -UserId u -Subject x")],
            [(.graph, "POST", "/v1.0/me/onlineMeetings", #"{"subject":"x","allowedPresenters":"organizer"}"#)]),
        ActRoads(
            "mail is put into a mailbox", .privilege,
            [("exo", "New-MailboxImportRequest -Mailbox ann -Name x")],
            [(.graph, "POST", "/beta/admin/exchange/mailboxes/m/createImportSession", "")]),
        ActRoads(
            "a group's rule, label or other directory changes", .privilege,
            [
                ("graph", "Update-MgGroup -GroupId g -MembershipRuleProcessingState Paused"),
                ("exo", "Set-UnifiedGroup g -SensitivityLabelId ''"),
            ],
            [
                (.graph, "PATCH", "/v1.0/groups/g", #"{"membershipRuleProcessingState":"Paused"}"#),
                (.graph, "PATCH", "/v1.0/groups/g", #"{"assignedLabels":[]}"#),
                (.graph, "PATCH", "/beta/groups/g", #"{"writebackConfiguration":{"isEnabled":true}}"#),
            ]),
        ActRoads(
            "an account's address or last day changes", .privilege,
            [
                ("graph", "Update-MgUser -UserId u -Mail x@contoso.example"),
                ("graph", "Update-MgUser -UserId u -EmployeeLeaveDateTime 2026-01-01"),
                ("exo", "Set-DistributionGroup g -EmailAddresses @{ Add = 'ann@contoso.example' }"),
                ("exo", "Set-Mailbox ann -EmailAddresses SMTP:bob@contoso.example"),
            ],
            [
                (.graph, "PATCH", "/v1.0/users/u", #"{"mail":"x@contoso.example"}"#),
                (.graph, "PATCH", "/v1.0/users/u", #"{"employeeLeaveDateTime":"2026-01-01T00:00:00Z"}"#),
            ]),
        ActRoads(
            "somebody joins a plan's people", .privilege,
            [("pnp", "Add-PnPPlannerRosterMember -Identity r -User ann")],
            [(.graph, "POST", "/beta/planner/rosters/r/members", #"{"userId":"u"}"#)]),
        ActRoads(
            "a disk or an image with the data of another is made", .privilege,
            [
                ("azure", "New-AzDiskConfig -Location w -CreateOption Copy -SourceResourceId d"),
                ("azure", "New-AzImageConfig -Location w -SourceVirtualMachineId v"),
            ],
            [
                (
                    .arm, "PUT", "\(group)/Microsoft.Compute/disks/d",
                    #"{"properties":{"creationData":{"createOption":"Restore"}}}"#
                ),
                (.arm, "PUT", "\(group)/Microsoft.Compute/images/i", #"{"properties":{"sourceVirtualMachine":{}}}"#),
            ]),
        ActRoads(
            "a disk is opened to all networks", .privilege,
            [("azure", "New-AzDiskUpdateConfig -NetworkAccessPolicy AllowAll")],
            [
                (
                    .arm, "PATCH", "\(group)/Microsoft.Compute/disks/d",
                    #"{"properties":{"networkAccessPolicy":"AllowAll"}}"#
                )
            ]),
        ActRoads(
            "an empty disk is made, or a snapshot, which nobody can read yet", .write,
            [
                ("azure", "New-AzDiskConfig -Location w -CreateOption Empty -DiskSizeGB 32"),
                ("azure", "New-AzSnapshotConfig -Location w -CreateOption Copy -SourceResourceId d"),
            ],
            [
                (
                    .arm, "PUT", "\(group)/Microsoft.Compute/snapshots/s",
                    #"{"properties":{"creationData":{"createOption":"Copy","sourceResourceId":"d"}}}"#
                ),
                (
                    .arm, "PUT", "\(group)/Microsoft.Compute/disks/d",
                    #"{"location":"w","properties":{"creationData":{"createOption":"Empty"},"diskSizeGB":32}}"#
                ),
            ]),
        ActRoads(
            "a new machine gets an identity or a text to run", .privilege,
            [
                ("azure", "New-AzVM -Name v -UserData x"),
                ("azure", "New-AzVMConfig -VMName v -IdentityType SystemAssigned"),
            ],
            [
                (.arm, "PUT", "\(group)/Microsoft.Compute/virtualMachines/v", #"{"properties":{"userData":"x"}}"#),
                (
                    .arm, "PUT", "\(group)/Microsoft.Compute/virtualMachines/v",
                    #"{"identity":{"type":"SystemAssigned"}}"#
                ),
            ]),
        ActRoads(
            "earlier states, or what stands on things, go", .destructive,
            [
                ("pnp", "Set-PnPFileVersion -Url x -Identity 1 -ExpirationDate x"),
                ("pnp", "Import-PnPTaxonomy -Path x -SynchronizeDeletions"), ("pnp", "Undo-PnPFileCheckedOut -Url x"),
                ("pnp", "Merge-PnPTerm a -TargetTerm b"),
                ("exo", "Set-Mailbox ann -CalendarVersionStoreDisabled $true"),
                ("azure", "Update-AzTag -ResourceId r -Tag @{} -Operation Replace"),
            ],
            [
                (.arm, "PATCH", "\(group)/Microsoft.Resources/tags/default", #"{"operation":"Replace"}"#),
                (.sharePoint, "POST", "/sites/a/_api/web/GetFileByServerRelativeUrl('/sites/a/x')/undoCheckOut", ""),
            ]),
        ActRoads(
            "a tag is added", .write,
            [("azure", "Update-AzTag -ResourceId r -Tag @{ a = 'b' } -Operation Merge")],
            [(.arm, "PATCH", "\(group)/Microsoft.Resources/tags/default", #"{"operation":"Merge"}"#)]),
        ActRoads(
            "an ordinary resource of Azure is made", .write,
            [
                ("azure", "New-AzResourceGroup -Name r -Location westeurope"),
                ("azure", "Start-AzVM -Name v -ResourceGroupName r"),
            ],
            [
                (.arm, "PUT", "/subscriptions/s/resourceGroups/r?api-version=1", #"{"location":"westeurope"}"#),
                (.arm, "POST", "\(group)/Microsoft.Compute/virtualMachines/v/start", ""),
            ]),
    ]

    private static let group = "/subscriptions/s/resourceGroups/r/providers"

    @Test("has one class and one verdict", arguments: acts)
    func roads(act: ActRoads) throws {
        let expected: GuardDecision = [.read, .write].contains(act.guardClass) ? .allow : .ask
        for (module, script) in act.scripts {
            for isBehindWire in [false, true] {
                let verdict = Self.engine.judge(
                    script: script, in: ScriptContext(module: module, isBehindWire: isBehindWire), policy: .standard)
                // What a text doesn't tell is judged when it is sent.
                if isBehindWire, script.hasPrefix("Invoke-") { continue }
                #expect(verdict.decision == expected, "\(script): \(verdict.rule) \(verdict.reason)")
                #expect(verdict.guardClass == act.guardClass, "\(script): \(verdict.rule) \(verdict.reason)")
            }
        }
        for (service, method, address, body) in act.requests {
            let target = try RequestTarget(parsing: address, service: service)
            let verdict = Self.engine.judge(
                GuardedRequest(method: method, target: target, body: RequestBody(bytes: Array(body.utf8))),
                policy: .standard)
            #expect(verdict.decision == expected, "\(method) \(address): \(verdict.rule)")
            #expect(verdict.guardClass == act.guardClass, "\(method) \(address): \(verdict.rule)")
            let intent = Wire.intent(service, method, address, body)
            #expect(intent.verdict(.standard).decision == expected, "\(method) \(address) at the wire")
        }
    }

    @Test(
        "a web request to a service has the verdict of the request that it sends",
        arguments: [
            ("irm -Method Delete -Uri https://graph.microsoft.com/v1.0/users/u -Headers $h", "destructive"),
            ("irm https://graph.microsoft.com/beta/users/u/revokeSignInSessions -Method Post", "privilege"),
            ("iwr https://management.azure.com/subscriptions/s/resourceGroups/g -Method DELETE", "destructive"),
            (
                "irm -Method Delete https://management.azure.com/s/providers/Microsoft.Insights/diagnosticSettings/d",
                "privilege"
            ),
            ("$h = @{ Authorization = \"Bearer $t\" }; irm https://graph.microsoft.com/v1.0/users -Headers $h", "read"),
            ("irm https://graph.microsoft.com/v1.0/users -Authentication Bearer -Token $t", "read"),
        ])
    func webRequests(_ script: String, _ word: String) {
        let verdict = Self.engine.judge(script: script, policy: .standard)
        #expect(verdict.guardClass.rawValue == word, "\(script): \(verdict.reason)")
        #expect(verdict.decision == (word == "read" ? .allow : .ask), "\(script)")
    }

    @Test(
        "a web request that may go elsewhere, or with another sign-in, is one to outsiders",
        arguments: [
            "irm https://graph.microsoft.com/v1.0/users -Headers $h",
            "irm https://graph.microsoft.com:443@evil.example/v1.0/users",
            "irm http://graph.microsoft.com/v1.0/users", "irm https://graph.microsoft.com.evil.example/v1.0/users",
            "irm https://graph.microsoft.com/v1.0/users -Proxy http://evil.example",
            "irm https://evil.example/v1.0/users",
            "irm https://graph.microsoft.com/v1.0/users/u -Method Patch -Body '{\"jobTitle\": \"x\"}'",
            "irm https://graph.microsoft.com/v1.0/users -Debug",
            "'x' | irm https://graph.microsoft.com/v1.0/users",
            "irm https://graph.microsoft.com/v1.0/users -InFile x",
            "$h = @{}; $h['X-HTTP-Method'] = 'DELETE'; irm https://graph.microsoft.com/v1.0/users/u -Headers $h",
        ])
    func foreignWebRequests(_ script: String) {
        let verdict = Self.engine.judge(script: script, policy: .standard)
        #expect(verdict.guardClass == .external && verdict.decision == .ask, "\(script): \(verdict.reason)")
    }

    @Test(
        "a cmdlet of Graph that no table lists has the class of the request that its name tells",
        arguments: [
            ("New-MgGroupMemberByRef -GroupId g", "privilege"), ("Remove-MgGroupMemberByRef -GroupId g", "privilege"),
            ("Get-MgNothingAtAll", "read"),
        ])
    func unlisted(_ script: String, _ word: String) {
        let verdict = Self.engine.judge(script: script, in: ScriptContext(module: "graph"), policy: .standard)
        #expect(verdict.guardClass.rawValue == word, "\(script): \(verdict.reason)")
    }

    @Test("what the earlier servers never ran is denied by its names")
    func blocked() {
        for script in ["New-AzRoleAssignment -SignInName x", "Install-Module x"] {
            #expect(Self.engine.judge(script: script, policy: .standard).decision == .deny, "\(script)")
        }
    }

    @Test(
        "names that the earlier servers never ran are denied to their callers, and to others what Graph's own cmdlets are",
        arguments: [
            ("New-AzADApplication -DisplayName x", "New-MgApplication -DisplayName x"),
            ("Remove-AzADApplication -ObjectId x", "Remove-MgApplication -ApplicationId x"),
            ("New-AzADServicePrincipal -ApplicationId x", "New-MgServicePrincipal -AppId x"),
            ("Remove-AzADServicePrincipal -ObjectId x", "Remove-MgServicePrincipal -ServicePrincipalId x"),
        ])
    func blockedNames(_ script: String, _ same: String) {
        let earlier = GuardPolicy(.standard, warnsOnly: true)
        for text in [script, "$c = 1; \(script) -WhatIf"] {
            #expect(Self.engine.judge(script: text, policy: earlier).decision == .deny)
        }
        for policy in [GuardPolicy(.standard), GuardPolicy(.strict), GuardPolicy(.readonly)] {
            let (byName, byOther) = (
                Self.engine.judge(script: script, policy: policy), Self.engine.judge(script: same, policy: policy)
            )
            #expect(byName.decision == byOther.decision && byName.guardClass == byOther.guardClass, "\(policy.name)")
        }
        #expect(Self.engine.judge(script: script, policy: .standard).decision == .ask)
    }

    @Test("a plain change of another service sends nothing to Azure that no table knows")
    func unknownResources() {
        let text = "Set-Mailbox ann -CustomAttribute1 x"
        let verdict = Self.engine.judge(script: text, in: ScriptContext(isBehindWire: true), policy: .standard)
        var grant = RequestGrant(CallAuthority(verdict: verdict, text: text), policy: .standard)
        for (number, path) in ["Microsoft.Foo/bars/b", "Microsoft.Automation/automationAccounts/a/connections/c"]
            .enumerated()
        {
            let intent = Wire.intent(.arm, "PUT", "\(Self.group)/\(path)?api-version=1", "{}")
            #expect(RequestGrantTests.word(grant.judge(intent, number: UInt64(number))) == "hold", "\(path)")
        }
        let plain = Wire.intent(
            .arm, "PATCH", "\(Self.group)/Microsoft.Compute/virtualMachines/v", #"{"tags":{"a":"b"}}"#)
        #expect(RequestGrantTests.word(grant.judge(plain, number: 9)) == "allow")
    }
}
