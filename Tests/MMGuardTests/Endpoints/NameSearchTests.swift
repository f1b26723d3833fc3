import Testing

@testable import MMGuard

@Suite("Cmdlets found by words", .timeLimit(.minutes(5)))
struct NameSearchTests {
    private static let names = [
        "Get-InboxRule", "New-InboxRule", "Remove-InboxRule", "Get-Mailbox", "Set-Mailbox", "Get-MailboxPermission",
        "Add-MailboxPermission", "Get-MessageTrace", "Get-DistributionGroupMember", "Set-CASMailbox",
        "Get-TransportRule",
    ]

    @Test(
        "words lead to the cmdlet, the verb to the one that does it",
        arguments: [
            ("inbox rules of a user", "Get-InboxRule"), ("delete an inbox rule", "Remove-InboxRule"),
            ("permissions of a mailbox", "Get-MailboxPermission"), ("give mailbox permission", "Add-MailboxPermission"),
            ("message trace", "Get-MessageTrace"), ("transport rules", "Get-TransportRule"),
        ])
    func found(question: String, name: String) {
        #expect(NameSearch().find(question, among: Self.names, limit: 3).first == name)
    }

    @Test("nothing is found where no word fits")
    func nothing() {
        #expect(NameSearch().find("weather", among: Self.names, limit: 3).isEmpty)
    }
}
