import Glibc
import MMCore
import Testing

@testable import MMSystem

@Suite("What a system call said", .timeLimit(.minutes(5)))
struct SystemErrorTests {
    @Test(
        "an error number becomes the code that says what to do",
        arguments: [
            (ENOENT, MMErrorCode.notFound), (EACCES, .forbidden), (EMFILE, .unavailable), (EIO, .internalError),
        ])
    func codes(number: Int32, code: MMErrorCode) {
        #expect(SystemError.error("Opening /x", number).code == code)
        #expect(SystemError.error("Opening /x", number).message.contains(SystemError.text(number)))
    }
}
