import Glibc
import Testing

@testable import MMCore

@Suite("Remedies for files that can't be accessed")
struct FileFaultTests {
    @Test("on a read-only file system owners and modes aren't the problem")
    func readOnly() {
        let hint = FileFault.error(EROFS, "replace", "/mnt/state/x").hint ?? ""
        #expect(hint.contains("MM_STATE_DIR") && !hint.contains("owns"))
        let owned = FileFault.error(EACCES, "replace", "/mnt/state/x").hint ?? ""
        #expect(owned.contains("owns"))
    }

    @Test("too many open files are the process's limit, and no fault of the program", arguments: [EMFILE, ENFILE])
    func openFiles(number: Int32) {
        let error = FileFault.error(number, "reach", "/mnt/state/x")
        #expect(error.code == .unavailable && error.hint?.contains("ulimit -n") == true)
    }
}
