import Glibc
import MMCore
import MMSystem
import TestSupport
import Testing

@testable import MMShell

@Suite("Local files", .timeLimit(.minutes(10)))
struct LocalFileTests {
    static func with(_ body: (String) async throws -> Void) async throws {
        let root = try TestFolder.make("/tmp/mm-files-")
        defer { TestFolder.remove(root) }
        try await body(root)
    }

    @Test("are written in one step and read in pieces")
    func roundTrip() async throws {
        try await Self.with { (root) async throws in
            let files = LocalFiles(directory: root, rules: FileRules(root: root))
            let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            let receipt = try await files.write("a.bin", bytes)
            #expect(receipt.path == root + "/a.bin")
            #expect(receipt.size == 100_000)
            #expect(try await files.read("a.bin").bytes == bytes)
            #expect(try await files.read("a.bin").digest == receipt.digest)
            let piece = try await files.read("a.bin", from: 99_990, limit: 100)
            #expect(piece.bytes == Array(bytes.suffix(10)))
            #expect(piece.size == 100_000)
            #expect(try await files.read("a.bin", from: 200_000).bytes.isEmpty)
            var how = FileWriting()
            how.appends = true
            #expect(try await files.write("a.bin", [1, 2], how: how).size == 100_002)
            how = FileWriting()
            how.createsFolders = true
            how.permissions = 0o750
            #expect(try await files.write("x/y/z.sh", [1], how: how).path == root + "/x/y/z.sh")
            var info = stat()
            stat(root + "/x/y/z.sh", &info)
            #expect(info.st_mode & 0o777 == 0o750)
            // A file keeps its owner and its permissions when its content changes.
            if geteuid() == 0 { #expect(chown(root + "/x/y/z.sh", 12345, 23456) == 0) }
            stat(root + "/x/y/z.sh", &info)
            let (owner, group) = (info.st_uid, info.st_gid)
            _ = try await files.write("x/y/z.sh", [2])
            stat(root + "/x/y/z.sh", &info)
            #expect(info.st_mode & 0o777 == 0o750 && info.st_uid == owner && info.st_gid == group)
        }
    }

    @Test(
        "are only accessible in allowed folders, whatever links and dots a path has",
        arguments: [
            "/etc/hosts", "../x", "out/hosts", "link", "a/../../x", "own/token", "",
        ])
    func bounds(path: String) async throws {
        try await Self.with { (root) async throws in
            symlink("/etc", root + "/out")
            symlink("/etc/hosts", root + "/link")
            mkdir(root + "/own", 0o700)
            let files = LocalFiles(directory: root, rules: FileRules(root: root, forbidden: [root + "/own"]))
            await #expect(throws: MMError.self) { try await files.read(path) }
            await #expect(throws: MMError.self) { try await files.write(path, [1]) }
        }
    }

    @Test("- alone is not the name of a file that is written")
    func standardOutput() async throws {
        try await Self.with { (root) async throws in
            let files = LocalFiles(directory: root, rules: FileRules(root: root))
            let error = await #expect(throws: MMError.self) { try await files.place("-", suggested: "a.txt") }
            #expect(error?.code == .invalidInput && error?.hint?.contains("./-") == true, "\(error?.message ?? "")")
            #expect(try await files.place("./-", suggested: nil).path == root + "/-")
        }
    }

    @Test("a folder whose name begins like an allowed one's isn't allowed")
    func neighbours() async throws {
        try await Self.with { (root) async throws in
            for folder in ["/root", "/root-evil", "/root/own", "/root/own-notes"] { mkdir(root + folder, 0o700) }
            let rules = FileRules(root: root + "/root", forbidden: [root + "/root/own"])
            let files = LocalFiles(directory: root + "/root", rules: rules)
            for path in ["../root-evil/x", root + "/root-evil/x", "own/x", "own"] {
                await #expect(throws: MMError.self, "\(path)") { try await files.write(path, [1]) }
            }
            _ = try await files.write("own-notes/x", [1])
            #expect(try await files.read("own-notes/x").bytes == [1])
        }
        #expect(RealPath.lies("/root", in: "/root") && RealPath.lies("/root/x", in: "/root/"))
        #expect(RealPath.lies("/x", in: "/") && !RealPath.lies("/ro", in: "/root"))
    }

    @Test(
        "are placed in a folder that exists, unless it is the folder itself that is written",
        arguments: [
            ("there", false, "/there/up"), ("there", true, "/there"), ("new", false, "/new"), ("new", true, "/new"),
            ("there/", true, "/there/up"),
        ])
    func places(path: String, isFolder: Bool, expected: String) async throws {
        try await Self.with { (root) async throws in
            let files = LocalFiles(directory: root, rules: FileRules(root: root))
            #expect(mkdir(root + "/there", 0o700) == 0)
            let place = try await files.place(path, suggested: "up", isFolder: isFolder)
            #expect(place.path == root + expected)
        }
    }

    @Test("are written through links, which stay")
    func links() async throws {
        try await Self.with { (root) async throws in
            let files = LocalFiles(directory: root, rules: FileRules(root: root))
            _ = try await files.write("real", [1])
            chmod(root + "/real", 0o640)
            symlink("real", root + "/link")
            symlink("link", root + "/second")
            symlink("nowhere", root + "/dangling")
            symlink("/dev/null", root + "/device")
            for (link, content) in [("link", [UInt8(2)]), ("second", [3])] {
                #expect(try await files.write(link, content).path == root + "/real")
                #expect(try await files.read("real").bytes == content)
                var info = stat()
                #expect(lstat(root + "/" + link, &info) == 0 && info.st_mode & S_IFMT == S_IFLNK)
                #expect(stat(root + "/real", &info) == 0 && info.st_mode & 0o777 == 0o640)
            }
            var appending = FileWriting()
            appending.appends = true
            #expect(try await files.write("link", [4], how: appending).size == 2)
            for path in ["dangling", "device"] {
                await #expect(throws: MMError.self) { try await files.write(path, [1]) }
                var info = stat()
                #expect(lstat(root + "/" + path, &info) == 0 && info.st_mode & S_IFMT == S_IFLNK)
            }
        }
        let anywhere = LocalFiles(directory: "/", rules: FileRules())
        await #expect(throws: MMError.self) { try await anywhere.write("/dev/null", [1]) }
    }

    @Test("can't be written through the descriptors of a process in /proc", arguments: [true, false])
    func openFiles(appends: Bool) async throws {
        var how = FileWriting()
        how.appends = appends
        try await Self.with { (root) async throws in
            let files = LocalFiles(directory: root, rules: FileRules())
            let log = try FileDescriptor.open(root + "/log", O_WRONLY | O_CREAT)
            symlink("/dev/fd/\(log.raw)", root + "/link")
            for path in ["/proc/self/fd/\(log.raw)", "/dev/fd/\(log.raw)", "link", "/dev/stdout", "/dev/stderr"] {
                await #expect(throws: MMError.self, "\(path)") { try await files.write(path, [1], how: how) }
            }
            var info = stat()
            #expect(fstat(log.raw, &info) == 0 && info.st_nlink == 1 && info.st_size == 0)
        }
    }

    @Test("special, too large or changed files are refused")
    func refusals() async throws {
        try await Self.with { (root) async throws in
            mkfifo(root + "/pipe", 0o600)
            let files = LocalFiles(directory: root, rules: FileRules(root: root, limit: 10))
            await #expect(throws: MMError.self) { try await files.read("pipe") }
            await #expect(throws: MMError.self) { try await files.read(".") }
            await #expect(throws: MMError.self) { try await files.write("big", [UInt8](repeating: 0, count: 11)) }
        }
    }
}

@Suite("Files of a host", .enabled(if: TestSSHD.missing == nil, "sshd is not installed"), .timeLimit(.minutes(10)))
struct RemoteFileTests {
    static let canMount =
        getuid() == 0
        && system("d=$(mktemp -d) && mount -t tmpfs none $d 2>/dev/null && umount $d; r=$?; rmdir $d; exit $r") == 0

    @Test("are written in one step, counted, with a checksum, and read in pieces")
    func roundTrip() async throws {
        try await SSHSessionTests.with { (session, server, _) async throws in
            let files = RemoteFiles(session)
            _ = try await session.sh("mkdir '\(server.folder)/it'\\''s here'; cd '\(server.folder)/it'\\''s here'")
            let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 13) }
            let receipt = try await files.write("a b.bin", bytes)
            #expect(receipt.path == server.folder + "/it's here/a b.bin")
            #expect(receipt.size == 300_000)
            #expect(try await files.read("a b.bin").bytes == bytes)
            #expect(try await files.read("a b.bin", from: 299_995, limit: 100).bytes == Array(bytes.suffix(5)))
            var how = FileWriting()
            how.appends = true
            #expect(try await files.write("a b.bin", [1], how: how).size == 300_001)
            how = FileWriting()
            how.createsFolders = true
            how.permissions = 0o600
            _ = try await files.write("n/m", Array("x".utf8), how: how)
            #expect(try await session.sh("stat -c %a n/m; ls -A n").out == "600\nm\n")
            await #expect(throws: MMError.self) { try await files.read("nothing") }
            await #expect(throws: MMError.self) { try await files.read("n") }
            await #expect(throws: MMError.self) { try await files.write("no/such/folder", [1]) }
            await #expect(throws: MMError.self) { try await RemoteFiles(session, limit: 10).read("a b.bin") }
        }
    }

    @Test("are not left half written on a full disk", .enabled(if: canMount, "no small disk can be mounted here"))
    func fullDisk() async throws {
        try await SSHSessionTests.with { (session, server, _) async throws in
            let files = RemoteFiles(session)
            let made = try await session.sh(
                "mkdir \(server.folder)/small && mount -t tmpfs -o size=64k none \(server.folder)/small")
            try #require(made.code == 0)
            _ = try await files.write("\(server.folder)/small/f", Array("old".utf8))
            await #expect(throws: MMError.self) {
                try await files.write("\(server.folder)/small/f", [UInt8](repeating: 1, count: 200_000))
            }
            #expect(
                try await session.sh(
                    "cat \(server.folder)/small/f; ls -A \(server.folder)/small; umount \(server.folder)/small"
                ).out == "oldf\n")
        }
    }
}
