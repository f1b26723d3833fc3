import Glibc
import MMCore
import MMSystem
import TestHosts
import Testing

/// A terminal in a session for a person: `mm shell NAME` and `mm ssh HOST` at a terminal.
@Suite("A terminal in a session", .serialized, .timeLimit(.minutes(10)))
struct SessionTerminalTests {
    /// `mm` at its own terminal.
    private final class Person {
        let child: ChildProcess
        private let terminal: PseudoTerminal
        private var seen = ""

        init(_ words: [String], _ home: TemporaryHome, rows: Int = 24) async throws {
            var environment = home.environment
            environment["TERM"] = "xterm"
            var command = ChildCommand(Programs.mm, words, environment: environment)
            command.terminal = Terminal.Size(rows: rows, columns: 80)
            command.input = .terminal
            command.output = .terminal
            command.error = .terminal
            child = try await ChildProcess.start(command)
            terminal = try #require(child.terminal)
        }

        func type(_ text: String) async throws { try await terminal.input.write(Array(text.utf8)) }

        func resize(rows: Int) { terminal.resize(Terminal.Size(rows: rows, columns: 80)) }

        /// Reads on until a text appears.
        func see(_ text: String) async throws {
            while !seen.contains(text), let piece = try? await terminal.output.read() {
                seen += String(decoding: piece, as: UTF8.self)
            }
            let place = try #require(seen.firstRange(of: text), "\(seen)")
            seen = String(seen[place.upperBound...])
        }

        func leave() async throws -> Int32 {
            try await type("\u{1D}d")
            try await see("keeps running")
            return await child.exit().code
        }
    }

    private func stop(_ home: TemporaryHome) async throws {
        _ = try await Tenant.run(Programs.mm, ["pool", "stop"], home.environment)
    }

    @Test("what a person types reaches a command that takes typed input, and can be left and taken up")
    func typedInto() async throws {
        let home = try TemporaryHome()
        let asked = try await Person(
            [
                "shell", "run", "--input", "terminal",
                "read -p 'name? ' n; read -sp 'word? ' w; echo; echo \"<$n:${#w}>\"; (exit 3)",
            ], home)
        try await asked.see("name? ")
        try await asked.type("Ada\r")
        try await asked.see("Ada")
        try await asked.see("word? ")
        try await asked.type("horse\r")
        try await asked.see("<Ada:5>")
        #expect(await asked.child.exit().code == 3)

        let first = try await Person(
            ["shell", "run", "--input", "screen", "--session", "far off", "read -p 'still? ' x; echo \"<$x>\""], home)
        try await first.see("still? ")
        #expect(try await first.leave() == 0)
        let second = try await Person(["shell", "terminal", "far off"], home)
        // The screen is drawn anew, without the blanks at a line's end.
        try await second.see("still?")
        try await second.type("yes\r")
        try await second.see("<yes>")
        #expect(await second.child.exit().code == 0)
        try await stop(home)
    }

    @Test("programs in it continue while nobody watches, even if the person's terminal is closed")
    func leftAndTakenUp() async throws {
        let home = try TemporaryHome()
        let first = try await Person(["shell", "work"], home)
        try await first.see("leaves it running")
        try await first.type("V=4; PS1='ready'; PS1=\"${PS1}> \"\r")
        try await first.see("ready> ")
        #expect(try await first.leave() == 0)
        let held = try await Tenant.run(Programs.mm, ["shell", "work", "echo $((40 + 2))"], home.environment)
        #expect(held.code == 1 && held.error.contains("a terminal"), "\(held)")
        let beside = try await Tenant.run(
            Programs.mm, ["shell", "work", "echo $((40 + 2))", "--beside"], home.environment)
        #expect(beside.output == "42\n", "\(beside)")

        let second = try await Person(["shell", "work"], home, rows: 30)
        try await second.see("ready> ")
        try await second.type("until [ \"$(stty size)\" = '30 80' ]; do :; done; echo v$((V + 1))\r")
        try await second.see("v5")
        second.resize(rows: 17)
        try await second.type("until [ \"$(stty size)\" = '17 80' ]; do :; done; echo now $((16 + 1))\r")
        try await second.see("now 17")
        // The window is closed.
        second.child.signalGroup(SIGHUP)
        _ = await second.child.exit()

        let third = try await Person(["shell", "work"], home)
        try await third.see("now 17")
        // An interrupt discards typed input, so the program has to be running by then.
        try await third.type("cat <(echo run$((1 + 1))) -\r")
        try await third.see("run2")
        try await third.type("\u{3}")
        try await third.see("^C")
        // Until the shell shows its prompt again, the program that is ending may still read input.
        try await third.see("ready> ")
        // Line ends are shown as the inner terminal made them.
        try await third.type("stty -onlcr; printf 'ABC\\nDEF\\n'; stty onlcr\r")
        try await third.see("ABC\nDEF\n")
        try await third.see("ready> ")
        try await third.type("exit 7\r")
        #expect(await third.child.exit().code == 7)
        try await stop(home)
    }

    @Test("is only for people")
    func persons() async throws {
        let home = try TemporaryHome()
        let answer = try await Tenant.run(Programs.mm, ["shell", "terminal", "work"], home.environment)
        #expect(answer.code == 1)
        #expect(answer.error.contains("Only a person"))
        try ProtectedFile.replace(home.path + "/.m365-shells.json", with: Array(#"{"guard": "readonly"}"#.utf8))
        let person = try await Person(["shell", "work"], home)
        try await person.see("can't judge what is typed")
        #expect(await person.child.exit().code == 4)
        try await stop(home)
    }

    @Test("asks three times for a password that the host accepts", .enabled(if: LoopbackHost.isInstalled, "needs sshd"))
    func password() async throws {
        let home = try TemporaryHome()
        let host = try await LoopbackHost(in: home)
        let words = ["ssh", "\(LoopbackHost.user)@127.0.0.1", "-p", "\(host.port)", "-i", "/nonexistent", "id"]
        let person = try await Person(words, home)
        for attempt in 1...3 {
            try await person.see("Password of \(LoopbackHost.user)@127.0.0.1:\(host.port): ")
            try await person.type("wrong horse \(attempt)\r")
            if attempt < 3 { try await person.see("please try again") }
        }
        try await person.see("did not accept the sign-in")
        #expect(await person.child.exit().code == 1)
        let script = try await Tenant.run(Programs.mm, words, home.environment)
        #expect(script.error.contains("password_secret") && script.code == 1, "\(script)")
        await host.stop()
        try await stop(home)
    }

    @Test(
        "is a terminal of the host over SSH",
        .enabled(if: LoopbackHost.givesTerminals, "needs an sshd that can give terminals (/dev/pts with gid=5)"))
    func host() async throws {
        let home = try TemporaryHome()
        let host = try await LoopbackHost(in: home)
        let words = [
            "ssh", "\(LoopbackHost.user)@127.0.0.1", "-p", "\(host.port)", "-i", "\(host.folder)/user",
        ]
        let first = try await Person(words, home)
        try await first.see("leaves it running")
        try await first.type("V=4; PS1='ready'; PS1=\"${PS1}> \"\r")
        try await first.see("ready> ")
        #expect(try await first.leave() == 0)
        let second = try await Person(words, home, rows: 30)
        try await second.see("ready> ")
        try await second.type("until [ \"$(stty size)\" = '30 80' ]; do :; done; echo v$((V + 1))\r")
        try await second.see("v5")
        try await second.type("exit\r")
        #expect(await second.child.exit().code == 0)
        try await stop(home)
        await host.stop()
    }
}
