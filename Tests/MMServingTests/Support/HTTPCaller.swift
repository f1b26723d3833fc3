import Glibc
import MMCore
import MMHTTP
import MMMCP
import MMSystem

@testable import MMServing

/// A plain HTTP client of the protocol: one request, one answer.
struct HTTPCaller: Sendable {
    let url: String
    private let client = HTTPClient(configuration: HTTPClientConfiguration(environment: [:]))

    init(_ face: HTTPFace) { url = face.url }

    init(url: String) { self.url = url }

    /// Posts a message and returns the complete answer.
    func post(_ message: JSONValue, _ extra: HTTPHeaders = [:]) async throws -> HTTPResponse {
        try await client.send(request(message, extra))
    }

    /// Posts a message and returns the answer as a stream.
    func open(_ message: JSONValue, _ extra: HTTPHeaders = [:]) async throws -> HTTPStream {
        try await client.open(request(message, extra))
    }

    /// Opens the stream of a session.
    func listen(_ session: String) async throws -> HTTPStream {
        try await client.open(
            HTTPRequest(
                url: url,
                headers: [
                    "Accept": "text/event-stream", "Mcp-Session-Id": session, "MCP-Protocol-Version": "2025-11-25",
                ],
                timeout: .seconds(300), stallTimeout: .zero, allowsPlainHTTP: true))
    }

    /// Does the legacy handshake.
    /// - Returns: the session's id.
    func initialize(_ extra: HTTPHeaders = [:]) async throws -> String {
        let answer = try await post(Self.initialize, extra)
        guard let session = answer.headers["Mcp-Session-Id"] else {
            throw MMError(
                .internalError, "no session: \(answer.status) \(String(decoding: answer.body, as: UTF8.self))")
        }
        return session
    }

    /// Sends a legacy request and takes its result or error.
    func call(_ session: String, _ method: String, _ params: JSONObject = [:]) async throws -> JSONValue {
        let answer = try await post(
            ["jsonrpc": "2.0", "id": 7, "method": .string(method), "params": .object(params)],
            ["Mcp-Session-Id": session, "MCP-Protocol-Version": "2025-11-25"])
        if answer.headers["Content-Type"]?.hasPrefix("text/event-stream") == true {
            var parser = SSEParser()
            for event in try parser.consume(answer.body) where !event.data.isEmpty {
                let message = try JSONParser.parse(event.data)
                if message["id"] == 7 { return message["result"] ?? message }
            }
        }
        let message = try JSONParser.parse(answer.body)
        return message["result"] ?? message
    }

    static let initialize: JSONValue = [
        "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": [
            "protocolVersion": "2025-11-25", "capabilities": [:], "clientInfo": ["name": "test", "version": "1"],
        ],
    ]

    private func request(_ message: JSONValue, _ extra: HTTPHeaders) -> HTTPRequest {
        var headers = extra
        let usual = ["Content-Type": "application/json", "Accept": "application/json, text/event-stream"]
        for (name, value) in usual where extra[name] == nil { headers.set(name, value) }
        return HTTPRequest(
            method: "POST", url: url, headers: headers, body: JSONWriter.bytes(message), timeout: .seconds(300),
            allowsPlainHTTP: true)
    }

    /// Sends exactly these bytes to a port of this machine and reads until the other side closes.
    static func raw(_ text: String, port: UInt16) async throws -> String {
        try await BlockingWork.run { () throws(MMError) in
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            defer { close(descriptor) }
            var target = sockaddr_in()
            target.sin_family = sa_family_t(AF_INET)
            target.sin_port = port.bigEndian
            inet_pton(AF_INET, "127.0.0.1", &target.sin_addr)
            let connected = withUnsafePointer(to: &target) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            guard connected == 0 else { throw MMError(.internalError, "connect: \(errno)") }
            let bytes = Array(text.utf8)
            guard send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
                throw MMError(.internalError, "send: \(errno)")
            }
            var answer: [UInt8] = []
            var piece = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = recv(descriptor, &piece, piece.count, 0)
                guard count > 0 else { break }
                answer += piece[..<count]
            }
            return String(decoding: answer, as: UTF8.self)
        }
    }
}

extension HTTPFace {
    /// The port of the endpoint.
    var port: UInt16 {
        let parts = url.split(separator: ":")
        return parts.last.flatMap { UInt16($0.prefix { $0.isNumber }) } ?? 0
    }
}
