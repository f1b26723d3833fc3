import Glibc
import MMCore
import MMSystem
import TestHosts
import TestSupport
import Testing

@testable import MMShell

@Suite("The reports of a local shell", .timeLimit(.minutes(10)))
struct ShellReportTests {
    @Test("no variable reveals the number of a command's report", arguments: Shells.installed)
    func unknown(kind: ShellKind) async throws {
        try await Shells.with(kind) { (shell) async throws in
            // With the number, a command could write a forged end to the shell's descriptor.
            let forged =
                "for v in $(set | sed -n 's/^\\(__mm_[a-z]*\\)=.*/\\1/p'); do eval \"w=\\$$v\"; "
                + "printf 'r%s 77 /spoof\\0' \"$w\" >/proc/$$/fd/9; done; sleep 0.3; (exit 5)"
            let answer = try await shell.sh(forged)
            #expect(answer.code == 5)
            #expect(answer.end.workingDirectory != "/spoof")
            #expect(try await shell.sh("echo next").out == "next\n")
        }
    }

    @Test("a forged prompt of a command ends nothing", arguments: Shells.installed)
    func pretended(kind: ShellKind) async throws {
        try await Shells.with(kind) { (shell) async throws in
            let answer = try await shell.sh("printf 'p77\\0' >/proc/$$/fd/9; sleep 0.3; echo done; (exit 5)")
            #expect(answer.out == "done\n")
            #expect(answer.code == 5)
        }
    }

    @Test(
        "options and read-only variables of a command don't end the session", arguments: Shells.installed,
        ["set -eu; echo $nope", "set -e; set -u; : ${nope?gone}", "readonly PS1", "readonly PS1 PS2 PS4", "set -eu"])
    func survives(kind: ShellKind, text: String) async throws {
        try await Shells.with(kind) { (shell) async throws in
            // With -e some shells end at once, as requested; none may end later, with another command's failure.
            _ = try await shell.sh(text)
            _ = try await shell.sh("kept=1")
            let process = await shell.processID
            for _ in 0..<2 {
                #expect(try await shell.sh("false").code == 1)
                #expect(try await shell.sh("ls /proc/none 2>/dev/null; echo $kept").out == "1\n")
                // Aborted commands are noticed by the prompt, which may be read-only by now.
                #expect(try await shell.sh("if").code != 0)
                #expect(try await shell.sh("set -u; echo $nope").code != 0)
            }
            #expect(try await shell.sh("echo $kept").out == "1\n")
            #expect(await shell.processID == process)
        }
    }

    @Test(
        "jobs that are started within a command aren't reported", arguments: Shells.installed,
        ["f() { sleep 0.1 & }; f; f", "eval 'sleep 0.1 &'"])
    func jobNotices(kind: ShellKind, text: String) async throws {
        try await Shells.with(kind) { (shell) async throws in
            #expect(try await shell.sh(text).err.isEmpty)
            #expect(try await shell.sh("f() { sleep 0.1 & }").err.isEmpty)
            #expect(try await shell.sh("f").err.isEmpty)
        }
    }
}
