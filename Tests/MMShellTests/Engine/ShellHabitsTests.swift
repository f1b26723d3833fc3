import Glibc
import MMCore
import MMSystem
import TestHosts
import TestSupport
import Testing

@testable import MMShell

@Suite("Habits of shells and their users", .timeLimit(.minutes(10)))
struct ShellHabitsTests {
    @Test("exec of another shell ends this one; the next command gets a new one", arguments: Shells.installed)
    func executedAway(kind: ShellKind) async throws {
        try await Shells.with(kind) { (shell) async throws in
            _ = try await shell.sh("cd /usr; export KEPT=1")
            for text in ["exec sh", "exec sh -i", "exec bash -c 'exit 0'"] {
                let gone = try await shell.sh(text)
                #expect(gone.end.cause == .shellEnded)
                #expect(gone.code == 0)
                #expect(gone.end.restartsSession)
                #expect(try await shell.sh("pwd; echo $KEPT").out == "/usr\n1\n")
            }
            // A program that replaced the shell and continues is ended with the command.
            let job = try await shell.start(ShellCommand("echo begun; exec sleep 3010"), deadline: .never)
            #expect(await job.wait(for: "begun", in: .stdout, until: .after(.seconds(300))) != nil)
            job.cancel()
            let end = try #require(await job.wait(until: .after(.seconds(300))))
            #expect(end.cause == .cancelled)
            #expect(try await shell.sh("pwd; echo $KEPT").out == "/usr\n1\n")
        }
    }

    @Test(
        "a user's function named printf works, and doesn't affect how commands end",
        arguments: Shells.installed)
    func ownPrintf(kind: ShellKind) async throws {
        try await Shells.with(kind) { (shell) async throws in
            #expect(try await shell.sh("printf() { echo mine; }").end.cause == .finished)
            #expect(try await shell.sh("printf x; export KEPT=1").out == "mine\n")
            #expect(try await shell.sh("false").code == 1)
            #expect(try await shell.sh("echo $KEPT").out == "1\n")
        }
    }

    /// Texts that define a function or an alias with the name of a builtin or a keyword.
    static let definitions: [String] =
        [
            "command", "builtin", "eval", "printf", "read", "exec", "cd", "trap", "stty", "set", "export", "unset",
            "return",
            "exit", "test", "[",
        ].map { "\($0)() { echo mine; }" }
        + ["if", "case", "eval", "set", "builtin", "command", "printf", "cd", "export"].map {
            "alias \($0)='echo mine'"
        }

    @Test(
        "functions and aliases named like builtins don't affect the session", arguments: Shells.installed, definitions)
    func ownWords(kind: ShellKind, definition: String) async throws {
        try await Shells.with(kind) { (shell) async throws in
            try await Self.checkOwnWords(in: shell, definition)
        }
    }

    /// Defines a function or alias, and checks that the session goes on.
    static func checkOwnWords(in shell: any ShellSession, _ definition: String) async throws {
        let process = try await shell.sh("kept=1; \\echo $$").out
        // Some shells refuse it.
        let answer = try await shell.sh(definition)
        #expect(answer.end.cause == .finished)
        #expect(try await shell.sh("\\echo $kept; /bin/sh -c 'test -d /nowhere'").out == "1\n")
        let next = try await shell.sh("\\echo it\\'s $?\n\\echo $$")
        #expect(next.out == "it's 1\n" + process, "\(definition)")
        #expect(try await shell.sh("\\echo ${").code != 0)
        #expect(try await shell.sh("\\echo $$").out == process)
        if definition.hasPrefix("printf()") { #expect(try await shell.sh("printf x").out == "mine\n") }
    }

    @Test("a function that hides the session's own word is removed, and its definition's answer says so")
    func hidingWord() async throws {
        for kind in Shells.installed {
            try await Shells.with(kind) { (shell) async throws in
                let answer = try await shell.sh("\(kind.caller)() { echo mine; }; false")
                #expect(answer.code == 1)
                #expect(answer.err.contains("give it another name"))
                let next = try await shell.sh("\(kind.caller) printf x")
                #expect(next.out == "x" && next.err.isEmpty)
            }
        }
    }

    @Test("mending a hidden word leaves bash's options as they were")
    func optionsAfterMending() async throws {
        try await Shells.with(.bash) { (shell) async throws in
            for setting in ["shopt -u expand_aliases sourcepath", "shopt -s inherit_errexit", "set -o posix"] {
                _ = try await shell.sh(setting)
                let before = try await shell.sh("echo $SHELLOPTS $BASHOPTS").out
                _ = try await shell.sh("builtin() { echo mine; }")
                #expect(try await shell.sh("echo $SHELLOPTS $BASHOPTS").out == before)
            }
        }
    }

    @Test(
        "a shell whose own word is gone for good is replaced at once",
        arguments: ["builtin() { :; }; readonly -f builtin", "enable -n builtin"])
    func lostWord(text: String) async throws {
        try await Shells.with(.bash) { (shell) async throws in
            _ = try await shell.sh("export KEPT=1")
            let answer = try await shell.sh(text)
            #expect(answer.end.cause == .shellEnded)
            #expect(answer.err.contains("it goes on in a new shell"))
            #expect(try await shell.sh("echo $KEPT").out == "1\n")
        }
    }

    @Test("an alias applies from the next command on", arguments: Shells.installed)
    func aliases(kind: ShellKind) async throws {
        try await Shells.with(kind) { (shell) async throws in
            _ = try await shell.sh("alias greet='echo hello'")
            #expect(try await shell.sh("greet").out == "hello\n")
            #expect(try await shell.sh("greet\ngreet").out == "hello\nhello\n")
        }
    }

    @Test("the end of a background job isn't reported in a later answer", arguments: Shells.installed)
    func doneNotices(kind: ShellKind) async throws {
        try await Shells.with(kind) { (shell) async throws in
            let started = try await shell.sh("true & echo $!")
            let pid = try #require(Int32(started.out.split(separator: "\n").first ?? ""))
            let job = StartedProcess(pid)
            #expect(await eventually { job?.isAlive != true })
            for _ in 0..<3 {
                let next = try await shell.sh("echo next")
                #expect(next.out == "next\n", "\(next.end)")
                #expect(next.err.isEmpty)
            }
        }
    }

    @Test("the end of a background job while nothing runs doesn't affect the session", arguments: Shells.installed)
    func endsWhileIdle(kind: ShellKind) async throws {
        try await Shells.with(kind) { (shell) async throws in
            _ = try await shell.sh("own=kept")
            let process = await shell.processID
            for _ in 0..<5 {
                let started = try await shell.sh("sleep 3009 & echo $!")
                let pid = try #require(Int32(started.out.split(separator: "\n").first ?? ""))
                let job = StartedProcess(pid)
                // Only a shell that waits for its next line is disturbed by it.
                let shellProcess = try #require(process)
                #expect(await eventually { Shells.isAsleep(shellProcess) })
                kill(pid, SIGKILL)
                #expect(await eventually { job?.isAlive != true })
                #expect(await eventually { Shells.isAsleep(shellProcess) })
                let next = try await shell.sh("echo $own")
                #expect(next.out == "kept\n", "\(next.end)")
                #expect(next.end.restart == nil)
            }
            #expect(await shell.processID == process)
        }
    }

    @Test("traps of the user work and disturb nothing", arguments: Shells.installed)
    func traps(kind: ShellKind) async throws {
        try await Shells.with(kind) { (shell) async throws in
            _ = try await shell.sh("trap 'echo usr1' USR1; trap 'echo bye' EXIT")
            #expect(try await shell.sh("kill -USR1 $$; echo sent").out.contains("usr1\n"))
            if kind == .bash || kind == .zsh {
                _ = try await shell.sh("trap 'n=$((n + 1))' DEBUG")
                #expect(try await shell.sh("echo one; echo two").out == "one\ntwo\n")
                #expect(try await shell.sh("trap - DEBUG; [ $n -gt 1 ] && echo counted").out == "counted\n")
            }
            #expect(try await shell.sh("exit 3").code == 3)
        }
    }

    @Test("a working program isn't mistaken for one that waits for input", arguments: Shells.installed)
    func working(kind: ShellKind) async throws {
        try await Shells.with(kind) { (shell) async throws in
            let job = try await shell.start(
                ShellCommand("echo begun; sleep 3; read x; echo got $x", input: .terminal),
                deadline: .after(.seconds(300)))
            #expect(await job.wait(for: "begun", in: .stdout, until: .after(.seconds(300))) != nil)
            // Asked repeatedly: while it sleeps the answer is no, and becomes yes once it reads.
            #expect(await eventually { await job.waitingFor() != nil })
            try await job.type(.line("it"))
            #expect(await job.wait(until: .after(.seconds(300)))?.exitCode == 0)
            #expect(job.output(.stdout).text == "begun\ngot it\n")
            #expect(try #require(job.end).duration >= .seconds(3))
        }
    }

    @Test(
        "an interpreter can be used over the terminal",
        .enabled(if: access("/usr/bin/python3", X_OK) == 0, "python3 is not installed"))
    func interpreter() async throws {
        try await Shells.with { (shell) async throws in
            let job = try await shell.start(
                ShellCommand("/usr/bin/python3 -q -i -u", input: .terminal), deadline: .after(.seconds(300)))
            #expect(await eventually { await job.waitingFor() != nil })
            try await job.type(.line("print(6 * 7)"))
            #expect(await job.wait(for: "42", in: .stdout, until: .after(.seconds(300))) != nil)
            try await job.type(.line("exit(4)"))
            #expect(await job.wait(until: .after(.seconds(300)))?.exitCode == 4)
        }
    }

    @Test("zero bytes, unusual options and locale settings don't affect the session", arguments: Shells.installed)
    func options(kind: ShellKind) async throws {
        try await Shells.with(kind) { (shell) async throws in
            for text in [
                "set -f", "set -v", "set -o noclobber", "IFS=x", "LC_ALL=C", "set -- a b", "readonly R=1", "cd /",
            ] {
                #expect(try await shell.sh(text).end.cause == .finished)
                #expect(try await shell.sh("echo in order").out == "in order\n")
            }
            #expect(try await shell.sh("echo $1$R").out == "a1\n")
        }
    }

    @Test("two working sessions don't affect each other", arguments: Shells.installed)
    func apart(kind: ShellKind) async throws {
        try await Shells.with(kind) { (one) async throws in
            try await Shells.with(kind) { (two) async throws in
                async let first = one.sh("v=first; i=0; while [ $i -lt 300 ]; do echo one; i=$((i + 1)); done")
                async let second = two.sh("i=0; while [ $i -lt 300 ]; do echo two; i=$((i + 1)); done; echo \"[$v]\"")
                #expect(try await first.out == String(repeating: "one\n", count: 300))
                #expect(try await second.out == String(repeating: "two\n", count: 300) + "[]\n")
            }
        }
    }

    @Test(
        "two hundred sessions run at once, and end",
        .enabled(if: ResourceLimits.raiseDescriptors() >= 4096, "fewer than 4,096 descriptors may be open here"))
    func many() async throws {
        let kinds = Shells.installed.filter { $0 != .zsh }
        let shells = try await withThrowingTaskGroup(of: LocalShell.self) { group in
            for index in 0..<200 {
                group.addTask { try await LocalShell.start(Shells.settings(kinds[index % kinds.count])) }
            }
            var shells: [LocalShell] = []
            for try await shell in group { shells.append(shell) }
            return shells
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, shell) in shells.enumerated() {
                group.addTask {
                    _ = try await shell.sh("mine=\(index)")
                    #expect(try await shell.sh("echo $mine").out == "\(index)\n")
                }
            }
            try await group.waitForAll()
        }
        var processes: Set<StartedProcess> = []
        for shell in shells { processes.insert(try #require(await shell.processID.flatMap { StartedProcess($0) })) }
        #expect(processes.count == 200)
        await withTaskGroup(of: Void.self) { group in for shell in shells { group.addTask { await shell.close() } } }
        #expect(processes.allSatisfy { !$0.isAlive })
    }

    @Test("hundreds of megabytes of output aren't kept in memory")
    func flat() async throws {
        func resident() -> Int {
            let text = String(decoding: ProcFile.read("/proc/self/statm", limit: 999) ?? [], as: UTF8.self)
            return text.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 * 4096 } ?? 0
        }
        try await Shells.with { (shell) async throws in
            let before = resident()
            let answer = try await shell.sh("head -c 400000000 /dev/zero; printf END", within: .seconds(900))
            #expect(answer.stdout.total == 400_000_003)
            #expect(answer.stdout.head.count + answer.stdout.tail.count == 2 << 20)
            // Other tests run meanwhile and have outputs of their own.
            #expect(resident() - before < 200 << 20)
        }
    }

    @Test("a command beside the session has its directory and variables, and doesn't affect it")
    func beside() async throws {
        let sleeps = [Shells.ownSleep(), Shells.ownSleep()]
        try await Shells.with { (shell) async throws in
            _ = try await shell.sh("cd /usr; export KEPT=1; own=2")
            let busy = try await shell.start(ShellCommand(sleeps[0]), deadline: .never)
            let job = try await shell.detach(
                ShellCommand("pwd; echo $KEPT$own; cd /; export KEPT=9"), deadline: .after(.seconds(300)))
            #expect(await job.wait(until: .after(.seconds(300)))?.exitCode == 0)
            #expect(job.output(.stdout).text == "/usr\n1\n")
            #expect(busy.end == nil)
            busy.cancel()
            #expect(await busy.wait(until: .after(.seconds(300)))?.cause == .cancelled)
            #expect(try await shell.sh("pwd; echo $KEPT$own").out == "/usr\n12\n")
            let left = try await shell.detach(ShellCommand(sleeps[1]), deadline: .never)
            #expect(left.end == nil)
        }
        for sleep in sleeps {
            #expect(try await eventually { try await ChildOutput.of("pgrep", ["-fx", sleep]).isEmpty })
        }
    }
}
