import MMGuard
import Testing

@Suite("Roles", .timeLimit(.minutes(5)))
struct RoleTableTests {
    private let table = RoleTable.standard

    @Test("every role has an id of its own")
    func ids() {
        #expect(table.roles.count == 48)
        #expect(Set(table.roles.map(\.id)).count == 48)
        #expect(table.roles.allSatisfy { $0.id.count == 36 && table.role(id: $0.id.uppercased()) == $0 })
    }

    @Test(
        "the role with the fewest rights is named for a call",
        arguments: [
            ("GET", "/auditLogs/signIns", true, "Reports Reader"),
            ("PATCH", "/users/{user-id}", false, "User Administrator"),
            ("POST", "/users/{user-id}/assignLicense", false, "License Administrator"),
            ("POST", "/groups", false, "Groups Administrator"),
            ("POST", "/applications", false, "Application Developer"),
            ("PATCH", "/applications/{application-id}", false, "Cloud Application Administrator"),
            ("GET", "/identity/conditionalAccess/policies", true, "Security Reader"),
            ("POST", "/identity/conditionalAccess/policies", false, "Conditional Access Administrator"),
            ("GET", "/identityProtection/riskyUsers", true, "Security Reader"),
            ("POST", "/directoryRoles/{directoryRole-id}/members/$ref", false, "Privileged Role Administrator"),
            ("POST", "/invitations", false, "Guest Inviter"),
            ("GET", "/admin/serviceAnnouncement/messages", true, "Message Center Reader"),
            ("DELETE", "/users/{user-id}/authentication/phoneMethods/{id}", false, "Authentication Administrator"),
        ])
    func areas(method: String, template: String, isRead: Bool, role: String) {
        let area = table.area(of: template, method: method)
        #expect(area?.roles(reading: isRead).first?.name == role)
    }

    @Test(
        "what belongs to somebody is a matter of access",
        arguments: ["/me/messages", "/users/{user-id}/events/{event-id}"])
    func content(template: String) {
        #expect(table.area(of: template, method: "GET")?.content == .mailbox)
    }

    @Test(
        "a cmdlet has its management role and the smallest group with it",
        arguments: [
            ("Get-Mailbox", "View-Only Recipients", "View-Only Organization Management"),
            ("Set-Mailbox", "Mail Recipients", "Recipient Management"),
            ("New-TransportRule", "Transport Rules", "Compliance Management"),
            ("Get-MessageTraceV2", "Message Tracking", "Recipient Management"),
            ("Search-UnifiedAuditLog", "View-Only Audit Logs", "Compliance Management"),
            ("Add-RoleGroupMember", "Role Management", "Organization Management"),
            ("Set-AcceptedDomain", "Organization Configuration", "Organization Management"),
            ("Set-HostedContentFilterPolicy", "Transport Hygiene", "Hygiene Management"),
        ])
    func exchange(cmdlet: String, role: String, group: String) {
        let found = table.exchangeRole(of: cmdlet)
        #expect(found.name == role)
        #expect(found.group == group)
    }

    @Test(
        "an action of Azure has its narrowest built-in role",
        arguments: [
            ("Microsoft.Compute/virtualMachines/read", "Reader"),
            ("Microsoft.Compute/virtualMachines/start/action", "Virtual Machine Contributor"),
            ("Microsoft.Authorization/roleAssignments/write", "Role Based Access Control Administrator"),
            ("Microsoft.Storage/storageAccounts/listKeys/action", "Storage Account Key Operator Service Role"),
            ("Microsoft.Contoso/things/write", "Contributor"),
        ])
    func azure(action: String, role: String) {
        #expect(table.azureRole(of: action) == role)
    }
}
