import Glibc
import MMCore
import MMSystem
import TestHosts
import TestSupport
import Testing

@testable import MMShell

@Suite("A session on a host", .enabled(if: TestSSHD.missing == nil, "sshd is not installed"), .timeLimit(.minutes(10)))
struct SSHSessionTests {
    static func masters() -> SSHMasters { SSHMasters(environment: Shells.environment) }

    /// Steps that a busy machine doesn't reach.
    static let patient: ShellSettings.Times = {
        var times = ShellSettings.Times()
        times.interrupt = .seconds(20)
        times.terminate = .seconds(20)
        times.kill = .seconds(200)
        times.start = .seconds(300)
        times.reach = .seconds(40)
        return times
    }()

    static func with(
        _ extra: String = "", times: ShellSettings.Times = patient,
        _ body: (SSHSession, TestSSHD, SSHMasters) async throws -> Void
    ) async throws {
        try await TestSSHD.with(extra) { (server) async throws in
            let masters = Self.masters()
            let session = try await SSHSession.connect(
                server.target, masters: masters, policy: .open, times: times, admission: nil,
                deadline: .after(.seconds(300)))
            do { try await body(session, server, masters) } catch {
                await session.close()
                throw error
            }
            await session.close()
            // The cleanup of a host that has just been reached may still use its connection.
            #expect(await eventually { await masters.count == 0 })
        }
    }

    @Test("connects for a program that has no rules and no times of its own")
    func plainly() async throws {
        try await TestSSHD.with { (server) async throws in
            let masters = Self.masters()
            let session = try await SSHSession.connect(server.target, masters: masters)
            #expect(try await session.sh("echo over").out == "over\n")
            await session.close()
            #expect(await eventually { await masters.count == 0 })
        }
    }

    @Test("keeps state, and returns status, directory and exact streams")
    func state() async throws {
        try await Self.with { (session, server, _) async throws in
            #expect(session.name == "\(TestSSHD.user)@127.0.0.1:\(server.port)")
            let first = try await session.sh(
                "cd /usr; a=1; export B='x y'; f() { echo f$1; }; umask 027; echo out; echo err >&2; (exit 3)")
            #expect(first.out == "out\n")
            #expect(first.err == "err\n")
            #expect(first.code == 3)
            #expect(first.end.workingDirectory == "/usr")
            let second = try await session.sh("echo $?; echo $a \"$B\"; f 2; pwd; umask")
            #expect(second.out == "3\n1 x y\nf2\n/usr\n0027\n")
            let odd = try await session.sh(#"printf '\000\377\n\r\n\033[31m'; printf 'e\000' >&2"#)
            #expect(odd.stdout.bytes == [0, 0xFF, 0x0A, 0x0D, 0x0A, 0x1B, 0x5B, 0x33, 0x31, 0x6D])
            #expect(odd.stderr.bytes == [0x65, 0])
            #expect(try await session.sh("set; set -x; echo hi").out.hasSuffix("hi\n"))
            #expect(try await session.sh("set +x; echo hi").err.hasSuffix("set +x\n"))
        }
    }

    @Test("survives invalid commands, and shells that end")
    func survives() async throws {
        try await Self.with { (session, _, _) async throws in
            for text in ["echo 'unbalanced", "if true; then", "echo $((1 +", ")", "set -u; echo $nothing_of_this_name"]
            {
                let answer = try await session.sh(text)
                #expect(answer.code != 0)
                #expect(!answer.err.isEmpty)
            }
            #expect(try await session.sh("set +u; return 7").code == 7)
            #expect(try await session.sh("cat; read x; echo it\\'s $?; PROMPT_COMMAND=").out == "it's 1\n")
            _ = try await session.sh("cd /usr; export KEPT='a b'; gone=1")
            let end = try await session.sh("printf before; exit 5")
            #expect(end.out == "before")
            #expect(end.code == 5)
            #expect(end.end.cause == .shellEnded)
            let next = try await session.sh("pwd; echo \"$KEPT$gone\"")
            #expect(next.out == "/usr\na b\n")
            #expect(next.end.restart == .ownShell)
        }
    }

    @Test(
        "a command ends with its own status, whatever it leaves in the background",
        arguments: [
            ("sleep 3033 & exit 3", 3), ("(trap '' HUP; sleep 3034) & exit 255", 255), ("sleep 3035 & kill -9 $$", 137),
            ("sleep 3036 & exec sh -c 'exit 4'", 4),
        ])
    func background(text: String, status: Int32) async throws {
        try await Self.with { (session, _, _) async throws in
            _ = try await session.sh("cd /usr")
            let end = try await session.sh("echo before; echo wrong >&2; " + text, within: .seconds(200))
            #expect(end.out == "before\n" && end.err == "wrong\n")
            #expect(end.code == status && end.end.cause == .shellEnded, "\(end.end)")
            // The connection is still there for the next command.
            #expect(await session.isConnected)
            let next = try await session.sh("pwd")
            #expect(next.out == "/usr\n" && next.end.restart == .ownShell)
        }
    }

    @Test("accepts large commands and returns large outputs")
    func large() async throws {
        try await Self.with { (session, _, _) async throws in
            let word = String(repeating: "y", count: 200_000)
            #expect(try await session.sh("printf '\(word)' | wc -c").out == "200000\n")
            let answer = try await session.sh("head -c 20000000 /dev/zero; printf END; printf END >&2")
            #expect(answer.stdout.total == 20_000_003)
            #expect(answer.stdout.tail.suffix(3) == Array("END".utf8)[...])
            #expect(answer.err == "END")
        }
    }

    @Test(
        "cancels the command, not the session",
        arguments: [
            "sleep 100; echo after", "while :; do :; done", "while sleep 100; do echo again; done", "yes >/dev/null",
            "PROMPT_COMMAND=; sleep 100", "sh -c 'trap \"\" INT; while :; do sleep 1; done'",
        ])
    func cancels(text: String) async throws {
        var times = Self.patient
        if text.contains("trap") { times.interrupt = .seconds(1) }
        try await Self.with(times: times) { (session, _, _) async throws in
            _ = try await session.sh("kept=1")
            let job = try await session.start(ShellCommand("echo begun; " + text), deadline: .never)
            #expect(await job.wait(for: "begun", in: .stdout, until: .after(.seconds(300))) != nil)
            job.cancel()
            let end = try #require(await job.wait(until: .after(.seconds(300))))
            #expect(end.cause == .cancelled)
            #expect(!end.restartsSession)
            #expect(try await session.sh("echo $kept").out == "1\n")
        }
    }

    @Test("reconnects if the connection was lost, and ends the processes there")
    func cut() async throws {
        try await Self.with { (session, server, masters) async throws in
            let pid = try await session.sh("cd /usr; export KEPT=1; echo $$").out.split(separator: "\n").first.flatMap {
                Int32($0)
            }
            let shell = try #require(pid.flatMap { StartedProcess($0) })
            let job = try await session.start(ShellCommand("echo begun; sleep 3003"), deadline: .never)
            #expect(await job.wait(for: "begun", in: .stdout, until: .after(.seconds(300))) != nil)
            // The processes that serve the connection, not those that they started.
            for pid in server.descendants()
            where (ProcFile.read("/proc/\(pid)/comm", limit: 99) ?? []).starts(with: "sshd".utf8) { kill(pid, SIGKILL) }
            let end = try #require(await job.wait(until: .after(.seconds(300))))
            guard case .lost = end.cause else {
                Issue.record("\(end)")
                return
            }
            #expect(end.restartsSession)
            let next = try await session.sh("pwd; echo $KEPT")
            #expect(next.out == "/usr\n1\n")
            #expect(next.end.restart == .ownShell)
            #expect(await eventually { !shell.isAlive })
            #expect(await masters.count == 1)
        }
    }

    @Test("gives programs its own mark after a lost connection: those with the lost shell's are ended")
    func marks() async throws {
        try await Self.with { (session, server, _) async throws in
            func mark() async throws -> String { try await session.sh("printenv MM_SHELL_ID").out }
            _ = try await session.sh("export KEPT=1")
            let lost = try await mark()
            let beside = try await session.detach(ShellCommand("printenv MM_SHELL_ID KEPT"), deadline: .never)
            _ = try #require(await beside.wait(until: .after(.seconds(300))))
            #expect(beside.output(.stdout).text.hasSuffix("\n1\n") && !beside.output(.stdout).text.hasPrefix(lost))
            for pid in server.descendants()
            where (ProcFile.read("/proc/\(pid)/comm", limit: 99) ?? []).starts(with: "sshd".utf8) { kill(pid, SIGKILL) }
            #expect(await eventually { await !session.isConnected })
            let found = try await mark()
            #expect(found.count == lost.count && found != lost)
            #expect(try await session.sh("echo $KEPT").out == "1\n")
        }
    }

    @Test("goes on in the directory of a session of before, and says so")
    func continued() async throws {
        try await TestSSHD.with { (server) async throws in
            let masters = Self.masters()
            let session = try await SSHSession.connect(
                server.target, masters: masters, policy: .open, times: Self.patient, admission: nil,
                continuing: "/usr", deadline: .after(.seconds(300)))
            let first = try await session.sh("pwd")
            #expect(first.out == "/usr\n" && first.end.restart == .anotherSession)
            #expect(try await session.sh("true").end.restart == nil)
            await session.close()
        }
    }

    @Test("keeps no one-time password for a later sign-in while it is connected")
    func lateCode() async throws {
        try await Self.with { (session, _, _) async throws in
            _ = try await session.sh("true")
            await session.renew(password: nil, passphrase: nil, oneTimePassword: Secret("755224"))
            #expect(await session.target.oneTimePassword.take() == nil)
        }
    }

    @Test("notices a host that is frozen")
    func frozen() async throws {
        try await TestSSHD.with { (server) async throws in
            var target = server.target
            target.keepAliveInterval = .seconds(5)
            let masters = Self.masters()
            let session = try await SSHSession.connect(
                target, masters: masters, policy: .open, times: Self.patient, admission: nil,
                deadline: .after(.seconds(300)))
            let sleep = Shells.ownSleep()
            let job = try await session.start(ShellCommand("echo begun; \(sleep)"), deadline: .never)
            #expect(await job.wait(for: "begun", in: .stdout, until: .after(.seconds(300))) != nil)
            let frozen = server.descendants().filter {
                (ProcFile.read("/proc/\($0)/comm", limit: 99) ?? []).starts(with: "sshd".utf8)
            }
            for pid in frozen { kill(pid, SIGSTOP) }
            let end = try #require(await job.wait(until: .after(.seconds(300))))
            guard case .lost = end.cause else {
                Issue.record("\(end)")
                return
            }
            for pid in frozen { kill(pid, SIGCONT) }
            #expect(try await session.sh("echo back").out == "back\n")
            #expect(try await eventually { try await ChildOutput.of("pgrep", ["-fx", sleep]).isEmpty })
            await session.close()
        }
    }

    @Test("shares one connection, and makes another if the host opens no more channels")
    func sharing() async throws {
        try await TestSSHD.with("MaxSessions 2") { (server) async throws in
            let masters = Self.masters()
            var sessions: [SSHSession] = []
            for count in [1, 1, 2] {
                sessions.append(
                    try await SSHSession.connect(
                        server.target, masters: masters, policy: .open, times: Self.patient, admission: nil,
                        deadline: .after(.seconds(300))))
                #expect(await masters.count == count)
            }
            // Cancelling needs a channel too.
            let job = try await sessions[0].start(ShellCommand("echo begun; sleep 3005"), deadline: .never)
            #expect(await job.wait(for: "begun", in: .stdout, until: .after(.seconds(300))) != nil)
            job.cancel()
            let end = try #require(await job.wait(until: .after(.seconds(300))))
            #expect(end.cause == .cancelled)
            #expect(!end.restartsSession)
            for session in sessions { await session.close() }
            #expect(await masters.count == 0)
        }
    }

    @Test("believes host keys as it is told")
    func hostKeys() async throws {
        try await TestSSHD.with { (server) async throws in
            let masters = Self.masters()
            func reason(_ target: SSHTarget) async -> String? {
                do throws(MMError) {
                    await
                        (try SSHSession.connect(
                            target, masters: masters, policy: .open, times: Self.patient, admission: nil,
                            deadline: .after(.seconds(300)))).close()
                    return nil
                } catch {
                    return error.details["reason"].flatMap { if case .string(let text) = $0 { text } else { nil } }
                        ?? error.code.word
                }
            }
            var target = server.target
            target.hostKeys = .strict
            #expect(await reason(target) == "host_key_unknown")
            target.hostKeys = .acceptNew
            #expect(await reason(target) == nil)
            target.hostKeys = .strict
            #expect(await reason(target) == nil)
            let wrong = "SHA256:" + String(repeating: "A", count: 43)
            target.hostKeys = .pinned(wrong)
            #expect(await reason(target) == "host_key_not_pinned")
            let shown = try await ChildOutput.of("ssh-keygen", ["-lf", "\(server.folder)/host.pub"])
            target.hostKeys = .pinned(String(shown.split(separator: " ")[1]))
            #expect(await reason(target) == nil)
            // Another key under the same name.
            for name in ["host", "host.pub"] { unlink("\(server.folder)/\(name)") }
            let folder = server.folder
            for pid in server.descendants() { kill(pid, SIGKILL) }
            try await TestSSHD.run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", "\(folder)/host"])
            // A key known for this host also counts for the next one, which has another port.
            let other = try await TestSSHD.start(folder: folder)
            let known = String(decoding: try #require(try ProtectedFile.read("\(folder)/known")), as: UTF8.self)
            try await TestSSHD.put(known.replacing("]:\(server.port)", with: "]:\(other.port)"), "\(folder)/known")
            target.port = other.port
            target.hostKeys = .acceptNew
            #expect(await reason(target) == "host_key_changed")
            target.hostKeys = .pinned(String(shown.split(separator: " ")[1]))
            #expect(await reason(target) == "host_key_not_pinned")
            // The command in the hint removes the wrong key, whatever the port and the file.
            target.hostKeys = .acceptNew
            var hint = ""
            do throws(MMError) {
                await
                    (try SSHSession.connect(
                        target, masters: masters, policy: .open, times: Self.patient, admission: nil,
                        deadline: .after(.seconds(300)))).close()
            } catch { hint = error.hint ?? "" }
            let start = try #require(hint.firstRange(of: "ssh-keygen ")).lowerBound
            let end = try #require(hint.firstRange(of: " and connect again")).lowerBound
            try await TestSSHD.run("sh", ["-c", String(hint[start..<end])])
            #expect(await reason(target) == nil)
            await other.stop()
        }
    }

    @Test(
        "names a known key like ssh does",
        arguments: [
            (nil, "", "ssh-keygen -R 'far'"), (22, "", "ssh-keygen -R 'far'"), (2222, "", "ssh-keygen -R '[far]:2222'"),
            (
                nil,
                "Offending ED25519 key in /a b/known:3\nHost key for [10.0.0.1]:2222 has changed and you have requested strict checking.",
                "ssh-keygen -f '/a b/known' -R '[10.0.0.1]:2222'"
            ),
        ] as [(Int?, String, String)])
    func knownKey(port: Int?, messages: String, command: String) {
        #expect(SSHFailure.removal(of: SSHTarget("far", port: port), messages) == command)
    }

    @Test(
        "the usual ciphers are offered fastest first, a chosen list as it is",
        arguments: [
            (
                "chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr,aes128-gcm@openssh.com,aes256-gcm@openssh.com",
                "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr"
            ),
            (
                "chacha20-poly1305@openssh.com,aes128-gcm@openssh.com,aes256-gcm@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr",
                "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr"
            ), ("chacha20-poly1305@openssh.com,aes256-gcm@openssh.com", nil), ("aes256-ctr", nil),
            (
                "aes256-ctr,chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,aes128-gcm@openssh.com,aes256-gcm@openssh.com",
                nil
            ),
        ] as [(String, String?)])
    func ciphers(configured: String, offered: String?) {
        #expect(SSHResolution.fastestFirst(configured[...], hasAES: true) == offered)
        #expect(SSHResolution.fastestFirst(configured[...], hasAES: false) == nil)
    }

    @Test("ssh gets a password once: a second question means that it was refused, and gets no answer")
    func toldOnce() async throws {
        let folder = try TestFolder()
        var target = SSHTarget("host.example", user: "lena")
        target.configFile = "none"
        target.password = Secret("open sesame")
        let environment = ["PATH": "/usr/bin:/bin", "HOME": folder.path]
        let resolution = try await SSHResolution.of(
            target, ["-F", "none"], program: "/usr/bin/ssh", environment: environment)
        let secrets = try SSHSecrets(in: folder.path, target: target, resolution, home: folder.path)
        defer { withExtendedLifetime(secrets) {} }
        func ask() async throws -> ChildProcess.Outcome {
            try await ChildProcess.run(
                ChildCommand(
                    try #require(secrets.environment["SSH_ASKPASS"]), ["lena@host.example's password: "],
                    environment: environment), timeout: .seconds(300))
        }
        let first = try await ask()
        #expect(first.exit == .status(0) && first.output == Array("open sesame\n".utf8))
        let second = try await ask()
        #expect(second.exit == .status(1) && second.output.isEmpty)
    }

    @Test("reports the errors of a sign-in, and shows no secret")
    func signIn() async throws {
        try await TestSSHD.with { (server) async throws in
            let masters = Self.masters()
            func failure(_ target: SSHTarget) async -> MMError? {
                do throws(MMError) {
                    await
                        (try SSHSession.connect(
                            target, masters: masters, policy: .open, times: Self.patient, admission: nil,
                            deadline: .after(.seconds(300)))).close()
                    return nil
                } catch { return error }
            }
            var target = server.target
            target.identityFile = "/nonexistent"
            #expect(await failure(target)?.details["reason"] == "authentication")
            target.password = Secret("wrong-horse-battery")
            let error = try #require(await failure(target))
            #expect(error.details["reason"] == "authentication")
            #expect(!"\(error)\(error.cause ?? "")".contains("wrong-horse"))
            // A key with a passphrase.
            try await TestSSHD.run(
                "ssh-keygen", ["-q", "-t", "ed25519", "-N", "open 'sesame' $x", "-f", "\(server.folder)/locked"])
            try await TestSSHD.run("sh", ["-c", "cat \(server.folder)/locked.pub >> \(server.folder)/authorized"])
            target = server.target
            target.identityFile = "\(server.folder)/locked"
            let locked = try #require(await failure(target))
            #expect(locked.details["reason"] == "passphrase")
            #expect(locked.details["key"]?.string == target.identityFile)
            #expect(locked.hint?.contains("ssh-add") == true)
            target.passphrase = Secret("not this one")
            #expect(await failure(target)?.details["reason"] == "authentication")
            target.passphrase = Secret("open 'sesame' $x")
            #expect(await failure(target) == nil)
            // A label of a name can't be so long: no name server is asked.
            let unheardOf = String(repeating: "x", count: 70) + ".invalid"
            #expect(await failure(SSHTarget(unheardOf))?.code == .notFound)
            var closed = server.target
            let (socket, port) = LoopbackSSHD.reservedPort()
            closed.port = port
            #expect(await failure(closed)?.code == .unavailable)
            close(socket)
        }
    }

    @Test(
        "hosts, users and jumps can't be interpreted as anything else",
        arguments: ["-oProxyCommand=id", "a b", "", "a@b", "a;b", "$(id)", "a\nb", "*"])
    func hostNames(host: String) {
        #expect(throws: MMError.self) { try SSHTarget(host).check() }
        #expect(throws: MMError.self) { try SSHTarget("h", user: host.contains("@") ? "-x" : host).check() }
    }

    @Test("reaches a host through another one")
    func jump() async throws {
        try await TestSSHD.with { (server) async throws in
            let config = "\(server.folder)/client"
            try await TestSSHD.put(
                """
                Host hop far
                  HostName 127.0.0.1
                  Port \(server.port)
                  User \(TestSSHD.user)
                  IdentityFile \(server.folder)/user
                  UserKnownHostsFile \(server.folder)/known
                  StrictHostKeyChecking accept-new
                Host far
                  ProxyJump hop

                """, config)
            var target = SSHTarget("far")
            target.configFile = config
            target.hostKeys = .acceptNew
            target.connectTimeout = .seconds(300)
            let session = try await SSHSession.connect(
                target, masters: Self.masters(), policy: .open, times: Self.patient, admission: nil,
                deadline: .after(.seconds(300)))
            #expect(try await session.sh("echo over").out == "over\n")
            await session.close()
        }
    }
}
