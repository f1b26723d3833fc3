import MMCore
import MMHTTP
import Testing

@testable import MMSandbox

@Suite("Exchange and compliance cmdlets of the sandbox", .timeLimit(.minutes(5)))
struct ExchangeTests {
    private static let scope = "https://outlook.office365.com/.default"
    private static let complianceScope = "https://ps.compliance.protection.outlook.com/.default"
    private static let place = "/adminapi/beta/\(TenantIdentity.id)/InvokeCommand"

    private struct Admin {
        var bench: Bench
        let token: String

        init(_ account: String = TenantIdentity.administrator, scope: String = ExchangeTests.scope, users: Int = 300) {
            bench = Bench(users: users)
            token = bench.token(account, scope: scope)
        }

        mutating func invoke(
            _ cmdlet: String, _ parameters: JSONObject = [:], page: Int = 1000, at target: String = ExchangeTests.place
        ) -> SandboxResponse {
            bench.graph(
                "POST", target, token: token, headers: ["Prefer": "odata.maxpagesize=\(page)"],
                body: ["CmdletInput": ["CmdletName": .string(cmdlet), "Parameters": .object(parameters)]])
        }

        mutating func all(_ cmdlet: String, _ parameters: JSONObject, page: Int) -> (rows: [JSONValue], pages: Int) {
            var rows: [JSONValue] = []
            var target = ExchangeTests.place
            for number in 1...100 {
                let answer = invoke(cmdlet, parameters, page: page, at: target).json
                rows += answer["value"]?.array ?? []
                guard let link = answer["@odata.nextLink"]?.string else { return (rows, number) }
                target = String(link.dropFirst(bench.tenant.context.base.count))
            }
            return (rows, 100)
        }
    }

    @Test("pages hold every mailbox once, with the notes of type that the service sets")
    func pages() {
        var admin = Admin()
        let (rows, pages) = admin.all("Get-Mailbox", ["ResultSize": "Unlimited"], page: 60)
        #expect(rows.count > 250 && pages > 3)
        #expect(Set(rows.compactMap { $0["ExternalDirectoryObjectId"]?.string }).count == rows.count)
        #expect(rows[0]["WhenCreatedUTC@data.type"] == "System.DateTime")
        #expect(rows[0]["EmailAddresses@odata.type"] == "#Collection(String)")
        #expect(Set(rows.compactMap { $0["RecipientTypeDetails"]?.string }).count == 4)
    }

    @Test("a number of rows cuts the answer and says that there is more")
    func resultSize() {
        var admin = Admin()
        let (rows, pages) = admin.all("Get-Mailbox", ["ResultSize": 70], page: 50)
        #expect(rows.count == 70 && pages == 2)
        let few = admin.invoke("Get-Mailbox", ["ResultSize": 3]).json
        #expect(few["@adminapi.warnings"]?[0]?.string?.contains("more results") == true)
    }

    @Test("a mailbox is found by address, alias, id and name, another one not")
    func identity() {
        var admin = Admin()
        let row = admin.invoke("Get-Mailbox", ["Identity": "lena.vogt"]).json["value"]?[0]
        for name in ["PrimarySmtpAddress", "ExternalDirectoryObjectId", "DisplayName", "UserPrincipalName"] {
            let found = admin.invoke("Get-Mailbox", ["Identity": row?[name] ?? .null]).json["value"]?[0]
            #expect(found?["Alias"] == "lena.vogt", "\(name)")
        }
        let missing = admin.invoke("Get-Mailbox", ["Identity": "nobody"])
        #expect(missing.status == 404)
        let words = missing.json["error"]?["details"]?[0]?["message"]?.string ?? ""
        #expect(words.split(separator: "|").count == 3 && words.contains("ManagementObjectNotFoundException"))
    }

    @Test(
        "the service's own filters work",
        arguments: [
            ("RecipientTypeDetails -eq 'SharedMailbox'", true),
            ("DisplayName -like 'Lena*' -and Alias -ne $null", true),
            ("IsShared -eq 'True' -or (Alias -eq 'admin')", true), ("Alias -eq", false), ("-and", false),
        ])
    func filter(text: String, isValid: Bool) {
        var admin = Admin()
        let answer = admin.invoke("Get-Mailbox", ["Filter": .string(text), "ResultSize": "Unlimited"])
        #expect((answer.status == 200) == isValid)
        if isValid {
            let count = answer.json["value"]?.array?.count ?? 0
            #expect(count > 0 && count < 100)
        }
    }

    @Test("a filter that names an unknown property is refused", arguments: ["Get-Mailbox", "Get-UnifiedGroup"])
    func unknownProperty(cmdlet: String) {
        var admin = Admin()
        let answer = admin.invoke(cmdlet, ["Filter": "Nope -eq 'x' -or DisplayName -like '*'"])
        #expect(answer.status == 400)
        #expect(answer.text.contains("not a recognized filterable property") && answer.text.contains("nope"))
        #expect(admin.invoke(cmdlet, ["SortBy": "Nope"]).status == 400)
    }

    @Test("mailboxes come in the order that is asked for, over all pages")
    func sorted() {
        var admin = Admin()
        let (rows, pages) = admin.all("Get-Mailbox", ["ResultSize": "Unlimited", "SortBy": "DisplayName"], page: 60)
        let names = rows.compactMap { $0["DisplayName"]?.string?.lowercased() }
        #expect(pages > 3 && names == names.sorted() && Set(names).count > 200)
        let first = admin.invoke("Get-Mailbox", ["ResultSize": 2, "SortBy": "DisplayName"]).json["value"]?.array
        #expect(first?.compactMap { $0["DisplayName"]?.string?.lowercased() } == Array(names.prefix(2)))
    }

    @Test("archives alone are listed and measured")
    func archives() {
        var admin = Admin()
        let none = "00000000-0000-0000-0000-000000000000"
        let all = admin.invoke("Get-Mailbox", ["ResultSize": "Unlimited"]).json["value"]?.array ?? []
        let with = admin.invoke("Get-Mailbox", ["ResultSize": "Unlimited", "Archive": true]).json["value"]?.array ?? []
        #expect(!with.isEmpty && with.count < all.count / 2)
        #expect(with.allSatisfy { $0["ArchiveGuid"]?.string != none })
        let owner = with.first?["Alias"] ?? .null
        let archive = admin.invoke("Get-MailboxStatistics", ["Identity": owner, "Archive": true]).json["value"]?[0]
        #expect(archive?["IsArchiveMailbox"] == true && archive?["MailboxGuid"] == with.first?["ArchiveGuid"])
        let without = all.first { $0["ArchiveGuid"]?.string == none }?["Alias"] ?? .null
        #expect(admin.invoke("Get-MailboxStatistics", ["Identity": without, "Archive": true]).status == 400)
    }

    @Test(
        "an identity with a star stands for all that fit",
        arguments: [("*vogt*", 1...20), ("lena.*", 1...20), ("*zzzz*", 0...0)])
    func wildcard(identity: String, expected: ClosedRange<Int>) {
        var admin = Admin()
        let answer = admin.invoke("Get-Mailbox", ["Identity": .string(identity)])
        #expect(answer.status == 200 && expected.contains(answer.json["value"]?.array?.count ?? -1))
    }

    @Test("members of a group are added and taken, and Graph shows the same")
    func membership() {
        var admin = Admin()
        let group: JSONValue = "VPN Users"
        func members() -> [JSONValue] {
            admin.invoke("Get-DistributionGroupMember", ["Identity": group]).json["value"]?.array ?? []
        }
        let start = members()
        let outsider = (0..<40).lazy.compactMap { admin.bench.tenant.exchange.organization.mailboxes.mailbox($0) }.first
        { mailbox in
            !start.contains { $0["Guid"]?.string == mailbox.id }
        }
        let member = JSONValue.string(outsider?.address ?? "")
        #expect(admin.invoke("Add-DistributionGroupMember", ["Identity": group, "Member": member]).status == 200)
        let again = admin.invoke("Add-DistributionGroupMember", ["Identity": group, "Member": member])
        #expect(again.status == 400 && again.text.contains("already a member"))
        #expect(members().count == start.count + 1)
        let id = admin.invoke("Get-DistributionGroup", ["Identity": group]).json["value"]?[0]?["Guid"]?.string ?? ""
        let token = admin.bench.token()
        let shown = admin.bench.everyItem("/v1.0/groups/\(id)/members?$top=999", token: token)
        #expect(shown.contains { $0["id"]?.string == outsider?.id })
        #expect(admin.invoke("Remove-DistributionGroupMember", ["Identity": group, "Member": member]).status == 200)
        #expect(members().count == start.count)
        #expect(admin.invoke("Remove-DistributionGroupMember", ["Identity": group, "Member": member]).status == 400)
    }

    @Test("switches are kept as such, however they were written", arguments: [true, "true", "$true", 1] as [JSONValue])
    func flags(value: JSONValue) {
        var admin = Admin()
        _ = admin.invoke("Set-Mailbox", ["Identity": "ben.baker", "HiddenFromAddressListsEnabled": value])
        let row = admin.invoke("Get-Mailbox", ["Identity": "ben.baker"]).json["value"]?[0]
        #expect(row?["HiddenFromAddressListsEnabled"] == true)
    }

    @Test("changes stay: properties, lists, permissions, rules")
    func changes() {
        var admin = Admin()
        let identity: JSONValue = "ben.baker"
        _ = admin.invoke("Set-Mailbox", ["Identity": identity, "ForwardingSmtpAddress": "x@fabrikam.example"])
        _ = admin.invoke(
            "Set-Mailbox",
            [
                "Identity": identity,
                "EmailAddresses": ["@odata.type": "#Exchange.GenericHashTable", "Add": "smtp:second@contoso.example"],
            ])
        let row = admin.invoke("Get-Mailbox", ["Identity": identity]).json["value"]?[0]
        #expect(row?["ForwardingSmtpAddress"] == "smtp:x@fabrikam.example")
        #expect(row?["EmailAddresses"]?.array?.contains("smtp:second@contoso.example") == true)
        _ = admin.invoke("Set-Mailbox", ["Identity": identity, "ForwardingSmtpAddress": .null])
        #expect(
            admin.invoke("Get-Mailbox", ["Identity": identity]).json["value"]?[0]?["ForwardingSmtpAddress"]?.isNull
                == true)
        _ = admin.invoke(
            "Add-MailboxPermission", ["Identity": identity, "User": "lena.vogt", "AccessRights": ["FullAccess"]])
        let users = admin.invoke("Get-MailboxPermission", ["Identity": identity]).json["value"]?.array ?? []
        #expect(users.contains { $0["User"]?.string?.hasPrefix("lena.vogt@") == true })
        _ = admin.invoke("Disable-TransportRule", ["Identity": "Bcc legal"])
        let rule = admin.invoke("Get-TransportRule", ["Identity": "Bcc legal"]).json["value"]?[0]
        #expect(rule?["State"] == "Disabled")
        _ = admin.invoke("New-InboxRule", ["Mailbox": identity, "Name": "Bills", "MarkAsRead": true])
        let rules = admin.invoke("Get-InboxRule", ["Mailbox": identity]).json["value"]?.array ?? []
        #expect(rules.contains { $0["Name"] == "Bills" && $0["MarkAsRead"] == true })
    }

    @Test("WhatIf says what would happen and does nothing")
    func whatIf() {
        var admin = Admin()
        let answer = admin.invoke("Remove-TransportRule", ["Identity": "Bcc legal", "WhatIf": true]).json
        #expect(answer["@adminapi.confirmationmessage"]?.string?.contains("Bcc legal") == true)
        #expect(admin.invoke("Get-TransportRule").json["value"]?.array?.count == 4)
    }

    @Test(
        "every reading cmdlet answers with rows",
        arguments: [
            ("Get-Recipient", [:]), ("Get-User", [:]), ("Get-CASMailbox", [:]), ("Get-AcceptedDomain", [:]),
            ("Get-OrganizationConfig", [:]), ("Get-DistributionGroup", [:]), ("Get-TransportRule", [:]),
            ("Get-MessageTrace", [:]), ("Get-MessageTraceV2", [:]), ("Get-AdminAuditLogConfig", [:]),
            ("Get-MailboxStatistics", ["Identity": "admin"]), ("Get-MailboxFolderStatistics", ["Identity": "admin"]),
            ("Get-RecipientPermission", ["Identity": "admin"]),
            ("Get-MailboxFolderPermission", ["Identity": "admin:\\Calendar"]),
            ("Get-MailboxAutoReplyConfiguration", ["Identity": "admin"]), ("Get-InboxRule", ["Mailbox": "admin"]),
            ("Get-DistributionGroupMember", ["Identity": "VPN Users"]), ("Get-UnifiedGroup", [:]),
            ("Get-UnifiedGroupLinks", ["Identity": "All Company", "LinkType": "Members"]),
            ("Get-ConnectionInformation", [:]), ("Get-RemoteDomain", [:]), ("Get-HostedOutboundSpamFilterPolicy", [:]),
            ("Search-UnifiedAuditLog", ["StartDate": "2025-12-01", "EndDate": "2026-01-02"]),
        ] as [(String, JSONObject)])
    func readers(cmdlet: String, parameters: JSONObject) {
        var admin = Admin()
        let answer = admin.invoke(cmdlet, parameters)
        #expect(answer.status == 200, "\(answer.text)")
        #expect(answer.json["value"]?.array?.isEmpty == false)
    }

    @Test("roles decide who may run what, and the list says so")
    func roles() {
        for (account, reads, writes) in [
            (TenantIdentity.administrator, 200, 200), ("rita.reader@\(TenantIdentity.domain)", 200, 403),
            ("ben.baker@\(TenantIdentity.domain)", 403, 403),
        ] {
            var admin = Admin(account)
            #expect(admin.invoke("Get-Mailbox", ["ResultSize": 1]).status == reads)
            #expect(admin.invoke("Set-Mailbox", ["Identity": "admin", "CustomAttribute1": "x"]).status == writes)
            let list = admin.bench.graph(
                "GET", "/adminapi/v1.0/\(TenantIdentity.id)/EXOModuleFile?Version=3.9.2", token: admin.token,
                headers: ["CommandName": "*"])
            let names = list.json["value"]?[0]?["exportedCmdlets"]?.string?.split(separator: ",") ?? []
            #expect(names.contains("Get-Mailbox") == (reads == 200))
            #expect(names.contains("Set-Mailbox") == (writes == 200))
            #expect(names.contains("Get-InboxRule"))
        }
    }

    @Test("compliance cmdlets run with compliance tokens alone")
    func compliance() {
        var admin = Admin(scope: Self.complianceScope)
        #expect(admin.invoke("Get-ComplianceSearch").json["value"]?.array?.count == 2)
        #expect(admin.invoke("Get-DlpCompliancePolicy").status == 200)
        #expect(admin.invoke("Get-Mailbox").status == 400)
        var other = Admin()
        #expect(other.invoke("Get-ComplianceSearch").status == 400)
        var graph = Admin(scope: Bench.everything)
        let refused = graph.invoke("Get-Mailbox")
        #expect(refused.status == 401 && refused.headers["WWW-Authenticate"]?.hasPrefix("Bearer") == true)
    }

    @Test(
        "what is wrong is said in the service's form",
        arguments: [
            ("Get-Nothing", [:], 400), ("Get-Mailbox", ["Nope": 1], 400), ("Get-Mailbox", ["ResultSize": "many"], 400),
            ("Get-MailboxStatistics", [:], 400), ("Search-UnifiedAuditLog", [:], 400),
            ("Set-Mailbox", ["Identity": "ben.baker", "HiddenFromAddressListsEnabled": "maybe"], 400),
            ("Set-Mailbox", ["Identity": "ben.baker", "Type": "Sharde"], 400),
            ("Set-MailboxAutoReplyConfiguration", ["Identity": "ben.baker", "AutoReplyState": "On"], 400),
            ("Get-Mailbox", ["RecipientTypeDetails": "Shared"], 400),
            ("New-InboxRule", ["Mailbox": "ben.baker", "Name": "x", "Priority": "first"], 400),
        ] as [(String, JSONObject, Int)])
    func faults(cmdlet: String, parameters: JSONObject, status: Int) {
        var admin = Admin()
        let answer = admin.invoke(cmdlet, parameters)
        #expect(answer.status == status)
        #expect(answer.json["error"]?["innererror"]?["internalexception"]?["message"]?.string?.isEmpty == false)
    }

    @Test("faults of the tenant hit Exchange as well")
    func switchedFaults() {
        var admin = Admin()
        _ = admin.bench.control(
            "POST", "faults", ["kind": "throttle", "path": "/adminapi", "count": 1, "retryAfter": 3])
        let busy = admin.invoke("Get-Mailbox")
        #expect(busy.status == 429 && busy.headers["Retry-After"] == "3")
        _ = admin.bench.control("POST", "faults", ["kind": "foreignNextLink", "path": "/adminapi", "count": 1])
        let astray = admin.invoke("Get-Mailbox", ["ResultSize": "Unlimited"], page: 10).json
        #expect(astray["@odata.nextLink"]?.string?.contains("elsewhere") == true)
    }

    @Test("there are as many mailboxes as are asked for, the first the same as before")
    func scale() {
        var few = Bench(users: 300)
        var many = Bench(users: 300) { $0.mailboxCount = 5000 }
        let first = few.tenant.exchange.organization.mailboxes.mailbox(42)?.address
        #expect(many.tenant.exchange.organization.mailboxes.mailbox(42)?.address == first)
        #expect(
            many.tenant.exchange.organization.mailboxes.mailbox(4000) != nil
                && few.tenant.exchange.organization.mailboxes.mailbox(4000) == nil)
        _ = (few.send("GET", "/"), many.send("GET", "/"))
    }
}
