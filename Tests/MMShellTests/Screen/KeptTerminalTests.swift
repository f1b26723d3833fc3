import Testing

@testable import MMShell

@Suite("A terminal with several viewers", .timeLimit(.minutes(5)))
struct KeptTerminalTests {
    private func write(_ text: String, to terminal: KeptTerminal) {
        Array(text.utf8).withUnsafeBytes { terminal.write($0) }
    }

    private func text(_ bytes: [UInt8]?) -> String? { bytes.map { String(decoding: $0, as: UTF8.self) } }

    @Test("shows output to every viewer, and the current screen to later ones")
    func viewers() async {
        let terminal = KeptTerminal(ShellCommand.Size(rows: 4, columns: 20))
        let first = terminal.attach(showsScreen: false)
        write("hello", to: terminal)
        #expect(text(await terminal.next(first)) == "hello")
        let second = terminal.attach(showsScreen: true)
        var screen = Screen(rows: 4, columns: 20)
        screen.write(await terminal.next(second) ?? [])
        #expect(screen.text == "hello")
        write("!", to: terminal)
        #expect(text(await terminal.next(first)) == "!")
        #expect(text(await terminal.next(second)) == "!")
    }

    @Test("a slow viewer gets the current screen, and delays nobody")
    func behind() async {
        let terminal = KeptTerminal(ShellCommand.Size(rows: 2, columns: 20), room: 100)
        let viewer = terminal.attach(showsScreen: false)
        for number in 0..<100 { write("line \(number)\r\n", to: terminal) }
        var screen = Screen(rows: 2, columns: 20)
        screen.write(await terminal.next(viewer) ?? [])
        #expect(screen.text == "line 99")
    }

    @Test("continues for others when a viewer leaves, whose terminal is restored")
    func leaving() async {
        let terminal = KeptTerminal(ShellCommand.Size(rows: 2, columns: 20))
        let (first, second) = (terminal.attach(showsScreen: false), terminal.attach(showsScreen: false))
        write("\u{1B}[?1049h", to: terminal)
        terminal.detach(first)
        #expect(text(await terminal.next(first))?.contains("\u{1B}[?1049l") == true)
        #expect(await terminal.next(first) == nil)
        #expect(text(await terminal.next(second)) == "\u{1B}[?1049h")
        let waiting = Task { await terminal.next(second) }
        terminal.finish()
        #expect(await waiting.value != nil)
        #expect(await terminal.next(second) == nil)
    }

    @Test("releases a viewer whose task was cancelled")
    func cancelled() async {
        let terminal = KeptTerminal(ShellCommand.Size(rows: 2, columns: 20))
        let viewer = terminal.attach(showsScreen: false)
        let waiting = Task { await terminal.next(viewer) }
        waiting.cancel()
        #expect(await waiting.value == nil)
    }
}
