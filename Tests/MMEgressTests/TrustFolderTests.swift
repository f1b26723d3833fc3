import Glibc
import MMCore
import TestSupport
import Testing

@testable import MMEgress

@Suite("The folder with the certificates that a session trusts", .timeLimit(.minutes(5)))
struct TrustFolderTests {
    @Test("two sessions of one home have one each, and those of dead processes are removed")
    func folders() throws {
        let home = try TestHome()
        // No process has such a large number.
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
