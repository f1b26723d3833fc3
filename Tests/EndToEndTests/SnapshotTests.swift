import Glibc
import MMCore
import MMSystem
import Testing

@Suite("Snapshots of a tenant", .timeLimit(.minutes(15)))
struct SnapshotTests {
    @Test("an unchanged tenant shows no drift; a changed group is named, with the command that reverts it")
    func drift() async throws {
        let tenant = try await Tenant(users: 60)
        try await tenant.signIn()
        let taken = try await tenant.mm(["snapshot", "take", "Demo", "--json"])
        #expect(taken.code == 0, "\(taken.error)")
        let leftOut = taken.json?["leftOut"]?.array?.compactMap { $0["kind"]?.string }
        #expect(leftOut == [], "\(taken.output)")
        let calm = try await tenant.mm(["drift", "Demo", "--json"])
        #expect(calm.code == 0, "\(calm.output) \(calm.error)")
        #expect(calm.json?["drift"] == false)

        let shown = try await tenant.mm(["snapshot", "show", "Demo@latest", "VPN Users", "--json"])
        let id = try #require(shown.json?["id"]?.string)
        let purpose = try #require(shown.json?["description"]?.string)
        try await tenant.describe(id, "Changed by hand.")

        let drift = try await tenant.mm(["drift", "Demo", "--json", "--repair"])
        #expect(drift.code == 2, "\(drift.error)")
        #expect(drift.json?["findings"]?.array?.count == 1, "\(drift.output)")
        let finding = try #require(drift.json?["findings"]?[0])
        #expect(finding["kind"] == "groups" && finding["name"] == "VPN Users" && finding["change"] == "changed")
        let command = try #require(drift.json?["proposals"]?[0]?["command"]?.string)
        #expect(command.contains("/groups/\(id)") && command.contains(purpose), "\(command)")
        #expect(try await tenant.mm(["snapshot", "diff", "Demo@latest", "Demo"]).code == 2)
        #expect(try await tenant.mm(["snapshot", "diff", "Demo@latest", "Nobody"]).code == 1)
        let sarif = try await tenant.mm(["drift", "Demo", "--sarif"])
        #expect(sarif.code == 2)
        #expect(sarif.json?["runs"]?[0]?["results"]?[0]?["ruleId"] == "groups", "\(sarif.output)")

        // Reported once; after the proposed command has reverted it, there is no drift any more.
        #expect(try await tenant.mm(["drift", "Demo", "--news"]).code == 2)
        let again = try await tenant.mm(["drift", "Demo", "--news"])
        #expect(try await tenant.mm(["drift", "Demo", "--only", "nothing"]).code == 1)
        #expect(again.code == 0 && again.output.contains("Nothing new"), "\(again.output)")
        let repaired = try await Tenant.run(
            "/bin/sh", ["-c", "'\(Programs.mm)' " + command.dropFirst("mm ".count)], tenant.home.environment)
        #expect(repaired.code == 0, "\(repaired.error)")
        #expect(try await tenant.mm(["drift", "Demo"]).code == 0)
    }

    /// Makes a change, and confirms it if needed.
    private func confirming(_ words: [String], in tenant: Tenant) async throws {
        try await confirming(Programs.mm, words + ["--json"], in: tenant)
    }

    private func confirming(_ program: String, _ words: [String], in tenant: Tenant) async throws {
        var ran = try await Tenant.run(program, words, tenant.home.environment)
        if ran.code == 5, let token = ran.failure?["details"]?["token"]?.string {
            let said = try await tenant.dialog(["confirm", token], [("Type yes", "yes\n")])
            #expect(said.code == 0, "\(said.text)")
            ran = try await Tenant.run(program, words, tenant.home.environment)
        }
        #expect(ran.code == 0, "\(words): \(ran)")
    }

    @Test(
        "Teams policies are read in a session of its module, the settings catalogue with each policy's settings; the proposed repairs work"
    )
    func teams() async throws {
        let tenant = try await Tenant(users: 20)
        try await tenant.signIn()
        let folder = tenant.home.path + "/tenant"
        let only = ["--only", "teams-*,settings-catalog"]
        let taken = try await tenant.mm(["snapshot", "take", "Demo", "--to", folder, "--json"] + only)
        #expect(taken.code == 0, "\(taken.error)")
        #expect(taken.json?["leftOut"] == [] && taken.json?["kinds"]?.array?.count == 7, "\(taken.output)")
        let meeting = try await tenant.mm(["snapshot", "show", folder, "Tag:RestrictedAnonymousAccess", "--json"])
        #expect(meeting.json?["AllowAnonymousUsersToJoinMeeting"] == false, "\(meeting)")
        #expect(meeting.json?["Key"] == nil)
        let policy = try await tenant.mm(["snapshot", "show", folder, "Mac: firewall", "--json"])
        #expect(
            policy.json?["settings"]?.array?.count == 2 && policy.json?["assignments"]?.array?.count == 1, "\(policy)")
        let id = try #require(policy.json?["id"]?.string)
        #expect(try await tenant.mm(["drift", "Demo", "--against", folder] + only).code == 0)
        let path = "/beta/deviceManagement/configurationPolicies/\(id)"
        try await confirming(["graph", "Demo", path, "-X", "PATCH", "-d", #"{"description":"By hand"}"#], in: tenant)
        for script in [
            "Set-CsTeamsMeetingPolicy -Identity Global -AllowAnonymousUsersToJoinMeeting $false -AutoAdmittedUsers Everyone",
            "New-CsTeamsMessagingPolicy -Identity Open -AllowUrlPreviews $false",
            "Remove-CsTeamsMeetingPolicy -Identity RestrictedAnonymousAccess",
            "Set-CsTenantFederationConfiguration -AllowTeamsConsumer $true",
        ] { try await confirming(["run", "Demo", "teams", script], in: tenant) }
        let drift = try await tenant.mm(["drift", "Demo", "--against", folder, "--repair", "--json"] + only)
        #expect(drift.code == 2, "\(drift)")
        let found = (drift.json?["findings"]?.array ?? []).compactMap { $0["kind"]?.string }.sorted()
        #expect(
            found == ["settings-catalog", "teams-federation", "teams-messaging", "teams-policies", "teams-policies"],
            "\(drift)")
        for proposal in drift.json?["proposals"]?.array ?? [] {
            let command = try #require(proposal["command"]?.string, "\(proposal)")
            let words = command.dropFirst("mm ".count)
            try await confirming("/bin/sh", ["-c", "'\(Programs.mm)' \(words) --json"], in: tenant)
        }
        let left = try await tenant.mm(["drift", "Demo", "--against", folder, "--json"] + only)
        #expect(left.code == 0, "\(left)")
        // Graph's v1.0 doesn't have it.
        #expect(try await tenant.mm(["graph", "Demo", "/deviceManagement/configurationPolicies"]).code != 0)
    }

    @Test(
        "objects that the connection may not read are omitted with the missing permission, and not taken for deleted"
    )
    func refused() async throws {
        let tenant = try await Tenant(users: 60)
        try await tenant.signIn()
        let folder = tenant.home.path + "/tenant"
        #expect(try await tenant.mm(["snapshot", "take", "Demo", "--to", folder]).code == 0)
        let added = try await tenant.mm([
            "connections", "add", "Reader", "--cloud", "sandbox", "--app-id", "5a4db0c5-0000-4000-8000-00000000a003",
            "--tenant", "contoso-sandbox.example", "--tenant-id", "5a4db0c5-7e11-4c02-9d0e-5a11db0c5e01",
            "--expected-email", "admin@contoso-sandbox.example",
        ])
        #expect(added.code == 0, "\(added.error)")
        try await tenant.signIn("Reader")
        let drift = try await tenant.mm(["drift", "Reader", "--against", folder, "--json"])
        #expect(drift.code == 1, "\(drift.error)")
        #expect(drift.json?["findings"] == [], "\(drift.output)")
        #expect(drift.error.contains("conditional-access"), "\(drift.error)")
        let taken = try await tenant.mm(["snapshot", "take", "Reader", "--json"])
        let policies = taken.json?["leftOut"]?.array?.first { $0["kind"] == "conditional-access" }
        #expect(policies?["missing"]?.string?.hasPrefix("Policy.Read") == true, "\(taken.output)")
    }

    @Test("a process that is killed while taking a snapshot leaves the old one intact")
    func killed() async throws {
        let tenant = try await Tenant(users: 120)
        try await tenant.signIn()
        let folder = tenant.home.path + "/tenant"
        let arguments = ["snapshot", "take", "Demo", "--to", folder]
        #expect(try await tenant.mm(arguments).code == 0)
        let whole = try await tenant.mm(["snapshot", "show", folder, "--json"])
        // Each waits at a kind behind the groups until it is killed.
        try await tenant.fault([
            "kind": "latency", "milliseconds": 600_000, "path": "*/conditionalAccess/policies", "count": 5,
        ])
        for _ in 0..<5 {
            var command = ChildCommand(Programs.mm, arguments, environment: tenant.home.environment)
            command.output = .null
            command.error = .null
            let process = try await ChildProcess.start(command)
            while process.exited == nil, access(folder + "/.mm-snapshot/new/groups", F_OK) != 0 {
                try await Task.sleep(for: .milliseconds(5))
            }
            process.signalGroup(SIGKILL)
            while process.exited == nil { try await Task.sleep(for: .milliseconds(5)) }
            let left = try await tenant.mm(["snapshot", "show", folder, "--json"])
            #expect(left.code == 0 && left.output == whole.output, "\(left.error)")
        }
        // One that was killed earlier has left its delay to the next.
        _ = try await tenant.control("DELETE", "faults")
        #expect(try await tenant.mm(arguments).code == 0)
        #expect(try await tenant.mm(["drift", "Demo", "--against", folder]).code == 0)
        #expect(access(folder + "/.mm-snapshot", F_OK) != 0)
    }

    @Test("a scheduled check is a timer and a service of systemd, and can be removed")
    func install() async throws {
        let tenant = try await Tenant.shared.value
        let shown = try await tenant.mm(["drift", "install", "Demo", "--every", "6h", "--print"])
        #expect(shown.code == 0 && shown.output.contains("OnUnitActiveSec=21600s"), "\(shown.error)")
        #expect(shown.output.contains(#""drift" "Demo" "--news""#), "\(shown.output)")
        for every in ["", "0d", "5m", "1y", "d", "-1d", "99999999999999999999d", "53w"] {
            let ran = try await tenant.mm(["drift", "install", "Demo", "--every=\(every)", "--print"])
            #expect(ran.code == 2, "\(every): \(ran.output)")
        }
        #expect(try await tenant.mm(["drift", "install", "Nobody"]).code != 0)
        let home = try TemporaryHome()
        try ProtectedFile.replace(
            home.path + "/.m365-connections.json",
            with: Array(#"{"connections":{"Demo":{"tenant":"contoso.onmicrosoft.com"}}}"#.utf8))
        var environment = home.environment
        // Keep the user's own systemd out of this.
        environment["PATH"] = "/nowhere"
        let units = home.path + "/.config/systemd/user"
        #expect(try await Tenant.run(Programs.mm, ["drift", "install", "Demo"], environment).code == 0)
        #expect(try FolderListing.names(in: units).count == 2)
        #expect(try await Tenant.run(Programs.mm, ["drift", "uninstall", "Demo"], environment).code == 0)
        #expect(try FolderListing.names(in: units).isEmpty)
    }
}

extension Tenant {
    /// Changes the description of a group.
    fileprivate func describe(_ group: String, _ text: String) async throws {
        let done = try await mm([
            "graph", "Demo", "/groups/\(group)", "-X", "PATCH", "-d", #"{"description":"\#(text)"}"#,
        ])
        #expect(done.code == 0, "\(done.error)")
    }
}
