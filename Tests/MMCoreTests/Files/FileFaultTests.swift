import Glibc
import Testing

@testable import MMCore

@Suite("What to do about a file that can't be touched")
struct FileFaultTests {
    @Test("a read-only file system is no matter of owners and modes")
    func readOnly() {
        let hint = FileFault.error(EROFS, "replace", "/mnt/state/x").hint ?? ""
        #expect(hint.contains("MM_STATE_DIR") && !hint.contains("owns"))
        let owned = FileFault.error(EACCES, "replace", "/mnt/state/x").hint ?? ""
        #expect(owned.contains("owns"))
    }
}
