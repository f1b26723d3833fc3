import Glibc
import MMCore
import TestSupport
import Testing

@testable import MMEgress

@Suite("Folder of what a session trusts", .timeLimit(.minutes(5)))
struct TrustFolderTests {
    @Test("two sessions of one home have one each, and what a process left that is gone is cleared away")
    func folders() throws {
        let home = try TestHome()
        // No process has a number as large as this.
        let left = home.path + "/trust/\(Int32.max)-left"
        try ProtectedFile.makeDirectory(left)
        try ProtectedFile.replace(left + "/session-ca.pem", with: [1])
        let (first, second) = (TrustFolder(in: home.path), TrustFolder(in: home.path))
        try first.write("one")
        try second.write("two")
        #expect(access(left, F_OK) != 0)
        first.remove()
        #expect(access(first.path, F_OK) != 0)
        #expect(try ProtectedFile.read(second.certificateFile) == Array("two".utf8))
    }
}
