public import MMCore
package import MMHTTP

/// What a service answered: the bytes as they came, with what is known about them.
public struct GraphResponse: Sendable {
    /// The status, 200 to 399.
    public let status: Int
    /// The body, unchanged: JSON, a picture, a file.
    public let body: [UInt8]
    let fields: HTTPHeaders

    package init(status: Int, headers: HTTPHeaders, body: [UInt8]) {
        self.status = status
        self.body = body
        fields = headers
    }

    /// A header's value; of several with one name, joined by commas.
    public func header(_ name: String) -> String? { fields[name] }

    /// All headers in the order they came.
    public var headers: [(name: String, value: String)] { fields.map { ($0.name, $0.value) } }

    /// What the body is, without parameters and in lower case: `application/json`, `image/jpeg`.
    public var contentType: String? {
        guard let text = fields["Content-Type"]?.split(separator: ";").first else { return nil }
        return text.trimmed.lowercased()
    }

    /// Whether the body says of itself that it is JSON.
    public var isJSON: Bool {
        guard let contentType else { return false }
        return contentType == "application/json" || contentType.hasSuffix("+json")
    }

    /// The id under which the service's operators find the request.
    public var requestID: String? { fields["request-id"] ?? fields["x-ms-request-id"] }

    /// The version of the object, for `If-Match`; its quotes belong to it.
    public var etag: String? { fields["ETag"] }

    /// The body as a value.
    /// - Throws: `.remoteFailed` when it is no JSON.
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
