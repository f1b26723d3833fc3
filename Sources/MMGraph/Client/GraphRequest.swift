public import MMCore
internal import MMIdentity

/// A request to a Microsoft 365 service: method, target and body.
public struct GraphRequest: Sendable, Hashable {
    /// The method in upper case: `GET`, `POST`, `PATCH`, `PUT`, `DELETE`, `HEAD` or `OPTIONS`.
    public let method: String
    /// The target; the same value that the guard checks.
    public let target: RequestTarget
    /// The caller's headers, such as `Prefer` or `If-Match`.
    public private(set) var headers: [String: String]
    /// The body as it is sent.
    public let body: [UInt8]?
    /// The media type of the body; `nil` when there is none or it is unspecified.
    public let contentType: String?
    /// Whether the caller agrees to a `PUT` or `DELETE` being sent again when its response was lost.
    public var mayRepeat: Bool

    /// The maximum size of a body in bytes; larger files need an upload session.
    package static let maxBodyBytes = 10 << 20

    /// Creates a request.
    /// - Parameters:
    ///   - method: the method, in any case.
    ///   - target: the target.
    ///   - headers: the caller's headers.
    ///   - body: the body.
    ///   - contentType: the media type of the body.
    ///   - mayRepeat: whether a `PUT` or `DELETE` may be sent again when its response was lost.
    /// - Throws: `.invalidInput` for a method or header that is never sent; `.limitExceeded` for a body over 10 MiB.
    public init(
        method: String = "GET", target: RequestTarget, headers: [String: String] = [:], body: [UInt8]? = nil,
        contentType: String? = nil, mayRepeat: Bool = false
    ) throws(MMError) {
        let upper = method.uppercased()
        guard Self.methods.contains(upper) else {
            throw MMError(
                .invalidInput, "The method '\(method.prefix(20))' is never sent.",
                hint: "Methods: \(Self.methods.joined(separator: ", ")).", details: ["field": "method"])
        }
        if let body, body.count > Self.maxBodyBytes {
            throw MMError(
                .limitExceeded,
                "The body is \(body.count) bytes; at most \(Self.maxBodyBytes) are sent in one request.",
                hint: "Send large files through an upload session (createUploadSession).", details: ["field": "body"])
        }
        var named: [String: String] = [:]
        for (name, value) in headers {
            try RequestTarget.checkHeader(name)
            try Self.check(name, value)
            named[name] = value
        }
        self.method = upper
        self.target = target
        self.headers = named
        self.body = body
        self.contentType = contentType
        self.mayRepeat = mayRepeat
    }

    /// Creates a request with a JSON body.
    /// - Parameters:
    ///   - method: the method, in any case.
    ///   - target: the target.
    ///   - headers: the caller's headers.
    ///   - json: the body.
    /// - Throws: as `init(method:target:headers:body:contentType:mayRepeat:)`.
    public init(
        method: String, target: RequestTarget, headers: [String: String] = [:], json: JSONValue
    ) throws(MMError) {
        try self.init(
            method: method, target: target, headers: headers, body: JSONWriter.bytes(json),
            contentType: "application/json")
    }

    /// Returns the value of one of the caller's headers, ignoring case.
    public func header(_ name: String) -> String? {
        headers.first { $0.key.lowercased() == name.lowercased() }?.value
    }

    /// Returns the same request with another target.
    func with(target: RequestTarget) throws(MMError) -> GraphRequest {
        try GraphRequest(
            method: method, target: target, headers: headers, body: body, contentType: contentType, mayRepeat: mayRepeat
        )
    }

    private static let methods = ["GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS"]

    // The client sets these itself, because they carry credentials or delimit messages.
    private static let reserved: Set<String> = [
        "authorization", "proxy-authorization", "cookie", "host", "content-length", "transfer-encoding", "connection",
        "upgrade", "te", "trailer", "expect",
    ]

    private static func check(_ name: String, _ value: String) throws(MMError) {
        let isName =
            !name.isEmpty
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
        guard isName, value.utf8.allSatisfy({ $0 == 0x09 || ($0 >= 0x20 && $0 != 0x7F) }) else {
            throw MMError(
                .invalidInput, "A header's name or value contains characters that headers can't contain.",
                hint: "Use a plain name and a value on one line.", details: ["field": "headers"])
        }
        guard !reserved.contains(name.lowercased()) else {
            throw MMError(
                .invalidInput, "The header \(name) is set by mm and can't be changed.", hint: "Leave it out.",
                details: ["field": "headers"])
        }
    }
}

extension GraphRequest {
    /// Returns the error for a request about the signed-in person when an app is signed in; `nil` for other requests.
    /// Without this check, Graph would merely report that the path wasn't found.
    func needsPerson(_ app: SignedInAccount, of connection: Connection) -> MMError? {
        guard target.service == .graph, target.segments.first?.lowercased() == "me" else { return nil }
        let rest = target.segments.dropFirst().map { "/" + $0 }.joined()
        return MMError(
            .invalidInput,
            "\(target.path) needs a signed-in person, but the sign-in of "
                + "\(connection.name) is \(app.title).",
            hint: "Use /users/NAME@DOMAIN\(rest) instead, or a connection with a signed-in person.",
            details: ["connection": .string(connection.name), "path": .string(target.path)])
    }
}
