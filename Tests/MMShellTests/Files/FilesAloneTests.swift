import Glibc
import MMCore
import TestSupport
import Testing

@testable import MMShell

@Suite(
    "An account for SFTP alone", .enabled(if: TestSSHD.missing == nil, "sshd is not installed"),
    .timeLimit(.minutes(10)))
struct FilesAloneTests {
    private static let settings = "Subsystem sftp internal-sftp\nForceCommand internal-sftp"

    private static func connect(
        _ server: TestSSHD, _ masters: SSHMasters, admission: HostAdmission? = nil, forFiles: Bool = true
    ) async throws -> SSHSession {
        try await SSHSession.connect(
            server.target, masters: masters, policy: .open, times: SSHSessionTests.patient, admission: admission,
            forFiles: forFiles, deadline: .after(.seconds(300)))
    }

    @Test("has its files read and written over one connection, and says of commands that it has no shell")
    func files() async throws {
        try await TestSSHD.with(Self.settings) { (server) async throws in
            let masters = SSHSessionTests.masters()
            let session = try await Self.connect(server, masters)
            #expect(await !session.hasShell)
            #expect(await session.isConnected)
            let (path, bytes) = (server.folder + "/file", Array("a text\n".utf8))
            let receipt = try await RemoteFiles(session).write(path, bytes)
            #expect(receipt.path == path)
            #expect(try ProtectedFile.read(path) == bytes)
            #expect(try await RemoteFiles(session).read(path, from: 2, limit: 4).bytes == Array("text".utf8))
            _ = try await RemoteFiles(session).write(path, Array("other".utf8))
            #expect(try ProtectedFile.read(path) == Array("other".utf8))
            #expect(await masters.count == 1)
            let refused = await #expect(throws: MMError.self) { try await session.sh("ls") }
            #expect(refused?.details["reason"] == "no_shell", "\(String(describing: refused))")
            let asRoot = await #expect(throws: MMError.self) {
                try await RemoteFiles(session, sudo: .root(password: nil)).read(path)
            }
            #expect(asRoot?.details["reason"] == "no_shell", "\(String(describing: asRoot))")
            #expect(try await RemoteFiles(session).read(path).bytes == Array("other".utf8), "it is still usable")
            await session.close()
            #expect(await eventually { await masters.count == 0 })
            await #expect(throws: MMError.self) { try await RemoteFiles(session).read(path) }
        }
    }

    @Test("is connected again after its connection was lost")
    func reconnects() async throws {
        try await TestSSHD.with(Self.settings) { (server) async throws in
            let masters = SSHSessionTests.masters()
            let session = try await Self.connect(server, masters)
            let path = server.folder + "/file"
            _ = try await RemoteFiles(session).write(path, Array("a".utf8))
            for pid in server.descendants() { kill(pid, SIGKILL) }
            #expect(await eventually { await !session.isConnected })
            #expect(try await RemoteFiles(session).read(path).bytes == Array("a".utf8))
            await session.close()
            #expect(await eventually { await masters.count == 0 })
        }
    }

    @Test("is no session for commands, and none at all without SFTP", arguments: [true, false])
    func neither(hasSFTP: Bool) async throws {
        let settings = hasSFTP ? Self.settings : "ForceCommand echo 'No shell here.'; exit 1"
        try await TestSSHD.with(settings) { (server) async throws in
            let masters = SSHSessionTests.masters()
            let refused = await #expect(throws: MMError.self) {
                _ = try await Self.connect(server, masters, forFiles: !hasSFTP)
            }
            #expect(refused?.details["reason"] == "no_shell", "\(String(describing: refused))")
            #expect(refused?.hint?.contains("SFTP") == true)
            #expect(await eventually { await masters.count == 0 })
        }
    }

    @Test("that can read this user's own files is refused to whom it would be a way around walls")
    func ownFiles() async throws {
        try await TestSSHD.with(Self.settings) { (server) async throws in
            let marker = HostIdentity.Marker(path: server.folder + "/here", text: RandomBytes.text(bytes: 32))
            try ProtectedFile.replace(marker.path, with: Array("\(marker.text)\n".utf8))
            let seen = Mutex<HostIdentity?>(nil)
            let admission = HostAdmission(marker: marker) { (identity, name) throws(MMError) in
                seen.withLock { $0 = identity }
                throw MMError(.denied, "\(name) is this machine.")
            }
            let masters = SSHSessionTests.masters()
            let refused = await #expect(throws: MMError.self) {
                _ = try await Self.connect(server, masters, admission: admission)
            }
            #expect(refused?.code == .denied)
            #expect(seen.withLock { $0 } == HostIdentity(isThisMachine: true, reachesOwnFiles: true))
            #expect(await eventually { await masters.count == 0 })
        }
    }
}
