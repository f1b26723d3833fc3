import MMCore

/// An HTTP request as the engine sees it, independent of the HTTP server that received it.
public struct MCPHTTPRequest: Sendable {
    /// The method, in capitals.
    public var method: String
    /// The path without the query, still percent-encoded.
    public var path: String
    /// The header fields in the order received.
    public var headers: [(name: String, value: String)]
    /// The whole body.
    public var body: [UInt8]
    /// The sender, when the HTTP server knows it (a Unix socket's peer, say); `nil` leaves identification to the bearer
    /// secret.
    public var principal: Principal?

    public init(
        method: String, path: String, headers: [(name: String, value: String)], body: [UInt8] = [],
        principal: Principal? = nil
    ) {
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body
        self.principal = principal
    }

    /// Returns all values of a header, without surrounding white space.
    func values(of name: String) -> [String] {
        headers.filter { Self.isSame($0.name, name) }.map { $0.value.trimmedOfSpacesAndTabs }
    }

    /// Returns the value of a header that may occur once; `nil` when it is missing or occurs more than once.
    func value(of name: String) -> String? {
        let all = values(of: name)
        return all.count == 1 ? all[0] : nil
    }

    private static func isSame(_ left: String, _ right: String) -> Bool {
        left.utf8.count == right.utf8.count && left.lowercased() == right.lowercased()
    }
}
