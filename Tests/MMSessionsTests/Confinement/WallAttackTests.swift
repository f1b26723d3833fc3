import Glibc
import MMCore
import MMSystem
import TestSupport
import Testing

@testable import MMSessions

/// An attacking program, confined like a session, that tries to get around the proxy.
@Suite("A program that attacks the confinement", .timeLimit(.minutes(10)))
struct WallAttackTests {
    /// The user to run as: the one who runs the tests, or an ordinary user if that is root.
    enum User: String, Sendable, CaseIterable {
        case own, ordinary
    }

    static let means: [Confinement.Means] = [
        [.ownNetwork, .ownProcesses, .watchedConnections], [.ownNetwork], [.watchedConnections],
    ].filter { Confinement.Means.ofThisMachine.isSuperset(of: $0) }

    private static let hasParts =
        Confinement.kernelVersion >= 6 && access("/usr/bin/python3", X_OK) == 0 && access("/usr/bin/setpriv", X_OK) == 0

    private static let program = """
        import ctypes, errno, os, socket, sys
        port, other, neighbour = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
        def tried(what, call):
            try:
                print(what, call() or "open")
            except OSError as error:
                print(what, "closed" if error.errno in (errno.EPERM, errno.EACCES, errno.ECONNREFUSED,
                    errno.ENOENT, errno.ESRCH, errno.ENETUNREACH) else error)
        def to(host, number, family=socket.AF_INET):
            with socket.socket(family) as made:
                made.settimeout(60)
                made.connect((host, number))
                return made.recv(64).decode()
        libc = ctypes.CDLL(None, use_errno=True)
        def call(name, *words):
            if getattr(libc, name)(*words) < 0: raise OSError(ctypes.get_errno(), "")
        tried("wire", lambda: to("127.0.0.1", port))
        tried("mapped", lambda: to("::ffff:127.0.0.1", port, socket.AF_INET6))
        for host in "127.0.0.2", "127.0.0.3", "0.0.0.0", sys.argv[4]:
            tried(host, lambda: to(host, port))
        tried("::1", lambda: to("::1", port, socket.AF_INET6))
        tried("::ffff:127.0.0.2", lambda: to("::ffff:127.0.0.2", port, socket.AF_INET6))
        tried("other", lambda: to("127.0.0.1", other))
        def fast():
            with socket.socket() as made: made.sendto(b"x", 0x20000000, ("127.0.0.2", port))
        tried("fast", fast)
        def raced():
            # The address changes after it was looked at: what is connected to is what was looked at.
            import threading
            room = bytearray(16)
            room[0:4] = bytes([2, 0]) + port.to_bytes(2, "big")
            view = (ctypes.c_char * 16).from_buffer(room)
            over = []
            def turn():
                while not over:
                    room[4:8] = bytes([127, 0, 0, 1]); room[4:8] = bytes([127, 0, 0, 2])
            turner = threading.Thread(target=turn); turner.start()
            reached = set()
            for _ in range(200):
                with socket.socket() as made:
                    made.settimeout(60)
                    if libc.connect(made.fileno(), view, 16) == 0 or ctypes.get_errno() == errno.EINPROGRESS:
                        try: reached.add(made.getpeername()[0])
                        except OSError: pass
            over.append(1); turner.join()
            return " ".join(sorted(reached - {"127.0.0.1"})) or "one"
        if os.environ.get("RACE"): tried("raced", raced)
        tried("memory", lambda: call("shmat", int(sys.argv[5]), None, 0o10000))
        tried("queue", lambda: call("msgget", int(sys.argv[6]), 0o600))
        tried("namespace", lambda: call("unshare", 0x40000000))
        tried("cmdline", lambda: open("/proc/%s/cmdline" % neighbour).read().replace("\\0", " ") and None)
        tried("kill", lambda: os.kill(int(neighbour), 0))
        print("done")
        """

    /// Runs the program and returns its output.
    private static func attack(_ user: User, _ means: Confinement.Means) async throws -> [String: String] {
        let folder = try TestFolder.make("/var/tmp/mm-walls-")
        defer { system("rm -rf \(folder)") }
        chmod(folder, 0o755)
        let (strangers, mine) = try (Strangers(), Strangers())
        var walls = Confinement()
        walls.readable = [folder]
        walls.network = .loopback([strangers.port])
        walls.hasSupervisor = true
        walls.attributes = .byMounts
        walls.means = means
        let memory = shmget(0, 4096, 0o1666)
        defer { shmctl(memory, IPC_RMID, nil) }
        var words = ["-c", program, "\(strangers.port)", "\(mine.port)", "\(getpid())", Self.address ?? "127.0.0.4"]
        let key = Int32.random(in: 1...Int32.max)
        let queue = msgget(key, 0o1666)
        defer { msgctl(queue, IPC_RMID, nil) }
        words += [String(memory), String(key)]
        var environment = ["PATH": "/usr/bin:/bin"]
        if !means.contains(.ownNetwork) { environment["RACE"] = "1" }
        let door = try NetworkDoor(at: [strangers.port])
        var command = try walls.confine(
            ChildCommand("/usr/bin/python3", words, environment: environment, directory: folder), door: door)
        if user == .ordinary {
            let line = "exec -a \(try #require(command.name)) \(ShellWord.quoted(command.executable)) \"$@\""
            command.arguments =
                ["--reuid", "12345", "--regid", "12345", "--clear-groups", "/bin/bash", "-c", line, "bash"]
                + command.arguments
            command.executable = "/usr/bin/setpriv"
            command.name = nil
        }
        command.error = .output
        let child = try await ChildProcess.start(command)
        let listeners = means.contains(.ownNetwork) ? try await door.listeners() : []
        #expect(listeners.count == (means.contains(.ownNetwork) ? 1 : 0))
        let serving = Task {
            while let listener = listeners.first, let socket = try? await listener.accept() {
                let inside = LoopbackPeer.isPeer(
                    of: socket.raw, heldBy: Descendants.running(below: child.pid).map(\.pid), inTheirNetwork: true)
                let outside = LoopbackPeer.isPeer(of: socket.raw, heldBy: [getpid()], inTheirNetwork: true)
                let word = inside && !outside ? "known" : "a stranger's"
                _ = Glibc.write(socket.raw, word, word.utf8.count)
            }
        }
        var text: [UInt8] = []
        while let bytes = try await child.output?.read() { text += bytes }
        serving.cancel()
        let end = await child.exit()
        let lines = String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init)
        #expect(end == .status(0) && lines.last == "done", "\(lines)")
        withExtendedLifetime((strangers, mine)) {}
        return Dictionary(
            lines.map { line in
                let word = line.prefix { $0 != " " }
                return (String(word), String(line.dropFirst(word.count + 1)))
            }, uniquingKeysWith: { first, _ in first })
    }

    /// An address of this machine other than loopback; nil if there is none.
    private static let address: String? = {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return nil }
        defer { freeifaddrs(list) }
        var next = list
        while let entry = next?.pointee {
            next = entry.ifa_next
            guard let address = entry.ifa_addr, address.pointee.sa_family == AF_INET else { continue }
            var text = [CChar](repeating: 0, count: 64)
            guard
                getnameinfo(
                    address, socklen_t(MemoryLayout<sockaddr_in>.size), &text, 64, nil, 0, NI_NUMERICHOST) == 0
            else { continue }
            let found = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            if !found.hasPrefix("127.") { return found }
        }
        return nil
    }()

    @Test(
        "reaches its wire, and neither another address at the same port nor memory, queues and programs of its user",
        .enabled(if: hasParts, "needs Landlock 6, python3 and setpriv"), arguments: User.allCases, means)
    func walls(user: User, means: Confinement.Means) async throws {
        guard user == .own || geteuid() == 0 else {
            return print("skipped: attacks of another user on a session's walls: needs root")
        }
        let seen = try await Self.attack(user, means)
        let isApart = means.contains(.ownNetwork)
        #expect(seen["wire"] == (isApart ? "known" : "outside") && seen["mapped"] == seen["wire"], "\(seen)")
        for way in ["127.0.0.2", "127.0.0.3", Self.address ?? "127.0.0.4", "::1", "::ffff:127.0.0.2", "other", "fast"] {
            #expect(seen[way] == "closed", "\(way): \(seen)")
        }
        // The unspecified address leads to 127.0.0.1, or nowhere.
        #expect(seen["0.0.0.0"] == "closed" || seen["0.0.0.0"] == "known", "\(seen)")
        for way in ["memory", "namespace", "kill"] {
            #expect(seen[way] == "closed" || seen[way]?.contains("22") == true, "\(seen)")
        }
        #expect(seen["queue"] == "closed", "\(seen)")
        #expect(seen["raced"] == nil || seen["raced"] == "one", "\(seen)")
        if means.contains(.ownProcesses) { #expect(seen["cmdline"] == "closed", "\(seen)") }
    }

    @Test("if a program can't be limited to one address, that is known before it starts")
    func road() {
        #expect(Confinement.road(isSupervised: true, [.ownNetwork, .watchedConnections]) == .ownNetwork)
        #expect(Confinement.road(isSupervised: true, [.watchedConnections]) == .watched)
        #expect(Confinement.road(isSupervised: false, [.watchedConnections]) == .portsAlone)
        #expect(Confinement.road(isSupervised: true, []) == .portsAlone)
    }
}

/// A server at one port of all addresses of this machine.
private final class Strangers: Sendable {
    let port: UInt16
    private let listener: PolledListener
    private let serving: Task<Void, Never>

    init() throws {
        var port: UInt16 = 0
        let raw = socket(AF_INET6, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        var off: Int32 = 0
        setsockopt(raw, Int32(IPPROTO_IPV6), Int32(IPV6_V6ONLY), &off, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        var size = socklen_t(MemoryLayout<sockaddr_in6>.size)
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = bind(raw, $0, size)
                _ = listen(raw, 64)
                _ = getsockname(raw, $0, &size)
            }
        }
        port = UInt16(bigEndian: address.sin6_port)
        self.port = port
        let listener = try PolledListener(owning: raw, port: port)
        self.listener = listener
        serving = Task {
            while let socket = try? await listener.accept() { _ = Glibc.write(socket.raw, "outside", 7) }
        }
    }

    deinit {
        serving.cancel()
        listener.close()
    }
}
