import Glibc
import MMCore
import MMHTTP
import MMLegacy
import MMOperations
import MMPool
import MMSystem
import Testing

@testable import MMServing

@Suite("A front-end with a pool elsewhere", .timeLimit(.minutes(10)))
struct FrontEndServiceTests {
    private let home: ServingHome

    init() throws { home = try ServingHome() }

    /// An address at which nothing listens.
    private func call(_ name: String, _ arguments: JSONObject) async throws(MMError) -> OperationAnswer {
        let service = try FrontEndService(.elsewhere("http://127.0.0.1:1"), home.services, [:])
        return try await service.call(
            name, arguments, in: CallContext(caller: Caller(surface: .mcp, name: "test", server: "mm")))
    }

    @Test(
        "lists don't need a pool", arguments: ["run", "graph_request", "connections"])
    func lists(name: String) async throws {
        let answer = try await call(name, [:])
        #expect(try await answer.plainText().contains("Contoso"))
    }

    @Test(
        "nothing is changed from here if the named pool isn't running",
        arguments: [
            ("graph_request", ["connection": "Contoso", "endpoint": "/me/messages", "method": "POST", "body": [:]]),
            ("login", ["connection": "Contoso"]),
        ] as [(String, JSONObject)])
    func requests(name: String, arguments: JSONObject) async throws {
        let error = await #expect(throws: MMError.self) { try await call(name, arguments) }
        #expect(error?.code == .unavailable && error?.details["pool"] != nil, "\(String(describing: error))")
    }

    @Test("reads from Graph are sent from here if the named pool isn't running")
    func reading() async throws {
        let error = await #expect(throws: MMError.self) {
            try await call("graph_request", ["connection": "Contoso", "endpoint": "/me"])
        }
        // Nobody is signed in: the error is about Graph, not about the pool.
        #expect(error != nil && error?.details["pool"] == nil, "\(String(describing: error))")
    }

    @Test(
        "nothing is done here instead of a stopping pool, be it the one at the address or one behind a router",
        arguments: [
            ("run", [:]), ("graph_request", [:]), ("graph_request", ["connection": "Contoso", "endpoint": "/me"]),
        ] as [(String, JSONObject)], ["draining", "http://127.0.0.1:1"])
    func stopping(call: (String, JSONObject), pool: String) async throws {
        let handshake = PoolHandshake.ofThisProcess()
        let listener = try HTTPListener.start(.tcp(host: "127.0.0.1", port: 0)) { request in
            if request.path == PoolHandshake.path { return .json(JSONWriter.bytes(.object(handshake.publicJSON))) }
            return Problem.response(
                MMError(.unavailable, "It accepts no more calls.", retry: .now, details: ["pool": .string(pool)]))
        }
        let service = try FrontEndService(.elsewhere("http://127.0.0.1:\(listener.port)"), home.services, [:])
        let error = await #expect(throws: MMError.self) {
            try await service.call(
                call.0, call.1, in: CallContext(caller: Caller(surface: .mcp, name: "test", server: "mm")))
        }
        #expect(error?.message == "It accepts no more calls.", "\(String(describing: error))")
        await listener.stop(graceful: .zero)
    }

    @Test(
        "a server that breaks off every exchange may be a pool: the call's own error is told, and nothing is done here",
        arguments: [
            ("run", ["connection": "Contoso", "module": "exo", "command": "Get-Mailbox"]),
            ("graph_request", ["connection": "Contoso", "endpoint": "/me"]),
        ] as [(String, JSONObject)],
        [("", "was lost during"), ("SSH-2.0-OpenSSH_9.2\r\n", "isn't a pool of mm")])
    func broken(call: (name: String, arguments: JSONObject), server: (banner: String, words: String)) async throws {
        let socket = home["run/pool.sock"]
        let listener = try PolledListener(try UnixSocket.listen(at: socket))
        let serving = Task {
            while let connection = try? await listener.accept() {
                var room = [UInt8](repeating: 0, count: 4096)
                _ = recv(connection.raw, &room, room.count, 0)
                let bytes = Array(server.banner.utf8)
                _ = send(connection.raw, bytes, bytes.count, Int32(MSG_NOSIGNAL))
            }
        }
        defer { serving.cancel() }
        let service = try FrontEndService(.elsewhere("unix:\(socket)"), home.services, [:])
        let error = await #expect(throws: MMError.self) {
            try await service.call(
                call.name, call.arguments, in: CallContext(caller: Caller(surface: .mcp, name: "test", server: "mm")))
        }
        #expect(error?.message.contains(server.words) == true, "\(String(describing: error))")
    }

    @Test("a proxy that refuses the way to a pool is named, and nothing is read here instead")
    func refusingProxy() async throws {
        // It answers CONNECT with 400.
        let proxy = try HTTPListener.start(.tcp(host: "127.0.0.1", port: 0)) { _ in .text("") }
        let service = try FrontEndService(
            .elsewhere("https://pool.example"), home.services, ["HTTPS_PROXY": "http://127.0.0.1:\(proxy.port)"])
        let error = await #expect(throws: MMError.self) {
            try await service.call(
                "graph_request", ["connection": "Contoso", "endpoint": "/me"],
                in: CallContext(caller: Caller(surface: .mcp, name: "test", server: "mm")))
        }
        #expect(error?.message.hasPrefix("The pool at https://pool.example can't be reached: ") == true)
        #expect(error?.hint?.contains("HTTPS_PROXY") == true, "\(String(describing: error))")
        #expect(error?.exitCode == 7)
        await proxy.stop(graceful: .zero)
    }

    @Test(
        "a gateway whose pool doesn't answer is no other server: the pool may have done what was asked",
        arguments: [500, 502, 504])
    func gateway(status: Int) async throws {
        let listener = try HTTPListener.start(.tcp(host: "127.0.0.1", port: 0)) { _ in
            .text("<html><body>Bad Gateway</body></html>", status: status, type: "text/html")
        }
        let service = try FrontEndService(.elsewhere("http://127.0.0.1:\(listener.port)"), home.services, [:])
        let error = await #expect(throws: MMError.self) {
            try await service.call(
                "run", ["connection": "Contoso", "module": "exo", "command": "Get-Mailbox"],
                in: CallContext(caller: Caller(surface: .mcp, name: "test", server: "mm")))
        }
        let words = "(status \(status)): its outcome is unknown"
        #expect(error?.message.contains(words) == true, "\(String(describing: error))")
        await listener.stop(graceful: .zero)
    }

    @Test(
        "state of a pool isn't searched here",
        arguments: [
            ("run", ["connection": "Contoso", "module": "exo", "command": "Get-Mailbox"]), ("status", [:]),
            ("sessions", [:]),
        ] as [(String, JSONObject)])
    func sessions(name: String, arguments: JSONObject) async throws {
        let error = await #expect(throws: MMError.self) { try await call(name, arguments) }
        #expect(error?.code == .unavailable)
    }
}
