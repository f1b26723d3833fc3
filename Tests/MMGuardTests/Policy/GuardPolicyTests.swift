import MMCore
import MMGuard
import Testing

@Suite("Policies", .timeLimit(.minutes(5)))
struct GuardPolicyTests {
    @Test(
        "each class has its decision",
        arguments: [
            (GuardPolicy.Name.standard, "allow allow ask ask ask ask ask ask deny"),
            (.strict, "allow ask ask ask ask ask deny deny deny"),
            (.readonly, "allow deny deny deny deny deny deny deny deny"),
        ])
    func classes(name: GuardPolicy.Name, decisions: String) {
        let policy = GuardPolicy(name)
        #expect(GuardClass.allCases.map { policy.decision(for: $0).rawValue }.joined(separator: " ") == decisions)
    }

    @Test("a class can be overridden, and the strongest decision of several classes wins")
    func overrides() {
        let policy = GuardPolicy(.standard, overrides: [.write: .deny, .send: .allow])
        #expect(policy.decision(for: .send) == .allow)
        #expect(policy.decision(forAll: [.write, .destructive]) == .deny)
        #expect(policy.decision(forAll: [.send, .read]) == .allow)
    }

    @Test(
        "what can't be told from the text is asked for, or denied on careful connections",
        arguments: [
            (GuardPolicy.Name.standard, GuardFinding.Kind.dynamic, GuardDecision.ask), (.strict, .dynamic, .deny),
            (.readonly, .dynamic, .deny), (.standard, .unknown, .ask), (.strict, .unknown, .ask),
            (.readonly, .unknown, .deny), (.standard, .blocked, .deny), (.standard, .warned, .ask),
        ])
    func kinds(name: GuardPolicy.Name, kind: GuardFinding.Kind, decision: GuardDecision) {
        let finding = GuardFinding(rule: "x", classes: .read, kind: kind, reason: "x")
        #expect(GuardPolicy(name).decision(for: finding) == decision)
    }

    @Test(
        "a user who allows a class takes none of the questions away that are asked for another reason",
        arguments: [
            (GuardFinding.Kind.classified, GuardDecision.allow), (.dynamic, .ask), (.unknown, .ask), (.warned, .ask),
            (.sendGuard, .ask), (.blocked, .deny), (.missing, .deny), (.broken, .deny),
        ])
    func allowedClasses(kind: GuardFinding.Kind, decision: GuardDecision) {
        let allowing = Dictionary(uniqueKeysWithValues: GuardClass.allCases.map { ($0, GuardDecision.allow) })
        let finding = GuardFinding(rule: "x", classes: [.write, .send], kind: kind, reason: "x")
        #expect(GuardPolicy(.standard, overrides: allowing, dynamic: .allow).decision(for: finding) == decision)
        // A class that is denied stays denied, whatever the finding's kind.
        let denying = GuardPolicy(.standard, overrides: [.write: .deny], sendGuards: false, warnsOnly: true)
        #expect(denying.decision(for: finding) == .deny)
    }

    @Test("the warned list only warns in earlier servers' profiles")
    func warned() {
        let finding = GuardFinding(rule: "x", classes: .write, kind: .warned, reason: "x")
        #expect(GuardPolicy(.standard, warnsOnly: true).decision(for: finding) == .allow)
    }

    @Test("the strictest class is the one named")
    func strictest() {
        #expect(GuardClassSet([.write, .send, .privilege]).strictest == .privilege)
        #expect(GuardClassSet([.session, .privilege]).strictest == .session)
        #expect(GuardClassSet([.secret, .destructive]).strictest == .secret)
        #expect(GuardClassSet([.external, .destructive]).strictest == .destructive)
        #expect(GuardClassSet([]).strictest == .read)
        #expect(GuardClass(word: "secret-read") == .secret)
        #expect(GuardClass(word: "external-sharing") == .external)
    }
}
