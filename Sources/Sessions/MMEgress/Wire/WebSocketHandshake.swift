import MMCore
import MMHTTP
import MMIdentity

/// The request that opens a web socket (RFC 6455, section 4), and the answer to it.
struct WebSocketHandshake: Sendable {
    /// The value of `Upgrade`.
    static let name = "websocket"
    private static let maxAnswerBytes = 64 << 10

    /// The status of the answer; 101 if the web socket is open.
    let status: Int
    /// The answer's header fields.
    let headers: HTTPHeaders
    /// The bytes that came after the answer.
    let rest: [UInt8]

    /// Returns whether a request opens a web socket.
    /// - Throws: `.otherProtocol` for every other protocol, and where web sockets aren't forwarded: only services of
    ///   the cloud that have their own tokens get them, over TLS.
    static func isHandshake(_ head: RequestHead, to place: EgressPlace) throws(WireFault) -> Bool {
        let headers = head.headers
        guard headers.contains("upgrade") || headers.contains("http2-settings") else { return false }
        let wanted = headers.values(for: "upgrade")
        guard wanted.count == 1, HTTPHeaders.sameName(wanted[0], name), !headers.contains("http2-settings"),
            RequestHead.lists("upgrade", in: headers["connection"]), head.method == "GET", head.body == .none,
            headers.values(for: "sec-websocket-version") == ["13"], headers.values(for: "sec-websocket-key").count == 1
        else { throw WireFault(501, .otherProtocol, "Only HTTP/1.1 and web sockets are forwarded.") }
        guard case .resource? = place.service, place.isSecure, !place.isOpenToStrangers else {
            throw WireFault(501, .otherProtocol, "Web sockets are forwarded only to services of the cloud.")
        }
        return true
    }

    /// Returns the request as bytes.
    static func bytes(_ request: HTTPRequest, target: String, host: String) -> [UInt8] {
        var text = "\(request.method) \(target) HTTP/1.1\r\nHost: \(host)\r\nConnection: Upgrade\r\n"
        for field in request.headers { text += "\(field.name): \(field.value)\r\n" }
        return Array((text + "\r\n").utf8)
    }

    /// Reads the answer and the bytes that came with it.
    /// - Throws: `.upstream` if it isn't an answer to the handshake.
    static func answer(from tunnel: HTTPTunnel) async throws(WireFault) -> WebSocketHandshake {
        var bytes: [UInt8] = []
        while true {
            while let end = ByteSearch.find(Array("\r\n\r\n".utf8), in: bytes) {
                let answer = try WebSocketHandshake(bytes[..<end], rest: Array(bytes[(end + 4)...]))
                // Other 1xx answers precede the final one.
                guard answer.status < 200, answer.status != 101 else { return answer }
                bytes = answer.rest
            }
            guard bytes.count <= maxAnswerBytes else { throw unreadable }
            let piece: [UInt8]?
            do throws(HTTPError) { piece = try await tunnel.receive() } catch { piece = nil }
            guard let piece else {
                throw WireFault(502, .upstream, "The service ended the connection without an answer.")
            }
            bytes += piece
        }
    }

    private init(_ head: ArraySlice<UInt8>, rest: [UInt8]) throws(WireFault) {
        guard let text = String(validating: head.filter { $0 != 0x0D }, as: UTF8.self) else { throw Self.unreadable }
        let lines = text.split(separator: "\n" as Character, omittingEmptySubsequences: false)
        let words = lines[0].split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard words.count >= 2, words[0] == "HTTP/1.1", words[1].utf8.count == 3, let status = Int(words[1]),
            status >= 100
        else { throw Self.unreadable }
        var headers = HTTPHeaders()
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { throw Self.unreadable }
            let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            let name = String(line[..<colon])
            guard HTTPFieldRules.isToken(name), HTTPFieldRules.isFieldValue(String(value)) else {
                throw Self.unreadable
            }
            headers.add(name, String(value))
        }
        if status == 101 {
            guard let upgrade = headers["upgrade"], HTTPHeaders.sameName(upgrade, Self.name) else {
                throw Self.unreadable
            }
        }
        (self.status, self.headers, self.rest) = (status, headers, rest)
    }

    private static let unreadable = WireFault(502, .upstream, "The service's answer opens no web socket.")
}
