import Glibc
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
                    server.target, masters: masters, policy: .open, admission: admission,
                    deadline: .after(.seconds(120)))
            }
            #expect(seen.withLock { $0 } == HostIdentity(isThisMachine: true, reachesOwnFiles: true))
            #expect(await masters.count == 0)
        }
    }

    @Test("shared files are recognised even if the home folder has another path there")
    func elsewhere() async throws {
        try await TestSSHD.with { server in
            let text = RandomBytes.text(bytes: 32)
            let marker = HostIdentity.Marker(
                path: "/home/nobody-here/.state/here", text: text, home: "/home/nobody-here")
            mkdir("\(server.folder)/home/.state", 0o700)
            try ProtectedFile.replace("\(server.folder)/home/.state/here", with: Array("\(text)\n".utf8))
            let seen = Mutex<HostIdentity?>(nil)
            let admission = HostAdmission(marker: marker) { (identity, name) throws(MMError) in
                seen.withLock { $0 = identity }
                throw MMError(.denied, "\(name) shares files.")
            }
            let masters = masters()
            await #expect(throws: MMError.self) {
                _ = try await SSHSession.connect(
                    server.target, masters: masters, policy: .open, admission: admission,
                    deadline: .after(.seconds(120)))
            }
            #expect(seen.withLock { $0 }?.reachesOwnFiles == true)
        }
    }

    @Test("is known by its key, of its own server or as this user has seen it under the machine's own names")
    func keys() async throws {
        try await TestSSHD.with { server in
            let own = String(decoding: try ProtectedFile.read("\(server.folder)/host.pub") ?? [], as: UTF8.self)
            let masters = masters()
            let master = try await SSHMaster.connect(
                server.target, environment: ["PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/tmp"],
                temporaryDirectory: "/tmp", deadline: .after(.seconds(120)))
            #expect(HostKeys(publicKeys: [own]).fingerprints == [try #require(master.hostKey)])
            // A text that ssh was asked to print isn't a message of the host.
            #expect(!(master.failure.cause ?? "").contains("host key"))
            await master.close()
            #expect(await masters.count == 0)
        }
        let blob = Base64.text(Array(repeating: 7 as UInt8, count: 51))
        let print = "SHA256:" + Base64.text(SHA256.digest(Array(repeating: 7 as UInt8, count: 51))).filter { $0 != "=" }
        #expect(HostKeys(publicKeys: ["ssh-ed25519 \(blob) root@x\n"]).fingerprints == [print])
        let known =
            "# a\nother,10.0.0.1 ssh-ed25519 \(blob)\n[localhost]:2222 ssh-rsa \(blob)\n@revoked localhost ssh-rsa \(blob)\n"
        #expect(HostKeys(publicKeys: [], knownHosts: [known], names: ["localhost"]).fingerprints.isEmpty)
        let own = known + "web,LocalHost ssh-ed25519 \(blob) note"
        #expect(HostKeys(publicKeys: [], knownHosts: [own], names: ["localhost"]).fingerprints == [print])
    }

    @Test("is recognised by a key that this user has stored under a hashed name")
    func hashed() {
        // Written by ssh-keygen -H for localhost and 127.0.0.1.
        let known = """
            |1|W4jDBojmyapgOS9oLAVJSYnSr5w=|HFsFBvBFBi5wKPtG1hZAk54Dj0M= ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOUiJVwSABSqb+Pn9blV1myPcBZyQJT+Wngb6MYBjZee
            |1|UiW0Z/HLge6QXkgDHITsgRhmgUM=|8Q0yItVaG+8Qr57d3CTmgrwp90A= ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOUiJVwSABSqb+Pn9blV1myPcBZyQJT+Wngb6MYBjZee
            """
        let own: Set = ["SHA256:RDulPk1xdEK1IE2w2J2fxBLjEEN4R34RaKKJ6xj2gXI"]
        #expect(HostKeys(publicKeys: [], knownHosts: [known], names: ["localhost"]).fingerprints == own)
        #expect(HostKeys(publicKeys: [], knownHosts: [known], names: ["127.0.0.1"]).fingerprints == own)
        #expect(HostKeys(publicKeys: [], knownHosts: [known], names: ["web1"]).fingerprints.isEmpty)
        let broken = "|1|W4jDBojmyapgOS9oLAVJSYnSr5w= ssh-ed25519 AAAA\n|1||| ssh-ed25519 AAAA\n|2|a|b ssh-rsa AAAA"
        #expect(HostKeys(publicKeys: [], knownHosts: [broken], names: ["localhost"]).fingerprints.isEmpty)
    }

    @Test("is asked who it is in the sign-in of the shell, because each may take long")
    func oneSignIn() async throws {
        let folder = try TestFolder.make("/tmp/mm-logins-")
        defer { TestFolder.remove(folder) }
        let config = "ForceCommand echo login >>\(folder)/logins; exec /bin/sh -c \"$SSH_ORIGINAL_COMMAND\""
        try await TestSSHD.with(config) { server in
            let marker = HostIdentity.Marker(path: "\(server.folder)/here", text: RandomBytes.text(bytes: 32))
            try ProtectedFile.replace(marker.path, with: Array("\(marker.text)\n".utf8))
            let seen = Mutex<HostIdentity?>(nil)
            let admission = HostAdmission(marker: marker) { (identity, _) throws(MMError) in
                seen.withLock { $0 = identity }
            }
            let session = try await SSHSession.connect(
                server.target, masters: masters(), policy: .open, times: SSHSessionTests.patient, admission: admission,
                deadline: .after(.seconds(300)))
            let logins = try ProtectedFile.read("\(folder)/logins") ?? []
            #expect(String(decoding: logins, as: UTF8.self) == "login\n")
            #expect(seen.withLock { $0 } == HostIdentity(isThisMachine: true, reachesOwnFiles: true))
            #expect(session.isHere)
            // Nothing of the question is left in the shell.
            #expect(try await session.sh("type mm_look; echo \"$mm_a$mm_b\"").out == "\n")
            await session.close()
        }
    }

    @Test("reaches none of our files if it can't read the marker, and says that it is this machine")
    func admitted() async throws {
        try await TestSSHD.with { server in
            let admission = HostAdmission(
                marker: HostIdentity.Marker(path: "/nonexistent/here", text: RandomBytes.text(bytes: 32))
            ) { (identity, _) throws(MMError) in
                if identity.reachesOwnFiles { throw MMError(.denied, "no") }
            }
            let session = try await SSHSession.connect(
                server.target, masters: masters(), policy: .open, admission: admission, deadline: .after(.seconds(120)))
            #expect(session.isHere)
            await session.close()
        }
    }
}
