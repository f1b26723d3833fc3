public import MMCore
package import MMHTTP

/// A service's response: its bytes as received, and its headers.
public struct GraphResponse: Sendable {
    /// The status, 200 to 399.
    public let status: Int
    /// The body, unchanged: JSON, an image, a file.
    public let body: [UInt8]
    let fields: HTTPHeaders
    /// The rest of a success that is read while it arrives; `body` is then empty.
    let stream: HTTPBody?

    package init(status: Int, headers: HTTPHeaders, body: [UInt8]) {
        self.init(status: status, headers: headers, body: body, stream: nil)
    }

    init(status: Int, headers: HTTPHeaders, body: [UInt8], stream: HTTPBody?) {
        self.status = status
        self.body = body
        self.stream = stream
        fields = headers
    }

    /// Returns a header's value; several headers with one name are joined by commas.
    public func header(_ name: String) -> String? { fields[name] }

    /// All headers in the order received.
    public var headers: [(name: String, value: String)] { fields.map { ($0.name, $0.value) } }

    /// The body's media type, in lower case and without parameters: `application/json`, `image/jpeg`.
    public var contentType: String? {
        guard let text = fields["Content-Type"]?.split(separator: ";").first else { return nil }
        return text.trimmed.lowercased()
    }

    /// Whether the body is declared to be JSON.
    public var isJSON: Bool {
        guard let contentType else { return false }
        return contentType == "application/json" || contentType.hasSuffix("+json")
    }

    /// The request id, by which the service's operators can find the request.
    public var requestID: String? { fields["request-id"] ?? fields["x-ms-request-id"] }

    /// The version of the object including its quotes, for `If-Match`.
    public var etag: String? { fields["ETag"] }

    /// Parses the body as JSON.
    /// - Throws: `.remoteFailed` when it isn't JSON.
    public func json() throws(MMError) -> JSONValue {
        do {
            return try JSONParser.parse(body)
        } catch {
            throw MMError(
                .remoteFailed, "The answer can't be read as JSON: \(error).",
                hint: "Ask for the bytes instead; the service calls them \(contentType ?? "nothing").")
        }
    }
}
