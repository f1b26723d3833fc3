import MMCore
import MMGuard
import TestSupport
import Testing

@Suite("Permissions of calls to Graph", .timeLimit(.minutes(5)))
struct PermissionTableTests {
    private let table = PermissionTable.standard

    private func permissions(_ method: String, _ url: String) throws -> CallPermissions? {
        table.permissions(method, try RequestTarget(parsing: url, service: .graph, normalization: .clean))
    }

    private static func names(_ value: JSONValue?) -> [String]? { value?.array?.compactMap(\.string) }

    @Test("recorded requests have their least permissions, or none where none are known")
    func recorded() throws {
        var count = 0
        for line in try Fixture.jsonLines("guard/lookup-cases.jsonl") {
            let url = line["url"]?.string ?? ""
            guard let target = try? RequestTarget(parsing: url, service: .graph, normalization: .clean) else {
                continue
            }
            let method = line["method"]?.string ?? "GET"
            let found = table.permissions(method, target)
            let expected = line["perm"]?.object
            #expect((found == nil) == (expected == nil), "\(method) \(url)")
            for (kind, key) in [(SignInKind.work, "work"), (.personal, "personal"), (.application, "app")] {
                let least = found?.choice(for: kind)?.least.map(\.name)
                #expect(least == Self.names(expected?[key]), "\(method) \(url) \(key)")
            }
            count += 1
        }
        #expect(count == 149)
    }

    @Test("five hundred random calls have all the permissions that the public table lists, in its order")
    func random() throws {
        let lines = try Fixture.jsonLines("permissions/random-calls.jsonl")
        #expect(lines.count == 500)
        for line in lines {
            let method = line["method"]?.string ?? ""
            let url = line["url"]?.string ?? ""
            let found = try permissions(method, url)
            #expect(found != nil, "\(method) \(url)")
            for kind in SignInKind.allCases {
                let choice = found?.choice(for: kind)
                let expected = line[kind.rawValue]?.array
                #expect(choice?.least.map(\.name) == Self.names(expected?.first), "\(method) \(url) \(kind)")
                #expect(choice?.higher.map(\.name) == Self.names(expected?.last), "\(method) \(url) \(kind)")
            }
            let besides = found?.besides.mapValues { $0.map(\.name) } ?? [:]
            var expected: [String: [String]] = [:]
            for (name, others) in line["also"]?.object ?? [:] { expected[name] = Self.names(others) }
            #expect(besides == expected, "\(method) \(url)")
        }
    }

    @Test(
        "the least permission is the one that the public reference names first",
        arguments: [
            ("GET /directoryRoles", "RoleManagement.Read.Directory"),
            ("GET /directoryRoles/1", "RoleManagement.Read.Directory"),
            ("GET /directoryRoles/1/members", "RoleManagement.Read.Directory"),
            ("GET /oauth2PermissionGrants", "Directory.Read.All"), ("GET /applications", "Application.Read.All"),
            ("GET /domains", "Domain.Read.All"), ("GET /subscribedSkus", "LicenseAssignment.Read.All"),
            ("GET /identityProtection/riskyUsers", "IdentityRiskyUser.Read.All"),
        ])
    func published(call: String, least: String) throws {
        let words = call.split(separator: " ").map(String.init)
        for kind in [SignInKind.work, .application] {
            let choice = try #require(try permissions(words[0], words[1])?.choice(for: kind))
            #expect(choice.advised?.name == least && !choice.isInferred, "\(kind)")
        }
    }

    @Test(
        "a least permission that nobody has published is said to be inferred",
        arguments: ["POST /groups/1/members/$ref", "POST /deviceManagement/managedDevices/1/wipe", "GET /contracts"])
    func inferred(call: String) throws {
        let words = call.split(separator: " ").map(String.init)
        #expect(try permissions(words[0], words[1])?.work?.isInferred == true)
    }

    @Test(
        "what is unknown is not guessed",
        arguments: ["/nothing/of/this/kind", "/users/1/nonsense", "/chats/getAllX/y"])
    func unknown(path: String) throws {
        #expect(try permissions("GET", path) == nil)
        #expect(try permissions("GET", "/beta" + path) == nil)
    }

    @Test("a method that the table doesn't list for a path has no answer, and HEAD counts as GET")
    func methods() throws {
        #expect(try permissions("PUT", "/users") == nil)
        #expect(try permissions("BREW", "/users") == nil)
        #expect(try permissions("head", "/users") == permissions("GET", "/users"))
        #expect(try permissions("GET", "/users") != nil)
    }

    @Test("a call that only beta has is marked so for v1.0, and not for beta")
    func betaOnly() throws {
        let path = "/accessReviews"
        #expect(try permissions("GET", path)?.isBetaOnly == true)
        #expect(try permissions("GET", "/beta" + path)?.isBetaOnly == false)
    }

    @Test("a permission is found by its name in any case, with ids, consent and levels")
    func named() throws {
        let found = try #require(table.permission(named: "mail.send"))
        #expect(found.name == "Mail.Send")
        #expect(found.delegatedID == "e383f46e-2787-4529-855e-0e479a3ffac0")
        #expect(found.applicationID == "b633e1c5-b582-4048-a93e-9f11b44c7e96")
        #expect(!found.needsAdministrator(for: .work))
        #expect(found.needsAdministrator(for: .application))
        #expect(found.isForPersonalAccounts)
        #expect(table.permission(named: "Directory.Read.All")?.needsAdministrator(for: .work) == true)
        #expect(table.permission(named: "Mail.Sent") == nil)
    }

    @Test("a permission that needs another one is held only with it")
    func besides() throws {
        let found = try #require(try permissions("POST", "/applications/1/owners"))
        let needed = try #require(found.besides["Application.ReadWrite.All"])
        #expect(found.satisfied(by: ["Application.ReadWrite.All"], for: .work) == nil)
        let both: Set = ["Application.ReadWrite.All", try #require(needed.first).name]
        #expect(found.satisfied(by: both, for: .work)?.name == "Application.ReadWrite.All")
    }

    @Test("who may read and write may read, also where only the reading permission is listed")
    func reading() throws {
        let found = try #require(try permissions("GET", "/me/messages/1"))
        #expect(found.satisfied(by: ["Mail.ReadWrite"], for: .work) != nil)
        #expect(found.satisfied(by: ["Mail.Send"], for: .work) == nil)
        let write = try #require(try permissions("PATCH", "/me/messages/1"))
        #expect(write.satisfied(by: ["Mail.Read"], for: .work) == nil)
    }

    @Test(
        "a permission for everything includes the one for less, also where only that one is listed",
        arguments: [
            ("GET", "/drives/1/root", "Files.ReadWrite.All", true), ("GET", "/drives/1/root", "Files.Read.All", true),
            ("GET", "/drives/1/root", "Sites.Selected", false),
            ("POST", "/drives/1/items/2/workbook/createSession", "Files.ReadWrite.All", true),
            ("POST", "/drives/1/items/2/workbook/createSession", "Files.Read.All", false),
            ("GET", "/users", "User.Read", false),
        ])
    func narrower(method: String, path: String, held: String, suffices: Bool) throws {
        let found = try #require(try permissions(method, path))
        #expect((found.satisfied(by: [held], for: .work) != nil) == suffices)
    }

    @Test("the permission to ask for is not one that only an app in one team has")
    func advised() throws {
        let found = try permissions("GET", "/teams/1/channels")?.application
        #expect(found?.least.isEmpty == false)
        #expect(found?.advised?.isResourceSpecific == false)
    }
}
