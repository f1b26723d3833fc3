import MMCore

@testable import MMMCP

/// A client of a server over HTTP without sockets.
struct HTTPTestClient: Sendable {
    let engine: StreamableHTTP

    init(_ server: MCPServer, _ options: HTTPOptions = HTTPOptions()) {
        engine = StreamableHTTP(server, options: options)
    }

    /// An answer, with streams read to their end.
    struct Answer: Sendable {
        let status: Int
        let headers: [(name: String, value: String)]
        /// The JSON messages of the body or of the events.
        let messages: [JSONValue]
        /// The text of the body.
        let text: String

        func header(_ name: String) -> String? {
            headers.first { $0.name.lowercased() == name.lowercased() }?.value
        }

        var message: JSONValue { messages.last ?? .null }
        var isStream: Bool { header("Content-Type") == "text/event-stream" }
        /// The ids of the events.
        var eventIDs: [String] {
            text.split(separator: "\n").filter { $0.hasPrefix("id: ") }.map { String($0.dropFirst(4)) }
        }
    }

    typealias Headers = [(name: String, value: String)]

    static let usual: Headers = [
        ("Host", "127.0.0.1:8365"), ("Content-Type", "application/json"),
        ("Accept", "application/json, text/event-stream"),
    ]

    /// Sends any request.
    func send(
        _ method: String, headers: Headers, body: [UInt8] = [], path: String = "/mcp", principal: Principal? = nil
    ) async throws -> Answer {
        let response = await open(method, headers: headers, body: body, path: path, principal: principal)
        return try await Self.read(response)
    }

    /// Sends a request and returns the unread answer.
    func open(
        _ method: String, headers: Headers, body: [UInt8] = [], path: String = "/mcp", principal: Principal? = nil
    ) async -> MCPHTTPResponse {
        await engine.respond(
            to: MCPHTTPRequest(method: method, path: path, headers: headers, body: body, principal: principal)
        )
    }

    static func read(_ response: MCPHTTPResponse) async throws -> Answer {
        var bytes: [UInt8] = []
        switch response.body {
        case .bytes(let all): bytes = all
        case .events(let events): await events.forEach { bytes += $0 }
        case .streamed(let body): await body.forEach { bytes += $0 }
        }
        let text = String(decoding: bytes, as: UTF8.self)
        var messages: [JSONValue] = []
        if case .events = response.body {
            messages = try Self.messages(in: text)
        } else if !bytes.isEmpty {
            messages = [try JSONParser.parse(bytes)]
        }
        return Answer(status: response.status, headers: response.headers, messages: messages, text: text)
    }

    static func messages(in text: String) throws -> [JSONValue] {
        var messages: [JSONValue] = []
        for line in text.split(separator: "\n") where line.hasPrefix("data: ") {
            messages.append(try JSONParser.parse(String(line.dropFirst(6))))
        }
        return messages
    }

    // MARK: the modern era

    /// The headers of a modern request.
    static func modernHeaders(_ message: JSONObject) -> Headers {
        var headers = usual
        headers.append(("MCP-Protocol-Version", "2026-07-28"))
        headers.append(("Mcp-Method", message["method"]?.string ?? ""))
        if let name = message["params"]?["name"]?.string ?? message["params"]?["uri"]?.string {
            headers.append(("Mcp-Name", name))
        }
        return headers
    }

    /// Posts a modern request; `headers` replaces those of the same names, an empty value removes one.
    func modern(
        _ method: String, _ params: JSONObject = [:], capabilities: JSONObject = [:], meta: JSONObject = [:],
        id: JSONValue = 1, headers changes: Headers = []
    ) async throws -> Answer {
        let message = modernRequest(id, method, params, capabilities: capabilities, meta: meta)
        var headers = Self.modernHeaders(message)
        for change in changes {
            headers.removeAll { $0.name.lowercased() == change.name.lowercased() }
            if !change.value.isEmpty { headers.append(change) }
        }
        return try await send("POST", headers: headers, body: JSONWriter.bytes(.object(message)))
    }

    // MARK: the legacy era

    /// Opens a session.
    func session(_ version: String = "2025-11-25", capabilities: JSONObject = [:]) async throws -> Session {
        let answer = try await send(
            "POST", headers: Self.usual,
            body: JSONWriter.bytes([
                "jsonrpc": "2.0", "id": 0, "method": "initialize",
                "params": [
                    "protocolVersion": .string(version), "capabilities": .object(capabilities),
                    "clientInfo": ["name": "test", "version": "1"],
                ],
            ])
        )
        guard let id = answer.header("Mcp-Session-Id") else {
            throw TestClient.Silence(description: "no session: \(answer.text)")
        }
        let session = Session(
            client: self, headers: Self.usual + [("Mcp-Session-Id", id), ("MCP-Protocol-Version", version)], id: id,
            hello: answer.message
        )
        _ = try await session.post(["jsonrpc": "2.0", "method": "notifications/initialized"])
        return session
    }

    /// A legacy session.
    struct Session: Sendable {
        let client: HTTPTestClient
        let headers: Headers
        let id: String
        let hello: JSONValue

        func post(_ message: JSONValue) async throws -> Answer {
            try await client.send("POST", headers: headers, body: JSONWriter.bytes(message))
        }

        func open(_ message: JSONValue) async -> MCPHTTPResponse {
            await client.open("POST", headers: headers, body: JSONWriter.bytes(message))
        }

        func request(_ method: String, _ params: JSONObject = [:], id: JSONValue = 1) async throws -> Answer {
            try await post(["jsonrpc": "2.0", "id": id, "method": .string(method), "params": .object(params)])
        }

        func get(after last: String? = nil) async -> MCPHTTPResponse {
            await client.open("GET", headers: headers + (last.map { [("Last-Event-ID", $0)] } ?? []))
        }
    }
}

/// Reads a stream piece by piece.
struct EventReader: Sendable {
    let stream: EventStream

    init?(_ response: MCPHTTPResponse) {
        guard case .events(let stream) = response.body else { return nil }
        self.stream = stream
    }

    /// The next message, passing over events without data; `nil` at the end.
    func next() async throws -> JSONValue? {
        while let piece = await stream.next() {
            if let message = try HTTPTestClient.messages(in: String(decoding: piece, as: UTF8.self)).first {
                return message
            }
        }
        return nil
    }
}
