import CMMSystem
import Glibc
import MMCore
import TestSupport
import Testing

@testable import MMSystem

@Suite("Pseudo-terminals", .timeLimit(.minutes(5)))
struct PseudoTerminalTests {
    // Writing to a closed pipe must not end the program, whichever test runs first.
    init() { Signals.ignoreBrokenPipes() }

    private func start(_ script: String, pipes: Bool = false) async throws -> ChildProcess {
        var command = ChildCommand("/bin/sh", ["-c", script], environment: ["PATH": "/usr/bin:/bin", "TERM": "dumb"])
        command.terminal = Terminal.Size(rows: 31, columns: 97)
        command.input = .terminal
        command.output = pipes ? .pipe : .terminal
        command.error = pipes ? .pipe : .terminal
        return try await ChildProcess.start(command)
    }

    private func all(_ reader: PolledReader?) async throws -> String {
        var bytes: [UInt8] = []
        while let piece = try await reader?.read() { bytes += piece }
        return String(decoding: bytes, as: UTF8.self).replacing("\r\n", with: "\n")
    }

    @Test("it is the child's controlling terminal, of the requested size")
    func controlling() async throws {
        let child = try await start("tty; stty size; echo direct > /dev/tty; cut -d' ' -f7 /proc/$$/stat")
        let said = try await all(child.terminal?.output).split(separator: "\n")
        #expect(said.count == 4)
        #expect(said.first.map(String.init) == child.terminal?.path)
        #expect(said.dropFirst().first == "31 97")
        #expect(said.dropFirst(2).first == "direct")
        #expect(said.last != "0")
        #expect(await child.exit() == .status(0))
    }

    @Test("output and errors may be pipes beside it")
    func besidePipes() async throws {
        let child = try await start(
            "test -t 0 && echo input; test -t 1 || echo piped; echo err >&2; echo tty > /dev/tty", pipes: true)
        #expect(try await all(child.output) == "input\npiped\n")
        #expect(try await all(child.error) == "err\n")
        #expect(try await all(child.terminal?.output) == "tty\n")
        #expect(await child.exit() == .status(0))
    }

    @Test("typed text arrives, the interrupt key interrupts, a new size is reported")
    func typing() async throws {
        let child = try await start(
            "stty -echo; trap 'echo resized; stty size' WINCH; trap 'echo stopped; exit 3' INT; echo ready; while :; do read line && echo \"got $line\"; done"
        )
        let terminal = try #require(child.terminal)
        var seen = ""
        func expect(_ text: String) async throws {
            while !seen.contains(text) {
                let piece = try #require(try await terminal.output.read())
                seen += String(decoding: piece, as: UTF8.self)
            }
        }
        try await expect("ready")
        try await terminal.input.write(Array("hello\n".utf8))
        try await expect("got hello")
        terminal.resize(Terminal.Size(rows: 10, columns: 20))
        #expect(terminal.size == Terminal.Size(rows: 10, columns: 20))
        try await terminal.input.write(Array("again\n".utf8))
        try await expect("10 20")
        // A shell that is about to read notices a signal only after the line, or with the next one.
        let interrupting = Task {
            while !Task.isCancelled {
                try await terminal.input.write([0x03])
                try await Task.sleep(for: .milliseconds(200))
            }
        }
        defer { interrupting.cancel() }
        try await expect("stopped")
        #expect(await child.exit() == .status(3))
    }

    @Test("a question is asked in the terminal, a secret is not shown")
    func question() async throws {
        let (pty, slave) = try PseudoTerminal.open(Terminal.Size(rows: 24, columns: 80))
        defer { close(slave) }
        let terminal = Terminal(path: pty.path)
        #expect(terminal.isAvailable)
        func read(until text: String) async throws -> String {
            var seen = ""
            while !seen.contains(text) {
                let piece = try #require(try await pty.output.read())
                seen += String(decoding: piece, as: UTF8.self)
            }
            return seen
        }
        let plain = Task { try await terminal.ask("Name\u{1B}[2J? ") }
        #expect(try await read(until: "Name?[2J? ") == "Name?[2J? ")
        try await pty.input.write(Array("Zoë\n".utf8))
        #expect(try await plain.value == "Zoë")
        #expect(try await read(until: "\r\n").contains("Zoë"))
        let secret = Task { try await terminal.ask("Password: ", hidden: true) }
        _ = try await read(until: "Password: ")
        try await pty.input.write(Array("tiger\n".utf8))
        #expect(try await secret.value == "tiger")
        #expect(try await read(until: "\r\n").contains("tiger") == false)
        let ended = Task { try await terminal.ask("More? ") }
        _ = try await read(until: "More? ")
        try await pty.input.write([0x04])
        #expect(try await ended.value == nil)
        let cancelled = Task {
            await failure { () async throws(MMError) in try await terminal.ask("Sure? ", hidden: true) }
        }
        _ = try await read(until: "Sure? ")
        cancelled.cancel()
        #expect(await cancelled.value?.code == .cancelled)
        var mode = termios()
        tcgetattr(slave, &mode)
        #expect(mode.c_lflag & tcflag_t(ECHO) != 0)
    }

    @Test("a raw terminal delivers each key, shows output unchanged, and is restored afterwards")
    func raw() async throws {
        let (pty, slave) = try PseudoTerminal.open(Terminal.Size(rows: 24, columns: 80))
        defer { close(slave) }
        func echoes() -> Bool {
            var mode = termios()
            tcgetattr(slave, &mode)
            return mode.c_lflag & tcflag_t(ECHO) != 0 && mode.c_lflag & tcflag_t(ICANON) != 0
        }
        do {
            let raw = try RawMode(slave)
            #expect(!echoes() && !Terminal.translatesLineEnds(slave))
            try await pty.input.write([0x03])
            #expect(await eventually { mm_pending_input(slave) == 1 })
            var key: UInt8 = 0
            #expect(read(slave, &key, 1) == 1)
            #expect(key == 0x03)
            _ = consume raw
        }
        #expect(echoes() && Terminal.translatesLineEnds(slave))
        #expect(await failure { () throws(MMError) in _ = try RawMode(-1) }?.code == .unavailable)
    }

    @Test("without a terminal nobody is asked")
    func noTerminal() async {
        let error = await failure { () async throws(MMError) in try await Terminal(path: "/nowhere").ask("? ") }
        #expect(error?.code == .unavailable)
        #expect(!Terminal(path: "/nowhere").isAvailable)
        #expect(Terminal.size(of: -1) == nil)
    }
}
