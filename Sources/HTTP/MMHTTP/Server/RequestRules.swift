/// The rules that a request must satisfy before a handler sees it.
///
/// The length of a body must be given exactly once; otherwise a proxy in front could see different requests than this
/// server does (RFC 9112, section 6.3 “Message Body Length”, and 11.2 “Request Smuggling”).
enum RequestRules {
    /// Returns the response for a request that is refused because of its head; nil if the head is acceptable.
    static func refusal(
        method: String, target: String, headers: HTTPHeaders, limits: HTTPServerLimits
    ) -> HTTPServerResponse? {
        guard HTTPFieldRules.isToken(method) else { return bad("The method is not a token.") }
        let isOrigin = target.utf8.first == UInt8(ascii: "/")
        guard isOrigin || (target == "*" && method == "OPTIONS") else {
            return bad("The target must be a path of this server.")
        }
        guard target.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            return bad("The target contains a character that must be percent-encoded.")
        }
        if let fault = HTTPFieldRules.fault(in: headers) { return bad(fault) }
        guard headers.values(for: "host").count <= 1 else { return bad("The header Host is given twice.") }

        let encodings = headers.values(for: "transfer-encoding")
        let lengths = headers.values(for: "content-length")
        guard encodings.count + lengths.count <= 1 else {
            return bad("The body's length is given more than once.")
        }
        if let encoding = encodings.first, !HTTPHeaders.sameName(encoding, "chunked") {
            return bad("The only transfer encoding is chunked.", status: 501)
        }
        if let length = lengths.first {
            guard !length.isEmpty, length.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else {
                return bad("The header Content-Length is not a number.")
            }
            guard let count = Int(length), count <= limits.maxBodyBytes else { return tooLarge(limits) }
        }
        return nil
    }

    /// Returns the response for a body over the limit.
    static func tooLarge(_ limits: HTTPServerLimits) -> HTTPServerResponse {
        bad("The body is larger than \(limits.maxBodyBytes) bytes.", status: 413)
    }

    /// The response for a head of which a part is hidden.
    static var hidden: HTTPServerResponse {
        bad("The request head contains a NUL, or a line that doesn't end with CR LF.")
    }

    /// The response while the listener is stopping.
    static var stopping: HTTPServerResponse { bad("The server is stopping.", status: 503) }

    private static func bad(_ text: String, status: Int = 400) -> HTTPServerResponse {
        .text(text + "\n", status: status)
    }
}
