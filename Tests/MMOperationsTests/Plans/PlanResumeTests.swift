import Glibc
import MMCore
import TestSupport
import Testing

@testable import MMOperations

/// An apply that ended in the middle, and the one that goes on: what stands on disk is what a process leaves that is
/// killed.
@Suite("Plans that go on", .timeLimit(.minutes(10)))
struct PlanResumeTests {
    /// Where a process was killed.
    enum End: CaseIterable {
        /// Before the step reached the journal.
        case beforeJournal
        /// After it was sent, before its end was noted anywhere.
        case afterSending
        /// After the journal's line, before the plan's own.
        case afterJournal
    }

    private func progress(_ home: PlanHome, _ plan: JSONValue) throws -> (path: String, lines: [String]) {
        let path = PlanShelf(home.tenant.home.paths).path(plan["digest"]?.string ?? "", .progress)
        let text = String(decoding: try ProtectedFile.read(path) ?? [], as: UTF8.self)
        return (path, text.split(separator: "\n").map(String.init))
    }

    /// Leaves what a killed process leaves of the last step.
    private func kill(_ home: PlanHome, _ plan: JSONValue, at end: End) throws {
        let (path, lines) = try progress(home, plan)
        var kept = lines.filter { !$0.contains("\"end\"") }
        // A line that was being written.
        kept.append("{\"end\":0,\"outc")
        try ProtectedFile.replace(path, with: Array(kept.joined(separator: "\n").utf8))
        if end == .afterSending { try home.tenant.forgetEnd() }
    }

    private func groups(_ home: PlanHome, _ name: String) async throws -> Int {
        try await home.tenant.list("/groups?$filter=displayName eq '\(name)'&$select=id").count
    }

    private static let group = PlanHome.request(
        "POST", "/groups",
        ["displayName": "Crew", "mailNickname": "crew", "mailEnabled": false, "securityEnabled": true])

    @Test(
        "what was created before the end is found and not created again", arguments: [End.afterSending, .afterJournal])
    func creation(end: End) async throws {
        let home = try await PlanHome()
        let plan = try await home.plan([Self.group])
        try await home.approve(plan)
        _ = try await home.apply(plan)
        try kill(home, plan, at: end)
        let answer = try await home.apply(plan)
        #expect(ChangesHome.value(answer)["done"] == 1 && answer.exitStatus == 0)
        #expect(try await groups(home, "Crew") == 1)
        await home.tenant.stop()
    }

    @Test("a creation whose wait for the service was cancelled isn't taken for one that the service never received")
    func cancelledWait() async throws {
        let home = try await PlanHome()
        let plan = try await home.plan([Self.group])
        try await home.approve(plan)
        _ = try await home.apply(plan)
        try kill(home, plan, at: .afterSending)
        let id = try await home.tenant.list("/groups?$filter=displayName eq 'Crew'&$select=id")[0]["id"]?.string
        try await home.tenant.graph("DELETE", "/groups/\(id ?? "")")
        // It was begun so late that the wait lasts until it is cancelled.
        let (path, lines) = try progress(home, plan)
        let begun = lines.map { line -> String in
            guard var object = (try? JSONParser.parse(line))?.object, object["begin"] != nil else { return line }
            object["at"] = .string((Timestamp.now + .seconds(86_400)).iso8601Milliseconds)
            return JSONWriter.string(.object(object))
        }
        try ProtectedFile.replace(path, with: Array(begun.joined(separator: "\n").utf8))
        let before = try await home.tenant.requests(of: "/groups")
        let applying = Task { try await home.apply(plan) }
        while try await home.tenant.requests(of: "/groups") < before + 2 {
            try await Task.sleep(for: .milliseconds(20))
        }
        applying.cancel()
        _ = await applying.result
        let left = try PlanProgress(PlanShelf(home.tenant.home.paths), plan["digest"]?.string ?? "")
        #expect(left.steps[0]?.known == .unknown)
        let entries = try await home.tenant.service.services.requestServices.journal.entries()
        #expect(entries.first { $0.change.kind == .creation }?.outcome == .unknown)
        await home.tenant.stop()
    }

    @Test("what never reached the journal was never sent: it is sent now, once, on the yes that was given")
    func neverSent() async throws {
        let home = try await PlanHome()
        let plan = try await home.plan([Self.group])
        let path = PlanShelf(home.tenant.home.paths).path(plan["digest"]?.string ?? "", .progress)
        let lines = [
            #"{"applies":"abcdefghijkl"}"#, #"{"cleared":{"by":["ada"],"means":"signed"}}"#,
            #"{"begin":0,"call":"mnopqrstuvwx","at":"\#(Timestamp.now.iso8601Milliseconds)","alike":[]}"#,
        ]
        try ProtectedFile.replace(path, with: Array((lines.joined(separator: "\n") + "\n").utf8))
        _ = try await home.apply(plan)
        _ = try await home.apply(plan)
        #expect(try await groups(home, "Crew") == 1)
        await home.tenant.stop()
    }

    @Test("a plan whose time is over says so, and how to go on")
    func outOfTime() async throws {
        let home = try await PlanHome()
        let users = try await home.users(2)
        let plan = try await home.plan(users.map { PlanHome.request("PATCH", "/users/\($0)", ["city": "Rome"]) })
        try await home.tenant.control(
            "POST", "faults",
            ["kind": "latency", "milliseconds": 600_000, "path": "/v1.0/users", "method": "PATCH"])
        // A slow machine is given more time: the objects have to be read before it is over.
        var limit = Duration.seconds(3)
        var answer: OperationAnswer?
        while answer == nil, limit < .seconds(200) {
            var context = home.tenant.context(nil)
            context.timeLimit = limit
            let arguments: JSONObject = ["plan": plan["plan"] ?? .null, "skip": true]
            answer = try? await home.tenant.service.call("apply", arguments, in: context)
            limit = limit * 3
        }
        #expect(answer?.missing?.contains("The time limit passed") == true, "\(answer?.missing ?? "none")")
        try await home.tenant.control("DELETE", "faults")
        await home.tenant.stop()
    }

    @Test("a change of properties that was sent is known by its object", arguments: [End.afterSending, .afterJournal])
    func properties(end: End) async throws {
        let home = try await PlanHome()
        let users = try await home.users(2)
        let plan = try await home.plan(users.map { PlanHome.request("PATCH", "/users/\($0)", ["city": "Rome"]) })
        _ = try await home.apply(plan)
        try kill(home, plan, at: end)
        let writes = try await home.writes()
        let answer = try await home.apply(plan)
        #expect(answer.exitStatus == 0)
        #expect(try await home.writes() == writes)
        await home.tenant.stop()
    }

    @Test("a message of which nobody knows is never sent twice, and is reported")
    func unknown() async throws {
        let home = try await PlanHome()
        let plan = try await home.plan([
            PlanHome.request(
                "POST", "/me/sendMail",
                [
                    "message": [
                        "subject": "Planned", "body": ["contentType": "Text", "content": "Hello"],
                        "toRecipients": [["emailAddress": ["address": "lena.vogt@contoso-sandbox.example"]]],
                    ]
                ])
        ])
        try await home.approve(plan)
        _ = try await home.apply(plan)
        #expect(try await home.tenant.requests(of: "sendMail") == 1)
        try kill(home, plan, at: .afterSending)
        for _ in 0..<2 {
            let answer = try await home.apply(plan)
            #expect(answer.exitStatus == 1)
            #expect(ChangesHome.value(answer)["steps"]?.array?[0]["result"] == "unknown")
        }
        #expect(try await home.tenant.requests(of: "sendMail") == 1)
        await home.tenant.stop()
    }

    @Test("a creation whose answer was lost isn't planned again by the same calls, before its outcome is known")
    func lostCreation() async throws {
        let home = try await PlanHome()
        let calls = [
            PlanHome.request(
                "POST", "/groups",
                [
                    "displayName": "Crew", "mailNickname": "crew", "mailEnabled": true, "securityEnabled": false,
                    "groupTypes": ["Unified"],
                ])
        ]
        let plan = try await home.plan(calls)
        try await home.tenant.control(
            "POST", "faults", ["kind": "status", "status": 500, "path": "/v1.0/groups", "method": "POST"])
        _ = try await home.apply(plan)
        try await home.tenant.control("DELETE", "faults")
        let again = try await home.plan(calls)
        #expect(again["steps"] == [], "\(again)")
        #expect(again["open"]?.string?.contains("unknown whether POST") == true, "\(again)")
        await home.tenant.stop()
    }

    @Test("a step whose answer tells nothing is unknown in the answer and the receipt, until its object tells")
    func lostAnswer() async throws {
        let home = try await PlanHome()
        let user = try await home.users(1)[0]
        let plan = try await home.plan([PlanHome.request("PATCH", "/users/\(user)", ["city": "Rome"])])
        try await home.tenant.control(
            "POST", "faults", ["kind": "status", "status": 500, "path": "/v1.0/users", "method": "PATCH"])
        let answer = ChangesHome.value(try await home.apply(plan))
        #expect(answer["steps"]?.array?[0]["result"] == "unknown")
        #expect(answer["receipt"]?["receipt"]?["steps"]?.array?[0]["result"] == "unknown")
        let why = answer["steps"]?.array?[0]["why"]?.string ?? ""
        #expect(why.contains("unknown whether it was applied; the next mm apply") && why.contains("500"), "\(why)")
        let list = ChangesHome.value(try await home.tenant.call("plan_list", [:]))
        #expect(list.array?[0]["state"] == "partly applied: 0 of 1, unknown: 1", "\(list)")
        try await home.tenant.control("DELETE", "faults")
        let again = try await home.apply(plan)
        #expect(ChangesHome.value(again)["done"] == 1 && again.exitStatus == 0)
        #expect(try await home.written("/users/\(user)", "city") == "Rome")
        await home.tenant.stop()
    }

    @Test("a step that is known by its object counts as applied, also when no other one is left")
    func foundLater() async throws {
        let home = try await PlanHome()
        let user = try await home.users(1)[0]
        let plan = try await home.plan([PlanHome.request("PATCH", "/users/\(user)", ["city": "Rome"])])
        _ = try await home.apply(plan)
        let (path, lines) = try progress(home, plan)
        let kept = lines.filter { !$0.contains("\"end\"") } + [#"{"end":0,"outcome":"unknown","told":{}}"#]
        try ProtectedFile.replace(path, with: Array((kept.joined(separator: "\n") + "\n").utf8))
        try home.tenant.forgetEnd()
        let writes = try await home.writes()
        let answer = try await home.apply(plan)
        #expect(ChangesHome.value(answer)["steps"]?.array?[0]["result"] == "done" && answer.exitStatus == 0)
        #expect(try await home.writes() == writes)
        await home.tenant.stop()
    }

    @Test("a begun plan that can't be read stops a new plan of the same calls, which would apply its steps again")
    func damagedPlan() async throws {
        let home = try await PlanHome()
        let calls = try await home.users(2).map { PlanHome.request("PATCH", "/users/\($0)", ["city": "Rome"]) }
        let plan = try await home.plan(calls)
        let shelf = PlanShelf(home.tenant.home.paths)
        let digest = plan["digest"]?.string ?? ""
        let path = shelf.path(digest, .plan)
        try shelf.begins(try PlanFile.read(path), for: nil)
        var progress = try PlanProgress(shelf, digest)
        try progress.begins(0, as: "abcdefghijkl", alike: nil)
        try progress.ends(0, .done, [:])
        let bytes = try #require(try ProtectedFile.read(path))
        try ProtectedFile.replace(path, with: Array(bytes.dropLast(40)))
        let error = await #expect(throws: MMError.self) { try await home.plan(calls) }
        #expect(error?.code == .conflict && error?.message.contains(path) == true, "\(error?.message ?? "")")
        #expect(error?.hint?.contains("--anew") == true)
        let anew = try await home.tenant.call("plan", ["calls": .array(calls), "anew": true])
        #expect(ChangesHome.value(anew)["after"] == nil)
        await home.tenant.stop()
    }

    @Test("what was applied is reported where the receipt and the progress can't be written")
    func fullDisk() async throws {
        let home = try await PlanHome()
        let users = try await home.users(2)
        let plan = try await home.plan(users.map { PlanHome.request("PATCH", "/users/\($0)", ["city": "Rome"]) })
        let shelf = PlanShelf(home.tenant.home.paths)
        try ProtectedFile.makeDirectory(shelf.path(plan["digest"]?.string ?? "", .receipt))
        let answer = try await home.apply(plan)
        #expect(ChangesHome.value(answer)["done"] == 2 && answer.exitStatus != 0)
        #expect(answer.missing?.contains(".receipt") == true, "\(answer.missing ?? "")")
        await home.tenant.stop()
    }

    @Test("a step's line that a full disk has cut off spoils none that follows")
    func tornLine() throws {
        let home = try TestHome()
        let shelf = PlanShelf(home.paths)
        let digest = String(repeating: "a", count: 64)
        let path = shelf.path(digest, .progress)
        var progress = try PlanProgress(shelf, digest)
        try progress.begins(0, as: "abcdefghijkl", alike: nil)
        // Nothing can be written to a folder, and what comes later finds the rest of a line.
        let bytes = try #require(try ProtectedFile.read(path))
        try ProtectedFile.remove(path)
        try ProtectedFile.makeDirectory(path)
        #expect(throws: MMError.self) { try progress.ends(0, .done, [:]) }
        #expect(progress.steps[0]?.outcome == .done)
        #expect(rmdir(path) == 0)
        try ProtectedFile.replace(path, with: bytes + Array(#"{"end":0,"outc"#.utf8))
        try progress.begins(1, as: "mnopqrstuvwx", alike: nil)
        #expect(try PlanProgress(shelf, digest).steps.keys.sorted() == [0, 1])
    }
}
