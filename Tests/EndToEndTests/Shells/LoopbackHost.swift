import Glibc
import MMCore
import TestHosts

/// A real sshd whose keys and settings lie in a home folder, as the programs find them.
struct LoopbackHost: Sendable {
    /// Whether sshd is installed.
    static let isInstalled = LoopbackSSHD.isInstalled
    /// Whether it gives terminals.
    static let givesTerminals = LoopbackSSHD.missingTerminals == nil
    /// The user of these tests.
    static let user = LoopbackSSHD.user

    private let server: LoopbackSSHD
    var folder: String { server.folder }
    var port: Int { server.port }

    /// Starts it and waits until it listens.
    init(in home: TemporaryHome) async throws {
        let folder = home.path + "/sshd"
        mkdir(folder, 0o700)
        // The user's own known hosts and configuration are neither read nor written.
        let settings: JSONValue = [
            "ssh": ["config": "/dev/null", "knownHosts": .string("\(folder)/known"), "hostKeys": "accept-new"]
        ]
        try ProtectedFile.replace(home.path + "/.m365-shells.json", with: JSONWriter.bytes(settings))
        server = try await LoopbackSSHD.start(in: folder)
    }

    /// Ends it.
    func stop() async { await server.stop() }
}
