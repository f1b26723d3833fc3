import Glibc
import MMCore
import TestHosts

/// A real sshd with its keys and settings in a home folder, where the programs find them.
struct LoopbackHost: Sendable {
    /// Whether sshd is installed.
    static let isInstalled = LoopbackSSHD.isInstalled
    /// Whether it can allocate terminals.
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
        // Neither reads nor writes the user's known hosts and configuration.
        let settings: JSONValue = [
            "ssh": ["config": "/dev/null", "knownHosts": .string("\(folder)/known"), "hostKeys": "accept-new"]
        ]
        try ProtectedFile.replace(home.path + "/.m365-shells.json", with: JSONWriter.bytes(settings))
        server = try await LoopbackSSHD.start(in: folder)
    }

    /// Ends it.
    func stop() async { await server.stop() }
}
