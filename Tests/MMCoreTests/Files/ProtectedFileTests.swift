import Glibc
import TestSupport
import Testing

@testable import MMCore

@Suite("Protected files", .timeLimit(.minutes(5)))
struct ProtectedFileTests {
    let folder: TestFolder

    init() throws {
        folder = try TestFolder()
    }

    @Test("written content can be read, in a file of 0600 and folders of 0700")
    func roundTrip() throws {
        let path = folder["a/b/c.json"]
        #expect(try ProtectedFile.read(path) == nil)
        try ProtectedFile.replace(path, with: [1, 2, 3])
        #expect(try ProtectedFile.read(path) == [1, 2, 3])
        #expect(folder.mode("a/b/c.json") == 0o600)
        #expect(folder.mode("a/b") == 0o700)
        #expect(folder.mode("a") == 0o700)
        try ProtectedFile.replace(path, with: [])
        #expect(try ProtectedFile.read(path) == [])
        #expect(try folder.names("a/b") == ["c.json"])
    }

    @Test("each of several updates at once is made of what the one before it has written")
    func updates() async throws {
        let path = folder["plans/shared"]
        try ProtectedFile.replace(path, with: [])
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in UInt8(0)..<32 {
                group.addTask { try await ProtectedFile.update(path, until: .after(.seconds(120))) { $0 + [number] } }
            }
            try await group.waitForAll()
        }
        #expect(try ProtectedFile.read(path)?.sorted() == Array(0..<32))
        #expect(try folder.names("plans") == ["shared"])
    }

    @Test("a file that is missing isn't updated, and one whose update fails stays as it is")
    func failedUpdates() async throws {
        let path = folder["own"]
        let missing = await #expect(throws: MMError.self) { try await ProtectedFile.update(path) { $0 + [1] } }
        #expect(missing?.code == .notFound)
        try ProtectedFile.replace(path, with: [7])
        await #expect(throws: MMError.self) {
            try await ProtectedFile.update(path) { (_) throws(MMError) in throw MMError(.conflict, "another one") }
        }
        #expect(try ProtectedFile.read(path) == [7])
        // The lock of an update that failed is free again.
        try await ProtectedFile.update(path) { $0 + [8] }
        #expect(try ProtectedFile.read(path) == [7, 8])
    }

    @Test("a kept file is created once: all who create it at the same time get the content of one")
    func kept() async throws {
        let path = folder["names/own"]
        let found = try await withThrowingTaskGroup(of: [UInt8].self) { group in
            for number in 0..<32 {
                group.addTask { try ProtectedFile.kept(at: path) { Array("name \(number)".utf8) } }
            }
            return try await group.reduce(into: Set<[UInt8]>()) { $0.insert($1) }
        }
        #expect(found.count == 1)
        #expect(try ProtectedFile.read(path).map { found.contains($0) } == true)
        #expect(try folder.names("names") == ["own"])
        #expect(try ProtectedFile.kept(at: path, isSound: { $0.isEmpty }) { [] }.isEmpty, "an unsound one is replaced")
    }

    @Test("whether a file can be written is known before, and leaves it as it is")
    func checks() throws {
        try folder.write("x", "old")
        try ProtectedFile.checkReplacing(folder["x"])
        try ProtectedFile.checkAppending(to: folder["x"])
        try ProtectedFile.checkReplacing(folder["new"])
        #expect(folder.text("x") == "old")
        #expect(try folder.names() == ["x"])
        #expect(symlink(folder["x"], folder["elsewhere"]) == 0)
        for place in ["x/below", "elsewhere"] {
            #expect(throws: MMError.self) { try ProtectedFile.checkReplacing(folder[place]) }
            #expect(throws: MMError.self) { try ProtectedFile.checkAppending(to: folder[place]) }
        }
    }

    @Test("a file that can't be looked at may exist")
    func mayExist() throws {
        try folder.write("x", "")
        #expect(FileStamp.mayExist(folder["x"]))
        #expect(!FileStamp.mayExist(folder["y"]))
        #expect(!FileStamp.mayExist(folder["y/z"]))
        #expect(FileStamp.mayExist(folder["x/y"]))
    }

    @Test("large content stays complete")
    func large() throws {
        var generator = SeededRandom(seed: 3)
        let bytes = (0..<3_000_001).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
        try ProtectedFile.replace(folder["big"], with: bytes)
        #expect(try ProtectedFile.read(folder["big"]) == bytes)
    }

    @Test("an existing mode is kept only if requested")
    func modes() throws {
        try folder.write("x", "old", mode: 0o640)
        try ProtectedFile.replace(folder["x"], with: Array("new".utf8), keepingMode: true)
        #expect(folder.mode("x") == 0o640)
        try ProtectedFile.replace(folder["x"], with: Array("new".utf8))
        #expect(folder.mode("x") == 0o600)
    }

    @Test("one backup is kept, with the content before the last")
    func backup() throws {
        let path = folder["r.json"]
        try ProtectedFile.replace(path, with: Array("1".utf8), backup: true)
        #expect(folder.text("r.json.bak") == nil)
        try ProtectedFile.replace(path, with: Array("2".utf8), backup: true)
        try ProtectedFile.replace(path, with: Array("3".utf8), backup: true)
        #expect(folder.text("r.json") == "3")
        #expect(folder.text("r.json.bak") == "2")
        #expect(try folder.names() == ["r.json", "r.json.bak"])
    }

    @Test(
        "a symbolic link is never followed, whatever is asked",
        arguments: ["read", "replace", "append", "remove", "lock"])
    func links(action: String) throws {
        try folder.write("victim", "precious")
        #expect(symlink(folder["victim"], folder["link"]) == 0)
        #expect(symlink(folder["victim"], folder["link.lock"]) == 0)
        let error = mmError {
            switch action {
            case "read": _ = try ProtectedFile.read(folder["link"])
            case "replace": try ProtectedFile.replace(folder["link"], with: [1])
            case "append": try ProtectedFile.append([1], to: folder["link"])
            case "remove": try ProtectedFile.remove(folder["link"])
            default: _ = try FileLock.tryAcquire(folder["link"])
            }
        }
        #expect(error?.code == .forbidden)
        #expect(error?.message.contains("symbolic link") == true)
        #expect(folder.text("victim") == "precious")
        #expect(folder.status("link").map { $0.st_mode & S_IFMT } == S_IFLNK)
    }

    @Test("a dangling link is refused too")
    func danglingLink() throws {
        #expect(symlink(folder["nowhere"], folder["link"]) == 0)
        #expect(mmError { _ = try ProtectedFile.read(folder["link"]) }?.code == .forbidden)
        #expect(mmError { try ProtectedFile.replace(folder["link"], with: [1]) }?.code == .forbidden)
        #expect(folder.text("nowhere") == nil)
    }

    @Test("a link to a folder of the user is followed")
    func ownFolderLink() throws {
        try ProtectedFile.replace(folder["real/x"], with: [7])
        #expect(symlink("real", folder["relative"]) == 0)
        #expect(symlink(folder["real"], folder["absolute"]) == 0)
        #expect(symlink("../\(folder.path.split(separator: "/").last ?? "")/absolute", folder["chain"]) == 0)
        for name in ["relative", "absolute", "chain"] { #expect(try ProtectedFile.read(folder["\(name)/x"]) == [7]) }
        try ProtectedFile.replace(folder["chain/y"], with: [8])
        #expect(folder.bytes("real/y") == [8])
    }

    @Test("circular links are an error")
    func linkLoop() throws {
        #expect(symlink("b", folder["a"]) == 0)
        #expect(symlink("a", folder["b"]) == 0)
        #expect(mmError { _ = try ProtectedFile.read(folder["a/x"]) }?.code == .forbidden)
    }

    @Test("a folder link, folder or file of another user is refused", .enabled(if: geteuid() == 0, "needs root"))
    func foreign() throws {
        try ProtectedFile.replace(folder["real/x"], with: [7])
        #expect(symlink("real", folder["theirs"]) == 0)
        #expect(lchown(folder["theirs"], 65534, 65534) == 0)
        let link = mmError { _ = try ProtectedFile.read(folder["theirs/x"]) }
        #expect(link?.code == .forbidden)
        #expect(link?.message.contains("user 65534") == true)

        #expect(chown(folder["real/x"], 65534, 65534) == 0)
        let file = mmError { _ = try ProtectedFile.read(folder["real/x"]) }
        #expect(file?.code == .forbidden)
        #expect(file?.hint?.contains("chown") == true)
        #expect(mmError { try ProtectedFile.replace(folder["real/x"], with: [1]) }?.code == .forbidden)
        #expect(mmError { try ProtectedFile.append([1], to: folder["real/x"]) }?.code == .forbidden)
        #expect(folder.bytes("real/x") == [7])

        #expect(chown(folder["real"], 65534, 65534) == 0)
        #expect(mmError { try ProtectedFile.replace(folder["real/new"], with: [1]) }?.code == .forbidden)
        #expect(mmError { try ProtectedFile.makeDirectory(folder["real"]) }?.code == .forbidden)
    }

    @Test("a folder that everyone may write to is refused, unless it is sticky like /tmp")
    func openFolder() throws {
        #expect(mkdir(folder["open"], 0o700) == 0)
        #expect(chmod(folder["open"], 0o777) == 0)
        #expect(mmError { try ProtectedFile.replace(folder["open/x"], with: [1]) }?.code == .forbidden)
        #expect(chmod(folder["open"], 0o1777) == 0)
        try ProtectedFile.replace(folder["open/x"], with: [1])
        #expect(folder.bytes("open/x") == [1])
    }

    @Test("a file that everyone may write to is not read", arguments: [0o602, 0o622, 0o666] as [mode_t])
    func openFile(mode: mode_t) throws {
        try ProtectedFile.replace(folder["x"], with: [1], mode: 0o664)
        #expect(try ProtectedFile.read(folder["x"]) == [1])
        #expect(chmod(folder["x"], mode) == 0)
        let error = mmError { _ = try ProtectedFile.read(folder["x"]) }
        #expect(error?.code == .forbidden && error?.hint?.contains("chmod o-w") == true)
        // Replacing it closes it.
        try ProtectedFile.replace(folder["x"], with: [2])
        #expect(try ProtectedFile.read(folder["x"]) == [2])
    }

    @Test("anything but a regular file is refused at once", arguments: ["fifo", "folder", "socket"])
    func special(kind: String) throws {
        switch kind {
        case "fifo": #expect(mkfifo(folder["x"], 0o600) == 0)
        case "folder": #expect(mkdir(folder["x"], 0o700) == 0)
        default: #expect(mknod(folder["x"], S_IFSOCK | 0o600, 0) == 0)
        }
        #expect(mmError { _ = try ProtectedFile.read(folder["x"]) } != nil)
        #expect(mmError { try ProtectedFile.replace(folder["x"], with: [1]) }?.code == .invalidInput)
        #expect(mmError { try ProtectedFile.remove(folder["x"]) }?.code == .invalidInput)
    }

    @Test("devices are refused, so that nothing is read from them endlessly")
    func device() {
        #expect(mmError { _ = try ProtectedFile.read("/dev/zero") }?.code == .invalidInput)
        #expect(mmError { try ProtectedFile.append([1], to: "/dev/full") }?.code == .invalidInput)
    }

    @Test("a file over the limit is not read")
    func limit() throws {
        try folder.write("x", String(repeating: "a", count: 100))
        #expect(try ProtectedFile.read(folder["x"], limit: 100)?.count == 100)
        #expect(mmError { _ = try ProtectedFile.read(folder["x"], limit: 99) }?.code == .limitExceeded)
    }

    @Test("paths that name no file are refused", arguments: ["", "/", ".", "..", "/tmp/", "a\0b", "/tmp/.."])
    func badPaths(path: String) {
        #expect(mmError { _ = try ProtectedFile.read(path) }?.code == .invalidInput)
        #expect(mmError { try ProtectedFile.replace(path, with: []) }?.code == .invalidInput)
    }

    @Test("a file in the way of a folder is named")
    func fileAsFolder() throws {
        try folder.write("x", "file")
        #expect(mmError { _ = try ProtectedFile.read(folder["x/y"]) }?.code == .invalidInput)
        #expect(mmError { try ProtectedFile.makeDirectory(folder["x"]) }?.code == .invalidInput)
    }

    @Test(
        "a folder without permissions is an error and isn't changed",
        .enabled(if: geteuid() != 0, "root may write anywhere"))
    func readOnly() throws {
        try ProtectedFile.replace(folder["d/x"], with: [1])
        #expect(chmod(folder["d"], 0o500) == 0)
        #expect(mmError { try ProtectedFile.replace(folder["d/x"], with: [2]) }?.code == .forbidden)
        #expect(folder.bytes("d/x") == [1])
        #expect(chmod(folder["d"], 0o300) == 0)
        try ProtectedFile.replace(folder["d/x"], with: [3])
        #expect(folder.bytes("d/x") == [3])
        #expect(chmod(folder["d"], 0o700) == 0)
        #expect(chmod(folder["d/x"], 0) == 0)
        let error = mmError { _ = try ProtectedFile.read(folder["d/x"]) }
        #expect(error?.code == .forbidden)
        #expect(error?.message.contains(folder["d/x"]) == true)
    }

    @Test("append creates the file, adds the newline and never mixes lines of several writers")
    func append() async throws {
        let path = folder["log"]
        await withTaskGroup(of: Void.self) { group in
            for writer in 0..<8 {
                group.addTask {
                    for number in 0..<100 {
                        let line = Array("\(writer)-\(number)-\(String(repeating: "x", count: 500))".utf8)
                        try? ProtectedFile.append(line, to: path)
                    }
                }
            }
        }
        let lines = (folder.text("log") ?? "").split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count == 801)
        #expect(Set(lines).count == 801)
        #expect(lines.dropLast().allSatisfy { $0.hasSuffix(String(repeating: "x", count: 500)) })
        #expect(folder.mode("log") == 0o600)
    }

    @Test("readers during many replaces see one complete content or another")
    func atomic() async throws {
        let path = folder["x"]
        let contents = (0..<4).map { [UInt8](repeating: UInt8($0), count: 200_000 + $0) }
        try ProtectedFile.replace(path, with: contents[0])
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<2 {
                group.addTask {
                    for round in 0..<40 { try ProtectedFile.replace(path, with: contents[(writer * 2 + round) % 4]) }
                }
            }
            group.addTask {
                for _ in 0..<200 {
                    let seen = try ProtectedFile.read(path) ?? []
                    #expect(contents.contains { $0 == seen })
                }
            }
            try await group.waitForAll()
        }
        #expect(try folder.names() == ["x"])
    }

    @Test("drafts of killed processes are removed, those in use aren't")
    func leftovers() throws {
        try folder.write(".x.mm-999999999-aa", "old draft")
        try folder.write(".x.mm-\(getpid())-bb", "ours")
        try folder.write(".x.mm-1-cc", "of a living process")
        try folder.write(".x.mm-999999998-dd", "just written")
        var times = [timeval(tv_sec: 1000, tv_usec: 0), timeval(tv_sec: 1000, tv_usec: 0)]
        // Drafts of other files are removed too, because those files may never be written again.
        try folder.write(".other.json.mm-999999997-ee", "old draft of another file")
        #expect(utimes(folder[".other.json.mm-999999997-ee"], &times) == 0)
        try folder.write(".no-draft.mm-x-1", "not ours")
        for name in [".x.mm-999999999-aa", ".x.mm-\(getpid())-bb", ".x.mm-1-cc"] {
            #expect(utimes(folder[name], &times) == 0)
        }
        try ProtectedFile.replace(folder["x"], with: [1])
        #expect(
            try folder.names()
                == [".no-draft.mm-x-1", ".x.mm-\(getpid())-bb", ".x.mm-1-cc", ".x.mm-999999998-dd", "x"].sorted())
    }

    @Test("private folders that others may enter are closed, shared ones stay")
    func makeDirectory() throws {
        #expect(mkdir(folder["d"], 0o755) == 0)
        #expect(chmod(folder["d"], 0o755) == 0)
        try ProtectedFile.makeDirectory(folder["d/e"])
        #expect(folder.mode("d") == 0o755)
        try ProtectedFile.makeDirectory(folder["d"])
        #expect(folder.mode("d") == 0o700)
        #expect(folder.mode("d/e") == 0o700)
        #expect(chmod(folder["d/e"], 0o1777) == 0)
        try ProtectedFile.makeDirectory(folder["d/e"])
        #expect(folder.mode("d/e") == 0o1777)
    }

    @Test("a file that is open to others is closed and reported once")
    func tighten() throws {
        try folder.write("x", "secret", mode: 0o644)
        #expect(try ProtectedFile.tighten(folder["x"]))
        #expect(folder.mode("x") == 0o600)
        #expect(try !ProtectedFile.tighten(folder["x"]))
        #expect(try !ProtectedFile.tighten(folder["nothing"]))
    }

    @Test("a file that everyone may write to is refused, and its mode stays", arguments: [0o602, 0o666] as [mode_t])
    func tightenWritable(mode: mode_t) throws {
        try folder.write("x", "secret", mode: mode)
        #expect(throws: MMError.self) { try ProtectedFile.tighten(folder["x"]) }
        #expect(folder.mode("x") == mode)
    }

    @Test(
        "root's file is closed to others if only a group may read it; for root itself only without a group",
        arguments: [(0o400, true), (0o440, geteuid() != 0), (0o444, false), (0o460, false)] as [(mode_t, Bool)])
    func mounted(mode: mode_t, isPrivate: Bool) {
        var status = stat()
        (status.st_uid, status.st_mode) = (0, mode)
        #expect(ProtectedFile.isPrivate(status) == isPrivate)
    }

    @Test("removing a file twice isn't an error")
    func remove() throws {
        try folder.write("x", "1")
        try ProtectedFile.remove(folder["x"])
        try ProtectedFile.remove(folder["x"])
        try ProtectedFile.remove(folder["no/such/folder/x"])
        #expect(try folder.names().isEmpty)
    }

    @Test("no descriptor is left open")
    func descriptors() throws {
        func count() throws -> Int { try FolderListing.names(in: "/proc/self/fd").count }
        try ProtectedFile.replace(folder["x"], with: [1], backup: true)
        // Other suites open files at the same time, so a leak shows only as growth over the rounds.
        let before = try count()
        for _ in 0..<100 {
            try ProtectedFile.replace(folder["x"], with: [1], backup: true)
            _ = try ProtectedFile.read(folder["x"])
            _ = try? ProtectedFile.read(folder["x/y"])
            try ProtectedFile.append([1], to: folder["y"])
            _ = try FileLock.tryAcquire(folder["x"])
        }
        #expect(try count() < before + 80)
    }
}
