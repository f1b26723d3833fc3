import TestSupport
import Testing

@testable import MMCore

@Suite("Surviving a power cut", .timeLimit(.minutes(5)))
struct DurabilityTests {
    private static let canCount = DiskSyncs.count {} != nil

    @Test(
        "a replaced file and its name are on the disk before the call returns, unless that isn't requested",
        .enabled(if: canCount, "this kernel doesn't let a thread filter its system calls"), arguments: [true, false])
    func replacing(durable: Bool) throws {
        let home = try TestHome()
        let path = home.path + "/kept.json"
        let syncs = DiskSyncs.count {
            try? ProtectedFile.replace(path, with: [1, 2, 3], durable: durable)
        }
        #expect(try ProtectedFile.read(path) == [1, 2, 3])
        // Once for the content, once for the folder.
        #expect(syncs == (durable ? 2 : 0))
    }

    @Test(
        "the removal of a file is on the disk",
        .enabled(if: canCount, "this kernel doesn't let a thread filter its system calls"),
        arguments: [true, false])
    func removing(erases: Bool) throws {
        let home = try TestHome()
        let path = home.path + "/gone.json"
        try ProtectedFile.replace(path, with: [1])
        let syncs = DiskSyncs.count {
            if erases { try? ProtectedFile.erase(path) } else { try? ProtectedFile.remove(path) }
        }
        #expect(try ProtectedFile.read(path) == nil)
        #expect(syncs == 1)
    }
}
