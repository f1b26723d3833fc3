import CConfinement
import Glibc
import MMCore
import MMSessions
import MMSystem
import TestSupport
import Testing

@testable import MMShell

@Suite("A confined shell", .timeLimit(.minutes(10)))
struct SandboxTests {
    static let hasLandlock = mm_landlock_version() >= 6
    /// Installed, and permitted to create namespaces, which containers often forbid.
    static let hasBubblewrap =
        system("bwrap --ro-bind / / --unshare-pid --unshare-net --proc /proc true >/dev/null 2>&1") == 0

    static func with(
        _ profile: (String) -> SandboxProfile, _ body: (LocalShell, String, String) async throws -> Void
    ) async throws {
        // Not below /tmp, which the profiles replace or hide.
        let base = "/var/tmp"
        let workspace = try TestFolder.make(base + "/mm-workspace-")
        let outside = try TestFolder.make(base + "/mm-outside-")
        try await TestSSHD.put("secret", outside + "/token")
        var settings = Shells.settings()
        settings.sandbox = profile(workspace)
        let result: Result<Void, any Error>
        do {
            try await Shells.with(settings: settings) { (shell) async throws in
                try await body(shell, workspace, outside)
            }
            result = .success(())
        } catch { result = .failure(error) }
        try await TestSSHD.run("rm", ["-rf", workspace, outside])
        try result.get()
    }

    static func common(_ shell: LocalShell, _ workspace: String, _ outside: String) async throws {
        #expect(try await shell.sh("pwd").out == workspace + "\n")
        #expect(try await shell.sh("echo in > a && cat a && ls").out == "in\na\n")
        #expect(try await shell.sh("cat \(outside)/token").code != 0)
        #expect(
            try await shell.sh("cat \(outside)/token; python3 -c 'print(open(\"\(outside)/token\").read())'; echo done")
                .out == "done\n")
        #expect(
            try await shell.sh("echo out > \(outside)/b; echo x > /etc/mm-test; echo x > /usr/mm-test; ls /etc/hosts")
                .out == "/etc/hosts\n")
        #expect(access(outside + "/b", F_OK) != 0)
        #expect(access("/etc/mm-test", F_OK) != 0)
        #expect(try await shell.sh("t=$(mktemp) && echo $?").out == "0\n")
        let job = try await shell.start(ShellCommand("kept=1; echo begun; sleep 300"), deadline: .never)
        #expect(await job.wait(for: "begun", in: .stdout, until: .after(.seconds(300))) != nil)
        job.cancel()
        #expect(await job.wait(until: .after(.seconds(300)))?.restartsSession == false)
        #expect(try await shell.sh("echo $kept").out == "1\n")
        // Ignoring the interrupt ends the program, not the session.
        let stubborn = try await shell.start(
            ShellCommand("sh -c 'trap \"\" INT TERM; echo begun; while :; do sleep 1; done'"), deadline: .never)
        #expect(await stubborn.wait(for: "begun", in: .stdout, until: .after(.seconds(300))) != nil)
        stubborn.cancel()
        #expect(await stubborn.wait(until: .after(.seconds(300)))?.restartsSession == false)
        #expect(try await shell.sh("echo $kept; exit 4").code == 4)
        #expect(try await shell.sh("cat \(outside)/token || echo still").out == "still\n")
    }

    @Test("by Landlock and seccomp: files", .enabled(if: hasLandlock, "the kernel has no Landlock 6"))
    func workspace() async throws {
        try await Self.with({ .workspace(WorkspaceRules(workspace: $0)) }, Self.common)
    }

    @Test(
        "by Landlock and seccomp: shared memory and named semaphores of its own",
        .enabled(if: hasLandlock, "the kernel has no Landlock 6"),
        .enabled(
            if: Confinement.Means.ofThisMachine.contains(.ownProcesses), "this user may not create a process namespace")
    )
    func sharedMemory() async throws {
        let name = "mm-shared-\(getpid())-\(RandomBytes.text(bytes: 6))"
        try await Self.with({ .workspace(WorkspaceRules(workspace: $0)) }) { (shell, _, _) async throws in
            let answer = try await shell.sh(
                "echo in > /dev/shm/\(name) && ln /dev/shm/\(name) /dev/shm/b && ls /dev/shm")
            #expect(answer.out == "b\n\(name)\n", "\(answer.err)")
        }
        #expect(access("/dev/shm/" + name, F_OK) != 0)
        try await Self.with({ _ in .workspace(WorkspaceRules(workspace: "/dev/shm")) }) { (shell, _, _) async throws in
            #expect(try await shell.sh("touch \(name) && pwd").out == "/dev/shm\n")
        }
        #expect(unlink("/dev/shm/" + name) == 0, "a workspace there stays the machine's own")
    }

    @Test(
        "by Landlock and seccomp: a /tmp of its own",
        .enabled(if: hasLandlock, "the kernel has no Landlock 6"),
        .enabled(
            if: Confinement.Means.ofThisMachine.contains(.ownProcesses), "this user may not create a process namespace")
    )
    func ownTemporaryFolder() async throws {
        let name = "mm-own-\(getpid())-\(RandomBytes.text(bytes: 6))"
        try await Self.with({ .workspace(WorkspaceRules(workspace: $0)) }) { (shell, _, _) async throws in
            let answer = try await shell.sh("echo in > /tmp/\(name) && cat $TMPDIR/\(name); ls -d /tmp/*/[0-9]*")
            #expect(answer.out.hasPrefix("in\n"), "\(answer.err)")
            #expect(try await shell.sh("cat /tmp/\(name); for f in /tmp/*/[0-9]*; do echo x > $f; done").out == "in\n")
            #expect(try await shell.sh("echo next").out == "next\n")
        }
        #expect(access("/tmp/" + name, F_OK) != 0)
        let place = try TestFolder.make("/tmp/mm-workspace-")
        defer { system("rm -rf \(place)") }
        try await Self.with({ _ in .workspace(WorkspaceRules(workspace: place)) }) { (shell, _, _) async throws in
            #expect(try await shell.sh("touch here && pwd").out == place + "\n")
        }
        #expect(access(place + "/here", F_OK) == 0, "a workspace there stays where it is")
    }

    @Test(
        "by Landlock and seccomp: network, sockets, other processes",
        .enabled(if: hasLandlock, "the kernel has no Landlock 6"))
    func network() async throws {
        let program = """
            import socket, ctypes, os, sys
            def tried(what, call):
                try:
                    call()
                    print(what, "open")
                except OSError as error:
                    print(what, error.errno)
            def tcp(port): socket.create_connection(("127.0.0.1", port), 60)
            tried("tcp", lambda: tcp(int(sys.argv[1])))
            tried("udp", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            tried("unix", lambda: socket.socket(socket.AF_UNIX))
            tried("raw", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW))
            tried("mptcp", lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262))
            tried("kill", lambda: os.kill(int(sys.argv[2]), 0))
            tried("environ", lambda: open("/proc/%s/environ" % sys.argv[2]).read())
            """
        // In its own namespace it sees no other process at all.
        let others =
            Confinement.Means.ofThisMachine.contains(.ownProcesses) ? "kill 3\nenviron 2" : "kill 1\nenviron 13"
        try await TestSSHD.with { (server) async throws in
            for (rules, tcp) in [(WorkspaceRules.Network.none, "tcp 13"), (.ports([UInt16(server.port)]), "tcp open")] {
                try await Self.with({ .workspace(WorkspaceRules(workspace: $0, network: rules)) }) {
                    (shell, workspace, _) async throws in
                    try await TestSSHD.put(program, workspace + "/p.py")
                    let answer = try await shell.sh("python3 p.py \(server.port) \(getpid())")
                    #expect(
                        answer.out == "\(tcp)\nudp 1\nunix 1\nraw 1\nmptcp 1\n\(others)\n", "\(answer.err)")
                    #expect(try await shell.sh("unshare -Ur true").code != 0)
                }
            }
        }
    }

    @Test(
        "by bubblewrap: files, processes, network",
        .enabled(if: hasBubblewrap, "bwrap is not installed, or may not create namespaces"))
    func isolated() async throws {
        try await Self.with({ .isolated(WorkspaceRules(workspace: $0)) }, Self.common)
        try await Self.with({ .isolated(WorkspaceRules(workspace: $0)) }) { (shell, _, _) async throws in
            #expect(try await shell.sh("ls /sys/class/net 2>/dev/null; cat /proc/net/dev | grep -c :").out == "1\n")
            #expect(try await shell.sh("kill -0 \(getpid()) 2>/dev/null || echo unseen").out == "unseen\n")
        }
    }

    @Test("is refused rather than less confined than promised")
    func refusals() async {
        for place in ["relative", "/", "/proc/none"] {
            var settings = Shells.settings()
            settings.sandbox = .workspace(WorkspaceRules(workspace: place))
            await #expect(throws: MMError.self) { try await LocalShell.start(settings) }
        }
        #expect(SandboxProfile.guarded.label.hasPrefix("guard: no security boundary"))
    }
}
