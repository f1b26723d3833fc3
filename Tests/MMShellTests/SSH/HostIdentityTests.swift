import MMCore
import TestSupport
import Testing

@testable import MMShell

@Suite("A host that is this machine", .timeLimit(.minutes(5)), .enabled(if: TestSSHD.missing == nil, "needs sshd"))
struct HostIdentityTests {
    private func masters() -> SSHMasters {
        SSHMasters(environment: ["PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/tmp"])
    }

    @Test("is known by what it proves, and refused to whom it would be a way around walls")
    func refused() async throws {
        try await TestSSHD.with { server in
            let marker = HostIdentity.Marker(path: "\(server.folder)/here", text: RandomBytes.text(bytes: 32))
            try ProtectedFile.replace(marker.path, with: Array("\(marker.text)\n".utf8))
            let seen = Mutex<HostIdentity?>(nil)
            let admission = HostAdmission(marker: marker) { (identity, name) throws(MMError) in
                seen.withLock { $0 = identity }
                throw MMError(.denied, "\(name) is this machine.")
            }
            let masters = masters()
            await #expect(throws: MMError.self) {
                _ = try await SSHSession.connect(
                    server.target, masters: masters, admission: admission, deadline: .after(.seconds(120)))
            }
            #expect(seen.withLock { $0 } == HostIdentity(isThisMachine: true, reachesOwnFiles: true))
            #expect(await masters.count == 0)
        }
    }

    @Test("reaches no files of ours where it can't read the marker, and says that it is this machine")
    func admitted() async throws {
        try await TestSSHD.with { server in
            let admission = HostAdmission(
                marker: HostIdentity.Marker(path: "/nonexistent/here", text: RandomBytes.text(bytes: 32))
            ) { (identity, _) throws(MMError) in
                if identity.reachesOwnFiles { throw MMError(.denied, "no") }
            }
            let session = try await SSHSession.connect(
                server.target, masters: masters(), admission: admission, deadline: .after(.seconds(120)))
            #expect(session.isHere)
            await session.close()
        }
    }
}
