import MMCore
import MMSystem
import TestSupport
import Testing

@testable import MMShell

@Suite(
    "Replacing a file of a host", .enabled(if: TestSSHD.missing == nil, "sshd is not installed"),
    .timeLimit(.minutes(10)))
struct KeptFileTests {
    private static func bytes(_ text: String) -> FileSource { FileSource(Array(text.utf8)) }

    private static func digest(_ text: String) -> String { Hex.text(SHA256.digest(text.utf8)) }

    @Test(
        "keeps a private backup beside it, which can be restored",
        arguments: [true, false])
    func kept(sftp: Bool) async throws {
        try await SFTPTests.with(sftp: sftp) { (session, server, files) async throws in
            let folder = server.folder + "/kept"
            let path = folder + "/it's a\nfile"
            _ = try await session.sh("mkdir '\(folder)'")
            let seen = Mutex<[KeptFile]>([])
            let present = Mutex<[String]>([])
            let lefts = Mutex<[String]>([])
            let keeping = FileKeeping(label: "Zb3kP9x/..") { (kept, left) async throws(MMError) in
                // The file is unchanged.
                let now = try await files.read(path).bytes
                present.withLock { $0.append(String(decoding: now, as: UTF8.self)) }
                seen.withLock { $0.append(kept) }
                lefts.withLock { $0.append(left) }
            }
            _ = try await files.write(path, Self.bytes("one"), keeping: keeping)
            #expect(seen.withLock { $0.isEmpty }, "a new file takes nothing's place")
            // Root may give a file to anyone, others keep it.
            let name = RemoteDialect.quoted(path)
            _ = try await session.sh("chmod 640 \(name); [ $(id -u) != 0 ] || chown 12345:23456 \(name)")
            let owner = try await session.sh("stat -c %u:%g \(name)").out
            _ = try await files.write(path, Self.bytes("one"), keeping: keeping)
            #expect(seen.withLock { $0.isEmpty }, "it held the same")
            _ = try await files.write(path, Self.bytes("two"), keeping: keeping)
            let kept = try #require(seen.withLock { $0.first })
            #expect(present.withLock { $0 } == ["one"] && lefts.withLock { $0 } == [Self.digest("two")])
            #expect(kept.owner + "\n" == owner)
            #expect(kept.path == path && kept.permissions == "640" && kept.digest == Self.digest("one"))
            #expect(kept.copy.contains("Zb3kP9x") && kept.copy.hasPrefix(folder + "/."))
            #expect(try await files.read(kept.copy).bytes == Array("one".utf8))
            #expect(try await session.sh("stat -c %a \(RemoteDialect.quoted(kept.copy))").out == "600\n")

            // Meanwhile the file was changed.
            _ = try await session.sh("printf x >> \(RemoteDialect.quoted(path))")
            await #expect(throws: MMError.self) {
                _ = try await files.putBack(kept, replacing: Self.digest("two"), as: "undo")
            }
            #expect(try await files.read(path).bytes == Array("twox".utf8))
            _ = try await session.sh("printf two > \(RemoteDialect.quoted(path))")
            let back = try await files.putBack(kept, replacing: Self.digest("two"), as: "undo")
            #expect(try await files.read(path).bytes == Array("one".utf8))
            #expect(try await session.sh("stat -c %a:%u:%g \(name)").out == "640:" + owner)
            #expect(try await files.read(back.copy).bytes == Array("two".utf8))
            await #expect(throws: MMError.self) {
                _ = try await files.putBack(kept, replacing: Self.digest("one"), as: "again")
            }
            // The restored version can be undone in turn.
            _ = try await files.putBack(back, replacing: Self.digest("one"), as: "redo")
            #expect(try await files.read(path).bytes == Array("two".utf8))

            for number in 0..<8 { _ = try await files.write(path, Self.bytes("n\(number)"), keeping: keeping) }
            let names = try FolderListing.names(in: folder)
            #expect(names.count == 1 + KeptFile.most, "\(names)")
        }
    }

    @Test(
        "if nobody may write it, the call has to say what its permissions become",
        arguments: [true, false])
    func readOnly(sftp: Bool) async throws {
        try await SFTPTests.with(sftp: sftp) { (session, server, files) async throws in
            let path = server.folder + "/read-only"
            let name = RemoteDialect.quoted(path)
            let keeping = FileKeeping(label: "a") { (_, _) async throws(MMError) in }
            _ = try await session.sh("printf one > \(name); chmod 444 \(name)")
            let refused = await #expect(throws: MMError.self) {
                _ = try await files.write(path, Self.bytes("two"), keeping: keeping)
            }
            #expect(refused?.code == .forbidden && refused?.hint?.contains("permissions") == true, "\(refused as Any)")
            #expect(
                try await session.sh("cat \(name); ls -A \(RemoteDialect.quoted(server.folder)) | grep -c mm-kept").out
                    == "one0\n")
            var how = FileWriting()
            how.permissions = 0o644
            _ = try await files.write(path, Self.bytes("two"), how: how, keeping: keeping)
            #expect(try await session.sh("cat \(name); stat -c %a \(name)").out == "two644\n")
        }
    }

    @Test("doesn't happen if the backup can't be recorded")
    func unnoted() async throws {
        try await SFTPTests.with(sftp: true) { (session, server, files) async throws in
            let path = server.folder + "/file"
            _ = try await files.write(path, Self.bytes("one"))
            await #expect(throws: MMError.self) {
                _ = try await files.write(
                    path, Self.bytes("two"),
                    keeping: FileKeeping(label: "a") { (_, _) async throws(MMError) in
                        throw MMError(.limitExceeded, "the journal is full")
                    })
            }
            #expect(try await files.read(path).bytes == Array("one".utf8))
        }
    }
}
