import Glibc
import MMCore
import MMSystem

@testable import MMShell

/// A real sshd on a port of its own, with keys and configuration of its own.
final class TestSSHD: Sendable {
    /// Why there is none here; nil when there is.
    static let missing: String? =
        ExecutableSearch.find("sshd", path: Shells.path) == nil ? "sshd is not installed" : nil

    let folder: String
    let port: Int
    let process: ChildProcess
    /// Reads what the server says, so that it never has to wait.
    private let reading: Task<Void, Never>
    static let user = getpwuid(getuid()).flatMap { $0.pointee.pw_name.map { String(cString: $0) } } ?? "root"

    /// Starts it and waits until it listens.
    static func start(_ extra: String = "", folder given: String? = nil, port wanted: Int? = nil) async throws
        -> TestSSHD
    {
        Signals.ignoreBrokenPipes()
        let folder = given ?? String(cString: mkdtemp(strdup("/tmp/mm-sshd-XXXXXX")))
        if given == nil {
            for name in ["host", "user"] {
                try await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", "\(folder)/\(name)"])
            }
            try await run("cp", ["\(folder)/user.pub", "\(folder)/authorized"])
            // Without root sshd needs no folder of its own; with it, it insists.
            if getuid() == 0 { mkdir("/run/sshd", 0o755) }
        }
        // Somebody else may take a port between the look and the start.
        for _ in 0..<20 {
            if let server = try await attempt(folder, wanted ?? freePort(), extra) { return server }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw MMError(.unavailable, "sshd did not start")
    }

    private static func attempt(_ folder: String, _ port: Int, _ extra: String) async throws -> TestSSHD? {
        try await put(
            """
            Port \(port)
            ListenAddress 127.0.0.1
            HostKey \(folder)/host
            AuthorizedKeysFile \(folder)/authorized
            PidFile none
            StrictModes no
            UsePAM no
            PermitRootLogin yes
            KbdInteractiveAuthentication no
            PasswordAuthentication yes
            \(extra == "#nosftp" ? "" : "Subsystem sftp internal-sftp")
            \(extra)

            """, "\(folder)/config")
        var command = ChildCommand(
            ExecutableSearch.find("sshd", path: Shells.path) ?? "/usr/sbin/sshd",
            ["-D", "-e", "-f", "\(folder)/config"], environment: Shells.environment)
        command.output = .null
        command.error = .pipe
        let process = try await ChildProcess.start(command)
        var said: [UInt8] = []
        while let bytes = try await process.error?.read() {
            said += bytes
            guard String(decoding: said, as: UTF8.self).contains("listening on") else { continue }
            let reading = Task { while let bytes = try? await process.error?.read(), !bytes.isEmpty {} }
            return TestSSHD(folder: folder, port: port, process: process, reading: reading)
        }
        _ = await process.exit()
        return nil
    }

    private init(folder: String, port: Int, process: ChildProcess, reading: Task<Void, Never>) {
        self.reading = reading
        self.folder = folder
        self.port = port
        self.process = process
    }

    static func with(_ extra: String = "", _ body: (TestSSHD) async throws -> Void) async throws {
        let server = try await start(extra)
        do { try await body(server) } catch {
            await server.stop()
            throw error
        }
        await server.stop()
    }

    /// Ends the server and the connections that it serves.
    func stop() async {
        for pid in descendants() { kill(pid, SIGKILL) }
        await process.terminate(grace: .seconds(300))
        reading.cancel()
        try? await Self.run("rm", ["-rf", folder])
    }

    /// The processes that serve connections.
    func descendants() -> [Int32] { SessionProcesses(shell: process.pid, mark: "none").others().map(\.id) }

    var target: SSHTarget {
        var target = SSHTarget("127.0.0.1", user: Self.user, port: port)
        target.identityFile = "\(folder)/user"
        target.hostKeys = .acceptNew
        target.knownHostsFile = "\(folder)/known"
        target.configFile = "/dev/null"
        target.connectTimeout = .seconds(300)
        return target
    }

    static func freePort() -> Int {
        let raw = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(raw) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        return withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = bind(raw, $0, size)
                getsockname(raw, $0, &size)
            }
            return Int(in_port_t(bigEndian: $0.pointee.sin_port))
        }
    }

    static func run(_ program: String, _ arguments: [String]) async throws {
        let outcome = try await ChildProcess.run(
            ChildCommand(
                ExecutableSearch.find(program, path: Shells.path) ?? program, arguments, environment: Shells.environment
            ), timeout: .seconds(300))
        guard outcome.exit == .status(0) else {
            throw MMError(.internalError, "\(program): \(String(decoding: outcome.error, as: UTF8.self))")
        }
    }

    static func put(_ text: String, _ path: String) async throws {
        try ProtectedFile.replace(path, with: Array(text.utf8))
    }
}
