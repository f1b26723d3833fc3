public import MMCore

/// A request to a service of Microsoft 365: what to do, where, with which body.
public struct GraphRequest: Sendable, Hashable {
    /// `GET`, `POST`, `PATCH`, `PUT` or `DELETE` (also `HEAD` and `OPTIONS`), in capitals.
    public let method: String
    /// Where it goes: the same value that the guard judges.
    public let target: RequestTarget
    /// Headers of the caller, such as `Prefer` or `If-Match`.
    public private(set) var headers: [String: String]
    /// The body as it is sent.
    public let body: [UInt8]?
    /// What the body is; JSON unless said otherwise.
    public let contentType: String?
    /// Whether the caller agrees that a `PUT` or `DELETE` is sent again when its answer got lost.
    public var mayRepeat: Bool

    /// Most bytes of a body; larger files go through upload sessions.
    package static let largestBody = 10 << 20

    /// A request.
    /// - Parameters:
    ///   - method: in any letter case.
    ///   - target: where it goes.
    ///   - headers: of the caller.
    ///   - body: what is sent.
    ///   - contentType: what the body is.
    ///   - mayRepeat: whether a `PUT` or `DELETE` may be sent again when its answer got lost.
    /// - Throws: `.invalidInput` for a method or header that is never sent, `.limitExceeded` for a body over 10 MB.
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
        if let body, body.count > Self.largestBody {
            throw MMError(
                .limitExceeded, "The body is \(body.count) bytes; at most \(Self.largestBody) are sent in one request.",
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

    /// A request with a JSON body.
    /// - Throws: as `init(method:target:headers:body:contentType:mayRepeat:)`.
    public init(
        method: String, target: RequestTarget, headers: [String: String] = [:], json: JSONValue
    ) throws(MMError) {
        try self.init(
            method: method, target: target, headers: headers, body: JSONWriter.bytes(json),
            contentType: "application/json")
    }

    /// The value of one of the caller's headers, whatever its letter case.
    public func header(_ name: String) -> String? {
        headers.first { $0.key.lowercased() == name.lowercased() }?.value
    }

    /// The same request to another target.
    func with(target: RequestTarget) throws(MMError) -> GraphRequest {
        try GraphRequest(
            method: method, target: target, headers: headers, body: body, contentType: contentType, mayRepeat: mayRepeat
        )
    }

    private static let methods = ["GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS"]

    // These are the client's own business: who asks, and where one message ends.
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
                .invalidInput, "A header's name or value holds characters that no header can carry.",
                hint: "Use a plain name and a value on one line.", details: ["field": "headers"])
        }
        guard !reserved.contains(name.lowercased()) else {
            throw MMError(
                .invalidInput, "The header \(name) is set by mm alone.", hint: "Leave it out.",
                details: ["field": "headers"])
        }
    }
}
