import MMCore
import MMSystem
import Testing

@Suite("Credentials end with their connection", .timeLimit(.minutes(5)))
struct CredentialLifeTests {
    private static let sandbox = [
        "--cloud", "sandbox", "--app-id", "5a4db0c5-0000-4000-8000-00000000a001", "--tenant", "contoso-sandbox.example",
        "--tenant-id", "5a4db0c5-7e11-4c02-9d0e-5a11db0c5e01",
    ]

    /// Every file below the home that contains a token.
    private func filesWithTokens(_ tenant: Tenant, _ tokens: [String]) throws -> [String] {
        try tenant.home.files().filter { file in
            let text = String(decoding: file.bytes, as: UTF8.self)
            return tokens.contains { text.contains($0) }
        }.map(\.path)
    }

    /// The files with private links that services gave to a connection.
    private func keptLinks(_ tenant: Tenant) throws -> [String] {
        try tenant.home.files().map(\.path).filter {
            ($0.contains(".m365-state/changes/") || $0.contains(".m365-state/uploads/")) && $0.hasSuffix(".json")
        }
    }

    @Test("another account doesn't continue a delta query of the earlier one")
    func anotherAccount() async throws {
        let tenant = try await Tenant()
        #expect(try await tenant.signIn().code == 0)
        let changes = ["graph", "Demo", "/users/delta", "--changes", "--json"]
        #expect(try await tenant.mm(changes).code == 0)
        #expect(try keptLinks(tenant).count == 1)
        let edited = try await tenant.mm([
            "connections", "edit", "Demo", "--expected-email", "lena.vogt@contoso-sandbox.example",
        ])
        #expect(edited.code == 0)
        #expect(try keptLinks(tenant) == [])
    }

    @Test("a delta query whose link has expired starts again")
    func resync() async throws {
        let tenant = try await Tenant()
        #expect(try await tenant.signIn().code == 0)
        let changes = ["graph", "Demo", "/users/delta", "--changes", "--json"]
        let first = try await tenant.mm(changes)
        #expect(first.code == 0 && first.json?.array?.count ?? 0 > 100)
        try await tenant.fault(["kind": "resync", "path": "/v1.0/users/delta", "count": 1])
        let anew = try await tenant.mm(changes)
        #expect(anew.code == 0 && anew.json?.array?.count == first.json?.array?.count, "\(anew.error)")
        #expect(anew.error.contains("full read again"), "\(anew.error)")
        let rest = try await tenant.mm(changes)
        #expect(rest.code == 0 && rest.json?.array?.isEmpty == true, "\(rest)")
    }

    private func tokens(_ tenant: Tenant, _ connection: String) throws -> [String] {
        let file = tenant.home.path + "/.mm-graph-tokens/\(connection).json"
        let cache = try JSONParser.parse(try #require(try ProtectedFile.read(file)))
        return ["AccessToken", "RefreshToken"].flatMap { kind in
            cache[kind]?.object?.compactMap { $0.value["secret"]?.string } ?? []
        }
    }

    @Test(
        "a connection of the same name and app doesn't get the account of a removed one",
        arguments: [
            [["connections", "rename", "Demo", "Kept"]], [["connections", "remove", "Demo", "--yes"]],
            [
                ["connections", "edit", "Demo", "appId=11111111-2222-4333-8444-555555555555"],
                ["connections", "remove", "Demo", "--yes"],
            ],
            [["logout", "Demo"], ["connections", "remove", "Demo", "--yes"]],
        ])
    func notFoundAgain(commands: [[String]]) async throws {
        let tenant = try await Tenant()
        #expect(try await tenant.signIn().code == 0)
        let issued = try tokens(tenant, "Demo")
        #expect(issued.count >= 2)
        #expect(try await tenant.mm(["graph", "Demo", "/users/delta", "--changes", "--json"]).code == 0)
        #expect(try keptLinks(tenant).count == 1)
        for command in commands {
            let ran = try await tenant.mm(command)
            #expect(ran.code == 0, "\(command): \(ran)")
            #expect(try filesWithTokens(tenant, issued) == [], "\(command)")
            #expect(try keptLinks(tenant) == [], "\(command)")
        }
        let added = try await tenant.mm(["connections", "add", "Demo"] + Self.sandbox)
        #expect(added.code == 0, "\(added)")
        let me = try await tenant.mm(["graph", "Demo", "/me", "--json"])
        #expect(me.code == 3 && me.output.isEmpty, "\(me)")
    }

    @Test("a token cache that exists under the name of a new connection is used only if the owner agrees")
    func addOverCache() async throws {
        let tenant = try await Tenant()
        #expect(try await tenant.signIn().code == 0)
        let cache = tenant.home.path + "/.mm-graph-tokens/Demo.json"
        let bytes = try #require(try ProtectedFile.read(cache))
        for (flags, code) in [([], 3), (["--keep-tokens"], 0)] as [([String], Int32)] {
            #expect(try await tenant.mm(["connections", "remove", "Demo", "--yes"]).code == 0)
            try ProtectedFile.replace(cache, with: bytes)
            let add = ["connections", "add", "Demo"] + Self.sandbox + flags
            // Without a person nobody can agree.
            #expect(try await tenant.mm(add).code == (flags.isEmpty ? 0 : 5))
            if !flags.isEmpty { #expect(try await tenant.dialog(add, [("Type yes", "yes\n")]).code == 0) }
            #expect(try await tenant.mm(["graph", "Demo", "/me", "--json"]).code == code, "\(flags)")
        }
    }

    @Test("a sign-out ends the sessions in the pool that used the sign-in, and their processes")
    func sessionsEnd() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        try tenant.allowStandIn()
        let process = try await tenant.sessionProcess()
        let out = try await tenant.mm(["logout", "Demo", "--json"])
        #expect(out.code == 0 && out.json?["sessions"]?.array?.contains("Demo/exo") == true, "\(out)")
        #expect(try await tenant.state(of: "Demo/exo") == nil)
        try await waitUntil { ProcessIdentity(running: process) == nil }
    }

    @Test("a rename that fails leaves the sign-in unchanged")
    func refusedRename() async throws {
        let tenant = try await Tenant()
        #expect(try await tenant.signIn().code == 0)
        #expect(try await tenant.mm(["connections", "rename", "Demo", "a/b"]).code != 0)
        #expect(try await tenant.mm(["connections", "rename", "Nobody", "Other"]).code != 0)
        let same = try await tenant.mm(["connections", "rename", "Demo", "Demo"])
        #expect(same.code == 0 && same.error.contains("nothing was changed"), "\(same)")
        #expect(try await tenant.mm(["connections", "remove", "Nobody", "--yes"]).code != 0)
        #expect(try await tenant.mm(["graph", "Demo", "/me"]).code == 0)
    }
}

@Suite("Another account for a connection", .timeLimit(.minutes(5)))
struct AnotherAccountTests {
    private static let other = "lena.vogt@contoso-sandbox.example"

    @Test(
        "the edit says that the account must be forgotten first, and so does every sign-in before its approval")
    func forgetFirst() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        let edited = try await tenant.mm(["connections", "edit", "Demo", "--expected-email", Self.other])
        #expect(edited.code == 0 && edited.error.contains("mm logout Demo --forget-account"), "\(edited)")
        let refused = try await tenant.mm(["graph", "Demo", "/me", "--json"])
        let hint = refused.failure?["hint"]?.string ?? ""
        #expect(hint.contains("mm logout Demo --forget-account") && !hint.contains("connections edit"), "\(refused)")
        // After the sign-out only the pin is left, and nothing may refuse after a person has already approved.
        _ = try await tenant.mm(["logout", "Demo"])
        let waiting = try await tenant.mm(["login", "Demo", "--json"])
        #expect(waiting.failure?["message"]?.string?.contains("--forget-account") == true, "\(waiting)")
        _ = try await tenant.mm(["logout", "Demo", "--forget-account"])
        let signedIn = try await tenant.signIn(as: Self.other)
        #expect(signedIn.code == 0 && !signedIn.error.contains("forget"), "\(signedIn)")
    }
}
