import MMGuard
import Testing

@Suite("Things found by what people call them", .timeLimit(.minutes(5)))
struct PhraseSearchTests {
    @Test(
        "a cmdlet is found by words that its name has nothing of",
        arguments: [
            ("give access to a shared mailbox", "Add-MailboxPermission"),
            ("grant Ben full access to the mailbox of Ada", "Add-MailboxPermission"),
            ("who may open the shared mailbox info", "Get-MailboxPermission"),
            ("take away access to a shared mailbox", "Remove-MailboxPermission"),
            ("let Ada send as the sales mailbox", "Add-RecipientPermission"),
            ("convert a user mailbox to a shared mailbox", "Set-Mailbox"),
            ("out of office of a colleague", "Get-MailboxAutoReplyConfiguration"),
            ("trace a message", "Get-MessageTraceV2"), ("release a mail from quarantine", "Release-QuarantineMessage"),
            ("block a sender", "New-TenantAllowBlockListItems"),
            ("members of a distribution list", "Get-DistributionGroupMember"),
            ("share a calendar with a colleague", "Add-MailboxFolderPermission"),
            ("purge a phishing mail from all mailboxes", "New-ComplianceSearchAction"),
            ("teams meeting policy", "Get-CsTeamsMeetingPolicy"),
            ("assign a teams meeting policy", "Grant-CsTeamsMeetingPolicy"),
            ("messaging policies of teams", "Get-CsTeamsMessagingPolicy"),
            ("who is site collection admin", "Get-PnPSiteCollectionAdmin"),
            ("list the hub sites of the tenant", "Get-PnPHubSite"),
            ("restore a sharepoint site that was deleted", "Restore-PnPTenantSite"),
            ("add a user to a distribution list", "Add-DistributionGroupMember"),
            ("remove a member from the mailing list news", "Remove-DistributionGroupMember"),
            ("restore a deleted mailbox", "New-MailboxRestoreRequest"), ("retention labels", "Get-ComplianceTag"),
            ("unassigned phone numbers of teams", "Get-CsPhoneNumberAssignment"),
            ("delete a sharepoint site", "Remove-PnPTenantSite"), ("which mailbox has this address", "Get-Recipient"),
            ("sharepoint sites", "Get-PnPTenantSite"), ("domains without dkim", "Get-DkimSigningConfig"),
        ])
    func cmdlets(question: String, name: String) {
        let found = CmdletCallTable.find(question, limit: 2, above: 0.5).map(\.call.name)
        #expect(found.contains(name), "\(question): \(CmdletCallTable.find(question, limit: 3, above: 0.2))")
    }

    @Test(
        "what is another matter finds no cmdlet",
        arguments: [
            "restart a virtual machine", "failed flow runs", "list guests", "who am I", "secure score of the tenant",
            "bitlocker recovery keys of a device",
            // These share their verb with a cmdlet, and nothing else.
            "create a user", "block a user", "benutzer anlegen", "make someone admin", "restore a deleted user",
            // These share one noun with a cmdlet, and are about another thing.
            "size of a site", "archive a team", "device compliance", "permissions of a site", "mail attachments",
            "calendar events", "who has access to a file", "owner of an app",
        ])
    func none(question: String) {
        let found = CmdletCallTable.find(question, limit: 3, above: 0.5)
        #expect(found.isEmpty, "\(found)")
    }

    @Test(
        "a question that asks to change something names the cmdlet that does, before one that reads",
        arguments: [
            ("turn off automatic reply", "Set-MailboxAutoReplyConfiguration"),
            ("delete a suspicious inbox rule", "Remove-InboxRule"), ("inbox rules of a user", "Get-InboxRule"),
            ("blocked senders", "Get-TenantAllowBlockListItems"), ("block a sender", "New-TenantAllowBlockListItems"),
            ("find out who is using IMAP", "Get-CASMailbox"),
            ("show me all forwarding rules in the mailbox of john", "Get-InboxRule"),
            ("mail forwarding", "Get-Mailbox"),
        ])
    func first(question: String, name: String) {
        #expect(CmdletCallTable.find(question, limit: 1, above: 0.5).map(\.call.name) == [name])
    }

    @Test("each has a module, an example that begins with its name, and names of its own")
    func table() {
        let calls = CmdletCallTable.calls
        #expect(calls.count > 60)
        #expect(
            calls.allSatisfy {
                ["exo", "compliance", "teams", "pnp"].contains($0.module) && $0.name.contains("-")
                    && !$0.phrases.isEmpty
            })
        for call in calls {
            for phrase in call.phrases {
                let best = CmdletCallTable.find(phrase, limit: 3, above: 0.5).map(\.call.name)
                #expect(best.contains(call.name), "\(phrase): \(best)")
            }
        }
    }

    @Test(
        "a path of Azure has the version of its provider",
        arguments: [
            ("/subscriptions", "2022-12-01"), ("/subscriptions/1/resourceGroups", "2021-04-01"),
            ("/subscriptions/1/resourcegroups/group", "2021-04-01"),
            ("/subscriptions/1/providers/Microsoft.Compute/virtualMachines", "2024-07-01"),
            ("/subscriptions/1/resourceGroups/g/providers/microsoft.compute/virtualmachines/vm", "2024-07-01"),
            ("/subscriptions/1/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm/start", "2024-07-01"),
            ("/subscriptions/1/providers/Microsoft.Security/pricings/VirtualMachines", "2024-01-01"),
            ("/subscriptions/1/providers/microsoft.authorization/roleEligibilityScheduleInstances", "2020-10-01"),
            (
                "/subscriptions/1/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/v/providers/"
                    + "Microsoft.Insights/diagnosticSettings", "2021-05-01-preview"
            ),
            ("/providers/Microsoft.Billing/billingAccounts", "2024-04-01"),
            ("/providers/Microsoft.Authorization/elevateAccess", "2015-07-01"),
            ("/subscriptions/1/providers/Microsoft.AlertsManagement/alerts", "2019-03-01"),
            ("/subscriptions/1/providers/Microsoft.Automation/automationAccounts/a/jobs", "2023-11-01"),
            ("/subscriptions/1/providers/Microsoft.Automation/automationAccounts/a/nodes/n", "2019-06-01"),
            ("/subscriptions/1/resourceGroups/g/providers/Microsoft.Sql/servers/s/databases/d", "2021-11-01"),
            (
                "/subscriptions/1/resourceGroups/g/providers/Microsoft.Sql/servers/s/databases/d/"
                    + "sqlVulnerabilityAssessments/default/scans", "2023-08-01"
            ),
            ("/subscriptions/1/providers/Microsoft.Nobody/knows", nil), ("/tenants/x/y", nil),
        ] as [(String, String?)])
    func versions(path: String, version: String?) {
        #expect(ProviderVersions.version(for: path) == version)
    }
}
