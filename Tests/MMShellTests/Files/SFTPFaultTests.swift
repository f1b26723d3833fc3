import Glibc
import MMCore
import TestSupport
import Testing

@testable import MMShell

@Suite(
    "Hosts with a faulty SFTP", .enabled(if: TestSSHD.missing == nil, "sshd is not installed"),
    .timeLimit(.minutes(10)))
struct SFTPFaultTests {
    /// Gives a body the files of a host whose SFTP is a script.
    private func with(
        _ script: String, _ folder: TestFolder, _ body: (RemoteFiles, SSHMaster) async throws -> Void
    ) async throws {
        try ProtectedFile.replace(folder["sftp"], with: Array("cd '\(folder.path)'; \(script)".utf8))
        try await SSHSessionTests.with("Subsystem sftp /bin/sh \(folder["sftp"])") { (session, _, _) async throws in
            try await body(RemoteFiles(session), try await session.connection(until: .after(.seconds(300))))
        }
        withExtendedLifetime(folder) {}
    }

    private func attributes(_ id: UInt32, size: UInt64) -> SFTPPacket.Writer {
        var packet = SFTPPacket.Writer()
        packet.packet(.attributes) {
            $0.number(id)
            $0.number(1)
            $0.large(size)
        }
        return packet
    }

    private func text(_ kind: SFTPPacket.Kind, _ id: UInt32, count: Int) -> SFTPPacket.Writer {
        var packet = SFTPPacket.Writer()
        packet.packet(kind) {
            $0.number(id)
            $0.text([UInt8](repeating: 0x61, count: count))
        }
        return packet
    }

    @Test(
        "an answer that can't be true is an error: the size of a file, and more or less than what was asked",
        arguments: [(UInt64.max, 1), (1 << 63, 1), (10, 11), (10, 0), (0, 0), (0, 60_000)])
    func impossible(size: UInt64, count: Int) async throws {
        let folder = try TestFolder()
        var version = SFTPPacket.Writer()
        version.packet(.version) { $0.number(3) }
        // The numbers of the requests begin with 2: the state of the file, opening it, its size, its content.
        let answers = [
            version, attributes(2, size: min(size, 10)), text(.handle, 3, count: 4), attributes(4, size: size),
            text(.data, 5, count: count),
        ]
        for (number, answer) in answers.enumerated() {
            try ProtectedFile.replace(folder["answer-\(number)"], with: answer.bytes)
        }
        let script = """
            for answer in 0 1 2 3 4; do
                set -- $(head -c 4 | od -An -tu1)
                head -c $((($1 << 24) + ($2 << 16) + ($3 << 8) + $4)) >/dev/null
                cat answer-$answer
            done
            """
        try await with(script, folder) { (files, _) async throws in
            let error = await #expect(throws: MMError.self) { try await files.read("/x") }
            #expect(error?.message.contains("isn't SFTP") == true, "\(String(describing: error))")
        }
    }

    @Test("a call that ends too early says nothing about the host's SFTP", arguments: [true, false])
    func silence(isCancelled: Bool) async throws {
        let folder = try TestFolder()
        try await with("touch begun; exec sleep 1000", folder) { (files, master) async throws in
            let call = Task {
                await #expect(throws: MMError.self) {
                    try await files.read("/etc/hostname", timeout: isCancelled ? .seconds(1000) : .milliseconds(500))
                }
            }
            if isCancelled {
                #expect(await eventually { access(folder["begun"], F_OK) == 0 })
                call.cancel()
            }
            #expect(await call.value?.code == (isCancelled ? .cancelled : .deadlineExceeded))
            #expect(!master.lacksSFTP.withLock { $0 })
        }
    }

    @Test(
        "where a connection opens no more channels, another one transfers files, and is closed",
        arguments: ["", "\nSubsystem other /bin/false"])
    func noChannel(extra: String) async throws {
        try await SSHSessionTests.with("MaxSessions 1" + extra) { (session, server, _) async throws in
            let master = try await session.connection(until: .after(.seconds(300)))
            let files = RemoteFiles(session)
            _ = try await session.sh("kept=1")
            let bytes = [UInt8](repeating: 7, count: 100_000)
            #expect(try await files.write(server.folder + "/sent", bytes).size == bytes.count)
            #expect(try await files.read(server.folder + "/sent").bytes == bytes)
            #expect(!master.lacksSFTP.withLock { $0 })
            #expect(await session.masters.count == 1)
            #expect(try await session.sh("echo $kept").out == "1\n")
        }
    }

    @Test("an offset beyond every file is refused, and one near it reads nothing", arguments: ["", "#nosftp"])
    func offsets(extra: String) async throws {
        try await SSHSessionTests.with(extra) { (session, _, _) async throws in
            let files = RemoteFiles(session)
            let error = await #expect(throws: MMError.self) { try await files.read("/etc/hostname", from: .max) }
            #expect(error?.code == .invalidInput)
            #expect(try await files.read("/etc/hostname", from: 1 << 62 - 1).bytes.isEmpty)
        }
    }
}
