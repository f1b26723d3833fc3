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
        let bench: Bench
        let token: String

        init(_ account: String = TenantIdentity.administrator, scope: String = ExchangeTests.scope, users: Int = 300)
            async
        {
            bench = Bench(users: users)
            token = await bench.token(account, scope: scope)
        }

        func invoke(
            _ cmdlet: String, _ parameters: JSONObject = [:], page: Int = 1000, at target: String = ExchangeTests.place
        ) async -> HTTPServerResponse {
            await bench.graph(
                "POST", target, token: token, headers: ["Prefer": "odata.maxpagesize=\(page)"],
                body: ["CmdletInput": ["CmdletName": .string(cmdlet), "Parameters": .object(parameters)]])
        }

        func all(_ cmdlet: String, _ parameters: JSONObject, page: Int) async -> (rows: [JSONValue], pages: Int) {
            var rows: [JSONValue] = []
            var target = ExchangeTests.place
            for number in 1...100 {
                let answer = await invoke(cmdlet, parameters, page: page, at: target).json
                rows += answer["value"]?.array ?? []
                guard let link = answer["@odata.nextLink"]?.string else { return (rows, number) }
                target = String(link.dropFirst(Bench.base.count))
            }
            return (rows, 100)
        }
    }

    @Test("pages hold every mailbox once, with the notes of type that the service sets")
    func pages() async {
        let admin = await Admin()
        let (rows, pages) = await admin.all("Get-Mailbox", ["ResultSize": "Unlimited"], page: 60)
        #expect(rows.count > 250 && pages > 3)
        #expect(Set(rows.compactMap { $0["ExternalDirectoryObjectId"]?.string }).count == rows.count)
        #expect(rows[0]["WhenCreatedUTC@data.type"] == "System.DateTime")
        #expect(rows[0]["EmailAddresses@odata.type"] == "#Collection(String)")
        #expect(Set(rows.compactMap { $0["RecipientTypeDetails"]?.string }).count == 4)
    }

    @Test("a deleted account has no mailbox until it is restored")
    func deletedAccount() async throws {
        let admin = await Admin()
        let graph = await admin.bench.token()
        let address = "lena.vogt@contoso-sandbox.example"
        let user = await admin.bench.graph("GET", "/v1.0/users/\(address)", token: graph)
        let id = try #require(user.json["id"]?.string)
        func owners() async -> [String] {
            await admin.all("Get-Mailbox", ["ResultSize": "Unlimited"], page: 1000).rows
                .compactMap { $0["ExternalDirectoryObjectId"]?.string }
        }
        let before = await owners()
        #expect(before.contains(id))
        #expect(await admin.bench.graph("DELETE", "/v1.0/users/\(id)", token: graph).status == 204)
        #expect(await owners() == before.filter { $0 != id })
        #expect(await admin.invoke("Get-Mailbox", ["Identity": .string(address)]).status == 404)
        let restored = await admin.bench.graph("POST", "/v1.0/directory/deletedItems/\(id)/restore", token: graph)
        #expect(restored.status == 200)
        #expect(await owners() == before)
        #expect(await admin.invoke("Get-Mailbox", ["Identity": .string(address)]).status == 200)
    }

    @Test(
        "what reports read of a mailbox or the organization is there",
        arguments: [
            ("Get-MailboxJunkEmailConfiguration", ["Identity": "lena.vogt"]),
            ("Get-CalendarProcessing", ["Identity": "lena.vogt"]),
            ("Get-IRMConfiguration", [:]), ("Get-RMSTemplate", [:]), ("Test-IRMConfiguration", [:]),
            ("Get-DynamicDistributionGroup", [:]), ("Get-DynamicDistributionGroupMember", ["Identity": "Everybody"]),
            ("Get-MobileDevice", [:]), ("Get-MailContact", [:]), ("Get-RoleGroup", [:]), ("Get-TransportConfig", [:]),
            ("Get-DistributionGroup", ["Filter": "Members -ne 'CN=nobody'"]),
            ("Get-Mailbox", ["RecipientTypeDetails": ["UserMailbox,SharedMailbox"]]),
            ("Get-MessageTrace", ["StartDate": "12/30/25", "EndDate": "12/31/25"]),
            ("Export-MailboxDiagnosticLogs", ["Identity": "lena.vogt", "ExtendedProperties": true]),
            ("Export-MailboxDiagnosticLogs", ["Identity": "lena.vogt", "ComponentName": "HoldTracking"]),
        ] as [(String, JSONObject)])
    func reading(cmdlet: String, parameters: JSONObject) async {
        let admin = await Admin()
        let answer = await admin.invoke(cmdlet, parameters)
        #expect(answer.status == 200, "\(answer.json)")
        #expect(answer.json["value"]?.array?.isEmpty == false)
    }

    @Test("a mailbox that was created can be read, found, changed and given to groups")
    func created() async {
        let admin = await Admin()
        let address = "desk.one@\(TenantIdentity.domain)"
        let made = await admin.invoke(
            "New-Mailbox", ["Shared": true, "Name": "Desk One", "PrimarySmtpAddress": .string(address)])
        #expect(made.json["value"]?[0]?["RecipientTypeDetails"] == "SharedMailbox", "\(made.json)")
        #expect(await admin.invoke("New-Mailbox", ["Name": "Desk One"]).status == 400)
        for (cmdlet, parameters) in [
            ("Set-Mailbox", ["Identity": "desk.one", "MessageCopyForSentAsEnabled": true]),
            ("New-DistributionGroup", ["Name": "Desk"]),
            ("Add-MailboxPermission", ["Identity": .string(address), "User": "Desk", "AccessRights": ["FullAccess"]]),
            ("Enable-Mailbox", ["Identity": "Desk One", "Archive": true]),
        ] as [(String, JSONObject)] {
            #expect(await admin.invoke(cmdlet, parameters).status == 200, "\(cmdlet)")
        }
        let read = await admin.invoke("Get-Mailbox", ["Identity": .string(address)]).json["value"]?[0]
        #expect(read?["MessageCopyForSentAsEnabled"] == true && read?["ArchiveStatus"] == "Active")
        let rights = await admin.invoke("Get-MailboxPermission", ["Identity": "Desk One"]).json["value"]?.array
        #expect(rights?.last?["User"]?.string?.hasPrefix("Desk@") == true, "\(rights as Any)")
        let found = await admin.invoke("Get-Mailbox", ["Filter": "DisplayName -eq 'Desk One'"])
        #expect(found.json["value"]?.array?.count == 1)
    }

    @Test(
        "settings of mailboxes are read as they were written",
        arguments: [
            ("MailboxRegionalConfiguration", "Language", "de-CH"), ("CalendarProcessing", "AutomateProcessing", "None"),
            ("MailboxCalendarConfiguration", "WorkDays", "Monday"), ("FocusedInbox", "FocusedInboxOn", false),
            ("MailboxJunkEmailConfiguration", "TrustedSendersAndDomains", ["Add": "northwind.example"]),
        ] as [(String, String, JSONValue)])
    func written(noun: String, property: String, value: JSONValue) async {
        let admin = await Admin()
        let answer = await admin.invoke("Set-\(noun)", ["Identity": "lena.vogt", property: value, "Other": true])
        #expect(answer.status == 200, "\(answer.json)")
        let row = await admin.invoke("Get-\(noun)", ["Identity": "lena.vogt"]).json["value"]?[0]
        let kept: JSONValue? = value["Add"] ?? value
        #expect(row?[property] == kept || row?[property]?.array?.last == kept, "\(row as Any)")
        #expect(row?["Other"] == nil)
    }

    @Test(
        "objects of lists and groups are created, changed and removed",
        arguments: ["DynamicDistributionGroup", "MailContact", "MailUser", "UnifiedGroup"])
    func listed(noun: String) async {
        let admin = await Admin()
        let name: JSONObject = ["Name": "Tests", "DisplayName": "Tests"]
        #expect(await admin.invoke("New-\(noun)", name).status == 200)
        #expect(await admin.invoke("New-\(noun)", name).status == 400)
        let change: JSONObject = ["Identity": "Tests", "HiddenFromAddressListsEnabled": true]
        #expect(await admin.invoke("Set-\(noun)", change).status == 200)
        let row = await admin.invoke("Get-\(noun)", ["Identity": "Tests"]).json["value"]?[0]
        #expect(row?["HiddenFromAddressListsEnabled"] == true, "\(row as Any)")
        #expect(await admin.invoke("Remove-\(noun)", ["Identity": "Tests"]).status == 200)
        #expect(await admin.invoke("Get-\(noun)", ["Identity": "Tests"]).status == 404)
        #expect(await admin.invoke("Set-\(noun)", change).status == 404)
    }

    @Test(
        "a trace keeps to the subject that it asks for",
        arguments: [
            ("lunch", nil, true), ("Lun", "StartsWith", true), ("unch?", "EndsWith", true),
            ("unch", "StartsWith", false), ("Lun", "EndsWith", false), ("unch", "Contains", true),
        ] as [(String, String?, Bool)])
    func tracesBySubject(text: String, way: String?, isFound: Bool) async {
        let admin = await Admin()
        var parameters: JSONObject = ["Subject": .string(text)]
        if let way { parameters["SubjectFilterType"] = .string(way) }
        let rows = await admin.invoke("Get-MessageTraceV2", parameters).json["value"]?.array ?? []
        #expect(Set(rows.compactMap { $0["Subject"]?.string }) == (isFound ? ["Lunch?"] : []))
    }

    @Test("a trace keeps to the message and the address that it asks for", arguments: ["MessageId", "FromIP"])
    func tracesByName(name: String) async {
        let admin = await Admin()
        let value = await admin.invoke("Get-MessageTraceV2", [:]).json["value"]?[1]?[name] ?? .null
        let rows = await admin.invoke("Get-MessageTraceV2", [name: value]).json["value"]?.array ?? []
        #expect(!rows.isEmpty && rows.allSatisfy { $0[name] == value })
    }

    @Test(
        "a trace has no pages: its warning names the call for the rest, and every message comes once",
        arguments: [100, 250, 400] as [Int64], [[:], ["Status": "Delivered"]] as [JSONObject])
    func tracesFollowed(size: Int64, filter: JSONObject) async {
        let admin = await Admin()
        let period: JSONObject = ["StartDate": "2025-12-23T00:00:00Z", "EndDate": "2026-01-01T00:00:00Z"]
        func trace(_ parameters: JSONObject) async -> (rows: [JSONValue], warning: String?) {
            let answer = await admin.invoke("Get-MessageTraceV2", filter.merging(parameters)).json
            return (answer["value"]?.array ?? [], answer["@adminapi.warnings"]?[0]?.string)
        }
        let whole = await trace(period.merging(["ResultSize": 5000]))
        #expect(whole.rows.count > 400 && whole.warning == nil)
        var (rows, warning) = await trace(period.merging(["ResultSize": .int(size)]))
        while let next = warning, rows.count < whole.rows.count {
            #expect(next.hasPrefix("There are more results, use the following command to get more. Get-Message"))
            #expect(next.contains(" -Status \"Delivered\"") == (filter["Status"] != nil))
            let words = next.split(separator: "\"").map(String.init)
            let part = await trace([
                "StartDate": .string(words[1]), "EndDate": .string(words[3]),
                "StartingRecipientAddress": .string(words[5]), "ResultSize": .int(size),
            ])
            rows += part.rows
            warning = part.warning
        }
        #expect(rows == whole.rows)
        let times = rows.compactMap { $0["Received"]?.string }
        #expect(times == times.sorted(by: >) && Set(times).count < times.count)
    }

    @Test(
        "a trace is refused for a time or a number that the service doesn't have",
        arguments: [
            ("Get-MessageTraceV2", ["ResultSize": 5001], "ResultSize"),
            ("Get-MessageTraceV2", ["ResultSize": "Unlimited"], "Int32"),
            ("Get-MessageTraceV2", ["StartDate": "2025-12-21"], "10 days apart"),
            ("Get-MessageTraceV2", ["StartDate": "2025-10-01", "EndDate": "2025-10-02"], "older than 90 days"),
            ("Get-MessageTrace", ["StartDate": "2025-12-21"], "older than 10 days"),
            ("Get-MessageTraceV2", ["StartDate": "2026-01-02"], "before the end date"),
        ] as [(String, JSONObject, String)])
    func refusedTrace(cmdlet: String, parameters: JSONObject, text: String) async {
        let answer = await Admin().invoke(cmdlet, parameters)
        #expect(answer.status == 400 && answer.text.contains(text), "\(answer.text)")
    }

    @Test("without dates a trace is of the last 48 hours, and Graph shows the same messages")
    func tracesWithoutDates() async {
        let admin = await Admin()
        let rows = await admin.invoke("Get-MessageTraceV2").json["value"]?.array ?? []
        #expect(rows.last?["Received"]?.string?.hasPrefix("2025-12-30T") == true)
        let token = await admin.bench.token()
        let shown = await admin.bench.everyItem("/beta/admin/exchange/tracing/messageTraces", token: token)
        #expect(shown.prefix(rows.count).map { $0["messageId"] } == rows.map { $0["MessageId"] })
        #expect(shown.prefix(rows.count).map { $0["recipientAddress"] } == rows.map { $0["RecipientAddress"] })
    }

    @Test(
        "a traced message says what happened to it", arguments: ["Get-MessageTraceDetail", "Get-MessageTraceDetailV2"])
    func traced(cmdlet: String) async {
        let admin = await Admin()
        let message = await admin.invoke("Get-MessageTrace", ["Status": "Failed"]).json["value"]?[0]
        let steps = await admin.invoke(
            cmdlet,
            [
                "MessageTraceId": message?["MessageTraceId"] ?? .null,
                "RecipientAddress": message?["RecipientAddress"] ?? .null,
            ]
        ).json["value"]?.array
        #expect(steps?.compactMap { $0["Event"]?.string } == ["Receive", "Fail"])
        #expect(steps?.allSatisfy { $0["MessageId"] == message?["MessageId"] } == true)
    }

    @Test("a number of rows cuts the answer and says that there is more")
    func resultSize() async {
        let admin = await Admin()
        let (rows, pages) = await admin.all("Get-Mailbox", ["ResultSize": 70], page: 50)
        #expect(rows.count == 70 && pages == 2)
        let few = await admin.invoke("Get-Mailbox", ["ResultSize": 3]).json
        #expect(few["@adminapi.warnings"]?[0]?.string?.contains("more results") == true)
    }

    @Test("a mailbox is found by address, alias, id and name, another one not")
    func identity() async {
        let admin = await Admin()
        let row = await admin.invoke("Get-Mailbox", ["Identity": "lena.vogt"]).json["value"]?[0]
        for name in ["PrimarySmtpAddress", "ExternalDirectoryObjectId", "DisplayName", "UserPrincipalName"] {
            let found = await admin.invoke("Get-Mailbox", ["Identity": row?[name] ?? .null]).json["value"]?[0]
            #expect(found?["Alias"] == "lena.vogt", "\(name)")
        }
        let missing = await admin.invoke("Get-Mailbox", ["Identity": "nobody"])
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
    func filter(text: String, isValid: Bool) async {
        let admin = await Admin()
        let answer = await admin.invoke("Get-Mailbox", ["Filter": .string(text), "ResultSize": "Unlimited"])
        #expect((answer.status == 200) == isValid)
        if isValid {
            let count = answer.json["value"]?.array?.count ?? 0
            #expect(count > 0 && count < 100)
        }
    }

    @Test("a mailbox is found by each of its names")
    func names() async {
        let admin = await Admin()
        let own = await admin.invoke("Get-Mailbox", ["Identity": "admin"]).json["value"]?[0]
        for name in ["Guid", "UserPrincipalName", "DistinguishedName", "SamAccountName", "ExchangeGuid"] {
            let found = await admin.invoke("Get-Mailbox", ["Identity": own?[name] ?? .null])
            #expect(found.json["value"]?[0]?["Guid"] == own?["Guid"] && own?["Guid"] != nil, "\(name): \(found.text)")
        }
    }

    @Test(
        "a size has up to four significant digits",
        arguments: [
            (597_877_080, "570.2 MB (597,877,080 bytes)"), (1_270_496_914, "1.183 GB (1,270,496,914 bytes)"),
            (121_671_512, "116 MB (121,671,512 bytes)"), (2048, "2 KB (2,048 bytes)"), (0, "0 B (0 bytes)"),
            (1_126, "1.1 KB (1,126 bytes)"), (1_100_586_419_200, "1.001 TB (1,100,586,419,200 bytes)"),
        ])
    func size(bytes: Int, text: String) { #expect(ExchangeOrganization.byteSize(bytes) == text) }

    @Test(
        "a scope selects folders of a mailbox",
        arguments: [
            ("Calendar", ["Calendar"]), ("inbox", ["Inbox"]), ("Tasks", []),
            ("RecoverableItems", ["Recoverable Items", "Deletions", "Purges", "Versions"]),
        ])
    func folders(scope: String, names: [String]) async {
        let admin = await Admin()
        let found = await admin.invoke(
            "Get-MailboxFolderStatistics", ["Identity": "admin", "FolderScope": .string(scope)])
        #expect(found.json["value"]?.array?.compactMap { $0["Name"]?.string } == names, "\(found.text)")
    }

    @Test("folders and groups have what reports show of them")
    func shown() async {
        let admin = await Admin()
        let folder = await admin.invoke("Get-MailboxFolderStatistics", ["Identity": "admin"]).json["value"]?[0]
        for name in ["VisibleItemsInFolder", "HiddenItemsInFolder", "CreationTime", "LastModifiedTime"] {
            #expect(folder?[name].map { !$0.isNull } == true, "\(name)")
        }
        let group = await admin.invoke("Get-DistributionGroup", ["ResultSize": "1"]).json["value"]?[0]
        #expect(group?["WindowsEmailAddress"] == group?["PrimarySmtpAddress"] && group?["WindowsEmailAddress"] != nil)
        #expect(group?["ModerationEnabled"] == false && group?["SendModerationNotifications"] == "Always")
    }

    @Test("a security group without an address is no distribution list and no recipient, but a group")
    func groupsWithoutAddress() async {
        let admin = await Admin()
        func names(_ cmdlet: String) async -> [String] {
            let (rows, _) = await admin.all(cmdlet, ["ResultSize": "Unlimited"], page: 1000)
            return rows.compactMap { $0["Name"]?.string }
        }
        let lists = await names("Get-DistributionGroup")
        #expect(lists.contains("Newsletter") && !lists.contains("VPN Users"))
        #expect(await !names("Get-Recipient").contains("VPN Users"))
        let group = await admin.invoke("Get-Group", ["Identity": "VPN Users"]).json["value"]?[0]
        #expect(group?["RecipientTypeDetails"] == "UniversalSecurityGroup" && group?["PrimarySmtpAddress"] == nil)
        #expect(await admin.invoke("Get-DistributionGroupMember", ["Identity": "VPN Users"]).status == 404)
        let secure = await admin.invoke(
            "Get-DistributionGroup", ["RecipientTypeDetails": "MailUniversalSecurityGroup"]
        ).json["value"]?.array
        #expect(secure?.compactMap { $0["Name"]?.string } == ["Invoice Approvers"])
    }

    @Test(
        "the mailboxes of groups are listed only for those who ask for them",
        arguments: [["GroupMailbox": true], ["RecipientTypeDetails": "GroupMailbox"]] as [JSONObject])
    func mailboxesOfGroups(parameters: JSONObject) async {
        let admin = await Admin()
        let (groups, _) = await admin.all("Get-UnifiedGroup", ["ResultSize": "Unlimited"], page: 1000)
        let (rows, pages) = await admin.all(
            "Get-Mailbox", parameters.merging(["ResultSize": "Unlimited"]), page: 4)
        #expect(pages > 1 && rows.allSatisfy { $0["RecipientTypeDetails"] == "GroupMailbox" })
        for name in ["ExternalDirectoryObjectId", "ExchangeGuid", "PrimarySmtpAddress", "WhenCreated"] {
            #expect(rows.map { $0[name] } == groups.map { $0[name] }, "\(name)")
        }
        let others = await admin.invoke("Get-Mailbox", ["ResultSize": "Unlimited"]).json["value"]?.array ?? []
        #expect(!others.contains { $0["RecipientTypeDetails"] == "GroupMailbox" })
        let named: JSONObject = ["GroupMailbox": true, "Identity": "All Company"]
        #expect(await admin.invoke("Get-Mailbox", named).json["value"]?.array?.count == 1)
        #expect(await admin.invoke("Get-Mailbox", ["Identity": "All Company"]).status == 404)
    }

    @Test("recipients are of all kinds, on pages as well, and each is found by its name")
    func recipients() async {
        let admin = await Admin()
        let (rows, _) = await admin.all("Get-Recipient", ["ResultSize": "Unlimited"], page: 60)
        let kinds = Set(rows.compactMap { $0["RecipientTypeDetails"]?.string })
        let some: Set = ["UserMailbox", "GroupMailbox", "GuestMailUser", "MailContact"]
        #expect(kinds.isSuperset(of: some), "\(kinds)")
        for kind in some {
            let one = rows.first { $0["RecipientTypeDetails"]?.string == kind }
            let found = await admin.invoke("Get-Recipient", ["Identity": one?["PrimarySmtpAddress"] ?? .null])
            #expect(found.json["value"]?[0]?["Name"] == one?["Name"] && one != nil, "\(kind): \(found.text)")
        }
        let outside: JSONObject = ["RecipientTypeDetails": "GuestMailUser,MailContact", "SortBy": "DisplayName"]
        let found = await admin.invoke("Get-Recipient", outside).json["value"]?.array ?? []
        #expect(Set(found.compactMap { $0["RecipientTypeDetails"]?.string }) == ["GuestMailUser", "MailContact"])
        let guests = await admin.invoke("Get-MailUser").json["value"]?.array ?? []
        #expect(found.filter { $0["RecipientTypeDetails"] == "GuestMailUser" }.count == guests.count)
        let place = "OU=Microsoft Exchange Hosted Organizations,DC=NAMPR03A010,DC=PROD,DC=OUTLOOK,DC=COM"
        for row in rows where row["DistinguishedName"] != nil {
            #expect(row["DistinguishedName"]?.string?.hasSuffix(place) == true, "\(row)")
            #expect(row["OrganizationalUnit"]?.string?.hasPrefix("nampr03a010.prod.outlook.com/Microsoft ") == true)
        }
    }

    @Test("who may send as whom is told for all mailboxes, or of one trustee")
    func trustees() async {
        let admin = await Admin()
        let (rows, _) = await admin.all("Get-RecipientPermission", ["ResultSize": "Unlimited"], page: 1000)
        #expect(Set(rows.compactMap { $0["Identity"]?.string }).count > 250)
        let trustee = rows.lazy.compactMap { $0["Trustee"]?.string }.first { $0.contains("@") }
        let found = await admin.invoke("Get-RecipientPermission", ["Trustee": trustee.map { .string($0) } ?? .null])
        let held = found.json["value"]?.array ?? []
        #expect(!held.isEmpty && held.allSatisfy { $0["Trustee"]?.string == trustee }, "\(found.text)")
    }

    @Test(
        "others see free/busy times in calendars, and nothing of other folders",
        arguments: [
            ("Calendar", "AvailabilityOnly"), ("Calendar\\Trips", "AvailabilityOnly"), ("Inbox", "None"), ("", "None"),
        ])
    func folder(name: String, right: String) async {
        let admin = await Admin()
        let folder: JSONObject = ["Identity": .string("lena.vogt:\\\(name)")]
        let rows = await admin.invoke("Get-MailboxFolderPermission", folder).json["value"]
        #expect(rows?[0]?["User"] == "Default" && rows?[0]?["AccessRights"]?[0]?.string == right)
    }

    @Test(
        "a permission on a folder shows its holder's display name, and is found by each name",
        arguments: ["ben.baker", "ben.baker@contoso-sandbox.example", "Ben Baker"])
    func folderHolder(name: String) async {
        let admin = await Admin()
        let entry: JSONObject = ["Identity": "lena.vogt:\\Calendar", "User": .string(name)]
        let added = await admin.invoke("Add-MailboxFolderPermission", entry.merging(["AccessRights": ["Editor"]]))
        #expect(added.json["value"]?[0]?["User"] == "Ben Baker", "\(added.text)")
        #expect(await admin.invoke("Get-MailboxFolderPermission", entry).json["value"]?.array?.count == 1)
        #expect(await admin.invoke("Remove-MailboxFolderPermission", entry).status == 200)
        #expect(await admin.invoke("Get-MailboxFolderPermission", entry).status == 400)
    }

    @Test(
        "a property that is asked for comes with the note of its type",
        arguments: ["Get-Mailbox", "Get-UnifiedGroup", "Get-DistributionGroup"])
    func selected(cmdlet: String) async {
        let answer = await Admin().invoke(cmdlet, at: "\(Self.place)?$select=WhenCreated")
        let row = answer.json["value"]?[0]?.object
        #expect(row?.keys.map { $0 } == ["WhenCreated@data.type", "WhenCreated"], "\(answer.text.prefix(300))")
    }

    @Test("a filter that names an unknown property is refused", arguments: ["Get-Mailbox", "Get-UnifiedGroup"])
    func unknownProperty(cmdlet: String) async {
        let admin = await Admin()
        let answer = await admin.invoke(cmdlet, ["Filter": "Nope -eq 'x' -or DisplayName -like '*'"])
        #expect(answer.status == 400)
        #expect(answer.text.contains("not a recognized filterable property") && answer.text.contains("nope"))
        #expect(await admin.invoke(cmdlet, ["SortBy": "Nope"]).status == 400)
    }

    @Test("mailboxes come in the order that is asked for, over all pages")
    func sorted() async {
        let admin = await Admin()
        let (rows, pages) = await admin.all(
            "Get-Mailbox", ["ResultSize": "Unlimited", "SortBy": "DisplayName"], page: 60)
        let names = rows.compactMap { $0["DisplayName"]?.string?.lowercased() }
        #expect(pages > 3 && names == names.sorted() && Set(names).count > 200)
        let first = await admin.invoke("Get-Mailbox", ["ResultSize": 2, "SortBy": "DisplayName"]).json["value"]?.array
        #expect(first?.compactMap { $0["DisplayName"]?.string?.lowercased() } == Array(names.prefix(2)))
    }

    @Test("archives alone are listed and measured")
    func archives() async {
        let admin = await Admin()
        let none = "00000000-0000-0000-0000-000000000000"
        let all = await admin.invoke("Get-Mailbox", ["ResultSize": "Unlimited"]).json["value"]?.array ?? []
        let with =
            await admin.invoke("Get-Mailbox", ["ResultSize": "Unlimited", "Archive": true]).json["value"]?.array ?? []
        #expect(!with.isEmpty && with.count < all.count / 2)
        #expect(with.allSatisfy { $0["ArchiveGuid"]?.string != none })
        let owner = with.first?["Alias"] ?? .null
        let archive = await admin.invoke("Get-MailboxStatistics", ["Identity": owner, "Archive": true]).json["value"]?[
            0]
        #expect(archive?["IsArchiveMailbox"] == true && archive?["MailboxGuid"] == with.first?["ArchiveGuid"])
        let without = all.first { $0["ArchiveGuid"]?.string == none }?["Alias"] ?? .null
        #expect(await admin.invoke("Get-MailboxStatistics", ["Identity": without, "Archive": true]).status == 400)
    }

    @Test(
        "an identity with a star stands for all that fit",
        arguments: [("*vogt*", 1...20), ("lena.*", 1...20), ("*zzzz*", 0...0)])
    func wildcard(identity: String, expected: ClosedRange<Int>) async {
        let admin = await Admin()
        let answer = await admin.invoke("Get-Mailbox", ["Identity": .string(identity)])
        #expect(answer.status == 200 && expected.contains(answer.json["value"]?.array?.count ?? -1))
    }

    @Test("members of a group are added and taken, and Graph shows the same")
    func membership() async {
        let admin = await Admin()
        let group: JSONValue = "Sales Updates"
        func members() async -> [JSONValue] {
            await admin.invoke("Get-DistributionGroupMember", ["Identity": group]).json["value"]?.array ?? []
        }
        let start = await members()
        let mailboxes = await admin.bench.inside { $0.exchange.organization.mailboxes }
        let outsider = (0..<40).lazy.compactMap { mailboxes.mailbox($0) }.first { mailbox in
            !start.contains { $0["Guid"]?.string == mailbox.id }
        }
        let member = JSONValue.string(outsider?.address ?? "")
        #expect(await admin.invoke("Add-DistributionGroupMember", ["Identity": group, "Member": member]).status == 200)
        let again = await admin.invoke("Add-DistributionGroupMember", ["Identity": group, "Member": member])
        #expect(again.status == 400 && again.text.contains("already a member"))
        #expect(await members().count == start.count + 1)
        let id =
            await admin.invoke("Get-DistributionGroup", ["Identity": group]).json["value"]?[0]?["Guid"]?.string ?? ""
        let token = await admin.bench.token()
        let shown = await admin.bench.everyItem("/v1.0/groups/\(id)/members?$top=999", token: token)
        #expect(shown.contains { $0["id"]?.string == outsider?.id })
        #expect(
            await admin.invoke("Remove-DistributionGroupMember", ["Identity": group, "Member": member]).status == 200)
        #expect(await members().count == start.count)
        #expect(
            await admin.invoke("Remove-DistributionGroupMember", ["Identity": group, "Member": member]).status == 400)
    }

    @Test("switches are kept as such, however they were written", arguments: [true, "true", "$true", 1] as [JSONValue])
    func flags(value: JSONValue) async {
        let admin = await Admin()
        _ = await admin.invoke("Set-Mailbox", ["Identity": "ben.baker", "HiddenFromAddressListsEnabled": value])
        let row = await admin.invoke("Get-Mailbox", ["Identity": "ben.baker"]).json["value"]?[0]
        #expect(row?["HiddenFromAddressListsEnabled"] == true)
    }

    @Test("changes stay: properties, lists, permissions, rules")
    func changes() async {
        let admin = await Admin()
        let identity: JSONValue = "ben.baker"
        _ = await admin.invoke("Set-Mailbox", ["Identity": identity, "ForwardingSmtpAddress": "x@fabrikam.example"])
        _ = await admin.invoke(
            "Set-Mailbox",
            [
                "Identity": identity,
                "EmailAddresses": ["@odata.type": "#Exchange.GenericHashTable", "Add": "smtp:second@contoso.example"],
            ])
        let row = await admin.invoke("Get-Mailbox", ["Identity": identity]).json["value"]?[0]
        #expect(row?["ForwardingSmtpAddress"] == "smtp:x@fabrikam.example")
        #expect(row?["EmailAddresses"]?.array?.contains("smtp:second@contoso.example") == true)
        _ = await admin.invoke("Set-Mailbox", ["Identity": identity, "ForwardingSmtpAddress": .null])
        #expect(
            await admin.invoke("Get-Mailbox", ["Identity": identity]).json["value"]?[0]?["ForwardingSmtpAddress"]?
                .isNull
                == true)
        _ = await admin.invoke(
            "Add-MailboxPermission", ["Identity": identity, "User": "lena.vogt", "AccessRights": ["FullAccess"]])
        let users = await admin.invoke("Get-MailboxPermission", ["Identity": identity]).json["value"]?.array ?? []
        #expect(users.contains { $0["User"]?.string?.hasPrefix("lena.vogt@") == true })
        _ = await admin.invoke("Disable-TransportRule", ["Identity": "Bcc legal"])
        let rule = await admin.invoke("Get-TransportRule", ["Identity": "Bcc legal"]).json["value"]?[0]
        #expect(rule?["State"] == "Disabled")
        _ = await admin.invoke("New-InboxRule", ["Mailbox": identity, "Name": "Bills", "MarkAsRead": true])
        let rules = await admin.invoke("Get-InboxRule", ["Mailbox": identity]).json["value"]?.array ?? []
        #expect(rules.contains { $0["Name"] == "Bills" && $0["MarkAsRead"] == true })
    }

    @Test("the links of a group change, and a group has a name of every kind", arguments: ["Members", "Owner"])
    func groupLinks(type: String) async {
        let admin = await Admin()
        let group = await admin.invoke("Get-UnifiedGroup", ["Identity": "Project Amber Harbour"]).json["value"]?[0]
        for name in ["DistinguishedName", "DisplayName", "Guid", "PrimarySmtpAddress"] {
            let identity = group?[name] ?? .null
            let isLinked = { () async -> Bool in
                let page = await admin.invoke(
                    "Get-UnifiedGroupLinks", ["Identity": identity, "LinkType": .string(type)])
                return page.json["value"]?.array?.contains { $0["Alias"] == "rita.reader" } ?? false
            }
            let change: JSONObject = ["Identity": identity, "LinkType": .string(type), "Links": ["rita.reader"]]
            #expect(await admin.invoke("Add-UnifiedGroupLinks", change).status == 200)
            #expect(await isLinked())
            #expect(await admin.invoke("Remove-UnifiedGroupLinks", change).status == 200)
            #expect(await !isLinked(), "\(name)")
        }
        let unknown: JSONObject = ["Identity": "All Company", "LinkType": "Members", "Links": ["nobody"]]
        #expect(await admin.invoke("Add-UnifiedGroupLinks", unknown).status == 404)
    }

    @Test("WhatIf says what would happen and does nothing")
    func whatIf() async {
        let admin = await Admin()
        let answer = await admin.invoke("Remove-TransportRule", ["Identity": "Bcc legal", "WhatIf": true]).json
        #expect(answer["@adminapi.confirmationmessage"]?.string?.contains("Bcc legal") == true)
        #expect(await admin.invoke("Get-TransportRule").json["value"]?.array?.count == 4)
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
            ("Get-DistributionGroupMember", ["Identity": "Newsletter"]), ("Get-UnifiedGroup", [:]), ("Get-Group", [:]),
            ("Get-Group", ["Identity": "All Company"]),
            ("Get-UnifiedGroupLinks", ["Identity": "All Company", "LinkType": "Members"]),
            ("Get-ConnectionInformation", [:]), ("Get-RemoteDomain", [:]), ("Get-HostedOutboundSpamFilterPolicy", [:]),
            ("Search-UnifiedAuditLog", ["StartDate": "2025-12-01", "EndDate": "2026-01-02"]),
        ] as [(String, JSONObject)])
    func readers(cmdlet: String, parameters: JSONObject) async {
        let admin = await Admin()
        let answer = await admin.invoke(cmdlet, parameters)
        #expect(answer.status == 200, "\(answer.text)")
        #expect(answer.json["value"]?.array?.isEmpty == false)
    }

    @Test(
        "the mailbox of a group has statistics, by each name of the group",
        arguments: ["DisplayName", "PrimarySmtpAddress", "Guid", "ExchangeGuid"])
    func groupMailbox(name: String) async throws {
        let admin = await Admin()
        let group = await admin.invoke("Get-UnifiedGroup", ["Identity": "Project Amber Harbour"]).json["value"]?[0]
        let identity = try #require(group?[name]?.string)
        let own = await admin.invoke("Get-MailboxStatistics", ["Identity": .string(identity)]).json["value"]?[0]
        #expect(own?["DisplayName"]?.string == "Project Amber Harbour")
        #expect(own?["MailboxGuid"] == group?["ExchangeGuid"])
        #expect(own?["MailboxTypeDetail"]?.string == "GroupMailbox")
        let folders = await admin.invoke(
            "Get-MailboxFolderStatistics", ["Identity": .string(identity), "FolderScope": "Inbox"])
        #expect(folders.json["value"]?[0]?["Identity"]?.string == "Project Amber Harbour\\Inbox")
        let mailboxes = await admin.invoke("Get-Mailbox", ["ResultSize": "Unlimited"]).json["value"]?.array ?? []
        #expect(!mailboxes.contains { $0["RecipientTypeDetails"]?.string == "GroupMailbox" })
    }

    @Test("a search of the audit log for a text finds only records with it", arguments: ["PLAN.xlsx", "nowhere"])
    func freeText(text: String) async {
        let admin = await Admin()
        var search: JSONObject = ["StartDate": "2025-12-01", "EndDate": "2026-01-02"]
        let all = await admin.invoke("Search-UnifiedAuditLog", search).json["value"]?.array ?? []
        search["FreeText"] = .string(text)
        let found = await admin.invoke("Search-UnifiedAuditLog", search).json["value"]?.array ?? []
        let wanted = all.filter { $0["AuditData"]?.string?.lowercased().contains(text.lowercased()) == true }
        #expect(found.map { $0["Identity"] } == wanted.map { $0["Identity"] } && found.count < all.count)
        #expect(found.isEmpty == (text == "nowhere"))
        #expect(found.allSatisfy { $0["ResultCount"] == .int(Int64(found.count)) })
    }

    @Test("roles decide who may run what, and the list says so")
    func roles() async {
        for (account, reads, writes) in [
            (TenantIdentity.administrator, 200, 200), ("rita.reader@\(TenantIdentity.domain)", 200, 403),
            ("ben.baker@\(TenantIdentity.domain)", 403, 403),
        ] {
            let admin = await Admin(account)
            #expect(await admin.invoke("Get-Mailbox", ["ResultSize": 1]).status == reads)
            #expect(await admin.invoke("Set-Mailbox", ["Identity": "admin", "CustomAttribute1": "x"]).status == writes)
            let list = await admin.bench.graph(
                "GET", "/adminapi/v1.0/\(TenantIdentity.id)/EXOModuleFile?Version=3.9.2", token: admin.token,
                headers: ["CommandName": "*"])
            let names = list.json["value"]?[0]?["exportedCmdlets"]?.string?.split(separator: ",") ?? []
            #expect(names.contains("Get-Mailbox") == (reads == 200))
            #expect(names.contains("Set-Mailbox") == (writes == 200))
            #expect(names.contains("Get-InboxRule"))
        }
    }

    @Test(
        "of objects that the tenant has none of it lists none, finds none, and makes none",
        arguments: [
            ("Search-MailboxAuditLog", ["Identity": "ben.baker"], 200), ("Get-IntraOrganizationConnector", [:], 200),
            ("Get-IntraOrganizationConnector", ["Identity": "x"], 404), ("New-IntraOrganizationConnector", [:], 400),
        ] as [(String, JSONObject, Int)])
    func nothing(cmdlet: String, parameters: JSONObject, status: Int) async {
        let answer = await Admin().invoke(cmdlet, parameters)
        #expect(answer.status == status, "\(answer.text)")
        #expect((answer.json["value"]?.array?.isEmpty ?? false) == (status == 200))
    }

    @Test("compliance cmdlets run with compliance tokens alone")
    func compliance() async {
        let admin = await Admin(scope: Self.complianceScope)
        #expect(await admin.invoke("Get-ComplianceSearch").json["value"]?.array?.count == 2)
        #expect(await admin.invoke("Get-DlpCompliancePolicy").status == 200)
        #expect(await admin.invoke("Get-Mailbox").status == 400)
        let other = await Admin()
        #expect(await other.invoke("Get-ComplianceSearch").status == 400)
        #expect(await other.invoke("Get-AdaptiveScope").status == 200, "both services have it")
        let graph = await Admin(scope: Bench.everything)
        let refused = await graph.invoke("Get-Mailbox")
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
    func faults(cmdlet: String, parameters: JSONObject, status: Int) async {
        let admin = await Admin()
        let answer = await admin.invoke(cmdlet, parameters)
        #expect(answer.status == status)
        #expect(answer.json["error"]?["innererror"]?["internalexception"]?["message"]?.string?.isEmpty == false)
    }

    @Test("faults of the tenant hit Exchange as well")
    func switchedFaults() async {
        let admin = await Admin()
        _ = await admin.bench.control(
            "POST", "faults", ["kind": "throttle", "path": "/adminapi", "count": 1, "retryAfter": 3])
        let busy = await admin.invoke("Get-Mailbox")
        #expect(busy.status == 429 && busy.headers["Retry-After"] == "3")
        _ = await admin.bench.control("POST", "faults", ["kind": "foreignNextLink", "path": "/adminapi", "count": 1])
        let astray = await admin.invoke("Get-Mailbox", ["ResultSize": "Unlimited"], page: 10).json
        #expect(astray["@odata.nextLink"]?.string?.contains("elsewhere") == true)
    }

    @Test("there are as many mailboxes as are asked for, the first the same as before")
    func scale() async {
        let few = await Bench(users: 300).inside { $0.exchange.organization.mailboxes }
        let many = await Bench(users: 300) { $0.mailboxCount = 5000 }.inside { $0.exchange.organization.mailboxes }
        #expect(many.mailbox(42)?.address == few.mailbox(42)?.address)
        #expect(many.mailbox(4000) != nil && few.mailbox(4000) == nil)
    }
}
