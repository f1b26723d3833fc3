import MMCore
import MMGuard
import TestSupport
import Testing

/// One recorded script with the session it is meant for.
struct ScriptCase: Sendable, CustomTestStringConvertible {
    let id: String
    let family: String
    let module: String
    let script: String

    var testDescription: String { "\(id): \(script)" }

    static func load(_ name: String) throws -> [ScriptCase] {
        try Fixture.jsonLines("guard/\(name)").map { line in
            ScriptCase(
                id: line["id"]?.string ?? "", family: line["family"]?.string ?? "",
                module: line["module"]?.string ?? "", script: line["script"]?.string ?? "")
        }
    }
}

@Suite("Attacks and everyday scripts", .timeLimit(.minutes(5)))
struct AttackCaseTests {
    private static let engine = GuardEngine()

    private func verdict(_ one: ScriptCase) -> Verdict {
        Self.engine.judge(script: one.script, in: ScriptContext(module: one.module), policy: .standard)
    }

    @Test("no script that hides a change, a secret or a foreign address is allowed")
    func attacks() throws {
        let cases = try ScriptCase.load("attack-cases.jsonl")
        #expect(cases.count > 390)
        var allowed: [String: [String]] = [:]
        for one in cases where verdict(one).decision == .allow {
            allowed[one.family, default: []].append(one.testDescription)
        }
        for (family, scripts) in allowed.sorted(by: { $0.key < $1.key }) {
            Issue.record("\(family):\n\(scripts.joined(separator: "\n"))")
        }
    }

    @Test("at most 3 of 100 everyday scripts are asked about")
    func everyday() throws {
        let cases = try ScriptCase.load("everyday-cases.jsonl")
        var asked: [String] = []
        for one in cases {
            let verdict = verdict(one)
            if verdict.decision != .allow { asked.append("\(one.testDescription): \(verdict.rule) \(verdict.reason)") }
        }
        #expect(asked.count * 100 <= cases.count * 3, "\(asked.joined(separator: "\n"))")
    }
}
