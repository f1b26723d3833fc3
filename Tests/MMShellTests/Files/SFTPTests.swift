import Glibc
import MMCore
import MMSystem
import Testing

@testable import MMShell

@Suite(
    "Files with and without SFTP", .enabled(if: TestSSHD.missing == nil, "sshd is not installed"),
    .timeLimit(.minutes(10)))
struct SFTPTests {
    static func with(sftp: Bool, _ body: (SSHSession, TestSSHD, RemoteFiles) async throws -> Void) async throws {
        try await SSHSessionTests.with(sftp ? "" : "#nosftp") { (session, server, _) async throws in
            try await body(session, server, RemoteFiles(session))
            let master = try await session.connection(until: .after(.seconds(300)))
            #expect(master.lacksSFTP.withLock { $0 } == !sftp)
        }
    }

    @Test("are transferred the same way with or without SFTP on the host", arguments: [true, false])
    func same(sftp: Bool) async throws {
        try await Self.with(sftp: sftp) { (session, server, files) async throws in
            _ = try await session.sh("cd '\(server.folder)'")
            // Larger than the data in flight, and not a multiple of a packet.
            let bytes = (0..<3_333_333).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
            let receipt = try await files.write("big", bytes)
            #expect(receipt.path == server.folder + "/big")
            #expect(receipt.size == bytes.count)
            #expect(try await files.read("big").bytes == bytes)
            #expect(try await files.read("big", from: 3_333_330, limit: 100).bytes == Array(bytes.suffix(3)))
            #expect(try await files.read("big", from: 4_000_000).bytes.isEmpty)
            #expect(try await files.read("big", from: 10, limit: 5).size == bytes.count)
            // It keeps the replaced file's permissions, and replaces it completely.
            _ = try await session.sh("chmod 640 big; ln big other")
            _ = try await files.write("big", Array("new".utf8))
            #expect(
                try await session.sh("stat -c %a big; cat big; wc -c <other; ls -A | grep -c mm-").out
                    == "640\nnew3333333\n0\n")
            _ = try await files.write("empty", [])
            #expect(try await files.read("empty").bytes.isEmpty)
            _ = try await session.sh("echo theirs >linked; ln -s linked link")
            _ = try await files.write("link", Array("mine".utf8))
            #expect(try await session.sh("[ -h link ] && cat linked").out == "mine", "a link stays one")
            var how = FileWriting()
            how.permissions = 0o4711
            how.createsFolders = true
            _ = try await files.write("a/b c/d'e", [1], how: how)
            #expect(try await session.sh("stat -c %a \"a/b c/d'e\"").out == "4711\n")
            // Names are as long as the file system allows, in bytes.
            let name = String(repeating: "日", count: 80)
            _ = try await files.write(name, Array("long".utf8))
            #expect(try await session.sh("cat \(name)").out == "long")
            _ = try await session.sh("ln -s loop loop")
            let refused = await #expect(throws: MMError.self) { try await files.write("loop", [1]) }
            #expect(refused?.message == "“loop” is a broken symbolic link.")
            #expect(try await session.sh("[ -h loop ] && echo still").out == "still\n")
            _ = try await session.sh("mkfifo pipe")
            await #expect(throws: MMError.self) { try await files.write("pipe", [1]) }
            #expect(try await session.sh("[ -p pipe ] && echo still").out == "still\n")
            await #expect(throws: MMError.self) { try await files.write("a", [1]) }
            await #expect(throws: MMError.self) { try await files.write("nowhere/x", [1]) }
            await #expect(throws: MMError.self) { try await files.read("/proc/self") }
        }
    }

    @Test(
        "a file of unknown size is read to its end",
        arguments: ["/proc/version", "/sys/class/net/lo/mtu"].filter { (path: String) in access(path, R_OK) == 0 })
    func untoldSize(path: String) async throws {
        try await Self.with(sftp: true) { (session, _, files) async throws in
            let whole = Array(try await session.sh("cat \(path)").out.utf8)
            #expect(!whole.isEmpty)
            let piece = try await files.read(path)
            #expect(piece.bytes == whole)
            #expect(piece.size == whole.count)
            #expect(try await files.read(path, from: 1, limit: 2).bytes == Array(whole[1..<3]))
        }
    }

    @Test("a file of unknown size has the same limit")
    func untoldLimit() async throws {
        try await Self.with(sftp: true) { (session, _, _) async throws in
            do throws(MMError) {
                _ = try await RemoteFiles(session, limit: 10).read("/proc/version")
                Issue.record("A file above the limit was read.")
            } catch { #expect(error.code == .limitExceeded) }
            let whole = Array(try await session.sh("cat /proc/version").out.utf8)
            #expect(try await RemoteFiles(session, limit: whole.count).read("/proc/version").bytes == whole)
            _ = try await RemoteFiles(session, limit: 0).write("/tmp/mm-empty-\(getpid())", [])
            #expect(try await RemoteFiles(session, limit: 0).read("/tmp/mm-empty-\(getpid())").bytes.isEmpty)
            _ = try await session.sh("rm /tmp/mm-empty-\(getpid())")
        }
    }

    @Test("what a host's start-up files print belongs to no file and to no answer of a script")
    func printing() async throws {
        let printing = "ForceCommand echo 3421 updates; eval \"$SSH_ORIGINAL_COMMAND\"\nSubsystem sftp internal-sftp"
        try await SSHSessionTests.with(printing) { (session, server, _) async throws in
            let files = RemoteFiles(session)
            let path = server.folder + "/file"
            let receipt = try await files.write(path, Array("a text\n".utf8))
            #expect(receipt.path == path)
            #expect(receipt.size == 7)
            #expect(try await files.read(path).bytes == Array("a text\n".utf8))
            #expect(try await files.read(path, from: 2, limit: 4).bytes == Array("text".utf8))
            let master = try await session.connection(until: .after(.seconds(300)))
            #expect(try await master.control("echo own; exit 0").output == Array("own\n".utf8))
        }
    }

    @Test("packets are read completely or not at all", arguments: 0..<200)
    func fuzz(seed: UInt64) {
        var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
        func next(_ bound: Int) -> UInt8 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8((state >> 33) % UInt64(bound))
        }
        let kinds: [UInt8] = [2, 101, 102, 103, 104, 105, 200, 7]
        var bytes = [kinds[Int(next(8))], 0, 0, 0, next(9)]
        for _ in 0..<Int(next(40)) { bytes += next(3) == 0 ? [next(255)] : [0] }
        for count in 0...bytes.count {
            // Nothing is read beyond the end.
            if case .data(let data)? = SFTPPacket.reply(bytes[..<count])?.reply { #expect(data.count <= count) }
        }
        var writer = SFTPPacket.Writer()
        writer.packet(.data) {
            $0.number(7)
            $0.text(bytes)
        }
        guard case .data(let back)? = SFTPPacket.reply(writer.bytes[4...])?.reply else {
            Issue.record("a whole packet was not read")
            return
        }
        #expect(back == bytes)
    }
}

@Suite("Where sessions are", .timeLimit(.minutes(10)))
struct SessionDirectoryTests {
    @Test("one holder at a time, until it releases the session or its lease expires")
    func claims() async throws {
        let directory: any SessionDirectory = LocalSessionDirectory()
        #expect(try await directory.claim("a", for: "one", lease: .seconds(600)).holder == "one")
        #expect(try await directory.claim("a", for: "two", lease: .seconds(600)).holder == "one")
        try await directory.release("a", from: "two")
        #expect(try await directory.claim("a", for: "two", lease: .seconds(600)).holder == "one")
        try await directory.release("a", from: "one")
        #expect(try await directory.claim("a", for: "two", lease: .seconds(600)).holder == "two")
        #expect(try await directory.claim("b", for: "one", lease: .zero).holder == "one")
        #expect(try await directory.claim("b", for: "two", lease: .seconds(600)).holder == "two")
    }
}
