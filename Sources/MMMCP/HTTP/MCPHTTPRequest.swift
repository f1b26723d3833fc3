/// An HTTP request as the engine sees it, whatever server received it.
public struct MCPHTTPRequest: Sendable {
    /// The method, in capitals.
    public var method: String
    /// The path, nothing decoded, without the query.
    public var path: String
    /// The header fields in the order in which they came.
    public var headers: [(name: String, value: String)]
    /// The whole body.
    public var body: [UInt8]
    /// Who sent it, when the server that received it knows (a Unix socket's peer, say); `nil` leaves it to the bearer
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

    /// All values of a header, without outer blanks.
    func values(of name: String) -> [String] {
        headers.filter { Self.isSame($0.name, name) }.map { Self.trimmed($0.value) }
    }

    /// The value of a header that may come once; `nil` when it doesn't come, or comes more than once.
    func value(of name: String) -> String? {
        let all = values(of: name)
        return all.count == 1 ? all[0] : nil
    }

    private static func isSame(_ left: String, _ right: String) -> Bool {
        left.utf8.count == right.utf8.count && left.lowercased() == right.lowercased()
    }

    static func trimmed(_ text: some StringProtocol) -> String {
        var bytes = Array(text.utf8)[...]
        while let last = bytes.last, last == 0x20 || last == 0x09 { bytes.removeLast() }
        while let first = bytes.first, first == 0x20 || first == 0x09 { bytes.removeFirst() }
        return String(decoding: bytes, as: UTF8.self)
    }
}
