import MMCore
import Testing

@testable import MMOperations

@Suite("Undo of cmdlets", .timeLimit(.minutes(10)))
struct CmdletUndoTests {
    /// A write, and the cmdlet that shows what it changes.
    struct Case: Sendable, CustomTestStringConvertible {
        let script: String
        let reader: String
        /// Properties that an undo does not bring back.
        var dropping: Set<String> = []
        /// What has to be there before.
        var first: String?
        var testDescription: String { script }
    }

    private static let ids: Set<String> = ["Guid", "Identity", "RuleIdentity", "ExternalDirectoryObjectId"]

    static let cases = [
        Case(
            script:
                "Set-Mailbox lena.vogt -ForwardingSmtpAddress ada@fabrikam.example -DeliverToMailboxAndForward $true",
            reader: "Get-Mailbox lena.vogt"),
        Case(
            script: "Set-Mailbox lena.vogt -ForwardingAddress ben.baker@contoso-sandbox.example",
            reader: "Get-Mailbox lena.vogt"),
        Case(
            script: "Set-Mailbox lena.vogt -GrantSendOnBehalfTo @{Remove='ben.baker@contoso-sandbox.example'}",
            reader: "Get-Mailbox lena.vogt",
            first: "Set-Mailbox lena.vogt -GrantSendOnBehalfTo ben.baker, admin"),
        Case(script: "Set-Mailbox lena.vogt -Type Shared", reader: "Get-Mailbox lena.vogt"),
        Case(
            script: "Set-Mailbox lena.vogt -EmailAddresses @{Add='smtp:x@contoso-sandbox.example'}",
            reader: "Get-Mailbox lena.vogt"),
        Case(
            script: "Set-CASMailbox lena.vogt -ImapEnabled $true -PopEnabled $true", reader: "Get-CASMailbox lena.vogt"),
        Case(
            script: "Add-MailboxPermission -Identity admin -User lena.vogt -AccessRights FullAccess, ReadPermission",
            reader: "Get-MailboxPermission admin"),
        Case(
            script: "Remove-MailboxPermission -Identity admin -User lena.vogt -AccessRights FullAccess",
            reader: "Get-MailboxPermission admin",
            first: "Add-MailboxPermission -Identity admin -User lena.vogt -AccessRights FullAccess, ReadPermission"),
        Case(
            script: "Add-RecipientPermission -Identity admin -Trustee lena.vogt -AccessRights SendAs",
            reader: "Get-RecipientPermission admin"),
        Case(
            script: "Remove-RecipientPermission -Identity admin -Trustee lena.vogt -AccessRights SendAs",
            reader: "Get-RecipientPermission admin",
            first: "Add-RecipientPermission -Identity admin -Trustee lena.vogt -AccessRights SendAs"),
        Case(
            script: "Add-MailboxFolderPermission lena.vogt:\\Calendar -User ben.baker -AccessRights Editor",
            reader: "Get-MailboxFolderPermission lena.vogt:\\Calendar"),
        Case(
            script: "Set-MailboxFolderPermission lena.vogt:\\Calendar -User Default -AccessRights Reviewer",
            reader: "Get-MailboxFolderPermission lena.vogt:\\Calendar"),
        Case(
            script: "Remove-MailboxFolderPermission lena.vogt:\\Calendar -User ben.baker",
            reader: "Get-MailboxFolderPermission lena.vogt:\\Calendar",
            first: "Add-MailboxFolderPermission lena.vogt:\\Calendar -User ben.baker -AccessRights Editor"),
        Case(
            script: "New-InboxRule -Mailbox lena.vogt -Name Sorted -SubjectContainsWords offer -MarkAsRead $true",
            reader: "Get-InboxRule -Mailbox lena.vogt"),
        Case(
            script: "Set-InboxRule -Mailbox lena.vogt -Identity Sorted -Name Filed -MarkAsRead $true",
            reader: "Get-InboxRule -Mailbox lena.vogt",
            first: "New-InboxRule -Mailbox lena.vogt -Name Sorted -SubjectContainsWords offer"),
        Case(
            script: "Disable-InboxRule -Mailbox lena.vogt -Identity Sorted", reader: "Get-InboxRule -Mailbox lena.vogt",
            first: "New-InboxRule -Mailbox lena.vogt -Name Sorted -SubjectContainsWords offer"),
        Case(
            script: "Get-InboxRule -Mailbox lena.vogt -Identity Sorted | Remove-InboxRule",
            reader: "Get-InboxRule -Mailbox lena.vogt", dropping: ids,
            first: "New-InboxRule -Mailbox lena.vogt -Name Sorted -SubjectContainsWords offer; "
                + "Disable-InboxRule -Mailbox lena.vogt -Identity Sorted"),
        Case(
            script: "New-TransportRule -Name Marked -SubjectContainsWords secret -PrependSubject '[S] '",
            reader: "Get-TransportRule"),
        Case(
            script: "Set-TransportRule 'Bcc legal' -BlindCopyTo ada@fabrikam.example -Mode Audit",
            reader: "Get-TransportRule"
        ),
        Case(script: "Enable-TransportRule 'Old disclaimer'", reader: "Get-TransportRule"),
        Case(script: "Remove-TransportRule 'Old disclaimer'", reader: "Get-TransportRule", dropping: ids),
        Case(
            script: "New-DistributionGroup -Name Choir -Members lena.vogt, admin", reader: "Get-DistributionGroup"),
        Case(
            script: "Remove-DistributionGroup Choir", reader: "Get-DistributionGroupMember Choir",
            first: "New-DistributionGroup -Name Choir -Members lena.vogt, admin"),
        Case(
            script: "Remove-DistributionGroup Choir", reader: "Get-DistributionGroup Choir",
            dropping: ids.union(["WhenCreated", "WhenCreatedUTC", "WhenChanged", "WhenChangedUTC"]),
            first: "New-DistributionGroup -Name Choir -Type Security"),
        Case(
            script: "Add-DistributionGroupMember Choir -Member lena.vogt", reader: "Get-DistributionGroupMember Choir",
            first: "New-DistributionGroup -Name Choir -Members admin"),
        Case(
            script: "Add-DistributionGroupMember Choir -Member lena.vogt@contososandbox.onmicrosoft.com",
            reader: "Get-DistributionGroupMember Choir",
            first: "New-DistributionGroup -Name Choir -Members admin"),
        Case(
            script: "Remove-DistributionGroupMember Choir -Member lena.vogt",
            reader: "Get-DistributionGroupMember Choir",
            first: "New-DistributionGroup -Name Choir -Members lena.vogt"),
        Case(
            script: "Set-MailboxAutoReplyConfiguration lena.vogt -AutoReplyState Enabled -InternalMessage Away",
            reader: "Get-MailboxAutoReplyConfiguration lena.vogt"),
        Case(script: "Set-OrganizationConfig -CustomerLockboxEnabled $true", reader: "Get-OrganizationConfig"),
        Case(script: "Set-RemoteDomain Default -AutoForwardEnabled $false", reader: "Get-RemoteDomain"),
        Case(
            script: "Set-HostedOutboundSpamFilterPolicy Default -AutoForwardingMode Off",
            reader: "Get-HostedOutboundSpamFilterPolicy"),
    ]

    @Test("restores what each writes, and the dry run said what it would change", arguments: cases)
    func undone(_ write: Case) async throws {
        let tenant = try await ChangesHome(users: 12)
        func state() async throws -> [JSONValue] {
            try await tenant.run(write.reader).array?.map { row in
                .object(
                    JSONObject(
                        (row.object ?? [:]).filter { !write.dropping.contains($0.key) }.map { ($0.key, $0.value) }))
            } ?? []
        }
        if let first = write.first { try await tenant.run(first) }
        let before = try await state()
        let forecast = try await tenant.run(write.script, isDryRun: true)
        let row = forecast.array?.last ?? forecast
        #expect(row["isBeforeKnown"] == true, "\(row)")
        #expect(row["undo"] == "can be taken back", "\(row)")
        #expect(try await state() == before)
        try await tenant.run(write.script)
        let entry = try #require(try await tenant.newest())
        #expect(entry.outcome == .done)
        if entry.change.kind != .creation { #expect(row["then"] == entry.change.after) }
        // Another reader tells the same of what does not exist any more.
        if entry.change.kind != .deletion || entry.change.subject.name == nil {
            #expect(try await state() != before)
        }
        let shown = ChangesHome.value(try await tenant.call("undo", ["id": .string(entry.id), "dryRun": true]))
        #expect(shown[0]?["undo"]?.string?.contains("-") == true)
        let answer = ChangesHome.value(try await tenant.call("undo", ["id": .string(entry.id)]))
        #expect(answer[0]?["result"] == "undone", "\(answer)")
        let (last, first) = (try await state(), before)
        #expect(Set(last) == Set(first), "\(Set(last).symmetricDifference(first))")
        let list = ChangesHome.value(try await tenant.call("undo_list", [:])).array ?? []
        #expect(list.first { $0["id"] == .string(entry.id) }?["state"] == "undone")
        await tenant.stop()
    }

    @Test("leaves alone what was changed again since")
    func changedSince() async throws {
        let tenant = try await ChangesHome(users: 12)
        try await tenant.run("Set-Mailbox lena.vogt -CustomAttribute2 one")
        let entry = try #require(try await tenant.newest())
        try await tenant.run("Set-Mailbox lena.vogt -CustomAttribute2 two")
        let error = await #expect(throws: MMError.self) { try await tenant.call("undo", ["id": .string(entry.id)]) }
        #expect(error?.code == .conflict)
        let text = try #require(error?.message)
        #expect(text.contains("two"))
        await tenant.stop()
    }

    @Test("takes back a script that was confirmed as a whole and writes to the same objects again and again")
    func sameObjects() async throws {
        let tenant = try await ChangesHome(users: 12)
        let readers = ["Get-Mailbox lena.vogt", "Get-MailboxPermission lena.vogt", "Get-TransportRule"]
        func state() async throws -> [JSONValue] {
            var rows: [JSONValue] = []
            for reader in readers { rows.append(try await tenant.run(reader)) }
            return rows
        }
        let before = try await state()
        let writes = [
            "Add-MailboxPermission lena.vogt -User ben.baker -AccessRights FullAccess",
            "Add-MailboxPermission lena.vogt -User ben.baker -AccessRights ReadPermission",
            "Remove-MailboxPermission lena.vogt -User ben.baker -AccessRights FullAccess",
            "Set-Mailbox lena.vogt -EmailAddresses @{Add='smtp:x@contoso-sandbox.example'}",
            "Set-Mailbox lena.vogt -EmailAddresses @{Add='smtp:y@contoso-sandbox.example'}",
            "New-TransportRule -Name Marked -PrependSubject one", "Set-TransportRule Marked -PrependSubject two",
            "Remove-TransportRule Marked",
        ]
        try await tenant.run(writes.joined(separator: "; "))
        let entries = try await tenant.journal.entries()
        #expect(entries.count == writes.count)
        #expect(entries.last?.change.before?["PrependSubject"] == "two")
        let answer = try await tenant.call("undo", ["call": .string(entries[0].call)])
        #expect(answer.missing == nil, "\(ChangesHome.value(answer))")
        #expect(try await state() == before)
        await tenant.stop()
    }

    @Test("tells another recipient that was set since from the one that was set, by whatever name it is shown")
    func anotherRecipient() async throws {
        let tenant = try await ChangesHome(users: 12)
        try await tenant.run("Set-Mailbox lena.vogt -ForwardingAddress ben.baker@contoso-sandbox.example")
        let entry = try #require(try await tenant.newest())
        try await tenant.run("Set-Mailbox lena.vogt -ForwardingAddress admin")
        let error = await #expect(throws: MMError.self) { try await tenant.call("undo", ["id": .string(entry.id)]) }
        #expect(error?.code == .conflict)
        #expect(error?.message.contains("admin") == true, "\(error?.message ?? "")")
        try await tenant.run("Set-Mailbox lena.vogt -ForwardingAddress ben.baker")
        _ = try await tenant.call("undo", ["id": .string(entry.id)])
        #expect(try await tenant.run("Get-Mailbox lena.vogt")[0]?["ForwardingAddress"] ?? .null == .null)
        await tenant.stop()
    }

    @Test(
        "tells the history of a mailbox by each name that a cmdlet was given for it",
        arguments: ["lena.vogt", "Lena Vogt"])
    func calledHistory(name: String) async throws {
        let tenant = try await ChangesHome(users: 12)
        try await tenant.run("Set-Mailbox '\(name)' -CustomAttribute1 one")
        try await tenant.run("Set-Mailbox lena.vogt@contoso-sandbox.example -CustomAttribute1 two")
        try await tenant.run("Set-Mailbox ben.baker -CustomAttribute1 three")
        let rows = ChangesHome.value(try await tenant.call("history", ["object": .string(name.uppercased())])).array
        #expect(rows?.count == 2, "\(rows ?? [])")
        await tenant.stop()
    }

    @Test("names before a write what can't be taken back or is not known")
    func uncovered() async throws {
        let tenant = try await ChangesHome(users: 12)
        let row = try await tenant.run("Remove-Mailbox lena.vogt", isDryRun: true)
        #expect(row["isBeforeKnown"] == false)
        #expect(row["undo"]?.string?.contains("can't be taken back") == true, "\(row)")
        #expect(row["lines"]?[0]?.string?.contains("unknown") == true)
        #expect(try await tenant.journal.entries().isEmpty)
        await tenant.stop()
    }

    @Test("counts and names the objects that a pipeline reaches, and sends no write for a dry run")
    func pipeline() async throws {
        let tenant = try await ChangesHome(users: 60)
        let script =
            "Get-Mailbox -ResultSize 30 | Where-Object { $_.Name -ne 'admin' } | Set-Mailbox -CustomAttribute3 marked"
        let answer = try await tenant.call(
            "run", ["connection": "Demo", "module": "exo", "command": .string(script), "dryRun": true])
        let text = try #require(answer.text)
        #expect(text.contains("Set-Mailbox affects 29 objects") && text.contains("and 9 more"), "\(text)")
        #expect(text.contains("CustomAttribute3: \"\" → \"marked\""))
        #expect(try await tenant.journal.entries().isEmpty)
        #expect(try await tenant.run("Get-Mailbox -Filter \"CustomAttribute3 -eq 'marked'\"").array?.isEmpty == true)
        try await tenant.run(script)
        #expect(try await tenant.journal.entries().count == 29)
        _ = try await tenant.call("undo", ["session": "session-1"])
        #expect(try await tenant.run("Get-Mailbox -Filter \"CustomAttribute3 -eq 'marked'\"").array?.isEmpty == true)
        await tenant.stop()
    }

    @Test("a distribution group that is removed costs one read, members and all")
    func oneRead() async throws {
        let tenant = try await ChangesHome(users: 12)
        try await tenant.run("New-DistributionGroup -Name crew -Members lena.vogt, ben.baker")
        let members = try await tenant.run("Get-DistributionGroupMember crew")
        let (single, batches) = (
            try await tenant.requests(of: "InvokeCommand"), try await tenant.requests(of: "$batch")
        )
        try await tenant.run("Remove-DistributionGroup crew")
        #expect(try await tenant.requests(of: "$batch") == batches + 1)
        #expect(try await tenant.requests(of: "InvokeCommand") == single + 1)
        let entry = try #require(try await tenant.newest())
        #expect(!entry.change.others.isEmpty && entry.change.others.count == members.array?.count)
        await tenant.stop()
    }

    @Test("a dry run shows what each cmdlet finds that the ones before it left, and that -WhatIf changes nothing")
    func following() async throws {
        let tenant = try await ChangesHome(users: 12)
        let script = ["CustomAttribute1 one", "CustomAttribute2 two", "CustomAttribute1 three"].map {
            "Set-Mailbox lena.vogt -\($0)"
        }
        let rows = try await tenant.run(script.joined(separator: "; "), isDryRun: true).array ?? []
        #expect(rows.last?["lines"]?[0] == #"CustomAttribute1: "one" → "three""#, "\(rows)")
        let idle = try await tenant.run("Set-Mailbox lena.vogt -CustomAttribute1 one -WhatIf", isDryRun: true)
        #expect(idle["change"]?.string?.hasPrefix("nothing") == true && idle["undo"] == nil, "\(idle)")
        await tenant.stop()
    }

    @Test("what a cmdlet would do is told once, among the text or in the notes", arguments: ["json", "text"])
    func toldOnce(form: String) async throws {
        let tenant = try await ChangesHome(users: 12)
        let answer = try await tenant.call(
            "run",
            [
                "connection": "Demo", "module": "exo", "output": .string(form),
                "command": "Set-Mailbox lena.vogt -CustomAttribute1 one -WhatIf",
            ])
        var lines = answer.notes
        if case .text(let text) = answer.body { lines += text.split(separator: "\n").map(String.init) }
        let told = lines.filter { $0.hasPrefix("What if: ") }
        #expect(told.count == 1 && told.first?.hasSuffix(" times)") == false, "\(lines)")
        await tenant.stop()
    }

    @Test("shows the difference to a person who is asked, and reads the state only once")
    func confirmation() async throws {
        let tenant = try await ChangesHome(users: 12)
        try await tenant.run("Get-Mailbox lena.vogt")
        let before = try await tenant.requests(of: "InvokeCommand")
        try await tenant.run("Set-Mailbox lena.vogt -ForwardingSmtpAddress ada@fabrikam.example")
        let page = try #require(tenant.person.pages.last)
        #expect(
            page.contains("ForwardingSmtpAddress") && page.contains("smtp:ada@fabrikam.example") || page.contains("→"))
        #expect(try await tenant.requests(of: "InvokeCommand") - before == 2)
        await tenant.stop()
    }
}
