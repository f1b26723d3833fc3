import Glibc
import MMCore
import MMSystem
import TestHosts
import TestSupport
import Testing

@testable import MMShell

@Suite("After a command was stopped", .timeLimit(.minutes(10)))
struct CancelledListTests {
    /// Programs that don't end by the default action of an interrupt.
    static let stubborn = [
        "sh -c \"trap '' INT; echo begun; while :; do sleep 1; done\"",
        "sh -c \"trap '' INT TERM; echo begun; while :; do sleep 1; done\"",
        "sh -c \"trap 'exit 0' INT; echo begun; while :; do sleep 1; done\"",
        "(sh -c \"trap '' INT; echo begun; while :; do sleep 1; done\")",
        "sh -c \"trap '' INT; echo begun; sleep 300; echo on\" | cat",
        "if sh -c \"trap '' INT; echo begun; while :; do sleep 1; done\"; then echo yes; else echo no; fi",
        "f() { sh -c \"trap '' INT; echo begun; sleep 300\"; echo inside; }; f",
    ]

    static func settings(_ kind: ShellKind) -> ShellSettings {
        var settings = Shells.settings(kind)
        settings.times.interrupt = .milliseconds(300)
        settings.times.terminate = .milliseconds(600)
        return settings
    }

    @Test("nothing further on its line runs, and the session stays", arguments: Shells.installed, stubborn)
    func nothingFurther(kind: ShellKind, program: String) async throws {
        try await Shells.with(settings: Self.settings(kind)) { (shell) async throws in
            let job = try await shell.start(
                ShellCommand("kept=1; \(program); echo after; echo later"), deadline: .never)
            #expect(await job.wait(for: "begun", in: .stdout, until: .after(.seconds(300))) != nil)
            job.cancel()
            let end = try #require(await job.wait(until: .after(.seconds(300))))
            #expect(end.cause == .cancelled)
            #expect(end.exitCode != 0)
            #expect(job.output(.stdout).text == "begun\n")
            #expect(!end.restartsSession)
            #expect(try await shell.sh("echo $kept").out == "1\n")
        }
    }

    @Test("a timeout is reported, and its status isn't 0", arguments: Shells.installed)
    func timeout(kind: ShellKind) async throws {
        try await Shells.with(settings: Self.settings(kind)) { (shell) async throws in
            let text = "sh -c \"trap '' INT; while :; do sleep 1; done\"; echo after"
            // The command has to begin before its deadline: on a slow machine repeat with a longer one.
            var (limit, ran) = (Duration.seconds(1), ShellAnswer?.none)
            while ran == nil, limit < .seconds(300) {
                ran = try? await shell.sh(text, within: limit)
                limit *= 5
            }
            let answer = try #require(ran)
            #expect(answer.end.cause == .deadline)
            #expect(answer.code != 0)
            #expect(answer.out.isEmpty)
            #expect(try await shell.sh("echo next").out == "next\n")
        }
    }

    @Test("a shell that would continue after its own trap is replaced", arguments: Shells.installed)
    func trapped(kind: ShellKind) async throws {
        try await Shells.with(settings: Self.settings(kind)) { (shell) async throws in
            for text in [
                "trap 'echo caught' INT; echo begun; sleep 300; echo after", "echo begun; sleep 300; echo after",
            ] {
                // The trap of the first command is still set when the second one runs in the same shell.
                if !text.hasPrefix("trap") { _ = try await shell.sh("trap : INT") }
                let job = try await shell.start(ShellCommand(text), deadline: .never)
                #expect(await job.wait(for: "begun", in: .stdout, until: .after(.seconds(300))) != nil)
                #expect(await eventually { await shell.runs("sleep") })
                job.cancel()
                let end = try #require(await job.wait(until: .after(.seconds(300))))
                #expect(end.cause == .cancelled)
                #expect(!job.output(.stdout).text.contains("after"))
                #expect(try await shell.sh("echo alive").out == "alive\n")
            }
        }
    }

    @Test(
        "only traps of the shell itself count",
        arguments: [
            ("trap 'x' INT", true), ("trap '' 2", true), ("a; trap \"$x\" SIGINT", true), ("trap $x $y", true),
            ("TRAPINT() { :; }", true), ("trap 'x' EXIT", false), ("sh -c \"trap '' INT\"", false),
            ("sh -c 'trap \"\" INT'", false), ("echo INT", false), ("strap INT", false),
        ])
    func trapsOfItsOwn(text: String, isOne: Bool) {
        #expect(CommandEffects(of: text, known: true).mayTrapInterrupts == isOne)
    }
}
