import MMCore
import Testing

@Suite("Two people using a server for a team", .timeLimit(.minutes(15)))
struct TeamTests {
    private static let user = "/v1.0/users/ben.baker@contoso-sandbox.example"

    @Test(
        "each calls Microsoft Graph as themselves, with their own rights, and confirms only their own writes",
        .enabled(if: Team.python != nil, Team.missing))
    func requests() async throws {
        let team = try await Team()
        let (admin, lena) = (try await team.person("admin"), try await team.person("lena.vogt"))
        #expect(try await admin.graph("GET", "/v1.0/me").told.contains("admin@contoso-sandbox.example"))
        #expect(try await lena.graph("GET", "/v1.0/me").told.contains("lena.vogt@contoso-sandbox.example"))

        // A confirmation gives nobody additional rights.
        #expect(try await lena.graph("DELETE", Self.user).asked == 1)
        let denied = try await lena.graph("DELETE", Self.user, saysYes: true)
        #expect(denied.failed && denied.asked == 1 && denied.told.contains("403"), "\(denied)")
        // The same request of another person is asked about, whatever somebody else has confirmed.
        let refused = try await admin.graph("DELETE", Self.user)
        #expect(refused.failed && refused.asked == 1, "\(refused)")
        let deleted = try await admin.graph("DELETE", Self.user, saysYes: true)
        #expect(!deleted.failed && deleted.asked == 1, "\(deleted)")
        await team.stop()
    }

    @Test(
        "answers, changes, undos and sessions of one person don't exist for the other",
        .enabled(if: Team.python != nil, Team.missing))
    func belongings() async throws {
        let team = try await Team()
        let (admin, lena) = (try await team.person("admin"), try await team.person("lena.vogt"))
        _ = try await admin.graph("PATCH", Self.user, ["jobTitle": "Archivist"], saysYes: true)
        let list = try await admin.call(
            "graph_request",
            ["connection": "Team", "endpoint": "/v1.0/users", "top": 300])
        let handle = "out_" + (try #require(Self.word(after: "out_", in: list.told), "\(list.told.suffix(300))"))
        #expect(try await !admin.call("output", ["handle": .string(handle)]).failed)
        #expect(try await lena.call("output", ["handle": .string(handle)]).failed)

        #expect(try await !lena.graph("GET", "/v1.0/me").failed)
        let audit = try await team.tenant.mm(["audit", "show", "--json"])
        let principals = Set(audit.json?.array?.compactMap { $0["person"]?.string } ?? [])
        #expect(principals.isSuperset(of: ["admin@contoso-sandbox.example", "lena.vogt@contoso-sandbox.example"]))

        let changes = try await team.tenant.mm(["undo", "list", "--json"])
        let change = try #require(changes.json?.array?.first?["id"]?.string, "\(changes)")
        let others = try await lena.call("undo", ["id": .string(change)], saysYes: true)
        #expect(others.failed && others.asked == 0, "\(others)")
        let own = try await admin.call("undo", ["id": .string(change)], saysYes: true)
        #expect(!own.failed, "\(own)")
        await team.stop()
    }

    @Test(
        "each has a PowerShell of their own, signed in as them, and never with the other's token",
        .enabled(if: Team.python != nil, Team.missing))
    func powerShell() async throws {
        let team = try await Team()
        let (admin, lena) = (try await team.person("admin"), try await team.person("lena.vogt"))
        let me = "Invoke-StandIn request graph GET /v1.0/me"
        for (person, name) in [(admin, "admin"), (lena, "lena.vogt")] {
            let answer = try await person.run("graph", me)
            #expect(!answer.failed && answer.told.contains("\(name)@contoso-sandbox.example"), "\(answer)")
        }
        // A write that the call's verdict doesn't cover waits for its caller: each has their own question.
        let write = "Invoke-StandIn request graph PATCH \(Self.user) '{\"jobTitle\":\"x\"}'"
        var codes: Set<String> = []
        for person in [admin, lena] {
            let held = try await person.run("graph", write)
            codes.insert(try #require(Self.word(after: "mm confirm ", in: held.told), "\(held)"))
        }
        #expect(codes.count == 2)

        // Each can end only their own sessions.
        let ended = try await lena.call("reset", ["connection": "Team"])
        #expect(!ended.failed)
        let sessions = try await team.tenant.mm(["sessions", "--json"])
        #expect(sessions.json?.array?.count { $0["connection"] == "Team" } == 1, "\(sessions)")
        await team.stop()
    }

    @Test(
        "for an account in more groups than its token names, Microsoft Graph is asked as this account",
        .enabled(if: Team.python != nil, Team.missing))
    func groups() async throws {
        let look = try await Tenant()
        try await look.signIn()
        let mine = try await look.mm(["graph", "Demo", "/v1.0/me/memberOf", "--json"])
        let groups = mine.json?["value"]?.array ?? mine.json?.array ?? []
        // The group of the administrator's department.
        let group = try #require(groups.dropFirst().first?["id"]?.string, "\(mine)")
        await look.stop()
        let team = try await Team(["--oauth-groups", group, "--oauth-directory", "Team"], tokenGroups: 0)
        let admin = try await team.person("admin")
        #expect(admin.first["signedIn"] != nil, "\(admin.first)")
        #expect(try await !admin.graph("GET", "/v1.0/me").failed)
        #expect(try await team.tenant.requests(to: "/me/checkMemberGroups") == 1)
        let lena = try await team.person("lena.vogt")
        #expect(lena.first.failed && lena.first.told.contains("groups"), "\(lena.first)")
        await team.stop()
    }

    /// The word that follows a text within another.
    private static func word(after start: String, in text: String) -> String? {
        guard let range = text.firstRange(of: start) else { return nil }
        let word = text[range.upperBound...].prefix { $0.isLetter || $0.isNumber || "-_".contains($0) }
        return word.isEmpty ? nil : String(word)
    }
}
