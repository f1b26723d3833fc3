import Glibc
import MMCore
import MMSystem
import TestHosts
import TestSupport
import Testing

@testable import MMShell

@Suite("A confined shell can't get around its confinement", .timeLimit(.minutes(10)))
struct WorkspaceWallTests {
    /// Tries the given actions, and prints the result of each: `open` or the error number.
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
        door, name, neighbour = sys.argv[6], sys.argv[7], int(sys.argv[8])
        tried("read outside", lambda: open(outside).read())
        tried("link outside", lambda: os.link(outside, own + "/linked"))
        tried("rename outside", lambda: os.rename(outside, own + "/moved"))
        def by_link():
            os.symlink(outside, own + "/leads")
            open(own + "/leads").read()
        tried("read by a link", by_link)
        tried("named pipe outside", lambda: os.open(door + ".pipe", os.O_RDWR))
        tried("socket by its path", lambda: socket.socket(socket.AF_UNIX).connect(door))
        tried("socket by an abstract name", lambda: socket.socket(socket.AF_UNIX).connect("\\0" + name))
        tried("datagram to a path", lambda: socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"x", door + ".d"))
        tried("virtual machine socket", lambda: socket.socket(40, socket.SOCK_STREAM))
        tried("trace a neighbour", lambda: call(101, 16, neighbour, 0, 0))
        tried("seize a neighbour", lambda: call(101, 0x4206, neighbour, 0, 0))
        tried("environment of a neighbour", lambda: open("/proc/%d/environ" % neighbour).read())
        tried("memory of a neighbour", lambda: open("/proc/%d/mem" % neighbour, "rb"))
        tried("descriptor of a neighbour", lambda: os.open("/proc/%d/fd/0" % neighbour, os.O_RDONLY))
        tried("root of a neighbour", lambda: os.listdir("/proc/%d/root" % neighbour))
        tried("signal a neighbour", lambda: os.kill(neighbour, 0))
        tried("own priority", lambda: os.setpriority(os.PRIO_PROCESS, 0, 5))
        """

    /// Another program's socket, at a path or at an abstract name, which begins with NUL.
    private static func listening(_ name: String, isDatagram: Bool = false) -> Int32 {
        let kind = isDatagram ? SOCK_DGRAM : SOCK_STREAM
        let descriptor = socket(AF_UNIX, Int32(kind.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(name.utf8)
        let offset = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 2
        let isBound = withUnsafeMutableBytes(of: &address) { room in
            guard bytes.count < room.count - offset else { return false }
            for (index, byte) in bytes.enumerated() { room[offset + index] = byte }
            let length = socklen_t(offset + bytes.count + (bytes.first == 0 ? 0 : 1))
            guard let base = room.baseAddress?.assumingMemoryBound(to: sockaddr.self) else { return false }
            return bind(descriptor, base, length) == 0
        }
        guard isBound, isDatagram || listen(descriptor, 5) == 0 else { return -1 }
        return descriptor
    }

    @Test(
        "by files, attributes, sockets, namespaces, other ways of TCP, other processes, other terminals",
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
                    let authenticator = outside + "/door"
                    let name = "mm-door-" + Hex.text(RandomBytes.make(8))
                    let doors = [
                        Self.listening(authenticator), Self.listening("\0" + name),
                        Self.listening(authenticator + ".d", isDatagram: true),
                    ]
                    defer { for descriptor in doors { close(descriptor) } }
                    #expect(doors.allSatisfy { $0 >= 0 } && mkfifo(authenticator + ".pipe", 0o600) == 0)
                    let sleep = ChildCommand("/bin/sleep", ["3000"], environment: ["MM_TEST": "secret"])
                    let neighbour = try await ChildProcess.start(sleep)
                    defer { neighbour.signalGroup(SIGKILL) }
                    let answer = try await shell.sh(
                        "/usr/bin/python3 p.py \(outside)/token \(workspace) \(getpid()) \(server.port) \(terminal.path)"
                            + " \(authenticator) \(name) \(neighbour.pid)")
                    let lines = answer.out.split(separator: "\n").map(String.init)
                    #expect(lines.count == 33, "\(answer.out)\(answer.err)")
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
        "and can use its own files and terminal normally",
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
            #expect(job.output(.terminal).text.contains("terminal"))
        }
    }
}
