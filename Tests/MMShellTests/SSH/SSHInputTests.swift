import Glibc
import MMCore
import MMSystem
import TestSupport
import Testing

@testable import MMShell

@Suite(
    "Input to commands on a host", .enabled(if: TestSSHD.missing == nil, "sshd is not installed"),
    .timeLimit(.minutes(10)))
struct SSHInputTests {
    /// Waits for a text of a running command, long enough for a busy machine.
    private func see(_ text: String, _ stream: ShellCommand.Stream, of job: ShellJob, from offset: Int = 0) async throws
    {
        let found = await job.wait(for: text, in: stream, from: offset, until: .after(.seconds(240)))
        try #require(found != nil, "“\(text)” on \(stream): \(job.output(stream).bytes.suffix(500))")
    }

    private func end(of job: ShellJob) async throws -> ShellEnd {
        try #require(await job.wait(until: .after(.seconds(240))))
    }

    @Test("text, secrets and keys can be sent, and output and errors stay separate", TestSSHD.givesTerminals)
    func typing() async throws {
        try await SSHSessionTests.with { (session, _, _) async throws in
            _ = try await session.sh("f() { echo \"f $1\"; }")
            let job = try await session.start(
                ShellCommand(
                    """
                    read -p 'name? ' name; f "$name"; stty -echo; printf 'word: ' >/dev/tty; read word </dev/tty; stty echo
                    echo "long ${#word}" >&2; cat; (exit 3)
                    """, input: .terminal), deadline: .never)
            try await see("name? ", .stderr, of: job)
            try await job.type(.line("Ada"))
            try await see("f Ada", .stdout, of: job)
            try await see("word: ", .terminal, of: job)
            try await job.type(.secret(Secret("geheim-77")))
            try await see("long 9", .stderr, of: job)
            try await job.type(.text("one\ntwo"))
            try await job.type(.keys(["enter", "ctrl-d"]))
            let end = try await end(of: job)
            #expect(end.exitCode == 3)
            #expect(end.cause == .finished)
            #expect(job.output(.stdout).text == "f Ada\none\ntwo\n")
            #expect(job.output(.stderr).text == "name? long 9\n")
            let shown = job.output(.terminal).text
            #expect(shown.contains("Ada") && shown.contains("two"), "what is typed is echoed: \(shown)")
            #expect(!shown.contains("geheim") && !shown.contains("mm;"), "\(shown)")
            // The variable set by the command stays, and the next command reads nothing.
            #expect(try await session.sh("f \"$name\"; cat; echo end").out == "f Ada\nend\n")
        }
    }

    @Test("ctrl-c ends the whole command and keeps the session", TestSSHD.givesTerminals)
    func interrupt() async throws {
        try await SSHSessionTests.with { (session, _, _) async throws in
            _ = try await session.sh("kept=1; cd /usr")
            let job = try await session.start(
                // A command that prints this has the terminal already: a key between two commands interrupts neither.
                ShellCommand("sh -c 'echo begun; exec sleep 1000'; echo not reached", input: .terminal),
                deadline: .never)
            try await see("begun", .stdout, of: job)
            try await job.type(.keys(["ctrl-c"]))
            let end = try await end(of: job)
            #expect(end.exitCode == 130)
            #expect(!end.restartsSession)
            #expect(!job.output(.stdout).text.contains("not"))
            #expect(try await session.sh("echo $kept; pwd").out == "1\n/usr\n")
        }
    }

    @Test("a request for input is recognised, and whether it is for a secret", TestSSHD.givesTerminals)
    func waiting() async throws {
        try await SSHSessionTests.with { (session, _, _) async throws in
            let job = try await session.start(
                ShellCommand(
                    "echo -n 'go on? ' >&2; read x; stty -echo; printf 'password: ' >/dev/tty; read y; stty echo; echo $y",
                    input: .terminal), deadline: .never)
            var prompt: ShellPrompt?
            #expect(
                await eventually {
                    prompt = await job.waitingFor()
                    return prompt?.text == "go on? "
                })
            #expect(prompt?.isSecret == false)
            try await job.type(.line("yes"))
            try await see("password: ", .terminal, of: job)
            #expect(
                await eventually {
                    prompt = await job.waitingFor()
                    return prompt?.isSecret == true
                })
            try await job.type(.line("x"))
            #expect(try await end(of: job).exitCode == 0)
            #expect(await job.waitingFor() == nil)
            #expect(job.output(.stdout).text == "x\n")
        }
    }

    @Test("a screen has all three streams", TestSSHD.givesTerminals)
    func screen() async throws {
        try await SSHSessionTests.with { (session, _, _) async throws in
            let job = try await session.start(
                ShellCommand("test -t 0 && test -t 1 && test -t 2 && stty size", input: .screen), deadline: .never)
            #expect(try await end(of: job).exitCode == 0)
            #expect(job.output(.terminal).text == "24 80\r\n")
            #expect(job.output(.stdout).total == 0)
        }
    }

    @Test(
        "a command without input shows what it asks at the terminal that the session already has",
        TestSSHD.givesTerminals)
    func askingWithoutInput() async throws {
        try await SSHSessionTests.with { (session, _, _) async throws in
            let first = try await session.start(ShellCommand("true", input: .terminal), deadline: .never)
            #expect(try await end(of: first).exitCode == 0)
            let job = try await session.start(
                ShellCommand("printf 'password: ' >/dev/tty; read word </dev/tty"), deadline: .never)
            try await see("password: ", .terminal, of: job)
            job.cancel()
            #expect(try await end(of: job).cause == .cancelled)
            #expect(try await session.sh("echo out").out == "out\n")
        }
    }

    @Test("is refused if the host gives no terminals, and a command without it runs")
    func noTerminals() async throws {
        try await SSHSessionTests.with("PermitTTY no") { (session, _, _) async throws in
            let error = await #expect(throws: MMError.self) {
                try await session.start(ShellCommand("cat", input: .terminal), deadline: .never)
            }
            #expect(error?.code == .unsupported)
            #expect(try await session.sh("echo alive").out == "alive\n")
        }
    }

    @Test("works if no program on the host can release a terminal", TestSSHD.givesTerminals, arguments: [true, false])
    func plainHost(hasBash: Bool) async throws {
        let folder = try TestFolder.make("/tmp/mm-bin-")
        defer { TestFolder.remove(folder) }
        for name in ["sh", "mkdir", "rm", "sleep", "grep", "stty", "tty", "uname", "cat", "readlink"]
            + (hasBash ? ["bash"] : [])
        {
            let path = try #require(ExecutableSearch.find(name, path: Shells.path))
            symlink(path, folder + "/" + name)
        }
        try await SSHSessionTests.with("SetEnv PATH=\(folder) HOME=\(folder)") { (session, _, _) async throws in
            let job = try await session.start(
                ShellCommand(
                    "echo begun; read x; sh -c 'echo \"got $0\"; exec sleep 1000' \"$x\"; echo no", input: .terminal),
                deadline: .never)
            try await see("begun", .stdout, of: job)
            try await job.type(.line("text"))
            try await see("got text", .stdout, of: job)
            try await job.type(.keys(["ctrl-c"]))
            let end = try await end(of: job)
            #expect(end.exitCode == 130)
            let next = try await session.sh("echo \"$x\"")
            #expect(next.out == "text\n", "\(next.end)")
        }
    }
}
