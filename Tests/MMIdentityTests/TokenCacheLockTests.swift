import Glibc
import MMCore
import TestSupport
import Testing

@testable import MMIdentity

@Suite("The lock of a token cache", .timeLimit(.minutes(5)))
struct TokenCacheLockTests {
    let home: TestHome
    var cache: String { "\(home.tokens)/Contoso.json" }
    var lock: String { cache + ".lockfile" }

    init() throws {
        home = try TestHome()
        try ProtectedFile.makeDirectory(home.tokens)
    }

    private func attempt(_ wait: Duration = .milliseconds(60)) async throws(MMError) {
        let held = try await TokenCacheLock(awaiting: cache, until: .after(wait))
        _ = consume held
    }

    /// A number that no process has: it is above all that Linux gives, while that of an ended one may be given again.
    private let deadProcess: pid_t = 4_194_305

    private func age(_ seconds: Int) {
        let then = timespec(tv_sec: time(nil) - seconds, tv_nsec: 0)
        _ = [then, then].withUnsafeBufferPointer { utimensat(AT_FDCWD, lock, $0.baseAddress, 0) }
    }

    @Test("it is MSAL's file with our process id, and removed afterwards")
    func shape() async throws {
        do {
            let held = try await TokenCacheLock(awaiting: cache, until: .after(.seconds(300)))
            let content = String(decoding: try #require(try home.read("Contoso.json.lockfile")), as: UTF8.self)
            #expect(content.hasPrefix("\(getpid()) "))
            #expect(fileMode(lock) == 0o600)
            _ = consume held
        }
        #expect(home.tokenFiles.isEmpty)
    }

    @Test("a folder that can't hold the lock is told with its own remedy")
    func folderWithoutRoom() async throws {
        // No file can be made there, whoever asks.
        let error = await #expect(throws: MMError.self) {
            let held = try await TokenCacheLock(awaiting: "/proc/self/Contoso.json", until: .after(.zero))
            _ = consume held
        }
        #expect(error?.code != .internalError && error?.hint?.contains("MM_TOKEN_DIR") == true)
        #expect(error?.message.contains("lock the token cache with /proc/self/Contoso.json.lockfile") == true)
    }

    @Test("the lock of a killed process of ours is taken over at once")
    func killed() async throws {
        try home.write("Contoso.json.lockfile", Array("\(deadProcess) mm-tokens".utf8))
        try await attempt(.seconds(60))
        #expect(home.tokenFiles.isEmpty)
    }

    @Test(
        "another program's lock is taken over if its process is gone, or after a minute if it names none",
        arguments: [
            ("dead", 0, true), ("dead", 61, true), ("living", 3600, false), ("none", 5, false), ("none", 61, true),
        ])
    func foreign(process: String, seconds: Int, isTaken: Bool) async throws {
        // Process 1 always exists.
        let content =
            switch process {
            case "dead": "\(deadProcess) prog.py"
            case "living": "1 prog.py"
            default: ""
            }
        try home.write("Contoso.json.lockfile", Array(content.utf8))
        age(seconds)
        if isTaken {
            try await attempt(.seconds(60))
        } else {
            let error = await #expect(throws: MMError.self) { try await attempt() }
            #expect(error?.code == .conflict && error?.message.contains("lockfile") == true)
            #expect(home.tokenFiles == ["Contoso.json.lockfile"])
        }
    }

    @Test("a link instead of the file isn't followed")
    func link() async throws {
        try home.write("victim", Array("1 mm-tokens".utf8))
        symlink("\(home.tokens)/victim", lock)
        await #expect(throws: MMError.self) { try await attempt() }
        #expect(try home.read("victim") == Array("1 mm-tokens".utf8))
    }

    @Test("many simultaneous writers lose nothing")
    func contention() async throws {
        let file = TokenCacheFile(path: cache, connection: "Contoso")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<40 {
                group.addTask {
                    try await file.change(until: .after(.seconds(300))) { document in
                        document.put(.appMetadata, key: "entry-\(number)", ["client_id": .string("\(number)")])
                    }
                }
            }
            try await group.waitForAll()
        }
        let document = try #require(try await file.read())
        #expect(document.entries(.appMetadata).count == 40)
        #expect(home.tokenFiles == ["Contoso.json"])
    }
}
