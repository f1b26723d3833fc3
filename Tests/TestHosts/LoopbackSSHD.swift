import Glibc
import MMCore
package import MMSystem

/// A real sshd on a port of its own on the loopback interface, with its own keys and configuration.
package final class LoopbackSSHD: Sendable {
    private static let path = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
    private static let environment = ["PATH": path, "HOME": "/tmp", "LANG": "C.UTF-8"]

    /// Whether sshd is installed.
    package static let isInstalled = ExecutableSearch.find("sshd", path: path) != nil
    /// Why tests can't have a host with terminals on this machine; `nil` when they can.
    package static let missingTerminals: String? =
        !isInstalled
        ? "sshd is not installed"
        : givesTerminals ? nil : "an sshd of this user's gives no terminals: /dev/pts is not mounted with gid=5"
    /// The user that runs the tests and logs in to the host.
    package static let user = getpwuid(getuid()).flatMap { $0.pointee.pw_name.map { String(cString: $0) } } ?? "root"

    /// The folder with the host's keys (`user` is the client's), its configuration and the clients' known hosts
    /// (`known`).
    package let folder: String
    /// The port that the host listens on.
    package let port: Int
    /// The server process; those that serve connections are its children.
    package let process: ChildProcess
    /// Reads the server's output, so that the server never blocks on it.
    private let reading: Task<Void, Never>

    /// Starts a host and waits until it listens.
    /// - Parameters:
    ///   - folder: where its keys are kept; missing ones are created.
    ///   - extra: further lines of its configuration; `#nosftp` leaves SFTP out, and a `Subsystem` replaces it.
    package static func start(in folder: String, _ extra: String = "") async throws -> LoopbackSSHD {
        for name in ["host", "user"] where access("\(folder)/\(name)", F_OK) != 0 {
            try await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", "\(folder)/\(name)"])
        }
        if access("\(folder)/authorized", F_OK) != 0 {
            try await run("cp", ["\(folder)/user.pub", "\(folder)/authorized"])
        }
        // As root, sshd insists on this folder; otherwise it needs none.
        if getuid() == 0 { mkdir("/run/sshd", 0o755) }
        // Another process may take the port between the check and the start.
        for _ in 0..<20 {
            if let server = try await attempt(folder, freePort(), extra) { return server }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw MMError(.unavailable, "sshd did not start")
    }

    /// Whether a terminal of this user can belong to the group `tty`, without which sshd allocates none. Where
    /// `/dev/pts` is mounted with `gid=5`, as in Debian, every terminal belongs to it from the start; elsewhere only
    /// root may change its group.
    private static var givesTerminals: Bool {
        var (near, far): (Int32, Int32) = (-1, -1)
        guard openpty(&near, &far, nil, nil, nil) == 0 else { return false }
        defer {
            close(near)
            close(far)
        }
        var info = stat()
        guard fstat(far, &info) == 0 else { return false }
        let group = getgrnam("tty").map(\.pointee.gr_gid) ?? getgid()
        return info.st_uid == getuid() && info.st_gid == group || fchown(far, getuid(), group) == 0
    }

    private static func attempt(_ folder: String, _ port: Int, _ extra: String) async throws -> LoopbackSSHD? {
        // Logins must not read the settings of the person who runs the tests: these may be slow, print, or wait for a
        // lock.
        let home = "\(folder)/home"
        mkdir(home, 0o700)
        let settings =
            extra.contains("HOME=")
            ? extra
            : extra.contains("SetEnv ")
                ? extra.replacing("SetEnv ", with: "SetEnv HOME=\(home) ") : "SetEnv HOME=\(home)\n\(extra)"
        let text = """
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
            \(extra == "#nosftp" || extra.contains("Subsystem") ? "" : "Subsystem sftp internal-sftp")
            \(settings)

            """
        try ProtectedFile.replace("\(folder)/config", with: Array(text.utf8))
        var command = ChildCommand(
            ExecutableSearch.find("sshd", path: path) ?? "/usr/sbin/sshd", ["-D", "-e", "-f", "\(folder)/config"],
            environment: environment)
        command.output = .null
        command.error = .pipe
        let process = try await ChildProcess.start(command)
        var said: [UInt8] = []
        while let bytes = try await process.error?.read() {
            said += bytes
            guard String(decoding: said, as: UTF8.self).contains("listening on") else { continue }
            let reading = Task { while let bytes = try? await process.error?.read(), !bytes.isEmpty {} }
            return LoopbackSSHD(folder: folder, port: port, process: process, reading: reading)
        }
        _ = await process.exit()
        return nil
    }

    private init(folder: String, port: Int, process: ChildProcess, reading: Task<Void, Never>) {
        self.folder = folder
        self.port = port
        self.process = process
        self.reading = reading
    }

    deinit { process.signalGroup(SIGKILL) }

    /// Stops the server; the connections that it serves may outlive it.
    package func stop() async {
        await process.terminate(grace: .seconds(60))
        reading.cancel()
    }

    /// Returns a port that nothing listens on at present.
    private static func freePort() -> Int {
        let (socket, port) = reservedPort()
        close(socket)
        return port
    }

    /// Returns a port that is bound, but not listened on, for as long as the socket is open.
    package static func reservedPort() -> (socket: Int32, port: Int) {
        let raw = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        return withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = bind(raw, $0, size)
                getsockname(raw, $0, &size)
            }
            return (raw, Int(in_port_t(bigEndian: $0.pointee.sin_port)))
        }
    }

    /// Runs a program and throws when it fails.
    package static func run(_ program: String, _ arguments: [String]) async throws {
        let command = ChildCommand(
            ExecutableSearch.find(program, path: path) ?? program, arguments, environment: environment)
        let outcome = try await ChildProcess.run(command, timeout: .seconds(300))
        guard outcome.exit == .status(0) else {
            throw MMError(.internalError, "\(program): \(String(decoding: outcome.error, as: UTF8.self))")
        }
    }
}
