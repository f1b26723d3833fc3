import MMCore
import MMGraph
import TestSupport
import Testing

@testable import MMOperations

@Suite("Snapshots and drift of a tenant", .timeLimit(.minutes(10)))
struct SnapshotDriftTests {
    private static let policy = "Require MFA for everybody"

    private func drift(_ tenant: ChangesHome, _ more: JSONObject = [:]) async throws -> OperationAnswer {
        var arguments: JSONObject = ["connection": "Demo"]
        for (name, value) in more { arguments[name] = value }
        return try await tenant.call("drift", arguments)
    }

    private func take(_ tenant: ChangesHome, only: [JSONValue]) async throws -> JSONValue {
        ChangesHome.value(try await tenant.call("snapshot_take", ["connection": "Demo", "only": .array(only)]))
    }

    @Test("what proposals say brings Exchange and flows back, cmdlet by cmdlet")
    func repairs() async throws {
        let tenant = try await ChangesHome(users: 12)
        let kinds: [JSONValue] = ["transport-rules", "mailbox-forwarding", "mailbox-permissions", "flows"]
        try await tenant.run("Set-Mailbox lena.vogt -ForwardingSmtpAddress kept@fabrikam.example")
        let taken = try await take(tenant, only: kinds)
        #expect(taken["leftOut"]?.array?.isEmpty == true, "\(taken)")
        #expect(try await drift(tenant).exitStatus == 0)
        let users = try await tenant.list("/users?$select=id,userPrincipalName").filter {
            let name = $0["userPrincipalName"]?.string ?? ""
            return !name.contains("#") && !name.hasPrefix("lena.")
        }.dropFirst(3).prefix(2)
        let (one, two) = (users.first?["id"]?.string ?? "", users.last?["id"]?.string ?? "")
        for script in [
            "Set-TransportRule 'External mail warning' -Comments 'Changed by hand'",
            "Disable-TransportRule 'Bcc legal'", "New-TransportRule -Name 'Made by hand' -PrependSubject X",
            "Remove-TransportRule 'Old disclaimer'",
            "Set-Mailbox lena.vogt -ForwardingSmtpAddress changed@fabrikam.example",
            "Set-Mailbox \(one) -ForwardingSmtpAddress away@fabrikam.example",
            "Add-MailboxPermission \(one) -User \(two) -AccessRights FullAccess",
            "Add-RecipientPermission \(one) -Trustee \(two) -AccessRights SendAs",
        ] { try await tenant.run(script) }
        let environment = "/providers/Microsoft.ProcessSimple/environments/Default-5a4db0c5-7e11-4c02-9d0e-5a11db0c5e01"
        let flow = try #require(
            try await tenant.flow("GET", "\(environment)/flows")["value"]?.array?.first {
                $0["properties"]?["state"] == "Started"
            }?["name"]?.string)
        try await tenant.flow("POST", "\(environment)/flows/\(flow)/stop")

        let found = try await drift(tenant, ["repair": true])
        #expect(found.exitStatus == 2)
        let report = ChangesHome.value(found)
        #expect(report["findings"]?.array?.count == 8, "\(found.text ?? "")")
        let proposals = report["proposals"]?.array ?? []
        let commands = proposals.compactMap { $0["command"]?.string }
        #expect(commands.count >= 9, "\(proposals)")
        for command in commands {
            if let script = Self.argument(of: command, after: "mm run Demo exo ") {
                try await tenant.run(script)
            } else if let path = Self.argument(of: command, after: "mm graph Demo ") {
                #expect(command.hasSuffix(" -X POST --resource flow"), "\(command)")
                try await tenant.flow("POST", path)
            } else {
                Issue.record("\(command)")
            }
        }
        let left = try await drift(tenant)
        // What was removed is made anew, and is known by its name.
        #expect(left.exitStatus == 0, "\(left.text ?? "") \(commands)")
        await tenant.stop()
    }

    /// The first argument behind the beginning of a command line, without the shell's quotes.
    private static func argument(of command: String, after start: String) -> String? {
        guard command.hasPrefix(start) else { return nil }
        let rest = command.dropFirst(start.count)
        guard rest.first == "'" else { return rest.split(separator: " ").first.map(String.init) }
        let plain = rest.dropFirst().replacing(#"'\''"#, with: "\u{1}")
        return plain.prefix { $0 != "'" }.replacing("\u{1}", with: "'")
    }

    @Test("permissions on mailboxes are read only where somebody asks for them, ten mailboxes a request")
    func permissions() async throws {
        let tenant = try await ChangesHome(users: 40)
        _ = ChangesHome.value(try await tenant.call("snapshot_take", ["connection": "Demo"]))
        #expect(try await tenant.requests(of: "$batch") > 0)
        let listed =
            ChangesHome.value(
                try await tenant.call("snapshot_show", ["snapshot": "Demo@latest"])
            ).array ?? []
        #expect(!listed.isEmpty && listed.allSatisfy { $0["kind"] != "mailbox-permissions" })
        let (before, single) = (
            try await tenant.requests(of: "/adminapi/"), try await tenant.requests(of: "InvokeCommand")
        )
        let taken = try await take(tenant, only: ["mailbox-permissions"])
        let mailboxes = try await tenant.run("Get-Mailbox -ResultSize Unlimited").array?.count ?? 0
        #expect(taken["objects"]?.int ?? 0 > 0 && taken["objects"]?.int ?? 0 < mailboxes)
        // One page of mailboxes; two lists of each, ten of which are a request. And the line above.
        let all = try await tenant.requests(of: "/adminapi/") - before
        #expect(all <= 2 + (2 * mailboxes + 9) / 10, "\(all) \(mailboxes)")
        #expect(try await tenant.requests(of: "InvokeCommand") - single == 2)
        await tenant.stop()
    }

    @Test("tells what the service's own monitors watch and found, in the same form, and once as news")
    func serviceWatch() async throws {
        let tenant = try await ChangesHome(users: 12)
        _ = try await take(tenant, only: ["named-locations"])
        let calm = try await drift(tenant)
        #expect(calm.exitStatus == 0 && ChangesHome.value(calm)["service"] == nil)
        let policies = try await tenant.list("/identity/conditionalAccess/policies")
        let policy = try #require(policies.first)
        let name = policy["displayName"] ?? ""
        try await tenant.graph(
            "POST", "/admin/configurationManagement/configurationMonitors",
            [
                "displayName": "Baseline",
                "baseline": [
                    "displayName": "Gold",
                    "resources": [
                        [
                            "displayName": "Policy", "resourceType": "microsoft.entra.conditionalaccesspolicy",
                            "properties": ["DisplayName": name, "State": policy["state"] ?? "", "Ensure": "Present"],
                        ],
                        [
                            "displayName": "Group", "resourceType": "microsoft.entra.group",
                            "properties": ["DisplayName": "VPN Users", "Ensure": "Present"],
                        ],
                    ],
                ],
            ])
        let watched = ChangesHome.value(try await drift(tenant))
        #expect(watched["service"] == ["monitors": 1, "resources": 2, "drifts": []], "\(watched)")
        #expect(watched["drift"] == false)
        let other = policy["state"] == "disabled" ? "enabled" : "disabled"
        try await tenant.graph(
            "PATCH", "/identity/conditionalAccess/policies/\(policy["id"]?.string ?? "")", ["state": .string(other)])
        let found = try await drift(tenant)
        #expect(found.exitStatus == 2)
        let text = try #require(found.text)
        #expect(text.contains("The service watches 2 resources: 1 drift."), "\(text)")
        #expect(text.contains("~ Policy (\(name.string ?? ""))") && text.contains("State:"), "\(text)")
        #expect(ChangesHome.value(found)["service"]?["drifts"]?[0]?["change"] == "changed")
        // What could not be reported stays new.
        await #expect(throws: MMError.self) {
            try await drift(tenant, ["news": true, "junit": .string(tenant.home.path)])
        }
        let news = try await drift(tenant, ["news": true])
        #expect(news.exitStatus == 2)
        #expect(try await drift(tenant, ["news": true]).exitStatus == 2, "the first report has not arrived")
        try await news.delivered()
        #expect(try await drift(tenant, ["news": true]).text == "Nothing new.")
        let sarif = ChangesHome.value(try await drift(tenant, ["sarif": true]))
        #expect(
            sarif["runs"]?[0]?["results"]?[0]?["ruleId"] == "microsoft.entra.conditionalaccesspolicy", "\(sarif)")
        await tenant.stop()
    }

    @Test("asks for no more than there are pages in a tenant of five thousand users")
    func requests() async throws {
        let tenant = try await ChangesHome(users: 5_000)
        let before = try await tenant.requests(of: "/")
        let taken = ChangesHome.value(try await tenant.call("snapshot_take", ["connection": "Demo"]))
        let asked = try await tenant.requests(of: "/") - before
        let read = taken["kinds"]?.array?.compactMap { $0.string.flatMap(SnapshotKind.named) } ?? []
        #expect(read.count > 20)
        func count(_ path: String) async throws -> Int { try await tenant.list(path).count }
        // Of Graph a page has a hundred objects, of Exchange a thousand; relations come twenty at a time, or with a
        // page of flows for each environment; one request more is for the tenant, one for its environments, one for
        // names.
        var pages = 3
        for kind in read where kind.service == .graph {
            let objects = kind.isSingle ? 1 : try await count(kind.path)
            pages += max(1, (objects + 99) / 100)
            // Fifty objects are looked at at a time.
            let step = 20 / max(1, kind.relations.count)
            if !kind.relations.isEmpty {
                pages += (objects / 50) * ((50 + step - 1) / step) + (objects % 50 + step - 1) / step
            }
        }
        pages += read.count { $0.service == .exchange } + 6
        // The host of a tenant's compliance cmdlets is asked for once.
        let compliance = read.count { $0.service == .compliance }
        pages += compliance == 0 ? 0 : compliance + 1
        pages += read.count { $0.service == .flow } * 4
        #expect(asked <= pages, "\(asked) requests, \(pages) pages")
        await tenant.stop()
    }
}
