import Glibc
import TestSupport
import Testing

@testable import MMCore

@Suite("Locks between processes", .timeLimit(.minutes(5)))
struct FileLockTests {
    let folder: TestFolder

    init() throws {
        folder = try TestFolder()
    }

    private func isFree(_ path: String) throws -> Bool {
        guard let lock = try FileLock.tryAcquire(path) else { return false }
        _ = consume lock
        return true
    }

    @Test("a held lock can't be taken until it is released, and its file says who holds it")
    func exclusion() throws {
        let path = folder["x"]
        do {
            let lock = try FileLock.tryAcquire(path)
            #expect(try !isFree(path))
            #expect(FileLock.holder(of: path)?.hasPrefix("process \(getpid()) (") == true)
            #expect(folder.mode("x.lock") == 0o600)
            _ = consume lock
        }
        #expect(FileLock.holder(of: path) == nil)
        #expect(try isFree(path))
    }

    @Test("whoever asks who holds a lock keeps nobody from taking it")
    func asking() async throws {
        let path = folder["x"]
        _ = try isFree(path)
        let isOver = Noted(false)
        let asking = Task.detached { while !isOver.now { _ = FileLock.holder(of: path) } }
        for _ in 0..<5_000 { #expect(try isFree(path)) }
        isOver.change { $0 = true }
        await asking.value
    }

    @Test("a program that is being started, and so has a copy of the descriptor, doesn't keep a released lock")
    func copied() throws {
        let path = folder["x"]
        let lock = try FileLock.tryAcquire(path)
        let own = try #require(try Self.descriptors(of: path + ".lock").first)
        let copy = dup(own)
        defer { close(copy) }
        _ = consume lock
        #expect(try isFree(path))
    }

    @Test("a lock on a file that was removed meanwhile isn't taken for the lock")
    func removed() async throws {
        let path = folder["x"]
        let lock = try FileLock.tryAcquire(path)
        let waiter = Task.detached { () async throws(MMError) -> Bool in
            let lock = try await FileLock(awaiting: path, until: .never)
            let isKnown = FileLock.holder(of: path) != nil
            _ = consume lock
            return isKnown
        }
        // The waiter has opened the file once its descriptor is there beside the holder's.
        while try Self.descriptors(of: path + ".lock").count < 2 { await Task.yield() }
        try ProtectedFile.remove(path + ".lock")
        _ = consume lock
        #expect(try await waiter.value)
        #expect(try isFree(path))
    }

    /// The descriptors of this process that a file is open with.
    private static func descriptors(of file: String) throws -> [Int32] {
        var named = stat()
        guard stat(file, &named) == 0 else { return [] }
        return try FolderListing.names(in: "/proc/self/fd").compactMap { Int32($0) }.filter { number in
            var opened = stat()
            return fstat(number, &opened) == 0 && opened.st_ino == named.st_ino && opened.st_dev == named.st_dev
        }
    }

    @Test("waiting ends with the deadline, naming the holder")
    func deadline() async throws {
        let path = folder["x"]
        let lock = try FileLock.tryAcquire(path)
        let error = mmError { _ = try FileLock(waitingFor: path, until: .after(.milliseconds(30))) }
        #expect(error?.code == .conflict)
        #expect(error?.message.contains("process \(getpid())") == true)
        do {
            _ = try await FileLock(awaiting: path, until: .after(.milliseconds(30)))
            Issue.record("the lock was given twice")
        } catch {
            #expect(error.code == .conflict)
        }
        _ = consume lock
    }

    @Test("waiting ends when the task is cancelled")
    func cancellation() async throws {
        let path = folder["x"]
        let lock = try FileLock.tryAcquire(path)
        let waiter = Task { () -> MMErrorCode? in
            do throws(MMError) {
                _ = try await FileLock(awaiting: path, until: .never)
                return nil
            } catch {
                return error.code
            }
        }
        waiter.cancel()
        #expect(await waiter.value == .cancelled)
        _ = consume lock
    }

    @Test("many tasks count without losing one, and waiting blocks no thread")
    func counting() async throws {
        let path = folder["count"]
        try ProtectedFile.replace(path, with: Array("0".utf8))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    for _ in 0..<5 {
                        let lock = try await FileLock(awaiting: path, until: .after(.seconds(300)))
                        let text = String(decoding: try ProtectedFile.read(path) ?? [], as: UTF8.self)
                        try ProtectedFile.replace(path, with: Array("\((Int(text) ?? -1000) + 1)".utf8))
                        _ = consume lock
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(folder.text("count") == "100")
    }

    @Test("a lock ends with its process")
    func deadHolder() async throws {
        let path = folder["x"]
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
            let lock = try FileLock(waitingFor: path)
            kill(getpid(), SIGKILL)
            _ = consume lock
        }
        #expect(folder.text("x.lock")?.isEmpty == false)
        #expect(FileLock.holder(of: path) == nil)
        #expect(try isFree(path))
    }
}
