import MMCore
import MMSystem
import TestSupport
import Testing

/// Changes made by scripts in PowerShell are recorded by the session's proxy.
@Suite("Changes of PowerShell sessions", .timeLimit(.minutes(10)))
struct SessionJournalTests {
    private static let user = "lena.vogt@contoso-sandbox.example"

    /// - Parameter changes: whether the guard regards the stand-in's commands as changes, or as reads.
    private static func tenant(changes: Bool = true) async throws -> Tenant {
        let tenant = try await Tenant(users: 40)
        try tenant.allowStandIn(toChange: changes)
        try await tenant.signIn()
        return tenant
    }

    /// The request of the Exchange module for a cmdlet.
    private static func sent(_ cmdlet: String, _ parameters: JSONObject) -> String {
        let body: JSONValue = ["CmdletInput": ["CmdletName": .string(cmdlet), "Parameters": .object(parameters)]]
        return "Invoke-StandIn request exo POST /adminapi/beta/organizations/InvokeCommand '\(JSONWriter.string(body))'"
    }

    private static func attributes(_ tenant: Tenant) async throws -> JSONValue {
        let ran = try await tenant.mm([
            "run", "Demo", "exo", "Get-Mailbox \(user) | Select-Object CustomAttribute1, CustomAttribute2", "--json",
            "-q",
        ])
        return try #require(ran.json?.array?.first, "\(ran)")
    }

    @Test("a cmdlet of Exchange is one change of its call, is shown, and can be undone")
    func cmdlet() async throws {
        let tenant = try await Self.tenant()
        let before = try await Self.attributes(tenant)
        let script = [("CustomAttribute1", "one"), ("CustomAttribute2", "two")].map {
            Self.sent("Set-Mailbox", ["Identity": .string(Self.user), $0.0: .string($0.1)])
        }.joined(separator: "\n")
        let ran = try await tenant.mm(["run", "Demo", "exo", script, "--engine", "pwsh", "--json"])
        #expect(ran.code == 0, "\(ran)")
        #expect(try await Self.attributes(tenant)["CustomAttribute1"] == "one")
        let listed = try #require(try await tenant.mm(["undo", "list", "--json"]).json?.array)
        try #require(listed.count == 2 && Set(listed.map { $0["call"] }).count == 1, "\(listed)")
        let shown = try await tenant.mm(["undo", "show", listed[1]["id"]?.string ?? "", "--json"])
        #expect(shown.json?["before"]?["CustomAttribute1"] == before["CustomAttribute1"], "\(shown)")
        #expect(shown.json?["after"]?["CustomAttribute1"] == "one", "\(shown)")
        let undone = try await tenant.mm(["undo", "--call", listed[0]["call"]?.string ?? "", "--json"])
        #expect(undone.json?.array?.map { $0["result"] } == ["undone", "undone"], "\(undone)")
        #expect(try await Self.attributes(tenant) == before)
        await tenant.stop()
    }

    @Test("a request to Graph is recorded with its result")
    func request() async throws {
        let tenant = try await Self.tenant()
        for (path, state) in [("users/\(Self.user)", "can be undone"), ("users/nobody@contoso.example", nil)] {
            let script = "Invoke-StandIn request graph PATCH /v1.0/\(path) '{\"city\": \"Rome\"}'"
            let ran = try await tenant.mm(["run", "Demo", "graph", script, "--engine", "pwsh", "--json"])
            #expect(ran.code == 0, "\(ran)")
            let listed = try #require(try await tenant.mm(["undo", "list", "--json"]).json?.array)
            #expect(listed.count == 1, "\(listed)")
            if let state { #expect(listed.first?["state"] == .string(state), "\(listed)") }
        }
        let undone = try await tenant.mm(["undo", "--since", "1h", "--json"])
        #expect(undone.json?.array?.first?["result"] == "undone", "\(undone)")
        await tenant.stop()
    }

    @Test("a Teams policy that a cmdlet changes is restored, one that a cmdlet removes is created again")
    func teams() async throws {
        let tenant = try await Self.tenant()
        func policies() async throws -> [JSONValue] {
            let ran = try await tenant.mm(["run", "Demo", "teams", "Get-CsTeamsMeetingPolicy", "--json", "-q"])
            return try #require(ran.json?.array, "\(ran)")
        }
        func policy() async throws -> JSONValue? {
            try await policies().first { $0["Identity"] == "Global" }?["AllowCloudRecording"]
        }
        let asked = try await tenant.mm(["run", "Demo", "teams", "Get-CsTeamsMeetingPolicy", "--json"])
        if let code = asked.failure?["details"]?["userCode"]?.string { try await tenant.approve(code) }
        var ran = asked
        while ran.code == 3 {
            ran = try await tenant.mm(["run", "Demo", "teams", "Get-CsTeamsMeetingPolicy", "--json"])
        }
        #expect(try await policy() == true)
        let write = [
            "run", "Demo", "teams", "Set-CsTeamsMeetingPolicy -Identity Global -AllowCloudRecording $false", "--json",
        ]
        try await confirmed(write, in: tenant)
        #expect(try await policy() == false)
        let change = try #require(try await tenant.mm(["undo", "list", "--json"]).json?.array?.first)
        #expect(change["state"] == "can be undone", "\(change)")
        #expect(change["change"]?.string?.contains("TeamsMeetingPolicy Global") == true, "\(change)")
        try await confirmed(["undo", change["id"]?.string ?? "", "--json"], in: tenant)
        #expect(try await policy() == true)
        let before = try await policies()
        let name = "Tag:RestrictedAnonymousAccess"
        try await confirmed(
            ["run", "Demo", "teams", "Remove-CsTeamsMeetingPolicy -Identity \(name)", "--json"], in: tenant)
        #expect(try await policies().count == before.count - 1)
        let removal = try #require(try await tenant.mm(["undo", "list", "--json"]).json?.array?.first)
        #expect(removal["state"] == "can be undone", "\(removal)")
        try await confirmed(["undo", removal["id"]?.string ?? "", "--json"], in: tenant)
        #expect(Set(try await policies()) == Set(before))
        await tenant.stop()
    }

    @Test("a change of a Teams policy is planned, and the approved plan makes it without PowerShell")
    func plannedPolicy() async throws {
        let tenant = try await Self.tenant()
        let read = ["run", "Demo", "teams", "Get-CsTeamsMeetingPolicy", "--json"]
        var ran = try await tenant.mm(read)
        if let code = ran.failure?["details"]?["userCode"]?.string { try await tenant.approve(code) }
        while ran.code == 3 { ran = try await tenant.mm(read) }
        func recording() async throws -> JSONValue? {
            let ran = try await tenant.mm(read)
            return try #require(ran.json?.array, "\(ran)").first { $0["Identity"] == "Global" }?["AllowCloudRecording"]
        }
        let file = "\(tenant.home.path)/teams.plan"
        let words = [
            "plan", "-o", file, "--json", "--", "run", "Demo", "teams",
            "Set-CsTeamsMeetingPolicy -Identity Global -AllowCloudRecording $false",
        ]
        let planned = try await tenant.mm(words)
        #expect(planned.code == 2 && planned.json?["steps"]?.array?.count == 1, "\(planned)")
        #expect(planned.json?["asks"] == true && planned.json?["open"]?.string == nil, "\(planned)")
        #expect(try await recording() == true)
        let said = try await tenant.dialog(["plan", "approve", file], [("Type yes", "yes\n")])
        #expect(said.code == 0, "\(said)")
        let applied = try await tenant.mm(["apply", file, "--json"])
        #expect(applied.code == 0 && applied.json?["done"] == 1, "\(applied)")
        #expect(try await recording() == false)
        // A plan for another state is refused.
        func set(_ value: String) async throws {
            let script = "Set-CsTeamsMeetingPolicy -Identity Global -AllowCloudRecording \(value)"
            try await confirmed(["run", "Demo", "teams", script, "--json"], in: tenant)
        }
        try await set("$true")
        let again = try await tenant.mm(words)
        #expect(again.code == 2, "\(again)")
        try await set("$false")
        let late = try await tenant.mm(["apply", file, "--json"])
        #expect(late.failure?["code"] == "conflict", "\(late)")
        await tenant.stop()
    }

    /// Runs something that a person has to confirm first.
    private func confirmed(_ words: [String], in tenant: Tenant) async throws {
        let asked = try await tenant.mm(words)
        let token = try #require(asked.failure?["details"]?["token"]?.string, "\(asked)")
        let said = try await tenant.dialog(["confirm", token], [("Type yes", "yes\n")])
        #expect(said.code == 0, "\(said)")
        let ran = try await tenant.mm(words)
        #expect(ran.code == 0, "\(ran)")
    }

    @Test(
        "a script that needs PowerShell is planned, and the plan sends its changes without PowerShell"
    )
    func planned() async throws {
        let tenant = try await Self.tenant()
        let before = try await Self.attributes(tenant)
        let file = "\(tenant.home.path)/script.plan"
        let script = [
            "Get-Mailbox -ResultSize 1",
            Self.sent("Set-Mailbox", ["Identity": .string(Self.user), "CustomAttribute1": "a"]),
            Self.sent("Set-Mailbox", ["Identity": .string(Self.user), "CustomAttribute2": "b"]),
        ].joined(separator: "\n")
        let words = ["plan", "-o", file, "--json", "--", "run", "Demo", "exo", script, "--engine", "pwsh"]
        let planned = try await tenant.mm(words)
        #expect(planned.code == 2 && planned.json?["steps"]?.array?.count == 2, "\(planned)")
        #expect(planned.json?["open"]?.string == nil, "\(planned)")
        #expect(try await Self.attributes(tenant) == before)
        let applied = try await tenant.mm(["apply", file, "--json"])
        #expect(applied.code == 0, "\(applied)")
        #expect(try await Self.attributes(tenant) == ["CustomAttribute1": "a", "CustomAttribute2": "b"])
        // Planned again, nothing is left to change.
        #expect(try await tenant.mm(words).code == 0)
        await tenant.stop()
    }

    @Test("a script that reads something it would have changed is planned up to that point")
    func open() async throws {
        let tenant = try await Self.tenant()
        let file = "\(tenant.home.path)/script.plan"
        let script = [
            Self.sent("Set-Mailbox", ["Identity": .string(Self.user), "CustomAttribute1": "a"]),
            Self.sent("Get-Mailbox", ["Identity": .string(Self.user)]),
            Self.sent("Set-Mailbox", ["Identity": .string(Self.user), "CustomAttribute2": "b"]),
        ].joined(separator: "\n")
        let planned = try await tenant.mm([
            "plan", "-o", file, "--json", "--", "run", "Demo", "exo", script, "--engine", "pwsh",
        ])
        #expect(planned.code == 2 && planned.json?["steps"]?.array?.count == 1, "\(planned)")
        #expect(planned.json?["open"]?.string?.contains("Get-Mailbox reads what Set-Mailbox") == true, "\(planned)")
        await tenant.stop()
    }
}
