import Glibc
import MMCore
import TestSupport
import Testing

@testable import MMOperations

/// Random plans on one tenant, with a rival who writes between a plan and its apply.
@Suite("Plans and a rival", .timeLimit(.minutes(30)))
struct PlanPropertyTests {
    /// How many plans of each seed: few in the usual run, as many as one wants by MM_RANDOM_PLANS.
    private static let count = getenv("MM_RANDOM_PLANS").flatMap { Int(String(cString: $0)) } ?? 40

    private struct World {
        let home: PlanHome
        let users: [String]
        let groups: [String]
        var random: SeededRandom

        /// One write, of an object that may be the rival's as well.
        mutating func write(_ place: Int) -> JSONValue {
            let user = users[place % users.count]
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<6:
                let names = ["city", "department"]
                let name = names[Int.random(in: 0..<names.count, using: &random)]
                return PlanHome.request("PATCH", "/users/\(user)", [name: .string("v\(random.next() % 5)")])
            case 6..<8:
                let group = groups[place % groups.count]
                return PlanHome.request(
                    "PATCH", "/groups/\(group)", ["description": .string("d\(random.next() % 5)")])
            default:
                return PlanHome.run(
                    "Set-Mailbox \(user) -CustomAttribute\(1 + Int.random(in: 0..<3, using: &random)) 'c\(random.next() % 4)'"
                )
            }
        }
    }

    /// The objects and properties that a call writes, by their names.
    private static func slots(of step: JSONValue) -> Set<String> {
        Set(
            (step["lines"]?.array ?? []).compactMap { line in
                line.string.map { "\(step["change"]?.string?.suffix(60) ?? "") \($0.prefix { $0 != ":" })" }
            })
    }

    @Test(
        "no plan is applied on a state that has changed, and nothing is sent beyond it",
        arguments: [1, 2] as [UInt64])
    func rival(seed: UInt64) async throws {
        let home = try await PlanHome(users: 60)
        let groups = try await home.tenant.list("/groups?$select=id,groupTypes,mailEnabled&$top=8")
        var world = World(
            home: home, users: try await home.users(12), groups: groups.compactMap { $0["id"]?.string },
            random: SeededRandom(seed: seed))
        var (applied, refused) = (0, 0)
        for _ in 0..<Self.count {
            let count = Int.random(in: 1...4, using: &world.random)
            var calls: [JSONValue] = []
            for _ in 0..<count { calls.append(world.write(Int.random(in: 0..<3, using: &world.random))) }
            let plan = try await home.plan(calls)
            let steps = plan["steps"]?.array ?? []
            guard !steps.isEmpty else { continue }
            try await home.approve(plan)
            // The rival writes one of the same objects, or another one, or nothing.
            var rival: Set<String> = []
            if Int.random(in: 0..<4, using: &world.random) > 0 {
                let call = world.write(Int.random(in: 0..<3, using: &world.random))
                let made = try await home.plan([call])
                rival = (made["steps"]?.array ?? []).reduce(into: []) { $0.formUnion(Self.slots(of: $1)) }
                if !rival.isEmpty {
                    try await home.approve(made)
                    _ = try await home.apply(made)
                }
            }
            let touched = steps.reduce(into: Set<String>()) { $0.formUnion(Self.slots(of: $1)) }
            let before = try await home.tenant.newest()?.id
            do throws(MMError) {
                let answer = try await home.apply(plan)
                applied += 1
                #expect(touched.isDisjoint(with: rival), "applied over the rival: \(touched.intersection(rival))")
                #expect(ChangesHome.value(answer)["done"]?.int == steps.count)
                let sent = try await home.tenant.journal.entries().reversed().prefix { $0.id != before }
                    .reversed().map(\.request)
                let planned = steps.compactMap { $0["request"]?.string }
                #expect(sent.count == planned.count)
                for (one, other) in zip(sent, planned) { #expect(one.prefix(40) == other.prefix(40)) }
            } catch {
                refused += 1
                #expect(error.code == .conflict, "\(error.message)")
                #expect(!touched.isDisjoint(with: rival), "refused without a reason: \(error.message)")
                #expect(try await home.tenant.newest()?.id == before)
            }
        }
        #expect(applied * 5 > Self.count * 2 && refused * 50 > Self.count, "\(applied) applied, \(refused) refused")
        await home.tenant.stop()
    }
}
