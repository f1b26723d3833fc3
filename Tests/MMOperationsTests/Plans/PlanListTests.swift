import Glibc
import MMCore
import TestSupport
import Testing

@testable import MMOperations

@Suite("The list of plans", .timeLimit(.minutes(5)))
struct PlanListTests {
    @Test("names a damaged plan and lists the others", arguments: [0, 40])
    func damaged(length: Int) async throws {
        let home = try await PlanHome()
        let users = try await home.users(2)
        let lost = try await home.plan([PlanHome.request("DELETE", "/users/\(users[0])")])
        let path = PlanShelf(home.tenant.home.paths).path(lost["digest"]?.string ?? "", .plan)
        let bytes = try #require(try ProtectedFile.read(path))
        try ProtectedFile.replace(path, with: Array(bytes.prefix(length)))
        let alone = try await home.tenant.call("plan_list", [:])
        #expect(ChangesHome.value(alone).array == [])
        #expect(alone.notes.count == 1 && alone.notes[0].contains(path), "\(alone.notes)")
        let other = try await home.plan([PlanHome.request("DELETE", "/users/\(users[1])")])
        let both = try await home.tenant.call("plan_list", [:])
        #expect(ChangesHome.value(both).array?.map { $0["plan"] } == [other["plan"]])
        #expect(both.notes == alone.notes)
        await home.tenant.stop()
    }

    @Test("tells of a folder of plans that can't be reached, instead of saying that there are no plans")
    func unreachableFolder() async throws {
        let home = try await PlanHome()
        let plan = try await home.plan([PlanHome.request("DELETE", "/users/\(try await home.users(1)[0])")])
        let folder = PlanShelf(home.tenant.home.paths).directory
        #expect(rename(folder, folder + "-moved") == 0)
        try ProtectedFile.replace(folder, with: [])
        for (operation, arguments) in [("plan_list", [:]), ("plan_show", ["plan": plan["plan"] ?? .null])]
            as [(String, JSONObject)]
        {
            let error = await #expect(throws: MMError.self) { try await home.tenant.call(operation, arguments) }
            #expect(error?.message.contains(folder) == true, "\(operation): \(error?.message ?? "")")
        }
        await home.tenant.stop()
    }

    @Test("names the progress of a plan that can't be read, and lists the plan")
    func progress() async throws {
        let home = try await PlanHome()
        let user = try await home.users(1)[0]
        let plan = try await home.plan([PlanHome.request("DELETE", "/users/\(user)")])
        let path = PlanShelf(home.tenant.home.paths).path(plan["digest"]?.string ?? "", .progress)
        try ProtectedFile.makeDirectory(path)
        let list = try await home.tenant.call("plan_list", [:])
        #expect(ChangesHome.value(list).array?.map { $0["state"] } == ["unreadable"])
        #expect(list.notes.count == 1 && list.notes[0].contains(path), "\(list.notes)")
        await home.tenant.stop()
    }

    @Test(
        "says how far a plan is, and never that a step was applied of which nobody knows",
        arguments: [
            ([.done, .done], "applied"), ([.done, .unknown], "partly applied: 1 of 2, unknown: 1"),
            ([.unknown, .unknown], "partly applied: 0 of 2, unknown: 2"), ([.done, .failed], "partly applied: 1 of 2"),
            ([.done, nil], "partly applied: 1 of 2, unknown: 1"), ([], "planned"),
        ] as [([PlanProgress.Outcome?], String)])
    func state(outcomes: [PlanProgress.Outcome?], word: String) async throws {
        let home = try await PlanHome()
        let plan = try await home.plan(
            try await home.users(2).map { PlanHome.request("PATCH", "/users/\($0)", ["city": "Rome"]) })
        var progress = try PlanProgress(PlanShelf(home.tenant.home.paths), plan["digest"]?.string ?? "")
        for (number, outcome) in outcomes.enumerated() {
            try progress.begins(number, as: "abcdefghijkl", alike: nil)
            if let outcome { try progress.ends(number, outcome, [:]) }
        }
        let list = try await home.tenant.call("plan_list", [:])
        #expect(ChangesHome.value(list).array?.map { $0["state"]?.string } == [word])
        await home.tenant.stop()
    }
}
