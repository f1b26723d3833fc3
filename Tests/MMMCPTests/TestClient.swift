import Glibc
import MMCore
import MMSystem

@testable import MMMCP

/// A client on two pipes that writes and reads lines, with a deadline that only a hang exceeds.
final class TestClient: Sendable {
    private let toServer: TestWriter
    private let fromServer: Int32
    private let isOutputClosed = Mutex(false)
    private let serverEnd: (input: Int32, output: Int32)
    private let serving: Task<Void, any Error>
    private let unread = Mutex<(splitter: LineSplitter, lines: [[UInt8]])>((LineSplitter(maxLineBytes: 1 << 30), []))

    struct Silence: Error, CustomStringConvertible {
        let description: String
    }

    init(_ server: MCPServer) throws {
        Signals.ignoreBrokenPipes()
        var down: [Int32] = [-1, -1]
        var up: [Int32] = [-1, -1]
        guard pipe(&down) == 0, pipe(&up) == 0 else { throw Silence(description: "no pipes") }
        toServer = TestWriter(down[1])
        fromServer = up[0]
        serverEnd = (down[0], up[1])
        let (input, output) = serverEnd
        serving = Task {
            try await StdioTransport.run(server, input: input, output: output, principal: Principal("test"))
            close(input)
            close(output)
        }
    }

    deinit {
        toServer.close()
        closeOutput()
    }

    /// Queues raw bytes for writing; never waits.
    func write(_ bytes: [UInt8]) { toServer.write(bytes) }

    /// Writes one line.
    func send(_ line: String) { write(Array((line + "\n").utf8)) }

    /// Writes one message.
    func send(_ message: JSONValue) { send(message.description) }

    /// Closes the client's end, like a client that leaves.
    func closeInput() { toServer.close() }

    /// Closes the end that the server writes to.
    func closeOutput() {
        isOutputClosed.withLock { isClosed in
            if !isClosed { close(fromServer) }
            isClosed = true
        }
    }

    /// Waits until the server has ended.
    func end() async throws { try await serving.value }

    /// Cancels the serving task, like a signal.
    func stopServer() { serving.cancel() }

    /// The next line as text; `nil` at the end.
    func line() async throws -> String? {
        while true {
            let found: [UInt8]? = unread.withLock { $0.lines.isEmpty ? nil : $0.lines.removeFirst() }
            if let found { return String(decoding: found, as: UTF8.self) }
            guard let piece = try await read() else { return nil }
            unread.withLock { unread in
                piece.withUnsafeBytes { bytes in
                    unread.splitter.consume(bytes) { frame in
                        if case .line(let line) = frame { unread.lines.append(line) }
                    }
                }
            }
        }
    }

    private func read() async throws -> [UInt8]? {
        let descriptor = fromServer
        return try await withCheckedThrowingContinuation { continuation in
            _ = try? DedicatedThread.start("test-reader") {
                var wait = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                guard poll(&wait, 1, 300_000) > 0 else {
                    continuation.resume(throwing: Silence(description: "the server says nothing for 300 s"))
                    return
                }
                var buffer = [UInt8](repeating: 0, count: 1 << 16)
                let count = Glibc.read(descriptor, &buffer, buffer.count)
                continuation.resume(returning: count > 0 ? Array(buffer[..<count]) : nil)
            }
        }
    }

    /// The next message.
    func next() async throws -> JSONValue {
        guard let line = try await line() else { throw Silence(description: "the server has ended") }
        return try JSONParser.parse(line)
    }

    /// Sends a message and returns the next one received.
    func ask(_ message: JSONValue) async throws -> JSONValue {
        send(message)
        return try await next()
    }

    /// Sends a request of the legacy era.
    func request(_ id: JSONValue, _ method: String, _ params: JSONObject = [:]) {
        send(["jsonrpc": "2.0", "id": id, "method": .string(method), "params": .object(params)])
    }

    /// Sends a request that has its version and capabilities itself.
    func modern(
        _ id: JSONValue, _ method: String, _ params: JSONObject = [:], capabilities: JSONObject = [:],
        meta: JSONObject = [:]
    ) {
        send(.object(modernRequest(id, method, params, capabilities: capabilities, meta: meta)))
    }

    /// Goes through the handshake.
    func initialize(_ version: String = "2025-11-25", capabilities: JSONObject = [:]) async throws -> JSONValue {
        request(
            0, "initialize",
            [
                "protocolVersion": .string(version), "capabilities": .object(capabilities),
                "clientInfo": ["name": "test", "version": "1"],
            ]
        )
        let answer = try await next()
        send(["jsonrpc": "2.0", "method": "notifications/initialized"])
        return answer
    }
}

/// A request of the modern era.
func modernRequest(
    _ id: JSONValue, _ method: String, _ params: JSONObject = [:], capabilities: JSONObject = [:],
    meta: JSONObject = [:]
) -> JSONObject {
    var params = params
    var full: JSONObject = [
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": .object(capabilities),
        "io.modelcontextprotocol/clientInfo": ["name": "test", "version": "1"],
    ]
    for (key, value) in meta { full[key] = value }
    params["_meta"] = .object(full)
    return ["jsonrpc": "2.0", "id": id, "method": .string(method), "params": .object(params)]
}
