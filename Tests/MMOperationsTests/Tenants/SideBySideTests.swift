import Glibc
import MMCore
import MMGuard
import MMSandbox
import TestSupport
import Testing

@testable import MMOperations

@Suite("A call for several connections", .timeLimit(.minutes(5)))
struct SideBySideTests {
    private static let users: JSONObject = ["endpoint": "/users?$select=userPrincipalName", "all": true]

    private static func arguments(_ selection: String, _ more: JSONObject = users) -> JSONObject {
        var arguments = more
        arguments["connection"] = .string(selection)
        return arguments
    }

    /// The rows of each tenant are its own, and all of them.
    private static func check(_ outcome: TenantsHome.Outcome, _ numbers: [Int]) {
        for number in numbers {
            let rows = outcome.rows(of: number)
            #expect(rows.count == 12, "T\(number)")
            let organization = SandboxOrganization.customer(number)
            #expect(rows.allSatisfy { $0["tenant"] == .string(organization.id) })
            let names = rows.compactMap { $0["userPrincipalName"]?.string }
            #expect(Set(names).count == rows.count)
            #expect(names.allSatisfy { $0.hasSuffix("@" + organization.domain) }, "T\(number)")
        }
        #expect(outcome.rows.count == numbers.count * 12)
    }

    @Test(
        "says how to continue where that is read in time: nothing of a whole answer can be continued",
        arguments: [(Caller.Surface.terminal, true), (.mcp, false)])
    func continuing(surface: Caller.Surface, isTold: Bool) async throws {
        let home = try await TenantsHome(2)
        var context = home.context()
        context.caller = Caller(surface: surface, name: "test", server: nil)
        let whole = try await home.call("graph_request", Self.arguments("tag:all"), context)
        Self.check(whole, [1, 2])
        #expect(whole.notes.contains { $0.contains("--resume set_") } == isTold, "\(whole.notes)")
        #expect(whole.resume == nil)
        try await home.fault(1, ["kind": "status", "status": 403, "path": "/v1.0/users"])
        let partial = try await home.call("graph_request", Self.arguments("tag:all"), context)
        #expect(partial.resume != nil, "\(partial.end.notes)")
        await home.stop()
    }

    @Test("has every row of each tenant under its name, whatever goes wrong on the way", .timeLimit(.minutes(5)))
    func hundredTenants() async throws {
        let home = try await TenantsHome(100)
        // These pass by themselves.
        try await home.fault(3, ["kind": "throttle", "path": "/v1.0/users", "count": 1, "retryAfter": 1])
        try await home.fault(4, ["kind": "status", "status": 503, "path": "/v1.0/users", "count": 1])
        try await home.fault(5, ["kind": "latency", "milliseconds": 300, "path": "/v1.0/users"])
        try await home.fault(6, ["kind": "expiredToken", "path": "/v1.0/users", "count": 1])
        // These don't.
        try await home.fault(7, ["kind": "status", "status": 403, "path": "/v1.0/users"])
        try await home.fault(8, ["kind": "garbage", "path": "/v1.0/users"])
        try await home.fault(9, ["kind": "tokenError", "number": 7_000_222, "path": "/*/oauth2"])
        let failing = [7, 8, 9]
        let first = try await home.call("graph_request", Self.arguments("tag:all"))
        Self.check(first, (1...100).filter { !failing.contains($0) })
        let told = first.end.notes.filter { $0.hasPrefix("failed: ") }
        for number in failing {
            #expect(told.contains { $0.hasPrefix("failed: T\(number):") }, "\(told)")
        }
        #expect(told.count == 3)
        #expect(first.end.exitStatus == 1)

        // What has answered isn't asked again.
        for number in failing { try await home.clear(number) }
        try await home.fault(20, ["kind": "status", "status": 403, "path": "/"])
        let name = try #require(first.resume)
        let second = try await home.call("graph_request", ["resume": .string(name)])
        Self.check(second, Array(1...100))
        #expect(second.end.exitStatus == 0)
        // It came to its end, and nothing of it is left.
        await #expect(throws: MMError.self) { try await home.call("graph_request", ["resume": .string(name)]) }
        await home.stop()
    }

    @Test("is held up by none that hangs: it is named when the time is over, and can be gone on with")
    func hanging() async throws {
        let home = try await TenantsHome(5)
        try await home.fault(2, ["kind": "latency", "milliseconds": 600_000, "path": "/v1.0/users"])
        // A slow machine is given more time: the others have to be through when it is over.
        var limit = Duration.seconds(4)
        var outcome = try await home.call("graph_request", Self.arguments("tag:all"), home.context(within: limit))
        while Set(outcome.rows.compactMap { $0["connection"]?.string }).count < 4, limit < .seconds(200) {
            limit = limit * 3
            outcome = try await home.call("graph_request", Self.arguments("tag:all"), home.context(within: limit))
        }
        Self.check(outcome, [1, 3, 4, 5])
        #expect(outcome.end.notes.contains { $0.hasPrefix("failed: T2:") })
        try await home.clear(2)
        let again = try await home.call("graph_request", ["resume": .string(try #require(outcome.resume))])
        Self.check(again, [1, 2, 3, 4, 5])
        await home.stop()
    }

    @Test("of a change asks once, with every tenant named, and for exactly these")
    func asksOnce() async throws {
        let home = try await TenantsHome(4)
        let change: JSONObject = [
            "endpoint": "/groups", "method": "POST",
            "body": [
                "displayName": "Crew", "mailNickname": "crew", "mailEnabled": false, "securityEnabled": true,
            ],
        ]
        let refused = await #expect(throws: MMError.self) {
            try await home.call("graph_request", Self.arguments("T1,T2", change))
        }
        #expect(refused?.code == .confirmationNeeded)
        let person = ChangesHome.YesPerson()
        let done = try await home.call("graph_request", Self.arguments("T1,T2,T3", change), home.context(person))
        #expect(done.rows.compactMap { $0["connection"]?.string }.sorted() == ["T1", "T2", "T3"])
        #expect(person.pages.count == 1)
        for number in 1...3 {
            let line = "T\(number) (\(SandboxOrganization.customer(number).id))"
            #expect(person.pages[0].contains(line), "\(person.pages)")
        }
        // What a person confirms for two holds for these two, and not with a third.
        let token = try #require(refused?.details["token"]?.string)
        let ledger = home.service.services.ledger
        let pending = try await ledger.pending(token)
        _ = try await ledger.approve(
            token, digest: pending.digest, by: Approver(person: "Ann", means: "terminal"))
        let other = await #expect(throws: MMError.self) {
            try await home.call("graph_request", Self.arguments("T1,T2,T4", change))
        }
        #expect(other?.code == .confirmationNeeded)
        let same = try await home.call("graph_request", Self.arguments("T2,T1", change))
        #expect(same.rows.count == 2)
        let groups = try await home.call(
            "graph_request",
            Self.arguments("tag:all", ["endpoint": "/groups?$filter=displayName eq 'Crew'", "all": true]))
        #expect((1...4).map { groups.rows(of: $0).count } == [2, 2, 1, 0])
        let audit = try home.service.services.audit.entries { $0["method"] == "POST" && $0["outcome"] == "done" }
        #expect(audit.compactMap { $0["connection"]?.string }.sorted() == ["T1", "T1", "T2", "T2", "T3"])
        await home.stop()
    }

    @Test("sends nothing anywhere where the guard denies it for one")
    func denied() async throws {
        let home = try await TenantsHome(3, policies: [2: "readonly"])
        let change: JSONObject = [
            "endpoint": "/groups", "method": "POST",
            "body": [
                "displayName": "Crew", "mailNickname": "crew", "mailEnabled": false, "securityEnabled": true,
            ],
        ]
        let person = ChangesHome.YesPerson()
        let error = await #expect(throws: MMError.self) {
            try await home.call("graph_request", Self.arguments("tag:all", change), home.context(person))
        }
        #expect(error?.code == .denied)
        #expect(error?.details["connections"] == ["T2"])
        #expect(person.pages.isEmpty)
        let groups = try await home.call(
            "graph_request", Self.arguments("all", ["endpoint": "/groups?$filter=displayName eq 'Crew'", "all": true]))
        #expect(groups.rows.isEmpty)
        // A dry run shows what would change in each, and sends nothing.
        var dry = change
        dry["dryRun"] = true
        let forecast = try await home.call(
            "graph_request", Self.arguments("T1,T3", dry))
        #expect(forecast.rows.compactMap { $0["connection"]?.string }.sorted() == ["T1", "T3"])
        await home.stop()
    }

    @Test("refuses what goes with one connection alone, and what would go beside a name to go on with")
    func refusals() async throws {
        let home = try await TenantsHome(2)
        for arguments: JSONObject in [
            ["connection": "all", "endpoint": "/me/drive/root:/a.txt", "upload": "a.txt"],
            ["resume": "set_nothing"], ["resume": "set_../../x"], ["resume": "set_nothing", "endpoint": "/users"],
        ] {
            await #expect(throws: MMError.self) { try await home.call("graph_request", arguments) }
        }
        await home.stop()
    }

    @Test("writes each connection's files into a folder of its own, and none where two would share one")
    func folders() async throws {
        let home = try await TenantsHome(2)
        let root = home.home.path + "/tenants"
        let taken = try await home.call(
            "snapshot_take", ["connection": "T1,T2", "to": .string(root), "only": ["named-locations"]])
        #expect(taken.rows.compactMap { $0["folder"]?.string }.sorted() == ["\(root)/T1", "\(root)/T2"])
        let bytes = try #require(try ProtectedFile.read(home.home.paths.registry))
        let text = String(decoding: bytes, as: UTF8.self)
        try ProtectedFile.replace(home.home.paths.registry, with: Array(text.replacing("\"T2\"", with: "\"t1\"").utf8))
        let error = await #expect(throws: MMError.self) {
            try await home.call("snapshot_take", ["connection": "all", "to": .string(root)])
        }
        #expect(error?.code == .invalidInput && error?.details["field"] == "to", "\(String(describing: error))")
        await home.stop()
    }

    @Test("keeps what is done where its process is killed, and asks for the rest alone")
    func killed() async throws {
        let home = try await TenantsHome(3)
        let members = (1...3).map {
            SetFolder.Member(name: "T\($0)", tenant: SandboxOrganization.customer($0).id)
        }
        let folder = try SetFolder(
            .init(operation: "graph_request", arguments: Self.arguments("tag:all"), members: members),
            in: home.service.services.paths)
        // One is done, another has rows and no end.
        try folder.keep(Array(#"{"connection":"T1","kept":true}"#.utf8) + [0x0A], part: 0, of: 0)
        try folder.finish(0, .init(parts: 1, rows: 1))
        try folder.keep(Array(#"{"connection":"T2","half":true}"#.utf8) + [0x0A], part: 0, of: 1)
        let outcome = try await home.call("graph_request", ["resume": .string(folder.name)])
        #expect(outcome.rows(of: 1).map { $0["kept"] } == [true])
        #expect(outcome.rows(of: 2).count == 12)
        #expect(outcome.rows(of: 2).allSatisfy { $0["half"] == nil })
        #expect(outcome.rows(of: 3).count == 12)
        await home.stop()
    }

    @Test("removes what is too old unless somebody runs it, and nobody goes on with what was removed")
    func swept() throws {
        let home = try TestHome()
        func begun() throws -> SetFolder {
            try SetFolder(.init(operation: "graph_request", arguments: [:], members: []), in: home.paths)
        }
        func path(_ folder: SetFolder) -> String { "\(home.paths.stateDirectory)/connection-sets/\(folder.name)" }
        func age(_ folder: SetFolder) {
            let old = timeval(tv_sec: time(nil) - 100_000, tv_usec: 0)
            #expect(utimes(path(folder), [old, old]) == 0)
        }
        let running = try begun()
        let lock = try running.lock()
        age(running)
        let left = try begun()
        #expect(FileStamp.mayExist(path(running) + "/call.json"))
        _ = try left.lock()
        age(left)
        _ = try begun()
        #expect(!FileStamp.mayExist(path(left)))
        // Somebody has opened it just before it was removed.
        let error = #expect(throws: MMError.self) { _ = try left.lock() }
        #expect(error?.code == .notFound)
        #expect(FileStamp.mayExist(path(running) + "/call.json"))
        _ = consume lock
    }

    @Test(
        "sends a change that failed again only if it was refused, and nothing was written there before it",
        arguments: [
            (MMErrorCode.forbidden, [], false), (.forbidden, [.refused], false), (.forbidden, [.done, .refused], true),
            (.forbidden, [.unknown], true), (.unavailable, [], true), (.unavailable, [.refused], true),
        ] as [(MMErrorCode, [JournalEntry.Outcome], Bool)])
    func afterFailure(code: MMErrorCode, outcomes: [JournalEntry.Outcome], mayHaveChanged: Bool) async {
        func entry(_ connection: String, _ outcome: JournalEntry.Outcome) -> JournalEntry {
            var entry = JournalEntry(
                connection: connection, call: "c", session: nil, client: "test", request: "PATCH /v1.0/users/u",
                change: Change(.properties, version: "v1.0", place: "/users/u", subject: .init(id: "u")))
            entry.outcome = outcome
            return entry
        }
        let error = MMError(code, "It failed.")
        let written = outcomes.map { entry("T1", $0) } + [entry("T2", .done)]
        var isRead = false
        let result = await SideBySideWork.mayHaveChanged("T1", error) {
            isRead = true
            return written
        }
        #expect(result == mayHaveChanged)
        // The journal can be long, and only says something about a refusal.
        #expect(isRead == error.isRefusal)
        // What can't be known is taken for done.
        #expect(await SideBySideWork.mayHaveChanged("T1", error) { nil })
    }

    @Test(
        "sends a script again whose session was lost or whose sign-in ended only if it had changed nothing",
        arguments: [
            (.sessionLost, ["sent": true], true), (.sessionLost, ["sent": false], false),
            (.signInNeeded, ["changed": true], true), (.signInNeeded, ["changed": false], false),
        ] as [(MMErrorCode, JSONObject, Bool)])
    func afterLoss(code: MMErrorCode, details: JSONObject, mayHaveChanged: Bool) async {
        let error = MMError(code, "It ended.", details: details)
        #expect(await SideBySideWork.mayHaveChanged("T1", error) { [] } == mayHaveChanged)
    }

    @Test("never sends a change again of which nobody knows whether it was carried out")
    func unknownOutcome() async throws {
        let home = try await TenantsHome(2)
        let members = (1...2).map {
            SetFolder.Member(name: "T\($0)", tenant: SandboxOrganization.customer($0).id)
        }
        let body: JSONValue = [
            "displayName": "Crew", "mailNickname": "crew", "mailEnabled": false, "securityEnabled": true,
        ]
        let arguments: JSONObject = ["connection": "all", "endpoint": "/groups", "method": "POST", "body": body]
        let folder = try SetFolder(
            .init(operation: "graph_request", arguments: arguments, members: members), in: home.service.services.paths)
        try folder.begin(0)
        let person = ChangesHome.YesPerson()
        let outcome = try await home.call("graph_request", ["resume": .string(folder.name)], home.context(person))
        #expect(outcome.rows.map { $0["connection"] } == ["T2"])
        #expect(outcome.end.notes.contains { $0.hasPrefix("failed: T1:") })
        #expect(person.pages.allSatisfy { !$0.contains("T1 (") })
        await home.stop()
    }

    /// Says yes when the time of the call is over.
    private struct LatePerson: ConfirmingPerson {
        var isAtTerminal: Bool { true }
        func showSignIn(_ details: JSONObject) async {}
        func confirm(_ question: ConfirmationQuestion) async throws(MMError) -> Bool {
            try? await Task.sleep(for: .seconds(21))
            return true
        }
    }

    @Test("goes on with a change that was not begun before the time was over")
    func notBegun() async throws {
        let home = try await TenantsHome(2)
        let change: JSONObject = [
            "endpoint": "/groups", "method": "POST",
            "body": ["displayName": "Crew", "mailNickname": "crew", "mailEnabled": false, "securityEnabled": true],
        ]
        let late = try await home.call(
            "graph_request", Self.arguments("all", change), home.context(LatePerson(), within: .seconds(20)))
        #expect(late.rows.isEmpty && late.end.notes.filter { $0.hasPrefix("failed: T") }.count == 2)
        let name = try #require(late.resume)
        let outcome = try await home.call(
            "graph_request", ["resume": .string(name)], home.context(ChangesHome.YesPerson()))
        #expect(outcome.rows.compactMap { $0["connection"]?.string }.sorted() == ["T1", "T2"])
        let groups = try await home.call(
            "graph_request",
            Self.arguments("tag:all", ["endpoint": "/groups?$filter=displayName eq 'Crew'", "all": true]))
        #expect((1...2).map { groups.rows(of: $0).count } == [1, 1])
        await home.stop()
    }

    @Test("goes on with a call of somebody who signed in for them alone, and for the owner")
    func principals() throws {
        let home = try TestHome()
        let call = SetFolder.Call(
            operation: "graph_request", arguments: Self.arguments("all"), members: [], principal: "tenant/ada")
        let name = try SetFolder(call, in: home.paths).name
        let folder = try SetFolder(resuming: name, in: home.paths)
        #expect(try folder.call(for: "tenant/ada").principal == "tenant/ada")
        #expect(try folder.call(for: nil).operation == "graph_request")
        let refusal = #expect(throws: MMError.self) { try folder.call(for: "tenant/bea") }
        #expect(refusal?.code == .notFound)
    }

    @Test("doesn't go on with a connection that names another tenant since")
    func otherTenant() async throws {
        let home = try await TenantsHome(2)
        let members = [
            SetFolder.Member(name: "T1", tenant: SandboxOrganization.customer(2).id),
            SetFolder.Member(name: "T2", tenant: SandboxOrganization.customer(2).id),
        ]
        let folder = try SetFolder(
            .init(operation: "graph_request", arguments: Self.arguments("all"), members: members),
            in: home.service.services.paths)
        let outcome = try await home.call("graph_request", ["resume": .string(folder.name)])
        #expect(outcome.rows(of: 1).isEmpty)
        #expect(outcome.rows(of: 2).count == 12)
        #expect(outcome.end.notes.contains { $0.hasPrefix("failed: T1:") })
        await home.stop()
    }

    @Test(
        "tells at its end that other people wrote rows, also when it goes on with stored ones",
        arguments: [true, false])
    func foreign(isForeign: Bool) throws {
        let home = try TestHome()
        let members = ["A", "B"].map { SetFolder.Member(name: $0, tenant: $0) }
        let folder = try SetFolder(SetFolder.Call(operation: "run", arguments: [:], members: members), in: home.paths)
        var end = SetFolder.End(parts: 0, rows: 1)
        end.isForeign = isForeign
        try folder.finish(1, end)
        let report = SideBySideReport(total: 2) { _ in }
        report.ends("A", SetFolder.End(rows: 1))
        report.ends("B", try #require(folder.end(of: 1)))
        #expect(report.end(resuming: "x").isForeign == isForeign)
    }
}
