import MMCore
import TestSupport
import Testing

@testable import MMPowerShell

@Suite("The life of a session", .timeLimit(.minutes(5)))
struct SessionMachineTests {
    private let prompt = DevicePrompt(userCode: "FXK3T9QMB", page: "https://x", message: "")

    private func word(_ advice: SessionMachine.Advice) -> String {
        switch advice {
        case .run: "run"
        case .open: "open"
        case .wait: "wait"
        case .signIn: "sign in"
        case .fail: "fail"
        }
    }

    @Test("off, opening, a code, ready")
    func straight() {
        var machine = SessionMachine()
        #expect(word(machine.advise(awaited: nil)) == "open")
        let number = machine.beginOpening()
        #expect(number == 1)
        let second = machine.beginOpening()
        #expect(second == nil)
        #expect(word(machine.advise(awaited: 1)) == "wait")
        machine.show(prompt, in: 1)
        #expect(word(machine.advise(awaited: nil)) == "sign in")
        let isOpen = machine.opened(.none, in: 1)
        #expect(isOpen)
        #expect(word(machine.advise(awaited: nil)) == "run")
    }

    @Test("a failure goes to those who waited for it; who comes later begins anew")
    func failure() {
        var machine = SessionMachine()
        _ = machine.beginOpening()
        machine.failed(MMError(.unavailable, "no"), in: 1)
        #expect(word(machine.advise(awaited: 1)) == "fail")
        #expect(word(machine.advise(awaited: nil)) == "open")
        let second = machine.beginOpening()
        #expect(second == 2)
    }

    @Test("news of an older opening change nothing")
    func old() {
        var machine = SessionMachine()
        _ = machine.beginOpening()
        machine.failed(MMError(.unavailable, "no"), in: 1)
        _ = machine.beginOpening()
        machine.show(prompt, in: 1)
        let isOpen = machine.opened(.none, in: 1)
        #expect(!isOpen)
        machine.failed(MMError(.unavailable, "no"), in: 1)
        #expect(word(machine.advise(awaited: 2)) == "wait")
        let isOpenNow = machine.opened(.none, in: 2)
        let isLost = machine.lost("x", in: 1)
        #expect(isOpenNow && !isLost)
        machine.signedOut(in: 1)
        #expect(word(machine.advise(awaited: nil)) == "run")
    }

    @Test("a lost session is opened again, a closed one never")
    func ends() {
        var machine = SessionMachine()
        _ = machine.beginOpening()
        _ = machine.opened(.none, in: 1)
        let isLost = machine.lost("it ended", in: 1)
        #expect(isLost && machine.lossReason == "it ended" && machine.losses == 1)
        #expect(word(machine.advise(awaited: nil)) == "open")
        machine.close()
        let again = machine.beginOpening()
        let isOpen = machine.opened(.none, in: 1)
        #expect(again == nil && !isOpen)
        #expect(word(machine.advise(awaited: nil)) == "fail")
    }

    @Test("commands are admitted only after an identity was checked, whatever the order of events")
    func admission() {
        var numbers = SeededRandom(seed: 21)
        for _ in 0..<500 {
            var machine = SessionMachine()
            var checked: Set<Int> = []
            for _ in 0..<40 {
                let number = Int.random(in: 1...4, using: &numbers)
                switch Int.random(in: 0..<8, using: &numbers) {
                case 0, 1: _ = machine.beginOpening()
                case 2: machine.show(prompt, in: number)
                case 3: if machine.opened(.none, in: number) { checked.insert(number) }
                case 4: machine.failed(MMError(.unavailable, "no"), in: number)
                case 5: _ = machine.lost("x", in: number)
                case 6: machine.signedOut(in: number)
                default: if Int.random(in: 0..<20, using: &numbers) == 0 { machine.close() }
                }
                if case .run = machine.advise(awaited: nil) { #expect(checked.contains(machine.generation)) }
            }
        }
    }
}
