import MMCore
import MMSystem
import Testing

@testable import MMCLI

@Suite("The progress line", .timeLimit(.minutes(5)))
struct ProgressLineTests {
    private final class Screen: Sendable {
        let texts = Mutex<[String]>([])
    }

    private let screen = Screen()

    private func line(quiet: Duration, endsWithOutput: Bool = true) -> ProgressLine {
        ProgressLine(endsWithOutput: endsWithOutput, quiet: quiet, interval: .zero) { [screen] text in
            screen.texts.withLock { $0.append(text) }
        }
    }

    private func wait(for text: String) async throws {
        while screen.texts.withLock({ $0.last }) != text { try await Task.sleep(for: .milliseconds(2)) }
    }

    @Test("a quick call shows nothing, and clears nothing")
    func quick() {
        let line = line(quiet: .seconds(3600))
        line.show("1 of 2")
        line.beginOutput()
        line.clear()
        #expect(screen.texts.withLock { $0 }.isEmpty)
    }

    @Test("a longer call shows the newest report, and clears it once")
    func long() async throws {
        let line = line(quiet: .zero)
        line.show("1 of 2")
        try await wait(for: "1 of 2")
        line.show("2 of 2")
        try await wait(for: "2 of 2")
        line.clear()
        line.clear()
        #expect(screen.texts.withLock { $0 } == ["1 of 2", "2 of 2", ""])
    }

    @Test("is drawn again if the screen's width changes while it is shown")
    func redrawn() async throws {
        let line = line(quiet: .zero)
        line.redraw()
        line.show("1 of 2")
        try await wait(for: "1 of 2")
        line.redraw()
        line.clear()
        line.redraw()
        #expect(screen.texts.withLock { $0 } == ["1 of 2", "1 of 2", ""])
    }

    @Test("output on the screen ends it, until the next command")
    func output() async throws {
        let line = line(quiet: .zero)
        line.beginOutput()
        line.show("late")
        line.begin()
        line.show("next")
        try await wait(for: "next")
        #expect(screen.texts.withLock { $0 } == ["next"])
    }

    @Test("a countdown ends with the next report")
    func countdown() {
        let line = line(quiet: .seconds(3600))
        let turn = line.beginTurn()
        #expect(line.change(to: "2 left", in: turn))
        line.show("signed in")
        #expect(!line.change(to: "1 left", in: turn))
    }
}
