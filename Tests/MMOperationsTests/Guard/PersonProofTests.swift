import Glibc
import MMCore
import MMSystem
import Testing

@testable import MMOperations

@Suite("Looking for a person")
struct PersonProofTests {
    @Test("whichever file a process lacks the means to read, it says so instead of deciding")
    func lack() throws {
        let lack = SystemError.error("Looking", EMFILE)
        for file in ["/proc/\(getpid())/limits", "/proc/\(getpid())/environ", "/proc/\(getpid())/stat"] {
            let error = #expect(throws: MMError.self) {
                try PersonProof.isInSession(process: getpid()) { (path, limit) throws(MMError) in
                    // Whatever runs the tests may itself be in a session: up to the file, nothing shows that.
                    if path == file { throw lack }
                    if path.hasSuffix("/limits") { return Array("Max file locks unlimited unlimited locks".utf8) }
                    return path.hasSuffix("/environ") ? [] : try ProcFile.look(path, limit)
                }
            }
            #expect(error?.code == .unavailable && error?.message.contains("Too many open files") == true, "\(file)")
        }
    }

    @Test("a file that isn't there is none that this process lacks the means for")
    func absent() throws {
        #expect(try ProcFile.look("/proc/self/no-such-file", 100) == nil)
        #expect(try ProcFile.lookForNumbers(in: "/proc/self/no-such-folder").isEmpty)
        #expect(try ProcessEntry.look(Int32.max) == nil)
    }
}
