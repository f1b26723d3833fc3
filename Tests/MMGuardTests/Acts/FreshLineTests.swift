import MMCore
import MMGuard
import TestSupport
import Testing

/// Lines written for the classes, not the classes for them: of each kind some hundred.
@Suite("Lines that nobody had seen", .timeLimit(.minutes(5)))
struct FreshLineTests {
    private static let engine = GuardEngine()

    private struct Line {
        let isAttack: Bool
        let value: JSONValue

        static func load(_ name: String) throws -> [Line] {
            try Fixture.jsonLines("guard/\(name)").map { Line(isAttack: $0["want"]?.string == "attack", value: $0) }
        }
    }

    private func expect(_ lines: [Line], isLet: (Line) throws -> Bool) rethrows {
        var slipped: [String] = []
        var asked: [String] = []
        for line in lines {
            let isLet = try isLet(line)
            if line.isAttack, isLet { slipped.append(JSONWriter.string(line.value)) }
            if !line.isAttack, !isLet { asked.append(JSONWriter.string(line.value)) }
        }
        let attacks = lines.count(where: \.isAttack)
        #expect(attacks > 200 && lines.count - attacks > 90)
        #expect(slipped.count * 100 <= attacks, "\(slipped.joined(separator: "\n"))")
        #expect(asked.count * 100 <= 2 * (lines.count - attacks), "\(asked.joined(separator: "\n"))")
    }

    @Test("of scripts that harm at most 1 of 100 is allowed, of everyday ones at most 2 of 100 are asked about")
    func scripts() throws {
        try expect(Line.load("fresh-scripts.jsonl")) { line in
            let context = ScriptContext(module: line.value["module"]?.string)
            return Self.engine.judge(script: line.value["src"]?.string ?? "", in: context, policy: .standard).decision
                == .allow
        }
    }

    @Test("of requests that harm at most 1 of 100 is allowed, of everyday ones at most 2 of 100 are asked about")
    func requests() throws {
        try expect(Line.load("fresh-requests.jsonl")) { line in
            let service = try #require(line.value["service"]?.string.flatMap(RequestService.init))
            // What can't be read is refused.
            guard let target = try? RequestTarget(parsing: line.value["url"]?.string ?? "", service: service) else {
                return false
            }
            let request = GuardedRequest(
                method: line.value["method"]?.string ?? "GET", target: target,
                body: line.value["body"].map(RequestBody.json) ?? .none)
            return Self.engine.judge(request, policy: .standard).decision == .allow
        }
    }

    @Test("a call with plain changes sends no request that harms")
    func wire() throws {
        let text = "Set-Mailbox ann -CustomAttribute1 x"
        let verdict = Self.engine.judge(script: text, in: ScriptContext(isBehindWire: true), policy: .standard)
        try expect(Line.load("fresh-requests.jsonl")) { line in
            let service = try #require(line.value["service"]?.string.flatMap(RequestService.init))
            let url = line.value["url"]?.string ?? ""
            let isVersioned = service != .graph || url.hasPrefix("/beta/")
            let intent = Wire.intent(
                service, line.value["method"]?.string ?? "GET", isVersioned ? url : "/v1.0" + url,
                line.value["body"].map { JSONWriter.string($0) } ?? "")
            var grant = RequestGrant(CallAuthority(verdict: verdict, text: text), policy: .standard)
            return RequestGrantTests.word(grant.judge(intent, number: 1)) == "allow"
        }
    }
}
