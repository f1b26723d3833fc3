import Glibc
import MMCore
import Testing

@testable import MMSystem

@Suite("Errors of system calls", .timeLimit(.minutes(5)))
struct SystemErrorTests {
    @Test(
        "an error number becomes a code with a remedy",
        arguments: [
            (ENOENT, MMErrorCode.notFound), (EACCES, .forbidden), (EMFILE, .unavailable), (EIO, .internalError),
            (ENOSPC, .limitExceeded), (EDQUOT, .limitExceeded),
        ])
    func codes(number: Int32, code: MMErrorCode) {
        #expect(SystemError.error("Opening /x", number).code == code)
        #expect(SystemError.error("Opening /x", number).message.contains(SystemError.text(number)))
    }
}
