import Glibc
import MMCore
import MMSystem

/// A real sshd on this machine's loopback, with keys and configuration of its own.
final class LoopbackHost: Sendable {
    private static let path = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
    /// Whether sshd is installed.
    static let isInstalled = ExecutableSearch.find("sshd", path: path) != nil
    /// The user of these tests.
    static let user = getpwuid(getuid()).flatMap { $0.pointee.pw_name.map { String(cString: $0) } } ?? "root"

    let folder: String
    let port: Int
    private let process: ChildProcess

    /// Starts it and waits until it listens.
    init(in home: TemporaryHome) async throws {
        folder = home.path + "/sshd"
        mkdir(folder, 0o700)
        // With root's rights sshd insists on this folder.
        if getuid() == 0 { mkdir("/run/sshd", 0o755) }
        for name in ["host", "user"] {
            _ = try await Tenant.run(
                "/usr/bin/ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", "\(folder)/\(name)"], home.environment)
        }
        port = Self.freePort()
        let text = """
            Port \(port)
            ListenAddress 127.0.0.1
            HostKey \(folder)/host
            AuthorizedKeysFile \(folder)/user.pub
            PidFile none
            StrictModes no
            UsePAM no
            PermitRootLogin yes
            KbdInteractiveAuthentication no
            PasswordAuthentication yes
            Subsystem sftp internal-sftp

            """
        try ProtectedFile.replace("\(folder)/config", with: Array(text.utf8))
        // The user's own known hosts and configuration are neither read nor written.
        let settings: JSONValue = [
            "ssh": ["config": "/dev/null", "knownHosts": .string("\(folder)/known"), "hostKeys": "accept-new"]
        ]
        try ProtectedFile.replace(home.path + "/.m365-shells.json", with: JSONWriter.bytes(settings))
        var command = ChildCommand(
            ExecutableSearch.find("sshd", path: Self.path) ?? "/usr/sbin/sshd", ["-D", "-e", "-f", "\(folder)/config"],
            environment: home.environment)
        command.output = .null
        command.error = .null
        process = try await ChildProcess.start(command)
        while process.exited == nil, !answers { try await Task.sleep(for: .milliseconds(10)) }
        guard process.exited == nil else { throw MMError(.internalError, "sshd did not start") }
    }

    deinit { process.signalGroup(SIGKILL) }

    /// Ends it.
    func stop() async { _ = await process.terminate(grace: .seconds(1)) }

    private var answers: Bool {
        let raw = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(raw) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(raw, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    private static func freePort() -> Int {
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
}
