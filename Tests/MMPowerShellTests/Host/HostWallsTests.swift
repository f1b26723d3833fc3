import Glibc
import MMCore
import MMSessions
import MMSystem
import TestSupport
import Testing

@testable import MMPowerShell

@Suite("The confinement of a host", .timeLimit(.minutes(10)))
struct HostWallsTests {
    static let hasLandlock = HostWalls.problem() == nil && HostWalls.holdSignals

    /// Settings of a confined host, optionally with a folder outside of `/tmp`.
    private static func settings(
        in base: String, _ change: (inout HostWalls) -> Void = { _ in }
    ) throws -> HostSettings {
        var settings = try StandIn.settings(folder: base)
        var walls = HostWalls(in: base, hidden: [base + "/own"])
        change(&walls)
        settings.confine(behind: walls)
        return settings
    }

    private static func sh(_ host: PowerShellHost, _ text: String) async throws -> JSONValue {
        let quoted = text.replacing("'", with: "''")
        return try #require(try await host.all("Invoke-StandIn program '\(quoted)'").values.first)
    }

    @Test(
        "a confined host starts and works in a temporary home of its own",
        .enabled(if: hasLandlock, "the kernel has no Landlock 6"))
    func home() async throws {
        let base = try StandIn.folder()
        let settings = try Self.settings(in: base)
        let session = PowerShellSession(PowerShellSessionSettings(host: settings))
        let ran = try await session.answer(
            PowerShellCommand("Invoke-StandIn program 'echo $HOME $TMPDIR $XDG_CACHE_HOME; echo x > ~/a; mktemp'"),
            deadline: .after(.seconds(300)))
        let text = try #require(ran.values.first?["Output"]?.string)
        let folder = settings.folder
        #expect(text.hasPrefix("\(folder)/home \(folder)/tmp \(base)/cache\n\(folder)/tmp/"), "\(text)")
        #expect(folder.hasPrefix(base + "/session-") && access(folder + "/home/a", F_OK) == 0)
        await session.close()
        #expect(TestFolder.names(in: base) == ["cache"])
    }

    @Test(
        "its programs can't reach the user's files, other ports, processes or sockets",
        .enabled(if: hasLandlock, "the kernel has no Landlock 6"))
    func walls() async throws {
        let (base, user) = (try StandIn.folder(), try StandIn.folder())
        try ProtectedFile.replace(user + "/secret", with: Array("secret\n".utf8))
        try ProtectedFile.makeDirectory(user + "/shared")
        let egress = try PolledListener(loopback: ())
        let other = try PolledListener(loopback: ())
        let inside = Mutex<PolledListener?>(nil)
        let host = try await PowerShellHost.start(
            try Self.settings(in: base) {
                $0.egressPort = egress.port
                $0.takesListener = { listener in inside.withLock { $0 = listener } }
                $0.shared = [user + "/shared"]
            }, deadline: .after(.seconds(300)))
        let program = """
            import ctypes, errno, os, socket, sys
            def tried(what, call):
                try:
                    call()
                    print(what, "open")
                except OSError as error:
                    print(what, "denied" if error.errno in (errno.EPERM, errno.EACCES, errno.EROFS, errno.ESRCH, errno.ENOENT) else error)
            libc = ctypes.CDLL(None, use_errno=True)
            def traced():
                if libc.ptrace(0x4206, int(sys.argv[3]), 0, 0) < 0: raise OSError(ctypes.get_errno(), "")
            tried("egress", lambda: socket.create_connection(("127.0.0.1", int(sys.argv[1])), 60))
            tried("other", lambda: socket.create_connection(("127.0.0.1", int(sys.argv[2])), 60))
            tried("bind", lambda: socket.create_server(("127.0.0.1", 0)))
            tried("udp", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            tried("unix", lambda: socket.socket(socket.AF_UNIX))
            tried("kill", lambda: os.kill(int(sys.argv[3]), 0))
            tried("environ", lambda: open("/proc/%s/environ" % sys.argv[3]).read())
            tried("memory", lambda: open("/proc/%s/mem" % sys.argv[3], "rb"))
            tried("ptrace", traced)
            tried("terminals", lambda: os.listdir("/dev/pts"))
            tried("read", lambda: open(sys.argv[4] + "/secret").read())
            tried("list", lambda: os.listdir(sys.argv[4]))
            tried("write", lambda: open(sys.argv[4] + "/new", "w"))
            tried("shared", lambda: open(sys.argv[4] + "/shared/new", "w").write("x"))
            tried("home", lambda: open(os.environ["HOME"] + "/new", "w").write("x"))
            """
        try ProtectedFile.replace(base + "/cache/p.py", with: Array(program.utf8))
        let words = "\(base)/cache/p.py \(egress.port) \(other.port) \(getpid()) \(user)"
        let answer = try await Self.sh(host, "python3 \(words)")
        let denied = [
            "other", "bind", "udp", "unix", "kill", "environ", "memory", "ptrace", "terminals", "read", "list", "write",
        ].map { $0 + " denied" }
        let expected = ["egress open"] + denied + ["shared open", "home open"]
        #expect(
            answer["Output"]?.string?.split(separator: "\n").map(String.init) == expected, "\(answer)")
        // The same program without confinement can reach all of them.
        let bare = try await StandIn.host()
        let free = try #require(try await Self.sh(bare, "python3 \(words)")["Output"]?.string)
        for line in ["other open", "unix open", "kill open", "environ open", "read open", "write open"] {
            #expect(free.contains(line), "\(free)")
        }
        await bare.close()
        await host.close()
    }

    @Test(
        "everything that a script started ends with its host, even in another session",
        .enabled(if: hasLandlock, "the kernel has no Landlock 6"), arguments: ["close", "kill"])
    func end(way: String) async throws {
        let host = try await PowerShellHost.start(
            try Self.settings(in: try StandIn.folder()), deadline: .after(.seconds(300)))
        let started =
            "env -i setsid sh -c 'echo $$ > orphan; exec sleep 1000' & while ! test -s orphan; do sleep 0.01; done; cat orphan"
        let answer = try await Self.sh(host, started)
        let own = try #require(
            answer["Output"]?.string.flatMap { Int32($0.filter(\.isNumber)) }, "\(answer)")
        let powerShell = host.processID
        // In its own namespace the process has another number.
        let family = ProcessEntry(powerShell).map { Descendants.running(below: $0.parent).map(\.pid) } ?? []
        let orphan = family.first { ProcessEntry.numbers(of: $0).dropFirst().last == own } ?? own
        #expect(runs(orphan))
        if way == "close" { await host.close() } else { kill(powerShell, SIGKILL) }
        try await until("the end of what it started") { !runs(orphan) && !runs(powerShell) }
        await host.close()
    }

    @Test(
        "a trial also tells of walls without a /tmp of the session's own",
        .enabled(if: hasLandlock, "the kernel has no Landlock 6"))
    func trial() async throws {
        // Below /tmp, so that no other folder can be shown in its place.
        let walls = HostWalls(in: try StandIn.folder())
        let settings = HostSettings(
            location: PowerShellLocation(program: "/bin/sh", reason: .named), folder: walls.folder, environment: [:])
        let seen = try await walls.trial(of: settings)
        #expect(seen == HostWalls.Trial(isConfined: true, hasOwnTemporaryFolder: false))
    }

    @Test("the next session removes a session's folder if its program is gone")
    func leftovers() async throws {
        let base = try StandIn.folder()
        // No process has this number.
        let left = base + "/session-2147483000-abc"
        try ProtectedFile.makeDirectory(left + "/home/deep")
        try ProtectedFile.replace(left + "/home/deep/file", with: [1])
        chmod(left + "/home", 0)
        let walls = HostWalls(in: base)
        try walls.makeFolders()
        #expect(access(left, F_OK) != 0)
        walls.removeFolder()
        #expect(TestFolder.names(in: base) == ["cache"])
    }

    @Test("a shared folder has to be a folder, without files of mm")
    func shared() throws {
        let base = try StandIn.folder()
        try ProtectedFile.makeDirectory(base + "/own")
        for place in ["/nowhere/at/all", "/", "relative", base] {
            let settings = try Self.settings(in: base + "/state") {
                $0.shared = [place]
                $0.hidden = [base + "/own"]
            }
            let error = #expect(throws: MMError.self) {
                try settings.walls?.confinement(of: settings, wire: 1)
            }
            #expect(error?.message.contains(place) == true, "\(place)")
        }
    }

    @Test("PowerShell's folder and modules are readable, but never a user's whole home")
    func readable() throws {
        let user = "/srv/adele"
        var settings = HostSettings(
            location: PowerShellLocation(program: user + "/pwsh", reason: .named), folder: "/var/tmp",
            environment: ["HOME": user, "PSModulePath": "/srv/modules:" + user])
        settings.confine(behind: HostWalls(in: "/var/tmp/base"))
        let walls = try #require(settings.walls).confinement(of: settings, wire: 7)
        #expect(!walls.readable.contains(user) && walls.readable.contains("/srv/modules"))
        #expect(walls.readable.contains(user + "/.local/share/powershell/Modules"))
        #expect(walls.network == .loopback([7]) && walls.boundFolders["/tmp"] == settings.folder + "/tmp")
    }
}
