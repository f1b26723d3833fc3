import MMCore
import TestSupport
import Testing

@testable import MMPowerShell

@Suite("Running and stopping a single command", .timeLimit(.minutes(5)))
struct CommandMachineTests {
    @Test("a stop takes one step after another, and none after the last")
    func rungs() {
        var machine = CommandMachine()
        let id = machine.begin() ?? 0
        #expect(machine.stop(id, .deadline) == [.sendStop(id: id), .wake(id: id, after: .milliseconds(500))])
        #expect(machine.climb(id) == [.sweep, .wake(id: id, after: .seconds(1))])
        #expect(machine.climb(id) == [.terminate, .wake(id: id, after: .seconds(1))])
        #expect(machine.climb(id) == [.kill])
        #expect(machine.climb(id) == [])
        #expect(machine.lose()?.stop == .deadline)
    }

    @Test("if requests can be cut off, that is tried before PowerShell is ended")
    func cut() {
        var machine = CommandMachine(cuts: true)
        let id = machine.begin() ?? 0
        _ = machine.stop(id, .deadline)
        #expect(machine.climb(id) == [.sweep, .wake(id: id, after: .milliseconds(500))])
        #expect(machine.climb(id) == [.cut(id: id), .wake(id: id, after: .seconds(2))])
        #expect(machine.climb(id) == [.terminate, .wake(id: id, after: .seconds(1))])
    }

    @Test("requests are cut off once per command, and not after its end")
    func gate() {
        let seen = Mutex<[String]>([])
        let gate = RequestGate(
            OpenRequests(cut: { seen.withLock { $0.append("cut") } }, admit: { seen.withLock { $0.append("admit") } }))
        gate.cut(for: 1)
        gate.cut(for: 1)
        gate.ended(1)
        gate.ended(1)
        // The step's time and the command's end may coincide.
        gate.ended(2)
        gate.cut(for: 2)
        gate.cut(for: 3)
        gate.ended(.max)
        gate.cut(for: 4)
        #expect(seen.withLock { $0 } == ["cut", "admit", "cut", "admit"])
    }

    @Test("the end of the command ends the stop at any step", arguments: 0...3)
    func endsEarly(rungs: Int) {
        var machine = CommandMachine()
        let id = machine.begin() ?? 0
        _ = machine.stop(id, .cancelled)
        for _ in 0..<rungs { _ = machine.climb(id) }
        #expect(machine.end(id)?.stop == .cancelled)
        #expect(machine.climb(id) == [])
        #expect(machine.begin() == id + 1)
    }

    @Test("ends and stops of other commands change nothing")
    func others() {
        var machine = CommandMachine()
        let first = machine.begin() ?? 0
        #expect(machine.begin() == nil)
        #expect(machine.end(first + 1) == nil)
        #expect(machine.stop(first + 1, .asked) == [])
        #expect(machine.end(first)?.id == first)
        #expect(machine.end(first) == nil)
        let second = machine.begin() ?? 0
        #expect(machine.stop(first, .deadline) == [])
        #expect(machine.climb(first) == [])
        #expect(machine.owns(second) && !machine.owns(first))
    }

    @Test("a second stop only records that nobody waits any more")
    func secondStop() {
        var machine = CommandMachine()
        let id = machine.begin() ?? 0
        #expect(machine.stop(id, .asked).count == 2)
        #expect(machine.stop(id, .cancelled) == [])
        #expect(machine.stop(id, .deadline) == [])
        #expect(machine.end(id)?.stop == .cancelled)
    }

    @Test("a lost host accepts no command")
    func lost() {
        var machine = CommandMachine()
        #expect(machine.lose() == nil)
        #expect(machine.begin() == nil)
        #expect(machine.isLost)
    }

    @Test("in any order of events a command ends at most once")
    func anyOrder() {
        var numbers = SeededRandom(seed: 3)
        for _ in 0..<500 {
            var machine = CommandMachine()
            var begun: Set<UInt64> = []
            var ended: Set<UInt64> = []
            for _ in 0..<40 {
                let id = UInt64.random(in: 1...8, using: &numbers)
                switch Int.random(in: 0..<12, using: &numbers) {
                case 0...3:
                    if let id = machine.begin() { #expect(begun.insert(id).inserted) }
                case 4...6:
                    if let command = machine.end(id) {
                        #expect(begun.contains(command.id))
                        #expect(ended.insert(command.id).inserted)
                    }
                case 7, 8: _ = machine.stop(id, .deadline)
                case 9, 10: _ = machine.climb(id)
                default:
                    if Int.random(in: 0..<10, using: &numbers) == 0, let command = machine.lose() {
                        #expect(ended.insert(command.id).inserted)
                    }
                }
            }
        }
    }
}
