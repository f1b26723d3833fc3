import Glibc
import MMCore
import TestSupport
import Testing

@Suite("Bytes of open files")
struct FileBytesTests {
    @Test("bytes are written and read at any place, fewer where the file ends, and a failure tells the system's number")
    func bytes() throws {
        let folder = try TestFolder()
        let descriptor = open(folder["x"], O_RDWR | O_CREAT, 0o600)
        func fault(_ number: Int32) -> MMError { MMError(.internalError, "errno \(number)") }
        try FileBytes.write(Array("abcdef".utf8), to: descriptor, orThrow: fault)
        try FileBytes.write(Array("CD".utf8), to: descriptor, at: 2, orThrow: fault)
        try FileBytes.write(Array("gh".utf8), to: descriptor, orThrow: fault)
        #expect(try FileBytes.read(descriptor, at: 1, upTo: 4, orThrow: fault) == Array("bCDe".utf8))
        #expect(try FileBytes.read(descriptor, at: 6, upTo: 1 << 20, orThrow: fault) == Array("gh".utf8))
        #expect(try FileBytes.read(descriptor, at: 8, upTo: 1, orThrow: fault).isEmpty)
        #expect(try FileBytes.read(descriptor, at: 0, upTo: 0, orThrow: fault).isEmpty)
        close(descriptor)
        #expect(mmError { _ = try FileBytes.read(-1, at: 0, upTo: 1, orThrow: fault) }?.message == "errno \(EBADF)")
        #expect(mmError { try FileBytes.write([0], to: -1, orThrow: fault) }?.message == "errno \(EBADF)")
    }
}
