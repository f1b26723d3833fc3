import MMCore
import MMSessions
import TestSupport
import Testing

@Suite("The life of a session", .timeLimit(.minutes(5)))
struct SessionLifeTests {
    private typealias Life = SessionLife<String, String>

    private func word(_ advice: Life.Advice) -> String {
        switch advice {
        case .run: "run"
        case .open: "open"
        case .wait: "wait"
        case .signIn: "sign in"
        case .fail: "fail"
        }
    }

    @Test("off, starting, a code, ready")
    func straight() {
        var life = Life()
        #expect(word(life.advise()) == "open")
        let number = life.beginOpening()
        let second = life.beginOpening()
        #expect(number == 1 && second == nil)
        #expect(word(life.advise(awaited: 1)) == "wait")
        life.signIn(nil, in: 1)
        #expect(word(life.advise(awaited: 1)) == "wait")
        life.signIn("FXK3T9QMB", in: 1)
        #expect(word(life.advise()) == "sign in")
        let isOpen = life.opened("admin", in: 1)
        #expect(isOpen && life.identity == "admin")
        #expect(word(life.advise()) == "run")
    }

    @Test("a failure is reported to those who waited for it; later callers begin again")
    func failure() {
        var life = Life()
        _ = life.beginOpening()
        life.failed(MMError(.unavailable, "no"), in: 1)
        #expect(word(life.advise(awaited: 1)) == "fail")
        #expect(word(life.advise()) == "open")
        let second = life.beginOpening()
        #expect(second == 2)
    }

    @Test("events of an earlier opening, or of a replaced session, change nothing")
    func old() {
        var life = Life(after: 7)
        _ = life.beginOpening()
        life.failed(MMError(.unavailable, "no"), in: 8)
        _ = life.beginOpening()
        for number in [1, 7, 8] {
            let (shows, opens) = (life.signIn("X", in: number), life.opened("old", in: number))
            let fails = life.failed(MMError(.unavailable, "no"), in: number)
            #expect(!shows && !opens && !fails)
        }
        #expect(word(life.advise(awaited: 9)) == "wait")
        let isOpen = life.opened("new", in: 9)
        let isLost = life.lost("x", in: 8)
        #expect(isOpen && !isLost)
        life.signedOut(in: 8)
        #expect(life.identity == "new")
    }

    @Test("a lost session can be opened again, a closed one can't")
    func ends() {
        var life = Life()
        _ = life.beginOpening()
        life.opened("admin", in: 1)
        let isLost = life.lost("it ended", in: 1)
        #expect(isLost && life.lossReason == "it ended" && life.losses == 1)
        #expect(word(life.advise()) == "open" && life.identity == nil)
        life.close()
        let again = life.beginOpening()
        let isOpen = life.opened("admin", in: 1)
        #expect(again == nil && !isOpen && life.isClosed)
        #expect(word(life.advise()) == "fail")
    }

    @Test("commands are accepted only after the identity was checked, in any order of events")
    func admission() {
        var numbers = SeededRandom(seed: 21)
        for _ in 0..<500 {
            var life = Life()
            var checked: Set<Int> = []
            for _ in 0..<40 {
                let number = Int.random(in: 1...4, using: &numbers)
                switch Int.random(in: 0..<8, using: &numbers) {
                case 0, 1: _ = life.beginOpening()
                case 2: life.signIn("X", in: number)
                case 3: if life.opened("admin", in: number) { checked.insert(number) }
                case 4: life.failed(MMError(.unavailable, "no"), in: number)
                case 5: life.lost("x", in: number)
                case 6: life.signedOut(in: number)
                default: if Int.random(in: 0..<20, using: &numbers) == 0 { life.close() }
                }
                if case .run = life.advise() { #expect(checked.contains(life.generation)) }
            }
        }
    }
}
