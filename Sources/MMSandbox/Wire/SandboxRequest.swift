/// One HTTP request as the sandbox sees it: a value, so that every answer can be computed without a socket.
package struct SandboxRequest: Sendable {
    /// The method in capitals.
    package var method: String
    /// The path as it was sent, still percent-encoded.
    package var path: String
    /// What followed the first `?`, still percent-encoded; empty when there was none.
    package var query: String
    /// Header values under their names in small letters.
    package var headers: [String: String]
    /// The body; empty when there was none.
    package var body: [UInt8]

    /// A request.
    /// - Parameters:
    ///   - method: the method.
    ///   - target: path and query as sent.
    ///   - headers: header values; names in any case.
    ///   - body: the body.
    package init(_ method: String, _ target: String, headers: [String: String] = [:], body: [UInt8] = []) {
        self.method = method.uppercased()
        let mark = target.firstIndex(of: "?")
        self.path = String(target[..<(mark ?? target.endIndex)])
        self.query = mark.map { String(target[target.index(after: $0)...]) } ?? ""
        self.headers = Dictionary(
            headers.map { ($0.key.lowercased(), $0.value) }, uniquingKeysWith: { first, _ in first })
        self.body = body
    }

    /// The fields of an `application/x-www-form-urlencoded` body.
    var form: FormFields { FormFields(parsing: String(decoding: body, as: UTF8.self)) }

    /// The fields of the query.
    var queryFields: FormFields { FormFields(parsing: query) }
}
