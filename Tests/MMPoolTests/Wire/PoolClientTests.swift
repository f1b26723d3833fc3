import Glibc
import MMCore
import MMHTTP
import MMOperations
import MMSystem
import TestSupport
import Testing

@testable import MMPool

@Suite("The client of a pool", .timeLimit(.minutes(5)))
struct PoolClientTests {
    private let home: TestHome
    private let transport = HTTPClient(configuration: HTTPClientConfiguration(environment: [:]))

    init() throws { home = try TestHome() }

    private func client(_ socket: String) -> PoolClient {
        PoolClient(PoolAddress(socket: socket), transport: transport)
    }

    /// Answers every connection to a socket with these bytes.
    private func speaker(_ path: String, _ answer: String) throws -> Task<Void, Never> {
        let listener = try PolledListener(try UnixSocket.listen(at: path))
        return Task {
            while let connection = try? await listener.accept() {
                var room = [UInt8](repeating: 0, count: 4096)
                _ = recv(connection.raw, &room, room.count, 0)
                let bytes = Array(answer.utf8)
                _ = send(connection.raw, bytes, bytes.count, Int32(MSG_NOSIGNAL))
            }
        }
    }

    /// Sends these bytes on the first connection to a socket, and nothing on any other; keeps all of them open.
    private func hanging(
        _ path: String, after beginning: String, _ begun: @escaping @Sendable () -> Void = {}
    ) throws -> Task<Void, Never> {
        let listener = try PolledListener(try UnixSocket.listen(at: path))
        return Task {
            var open: [Int32] = []
            while let connection = try? await listener.accept() {
                let bytes = open.isEmpty ? Array(beginning.utf8) : []
                _ = send(connection.raw, bytes, bytes.count, Int32(MSG_NOSIGNAL))
                open.append(connection.release())
                begun()
            }
            for connection in open { close(connection) }
        }
    }

    @Test("returns a pool's answer, whatever its status")
    func answer() async throws {
        let path = home.path + "/run/pool.sock"
        let listener = try HTTPListener.start(.unix(path: path)) { request in
            .json(
                Array("{\"path\":\"\(request.path)\",\"bytes\":\(request.body.count)}".utf8),
                status: request.method == "GET" ? 202 : 404)
        }
        let pool = client(path)
        let answer = try await pool.ask("POST", "/v1/pool/stop", ["a": 1])
        #expect(answer.status == 404 && answer.body == ["path": "/v1/pool/stop", "bytes": 7])
        let second = try await pool.ask("GET", "/v1/pool")
        #expect(second.status == 202 && second.body == ["path": "/v1/pool", "bytes": 0])
        await listener.stop(graceful: .zero)
    }

    @Test(
        "a server with another protocol isn't a pool",
        arguments: ["", "SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 200 OK\r\nA: b\r\n"])
    func nonsense(words: String) async throws {
        let path = home.path + "/run/x.sock"
        let task = try speaker(path, words)
        let error = await #expect(throws: MMError.self) { try await client(path).handshake() }
        #expect(error?.code == .unavailable && error?.details["pool"] == .string(path))
        task.cancel()
    }

    @Test(
        "an invalid handshake is reported as not from a pool",
        arguments: [
            (200, "{}"), (200, "[]"), (200, "no JSON"), (404, ""), (200, #"{"version":"1","pid":2,"build":"x"}"#),
        ])
    func strangers(status: Int, body: String) async throws {
        let path = home.path + "/run/x.sock"
        let listener = try HTTPListener.start(.unix(path: path)) { _ in .json(Array(body.utf8), status: status) }
        let error = await #expect(throws: MMError.self) { try await client(path).handshake() }
        #expect(error?.message.contains("isn't a pool of mm") == true)
        await listener.stop(graceful: .zero)
    }

    @Test(
        "where a gateway answers for its pool, only a change has an outcome to look for",
        arguments: [500, 502, 503, 504])
    func gateway(status: Int) async throws {
        let path = home.path + "/run/x.sock"
        let listener = try HTTPListener.start(.unix(path: path)) { _ in
            .text("<html><body>No server is available</body></html>", status: status, type: "text/html")
        }
        let error = await #expect(throws: MMError.self) { try await client(path).handshake() }
        #expect(error?.message == "The pool at \(path) doesn't answer (status \(status)).")
        for (operation, changes) in [("status", false), ("reset", true)] {
            let call = await #expect(throws: MMError.self) {
                try await RemoteOperationService(client(path)).call(
                    operation, [:], in: CallContext(caller: Caller(surface: .terminal, name: "test", server: nil)))
            }
            // Only 503 says that the gateway didn't pass the request on.
            #expect(call?.message.contains("its outcome is unknown") == (changes && status != 503), "\(operation)")
            #expect((call?.retry == .now) == (status == 503), "\(operation)")
        }
        await listener.stop(graceful: .zero)
    }

    @Test("if nothing listens, another pool may be asked")
    func nobody() async throws {
        let error = await #expect(throws: MMError.self) {
            try await client(home.path + "/run/none.sock").ask("GET", "/v1/pool")
        }
        #expect(error?.code == .unavailable && error?.retry == .now && error?.details["pool"] != nil)
    }

    @Test(
        "a pool that doesn't answer is not waited for beyond the call's deadline, also if it has begun to answer",
        arguments: [
            "",
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "23\r\nevent: call\ndata: {\"call\": \"abc\"}\n\n\r\n",
        ])
    func suspended(beginning: String) async throws {
        var fastest = Duration.seconds(3_600)
        // A busy machine is given more than one chance to be quick.
        for attempt in 1...5 where fastest > .seconds(25) {
            let path = home.path + "/run/\(attempt).sock"
            let serving = try hanging(path, after: beginning)
            defer { serving.cancel() }
            let began = ContinuousClock.now
            let error = await #expect(throws: MMError.self) {
                try await RemoteOperationService(client(path)).call(
                    "status", [:],
                    in: CallContext(
                        caller: Caller(surface: .terminal, name: "test", server: nil), timeLimit: .milliseconds(50)))
            }
            #expect(error?.code == .deadlineExceeded && error?.message.contains("no longer answers") == true)
            fastest = began.duration(to: .now)
        }
        // Without the deadline it would be the client's limit for a head, or that for silence in a body.
        #expect(fastest < .seconds(25))
    }

    @Test("a pool that has answered since a call's deadline may be silent for longer, also in a later part of the list")
    func silentForAWhile() async throws {
        let path = home.path + "/run/x.sock"
        let count = Mutex(0)
        let askedAgain = OneShot<Void>()
        let serving = try hanging(path, after: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}") {
            // The pool is asked again only after its first answer has been read.
            let number = count.withLock { count in
                count += 1
                return count
            }
            if number == 2 { askedAgain.resolve(()) }
        }
        defer { serving.cancel() }
        let patience = CallPatience(pool: client(path), work: "list", deadline: .after(.zero))
        try await patience.wait { () async throws(MMError) in await askedAgain.wait() }
        // Longer than the grace and both attempts to get the first answer.
        try await patience.wait { () async throws(MMError) in try? await Task.sleep(for: .seconds(7)) }
    }

    @Test("a pool that is still at work after a call's deadline is waited for")
    func slow() async throws {
        let home = try RESTHome()
        let asked = OneShot<Void>()
        let service = home.service([
            ScriptedOperation("slow") { _, _ in
                await asked.wait()
                return .value("done")
            }
        ])
        let socket = home.path + "/slow.sock"
        let router = RESTRouter(
            service: service,
            handshake: {
                asked.resolve(())
                return SocketPool.handshake
            }, services: home.services)
        let listener = try HTTPListener.start(.unix(path: socket)) { request in
            guard case .unix(_, let pid) = request.peer else { return .text("no peer", status: 500) }
            return await router.respond(to: request, from: .process(pid: pid))
        }
        let answer = try await RemoteOperationService(client(socket), catalogue: service.catalogue).call(
            "slow", [:],
            in: CallContext(
                caller: Caller(surface: .library, name: "test", server: nil), timeLimit: .milliseconds(50)))
        guard case .value("done") = answer.body else {
            Issue.record("\(answer.body)")
            return
        }
        await listener.stop(graceful: .zero)
    }

    @Test("a pool's address has to be on this machine, or encrypted")
    func addresses() throws {
        #expect(throws: MMError.self) { try PoolAddress(url: "ftp://nowhere") }
        for url in ["http://ann:sesame@pool", "https://pool/?key=sesame@x", "https://ann:a?sesame@pool"] {
            let error = #expect(throws: MMError.self) { try PoolAddress(url: url) }
            #expect(error?.message.contains("sesame") == false)
        }
        // Plain HTTP to other machines needs an explicit setting.
        for url in ["http://pool:5200", "HTTP://192.0.2.7", "http://127.0.0.1.example:5200"] {
            let error = #expect(throws: MMError.self) { try PoolAddress(url: url) }
            #expect(error?.hint?.contains("MM_TRUST_NETWORK=1") == true)
            let trusted = try PoolAddress(url: url, trustsNetwork: true)
            #expect(
                trusted.request("GET", "/x", headers: [:]).allowsPlainHTTPToOtherHosts
                    && trusted.request("GET", "/x", headers: [:]).url == url + "/x")
        }
        for url in ["http://localhost:5200", "http://[::1]:5200", "https://pool:5200"] {
            #expect(try PoolAddress(url: url).request("GET", "/x", headers: [:]).allowsPlainHTTPToOtherHosts == false)
        }
    }

    @Test("errors beside an answer are sent with their status")
    func missing() throws {
        var answer = OperationAnswer.value([1, 2])
        answer.missing = "Only the first 2 records are here."
        let sent = try #require(AnswerWire.answer(AnswerWire.object(answer), items: nil))
        #expect(sent.missing == answer.missing && sent.exitStatus == 1)
    }
}
