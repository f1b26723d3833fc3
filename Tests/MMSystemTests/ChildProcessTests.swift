import CMMSystem
import Glibc
import MMCore
import TestSupport
import Testing

@testable import MMSystem

@Suite("Child processes", .timeLimit(.minutes(5)))
struct ChildProcessTests {
    // Writing to a closed pipe must not end the program, whichever test runs first.
    init() { Signals.ignoreBrokenPipes() }

    private func shell(_ script: String, _ arguments: [String] = []) -> ChildCommand {
        ChildCommand("/bin/sh", ["-c", script, "sh"] + arguments, environment: ["PATH": "/usr/bin:/bin"])
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    private func run(_ script: String, _ arguments: [String] = []) async throws -> ChildProcess.Outcome {
        try await ChildProcess.run(shell(script, arguments), timeout: .seconds(300))
    }

    @Test("arguments and environment arrive unchanged, and nothing else does")
    func exact() async throws {
        let odd = ["", " a b ", "é\n\"$x'", "-n"]
        let said = try await run("for a; do printf '<%s>' \"$a\"; done", odd)
        #expect(text(said.output) == odd.map { "<\($0)>" }.joined())
        var command = ChildCommand("/usr/bin/env", environment: ["ONE": "1 =2", "EMPTY": ""])
        command.name = "other"
        let variables = try await ChildProcess.run(command, timeout: .seconds(300))
        #expect(text(variables.output) == "EMPTY=\nONE=1 =2\n")
        #expect(variables.exit == .status(0))
    }

    @Test("the status, the signal, output and errors are distinguished")
    func outcomes() async throws {
        let failed = try await run("echo out; echo err >&2; exit 7")
        #expect(failed.exit == .status(7))
        #expect(text(failed.output) == "out\n")
        #expect(text(failed.error) == "err\n")
        #expect(try await run("kill -9 $$").exit == .signal(9))
        #expect(ChildProcess.Exit.signal(9).code == 137)
    }

    @Test("a failed start is reported with the reason")
    func failures() async throws {
        func start(_ command: ChildCommand) async -> MMError? {
            await failure { () async throws(MMError) in try await ChildProcess.start(command) }
        }
        let missing = await start(ChildCommand("/nowhere/program", environment: [:]))
        #expect(missing?.code == .notFound)
        #expect(missing?.message.contains("/nowhere/program") == true)
        #expect(await start(ChildCommand("/etc", environment: [:]))?.code == .forbidden)
        #expect(await start(ChildCommand("sh", environment: [:]))?.code == .invalidInput)
        #expect(await start(ChildCommand("/bin/true", ["a\0b"], environment: [:]))?.code == .invalidInput)
        #expect(await start(ChildCommand("/bin/true", environment: ["A=B": ""]))?.code == .invalidInput)
        let elsewhere = await start(ChildCommand("/bin/true", environment: [:], directory: "/nowhere"))
        #expect(elsewhere?.code == .notFound)
        #expect(elsewhere?.message.contains("/nowhere") == true)
        let huge = String(repeating: "x", count: 3 << 20)
        #expect(await start(ChildCommand("/bin/true", [huge], environment: [:]))?.code == .limitExceeded)
    }

    @Test("none of our descriptors, signal masks or ignored signals reaches it")
    func nothingInherited() async throws {
        Signals.ignoreBrokenPipes()
        // Opened without close-on-exec, as a careless library would.
        let careless = Glibc.open("/dev/null", O_RDONLY)
        defer { close(careless) }
        let said = try await ChildProcess.run(
            ChildCommand("/bin/ls", ["/proc/self/fd"], environment: [:]), timeout: .seconds(300))
        // The fourth is the one with which ls reads the folder.
        #expect(text(said.output) == "0\n1\n2\n3\n")
        let status = try await run("grep -E 'Sig(Blk|Ign)' /proc/self/status")
        #expect(text(status.output) == "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n")
    }

    @Test("it leads its own session and process group")
    func session() async throws {
        let said = try await run("echo $$; cut -d' ' -f5,6 /proc/$$/stat")
        let lines = text(said.output).split(separator: "\n")
        try #require(lines.count == 2)
        #expect(lines[1] == "\(lines[0]) \(lines[0])")
    }

    @Test("it starts in its folder, with its limits and its extra descriptors")
    func surroundings() async throws {
        let pipe = try FileDescriptor.pipe()
        let (readEnd, writeEnd) = pipe.ends()
        let reader = try PolledReader(FileDescriptor(owning: readEnd))
        var command = shell("pwd; ulimit -n; echo extra >&3; echo more >&4")
        command.directory = "/usr"
        command.limits = [ChildCommand.Limit(resource: Int32(RLIMIT_NOFILE.rawValue), value: 77)]
        command.extraDescriptors = [writeEnd, writeEnd]
        let said = try await ChildProcess.run(command, timeout: .seconds(300))
        close(writeEnd)
        #expect(text(said.output) == "/usr\n77\n")
        #expect(try await reader.read().map(text) == "extra\nmore\n")
        #expect(try await reader.read() == nil)
    }

    @Test("descriptors may be passed in any order, even onto each other")
    func crossed() async throws {
        var command = shell("echo to-one; echo to-two >&2")
        command.output = .descriptor(2)
        command.error = .descriptor(1)
        let child = try await ChildProcess.start(command)
        #expect(await child.exit() == .status(0))
        #expect(child.output == nil)
    }

    @Test("large input and output are transferred at once")
    func large() async throws {
        let input = [UInt8](repeating: 0x61, count: 10 << 20)
        let said = try await ChildProcess.run(
            ChildCommand("/bin/cat", environment: [:]), input: input, timeout: .seconds(300))
        #expect(said.output == input)
        #expect(!said.isCut)
        let cut = try await ChildProcess.run(
            ChildCommand("/bin/cat", environment: [:]), input: input, limit: 1_000, timeout: .seconds(300))
        #expect(cut.output.count == 1_000)
        #expect(cut.isCut)
        #expect(cut.exit == .status(0))
    }

    @Test("a child whose output nobody reads is held back")
    func backPressure() async throws {
        let child = try await ChildProcess.start(shell("exec dd if=/dev/zero bs=65536 count=1000 2>/dev/null"))
        let written = { () -> Int in
            let text = Resources.contents("/proc/\(child.pid)/io") ?? ""
            return text.split(separator: "\n").first { $0.hasPrefix("wchar: ") }.flatMap { Int($0.dropFirst(7)) } ?? 0
        }
        #expect(
            await eventually {
                Resources.contents("/proc/\(child.pid)/wchan")?.contains("pipe") == true || written() >= 65_536
            })
        #expect(written() <= 4 * 65_536)
        var total = 0
        while let piece = try await child.output?.read() { total += piece.count }
        #expect(total == 65_536_000)
        #expect(await child.exit() == .status(0))
    }

    @Test("at the deadline it and its group are killed")
    func timeout() async throws {
        let folder = try TestFolder()
        // A busy machine starts the program late.
        for time in [100, 1_000, 10_000, 100_000] where pids(in: folder).count < 2 {
            let error = await failure { () async throws(MMError) in
                try await ChildProcess.run(self.pair(in: folder), timeout: .milliseconds(time))
            }
            #expect(error?.code == .deadlineExceeded)
        }
        #expect(pids(in: folder).count == 2)
        #expect(await eventually { pids(in: folder).allSatisfy(hasEnded) })
    }

    @Test("a cancelled run kills it and its group")
    func cancelled() async throws {
        let folder = try TestFolder()
        let task = Task {
            await failure { () async throws(MMError) in
                try await ChildProcess.run(self.pair(in: folder), timeout: .seconds(300))
            }
        }
        #expect(await eventually { pids(in: folder).count == 2 })
        task.cancel()
        #expect(await task.value?.code == .cancelled)
        #expect(await eventually { pids(in: folder).allSatisfy(hasEnded) })
    }

    /// A program that starts another one and notes the ids of both.
    private func pair(in folder: TestFolder) -> ChildCommand {
        shell("sleep 1000 & echo $$ $! >\"$1\"; sleep 1000", [folder["pids"]])
    }

    private func pids(in folder: TestFolder) -> [Int32] {
        (Resources.contents(folder["pids"]) ?? "").split(separator: " ").compactMap { Int32($0) }
    }

    private func hasEnded(_ pid: Int32) -> Bool {
        Resources.contents("/proc/\(pid)/stat")?.contains(") Z ") ?? true
    }

    @Test("a child that ignores TERM is killed after its grace period, a stopped one ends by TERM at once")
    func terminate() async throws {
        let deaf = try await ChildProcess.start(shell("trap '' TERM; echo ready; while :; do sleep 1; done"))
        #expect(try await deaf.output?.read().map(text) == "ready\n")
        #expect(await deaf.terminate(grace: .milliseconds(50)) == .signal(SIGKILL))
        let stopped = try await ChildProcess.start(shell("kill -STOP $$; sleep 1000"))
        #expect(await eventually { Resources.contents("/proc/\(stopped.pid)/stat")?.contains(") T ") == true })
        #expect(await stopped.terminate(grace: .seconds(100)) == .signal(SIGTERM))
        #expect(!stopped.signal(SIGTERM))
        #expect(!stopped.signalGroup(SIGTERM))
        #expect(stopped.exited == .signal(SIGTERM))
        #expect(await stopped.terminate(grace: .seconds(100)) == .signal(SIGTERM))
    }

    @Test("the rest of its group ends with it, so that its pipes end")
    func group() async throws {
        let said = try await run("sleep 1000 & echo $!")
        #expect(said.exit == .status(0))
        let left = text(said.output).split(separator: "\n").first.flatMap { Int32($0) }
        let pid = try #require(left)
        #expect(
            await eventually { kill(pid, 0) != 0 || Resources.contents("/proc/\(pid)/stat")?.contains(") Z ") == true })
    }

    @Test("a grandchild that left the group and holds the pipes doesn't block us")
    func escaped() async throws {
        let said = try await run("setsid sh -c 'echo $$; exec sleep 3000' & sleep 0.2; echo done")
        #expect(said.exit == .status(0))
        let lines = text(said.output).split(separator: "\n")
        #expect(lines.contains("done"))
        for line in lines { if let pid = Int32(line) { kill(pid, SIGKILL) } }
    }

    @Test("it dies with the thread that started it, hence with this process")
    func deathSignal() async throws {
        let started = OneShot<Int32>()
        let thread = try DedicatedThread.start("mm-mortal") {
            let path = strdup("/bin/sleep")
            let argument = strdup("1000")
            defer {
                free(path)
                free(argument)
            }
            var arguments: [UnsafeMutablePointer<CChar>?] = [path, argument, nil]
            var environment: [UnsafeMutablePointer<CChar>?] = [nil]
            var spawn = mm_spawn()
            var pidfd: Int32 = -1
            var step: Int32 = 0
            let null = Glibc.open("/dev/null", O_RDWR)
            let pid = arguments.withUnsafeMutableBufferPointer { arguments in
                environment.withUnsafeMutableBufferPointer { environment in
                    spawn.path = UnsafePointer(path)
                    spawn.arguments = UnsafePointer(arguments.baseAddress)
                    spawn.environment = UnsafePointer(environment.baseAddress)
                    spawn.input = null
                    spawn.output = null
                    spawn.error = null
                    spawn.terminal = -1
                    spawn.death_signal = SIGKILL
                    spawn.own_session = 1
                    return mm_start_program(&spawn, &pidfd, &step)
                }
            }
            close(null)
            if pidfd >= 0 { close(pidfd) }
            started.resolve(pid)
        }
        let pid = await started.wait()
        try #require(pid > 0)
        await thread.ended()
        var signalled: Int32 = 0
        var code: Int32 = -1
        #expect(
            await eventually {
                if code < 0 { code = mm_reap(pid, &signalled) }
                return code >= 0
            })
        #expect(code == 128 + SIGKILL)
        #expect(signalled == 1)
    }

    @Test("releasing it kills it, unless it may live on")
    func released() async throws {
        var pid: Int32 = 0
        do { pid = try await ChildProcess.start(shell("sleep 1000")).pid }
        #expect(await eventually { kill(pid, 0) != 0 })
        var command = shell("exec sleep 1000")
        command.deathSignal = nil
        do { pid = try await ChildProcess.start(command).pid }
        #expect(kill(pid, 0) == 0)
        kill(pid, SIGKILL)
        #expect(await eventually { kill(pid, 0) != 0 })
    }

    @Test("hundreds at once, and nothing is left afterwards")
    func many() async throws {
        ResourceLimits.raiseDescriptors()
        _ = try await run("true")
        let before = Resources.pidfds
        try await withThrowingTaskGroup(of: String.self) { group in
            for number in 0..<200 {
                group.addTask {
                    let said = try await ChildProcess.run(
                        ChildCommand("/bin/echo", ["\(number)"], environment: [:]), timeout: .seconds(300))
                    return String(decoding: said.output, as: UTF8.self)
                }
            }
            let all = try await group.reduce(into: Set<String>()) { $0.insert($1) }
            #expect(all.count == 200)
        }
        // Other tests have a few children too.
        #expect(await eventually { Resources.pidfds < before + 50 })
        #expect(Resources.threads["mm-spawn"] == 1)
        #expect(Resources.threads["mm-poll"] == 1)
    }

    @Test("a program is found by its name in the folders of a path")
    func search() {
        #expect(ExecutableSearch.find("sh", path: "/nowhere:/usr/bin:/bin") == "/usr/bin/sh")
        #expect(ExecutableSearch.find("sh", path: ".:usr/bin") == nil)
        #expect(ExecutableSearch.find("/bin/sh", path: "") == "/bin/sh")
        #expect(ExecutableSearch.find("/etc/passwd", path: "") == nil)
        #expect(ExecutableSearch.find("", path: "/bin") == nil)
        #expect(ExecutableSearch.find("sh", in: ["PATH": "/nowhere"]) == nil)
        #expect(ExecutableSearch.find("sh", in: [:]) == "/usr/bin/sh")
    }
}
