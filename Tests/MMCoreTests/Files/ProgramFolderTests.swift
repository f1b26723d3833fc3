import Glibc
import TestSupport
import Testing

@testable import MMCore

@Suite("A folder in which another program works")
struct ProgramFolderTests {
    private let outer: TestFolder
    private let folder: ProgramFolder
    private var inner: String { "\(outer.path)/work" }

    init() throws {
        outer = try TestFolder()
        folder = ProgramFolder("work", in: outer.path)
        try ProtectedFile.makeDirectory("\(outer.path)/work")
    }

    private func write(_ path: String, _ text: String) throws {
        let parent = path.split(separator: "/").dropLast().joined(separator: "/")
        if !parent.isEmpty { try ProtectedFile.makeDirectory("\(inner)/\(parent)") }
        try ProtectedFile.replace("\(inner)/\(path)", with: Array(text.utf8))
    }

    private func written(since snapshot: ProgramFolder.Snapshot) -> [String] {
        folder.written(since: snapshot).files.map { "\($0.name)=\(String(decoding: $0.bytes, as: UTF8.self))" }
    }

    @Test("what was written since is found, in folders too, and nothing else")
    func changes() throws {
        try write("old.csv", "1")
        try write("kept.csv", "1")
        let before = folder.snapshot()
        #expect(written(since: before).isEmpty)
        try write("old.csv", "2")
        try write("a/b/new.txt", "3")
        try write(".config/state", "4")
        #expect(written(since: before) == ["a/b/new.txt=3", "old.csv=2"])
    }

    @Test("nothing is read through a link, a pipe, or a second name of a file elsewhere")
    func links() throws {
        let secret = "\(outer.path)/secret"
        try ProtectedFile.makeDirectory("\(outer.path)/keys")
        try ProtectedFile.replace(secret, with: Array("s".utf8))
        try ProtectedFile.replace("\(outer.path)/keys/id", with: Array("s".utf8))
        let before = folder.snapshot()
        try #require(symlink(secret, "\(inner)/link.csv") == 0)
        try #require(symlink("\(outer.path)/keys", "\(inner)/folder") == 0)
        try #require(mkfifo("\(inner)/pipe", 0o600) == 0)
        try #require(link(secret, "\(inner)/name.csv") == 0)
        try write("own.csv", "1")
        #expect(written(since: before) == ["own.csv=1"])
        // The program puts a link in the place of its folder.
        try #require(rename(inner, "\(outer.path)/away") == 0 && symlink("\(outer.path)/keys", inner) == 0)
        #expect(written(since: before).isEmpty)
        #expect(throws: MMError.self) { try folder.put([("users.csv", [1])]) }
        #expect(TestFolder.names(in: "\(outer.path)/keys") == ["id"])
    }

    @Test("a file is put in the place of a link, never behind it")
    func put() throws {
        let secret = "\(outer.path)/secret"
        try ProtectedFile.replace(secret, with: Array("s".utf8))
        try #require(symlink(secret, "\(inner)/users.csv") == 0)
        try folder.put([("users.csv", Array("u".utf8))])
        #expect(try ProtectedFile.read(secret, limit: 10) == Array("s".utf8))
        #expect(try ProtectedFile.read("\(inner)/users.csv", limit: 10) == Array("u".utf8))
        #expect(TestFolder.names(in: inner) == ["users.csv"])
    }

    @Test("a name that leads elsewhere is refused", arguments: ["", ".", "..", "../x", "a/b", "/x", ".profile"])
    func names(name: String) {
        #expect(throws: MMError.self) { try folder.put([(name, [1])]) }
        #expect(TestFolder.names(in: inner).isEmpty)
    }
}
