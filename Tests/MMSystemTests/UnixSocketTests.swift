import Glibc
import MMCore
import TestSupport
import Testing

@testable import MMSystem

@Suite("Unix sockets", .timeLimit(.minutes(5)))
struct UnixSocketTests {
    private let folder: TestFolder

    init() throws { folder = try TestFolder() }

    @Test("a listener has mode 0600 in a folder of 0700, and knows who connects")
    func listen() async throws {
        let path = folder.path + "/made/pool.sock"
        let listener = try UnixSocket.listen(at: path)
        var info = stat()
        #expect(stat(path, &info) == 0 && info.st_mode & 0o777 == 0o600)
        #expect(stat(folder.path + "/made", &info) == 0 && info.st_mode & 0o777 == 0o700)
        let client = try UnixSocket.connect(to: path)
        let server = try UnixSocket.accept(listener.descriptor.raw)
        let peer = try UnixSocket.peer(of: server.raw)
        #expect(peer.uid == geteuid())
        #expect(peer.pid == getpid())
        #expect(write(client.raw, "x", 1) == 1)
        listener.file.remove()
        #expect(access(path, F_OK) != 0)
        #expect(await failure { () throws(MMError) in try UnixSocket.connect(to: path).raw }?.code == .unavailable)
    }

    @Test("a dead listener's file is replaced, a live one's isn't")
    func stale() async throws {
        let path = folder.path + "/pool.sock"
        do { _ = try UnixSocket.listen(at: path).descriptor.raw }
        #expect(access(path, F_OK) == 0)
        let listener = try UnixSocket.listen(at: path)
        #expect(
            await failure { () throws(MMError) in try UnixSocket.listen(at: path).descriptor.raw }?.code == .conflict)
        let other = listener.file
        unlink(path)
        let successor = try UnixSocket.listen(at: path)
        // The previous listener must not remove its successor's file.
        other.remove()
        #expect(access(path, F_OK) == 0)
        successor.file.remove()
    }

    @Test("of twenty that start at once one listens")
    func race() async throws {
        let path = folder.path + "/race.sock"
        do { _ = try UnixSocket.listen(at: path).descriptor.raw }
        let held = Noted<[Int32]>([])
        let wins = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    do throws(MMError) {
                        return try await BlockingWork.run { () throws(MMError) in
                            let (descriptor, _) = try UnixSocket.listen(at: path).take()
                            held.change { $0.append(descriptor) }
                            return true
                        }
                    } catch {
                        #expect(error.code == .conflict)
                        return false
                    }
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(wins == 1)
        for descriptor in held.now { close(descriptor) }
    }

    @Test("a path of any length works")
    func long() async throws {
        let path = folder.path + "/" + String(repeating: "d", count: 120) + "/pool.sock"
        let listener = try UnixSocket.listen(at: path)
        let client = try UnixSocket.connect(to: path)
        #expect(client.raw >= 0)
        #expect(
            await failure { () throws(MMError) in try UnixSocket.listen(at: path).descriptor.raw }?.code == .conflict)
        listener.file.remove()
        #expect(access(path, F_OK) != 0)
    }

    @Test("a folder that others may enter, and other files than sockets, are refused")
    func refused() async throws {
        func listen(_ path: String) async -> MMErrorCode? {
            await failure { () throws(MMError) in try UnixSocket.listen(at: path).descriptor.raw }?.code
        }
        #expect(await listen("/tmp/mm-test.sock") == .forbidden)
        #expect(await listen("relative.sock") == .invalidInput)
        #expect(await listen(folder.path + "/a\0b") == .invalidInput)
        #expect(await listen(folder.path + "/") == .invalidInput)
        let file = folder.path + "/file"
        close(Glibc.open(file, O_CREAT | O_WRONLY, 0o600))
        #expect(await listen(file) == .conflict)
        #expect(access(file, F_OK) == 0)
        symlink("/etc", folder.path + "/link")
        #expect(await listen(folder.path + "/link/pool.sock") == .forbidden)
    }
}
