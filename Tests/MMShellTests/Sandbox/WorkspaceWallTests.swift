import Glibc
import MMCore
import MMSystem
import TestHosts
import TestSupport
import Testing

@testable import MMShell

@Suite("A confined shell can't reach around its wall")
struct WorkspaceWallTests {
    /// Tries what it is told, and says how each try ended: `open` or the number of the error.
    static let program = """
        import ctypes, os, socket, struct, sys
        libc = ctypes.CDLL(None, use_errno=True)
        def call(*words):
            if libc.syscall(*words) < 0: raise OSError(ctypes.get_errno(), "")
        def tried(what, body):
            try:
                body()
                print(what, "open")
            except OSError as error:
                print(what, error.errno)
        outside, own, pid = sys.argv[1], sys.argv[2], int(sys.argv[3])
        tried("chmod outside", lambda: os.chmod(outside, 0o666))
        tried("utime outside", lambda: os.utime(outside, (1, 1)))
        tried("xattr outside", lambda: os.setxattr(outside, "user.mm", b"x"))
        tried("chown outside", lambda: os.chown(outside, os.getuid(), os.getgid()))
        tried("proc chmod outside", lambda: os.chmod("/proc/self/fd/%d" % os.open(outside, os.O_PATH), 0o666))
        tried("chmod system", lambda: os.chmod("/etc/hosts", 0o644))
        tried("user namespace", lambda: call(56, 0x10000011, 0, 0, 0, 0))
        tried("unshare", lambda: call(272, 0x10000000))
        def fastopen():
            s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            s.sendto(b"x", 0x20000000, ("127.0.0.1", int(sys.argv[4])))
        tried("fastopen", fastopen)
        tried("listen", lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM).listen(1))
        tried("prlimit", lambda: call(302, pid, 0, struct.pack("QQ", 1 << 40, 1 << 40), 0))
        tried("priority", lambda: os.setpriority(os.PRIO_PROCESS, pid, 5))
        tried("processors", lambda: os.sched_setaffinity(pid, {0}))
        tried("scheduler", lambda: os.sched_setscheduler(pid, os.SCHED_BATCH, os.sched_param(0)))
        tried("io priority", lambda: call(251, 1, pid, 0))
        tried("other terminal", lambda: os.open(sys.argv[5], os.O_RDWR | os.O_NOCTTY))
        tried("own priority", lambda: os.setpriority(os.PRIO_PROCESS, 0, 5))
        """

    @Test(
        "by attributes of files, namespaces, other ways of TCP, other processes, other terminals",
        .enabled(if: SandboxTests.hasLandlock, "the kernel has no Landlock 6"),
        .enabled(if: access("/usr/bin/python3", X_OK) == 0, "python3 is not installed"))
    func ways() async throws {
        #if arch(x86_64)
            let (terminal, slave) = try PseudoTerminal.open(Terminal.Size(rows: 24, columns: 80))
            defer { close(slave) }
            try await TestSSHD.with { (server) async throws in
                try await SandboxTests.with({ .workspace(WorkspaceRules(workspace: $0)) }) {
                    (shell, workspace, outside) async throws in
                    try await TestSSHD.put(Self.program, workspace + "/p.py")
                    chmod(outside + "/token", 0o600)
                    let answer = try await shell.sh(
                        "/usr/bin/python3 p.py \(outside)/token \(workspace) \(getpid()) \(server.port) \(terminal.path)"
                    )
                    let lines = answer.out.split(separator: "\n").map(String.init)
                    #expect(lines.count == 17, "\(answer.out)\(answer.err)")
                    for line in lines {
                        #expect(line.hasSuffix(" open") == (line == "own priority open"), "\(line)")
                    }
                    var info = stat()
                    #expect(stat(outside + "/token", &info) == 0 && info.st_mode & 0o777 == 0o600)
                    #expect(info.st_mtim.tv_sec > 1)
                }
            }
        #endif
    }

    @Test(
        "and its own files and terminal are as any others",
        .enabled(if: SandboxTests.hasLandlock, "the kernel has no Landlock 6"))
    func inside() async throws {
        try await SandboxTests.with({ .workspace(WorkspaceRules(workspace: $0)) }) { (shell, _, _) async throws in
            let made = try await shell.sh(
                "echo 'echo ran' > s.sh && chmod 755 s.sh && touch -d 2001-01-01 s.sh && cp -p s.sh t.sh && ./t.sh"
                    + " && stat -c '%a %Y' t.sh")
            #expect(made.out.hasPrefix("ran\n755 "), "\(made.out)\(made.err)")
            #expect(try await shell.sh("mkdir -p $TMPDIR/a && chmod 700 $TMPDIR/a && echo $?").out == "0\n")
            let job = try await shell.start(
                ShellCommand("tty; [ -t 1 ] && echo terminal", input: .screen), deadline: .after(.seconds(300)))
            #expect(await job.wait(until: .after(.seconds(300)))?.exitCode == 0)
            #expect(String(decoding: job.output(.terminal).bytes, as: UTF8.self).contains("terminal"))
        }
    }

    @Test("what is hidden stays hidden in folders that may be read, and what lies beside it does not")
    func hidden() async throws {
        let root = String(cString: mkdtemp(strdup("/var/tmp/mm-hidden-XXXXXX")))
        try await TestSSHD.run("mkdir", ["-p", root + "/a/own", root + "/a/free", root + "/b"])
        symlink(root + "/a/own", root + "/b/link")
        let rules = WorkspaceRules(workspace: root, hidden: [root + "/a/own", "/nonexistent/own"])
        #expect(rules.shown([root]) == [root + "/a/free", root + "/b"])
        #expect(rules.shown([root + "/b", root + "/a/own/x", "/usr"]) == [root + "/b", "/usr"])
        try await TestSSHD.run("rm", ["-rf", root])
    }
}
