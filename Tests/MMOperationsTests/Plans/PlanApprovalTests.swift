import MMCore
import MMDesk
import MMGraph
import MMGuard
import MMIdentity
import TestSupport
import Testing

@testable import MMOperations

@Suite("Approvals of a plan", .timeLimit(.minutes(5)))
struct PlanApprovalTests {
    private let home: TestHome
    private let shelf: PlanShelf
    private let plan: PlanFile
    private let path: String

    init() throws {
        home = try TestHome()
        shelf = PlanShelf(home.paths)
        let made = Timestamp.now
        plan = PlanFile(
            Plan(
                nonce: "n", made: made, until: made + .seconds(3600), by: "ada", calls: [], places: [], steps: [],
                open: nil))
        path = "\(home.paths.stateDirectory)/change.plan"
        try plan.write(path)
    }

    private func approval(_ name: String, of digest: String) throws -> PlanApproval {
        let key = try EvidenceKey.standing(at: "\(home.paths.stateDirectory)/key-of-\(name)")
        return try PlanApproval(of: digest, by: name, check: .terminal, with: key)
    }

    @Test("join those that others gave while their person was asked")
    func meanwhile() async throws {
        try await shelf.keep(plan)
        let seen = PlanShelf.Found(file: plan, path: path)
        let approvals = [try approval("ada", of: plan.digest), try approval("ben", of: plan.digest)]
        for (index, one) in approvals.enumerated() {
            #expect(try await shelf.approve(seen, by: one).approvals == Array(approvals[...index]))
        }
        #expect(try PlanFile.read(path).approvals == approvals)
        #expect(try PlanFile.read(shelf.path(plan.digest, .plan)).approvals == approvals)
        let foreign = try approval("eve", of: String(repeating: "0", count: 64))
        await #expect(throws: MMError.self) { try await shelf.approve(seen, by: foreign) }
        #expect(try PlanFile.read(path).approvals == approvals)
    }

    @Test("given in the same instant are all kept, in the file and in its copy")
    func atOnce() async throws {
        let approvals = try (0..<12).map { try approval("person\($0)", of: plan.digest) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for one in approvals {
                group.addTask { [shelf, plan, path] in
                    _ = try await shelf.approve(PlanShelf.Found(file: plan, path: path), by: one)
                }
            }
            try await group.waitForAll()
        }
        #expect(Set(try PlanFile.read(path).approvals) == Set(approvals))
        #expect(Set(try PlanFile.read(shelf.path(plan.digest, .plan)).approvals) == Set(approvals))
    }

    @Test("are shown to be missing as an apply counts them: by the keys that are known here")
    func missingApprovals() async throws {
        let home = try await PlanHome()
        let users = try await home.users(2)
        let plan = try await home.plan([PlanHome.request("DELETE", "/users/\(users[0])")])
        let free = try await home.plan([PlanHome.request("PATCH", "/users/\(users[1])", ["city": "Rome"])])
        func shown(_ plan: JSONValue) async throws -> (missing: JSONValue?, text: String) {
            let answer = try await home.tenant.call("plan_show", ["plan": plan["plan"] ?? .null])
            return (ChangesHome.value(answer)["approvalsMissing"], answer.text ?? "")
        }
        #expect(try await shown(free).missing == nil)
        try home.tenant.edit { entries in
            var entry = entries["Demo"]?.object ?? [:]
            entry["guard"] = ["approvals": 2]
            entries["Demo"] = .object(entry)
        }
        #expect(try await shown(plan).text.contains("Approvals still needed: 2."))
        // A signature with a key that nobody here knows doesn't count.
        let far = try EvidenceKey.standing(at: try TestHome().paths.evidenceKey)
        try await home.approve(plan, with: far)
        let unknown = try await shown(plan)
        #expect(unknown.missing == 2 && unknown.text.contains("ada signed with a key"), "\(unknown.text)")
        try await home.approve(plan)
        #expect(try await shown(plan).missing == 1)
        try home.tenant.edit { entries in
            var entry = entries["Demo"]?.object ?? [:]
            entry["approvers"] = ["grace": .string(far.publicText)]
            entries["Demo"] = .object(entry)
        }
        let enough = try await shown(plan)
        #expect(enough.missing == 0 && !enough.text.contains("still needed"), "\(enough.text)")
        _ = try await home.apply(plan)
        #expect(try await shown(plan).missing == nil)
        await home.tenant.stop()
    }

    @Test(
        "hold for exactly its steps: another method, address or body is none of them",
        arguments: [
            ("PATCH", "/v1.0/users/1", "{}", true), ("PATCH", "/v1.0/users/2", "{}", true),
            ("PUT", "/v1.0/users/1", "{}", false), ("PATCH", "/v1.0/users/3", "{}", false),
            ("PATCH", "/v1.0/users/1?x=1", "{}", false), ("PATCH", "/v1.0/users/1", "{} ", false),
            ("PATCH", "/v1.0/users/1", nil, false),
        ] as [(String, String, String?, Bool)])
    func strangers(method: String, path: String, body: String?, isStep: Bool) throws {
        let steps = (1...2).map { number in
            PlanStep(
                call: 0, part: nil, connection: "Demo", module: "graph-api",
                act: .request(
                    .init(
                        resource: "graph", method: "PATCH", address: "/v1.0/users/\(number)", headers: [:],
                        body: Array("{}".utf8), contentType: "application/json")),
                guardClass: .write, decision: .allow, reason: "", change: nil, state: PlanState())
        }
        let guarding = OperationServices(environment: home.environment).requestServices.guarding
        let request = try GraphRequest(
            method: method, target: RequestTarget(parsing: path, service: .graph), body: body.map { Array($0.utf8) })
        let verdict = try guarding.guards.engine().judge(request.guarded, policy: .standard)
        #expect(try PlanAct(steps, guarding: guarding).holds(request, under: verdict) == isStep)
    }
}
