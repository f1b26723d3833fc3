import Glibc
import MMCore
import MMSystem
import TestHosts
import TestSupport
import Testing

@testable import MMShell

@Suite(
    "Connecting to a host", .enabled(if: TestSSHD.missing == nil, "sshd is not installed"), .timeLimit(.minutes(10)))
struct SSHReachTests {
    private static func connect(_ target: SSHTarget, _ masters: SSHMasters, times: ShellSettings.Times? = nil)
        async throws -> SSHSession
    {
        try await SSHSession.connect(
            target, masters: masters, policy: .open, times: times ?? SSHSessionTests.patient, admission: nil,
            deadline: .after(.seconds(300)))
    }

    private static func isGone(_ sleep: String) async throws -> Bool {
        try await ChildOutput.of("pgrep", ["-fx", sleep]).isEmpty
    }

    @Test("many sessions at once work, however few channels the host allows per connection", arguments: [1, 2])
    func channels(most: Int) async throws {
        try await TestSSHD.with("MaxSessions \(most)") { (server) async throws in
            let masters = SSHSessionTests.masters()
            let answers = try await withThrowingTaskGroup(of: String.self) { group in
                for number in 0..<8 {
                    group.addTask {
                        let session = try await Self.connect(server.target, masters)
                        let answer = try await session.sh("echo \(number)").out
                        await session.close()
                        return answer
                    }
                }
                return try await group.reduce(into: Set<String>()) { $0.insert($1) }
            }
            #expect(answers == Set((0..<8).map { "\($0)\n" }))
            #expect(await eventually { await masters.count == 0 })
        }
    }

    @Test("a deadline ends a call even if the host doesn't answer, and the processes there are ended later")
    func silence() async throws {
        try await TestSSHD.with { (server) async throws in
            var target = server.target
            // Only the deadline may end the command.
            target.keepAliveInterval = .seconds(3600)
            let masters = SSHSessionTests.masters()
            var times = ShellSettings.Times()
            times.start = .seconds(300)
            // A host that is silent isn't given the time that a command has for its end.
            times.interrupt = .seconds(3600)
            let session = try await Self.connect(target, masters, times: times)
            let sleep = Shells.ownSleep()
            let job = try await session.start(ShellCommand("echo begun; \(sleep)"), deadline: .never)
            #expect(await job.wait(for: "begun", in: .stdout, until: .after(.seconds(300))) != nil)
            let frozen = server.descendants().filter {
                (ProcFile.read("/proc/\($0)/comm", limit: 99) ?? []).starts(with: "sshd".utf8)
            }
            for pid in frozen { kill(pid, SIGSTOP) }
            job.cancel()
            let end = await job.wait(until: .after(.seconds(300)))
            #expect(end?.cause == .cancelled)
            #expect(end?.restartsSession == true)
            for pid in frozen { kill(pid, SIGCONT) }
            #expect(try await session.sh("echo back").out == "back\n")
            #expect(try await eventually { try await Self.isGone(sleep) })
            await session.close()
        }
    }

    @Test("the processes of a killed session are ended when the host can be reached again")
    func leftovers() async throws {
        let records = try TestFolder.make("/tmp/mm-hosts-")
        defer { TestFolder.remove(records) }
        try await TestSSHD.with { (server) async throws in
            let killed = SSHMasters(environment: Shells.environment, records: records)
            let session = try await Self.connect(server.target, killed)
            let (sleep, kept) = (Shells.ownSleep(), Shells.ownSleep())
            let job = try await session.start(ShellCommand("echo begun; \(sleep)"), deadline: .never)
            #expect(await job.wait(for: "begun", in: .stdout, until: .after(.seconds(300))) != nil)
            // As if its process had been killed: its record names one that doesn't exist.
            let name = try #require(try FolderListing.names(in: records).first)
            let text = try #require(try ProtectedFile.read("\(records)/\(name)"))
            var object = try #require(try JSONParser.parse(text).object)
            object["started"] = "1"
            try ProtectedFile.replace("\(records)/\(name)", with: JSONWriter.bytes(.object(object)))
            let masters = SSHMasters(environment: Shells.environment, records: records)
            let next = try await Self.connect(server.target, masters)
            let other = try await next.start(ShellCommand("echo begun; \(kept)"), deadline: .never)
            #expect(await other.wait(for: "begun", in: .stdout, until: .after(.seconds(300))) != nil)
            #expect(try await eventually { try await Self.isGone(sleep) })
            #expect(try await !Self.isGone(kept), "what somebody holds goes on")
            other.cancel()
            await next.close()
            #expect(try await eventually { try !FolderListing.names(in: records).contains(name) })
            await session.close()
        }
    }

    @Test("a jump host uses the file of known hosts and the setting for new ones too", arguments: [true, false])
    func jump(believesNew: Bool) async throws {
        try await TestSSHD.with { (server) async throws in
            let config = "\(server.folder)/client"
            try await TestSSHD.put(
                """
                Host hop far
                  HostName 127.0.0.1
                  Port \(server.port)
                  User \(TestSSHD.user)
                  IdentityFile \(server.folder)/user
                Host hop
                  HostKeyAlias the-hop

                """, config)
            var target = SSHTarget("far")
            target.jump = "hop"
            target.configFile = config
            target.hostKeys = believesNew ? .acceptNew : .strict
            target.knownHostsFile = "\(server.folder)/known-both"
            target.connectTimeout = .seconds(300)
            do {
                let session = try await Self.connect(target, SSHSessionTests.masters())
                #expect(believesNew)
                #expect(try await session.sh("echo over").out == "over\n")
                await session.close()
                let known = String(
                    decoding: try ProtectedFile.read("\(server.folder)/known-both") ?? [], as: UTF8.self)
                #expect(known.contains("the-hop"))
                #expect(known.contains("127.0.0.1"))
            } catch let error as MMError {
                #expect(!believesNew)
                #expect(error.details["reason"] == "host_key_unknown", "\(error)")
            }
        }
    }

    @Test("an account without a shell is reported with its own message")
    func noShell() async throws {
        try await TestSSHD.with("ForceCommand echo 'This account is currently not available.'; exit 1") {
            (server) async throws in
            do {
                _ = try await Self.connect(server.target, SSHSessionTests.masters())
                Issue.record("it connected")
            } catch let error as MMError {
                #expect(error.message.contains("This account is currently not available."))
                #expect(error.details["reason"] == "no_shell")
            }
        }
    }

    @Test(
        "a sign-in gives each secret once, and keeps a further question of the host for a person",
        arguments: ["(ann@web1) Verification code: ", "(ann@web1) One-time password (OATH) for `ann': "])
    func questions(code: String) async throws {
        let folder = try TestFolder.make("/tmp/mm-ask-")
        defer { TestFolder.remove(folder) }
        var target = SSHTarget("web1", user: "ann")
        target.password = Secret("horse")
        target.configFile = "none"
        func secrets() async throws -> SSHSecrets {
            let program = try #require(ExecutableSearch.find("ssh", path: Shells.path))
            let resolution = try await SSHResolution.of(
                target, ["-F", "none", "-l", "ann"], program: program, environment: Shells.environment)
            return try SSHSecrets(in: folder, target: target, resolution, home: nil)
        }
        func ask(_ secrets: SSHSecrets, _ question: String) async throws -> String {
            let command = ChildCommand("\(secrets.path)/ask", [question], environment: Shells.environment)
            let outcome = try await ChildProcess.run(command, timeout: .seconds(300))
            return String(decoding: outcome.output, as: UTF8.self)
        }
        let first = try await secrets()
        #expect(try await ask(first, "(ann@web1) Password: ") == "horse\n")
        // These mean that it was refused.
        #expect(try await ask(first, "(ann@web1) Password: ").isEmpty)
        #expect(try await ask(first, "ann@web1's password: ").isEmpty)
        #expect(try await ask(first, "Are you sure you want to continue (yes/no)? ").isEmpty)
        #expect(first.question == nil)
        let waiting = try await ChildProcess.start(
            ChildCommand("\(first.path)/ask", [code], environment: Shells.environment))
        #expect(await eventually { first.question == code })
        waiting.signalGroup(SIGKILL)
        _ = await waiting.exit()
        // In the next sign-in it is answered.
        target.oneTimePassword.set(Secret("755224"))
        let second = try await secrets()
        #expect(try await ask(second, "(ann@web1) Password: ") == "horse\n")
        #expect(try await ask(second, code) == "755224\n")
        #expect(second.question == nil)
        // A code that was used counts no more, and doesn't make the connection another one.
        let third = try await secrets()
        #expect(try await ask(third, "(ann@web1) Password: ") == "horse\n")
        let asking = try await ChildProcess.start(
            ChildCommand("\(third.path)/ask", [code], environment: Shells.environment))
        #expect(await eventually { third.question == code })
        asking.signalGroup(SIGKILL)
        _ = await asking.exit()
        var other = SSHTarget("web1", user: "ann")
        (other.password, other.configFile) = (target.password, target.configFile)
        other.oneTimePassword.set(Secret("287082"))
        #expect(other == target)
    }

    @Test(
        "a host of ssh_config that is meant for tunnels takes commands and files, too",
        arguments: ["StdinNull yes", "ForkAfterAuthentication yes", "SessionType none", "SessionType subsystem"])
    func tunnels(line: String) async throws {
        try await TestSSHD.with { (server) async throws in
            let config = "\(server.folder)/client"
            try await TestSSHD.put("Host *\n\(line)\nRemoteCommand none\n", config)
            var target = server.target
            target.configFile = config
            let session = try await Self.connect(target, SSHSessionTests.masters())
            #expect(try await session.sh("echo here").out == "here\n")
            #expect(try await RemoteFiles(session).read("/etc/hostname").bytes.isEmpty == false)
            await session.close()
        }
    }

    @Test("a connection whose timeout ssh_config sets is used for all transfers, and closed with its last session")
    func configuredTimeout() async throws {
        try await TestSSHD.with { (server) async throws in
            let config = "\(server.folder)/client"
            try await TestSSHD.put("Host *\nConnectTimeout 200\n", config)
            var target = server.target
            target.configFile = config
            let masters = SSHSessionTests.masters()
            let session = try await Self.connect(target, masters)
            for _ in 0..<10 { _ = try await RemoteFiles(session).read("/etc/hostname") }
            #expect(await masters.count == 1)
            await session.close()
            #expect(await eventually { await masters.count == 0 })
        }
    }

    @Test("a session that lost its connection signs in again with a secret that was typed anew")
    func renewedSecret() async throws {
        try await TestSSHD.with { (server) async throws in
            func lock(_ old: String, _ new: String) async throws {
                try await TestSSHD.run(
                    "ssh-keygen", ["-q", "-p", "-P", old, "-N", new, "-f", "\(server.folder)/user"])
            }
            try await lock("", "first one")
            var target = server.target
            target.passphrase = Secret("first one")
            let session = try await Self.connect(target, SSHSessionTests.masters())
            _ = try await session.sh("cd /usr")
            try await lock("first one", "second one")
            for pid in server.descendants() { kill(pid, SIGKILL) }
            #expect(await eventually { await !session.isConnected })
            await #expect(throws: MMError.self) { _ = try await session.sh("pwd") }
            await session.renew(password: nil, passphrase: Secret("second one"), oneTimePassword: nil)
            #expect(try await session.sh("pwd").out == "/usr\n")
            await session.close()
        }
    }

    @Test("a script for a file that takes too long leaves its connection in use")
    func slowScript() async throws {
        try await SSHSessionTests.with { (session, server, masters) async throws in
            let error = await #expect(throws: MMError.self) {
                _ = try await RemoteFiles(session).run("exec sleep 3600", input: [], timeout: .seconds(2), most: 64)
            }
            #expect(error?.code == .deadlineExceeded)
            let next = try await Self.connect(server.target, masters)
            #expect(try await next.sh("echo next").out == "next\n")
            #expect(await masters.count == 1)
            await next.close()
        }
    }

    @Test("a further connection that leads to another machine touches nothing there", TestSSHD.givesTerminals)
    func anotherMachine() async throws {
        let folder = try TestFolder.make("/tmp/mm-other-")
        defer { TestFolder.remove(folder) }
        try await TestSSHD.with("MaxSessions 1") { (server) async throws in
            // The other machine has a folder of its own for temporary files.
            let other = try await TestSSHD.start("MaxSessions 1\nSetEnv TMPDIR=\(folder)")
            try await TestSSHD.run("cp", ["\(server.folder)/authorized", "\(other.folder)/authorized"])
            func lead(to port: Int) async throws {
                try await TestSSHD.put("Host web\nHostName 127.0.0.1\nPort \(port)\n", "\(server.folder)/client")
            }
            var target = server.target
            (target.host, target.port, target.configFile) = ("web", nil, "\(server.folder)/client")
            try await lead(to: server.port)
            let masters = SSHSessionTests.masters()
            let session = try await Self.connect(target, masters)
            try await lead(to: other.port)
            for input in [ShellCommand.Input.terminal, .pipe] {
                let error = await #expect(throws: MMError.self) {
                    try await session.start(ShellCommand("cat", input: input), deadline: .never)
                }
                #expect(error?.details["reason"] == "another_machine", "\(input): \(String(describing: error))")
            }
            let job = try await session.start(ShellCommand("echo begun; exec sleep 3044"), deadline: .never)
            #expect(await job.wait(for: "begun", in: .stdout, until: .after(.seconds(300))) != nil)
            #expect(await !job.signal(SIGTERM), "the process of that number there is somebody else's")
            #expect(job.end == nil)
            await session.close()
            _ = await job.wait(until: .after(.seconds(300)))
            await other.stop()
        }
    }

    @Test("a host that starts no shell is reported as soon as its output has ended, however long output may be awaited")
    func endOfOutput() async throws {
        try await TestSSHD.with("ForceCommand echo 'no shell here'") { (server) async throws in
            let masters = SSHSessionTests.masters()
            let master = try await masters.acquire(server.target, deadline: .after(.seconds(300)))
            let error = await #expect(throws: MMError.self) {
                _ = try await RemoteShell.start(
                    master, snapshot: nil, within: .seconds(300), rest: .seconds(86_400))
            }
            #expect(error?.message.contains("no shell here") == true)
            await masters.release(master)
        }
    }

    @Test("a silent host is given up without waiting for its output, however long that may be awaited")
    func silentEnd() async throws {
        try await TestSSHD.with { (server) async throws in
            let masters = SSHSessionTests.masters()
            let master = try await masters.acquire(server.target, deadline: .after(.seconds(300)))
            let shell = try await RemoteShell.start(
                master, snapshot: nil, within: .seconds(300), rest: .seconds(86_400))
            let frozen = server.descendants()
            for pid in frozen { kill(pid, SIGSTOP) }
            let reported = OneShot<FrameReader.Report?>()
            shell.begin(RemoteShell.newID(), job: nil) { reported.resolve($0) }
            await shell.giveUp()
            #expect(await reported.wait() == nil)
            for pid in frozen { kill(pid, SIGCONT) }
            await shell.leave()
            await masters.release(master)
        }
    }

    @Test("a host gets the more time for a signal the longer its shell took to answer")
    func timeForSignals() {
        let times = ShellSettings.Times()
        #expect(times.reach(after: .milliseconds(100)) == .seconds(2))
        #expect(times.reach(after: .seconds(1)) == .seconds(4))
        #expect(times.reach(after: .seconds(9)) == .seconds(5))
        #expect(SSHSessionTests.patient.reach(after: .seconds(9)) == .seconds(40))
    }

    @Test("a prompt that a command makes read-only ends nothing", arguments: [true, false])
    func readonlyPrompt(hasBash: Bool) async throws {
        let folder = try TestFolder.make("/tmp/mm-bin-")
        defer { TestFolder.remove(folder) }
        for tool in ["mkdir", "rm", "sleep", "grep", "cat"] {
            symlink(try #require(ExecutableSearch.find(tool, path: Shells.path)), folder + "/" + tool)
        }
        if hasBash { symlink(try #require(ExecutableSearch.find("bash", path: Shells.path)), folder + "/bash") }
        try await SSHSessionTests.with("SetEnv PATH=\(folder)") { (session, _, _) async throws in
            #expect(try await session.sh("kept=1; readonly PS1 PS2; echo a").out == "a\n")
            #expect(try await session.sh("echo b; (exit 4)").code == 4)
            #expect(try await session.sh("echo $?$kept").out == "41\n")
            // The prompt reports the end of an aborted command, and it is still there.
            let broken = try await session.sh("set -u; echo $nothing_of_this_name")
            #expect(broken.code != 0 && broken.end.cause == .finished)
            #expect(try await session.sh("echo $kept").out == "1\n")
        }
    }

    @Test("functions and aliases named like builtins don't affect the session", arguments: [true, false])
    func ownWords(hasBash: Bool) async throws {
        let folder = try TestFolder.make("/tmp/mm-bin-")
        defer { TestFolder.remove(folder) }
        for tool in ["mkdir", "rm", "sleep", "grep", "cat"] + (hasBash ? ["bash"] : []) {
            symlink(try #require(ExecutableSearch.find(tool, path: Shells.path)), folder + "/" + tool)
        }
        for definition in ShellHabitsTests.definitions {
            try await SSHSessionTests.with("SetEnv PATH=\(folder)") { (session, _, _) async throws in
                try await ShellHabitsTests.checkOwnWords(in: session, definition)
            }
        }
    }

    @Test("a command reads its terminal whatever builtins it has hidden", TestSSHD.givesTerminals)
    func hiddenTerminalWords() async throws {
        try await SSHSessionTests.with { (session, _, _) async throws in
            _ = try await session.sh("for f in command printf stty export eval; do eval \"$f() { echo mine; }\"; done")
            let job = try await session.start(
                ShellCommand("\\builtin \\read x; \\builtin echo got $x", input: .terminal),
                deadline: .after(.seconds(300)))
            #expect(await eventually { await job.waitingFor() != nil })
            try await job.type(.line("it"))
            #expect(await job.wait(until: .after(.seconds(300)))?.exitCode == 0)
            #expect(job.output(.stdout).text == "got it\n")
        }
    }

    @Test("writing through a link changes its target", arguments: ["", "#nosftp"])
    func links(_ extra: String) async throws {
        try await SSHSessionTests.with(extra) { (session, server, _) async throws in
            let files = RemoteFiles(session)
            let (file, link) = ("\(server.folder)/file", "\(server.folder)/link")
            _ = try await session.sh("echo old >\(file); chmod 640 \(file); ln -s file \(link); ln -s new \(link)2")
            let receipt = try await files.write(link, Array("new".utf8))
            #expect(receipt.path == file)
            #expect(
                try await session.sh("readlink \(link); cat \(file); stat -c ' %a' \(file)").out == "file\nnew 640\n")
            _ = try await files.write(link + "2", Array("made".utf8))
            #expect(try await session.sh("readlink \(link)2; cat \(server.folder)/new").out == "new\nmade")
            #expect(try await session.sh("ls -A \(server.folder) | grep -c 'mm-'").out == "0\n", "no draft is left")
        }
    }
}
