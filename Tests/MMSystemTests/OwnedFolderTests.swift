import Glibc
import MMCore
import TestSupport
import Testing

@testable import MMSystem

@Suite("Folders that are named after their process")
struct OwnedFolderTests {
    @Test("only those of processes that have ended are abandoned, also while these wait to be reaped")
    func abandoned() async throws {
        var template = Array("/tmp/mm-owned.XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        let parent = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        var ended = pid_t()
        let word = strdup("/bin/true")
        defer { free(word) }
        var words: [UnsafeMutablePointer<CChar>?] = [word, nil]
        try #require(posix_spawn(&ended, "/bin/true", nil, nil, &words, environ) == 0)
        let names = [OwnedFolder.name("session-"), "session-\(ended)-x", "other-\(ended)-x", "session-x", "\(ended)-x"]
        for name in names { try ProtectedFile.makeDirectory("\(parent)/\(name)") }
        defer { for name in names + [""] { rmdir("\(parent)/\(name)") } }
        let left = ["\(parent)/session-\(ended)-x"]
        // Nobody reaps it before the check.
        #expect(await eventually { (try? OwnedFolder.abandoned(in: parent, "session-")) == left })
        #expect(try OwnedFolder.abandoned(in: parent) == ["\(parent)/\(ended)-x"])
        var status: Int32 = 0
        while waitpid(ended, &status, 0) < 0, errno == EINTR {}
        #expect(try OwnedFolder.abandoned(in: parent, "session-") == left)
    }
}
