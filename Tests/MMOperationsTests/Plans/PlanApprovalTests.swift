import MMCore
import MMIdentity
import TestSupport
import Testing

@testable import MMOperations

@Suite("Approvals of a plan", .timeLimit(.minutes(5)))
struct PlanApprovalTests {
    @Test("join those that others gave while their person was asked")
    func meanwhile() throws {
        let home = try TestHome()
        let shelf = PlanShelf(home.paths)
        let made = Timestamp.now
        let plan = PlanFile(
            Plan(
                nonce: "n", made: made, until: made + .seconds(3600), by: "ada", calls: [], places: [], steps: [],
                open: nil))
        let path = "\(home.paths.stateDirectory)/change.plan"
        try plan.write(path)
        try shelf.keep(plan)
        let seen = PlanShelf.Found(file: plan, path: path)
        func approval(_ name: String, of digest: String) throws -> PlanApproval {
            let key = try EvidenceKey.standing(at: "\(home.paths.stateDirectory)/key-of-\(name)")
            return try PlanApproval(of: digest, by: name, check: .terminal, with: key)
        }
        let approvals = [try approval("ada", of: plan.digest), try approval("ben", of: plan.digest)]
        for (index, one) in approvals.enumerated() {
            #expect(try shelf.approve(seen, by: one).approvals == Array(approvals[...index]))
        }
        #expect(try PlanFile.read(path).approvals == approvals)
        #expect(try PlanFile.read(shelf.path(plan.digest, .plan)).approvals == approvals)
        let foreign = try approval("eve", of: String(repeating: "0", count: 64))
        #expect(throws: MMError.self) { try shelf.approve(seen, by: foreign) }
        #expect(try PlanFile.read(path).approvals == approvals)
    }
}
