import Glibc
import MMCore
import TestSupport
import Testing

@testable import MMSystem

@Suite("Folders named after their process")
struct OwnedFolderTests {
    @Test("only those of ended processes are abandoned, including zombies")
    func abandoned() async throws {
        let folder = try TestFolder()
        let parent = folder.path
        let ended = try Self.start()
        let names = [OwnedFolder.name("session-"), "session-\(ended)-x", "other-\(ended)-x", "session-x", "\(ended)-x"]
        for name in names { try ProtectedFile.makeDirectory("\(parent)/\(name)") }
        let left = ["\(parent)/session-\(ended)-x"]
        // Nothing reaps it before the check.
        #expect(await eventually { (try? OwnedFolder.abandoned(in: parent, "session-")) == left })
        #expect(try OwnedFolder.abandoned(in: parent) == ["\(parent)/\(ended)-x"])
        Self.reap(ended)
        #expect(try OwnedFolder.abandoned(in: parent, "session-") == left)
    }

    @Test(
        "a new one removes those of killed processes with their contents, and follows no link"
    )
    func taken() throws {
        let folder = try TestFolder()
        let parent = folder.path
        let ended = try Self.start()
        Self.reap(ended)
        let (left, kept) = ("\(parent)/a-\(ended)-x", "\(parent)/kept")
        for place in [left + "/within/deep", kept] { try ProtectedFile.makeDirectory(place) }
        for file in [left + "/within/deep/file", kept + "/file"] { try ProtectedFile.replace(file, with: [1]) }
        // Others who can write there can choose any names.
        for link in [left + "/within/link", "\(parent)/a-\(ended)-link"] { try #require(symlink(kept, link) == 0) }
        chmod(left + "/within/deep", 0)
        let own = try OwnedFolder.make(in: parent, "a-")
        #expect(
            TestFolder.names(in: parent).sorted()
                == ["a-\(ended)-link", "kept", String(own.dropFirst(parent.count + 1))].sorted())
        #expect(TestFolder.names(in: kept) == ["file"])
        var status = stat()
        #expect(lstat(own, &status) == 0 && status.st_mode & 0o777 == 0o700)
        FolderTree.remove(own)
        #expect(lstat(own, &status) != 0)
    }

    /// A process that ends by itself.
    private static func start() throws -> pid_t {
        var process = pid_t()
        let word = strdup("/bin/true")
        defer { free(word) }
        var words: [UnsafeMutablePointer<CChar>?] = [word, nil]
        try #require(posix_spawn(&process, "/bin/true", nil, nil, &words, environ) == 0)
        return process
    }

    private static func reap(_ process: pid_t) {
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
    }
}
