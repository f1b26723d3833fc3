import Glibc
import MMCore
import MMSystem
import Testing

@testable import MMShell

@Suite(
    "An interrupted upload", .enabled(if: TestSSHD.missing == nil, "sshd is not installed"),
    .timeLimit(.minutes(10)))
struct UploadTests {
    /// A file whose connection is lost at a given position of the transfer.
    private static func breaking(_ bytes: [UInt8], at place: Int, _ master: SSHMaster) -> FileSource {
        FileSource(count: bytes.count) { range in
            // The last piece is also read at the start, to recognise the file.
            if range.lowerBound >= place, range.upperBound < bytes.count { master.process.signalGroup(SIGKILL) }
            return Array(bytes[range])
        }
    }

    @Test("is continued when the same file is sent again, and leaves nothing")
    func goesOn() async throws {
        try await SFTPTests.with(sftp: true) { (session, server, files) async throws in
            let folder = server.folder + "/up"
            _ = try await session.sh("mkdir '\(folder)'")
            let bytes = (0..<(6 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
            let master = try await session.connection(until: .after(.seconds(300)))
            await #expect(throws: MMError.self) {
                try await files.write(folder + "/big", Self.breaking(bytes, at: 3 << 20, master))
            }
            let left = try FolderListing.names(in: folder)
            #expect(left.count == 1 && left.allSatisfy { $0.hasPrefix(".big.mm-") }, "\(left)")
            let sent = Mutex<[Int]>([])
            let receipt = try await files.write(folder + "/big", FileSource(bytes)) { end in
                sent.withLock { $0.append(end) }
            }
            #expect(receipt.size == bytes.count && receipt.digest == Hex.text(SHA256.digest(bytes)))
            #expect(sent.withLock { $0.first ?? 0 } > 1 << 20, "what had arrived is not sent again")
            #expect(try FolderListing.names(in: folder) == ["big"])
            #expect(try await files.read(folder + "/big").bytes == bytes)
        }
    }

    @Test("leaves a draft that is removed a day later if nobody continues it, and affects nothing else")
    func swept() async throws {
        try await SFTPTests.with(sftp: true) { (session, server, files) async throws in
            let folder = server.folder + "/up"
            _ = try await session.sh("mkdir '\(folder)'")
            let bytes = [UInt8](repeating: 7, count: 4 << 20)
            var master = try await session.connection(until: .after(.seconds(300)))
            await #expect(throws: MMError.self) {
                try await files.write(folder + "/big", Self.breaking(bytes, at: 2 << 20, master))
            }
            let other = [UInt8](repeating: 8, count: bytes.count)
            _ = try await files.write(folder + "/big", other)
            #expect(try await files.read(folder + "/big").bytes == other)
            #expect(try FolderListing.names(in: folder).count == 2)
            master = try await session.connection(until: .after(.seconds(300)))
            let drafts = await session.masters.drafts
            await drafts.sweep(over: master)
            #expect(try FolderListing.names(in: folder).count == 2)
            await drafts.sweep(over: master, now: .now + .seconds(86_401))
            #expect(try FolderListing.names(in: folder) == ["big"])
        }
    }
}
