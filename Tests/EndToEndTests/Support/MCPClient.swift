import MMCore
import MMSystem

/// A minimal client of `mm-mcp`: JSON lines over its standard streams.
final class MCPClient: Sendable {
    private let process: ChildProcess
    private let reader: LineReader

    private actor LineReader {
        private let output: PolledReader?
        private var rest: [UInt8] = []

        init(_ output: PolledReader?) { self.output = output }

        func line() async throws -> [UInt8]? {
            while true {
                if let end = rest.firstIndex(of: 0x0A) {
                    let line = Array(rest[..<end])
                    rest.removeSubrange(...end)
                    return line
                }
                guard let piece = try await output?.read() else { return nil }
                rest += piece
            }
        }
    }

    init(_ environment: [String: String], arguments: [String] = ["--structured-output"]) async throws {
        var command = ChildCommand(Programs.mmMCP, arguments, environment: environment)
        command.input = .pipe
        command.error = .null
        process = try await ChildProcess.start(command)
        reader = LineReader(process.output)
    }

    deinit { process.signalGroup(9) }

    /// Sends one message.
    func send(_ message: JSONValue) async throws {
        try await process.input?.write(JSONWriter.bytes(message) + [0x0A])
    }

    /// The next message; `nil` at the end.
    func receive() async throws -> JSONValue? {
        guard let line = try await reader.line() else { return nil }
        return try JSONParser.parse(line)
    }

    /// Sends a request and returns its answer; ignores earlier messages.
    func request(_ id: Int, _ method: String, _ params: JSONValue = [:]) async throws -> JSONValue {
        try await send(["jsonrpc": "2.0", "id": .int(Int64(id)), "method": .string(method), "params": params])
        while let message = try await receive() {
            if message["id"]?.int == id, message["method"] == nil { return message }
        }
        throw MMError(.internalError, "mm-mcp ended before it answered \(method)")
    }

    /// Makes the legacy handshake.
    func initialize(_ capabilities: JSONObject = [:]) async throws -> JSONValue {
        let answer = try await request(
            0, "initialize",
            [
                "protocolVersion": "2025-11-25", "capabilities": .object(capabilities),
                "clientInfo": ["name": "test", "version": "1"],
            ])
        try await send(["jsonrpc": "2.0", "method": "notifications/initialized"])
        return answer
    }

    /// Calls a tool.
    func call(_ id: Int, _ tool: String, _ arguments: JSONObject = [:]) async throws -> JSONValue {
        let answer = try await request(id, "tools/call", ["name": .string(tool), "arguments": .object(arguments)])
        guard let result = answer["result"] else { throw MMError(.internalError, "\(tool): \(answer)") }
        return result
    }

    /// Kills it.
    func kill() async {
        process.signal(9)
        _ = await process.exit()
    }

    /// Closes its standard input and waits for its end.
    func finish() async -> Int32 {
        process.input?.close()
        return await process.exit().code
    }
}

extension JSONValue {
    /// The text of a tool result's blocks.
    var text: String { self["content"]?.array?.compactMap { $0["text"]?.string }.joined(separator: "\n") ?? "" }
}
