import MMCore
import TestSupport
import Testing

@testable import MMPowerShell

@Suite("Ten thousand calls", .timeLimit(.minutes(10)))
struct ManyCallsTests {
    /// Counts the callers' results.
    private struct Tally: Sendable {
        var right = 0
        var lost = 0
        var stopped = 0
        var left = 0
    }

    private final class Tallies: Sendable {
        let counts = Mutex(Tally())
    }

    @Test("with faults in between, none is late, lost, repeated or mixed up")
    func faults() async throws {
        var settings = PowerShellSessionSettings(host: try StandIn.settings())
        settings.host.times = CommandMachine.Times(
            sweepAfter: .seconds(20), terminateAfter: .seconds(20), killAfter: .seconds(20))
        settings.queueLimit = 1000
        let session = PowerShellSession(settings)
        let tally = Tallies()
        let callers = 8
        try await withThrowingTaskGroup(of: Void.self) { group in
            for caller in 0..<callers {
                group.addTask {
                    var numbers = SeededRandom(seed: UInt64(caller) + 77)
                    for round in 0..<(10_000 / callers) {
                        let mark = "\(caller)-\(round)"
                        let fault = Int.random(in: 0..<400, using: &numbers)
                        try await Self.call(session, mark, fault, tally)
                    }
                }
            }
            try await group.waitForAll()
        }
        let counts = tally.counts.withLock { $0 }
        #expect(counts.right + counts.lost + counts.stopped + counts.left == 10_000)
        #expect(counts.right > 9_500)
        #expect(counts.lost > 0 && counts.stopped > 0 && counts.left > 0, "faults were injected: \(counts)")
        await session.close()
    }

    private static func call(
        _ session: PowerShellSession, _ mark: String, _ fault: Int, _ tally: Tallies
    ) async throws {
        let own = "Write-Output '\(mark)'; Invoke-StandIn console '\(mark)'; Write-Warning '\(mark)'"
        let script: String
        switch fault {
        case 0: script = own + "; Invoke-StandIn crash"
        case 1: script = own + "; Invoke-StandIn half-line"
        case 2: script = "Invoke-StandIn lie garbage; Start-Sleep 600"
        case 3: script = "Invoke-StandIn lie other-id; " + own
        case 4: script = "Invoke-StandIn lie other-end; " + own
        case 5: script = own + "; Start-Sleep 600"
        case 6: script = own + "; Invoke-StandIn flood 0 100"
        case 7: script = own + "; Invoke-StandIn late-console stray 1"
        default: script = own
        }
        let run: PowerShellRun
        do throws(MMError) {
            run = try await session.run(PowerShellCommand(script), deadline: .after(.seconds(300)))
        } catch {
            // Not sent, after one more attempt: only if processes die one after the other.
            #expect(error.code == .sessionLost, "\(error)")
            tally.counts.withLock { $0.lost += 1 }
            return
        }
        if fault == 6 {
            // Leave in the middle of a flood.
            var events = run.makeAsyncIterator()
            while let event = try await events.next() {
                guard case .record(let first) = event else { continue }
                #expect(first.value == .string(mark))
                break
            }
            tally.counts.withLock { $0.left += 1 }
            return
        }
        if fault == 5 {
            let stopper = Task {
                try? await Task.sleep(for: .milliseconds(20))
                run.stop()
            }
            let answer = try await run.collect()
            stopper.cancel()
            #expect(answer.end?.state == .stopped)
            #expect(answer.values.isEmpty || answer.values == [.string(mark)])
            tally.counts.withLock { $0.stopped += 1 }
            return
        }
        do throws(MMError) {
            let answer = try await run.collect()
            #expect(fault > 2)
            #expect(
                answer.records == [PowerShellRecord(.output, .string(mark)), PowerShellRecord(.warning, .string(mark))])
            let console = answer.console.map(\.text).joined()
            // A stray record of an earlier command may be in between; ours is there once.
            #expect(console.split(separator: "stray\n").joined() == mark, "\(console)")
            #expect(answer.end?.state == .completed)
            tally.counts.withLock { $0.right += 1 }
        } catch {
            #expect(fault <= 2, "\(mark): \(error)")
            #expect(error.code == .sessionLost)
            tally.counts.withLock { $0.lost += 1 }
        }
    }
}
