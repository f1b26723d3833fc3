internal import MMCore

/// The cmdlets of Exchange Online, the compliance service, Teams and SharePoint that administrators describe in words
/// that don't resemble their names: "give access to a mailbox" is `Add-MailboxPermission`.
package enum CmdletCallTable {
    /// A cmdlet with an example and the phrases by which people ask for it.
    package struct Call: Sendable, Hashable {
        /// The module that has it: `exo`, `compliance`, `teams`, `pnp`.
        package let module: String
        /// An example command; words in capitals stand for the caller's values.
        package let example: String
        /// The phrases by which people ask for it.
        package let phrases: [String]

        /// The cmdlet's name.
        package var name: String { example.split(separator: " ").first.map(String.init) ?? example }

        /// The method that a request would have which does the same: GET for a cmdlet that reads.
        var method: UInt8 {
            let name = name
            return EndpointIndex.methods[["Get-", "Search-"].contains { name.hasPrefix($0) } ? 0 : 1].bit
        }
    }

    /// All cmdlets of the table.
    package static let calls: [Call] = TableLines.read(text) { line in
        let parts = TableLines.parts(of: line, at: "|")
        guard parts.count == 3 else { return nil }
        return Call(
            module: TableLines.text(parts[0]), example: TableLines.text(parts[1]),
            phrases: TableLines.parts(of: parts[2], at: ";").map(TableLines.text))
    }

    private static let search = PhraseSearch(calls.map(\.phrases))

    /// Returns the cmdlets that match a question, best first, each with its score.
    package static func find(_ question: String, limit: Int, above least: Float) -> [(call: Call, score: Float)] {
        let wanted = SearchQuestion(question, EndpointIndex.standard.words).method
        let scores = zip(search.scores(question), calls).map { score, call in
            score * MethodFit.ofAct(call.method, wanted: wanted)
        }
        let found = scores.indices.filter { scores[$0] >= least }.sorted { (scores[$1], $0) < (scores[$0], $1) }
        return found.prefix(limit).map { (calls[$0], scores[$0]) }
    }

    /// One line for each cmdlet: module, example, phrases.
    private static let text = """
        exo | Add-MailboxPermission -Identity MAILBOX -User WHO -AccessRights FullAccess | give access to a shared mailbox; full access to a mailbox; grant mailbox access; delegate a mailbox; mailbox delegation; open another mailbox; add mailbox permission; let someone read a mailbox
        exo | Remove-MailboxPermission -Identity MAILBOX -User WHO -AccessRights FullAccess | remove access to a mailbox; take away full access to a shared mailbox; revoke mailbox permission; remove mailbox delegate
        exo | Get-MailboxPermission -Identity MAILBOX | who has access to a mailbox; who can open a shared mailbox; mailbox permissions; full access permissions of a mailbox
        exo | Add-RecipientPermission -Identity MAILBOX -Trustee WHO -AccessRights SendAs | send as permission; let someone send as a mailbox; grant send as; send as a shared mailbox
        exo | Remove-RecipientPermission -Identity MAILBOX -Trustee WHO -AccessRights SendAs | remove send as permission; revoke send as
        exo | Get-RecipientPermission -Identity MAILBOX | who may send as a mailbox; who has send as; send as permissions
        exo | Set-Mailbox -Identity MAILBOX -GrantSendOnBehalfTo WHO | send on behalf; grant send on behalf
        exo | Add-MailboxFolderPermission -Identity MAILBOX:\\Calendar -User WHO -AccessRights Editor | share a calendar; give access to a calendar; calendar permission; calendar delegate; let someone edit a calendar
        exo | Get-MailboxFolderPermission -Identity MAILBOX:\\Calendar | who can see a calendar; calendar permissions; who has access to a calendar
        exo | Set-MailboxFolderPermission -Identity MAILBOX:\\Calendar -User WHO -AccessRights Reviewer | change calendar permission; change rights on a calendar folder
        exo | Remove-MailboxFolderPermission -Identity MAILBOX:\\Calendar -User WHO | remove calendar permission; stop sharing a calendar
        exo | Get-Mailbox -ResultSize Unlimited | list mailboxes; all mailboxes; mailboxes of the tenant; mailbox types; kinds of mailboxes
        exo | Get-Mailbox -RecipientTypeDetails SharedMailbox -ResultSize Unlimited | shared mailboxes; list shared mailboxes; all shared mailboxes; which shared mailboxes are there
        exo | Get-Mailbox -SoftDeletedMailbox -ResultSize Unlimited | deleted mailboxes; soft deleted mailboxes
        exo | Get-Mailbox -InactiveMailboxOnly -ResultSize Unlimited | inactive mailboxes; mailboxes kept by a hold after their user was deleted
        exo | New-MailboxRestoreRequest -SourceMailbox ID -TargetMailbox MAILBOX | restore a deleted mailbox; restore the content of a mailbox; copy a deleted mailbox into another one
        exo | Get-Recipient -Filter "EmailAddresses -eq 'smtp:ADDRESS'" | who has this email address; which mailbox has an address; find a recipient by address; is an email address taken
        exo | New-Mailbox -Shared -Name NAME -PrimarySmtpAddress ADDRESS | create a shared mailbox; new shared mailbox; add a shared mailbox; make a team mailbox
        exo | New-Mailbox -Room -Name NAME | create a room mailbox; new meeting room; add a room; new conference room
        exo | Set-Mailbox -Identity MAILBOX -Type Shared | convert a mailbox to shared; convert user mailbox to shared mailbox; turn a mailbox into a shared one
        exo | Get-Mailbox -Filter 'ForwardingSmtpAddress -ne $null' -ResultSize Unlimited | mail forwarding; which mailboxes forward mail
        exo | Set-Mailbox -Identity MAILBOX -ForwardingSmtpAddress ADDRESS -DeliverToMailboxAndForward $true | forward a mailbox; set up mail forwarding; forward mail of a user to somebody else; redirect mail of a leaver; forward mail of a user who left
        exo | Set-Mailbox -Identity MAILBOX -ForwardingSmtpAddress $null | stop mail forwarding; remove forwarding from a mailbox; disable forwarding
        exo | Set-Mailbox -Identity MAILBOX -LitigationHoldEnabled $true | litigation hold; put a mailbox on hold; legal hold on a mailbox
        exo | Set-Mailbox -Identity MAILBOX -HiddenFromAddressListsEnabled $true | hide a mailbox from the address list; hide a user from the global address list; hide from address lists
        exo | Set-Mailbox -Identity MAILBOX -EmailAddresses @{Add='ADDRESS'} | add an alias to a mailbox; add an email address; second email address; proxy address of a mailbox; add an alias to a user
        exo | Set-Mailbox -Identity MAILBOX -ProhibitSendReceiveQuota 50GB | mailbox quota; raise the mailbox size limit; mailbox is full
        exo | Enable-Mailbox -Identity MAILBOX -Archive | enable the archive of a mailbox; archive mailbox; online archive
        exo | Get-MailboxStatistics -Identity MAILBOX | size of a mailbox; mailbox statistics; how large is a mailbox; mailbox usage
        exo | Get-MailboxStatistics -Identity MAILBOX -Archive | size of an archive mailbox; how large is an archive
        exo | Set-MailboxRegionalConfiguration -Identity MAILBOX -Language en-GB -TimeZone 'GMT Standard Time' -LocalizeDefaultFolderName | change the language of a mailbox; time zone of a mailbox
        exo | Set-Mailbox -Identity MAILBOX -MessageCopyForSentAsEnabled $true -MessageCopyForSendOnBehalfEnabled $true | sent items of a shared mailbox
        exo | Get-MailboxFolderStatistics -Identity MAILBOX | folder sizes of a mailbox; items in mailbox folders; recoverable items size
        exo | Get-InboxRule -Mailbox MAILBOX | inbox rules; inbox rules of a mailbox; rules in a mailbox; hidden inbox rules; forwarding rules in a mailbox
        exo | Remove-InboxRule -Mailbox MAILBOX -Identity RULE | remove an inbox rule; delete a malicious inbox rule
        exo | Get-MailboxAutoReplyConfiguration -Identity MAILBOX | out of office of a user; automatic replies of a mailbox; is the auto reply on
        exo | Set-MailboxAutoReplyConfiguration -Identity MAILBOX -AutoReplyState Enabled -InternalMessage TEXT -ExternalMessage TEXT | set out of office; set an automatic reply for somebody; turn on auto reply; vacation notice; set out of office for a user
        exo | Get-MessageTraceV2 -SenderAddress ADDRESS | message trace; trace a message; where is an email; was a mail delivered; email not received; track a message
        exo | Get-QuarantineMessage | quarantine; quarantined messages; what is in quarantine; held spam
        exo | Release-QuarantineMessage -Identity ID -ReleaseToAll | release a message from quarantine; release quarantined mail
        exo | New-TenantAllowBlockListItems -ListType Sender -Block -Entries ADDRESS | block a sender; block an email domain; tenant block list; block a phishing sender
        exo | New-TenantAllowBlockListItems -ListType Sender -Allow -Entries ADDRESS | allow a sender; allow list a domain; whitelist a sender; tenant allow list
        exo | Get-TenantAllowBlockListItems -ListType Sender | allowed and blocked senders; blocked senders; tenant allow block list; who is blocked from sending
        exo | Get-DistributionGroupMember -Identity GROUP | members of a distribution list; who is on a mailing list; who gets mail of a distribution group
        exo | Add-DistributionGroupMember -Identity GROUP -Member WHO | add someone to a distribution list; add to a mailing list; add a member to a distribution group; add a user to a distribution list
        exo | Remove-DistributionGroupMember -Identity GROUP -Member WHO | remove someone from a distribution list; take off a mailing list; remove a member from a distribution list; remove a user from a distribution list
        exo | New-DistributionGroup -Name NAME | create a distribution list; new mailing list; new distribution group
        exo | Set-DistributionGroup -Identity GROUP -RequireSenderAuthenticationEnabled $false | let outsiders send to a distribution list; external mail to a distribution group
        exo | Get-DistributionGroup | distribution lists; mailing lists; all distribution groups
        exo | Get-DynamicDistributionGroup | dynamic distribution lists; dynamic distribution groups
        exo | Get-TransportRule | transport rules; mail flow rules; exchange rules
        exo | New-TransportRule -Name NAME | create a transport rule; new mail flow rule; add a disclaimer to mail
        exo | Get-AcceptedDomain | accepted domains; mail domains
        exo | Get-OutboundConnector | mail connectors; outbound connectors
        exo | Get-InboundConnector | inbound connectors
        exo | Get-CASMailbox -ResultSize Unlimited | pop and imap of mailboxes; which protocols may a mailbox use; who uses pop or imap; legacy protocols of mailboxes
        exo | Set-CASMailbox -Identity MAILBOX -PopEnabled $false -ImapEnabled $false | disable pop and imap; turn off imap for a mailbox; turn off activesync; block legacy protocols
        exo | Get-TransportConfig | is smtp auth enabled; smtp authentication of the tenant
        exo | Set-TransportConfig -SmtpClientAuthenticationDisabled $true | turn off smtp auth; disable smtp authentication
        exo | Get-AuthenticationPolicy | exchange authentication policies; basic authentication in exchange
        exo | Get-MobileDevice -Mailbox MAILBOX | phones that sync mail; mobile devices of a mailbox; activesync devices
        exo | Get-AntiPhishPolicy | anti phishing policies; phishing protection settings
        exo | Get-HostedContentFilterPolicy | spam filter policies; spam policy
        exo | Get-HostedOutboundSpamFilterPolicy | outbound spam policy; automatic forwarding policy
        exo | Get-MalwareFilterPolicy | malware filter policies; anti malware policy
        exo | Get-HostedConnectionFilterPolicy | connection filter; allowed ip addresses for mail; ip allow list of mail
        exo | Get-BlockedSenderAddress | restricted senders; restricted entities; blocked outbound senders
        exo | Remove-BlockedSenderAddress -SenderAddress ADDRESS | unblock a restricted sender; unblock a restricted user
        exo | Get-SafeLinksPolicy | safe links policies
        exo | Get-SafeAttachmentPolicy | safe attachments policies
        exo | Get-DkimSigningConfig | dkim; dkim signing; is dkim enabled; domains without dkim
        exo | Get-RetentionPolicy | retention policies of mailboxes; mailbox retention
        exo | Get-OrganizationConfig | exchange organization settings; exchange configuration of the tenant
        exo | Get-IRMConfiguration | message encryption; email encryption settings; purview message encryption
        exo | Get-AdminAuditLogConfig | is auditing enabled; unified audit log status
        exo | Set-Mailbox -Identity MAILBOX -AuditEnabled $true | turn on mailbox auditing; enable auditing of a mailbox
        exo | Get-MailContact | mail contacts; external contacts in exchange
        exo | Get-UnifiedGroup | microsoft 365 groups in exchange; unified groups
        exo | Set-UnifiedGroup -Identity GROUP -HiddenFromAddressListsEnabled $true | hide a group from the address list; hide a microsoft 365 group from outlook
        exo | Get-CalendarProcessing -Identity ROOM | booking settings of a room; does a room accept meetings; calendar processing
        exo | Set-CalendarProcessing -Identity ROOM -AutomateProcessing AutoAccept | let a room accept meetings automatically; auto accept bookings
        exo | Get-MigrationBatch | migration batches; state of a mailbox migration
        exo | Search-UnifiedAuditLog -StartDate DATE -EndDate DATE | unified audit log; audit log search; who deleted a file; who deleted a message; who deleted items of a mailbox; who accessed a mailbox; activity of a user in the audit log
        exo | Get-ManagementRoleAssignment | exchange admin roles; exchange role assignments
        exo | Get-RoleGroupMember -Identity 'Organization Management' | exchange administrators; members of an exchange role group
        exo | Add-RoleGroupMember -Identity ROLEGROUP -Member WHO | add someone to an exchange role group
        compliance | Get-ComplianceSearch | compliance searches; content searches
        compliance | New-ComplianceSearch -Name NAME -ExchangeLocation All -ContentMatchQuery QUERY | search all mailboxes for a message; search all mailboxes for a subject; find a phishing mail in all mailboxes; new content search
        compliance | New-ComplianceSearchAction -SearchName NAME -Purge -PurgeType SoftDelete | purge a message from all mailboxes; purge a mail from mailboxes; purge phishing; delete a phishing mail everywhere; remove mail from every mailbox
        compliance | Get-DlpCompliancePolicy | dlp policies; data loss prevention
        compliance | Get-DlpComplianceRule | rules of a dlp policy; dlp rules
        compliance | Get-RetentionCompliancePolicy | retention policies of the tenant; how long is data kept
        compliance | Get-Label | sensitivity labels; which labels are there
        compliance | Get-LabelPolicy | label policies; who gets which sensitivity label
        compliance | Get-ComplianceTag | retention labels; retention tags of the tenant
        compliance | Get-ProtectionAlert | alert policies; which alerts does the tenant raise
        compliance | Get-InformationBarrierPolicy | information barriers; information barrier policies
        compliance | Get-ComplianceCase | ediscovery cases in compliance
        teams | Get-CsTeamsMeetingPolicy | teams meeting policies; meeting policy; meeting policies in teams
        teams | Grant-CsTeamsMeetingPolicy -Identity WHO -PolicyName POLICY | assign a teams meeting policy; grant a meeting policy
        teams | Set-CsTeamsMeetingPolicy -Identity POLICY -AllowCloudRecording $false | change a teams meeting policy; turn off meeting recording
        teams | Get-CsTeamsMessagingPolicy | teams messaging policies; messaging policy
        teams | Grant-CsTeamsMessagingPolicy -Identity WHO -PolicyName POLICY | assign a teams messaging policy; grant a messaging policy
        teams | Set-CsTeamsMessagingPolicy -Identity POLICY -AllowUserDeleteMessage $false | change a teams messaging policy
        teams | Get-CsTeamsCallingPolicy | teams calling policies; calling policy
        teams | Grant-CsTeamsCallingPolicy -Identity WHO -PolicyName POLICY | assign a teams calling policy; grant a calling policy
        teams | Set-CsTeamsCallingPolicy -Identity POLICY -AllowPrivateCalling $false | change a teams calling policy
        teams | Get-CsTeamsAppPermissionPolicy | teams app permission policies; which apps does teams allow
        teams | Grant-CsTeamsAppPermissionPolicy -Identity WHO -PolicyName POLICY | assign a teams app permission policy
        teams | Get-CsExternalAccessPolicy | federation policy of teams; federated chat policy
        teams | Get-CsTenantFederationConfiguration | which domains may chat with us; allowed and blocked domains of teams; federation settings of teams
        teams | Get-CsPhoneNumberAssignment | teams phone numbers; unassigned phone numbers; who has which phone number in teams
        teams | Set-CsPhoneNumberAssignment -Identity WHO -PhoneNumber NUMBER -PhoneNumberType CallingPlan | assign a teams phone number
        teams | Get-CsOnlineUser -Identity WHO | voice settings in teams
        teams | Get-CsCallQueue | call queues
        teams | Get-CsAutoAttendant | auto attendants
        teams | Get-CsOnlinePSTNGateway | session border controllers; direct routing gateways; pstn gateways
        teams | Get-CsOnlineVoiceRoute | voice routes; call routing of direct routing
        teams | Get-CsTeamsAppSetupPolicy | teams app setup policies; pinned apps in teams
        pnp | Get-PnPTenantSite | site collections with owner and storage; locked sites; sharing setting of each site; sharepoint sites; all sites of sharepoint
        pnp | Get-PnPSiteCollectionAdmin | site collection admins; site collection administrators; admins of a sharepoint site
        pnp | Add-PnPSiteCollectionAdmin -Owners WHO | add an owner to a site collection; new owner of a sharepoint site collection
        pnp | Get-PnPHubSite | hub sites; sharepoint hub sites
        pnp | Set-PnPTenantSite -Identity SITE -SharingCapability Disabled | turn off external sharing of a site; sharing setting of a site
        pnp | Set-PnPTenantSite -Identity SITE -LockState ReadOnly | lock a site; make a site read-only
        pnp | Get-PnPRecycleBinItem -RowLimit 100 | recycle bin of a site; deleted files of a sharepoint site
        pnp | Restore-PnPRecycleBinItem -Identity ID | restore a file from the recycle bin of a site; restore a deleted sharepoint file
        pnp | Get-PnPTenantDeletedSite | deleted sites; deleted sharepoint sites
        pnp | Restore-PnPTenantSite -Identity SITE | restore a deleted site; restore a sharepoint site
        pnp | Remove-PnPTenantSite -Url SITE | delete a sharepoint site; delete a site; remove a site collection
        pnp | New-PnPSite -Type CommunicationSite -Title TITLE -Url SITE | create a sharepoint site; new communication site; new site collection
        pnp | Set-PnPTenantSite -Identity SITE -StorageMaximumLevel 26214400 | storage quota of a site; raise the storage limit of a sharepoint site
        pnp | Get-PnPTenant | sharepoint settings of the tenant; sharepoint tenant configuration
        pnp | Get-PnPFileVersion -Url FILE | versions of a sharepoint file; version history of a file in sharepoint
        """
}
