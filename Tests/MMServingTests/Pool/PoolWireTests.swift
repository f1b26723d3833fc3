import Glibc
import MMCore
import MMHTTP
import MMSystem
import Testing

@testable import MMServing

@Suite("Asking a pool", .timeLimit(.minutes(10)))
struct PoolWireTests {
    /// Answers every connection at a socket with these bytes.
    private func speaker(_ home: ServingHome, _ answer: String) throws -> (path: String, task: Task<Void, Never>) {
        let path = home["run/x.sock"]
        let listener = try PolledListener(try UnixSocket.listen(at: path))
        let task = Task {
            while let connection = try? await listener.accept() {
                var room = [UInt8](repeating: 0, count: 4096)
                _ = recv(connection.raw, &room, room.count, 0)
                let bytes = Array(answer.utf8)
                _ = send(connection.raw, bytes, bytes.count, Int32(MSG_NOSIGNAL))
            }
        }
        return (path, task)
    }

    @Test("takes what a pool answers")
    func answer() async throws {
        let home = try ServingHome()
        let listener = try HTTPListener.start(.unix(path: home["run/pool.sock"])) { request in
            .json(Array("{\"path\":\"\(request.path)\",\"bytes\":\(request.body.count)}".utf8), status: 202)
        }
        let answer = try await PoolWire.ask("POST", "/v1/pool/stop", ["a": 1], at: home["run/pool.sock"])
        #expect(answer.status == 202)
        #expect(answer.body == ["path": "/v1/pool/stop", "bytes": 7])
        await listener.stop(graceful: .zero)
    }

    @Test(
        "what speaks otherwise is no pool",
        arguments: [
            "", "\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 two\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b\r\n",
            "\u{0}\u{1}",
        ])
    func nonsense(words: String) async throws {
        let home = try ServingHome()
        let (path, task) = try speaker(home, words)
        await #expect(throws: MMError.self) { try await PoolWire.ask("GET", "/v1/handshake", at: path, seconds: 5) }
        task.cancel()
    }

    @Test("a folder that others may enter is not even looked at")
    func openFolder() async throws {
        let home = try ServingHome()
        let listener = try HTTPListener.start(.unix(path: home["run/pool.sock"])) { _ in .text("{}") }
        #expect(chmod(home["run"], 0o755) == 0)
        let error = await #expect(throws: MMError.self) {
            try await PoolWire.ask("GET", "/v1/handshake", at: home["run/pool.sock"])
        }
        #expect(error?.code == .unavailable)
        await listener.stop(graceful: .zero)
    }
}
