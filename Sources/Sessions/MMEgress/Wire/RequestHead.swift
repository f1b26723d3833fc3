import MMCore
package import MMHTTP

/// The head of a request as it was received; parsed strictly, so that no later server can interpret it differently.
package struct RequestHead: Sendable {
    /// How the body's length is given (RFC 9112, section 6).
    enum Body: Sendable, Hashable {
        case none
        case length(Int)
        case chunked
    }

    /// The method.
    package let method: String
    /// The target as written.
    package let target: String
    /// The header fields.
    package let headers: HTTPHeaders
    let body: Body
    let isOldVersion: Bool

    /// Whether the client keeps the connection for another request.
    var keepsAlive: Bool { !isOldVersion && !Self.lists("close", in: headers["connection"]) }

    /// Whether the client waits for `100 Continue` before it sends the body.
    var expectsContinue: Bool { headers.contains("expect") }

    static let maxBytes = 64 << 10
    /// The fault for a client that begins with HTTP/2, which is accepted only within a tunnel.
    static let preface = WireFault(
        505, .otherProtocol, "HTTP/2 is supported only inside a tunnel: send CONNECT with HTTP/1.1.")
    private static let maxFields = 128

    /// Reads a head.
    /// - Parameter bytes: everything before the empty line, without the CR LF that ends its last line.
    /// - Throws: a fault for everything that RFC 9112 forbids or leaves ambiguous.
    init(_ bytes: ArraySlice<UInt8>) throws(WireFault) {
        var lines: [ArraySlice<UInt8>] = []
        var start = bytes.startIndex
        for index in bytes.indices where bytes[index] == 0x0A || bytes[index] == 0x0D || bytes[index] == 0 {
            if bytes[index] == 0x0D, index + 1 < bytes.endIndex, bytes[index + 1] == 0x0A { continue }
            guard bytes[index] == 0x0A, index > bytes.startIndex, bytes[index - 1] == 0x0D else {
                throw Self.bad("The request head contains a NUL, or a line that doesn't end with CR LF.")
            }
            lines.append(bytes[start..<(index - 1)])
            start = index + 1
            guard lines.count <= Self.maxFields else {
                throw WireFault(431, .tooLarge, "The head has more than \(Self.maxFields) fields.")
            }
        }
        lines.append(bytes[start...])
        try self.init(lines: lines, endsHere: nil)
    }

    /// Reads the head of a request over HTTP/2, as if it were written as lines.
    init(_ request: HTTP2Connection.Request) throws(WireFault) {
        var pseudo: [String: [UInt8]] = [:]
        var lines: [ArraySlice<UInt8>] = []
        var cookies: [[UInt8]] = []
        for field in request.fields {
            let name = String(decoding: field.name, as: UTF8.self)
            if name.hasPrefix(":") {
                guard pseudo.updateValue(field.value, forKey: name) == nil else {
                    throw Self.bad("\(name) is given twice.")
                }
            } else if name == "cookie" {
                cookies.append(field.value)
            } else if name != "host" || field.value != pseudo[":authority"] {
                lines.append((field.name + Array(": ".utf8) + field.value)[...])
            }
        }
        guard pseudo[":scheme"] == Array("https".utf8), let method = pseudo[":method"], let path = pseudo[":path"]
        else {
            throw Self.bad("The request lacks a method, a path or the scheme https.")
        }
        if let host = pseudo[":authority"] { lines.insert((Array("Host: ".utf8) + host)[...], at: 0) }
        if !cookies.isEmpty {
            lines.append((Array("Cookie: ".utf8) + cookies.joined(separator: Array("; ".utf8)))[...])
        }
        lines.insert((method + [0x20] + path + Array(" HTTP/1.1".utf8))[...], at: 0)
        try self.init(lines: lines, endsHere: request.endsHere)
    }

    /// Reads a head from its lines.
    /// - Parameter endsHere: whether the request has no body, if the framing says so instead of the head.
    private init(lines: [ArraySlice<UInt8>], endsHere: Bool?) throws(WireFault) {
        (method, target, isOldVersion) = try Self.requestLine(lines[0])
        var headers = HTTPHeaders()
        for line in lines.dropFirst() {
            let field = try Self.field(line)
            headers.add(field.name, field.value)
        }
        self.headers = headers
        guard headers.values(for: "host").count == 1 || (isOldVersion && !headers.contains("host")) else {
            throw Self.bad(
                headers.contains("host") ? "The header Host appears more than once." : "The header Host is missing.")
        }
        let announced = try Self.body(headers)
        switch (endsHere, announced) {
        case (nil, _), (false?, .length): body = announced
        case (true?, _): body = .none
        case (false?, _): body = .chunked
        }
        if let expected = headers["expect"], !HTTPHeaders.sameName(expected, "100-continue") {
            throw WireFault(417, .malformed, "The only supported expectation is 100-continue.")
        }
    }

    private static func requestLine(_ line: ArraySlice<UInt8>) throws(WireFault) -> (String, String, Bool) {
        let words = line.split(separator: 0x20, omittingEmptySubsequences: false)
        guard words.count == 3, !words[0].isEmpty, !words[1].isEmpty else {
            throw bad("The request line is not METHOD TARGET HTTP/1.1.")
        }
        let version = String(decoding: words[2], as: UTF8.self)
        let method = String(decoding: words[0], as: UTF8.self)
        // Some clients open tunnels with HTTP/1.0 and use HTTP/1.1 within.
        let isOld = version == "HTTP/1.0" && method == "CONNECT"
        guard method != "PRI" || version != "HTTP/2.0" else { throw preface }
        guard version == "HTTP/1.1" || isOld else {
            throw WireFault(505, .otherProtocol, "Only HTTP/1.1 is supported.")
        }
        guard words[0].count <= 32, words[0].allSatisfy({ $0 >= 0x41 && $0 <= 0x5A }) else {
            throw bad("The method is not a word of capital letters.")
        }
        guard method != "TRACE" else { throw WireFault(405, .malformed, "TRACE is not forwarded.") }
        guard words[1].count <= 16 << 10,
            words[1].allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") && $0 != UInt8(ascii: "\\") })
        else { throw bad("The target is too long, or contains a character that must be percent-encoded.") }
        return (method, String(decoding: words[1], as: UTF8.self), isOld)
    }

    private static func field(_ line: ArraySlice<UInt8>) throws(WireFault) -> HTTPHeaders.Field {
        guard let first = line.first, first != 0x20, first != 0x09 else {
            throw bad("A header line is folded: it starts with a blank.")
        }
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")),
            let name = String(validating: line[..<colon], as: UTF8.self), HTTPFieldRules.isToken(name)
        else { throw bad("A header's name is not a token followed by a colon.") }
        var value = line[(colon + 1)...]
        while let first = value.first, first == 0x20 || first == 0x09 { value = value.dropFirst() }
        while let last = value.last, last == 0x20 || last == 0x09 { value = value.dropLast() }
        guard let text = String(validating: value, as: UTF8.self), HTTPFieldRules.isFieldValue(text) else {
            throw bad("The value of header \(name) contains a control character, or isn't UTF-8.")
        }
        return HTTPHeaders.Field(name: name, value: text)
    }

    private static func body(_ headers: HTTPHeaders) throws(WireFault) -> Body {
        let encodings = headers.values(for: "transfer-encoding")
        let lengths = headers.values(for: "content-length")
        guard encodings.count + lengths.count <= 1 else { throw bad("The body's length is given more than once.") }
        if let encoding = encodings.first {
            guard HTTPHeaders.sameName(encoding, "chunked") else {
                throw WireFault(501, .malformed, "The only supported transfer encoding is chunked.")
            }
            return .chunked
        }
        guard let length = lengths.first else { return .none }
        guard !length.isEmpty, length.utf8.count <= 15, length.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
            let count = Int(length)
        else { throw bad("The header Content-Length is not a number.") }
        return count == 0 ? .none : .length(count)
    }

    /// Returns whether a list, such as that of `Connection`, contains a word.
    static func lists(_ word: String, in value: String?) -> Bool {
        names(in: value).contains(word)
    }

    /// Returns the words of a list, such as that of `Connection`, in lower case.
    static func names(in value: String?) -> [String] {
        value?.split(separator: ",").map { $0.lowercased().filter { $0 != " " && $0 != "\t" } } ?? []
    }

    private static func bad(_ message: String) -> WireFault { WireFault(400, .malformed, message) }
}
